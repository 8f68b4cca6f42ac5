"""Listings in any shape, held against assert_complete_listing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from pytest_deadline_sessions import (
    Page,
    assert_complete_listing,
)
from pytest_deadline_sessions import strategies as ds


@pytest.mark.parametrize(
    "shape", ["list", "ids", "generator", "dict", "pages", "objects", "object"]
)
@settings(deadline=None)
@given(listing=ds.listings(max_sessions=30, max_results=3))
def test_listings_in_every_shape(shape, listing):
    """However somebody holds a listing, it is complete if every session is there in order."""
    pages = listing.pages(3)
    got = {
        "list": list(listing),
        "ids": [one["sessionId"] for one in listing],
        "generator": (one for one in listing),
        "dict": {"sessions": list(listing)},
        "pages": ({"sessions": page, "nextToken": "x"} for page in pages),
        "objects": [Page(page) for page in pages],
        "object": Page(list(listing)),
    }[shape]
    assert_complete_listing(got, listing)
