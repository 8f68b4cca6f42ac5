"""The cases that are always tried, the simplest first."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import get_args

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._contract.target import target_of
from pytest_deadline_sessions._domain.faults import fault_codes
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._domain.token_shapes import TokenShape
from pytest_deadline_sessions._service.behavior import Behavior
from pytest_deadline_sessions.checking._case import (
    EMPTY,
    TWO,
    Case,
    Change,
    Lapse,
    Seen,
    without_empty_pages,
)
from pytest_deadline_sessions.checking._content import most_statuses
from pytest_deadline_sessions.checking._dimensions import (
    DATA,
    TIMES,
    Scope,
    pairs,
    pairs_with_failures,
    sequences,
    with_data,
)
from pytest_deadline_sessions.lifecycle import ENDED, STARTED, UPDATE_IN_PROGRESS

THREE = Listing(page_sizes=(1, 1, 1))
MOST_CALLS = 520
"""How many calls a collector may need for one of these cases."""

_MANY_CALLS = 110
_FEW_CALLS = 10
_SLOW = "ThrottlingException"


def simplest(
    without: Collection[str] = (), *, empty_final_token: bool = False, seen: Seen | None = None
) -> Iterator[Case]:
    """The cases that are always tried, the simplest first.

    First come cases that are special in one way, in the order of what breaks most collectors. Then
    come those in which every two ways meet. So a bug that needs one particular situation is found
    whatever Hypothesis draws, and is reported in a small form.

    Args:
        without: The variations to leave out.
        empty_final_token: Whether some of the last pages have an empty token.
        seen: What the collector has been seen to do; it may change between two cases.
    """
    seen = Seen() if seen is None else seen
    scope = Scope(frozenset(without), empty_final_token)
    for case in _all(scope, seen):
        if scope.has("empty-pages") or case.listing == without_empty_pages(case.listing):
            yield case


def _all(scope: Scope, seen: Seen) -> Iterator[Case]:
    yield from _plain(scope)
    alone: list[tuple[tuple[str, ...], Callable[[], Iterable[Case]]]] = [
        # Repeated calls come first, before other cases affect a collector that keeps state.
        (("sequences", "faults"), _repeated_with_faults),
        (("sequences",), _repeated),
        (("page-sizes",), lambda: _cuts(seen)),
        (("empty-pages",), _empty_pages),
        (("data",), lambda: _data(seen)),
        (("tokens",), _tokens),
        (("faults",), _faults),
        (("expiry",), _expiries),
        (("drift",), _drifting),
        (("drift", "expiry"), _drifting_before_restarts),
        (("faults",), _slow),
        (("faults", "expiry"), _faults_and_expiries),
        (("tokens", "sequences"), _shared_tokens),
    ]
    for variations, make in alone:
        if scope.has(*variations):
            yield from make()
    if scope.has("faults"):
        yield from _faults_elsewhere(seen)
    scope = dataclasses.replace(scope, limit=min(seen.sessions(_FEW_CALLS), seen.limit))
    yield from pairs(scope)
    yield from pairs_with_failures(scope)
    if scope.has("volume"):
        yield from _volume(seen)
    if scope.has("sequences"):
        yield from _listings_to_remember(scope)


def _plain(scope: Scope) -> Iterator[Case]:
    again = scope.has("sequences")
    yield Case(Listing(page_sizes=(1,)), sequence="twice" if again else "once")
    yield Case(TWO)
    yield Case(THREE)
    yield Case(EMPTY)
    if scope.empty_final_token:
        for listing in (EMPTY, Listing(page_sizes=(1,)), TWO):
            yield Case(listing, Behavior(empty_final_token=True))


def _repeated_with_faults() -> Iterator[Case]:
    for code, after in itertools.product(fault_codes(), (1, 0)):
        yield Case(TWO, lapses=(Lapse(code, after),), sequence="after-failure")
    yield Case(TWO, sequence="failing-later")


def _repeated() -> Iterator[Case]:
    for sequence in sequences(failing=False):
        if sequence != "once":
            yield Case(TWO, sequence=sequence)


def _cuts(seen: Seen) -> Iterator[Case]:
    for sizes in ((1, 1), (2, 1), (1, 2), (3,), (2, 2, 2), (1, 2, 3, 4), (1,) * 6, (1,) * 12):
        yield Case(Listing(page_sizes=sizes))
    for count in (5, 8, 10, 16, 17, 20, 25, 33, 50, 65, 99, 100, 101, 200, 201):
        if count <= seen.sessions(_MANY_CALLS):
            yield Case(Listing(runs=((STARTED, count),)))
    yield Case(Listing(runs=((STARTED, 3),)), Behavior(page_size=2))
    yield Case(Listing(runs=((STARTED, 4),)), Behavior(page_size=2))
    for sizes in ((100, 100), (100, 1), (99, 1), (100, 99, 1), (50, 50, 1), (10, 10), (1, 100)):
        yield Case(Listing(page_sizes=sizes))


def _empty_pages() -> Iterator[Case]:
    for sizes in ((0, 1), (1, 0), (1, 0, 1), (0, 0, 1), (1, 0, 0, 1), (0, 0, 0, 0, 1), (0, 0)):
        yield Case(Listing(page_sizes=sizes))
    yield Case(Listing(page_sizes=(1, 1, 1, 0, 1)))
    yield Case(Listing(page_sizes=(100, 0, 1)))
    yield Case(Listing(page_sizes=(*(0,) * 40, 1)))


def _data(seen: Seen) -> Iterator[Case]:
    for status in model.enum("SessionLifecycleStatus"):
        yield Case(Listing(page_sizes=(1,), runs=((status, 1),)))
    for sizes, data in itertools.product(((2,), (2, 1), (2, 4)), DATA[1:]):
        yield Case(with_data(Listing(page_sizes=sizes), data))
    yield Case(Listing(page_sizes=(2, 2), runs=((ENDED, 1), (STARTED, 3)), workers=2))
    if seen.checked != model.OPERATION:
        statuses = most_statuses(target_of(seen.checked))
        yield Case(Listing(runs=((UPDATE_IN_PROGRESS, statuses),)))


def _tokens() -> Iterator[Case]:
    for shape in get_args(TokenShape):
        yield Case(THREE, Behavior(token_shape=shape))
    for length in (48, 4096):
        yield Case(TWO, Behavior(token_length=length))
    yield Case(TWO, Behavior(spaces_around_tokens=True))
    yield Case(TWO, Behavior(null_final_token=True))


def _faults() -> Iterator[Case]:
    for code in fault_codes():
        for after in (0, 1):
            yield Case(TWO, lapses=(Lapse(code, after),))
            yield Case(TWO, lapses=(Lapse(code, after, times=1),))
            # The fault outlasts botocore's retries, but not the collector's own.
            yield Case(TWO, lapses=(Lapse(code, after, times=5),))
        yield Case(THREE, lapses=(Lapse(code, 2),))
    for times in (4, 5, 6, 12):
        yield Case(TWO, lapses=(Lapse(_SLOW, 1, times),))
    yield Case(Listing(page_sizes=(1, 0, 1)), lapses=(Lapse(_SLOW, 2),))
    yield Case(EMPTY, lapses=(Lapse("ResourceNotFoundException"),))
    many = Listing(runs=((STARTED, 250),))
    yield Case(many, lapses=(Lapse(_SLOW, 1, times=5),))
    yield Case(many, lapses=(Lapse("AccessDeniedException", 2),))
    yield Case(Listing(page_sizes=(1,) * 12), lapses=(Lapse(_SLOW, 11),))


def _slow() -> Iterator[Case]:
    """Every page comes late, after retries of botocore's that take time."""
    for pages in (2, 3, 12):
        lapses = tuple(Lapse(_SLOW, min(page, 1), times=4) for page in range(pages))
        yield Case(TWO, lapses=lapses[:1])
        yield Case(Listing(page_sizes=(1,) * pages), lapses=lapses)


