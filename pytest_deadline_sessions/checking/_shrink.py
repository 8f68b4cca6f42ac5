"""From a case that breaks a collector to the smallest one around that still does.

Hypothesis would shrink what it drew as well, and take thousands of steps; a case has few parts, so
that it can be taken apart in some dozen.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._service.behavior import Behavior
from pytest_deadline_sessions.checking._case import Case, Lapse
from pytest_deadline_sessions.lifecycle import STARTED

T = TypeVar("T")

MOST_STEPS = 400
"""After so many tries the case is small enough."""


def smallest(case: Case, breaks: Callable[[Case], bool]) -> Case:
    """The smallest case found that ``breaks`` says yes to.

    Args:
        case: One that it says yes to.
        breaks: Whether a case still does what is looked for.
    """
    steps = iter(range(MOST_STEPS))
    found = True
    while found:
        tried = itertools.islice(simpler(case), MOST_STEPS)
        found = False
        for one, _ in zip(tried, steps, strict=False):
            if breaks(one):
                case, found = one, True
                break
    return case


def simpler(case: Case) -> Iterator[Case]:
    """Cases that are simpler by one thing, beginning with those that are simpler by much."""
    plain = Case(case.listing)
    for name in ("sequence", "lapses", "expiries", "always_expired", "drift", "behavior"):
        if getattr(case, name) != getattr(plain, name):
            yield dataclasses.replace(case, **{name: getattr(plain, name)})
    for listing in _listings(case.listing):
        yield dataclasses.replace(case, listing=listing)
    for behavior in _behaviors(case.behavior):
        yield dataclasses.replace(case, behavior=behavior)
    for lapses in _shorter(case.lapses):
        yield dataclasses.replace(case, lapses=tuple(lapses))
    for expiries in _shorter(case.expiries):
        yield dataclasses.replace(case, expiries=tuple(expiries))
    for drift in _shorter(case.drift):
        yield dataclasses.replace(case, drift=tuple(drift))
    for place, lapse in enumerate(case.lapses):
        for less in _lapses(lapse):
            yield dataclasses.replace(
                case, lapses=(*case.lapses[:place], less, *case.lapses[place + 1 :])
            )


def _behaviors(behavior: Behavior) -> Iterator[Behavior]:
    for field in dataclasses.fields(behavior):
        plain: dict[str, Any] = {field.name: field.default}
        if getattr(behavior, field.name) != field.default:
            yield dataclasses.replace(behavior, **plain)


def _shorter(things: Sequence[T]) -> Iterator[Sequence[T]]:
    """The sequence without some of it: first without much."""
    width = len(things)
    while width > 1:
        width = (width + 1) // 2
        for start in range(0, len(things), width):
            yield [*things[:start], *things[start + width :]]


def _lapses(lapse: Lapse) -> Iterator[Lapse]:
    if lapse.times is not None:
        yield dataclasses.replace(lapse, times=None)
    if lapse.after:
        yield dataclasses.replace(lapse, after=lapse.after - 1)


def _listings(listing: Listing) -> Iterator[Listing]:
    if listing.given is not None:
        yield from _fewer_given(listing)
        return
    for name in ("started_at", "gap", "order", "workers"):
        default = getattr(Listing(), name)
        if getattr(listing, name) != default:
            yield dataclasses.replace(listing, **{name: default})
    runs = listing.runs
    for place, (status, count) in enumerate(runs):
        if status != STARTED:
            started = (*runs[:place], (STARTED, count), *runs[place + 1 :])
            yield _listing(listing, listing.page_sizes, _statuses(started))
    if listing.page_sizes is None:
        yield from _fewer(listing)
    else:
        yield from _shorter_pages(listing, listing.page_sizes)


def _fewer_given(listing: Listing) -> Iterator[Listing]:
    """A shape in place of the summaries, or some of them."""
    given = listing.given or ()
    statuses = [str(one.get("lifecycleStatus")) for one in given]
    if set(statuses) <= set(model.enum("SessionLifecycleStatus")):
        yield _listing(Listing(), listing.page_sizes, statuses)
    if listing.page_sizes is None:
        for kept in _shorter(given):
            yield Listing.of(kept, strict=False)
        return
    ends = list(itertools.accumulate(listing.page_sizes, initial=0))
    pages = [given[start:end] for start, end in itertools.pairwise(ends)]
    for some in _shorter(pages):
        yield Listing.of(itertools.chain(*some), map(len, some), strict=False)


def _statuses(runs: Sequence[tuple[str, int]]) -> list[str]:
    return [status for status, count in runs for _ in range(count)]


def _fewer(listing: Listing) -> Iterator[Listing]:
    for place, (status, count) in enumerate(listing.runs):
        for less in (0, *_parts(count)):
            runs = (*listing.runs[:place], (status, less), *listing.runs[place + 1 :])
            yield _listing(listing, None, _statuses(runs))


def _shorter_pages(listing: Listing, sizes: Sequence[int]) -> Iterator[Listing]:
    statuses = _statuses(listing.runs) or [STARTED] * len(listing)
    ends = list(itertools.accumulate(sizes, initial=0))
    pages = [statuses[start:end] for start, end in itertools.pairwise(ends)]
    for kept in _shorter(pages):
        yield _paged(listing, kept)
    for place, page in enumerate(pages):
        for less in _parts(len(page)):
            yield _paged(listing, [*pages[:place], page[:less], *pages[place + 1 :]])


def _parts(count: int) -> list[int]:
    """Some numbers between nothing and that."""
    return sorted({part for part in (1, count // 2, count - 1) if 0 < part < count})


def _paged(listing: Listing, pages: Sequence[Sequence[str]]) -> Listing:
    sizes = tuple(len(page) for page in pages)
    return _listing(listing, sizes, list(itertools.chain(*pages)))


def _listing(listing: Listing, sizes: tuple[int, ...] | None, statuses: list[str]) -> Listing:
    runs = tuple((status, len(list(same))) for status, same in itertools.groupby(statuses))
    if sizes is not None and set(statuses) <= {STARTED}:
        runs = ()
    return dataclasses.replace(listing, page_sizes=sizes, runs=runs)
