"""The cases that break most collectors, the simplest first."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Collection, Iterator
from typing import get_args

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.faults import fault_codes
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._service.behavior import Behavior
from pytest_deadline_sessions.checking._case import (
    EMPTY,
    TWO,
    Case,
    Change,
    Lapse,
    without_empty_pages,
)
from pytest_deadline_sessions.lifecycle import ENDED, STARTED


def simplest(without: Collection[str] = ()) -> Iterator[Case]:
    """The cases that break most collectors, the simplest first.

    They are always tried, so that a bug that needs one particular situation is found whatever
    Hypothesis draws, and is reported in its smallest form.
    """
    repeats = "sequences" not in without
    # Repeated calls come first, before other cases affect a collector that keeps state.
    yield Case(Listing(page_sizes=(1,)), sequence="twice" if repeats else "once")
    yield Case(TWO)
    yield Case(Listing(page_sizes=(1, 1, 1)))
    yield Case(EMPTY)
    makers = {
        "sequences": _sequences_of_calls,
        "page-sizes": _cuts,
        "empty-pages": _empty_pages,
        "data": _data,
        "tokens": _tokens,
        "faults": _faults,
        "expiry": _expiries,
        "drift": _drifting,
        "volume": _volume,
    }
    if repeats and "faults" not in without:
        # Before other faults, for the same reason.
        for code, after in itertools.product(fault_codes(), (1, 0)):
            yield Case(TWO, lapses=(Lapse(code, after),), sequence="after-failure")
        yield Case(TWO, sequence="failing-later")
    for name, make in makers.items():
        for case in make() if name not in without else ():
            if "empty-pages" not in without or case.listing == without_empty_pages(case.listing):
                yield case
    if repeats:
        yield from _listings_to_remember(without)


def _listings_to_remember(without: Collection[str]) -> Iterator[Case]:
    """The cases that reveal a collector which keeps state only for certain listings."""
    if "tokens" not in without:
        yield Case(TWO, Behavior(tokens_shared_by_jobs=True), sequence="two-jobs")
    ended = Listing(page_sizes=(1,), runs=((ENDED, 1),))
    listings = [Listing(), Listing(page_sizes=(1,)), Listing(runs=((STARTED, 100),))]
    for listing in [*listings, *([ended] if "data" not in without else [])]:
        yield Case(listing, sequence="sessions-added")


def _sequences_of_calls() -> Iterator[Case]:
    for sequence in ("twice", "changed-result", "two-jobs", "sessions-added"):
        yield Case(TWO, sequence=sequence)


def _empty_pages() -> Iterator[Case]:
    for sizes in ((0, 1), (1, 0), (1, 0, 1), (0, 0, 1), (1, 0, 0, 1), (0, 0, 0, 0, 1), (0, 0)):
        yield Case(Listing(page_sizes=sizes))
    yield Case(Listing(page_sizes=(1, 1, 1, 0, 1)))
    yield Case(Listing(page_sizes=(100, 0, 1)))
    yield Case(Listing(page_sizes=(*(0,) * 40, 1)))


def _tokens() -> Iterator[Case]:
    for length in (48, 4096):
        yield Case(TWO, Behavior(token_length=length))
    yield Case(TWO, Behavior(spaces_around_tokens=True))


def _expiries() -> Iterator[Case]:
    yield Case(TWO, expiries=(1,))
    yield Case(Listing(page_sizes=(1, 1, 1)), expiries=(2,))
    yield Case(Listing(page_sizes=(1, 0, 1)), expiries=(1,))
    yield Case(TWO, always_expired=True)


def _drifting() -> Iterator[Case]:
    for change in get_args(Change):
        yield Case(TWO, drift=((1, change),))
    yield Case(Listing(page_sizes=(1, 1, 1)), drift=((1, "start"), (2, "end")))
    yield Case(Listing(runs=((STARTED, 101),)), drift=((1, "start"),))


def _volume() -> Iterator[Case]:
    for pages in (30, 60, 110):
        yield Case(Listing(page_sizes=(1,) * pages))
    yield Case(Listing(runs=((STARTED, 501),)))
    yield Case(Listing(runs=((STARTED, 1001),)))
    yield Case(Listing(page_sizes=(1,) * 400))


def _cuts() -> Iterator[Case]:
    for sizes in ((1, 1), (2, 1), (1, 2), (1, 1, 1), (3,), (2, 2, 2), (1,) * 6, (1,) * 12):
        yield Case(Listing(page_sizes=sizes))
    for count in (10, 25, 50, 99, 100, 101, 200, 201):
        yield Case(Listing(runs=((STARTED, count),)))
    yield Case(Listing(runs=((STARTED, 3),)), Behavior(page_size=2))
    yield Case(Listing(runs=((STARTED, 4),)), Behavior(page_size=2))
    for sizes in ((100, 100), (100, 1), (99, 1), (100, 99, 1), (50, 50, 1), (10, 10), (1, 100)):
        yield Case(Listing(page_sizes=sizes))


def _data() -> Iterator[Case]:
    runs = tuple((status, 1) for status in model.enum("SessionLifecycleStatus"))
    no_gap = datetime.timedelta(0)
    for run in runs:
        yield Case(Listing(page_sizes=(1,), runs=(run,)))
    yield Case(Listing(page_sizes=(2,), gap=no_gap))
    yield Case(Listing(page_sizes=(1, 1), gap=no_gap))
    # Real ids do not ascend.
    ascending = list(Listing(page_sizes=(2,)))
    ids = [summary["sessionId"] for summary in reversed(ascending)]
    yield Case(
        Listing.of(
            {**summary, "sessionId": each} for summary, each in zip(ascending, ids, strict=True)
        )
    )
    yield Case(Listing(page_sizes=(2, 1), order="newest-first"))
    yield Case(Listing(page_sizes=(2, 2), order="mixed"))
    yield Case(Listing(page_sizes=(5,), runs=runs))
    yield Case(Listing(page_sizes=(2, 3), runs=runs, order="newest-first"))
    yield Case(Listing(page_sizes=(2, 2), runs=((ENDED, 4),)))
    yield Case(Listing(page_sizes=(2, 2), runs=((ENDED, 1), (STARTED, 3)), workers=2))
    yield Case(Listing(page_sizes=(2, 2), runs=((STARTED, 2), (ENDED, 2)), gap=no_gap, workers=4))


def _faults() -> Iterator[Case]:
    for code in fault_codes():
        for after in (0, 1):
            yield Case(TWO, lapses=(Lapse(code, after),))
            yield Case(TWO, lapses=(Lapse(code, after, times=1),))
            # The fault outlasts botocore's retries, but not the collector's own.
            yield Case(TWO, lapses=(Lapse(code, after, times=5),))
        yield Case(Listing(page_sizes=(1, 1, 1)), lapses=(Lapse(code, 2),))
    for times in (4, 5, 6, 12):
        yield Case(TWO, lapses=(Lapse("ThrottlingException", 1, times),))
    yield Case(Listing(page_sizes=(1, 0, 1)), lapses=(Lapse("ThrottlingException", 2),))
    yield Case(EMPTY, lapses=(Lapse("ResourceNotFoundException"),))
    many = Listing(runs=((STARTED, 250),))
    yield Case(many, lapses=(Lapse("ThrottlingException", 1, times=5),))
    yield Case(many, lapses=(Lapse("AccessDeniedException", 2),))
    yield Case(Listing(page_sizes=(1,) * 12), lapses=(Lapse("ThrottlingException", 11),))
