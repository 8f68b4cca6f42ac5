from __future__ import annotations

import datetime
import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_deadline_sessions import lifecycle
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._api.placeholders import EPOCH
from pytest_deadline_sessions._domain.layout import Cut
from pytest_deadline_sessions._domain.listing import GAP, Listing, Page

STATUSES = model.enum("SessionLifecycleStatus")
NONE = datetime.timedelta(0)
TWO_ENDED = Listing(page_sizes=(1, 1), runs=(("ENDED", 2),))

runs = st.lists(st.tuples(st.sampled_from(STATUSES), st.integers(0, 4)), max_size=4).map(tuple)
sizes = st.lists(st.integers(0, 5), min_size=1, max_size=5).map(tuple)


@st.composite
def listings(draw):
    """Small listings of every kind: with or without page sizes, generated or given."""
    options = {
        "first": draw(st.integers(0, 3)),
        "gap": draw(st.sampled_from([NONE, GAP])),
        "order": draw(st.sampled_from(["oldest-first", "newest-first", "mixed"])),
        "workers": draw(st.integers(1, 3)),
    }
    if draw(st.booleans()):
        listing = Listing(page_sizes=draw(sizes), **options)
    else:
        listing = Listing(runs=draw(runs), **options)
    if draw(st.booleans()):
        listing = Listing.of(listing, listing.page_sizes)
    return listing


def _spans(listing, limit, page_size, total):
    """Return start and stop of every page of a listing."""
    spans, cut = [], Cut(0, 0)
    while cut is not None:
        start, stop, cut = listing.cut(cut, limit, page_size, total)
        spans.append((start, stop))
        assert len(spans) <= total + len(listing.page_sizes or ()) + 1, "it never ends"
    return spans


@given(
    listing=listings(),
    limit=st.integers(1, 6),
    page_size=st.integers(1, 6),
    added=st.integers(0, 7),
)
@example(listing=Listing(page_sizes=(3,)), limit=3, page_size=1, added=0)
@example(listing=Listing(page_sizes=(0, 2, 0)), limit=1, page_size=1, added=1)
def test_pages_cover_the_listing(listing, limit, page_size, added):
    """Pages cover all sessions without gap or overlap, and keep to the limits."""
    total = len(listing) + added
    spans = _spans(listing, limit, page_size, total)
    assert spans[0][0] == 0
    assert spans[-1][1] == total
    assert all(before[1] == after[0] for before, after in itertools.pairwise(spans))
    assert all(0 <= stop - start <= limit for start, stop in spans)
    assert all(stop - start <= page_size for start, stop in spans if start >= len(listing))


@given(runs=runs, limit=st.integers(1, 6), page_size=st.integers(1, 6))
def test_pages_without_page_sizes(runs, limit, page_size):
    """Without ``page_sizes`` every page but the last has as many sessions as the limits allow."""
    count = sum(number for _, number in runs)
    full, rest = divmod(count, min(limit, page_size))
    lengths = [stop - start for start, stop in _spans(Listing(runs=runs), limit, page_size, count)]
    assert lengths == [min(limit, page_size)] * full + [rest] * (rest > 0 or not full)


@given(sizes=sizes, limit=st.integers(1, 6), page_size=st.integers(1, 6))
def test_pages_with_page_sizes(sizes, limit, page_size):
    """``page_sizes`` are kept, empty pages included; a page over the limit is split."""
    expected = []
    for size in sizes:
        full, rest = divmod(size, limit)
        expected += [limit] * full + [rest] * (rest > 0 or not full)
    spans = _spans(Listing(page_sizes=sizes), limit, page_size, sum(sizes))
    assert [stop - start for start, stop in spans] == expected


def test_added_sessions_have_their_own_pages():
    """Sessions added later get new pages, as long as the service's page size."""
    assert _spans(Listing(page_sizes=(1, 2)), 100, 2, 6) == [(0, 1), (1, 3), (3, 5), (5, 6)]


@given(listing=listings(), page_size=st.integers(1, 6))
def test_pages_hold_the_summaries(listing, page_size):
    """``pages`` cuts the summaries of the listing as the service does."""
    pages = listing.pages(page_size)
    spans = _spans(listing, page_size, page_size, len(listing))
    assert [len(page) for page in pages] == [stop - start for start, stop in spans]
    assert list(itertools.chain(*pages)) == list(listing)


