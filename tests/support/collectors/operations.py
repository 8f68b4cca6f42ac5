"""Right collectors of any paginated operation."""

from __future__ import annotations

import botocore

from pytest_deadline_sessions._contract.target import target_of


def pages(operation, client, ids, **more):
    """The pages of an operation."""
    return client.get_paginator(botocore.xform_name(operation)).paginate(**ids, **more)


def collector(operation):
    """Return a right collector of an operation."""
    key = target_of(operation).result_key
    return lambda client, **ids: [
        each for page in pages(operation, client, ids) for each in page[key]
    ]
