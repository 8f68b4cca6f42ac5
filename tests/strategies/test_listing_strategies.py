"""Listings, requests and responses that strategies draw."""

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
def test_listings_hold_what_the_service_could_list(listing):
    """Every summary is valid, ids are unique, and the repr makes the same listing again."""
    some = [*listing.between(0, 3), *listing.between(len(listing) - 3, len(listing))]
    assert [broken for one in some for broken in lifecycle.violations(one)] == []
    assert len(listing) <= 2000
    assert eval(repr(listing), {"Listing": Listing, "datetime": datetime}) == listing


@pytest.mark.at_length
@many
@given(st.data(), st.integers(0, 250), st.integers(0, 250), st.integers(1, 100))
def test_listings_keep_their_options(data, low, more, max_results):
    """Count, cuts and statuses are as asked for."""
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
    assert {one["lifecycleStatus"] for one in listing} <= statuses
    if len(listing) and cut:
        assert 0 not in listing.page_sizes


def _sizes(listing):
    return listing.page_sizes or ()


CORNERS = {
    "nothing": lambda one: len(one) == 0 and one.page_sizes is None,
    "an empty page first": lambda one: _sizes(one)[:1] == (0,) and len(one) > 0,
    "an empty page in the middle": lambda one: 0 in _sizes(one)[1:-1] and _sizes(one)[-1] > 0,
    "an empty page last": lambda one: _sizes(one)[-1:] == (0,) and len(one) > 0,
    "two empty pages in a row": lambda one: (0, 0) in zip(_sizes(one), _sizes(one)[1:]),  # noqa: B905
    "only empty pages": lambda one: len(_sizes(one)) > 1 and len(one) == 0,
    "a full page": lambda one: 100 in _sizes(one),
    "one less": lambda one: 99 in _sizes(one),
    "one page": lambda one: len(_sizes(one)) == 1 and len(one) > 1,
    "many pages": lambda one: len(_sizes(one)) > 20,
    "exactly a page": lambda one: one.page_sizes is None and len(one) == 100,
    "one more than a page": lambda one: one.page_sizes is None and len(one) == 101,
    "a thousand": lambda one: len(one) >= 1000,
    "several statuses": lambda one: len({status for status, _ in one.runs}) > 2,
    "ties": lambda one: len(one) > 1 and not one.gap,
    "newest first": lambda one: len(one) > 1 and one.order == "newest-first",
    "mixed": lambda one: len(one) > 2 and one.order == "mixed",
    "several workers": lambda one: one.workers > 1,
}


@pytest.mark.at_length
@pytest.mark.parametrize("corner", CORNERS)
def test_listings_reach_every_corner(corner):
    """Where the code of people breaks."""
    assert CORNERS[corner](find_one(ds.listings(), CORNERS[corner]))


@pytest.mark.at_length
@pytest.mark.parametrize("size", [9, 10, 11, 20])
def test_sizes_lie_around_max_results(size):
    """A code under test that asks for ten meets a page more or less, as page and as listing."""
    strategy = ds.listings(max_results=10)
    assert find_one(strategy, lambda one: len(one) == size and one.page_sizes is None)
    if size < 20:
        assert find_one(strategy, lambda one: size in _sizes(one))


@pytest.mark.at_length
@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        (lambda one: len(one) > 1, Listing(page_sizes=(2,))),
        (lambda one: len(_sizes(one)) > 1, Listing(page_sizes=(0, 0))),
        (lambda one: _sizes(one)[:1] == (0,) and len(one) > 0, Listing(page_sizes=(0, 1))),
        (
            lambda one: 0 in _sizes(one)[1:-1] and _sizes(one)[0] and _sizes(one)[-1],
            Listing(page_sizes=(1, 0, 1)),
        ),
        (lambda one: "ENDED" in dict(one.runs), Listing(page_sizes=(1,), runs=(("ENDED", 1),))),
    ],
)
def test_listings_shrink_to_what_a_person_would_write(condition, wanted):
    """One line, nothing in it that does not matter."""
    assert smallest(ds.listings(page_sizes=True), condition) == wanted


@many
@given(ds.list_sessions_requests())
def test_requests_are_valid(request_):
    """Botocore and the service model agree."""
    shape = model.operation_model().input_shape
    assert not ParamValidator().validate(request_, shape).has_errors()
    assert validation.check_request(request_) == []


REQUESTS = {
    "none but the ids": lambda one: set(one) == {"farmId", "queueId", "jobId"},
    "one at a time": lambda one: one.get("maxResults") == 1,
    "as many as may be": lambda one: one.get("maxResults") == 100,
    "a token": lambda one: bool(one.get("nextToken")),
}


@pytest.mark.parametrize("corner", REQUESTS)
def test_requests_reach_every_corner(corner):
    """With and without each optional member."""
    assert REQUESTS[corner](find_one(ds.list_sessions_requests(), REQUESTS[corner]))


@given(ds.list_sessions_requests(tokens=False, max_results=False))
def test_requests_without_what_is_not_wanted(request_):
    """The options leave members out."""
    assert set(request_) == {"farmId", "queueId", "jobId"}


@pytest.mark.at_length
@many
@given(ds.list_sessions_responses())
def test_responses_are_one_chain(pages):
    """Valid pages, a token of its own in each but the last, no session twice."""
    for page in pages:
        assert validation.check_response(page) == []
        assert (
            not ParamValidator().validate(page, model.operation_model().output_shape).has_errors()
        )
    tokens = [page.get("nextToken") for page in pages]
    assert tokens[-1] is None
    assert None not in tokens[:-1]
    assert len(set(tokens)) == len(tokens)
    ids = [one["sessionId"] for page in pages for one in page["sessions"]]
    assert len(set(ids)) == len(ids)


def test_responses_of_one_listing():
    """A given listing is cut where it says, or by max_results."""
    listing = Listing(page_sizes=(3, 0, 1))
    pages = find_one(ds.list_sessions_responses(listing=listing, max_results=2), lambda _: True)
    assert [len(page["sessions"]) for page in pages] == [2, 1, 0, 1]
    drawn = ds.list_sessions_responses(listing=st.just(listing))
    assert [len(page["sessions"]) for page in find_one(drawn, lambda _: True)] == [3, 0, 1]


@given(st.data())
def test_a_drawn_list_can_be_changed(data):
    """What a test does to one example is not seen by the next."""
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
    """They get smaller, or more are added, until the listing has as many sessions as it may."""
    assert _listings._fitted(sizes, low, high, empty_pages) == expected


def test_listings_of_some_statuses():
    """They have no other."""
    listing = smallest(ds.listings(statuses=["ENDED"]), lambda listing: len(listing) == 2)
    assert [session["lifecycleStatus"] for session in listing] == ["ENDED", "ENDED"]
