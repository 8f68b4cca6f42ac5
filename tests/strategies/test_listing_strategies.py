"""Strategies for listings, requests and responses."""

from __future__ import annotations

import datetime

import pytest
from botocore.validate import ParamValidator
from drawn import find_one, many, smallest
from hypothesis import given
from hypothesis import strategies as st

from pytest_deadline_sessions import Listing, lifecycle
from pytest_deadline_sessions import strategies as ds
from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions.strategies import _listings


@pytest.mark.at_length
@many
@given(ds.listings())
def test_listings_are_valid(listing):
    """A drawn listing has valid summaries, and its repr evaluates to the same listing."""
    summaries = [*listing.between(0, 3), *listing.between(len(listing) - 3, len(listing))]
    assert [broken for summary in summaries for broken in lifecycle.violations(summary)] == []
    assert len(listing) <= 2000
    assert eval(repr(listing), {"Listing": Listing, "datetime": datetime}) == listing


@pytest.mark.at_length
@many
@given(st.data(), st.integers(0, 250), st.integers(0, 250), st.integers(1, 100))
def test_listings_keep_their_options(data, low, more, max_results):
    """A drawn listing keeps the requested size, statuses and page sizes."""
    statuses = data.draw(st.sets(st.sampled_from(model.enum("SessionLifecycleStatus")), min_size=1))
    cut = data.draw(st.booleans())
    listing = data.draw(
        ds.listings(
            min_sessions=low,
            max_sessions=low + more,
            max_results=max_results,
            page_sizes=cut,
            empty_pages=False,
            statuses=statuses,
        )
    )
    assert low <= len(listing) <= low + more
    assert (listing.page_sizes is not None) == cut
    assert {session["lifecycleStatus"] for session in listing} <= statuses
    if len(listing) and cut:
        assert 0 not in listing.page_sizes


def _sizes(listing):
    return listing.page_sizes or ()


CORNERS = {
    "no sessions": lambda listing: len(listing) == 0 and listing.page_sizes is None,
    "an empty page first": lambda listing: _sizes(listing)[:1] == (0,) and len(listing) > 0,
    "an empty page in the middle": lambda listing: (
        0 in _sizes(listing)[1:-1] and _sizes(listing)[-1] > 0
    ),
    "an empty page last": lambda listing: _sizes(listing)[-1:] == (0,) and len(listing) > 0,
    "two empty pages in a row": lambda listing: (0, 0) in zip(_sizes(listing), _sizes(listing)[1:]),  # noqa: B905
    "only empty pages": lambda listing: len(_sizes(listing)) > 1 and len(listing) == 0,
    "a full page": lambda listing: 100 in _sizes(listing),
    "one session less than a full page": lambda listing: 99 in _sizes(listing),
    "one page": lambda listing: len(_sizes(listing)) == 1 and len(listing) > 1,
    "many pages": lambda listing: len(_sizes(listing)) > 20,
    "exactly one default page": lambda listing: listing.page_sizes is None and len(listing) == 100,
    "one session more than a default page": lambda listing: (
        listing.page_sizes is None and len(listing) == 101
    ),
    "a thousand": lambda listing: len(listing) >= 1000,
    "several statuses": lambda listing: len({status for status, _ in listing.runs}) > 2,
    "equal start times": lambda listing: len(listing) > 1 and not listing.gap,
    "newest first": lambda listing: len(listing) > 1 and listing.order == "newest-first",
    "mixed order": lambda listing: len(listing) > 2 and listing.order == "mixed",
    "several workers": lambda listing: listing.workers > 1,
}


@pytest.mark.at_length
@pytest.mark.parametrize("corner", CORNERS)
def test_listings_reach_every_corner(corner):
    """``listings`` draws each kind of listing that tends to break code."""
    assert CORNERS[corner](find_one(ds.listings(), CORNERS[corner]))


@pytest.mark.at_length
@pytest.mark.parametrize("size", [9, 10, 11, 20])
def test_sizes_are_close_to_max_results(size):
    """``max_results=10`` draws pages and listings of about ten sessions."""
    strategy = ds.listings(max_results=10)
    assert find_one(strategy, lambda listing: len(listing) == size and listing.page_sizes is None)
    if size < 20:
        assert find_one(strategy, lambda listing: size in _sizes(listing))


@pytest.mark.parametrize(
    "shows",
    [
        pytest.param(lambda listing: 6 <= len(listing) <= 20, id="a dozen sessions"),
        pytest.param(
            lambda listing: len(listing.runs) == len(listing) > 4, id="alternating statuses"
        ),
        pytest.param(
            lambda listing: (
                len(set(_sizes(listing))) > 2 and list(_sizes(listing)) == sorted(_sizes(listing))
            ),
            id="growing pages",
        ),
    ],
)
def test_what_independent_draws_rarely_show(shows):
    """Listings of a dozen sessions, statuses that alternate and pages that grow are drawn."""
    assert find_one(ds.listings(max_sessions=200), shows)


