"""What the modules with wrong collectors share, and all of them by name."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)


WRONG: dict = {}


def wrong(why):
    def register(function):
        assert function.__name__ not in WRONG, function.__name__
        WRONG[function.__name__] = (function, why)
        return function

    return register


def code_of(error):
    return error.response.get("Error", {}).get("Code", "")


def _all(client, job):
    for page in client.get_paginator("list_sessions").paginate(**job):
        yield from page["sessions"]


def follow(client, job, change, **first):
    """Pages with a token passed through `change`."""
    page = client.list_sessions(**job, **first)
    out = list(page["sessions"])
    while page.get("nextToken"):
        page = client.list_sessions(**job, nextToken=change(page["nextToken"]), **first)
        out.extend(page["sessions"])
    return out
