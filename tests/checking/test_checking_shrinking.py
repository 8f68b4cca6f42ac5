"""A failing case is shrunk until no part of it can be left out."""

from __future__ import annotations

import datetime
import itertools
import math

import hypothesis
import pytest
from collectors.wrong import every, pages_of
from hypothesis import settings
from hypothesis import strategies as st

from pytest_deadline_sessions import Behavior, Listing, PaginationViolation, check_pagination
from pytest_deadline_sessions.checking import VARIATIONS, Case, Lapse, _search
from pytest_deadline_sessions.checking._edge_cases import simplest
from pytest_deadline_sessions.checking._listing_moves import without_pages
from pytest_deadline_sessions.checking._shrink import MOST_STEPS, moves, smallest
from pytest_deadline_sessions.checking._strategies import cases
from pytest_deadline_sessions.checking._trial import Trial

RUNS = (("STARTED", 20), ("ENDED", 41), ("UPDATE_FAILED", 2), ("STARTED", 30))
EVERYTHING = Case(
    Listing(
        page_sizes=(3, 0, 50, 40),
        runs=RUNS,
        started_at=datetime.datetime(2025, 3, 1, tzinfo=datetime.timezone.utc),
        gap=datetime.timedelta(0),
        order="mixed",
        workers=3,
    ),
    Behavior(page_size=7, token_length=4096, null_final_token=True),
    lapses=(Lapse("ThrottlingException", 3, times=5), Lapse("ReadTimeoutError", 1)),
    expiries=(1, 2, 3),
    always_expired=True,
    drift=((1, "start"), (2, "end"), (3, "end")),
    sequence="twice",
)
UNCUT = Case(Listing(runs=RUNS))


@pytest.mark.parametrize(
    ("case", "breaks", "expected"),
    [
        (EVERYTHING, lambda _: True, Case(Listing(page_sizes=(1,)))),
        (UNCUT, lambda _: True, Case(Listing())),
        (UNCUT, lambda case: len(case.listing) > 4, Case(Listing(runs=(("STARTED", 5),)))),
        (
            UNCUT,
            lambda case: any(session["lifecycleStatus"] == "ENDED" for session in case.listing),
            Case(Listing(runs=(("ENDED", 1),))),
        ),
        (
            EVERYTHING,
            lambda case: 0 in case.listing.page_sizes[:-1],
            Case(Listing(page_sizes=(0, 1))),
        ),
        (
            EVERYTHING,
            lambda case: max(case.listing.page_sizes) > 10,
            Case(Listing(page_sizes=(11,))),
        ),
        (
            EVERYTHING,
            lambda case: case.listing.gap != datetime.timedelta(minutes=1),
            Case(Listing(page_sizes=(1,), gap=datetime.timedelta(0))),
        ),
        (
            EVERYTHING,
            lambda case: case.behavior.token_length > 100,
            Case(Listing(page_sizes=(1,)), Behavior(token_length=4096)),
        ),
        (
            EVERYTHING,
            lambda case: any(lapse.fault == "ThrottlingException" for lapse in case.lapses),
            Case(Listing(page_sizes=(1,)), lapses=(Lapse("ThrottlingException"),)),
        ),
        (
            EVERYTHING,
            lambda case: 2 in case.expiries,
            Case(Listing(page_sizes=(1,)), expiries=(2,)),
        ),
        (
            EVERYTHING,
            lambda case: (3, "end") in case.drift,
            Case(Listing(page_sizes=(1,)), drift=((3, "end"),)),
        ),
        (
            EVERYTHING,
            lambda case: case.sequence == "twice" and case.always_expired,
            Case(Listing(page_sizes=(1,)), sequence="twice", always_expired=True),
        ),
    ],
)
def test_only_what_matters_is_left(case, breaks, expected):
    """The smallest case has only what makes it fail, and each part is as small as possible."""
    shrunk = smallest(case, breaks)
    assert shrunk == expected
    assert repr(shrunk) == repr(expected)


