"""``assert_complete_listing`` accepts a listing in every supported form."""

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
    """A complete listing passes, whatever form the result has."""
    pages = listing.pages(3)
    got = {
        "list": list(listing),
        "ids": [session["sessionId"] for session in listing],
        "generator": (session for session in listing),
        "dict": {"sessions": list(listing)},
        "pages": ({"sessions": page, "nextToken": "x"} for page in pages),
        "objects": [Page(page) for page in pages],
        "object": Page(list(listing)),
    }[shape]
    assert_complete_listing(got, listing)