def test_pages_hold_a_hundred_by_default():
    """By default ``pages`` gives pages of up to 100 summaries."""
    assert [len(page) for page in Listing(runs=(("STARTED", 201),)).pages()] == [100, 100, 1]


@given(listing=listings(), start=st.integers(0, 20), stop=st.integers(0, 20))
def test_between_is_a_slice(listing, start, stop):
    """``between`` gives the same summaries as a slice of the whole listing."""
    assert list(listing.between(start, stop)) == list(listing)[start:stop]


@given(listings())
def test_a_listing_is_a_sequence(listing):
    """Length, iteration, and positive and negative indices agree."""
    summaries = list(listing)
    count = len(listing)
    assert len(summaries) == count
    assert [listing[place] for place in range(count)] == summaries
    assert [listing[place - count] for place in range(count)] == summaries


@pytest.mark.parametrize("index", [2, -3])
def test_an_index_out_of_range(index):
    """The IndexError gives the number of sessions."""
    with pytest.raises(IndexError) as caught:
        TWO_ENDED[index]
    assert str(caught.value) == f"index {index} (expected one of 2 sessions)"


@given(listings())
def test_summaries_of_a_listing_are_valid(listing):
    """Every summary of a listing is valid, and every session id is unique."""
    assert [lifecycle.violations(summary) for summary in listing] == [[]] * len(listing)
    assert len({summary["sessionId"] for summary in listing}) == len(listing)


@given(runs)
def test_runs_give_the_statuses(runs):
    """Each run gives its status to that many consecutive sessions."""
    expected = [status for status, count in runs for _ in range(count)]
    assert [summary["lifecycleStatus"] for summary in Listing(runs=runs)] == expected


def test_without_runs_every_session_is_started():
    """``page_sizes`` without ``runs`` gives STARTED sessions; without both a listing is empty."""
    statuses = [summary["lifecycleStatus"] for summary in Listing(page_sizes=(1, 0, 2))]
    assert statuses == ["STARTED"] * 3
    assert list(Listing()) == []
    assert Listing().pages() == [[]]


@pytest.mark.parametrize(
    ("order", "gaps"),
    [
        ("oldest-first", [0, 1, 2, 3, 4, 5, 6]),
        ("newest-first", [6, 5, 4, 3, 2, 1, 0]),
        ("mixed", [0, 6, 1, 5, 2, 4, 3]),
    ],
)
def test_starts(order, gaps):
    """Sessions start one gap apart, and are listed in the given order."""
    listing = Listing(page_sizes=(7,), order=order, gap=2 * GAP)
    assert [(summary["startedAt"] - EPOCH) / (2 * GAP) for summary in listing] == gaps


def test_the_defaults_are_a_minute_apart():
    """By default sessions start a minute apart, from 9:00 on 2025-01-01."""
    start = datetime.datetime(2025, 1, 1, 9, tzinfo=datetime.timezone.utc)
    minutes = [start, start + datetime.timedelta(minutes=1)]
    assert [summary["startedAt"] for summary in Listing(page_sizes=(2,))] == minutes


def test_no_gap_makes_ties():
    """With a gap of zero all sessions start at the same time."""
    assert {summary["startedAt"] for summary in Listing(page_sizes=(3,), gap=NONE)} == {EPOCH}


def test_a_summary_of_each_status():
    """Each status has exactly the members that belong to it."""
    zone = datetime.timezone(datetime.timedelta(hours=2))
    listing = Listing(
        runs=tuple((status, 1) for status in STATUSES),
        first=10,
        started_at=datetime.datetime(2030, 1, 1, 14, tzinfo=zone),
        workers=2,
    )
    noon = datetime.datetime(2030, 1, 1, 12, tzinfo=datetime.timezone.utc)
    minute = datetime.timedelta(minutes=1)
    end_request = {
        "targetLifecycleStatus": "ENDED",
        "updatedBy": "arn:aws:sts::111122223333:assumed-role/Artist/alex",
    }
    expected = [
        {
            "sessionId": model.make_id("SessionId", 10 + place),
            "fleetId": model.make_id("FleetId", 1),
            "workerId": model.make_id("WorkerId", worker),
            "startedAt": noon + place * minute,
            "lifecycleStatus": status,
        }
        for place, (status, worker) in enumerate(zip(STATUSES, [1, 2, 1, 2, 1], strict=True))
    ]
    for place in (1, 2, 3):
        expected[place] |= {**end_request, "updatedAt": noon + (place + 10) * minute}
    expected[4]["endedAt"] = noon + 34 * minute
    assert list(listing) == expected
    assert listing[0]["startedAt"].tzinfo is datetime.timezone.utc