def _faults_elsewhere(seen: Seen) -> Iterator[Case]:
    """Faults of the other operations that the collector calls."""
    for operation in seen.others():
        for code, after, times in itertools.product(fault_codes(operation), (0, 1), TIMES):
            yield Case(TWO, lapses=(Lapse(code, after, times, operation),))


def _expiries() -> Iterator[Case]:
    yield Case(TWO, expiries=(1,))
    yield Case(THREE, expiries=(2,))
    yield Case(Listing(page_sizes=(1, 0, 1)), expiries=(1,))
    yield Case(TWO, always_expired=True)
    like_garbled = Behavior(expired_token_reason=Behavior().garbled_token_reason)
    yield Case(TWO, like_garbled, expiries=(1,))


def _drifting() -> Iterator[Case]:
    for change in get_args(Change):
        for place in (-1, 0):
            yield Case(TWO, drift=((1, change, place),))
    yield Case(THREE, drift=((1, "start"), (2, "end")))
    yield Case(THREE, drift=((1, "end", 0), (1, "request-end", 0), (1, "start-earlier")))
    yield Case(Listing(runs=((STARTED, 101),)), drift=((1, "start"),))


def _drifting_before_restarts() -> Iterator[Case]:
    """Sessions change between an expiry and the restart of the listing."""
    for change, place in itertools.product(get_args(Change), (0, -1)):
        yield Case(TWO, expiries=(1,), drift=((1, change, place),))
        yield Case(THREE, expiries=(2,), drift=((2, change, place), (2, change, 0)))


def _faults_and_expiries() -> Iterator[Case]:
    for code, times in itertools.product(fault_codes(), (1, 5)):
        yield Case(THREE, lapses=(Lapse(code, 1, times),), expiries=(2,))


def _shared_tokens() -> Iterator[Case]:
    yield Case(TWO, Behavior(tokens_shared_by_jobs=True), sequence="two-jobs")


def _volume(seen: Seen) -> Iterator[Case]:
    for pages in (30, 110, 310):
        yield Case(Listing(page_sizes=(1,) * pages))
    for count in (501, 1_001, 10_001):
        if count <= seen.sessions(MOST_CALLS):
            yield Case(Listing(runs=((STARTED, count),)))


def _listings_to_remember(scope: Scope) -> Iterator[Case]:
    """The cases that reveal a collector which keeps state only for certain listings."""
    ended = Listing(page_sizes=(1,), runs=((ENDED, 1),))
    listings = [Listing(), Listing(page_sizes=(1,)), Listing(runs=((STARTED, 100),))]
    for listing in [*listings, *([ended] if scope.has("data") else [])]:
        yield Case(listing, sequence="sessions-added")
