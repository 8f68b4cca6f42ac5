"""Shrink a case that breaks a collector to a smaller one that still does.

Hypothesis could shrink the cases it draws, but needs thousands of tries. A case has few parts, so a
few dozen tries are usually enough.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, get_args

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._service.behavior import Behavior
from pytest_deadline_sessions.checking._case import Case, Lapse, Start
from pytest_deadline_sessions.checking._listing_moves import (
    listing_moves,
    rarer_listing_moves,
    with_smaller_pages,
    without_pages,
)
from pytest_deadline_sessions.checking._move import Move, dropping_chunks
from pytest_deadline_sessions.lifecycle import STARTED

T = TypeVar("T")

MOST_STEPS = 400
"""The maximum number of cases to try."""


def smallest(case: Case, breaks: Callable[[Case], bool], most: int = MOST_STEPS) -> Case:
    """Find the smallest case that ``breaks`` accepts.

    Args:
        case: A case for which ``breaks`` is true.
        breaks: Whether a case still shows the failure.
        most: The maximum number of calls of ``breaks``.
    """
    tries = _Tries(breaks, most)
    cut = _with_page_sizes(case)
    if case.listing.page_sizes is not None and cut != case and tries.still_breaks(cut):
        # The service's page size cuts the listing's own pages, which hides their sizes.
        case = cut
    tries.reserved = most // 3
    uncut = _simplest_from(case, tries)
    tries.reserved = 0
    cut = _with_page_sizes(uncut)
    if cut != uncut and tries.still_breaks(cut):
        # With explicit page sizes, fewer sessions may be enough.
        smaller = _simplest_from(cut, tries)
        if len(smaller.listing) < len(uncut.listing):
            return smaller
    return _simplest_from(uncut, tries)


def _with_page_sizes(case: Case) -> Case:
    """Make the sizes of the case's pages explicit, if it has several."""
    page_size = case.behavior.page_size
    sizes = tuple(stop - start for start, stop, _ in case.listing.cuts(page_size, page_size))
    if len(sizes) == 1:
        return case
    return dataclasses.replace(case, listing=dataclasses.replace(case.listing, page_sizes=sizes))


def _simplest_from(case: Case, tries: _Tries) -> Case:
    """Make moves until none is left that still breaks."""
    progressed = True
    while progressed:
        progressed = False
        position = 0
        while (success := tries.first_success(moves(case), position)) is not None:
            # Earlier moves are tried again in the next round.
            position, case = success
            progressed = True
    return case