@pytest.mark.at_length
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (lambda listing: len(listing) > 1, Listing(page_sizes=(2,))),
        (lambda listing: len(_sizes(listing)) > 1, Listing(page_sizes=(0, 0))),
        (
            lambda listing: _sizes(listing)[:1] == (0,) and len(listing) > 0,
            Listing(page_sizes=(0, 1)),
        ),
        (
            lambda listing: (
                0 in _sizes(listing)[1:-1] and _sizes(listing)[0] and _sizes(listing)[-1]
            ),
            Listing(page_sizes=(1, 0, 1)),
        ),
        (
            lambda listing: "ENDED" in dict(listing.runs),
            Listing(page_sizes=(1,), runs=(("ENDED", 1),)),
        ),
    ],
)
def test_listings_shrink_to_what_a_person_would_write(condition, expected):
    """A listing shrinks to one line without irrelevant arguments."""
    assert smallest(ds.listings(page_sizes=True), condition) == expected


@many
@given(ds.list_sessions_requests())
def test_requests_are_valid(request_):
    """Botocore and the service model accept every drawn request."""
    shape = model.operation_model().input_shape
    assert not ParamValidator().validate(request_, shape).has_errors()
    assert validation.check_request(request_) == []


REQUESTS = {
    "only the ids": lambda request: set(request) == {"farmId", "queueId", "jobId"},
    "maxResults is 1": lambda request: request.get("maxResults") == 1,
    "maxResults is 100": lambda request: request.get("maxResults") == 100,
    "a token": lambda request: bool(request.get("nextToken")),
}


@pytest.mark.parametrize("corner", REQUESTS)
def test_requests_reach_every_corner(corner):
    """Requests are drawn with and without each optional member."""
    assert REQUESTS[corner](find_one(ds.list_sessions_requests(), REQUESTS[corner]))


@given(ds.list_sessions_requests(tokens=False, max_results=False))
def test_requests_without_optional_members(request_):
    """``tokens=False`` and ``max_results=False`` leave out the optional members."""
    assert set(request_) == {"farmId", "queueId", "jobId"}


@pytest.mark.at_length
@many
@given(ds.list_sessions_responses())
def test_responses_are_one_chain(pages):
    """Every page but the last has its own token, and no session occurs twice."""
    for page in pages:
        assert validation.check_response(page) == []
        assert (
            not ParamValidator().validate(page, model.operation_model().output_shape).has_errors()
        )
    tokens = [page.get("nextToken") for page in pages]
    assert tokens[-1] is None
    assert None not in tokens[:-1]
    assert len(set(tokens)) == len(tokens)
    ids = [session["sessionId"] for page in pages for session in page["sessions"]]
    assert len(set(ids)) == len(ids)


def test_responses_of_one_listing():
    """A given listing is cut at its own page sizes and at ``max_results``."""
    listing = Listing(page_sizes=(3, 0, 1))
    pages = find_one(ds.list_sessions_responses(listing=listing, max_results=2), lambda _: True)
    assert [len(page["sessions"]) for page in pages] == [2, 1, 0, 1]
    drawn = ds.list_sessions_responses(listing=st.just(listing))
    assert [len(page["sessions"]) for page in find_one(drawn, lambda _: True)] == [3, 0, 1]


@given(st.data())
def test_a_drawn_response_can_be_changed(data):
    """Changing a drawn response does not change the next example."""
    pages = data.draw(ds.list_sessions_responses(listing=Listing(page_sizes=(1, 1))))
    assert [len(page["sessions"]) for page in pages] == [1, 1]
    pages[0]["sessions"].clear()


@pytest.mark.parametrize(
    ("sizes", "low", "high", "empty_pages", "expected"),
    [
        ([3, 4], 0, 9, False, ((3, 4), 7)),
        ([3, 4], 0, 5, False, ((3, 2), 5)),
        ([3, 0, 4], 0, 3, False, ((3,), 3)),
        ([3, 0, 4], 0, 3, True, ((3, 0, 0), 3)),
        ([3], 250, 300, False, ((3, 100, 100, 47), 250)),
        ([], 0, 0, False, ((0,), 0)),
    ],
)
def test_pages_that_fit(sizes, low, high, empty_pages, expected):
    """Pages are cut or added until the listing's size is within its bounds."""
    assert _listings._fitted(sizes, low, high, empty_pages) == expected


def test_listings_of_some_statuses():
    """``statuses=`` limits the statuses of the drawn sessions."""
    listing = smallest(ds.listings(statuses=["ENDED"]), lambda listing: len(listing) == 2)
    assert [session["lifecycleStatus"] for session in listing] == ["ENDED", "ENDED"]