def test_a_case_that_cannot_be_simplified_stays():
    """A case whose simpler cases all pass is already the smallest."""
    assert smallest(EVERYTHING, lambda case: case == EVERYTHING) == EVERYTHING


def test_tries_are_bounded():
    """Shrinking tries no case twice and at most ``MOST_STEPS`` cases, however large the case is."""
    big = Case(Listing(page_sizes=tuple(range(1, 101))))
    for answer, most in ((True, 10), (False, MOST_STEPS)):
        tried = []
        smallest(big, lambda case, tried=tried, answer=answer: bool(tried.append(case)) or answer)
        assert len(tried) <= most
        assert len(set(tried)) == len(tried)
    assert len(tried) == MOST_STEPS


@pytest.mark.at_length
@settings(max_examples=60, database=None, deadline=None)
@hypothesis.given(cases())
def test_every_move_gives_a_simpler_case(case):
    """Every move gives a simpler case, so shrinking ends."""
    for move in moves(case):
        for simpler in (move.to(move.most), move.to(1)):
            assert simpler != case
            assert weight(simpler) < weight(case)


@pytest.mark.parametrize("sessions", [1, 100])
def test_a_single_page_is_not_left_out(sessions):
    """``without_pages`` proposes nothing for a listing that fits in one page."""
    assert list(without_pages(Listing(runs=(("ENDED", sessions),)), 100)) == []


def weight(case):
    """Return the size of a case; the smaller, the simpler. Sessions in later pages weigh less."""
    listing, plain = case.listing, Listing()
    behavior = case.behavior
    return (
        (case.sequence != "once")
        + sum(2 + lapse.after + (lapse.times or 0) for lapse in case.lapses)
        + sum(case.expiries)
        + case.always_expired
        + sum(4 + drift[0] + len(drift) for drift in case.drift)
        + sum(getattr(behavior, name) != value for name, value in vars(Behavior()).items())
        + (behavior.page_size if behavior.page_size != Behavior().page_size else 0)
        + len(listing)
        + len(listing.page_sizes or ())
        + sum(count for status, count in listing.runs if status != "STARTED")
        + listing.workers
        + sum(
            getattr(listing, name) != getattr(plain, name)
            for name in ("started_at", "gap", "order")
        ),
        listing.page_sizes or (),
    )


@pytest.mark.parametrize("sizes", [None, (1, 1, 1)])
def test_given_summaries_become_a_shape(sizes):
    """Given summaries shrink to a shape, or to fewer summaries if those matter."""
    given = Listing.of(Listing(page_sizes=(3,)), sizes)
    shape = Listing(page_sizes=sizes) if sizes else Listing(runs=(("STARTED", 3),))
    simplest = next(moves(Case(given)))
    assert simplest.to(simplest.most) == Case(shape)
    assert len(smallest(Case(given), lambda case: case.listing.given is not None).listing) == 1


def test_given_summaries_that_no_shape_can_hold_stay_given():
    """Summaries with a status that this botocore does not know stay given summaries."""
    newer = [dict(session, lifecycleStatus="NEWER") for session in Listing(page_sizes=(2,))]
    simplest = smallest(Case(Listing.of(newer, strict=False)), lambda case: len(case.listing) > 0)
    assert list(simplest.listing) == newer[1:]


def sizes(case):
    """Return the page sizes of a case."""
    return case.listing.page_sizes or ()


def served(case):
    """Return the sizes of the pages that the service cuts."""
    most = case.behavior.page_size
    return [stop - start for start, stop, _ in case.listing.cuts(most, most)]


def statuses(case):
    """Return the statuses of the sessions, in order."""
    return [session["lifecycleStatus"] for session in case.listing]


def smallest_of(case, breaks):
    """Return the smallest failing case, and assert that it took at most ``MOST_STEPS``."""
    tried = []
    assert breaks(case)
    shrunk = smallest(case, lambda other: bool(tried.append(other)) or breaks(other))
    assert len(tried) <= MOST_STEPS
    return shrunk