class _Tries:
    """Calls ``breaks``: at most ``most`` times, and only once for a case that passes.

    Attributes:
        reserved: How many calls to leave for later.
    """

    def __init__(self, breaks: Callable[[Case], bool], most: int) -> None:
        self._breaks = breaks
        self._passed: set[Case] = set()
        self._left = most
        self.reserved = 0

    def first_success(self, moves: Iterator[Move[Case]], position: int) -> tuple[int, Case] | None:
        """Find the first move at ``position`` or later whose case still breaks."""
        for index, move in enumerate(moves):
            if self._left <= self.reserved:
                break
            smaller = self._furthest(move) if index >= position else None
            if smaller is not None:
                return index, smaller
        return None

    def _furthest(self, move: Move[Case]) -> Case | None:
        """Make the move by a large amount that still breaks, if there is one.

        Try the largest amount, then half of it, then 1. Then search between an amount that breaks
        and one that does not. A move with ``one_by_one`` tries only so many amounts, the largest
        first.
        """
        if move.one_by_one:
            amounts = range(move.most, max(move.most - move.one_by_one, 0), -1)
            return next(filter(self.still_breaks, map(move.to, amounts)), None)
        if self.still_breaks(move.to(move.most)):
            return move.to(move.most)
        low, high = max(move.most // 2, 1), move.most
        if not self.still_breaks(move.to(low)):
            low, high = 1, low
            if not self.still_breaks(move.to(low)):
                return None
            while 2 * low < high and self.still_breaks(move.to(2 * low)):
                low *= 2
            high = min(high, 2 * low)
        while high - low > 1:
            middle = (low + high) // 2
            if self.still_breaks(move.to(middle)):
                low = middle
            else:
                high = middle
        return move.to(low)

    def still_breaks(self, case: Case) -> bool:
        """Whether a case shows the failure; no if it was tried before, or no try is left."""
        if self._left <= self.reserved or case in self._passed:
            return False
        self._left -= 1
        if self._breaks(case):
            return True
        self._passed.add(case)
        return False


def moves(case: Case) -> Iterator[Move[Case]]:
    """Yield every move that simplifies a case, starting with those that save most."""
    for name in ("sequence", "lapses", "expiries", "always_expired", "drift", "behavior"):
        default = getattr(Case(case.listing), name)
        if getattr(case, name) != default:
            yield _replacing(case, **{name: default})
    for move in listing_moves(case.listing):
        yield move.then(lambda listing: dataclasses.replace(case, listing=listing))
    yield from _plainer_behaviors(case)
    yield from _there_from_the_start(case)
    yield from _fewer_events(case)
    yield from _earlier_events(case)
    for move in rarer_listing_moves(case.listing):
        yield move.then(lambda listing: dataclasses.replace(case, listing=listing))


def _replacing(case: Case, **values: Any) -> Move[Case]:
    return Move(1, lambda _: dataclasses.replace(case, **values))


def _plainer_behaviors(case: Case) -> Iterator[Move[Case]]:
    behavior, size = case.behavior, case.behavior.page_size
    for field in dataclasses.fields(behavior):
        default: dict[str, Any] = {field.name: field.default}
        if getattr(behavior, field.name) != field.default:
            yield _replacing(case, behavior=dataclasses.replace(behavior, **default))
    if size not in {1, Behavior().page_size}:
        yield Move(
            size - 1,
            lambda amount: dataclasses.replace(
                case,
                behavior=dataclasses.replace(behavior, page_size=size - amount),
                listing=with_smaller_pages(case.listing, size, size - amount),
            ),
        )


def _fewer_events(case: Case) -> Iterator[Move[Case]]:
    for lapses in dropping_chunks(case.lapses):
        yield lapses.then(lambda left: dataclasses.replace(case, lapses=tuple(left)))
    for expiries in dropping_chunks(case.expiries):
        yield expiries.then(lambda left: dataclasses.replace(case, expiries=tuple(left)))
    for drift in dropping_chunks(case.drift):
        yield drift.then(lambda left: dataclasses.replace(case, drift=tuple(left)))


def _there_from_the_start(case: Case) -> Iterator[Move[Case]]:
    """Yield moves that list a session from the start that would start while pages are listed."""
    full = model.bounds("MaxResults")[1]
    listing = case.listing
    sizes = listing.page_sizes
    if listing.given is not None or (sizes is not None and sizes[-1] == full):
        return
    for place, (_, change, *_) in enumerate(case.drift):
        if change in get_args(Start):
            more = dataclasses.replace(
                listing,
                page_sizes=None if sizes is None else (*sizes[:-1], sizes[-1] + 1),
                runs=(*listing.runs, (STARTED, 1)) if listing.runs or sizes is None else (),
            )
            rest = (*case.drift[:place], *case.drift[place + 1 :])
            yield _replacing(case, listing=more, drift=rest)


def _earlier_events(case: Case) -> Iterator[Move[Case]]:
    """Yield moves that make one event earlier, or that drop pages before all events."""
    for place, lapse in enumerate(case.lapses):
        for plainer in _plainer_lapses(lapse):
            put = functools.partial(_with, case.lapses, place)
            yield plainer.then(put).then(lambda lapses: dataclasses.replace(case, lapses=lapses))
    for place, expiry in enumerate(case.expiries):
        for sooner in _sooner_places(expiry):
            put_expiry = functools.partial(_with, case.expiries, place)
            yield sooner.then(put_expiry).then(
                lambda expiries: dataclasses.replace(case, expiries=expiries)
            )
    yield from _earlier_drift(case)
    numbers = [
        *(number for lapse in case.lapses for number in (lapse.times or 0, lapse.after)),
        *case.expiries,
        *(drift[0] for drift in case.drift),
    ]
    if max(numbers, default=0) > 1:
        yield Move(max(numbers) - 1, functools.partial(_with_lower_numbers, case))
    if case.lapses or case.expiries or case.drift:
        for move in without_pages(case.listing, case.behavior.page_size):
            yield Move(move.most, functools.partial(_sooner, case, move))


def _earlier_drift(case: Case) -> Iterator[Move[Case]]:
    for place, (at, *rest) in enumerate(case.drift):
        for sooner in _sooner_places(at):
            put_drift = functools.partial(_with_drift, case, place, rest)
            yield sooner.then(put_drift)
        if len(rest) > 1:
            # Without a place.
            yield _replacing(case, drift=_with(case.drift, place, (at, rest[0])))


def _sooner_places(place: int) -> Iterator[Move[int]]:
    if place > 1:
        yield Move(place - 1, lambda less: place - less)


def _plainer_lapses(lapse: Lapse) -> Iterator[Move[Lapse]]:
    times = lapse.times
    if times is not None:
        yield Move(1, lambda _: dataclasses.replace(lapse, times=None))
        if times > 1:
            yield Move(times - 1, lambda less: dataclasses.replace(lapse, times=times - less))
    if lapse.after:
        yield Move(lapse.after, lambda less: dataclasses.replace(lapse, after=lapse.after - less))


def _sooner(case: Case, fewer_pages: Move[Listing], less: int) -> Case:
    """The case with ``less`` fewer pages, and each event that many pages earlier."""
    return dataclasses.replace(_earlier(case, less), listing=fewer_pages.to(less))


def _with_lower_numbers(case: Case, less: int) -> Case:
    """The case with every number of its events lower by ``less``."""
    return _earlier(
        case,
        less,
        lambda lapse: None if lapse.times is None else max(lapse.times - less, 1),
    )


def _earlier(
    case: Case, less: int, times: Callable[[Lapse], int | None] = lambda lapse: lapse.times
) -> Case:
    """The case with each event ``less`` pages earlier."""
    return dataclasses.replace(
        case,
        lapses=tuple(
            dataclasses.replace(lapse, after=max(lapse.after - less, 0), times=times(lapse))
            for lapse in case.lapses
        ),
        expiries=tuple(max(expiry - less, 1) for expiry in case.expiries),
        drift=tuple((max(at - less, 1), *rest) for at, *rest in case.drift),
    )


def _with_drift(case: Case, place: int, rest: list[Any], at: int) -> Case:
    return dataclasses.replace(case, drift=_with(case.drift, place, (at, *rest)))


def _with(events: tuple[T, ...], place: int, event: T) -> tuple[T, ...]:
    return (*events[:place], event, *events[place + 1 :])