@given(listings())
def test_position(listing):
    """``position`` gives the index of a session."""
    ids = [summary["sessionId"] for summary in listing]
    assert [listing.position(session_id) for session_id in ids] == list(range(len(listing)))


@pytest.mark.parametrize("listing", [Listing(page_sizes=(2,), first=5), Listing.of(TWO_ENDED)])
@pytest.mark.parametrize(
    "session_id",
    [
        model.make_id("SessionId", 0),
        model.make_id("SessionId", 4),
        model.make_id("SessionId", 7),
        model.make_id("WorkerId", 5),
        "session-5",
        "",
    ],
)
def test_position_of_an_unknown_id(listing, session_id):
    """``position`` gives None for an id that is not in the listing."""
    assert listing.position(session_id) is None


@given(one=listings(), other=listings())
@example(Listing(page_sizes=(2,), first=1), Listing(page_sizes=(2,), first=3))
@example(Listing(page_sizes=(2,), first=1), Listing(page_sizes=(2,), first=2))
def test_overlap(one, other):
    """``overlap`` gives the id of a session that is in both listings, or None."""
    both = {session["sessionId"] for session in one} & {session["sessionId"] for session in other}
    assert one.overlap(other) in (both or {None})


def test_large_listings_cost_nothing_until_served():
    """Length, index, position, overlap and cut of a listing of 2 · 10¹² sessions are immediate."""
    vast = Listing(runs=(("STARTED", 10**12), ("ENDED", 10**12)), gap=NONE)
    assert len(vast) == 2 * 10**12
    assert vast[-1]["sessionId"] == model.make_id("SessionId", 2 * 10**12)
    assert [summary["lifecycleStatus"] for summary in vast.between(10**12 - 1, 10**12 + 1)] == [
        "STARTED",
        "ENDED",
    ]
    assert vast.position(model.make_id("SessionId", 10**12)) == 10**12 - 1
    assert vast.overlap(Listing(page_sizes=(1,), first=10**12)) is not None
    assert vast.cut(Cut(0, 10**12), 10, 100, len(vast)) == (
        10**12,
        10**12 + 10,
        Cut(0, 10**12 + 10),
    )


@pytest.mark.parametrize("listing", [TWO_ENDED, Listing.of(TWO_ENDED)])
def test_summaries_are_new_dicts(listing):
    """Changing a returned summary does not change the listing."""
    listing[0]["sessionId"] = "changed"
    next(listing.between(0, 1)).clear()
    next(iter(listing)).clear()
    assert list(listing) == list(TWO_ENDED)


def test_given_summaries_are_copied():
    """Changing a given summary afterwards does not change the listing."""
    summary = TWO_ENDED[0]
    listing = Listing.of([summary])
    summary.clear()
    assert list(listing) == [TWO_ENDED[0]]


def test_summaries_may_come_from_a_generator():
    """Summaries and page sizes may be given as generators."""
    listing = Listing.of((summary for summary in TWO_ENDED), (size for size in (1, 1)))
    assert [list(page) for page in listing.pages()] == [[TWO_ENDED[0]], [TWO_ENDED[1]]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3,), "sessions=3 (expected a sequence of session summaries)"),
        (("ab",), "sessions='ab' (expected a sequence of session summaries)"),
        (([3],), "sessions[0]=3 (expected a session summary, a dict)"),
        (((), 3), "next_token=3 (expected a string or None)"),
    ],
)
def test_impossible_pages_are_refused(arguments, message):
    """A page of anything but summaries and a token is refused when it is made."""
    with pytest.raises(TypeError) as caught:
        Page(*arguments)
    assert str(caught.value) == message


def test_sessions_of_a_page():
    """A page keeps a given list or tuple, and makes a tuple of anything else."""
    listed = list(TWO_ENDED)
    assert Page(listed).sessions is listed
    assert Page(iter(listed)).sessions == Page(TWO_ENDED).sessions == tuple(listed)


def test_response_of_a_page():
    """``Page.response`` gives new dicts, and a token only if the page has one."""
    summary = TWO_ENDED[0]
    page = Page((summary,), "token")
    assert page.response() == {"sessions": [summary], "nextToken": "token"}
    page.response()["sessions"][0].clear()
    assert page.response()["sessions"] == [TWO_ENDED[0]]
    assert Page((summary,), "").response()["nextToken"] == ""
    assert Page().response() == {"sessions": []}