def cut(*page_sizes, **options):
    """Return a case of a listing with these page sizes."""
    return Case(Listing(page_sizes=page_sizes, **options))


def steps(most):
    """Draw a step and a rest that it can leave."""
    return st.integers(2, most).flatmap(
        lambda step: st.tuples(st.just(step), st.integers(0, step - 1))
    )


@pytest.mark.at_length
@settings(max_examples=40, database=None, deadline=None)
@hypothesis.given(
    steps(40),
    st.integers(1, 60),
    st.integers(0, 100),
    st.sampled_from([None, 0, -1]),
    st.data(),
)
def test_counts_in_steps(step, above, more, ended, data):
    """A count that fails only every few sessions shrinks to the smallest such count."""
    step, rest = step
    least = next(count for count in range(above, above + step) if count % step == rest)
    count = least + more // step * step
    runs = (("ENDED", count),)
    if ended is not None and count > 1:
        runs = (("ENDED", 1), ("STARTED", count - 1))[:: 1 if ended == 0 else -1]
    first = data.draw(st.integers(max(count - 100, 0), min(count, 100)))
    page_sizes = data.draw(st.sampled_from([None, (first, count - first)]))

    def breaks(case):
        sessions = len(case.listing)
        enough = sessions >= above and sessions % step == rest
        return enough and statuses(case)[ended or 0] == "ENDED"

    smaller = smallest_of(Case(Listing(page_sizes=page_sizes, runs=runs)), breaks)
    assert len(smaller.listing) == least
    assert statuses(smaller).count("ENDED") == 1


