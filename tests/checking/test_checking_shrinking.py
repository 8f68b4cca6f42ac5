"""A case is taken apart until nothing more can be left out."""

from __future__ import annotations

import datetime

import hypothesis
import pytest
from hypothesis import settings

from pytest_deadline_sessions import Behavior, Listing
from pytest_deadline_sessions.checking import Case, Lapse
from pytest_deadline_sessions.checking._shrink import MOST_STEPS, simpler, smallest
from pytest_deadline_sessions.checking._strategies import cases

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
            lambda case: any(one["lifecycleStatus"] == "ENDED" for one in case.listing),
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
    """Whatever does not matter is gone, and the rest is as small as can be."""
    found = smallest(case, breaks)
    assert found == expected
    assert repr(found) == repr(expected)


def test_nothing_is_left_out_of_what_matters_as_a_whole():
    """If every simpler case passes, the case is the smallest."""
    assert smallest(EVERYTHING, lambda case: case == EVERYTHING) == EVERYTHING


def test_tries_are_bounded():
    """However large the case is, and whether they succeed or not."""
    big = Case(Listing(page_sizes=(1, 2) * 300))
    for answer in (True, False):
        tried = []
        smallest(big, lambda case, tried=tried, answer=answer: bool(tried.append(case)) or answer)
        assert len(tried) <= MOST_STEPS


@settings(max_examples=60, database=None, deadline=None)
@hypothesis.given(cases())
def test_simpler_cases_can_be_run_and_lead_to_an_end(case):
    """No step gives the case itself, nor one that is not simpler."""
    for one in simpler(case):
        assert one != case
        assert weight(one) < weight(case)


def weight(case):
    """What there is to a case; smaller is simpler."""
    listing, plain = case.listing, Listing()
    return (
        (case.sequence != "once")
        + sum(2 + lapse.after + (lapse.times is not None) for lapse in case.lapses)
        + len(case.expiries)
        + case.always_expired
        + len(case.drift)
        + sum(getattr(case.behavior, name) != value for name, value in vars(Behavior()).items())
        + len(listing)
        + len(listing.page_sizes or ())
        + sum(count for status, count in listing.runs if status != "STARTED")
        + sum(
            getattr(listing, name) != getattr(plain, name)
            for name in ("started_at", "gap", "order", "workers")
        )
    )


@pytest.mark.parametrize("sizes", [None, (1, 1, 1)])
def test_given_summaries_become_a_shape(sizes):
    """Or fewer of them, where it is the summaries that matter."""
    given = Listing.of(Listing(page_sizes=(3,)), sizes)
    shape = Listing(page_sizes=sizes) if sizes else Listing(runs=(("STARTED", 3),))
    assert next(simpler(Case(given))) == Case(shape)
    assert len(smallest(Case(given), lambda case: case.listing.given is not None).listing) == 1


def test_given_summaries_that_no_shape_can_hold_stay_given():
    """As a status that this botocore does not know."""
    newer = [dict(one, lifecycleStatus="NEWER") for one in Listing(page_sizes=(2,))]
    simplest = smallest(Case(Listing.of(newer, strict=False)), lambda case: len(case.listing) > 0)
    assert list(simplest.listing) == newer[1:]