@pytest.mark.at_length
@settings(max_examples=40, database=None, deadline=None)
@hypothesis.given(steps(20), st.integers(1, 30), st.integers(0, 200), st.integers(1, 3))
def test_numbers_of_pages_in_steps(step, above, more, size):
    """A number of pages that fails only every few pages shrinks to the smallest such number."""
    step, rest = step
    least = next(count for count in range(above, above + step) if count % step == rest)

    def breaks(case):
        return len(sizes(case)) >= above and len(sizes(case)) % step == rest

    pages = [size] * (least + more // step * step)
    assert smallest_of(cut(*pages), breaks) == cut(*[1] * least)


@pytest.mark.at_length
@settings(max_examples=40, database=None, deadline=None)
@hypothesis.given(
    st.lists(st.integers(1, 4), min_size=2, max_size=3),
    st.integers(1, 4),
    st.integers(1, 8),
    st.booleans(),
)
def test_runs_in_proportion(parts, least, more, in_a_page):
    """Runs of statuses with fixed ratios shrink as far as the ratios allow."""
    names = ("ENDED", "STARTED", "UPDATE_FAILED")[: len(parts)]
    scale = math.gcd(*parts)

    def counts(factor):
        return [part // scale * factor for part in parts]

    def breaks(case):
        found = [statuses(case).count(name) for name in names]
        return any(found == counts(factor) for factor in range(least, 100))

    runs = tuple(zip(names, counts(least + more), strict=True))
    total = sum(count for _, count in runs)
    hypothesis.assume(total <= 100)
    start = Case(Listing(page_sizes=(total,) if in_a_page else None, runs=runs))
    assert len(smallest_of(start, breaks).listing) == sum(counts(least))


@pytest.mark.at_length
@settings(max_examples=40, database=None, deadline=None)
@hypothesis.given(
    st.integers(2, 6),
    st.integers(1, 60),
    st.integers(0, 40),
    st.lists(st.integers(0, 9)),
    st.data(),
)
def test_equal_pages(count, least, more, others, data):
    """Consecutive pages that must be equal shrink together, also if a status must stay."""
    pages = [*others, *[least + more] * count, *reversed(others)]
    ended = data.draw(st.none() | st.integers(0, sum(pages) - 1))
    runs = ()
    if ended is not None:
        runs = (("STARTED", ended), ("ENDED", 1), ("STARTED", sum(pages) - ended - 1))

    def breaks(case):
        rows = [list(same) for _, same in itertools.groupby(sizes(case))]
        equal = any(len(row) >= count and row[0] >= least for row in rows)
        return equal and (ended is None or "ENDED" in statuses(case))

    start = cut(*pages, runs=tuple(run for run in runs if run[1]))
    smaller = smallest_of(start, breaks)
    if ended is not None:
        # A page of its own may hold the session that ended.
        assert sum(sizes(smaller)) <= least * count + 1
    else:
        assert smaller == cut(*[least] * count)


@pytest.mark.parametrize("page_size", [7, 50])
def test_pages_that_the_service_cuts(page_size):
    """Page sizes above the service's own shrink as the pages that are served."""

    def breaks(case):
        pages = served(case)
        return sum(pages.count(size) >= 2 for size in set(pages) if size > 3) > 1

    start = Case(Listing(page_sizes=(43, 43, 9, 82, 53, 24, 89, 65)), Behavior(page_size=page_size))
    smaller = smallest_of(start, breaks)
    assert smaller.behavior == Behavior()
    assert sorted(sizes(smaller)) == [4, 4, 5, 5]


@pytest.mark.parametrize(("ended", "more"), [(198, 1), (109, 90), (0, 199)])
def test_pages_of_the_service_with_a_status(ended, more):
    """Pages that only the service cuts shrink together, also if a status must stay."""

    def breaks(case):
        equal = any(size == following > 3 for size, following in itertools.pairwise(served(case)))
        return equal and "ENDED" in statuses(case)

    runs = (("STARTED", ended), ("ENDED", 1), ("STARTED", more))
    behavior = Behavior(token_length=256, null_final_token=True)
    start = Case(Listing(runs=tuple(run for run in runs if run[1]), workers=4), behavior)
    assert len(smallest_of(start, breaks).listing) == 8


@pytest.mark.at_length
@settings(max_examples=40, database=None, deadline=None)
@hypothesis.given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 10))
def test_proportions_and_differences(first, second, factor):
    """Two pages with a fixed ratio or difference shrink as far as that allows."""
    case = cut(first * factor, second * factor)

    def in_proportion(case):
        return len(sizes(case)) == 2 and sizes(case)[0] * second == sizes(case)[1] * first > 0

    divisor = math.gcd(first, second)
    assert smallest_of(case, in_proportion) == cut(first // divisor, second // divisor)
    apart = sizes(case)[1] - sizes(case)[0]

    def as_far_apart(case):
        return len(sizes(case)) == 2 and sizes(case)[1] - sizes(case)[0] == apart

    assert smallest_of(case, as_far_apart) == cut(max(1 - apart, 1), max(1 + apart, 1))


BOTH_ENDS = (("ENDED", 40), ("STARTED", 20), ("ENDED", 40))
LATE = Lapse("ThrottlingException", 5, times=5)


@pytest.mark.parametrize(
    ("case", "breaks", "expected"),
    [
        # The number of pages and the size of one depend on each other.
        (cut(*[5] * 5), lambda case: len(sizes(case)) == sizes(case)[0] > 2, cut(3, 1, 1)),
        (cut(*[5] * 5), lambda case: len(sizes(case)) == sizes(case)[-1] > 2, cut(1, 1, 3)),
        (
            cut(*[7] * 12, 100),
            lambda case: sizes(case).count(len(sizes(case)) - 6) > len(sizes(case)) - 2 > 6,
            cut(*[3] * 8, 1),
        ),
        # The same number of sessions in other pages.
        (cut(34, 34, 34, 19), lambda case: len(case.listing) > 120, cut(21, 100)),
        (cut(3, 4, 5), lambda case: len(case.listing) == 12, cut(12)),
        (
            cut(60, 90),
            lambda case: len(sizes(case)) == 2 and sizes(case)[0] * sizes(case)[1] >= 54,
            cut(2, 27),
        ),
        # Many pages.
        (
            cut(*[3] * 60),
            lambda case: len(sizes(case)) > 20 and len(sizes(case)) % 2 == 0,
            cut(*[1] * 22),
        ),
        (cut(*[1, 0] * 50), lambda case: sizes(case).count(0) > 8, cut(*[0] * 9)),
        # Pages that are equal but not neighbours, and a last one that is short.
        (
            cut(60, 9, 60),
            lambda case: len(sizes(case)) == 3 and sizes(case)[0] == sizes(case)[2] > 5,
            cut(6, 1, 6),
        ),
        (
            cut(50, 50, 50, 20),
            lambda case: (
                len(sizes(case)) > 2
                and len({*sizes(case)[:-1]}) == 1
                and 1 < sizes(case)[-1] < sizes(case)[0]
            ),
            cut(3, 3, 2),
        ),
        # Statuses at certain places, and as many of one kind as of another.
        (
            cut(100, runs=BOTH_ENDS),
            lambda case: (
                len(case.listing) > 7 and statuses(case)[0] == statuses(case)[-1] == "ENDED"
            ),
            cut(8, runs=(("ENDED", 1), ("STARTED", 6), ("ENDED", 1))),
        ),
        (
            cut(100, runs=(("STARTED", 50), ("ENDED", 50))),
            lambda case: statuses(case).count("ENDED") == statuses(case).count("STARTED") > 2,
            cut(6, runs=(("STARTED", 3), ("ENDED", 3))),
        ),
        # Faults, expiries and drift at the last page, also without page sizes.
        (
            Case(Listing(page_sizes=(5,) * 6), lapses=(LATE,)),
            lambda case: any(
                lapse.after == len(sizes(case)) - 1 > 0 and lapse.times for lapse in case.lapses
            ),
            Case(Listing(page_sizes=(1, 1)), lapses=(Lapse("ThrottlingException", 1, times=1),)),
        ),
        (
            Case(Listing(page_sizes=(5,) * 6), expiries=(5,), drift=((5, "end"),)),
            lambda case: (
                (*case.expiries, case.drift[:1])
                == (
                    len(sizes(case)) - 1,
                    ((len(sizes(case)) - 1, "end"),),
                )
            ),
            Case(Listing(page_sizes=(1, 1)), expiries=(1,), drift=((1, "end"),)),
        ),
        (
            Case(Listing(page_sizes=(1,)), expiries=(4,), drift=((4, "end"),)),
            lambda case: len(case.expiries) == len(case.drift) == 1,
            Case(Listing(page_sizes=(1,)), expiries=(1,), drift=((1, "end"),)),
        ),
        (
            Case(Listing(page_sizes=(1,)), lapses=(LATE,)),
            lambda case: any(lapse.after == lapse.times for lapse in case.lapses),
            Case(Listing(page_sizes=(1,)), lapses=(Lapse("ThrottlingException", 1, times=1),)),
        ),
        (
            Case(
                Listing(page_sizes=(1,)),
                expiries=(6,),
                lapses=(Lapse("ThrottlingException", 0, 6),),
            ),
            lambda case: [lapse.times for lapse in case.lapses] == [*case.expiries] != [],
            Case(
                Listing(page_sizes=(1,)),
                expiries=(1,),
                lapses=(Lapse("ThrottlingException", 0, 1),),
            ),
        ),
        (
            Case(Listing(runs=(("STARTED", 140),)), Behavior(page_size=7), expiries=(4,)),
            lambda case: (
                any(
                    len(case.listing) > expiry * case.behavior.page_size for expiry in case.expiries
                )
                and case.behavior.page_size < 100
            ),
            Case(Listing(runs=(("STARTED", 2),)), Behavior(page_size=1), expiries=(1,)),
        ),
        (
            Case(Listing(runs=(("STARTED", 600),)), expiries=(5,)),
            lambda case: any((len(case.listing) - 1) // 100 == expiry for expiry in case.expiries),
            Case(Listing(runs=(("STARTED", 101),)), expiries=(1,)),
        ),
        (
            cut(4, workers=4),
            lambda case: case.listing.workers > 2,
            cut(1, workers=3),
        ),
    ],
)
def test_dependent_parts_shrink_together(case, breaks, expected):
    """Parts that depend on each other shrink in one step if none can shrink alone."""
    assert smallest_of(case, breaks) == expected


def odd_and_first_ended(client, **job):
    """A collector that loses a session of long odd listings whose first session has ended."""
    sessions = every(client, **job)
    odd = len(sessions) > 37 and len(sessions) % 2
    return sessions[1:] if odd and sessions[0]["lifecycleStatus"] == "ENDED" else sessions


def two_equal_pages(client, **job):
    """A collector that loses the second of two pages of the same size."""
    pages = list(pages_of(client, **job))
    equal = len(pages) == 2 and len(pages[0]) == len(pages[1]) > 3
    return pages[0] if equal else [session for page in pages for session in page]


@pytest.mark.at_length
@pytest.mark.parametrize(
    ("collect", "start", "expected"),
    [
        (
            odd_and_first_ended,
            Case(Listing(page_sizes=(31, 0, 50, 12), runs=(("ENDED", 60), ("STARTED", 33)))),
            Listing(page_sizes=(39,), runs=(("ENDED", 1), ("STARTED", 38))),
        ),
        (two_equal_pages, cut(100, 100), Listing(page_sizes=(4, 4))),
    ],
)
def test_reports_are_of_the_smallest_listing(collect, start, expected, monkeypatch):
    """``check_pagination`` reports the smallest listing for a case that Hypothesis has drawn."""
    monkeypatch.setattr(_search, "cases", lambda *_, **__: st.just(start))
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, max_examples=1, without=VARIATIONS)
    assert caught.value.rule == "complete"
    assert caught.value.case == Case(expected)


def wrong_for(counts):
    """Return a collector that loses a session if ``counts`` is true for the number of sessions."""

    def collect(client, **job):
        sessions = every(client, **job)
        return sessions[1:] if sessions and counts(len(sessions)) else sessions

    return collect


@pytest.mark.parametrize("most", [1, 2, 5, 100])
def test_other_page_sizes_take_no_extra_tries(monkeypatch, most):
    """Shrinking with and without page sizes takes at most ``MOST_STEPS`` tries together."""
    find, tried = Trial.find, []
    monkeypatch.setattr(Trial, "find", lambda *args: tried.append(args) or find(*args))
    monkeypatch.setattr(_search, "MOST_STEPS", most)
    start = Case(Listing(runs=(("ENDED", 250),)))
    monkeypatch.setattr(_search, "cases", lambda *_, **__: st.just(start))
    with pytest.raises(PaginationViolation):
        check_pagination(wrong_for(lambda count: count > 150), max_examples=1, without=VARIATIONS)
    # Before shrinking starts, the case itself is tried twice, and a simple one once more.
    simple = list(simplest(VARIATIONS))
    shrinking = [case for _, case, *_ in tried if case != start and case not in simple]
    assert len(shrinking) <= most


@pytest.mark.parametrize(
    ("collect", "sessions", "sizes"),
    [
        pytest.param(two_equal_pages, 8, (4, 4), id="two equal pages"),
        pytest.param(wrong_for(lambda count: count % 7 == 0), 7, None, id="divisible by 7"),
        pytest.param(wrong_for(lambda count: count > 255), 256, None, id="256 and more"),
    ],
)
@pytest.mark.at_length
def test_edge_cases_are_shrunk_too(collect, sessions, sizes):
    """A simple case that fails is shrunk like one that is drawn."""
    without = set(VARIATIONS) - {"page-sizes", "empty-pages", "volume"}
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, without=without)
    listing = caught.value.listing
    assert len(listing) == sessions
    assert sizes in {None, listing.page_sizes}
