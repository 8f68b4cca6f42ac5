"""The moves that make the pages of a listing fewer and smaller."""

from __future__ import annotations

import bisect
import dataclasses
import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions.checking._move import Move, dropping_chunks, single
from pytest_deadline_sessions.lifecycle import STARTED

T = TypeVar("T")

_FEW_CHUNKS = 8
_STRIDES = (2, 3)
# How many numbers of pages, and of sessions, are tried one by one. Each page takes a call.
_MOST_PAGES_ONE_BY_ONE = 50
_MOST_SESSIONS_ONE_BY_ONE = 100
_FEW_PAGES = 4


@dataclass(frozen=True)
class Pages:
    """The contents of the pages of a listing: statuses, or given summaries.

    Attributes:
        listing: The listing.
        pages: The contents of each page. A listing without ``page_sizes`` has a single page here.
    """

    listing: Listing
    pages: tuple[tuple[Any, ...], ...]

    @classmethod
    def of(cls, listing: Listing) -> Pages:
        given = listing.given
        contents: Sequence[Any] = statuses_of(listing) if given is None else given
        sizes = (len(contents),) if listing.page_sizes is None else listing.page_sizes
        return cls(listing, _recut(contents, sizes))

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(map(len, self.pages))

    @property
    def cut(self) -> bool:
        return self.listing.page_sizes is not None

    @property
    def least(self) -> int:
        """The smallest size to try for a page. An empty page is not simpler than one session."""
        return 0 if not self.cut and self.listing.given is None else 1

    def listed(self, pages: Sequence[Sequence[Any]]) -> Listing:
        """The same listing with other contents."""
        sizes = tuple(map(len, pages)) if self.cut else None
        contents = list(itertools.chain(*pages))
        if self.listing.given is not None:
            return Listing.of(contents, sizes, strict=False)
        return shaped(self.listing, sizes, contents)


def shaped(listing: Listing, sizes: tuple[int, ...] | None, statuses: Sequence[str]) -> Listing:
    """The same listing with other pages and statuses, in its shortest form."""
    runs = tuple((status, len(list(same))) for status, same in itertools.groupby(statuses))
    if sizes is not None and set(statuses) <= {STARTED}:
        runs = ()
    return dataclasses.replace(listing, page_sizes=sizes, runs=runs)


def statuses_of(listing: Listing) -> list[str]:
    """The status of each session."""
    runs = listing.runs or ((STARTED, len(listing)),)
    return [status for status, count in runs for _ in range(count)]


def _recut(contents: Sequence[T], sizes: Sequence[int]) -> tuple[tuple[T, ...], ...]:
    ends = itertools.accumulate(sizes, initial=0)
    return tuple(tuple(contents[start:end]) for start, end in itertools.pairwise(ends))


def page_moves(pages: Pages) -> Iterator[Move[Sequence[Sequence[Any]]]]:
    """Yield the moves that help with most listings, starting with those that save most."""
    yield from _fewer_pages(pages)
    yield from _smaller_pages(pages, 1)
    yield from _shorter_runs(pages, 1)


def rarer_page_moves(pages: Pages) -> Iterator[Move[Sequence[Sequence[Any]]]]:
    """Yield the moves that help only when page sizes or counts depend on each other."""
    for stride in _STRIDES:
        yield from _smaller_pages(pages, stride)
        yield from _shorter_runs(pages, stride)
    yield from _scaled(pages)
    yield from _fewer_and_smaller(pages)
    yield from _in_pairs(pages)
    yield from _shorter_pairs_of_runs(pages)
    yield from _shorter_runs_together(pages)
    yield from _every_number(pages)


def _fewer_pages(pages: Pages) -> Iterator[Move[Sequence[Sequence[Any]]]]:
    every, count = pages.pages, len(pages.pages)
    if count < 2:  # noqa: PLR2004 (a single page is the least)
        return
    yield Move(count - 1, lambda less: every[less:])
    yield Move(count - 1, lambda less: every[: count - less])
    yield from itertools.islice(dropping_chunks(every), 2 * _FEW_CHUNKS)
    for alike in _alike(pages.sizes):
        if len(alike) < count:
            yield Move(len(alike) - 1, functools.partial(_without_first, every, alike))
    for place, size in enumerate(pages.sizes):
        if pages.sizes.count(size) == 1:
            yield single(_without_first(every, [place], 1))
    yield from _merged(pages)


def _merged(pages: Pages) -> Iterator[Move[Sequence[Sequence[Any]]]]:
    """Yield moves that put the same sessions on fewer pages."""
    contents, sizes = list(itertools.chain(*pages.pages)), pages.sizes
    most = model.bounds("MaxResults")[1]
    for count in sorted({1, 2, 3, (len(sizes) + 1) // 2}):
        size = -(-len(contents) // count)
        if count < len(sizes) and 0 < size <= most:
            full, rest = divmod(len(contents), size)
            yield single(_recut(contents, [size] * full + [rest] * bool(rest)))
    for place, (size, following) in enumerate(itertools.pairwise(sizes[: _FEW_CHUNKS + 1])):
        if size + following <= most:
            joined = (*sizes[:place], size + following, *sizes[place + 2 :])
            yield single(_recut(contents, joined))


def _without_first(
    pages: Sequence[Sequence[Any]], places: Sequence[int], count: int
) -> Sequence[Sequence[Any]]:
    """The pages without the first ``count`` of those at the given places."""
    gone = set(places[:count])
    return [page for place, page in enumerate(pages) if place not in gone]


def _alike(sizes: Sequence[int]) -> list[tuple[int, ...]]:
    """Groups of places of equal pages: all of one size, and those in a row."""
    by_size: dict[int, list[int]] = {}
    for place, size in enumerate(sizes):
        by_size.setdefault(size, []).append(place)
    in_a_row = [
        tuple(place for place, _ in same)
        for _, same in itertools.groupby(enumerate(sizes), key=lambda page: page[1])
    ]
    groups = dict.fromkeys([*map(tuple, by_size.values()), *in_a_row])
    return [places for places in groups if len(places) > 1]


def _together(pages: Pages) -> list[tuple[int, ...]]:
    """Groups of places of pages to make smaller together: large groups, then single pages."""
    count = len(pages.pages)
    sets = [
        tuple(range(count)),
        *_alike(pages.sizes),
        tuple(range(count - 1)),
        tuple(range(1, count)),
        *((place,) for place in range(count)),
    ]
    return [places for places in dict.fromkeys(sets) if places]


def _smaller_pages(pages: Pages, stride: int) -> Iterator[Move[Sequence[Sequence[Any]]]]:
    for places in _together(pages):
        largest = max(len(pages.pages[place]) for place in places)
        most = (largest - pages.least) // stride
        if most > 0:
            yield Move(most, functools.partial(_lowered, pages, places, stride))


def _lowered(pages: Pages, places: Sequence[int], stride: int, count: int) -> list[Sequence[Any]]:
    changed: list[Sequence[Any]] = list(pages.pages)
    for place in places:
        page = changed[place]
        size = max(len(page) - stride * count, min(len(page), pages.least))
        changed[place] = _thinned(page, size)
    return changed


def _thinned(page: Sequence[T], size: int) -> list[T]:
    """``size`` items of a page; the longest runs of equal items lose the most."""
    runs = [list(same) for _, same in itertools.groupby(page)]
    most = bisect.bisect(
        range(len(page)), size, key=lambda most: sum(min(len(run), most) for run in runs)
    )
    kept = [min(len(run), most - 1) for run in runs]
    longer = [place for place, run in enumerate(runs) if len(run) >= most]
    if most == 1:
        # Not every run can stay, and a failure is more likely to need one that is not STARTED.
        longer.sort(key=lambda place: runs[place][0] == STARTED)
    for place in longer[: size - sum(kept)]:
        kept[place] += 1
    return [item for run, count in zip(runs, kept, strict=True) for item in run[:count]]


def _runs(pages: Pages) -> list[tuple[int, int, int]]:
    """The runs in pages with several statuses, as (place of the page, start, length)."""
    runs = []
    for place, page in enumerate(pages.pages if pages.listing.given is None else ()):
        counts = [len(list(same)) for _, same in itertools.groupby(page)]
        if len(counts) > 1:
            starts = itertools.accumulate(counts, initial=0)
            runs += [(place, start, count) for start, count in zip(starts, counts, strict=False)]
    return runs


def _shorter_runs(pages: Pages, stride: int) -> Iterator[Move[Sequence[Sequence[Any]]]]:
    for place, start, count in _runs(pages):
        if count >= stride:
            yield Move(
                count // stride, functools.partial(_without_some, pages, (place, start), stride)
            )


def _shorter_pairs_of_runs(pages: Pages) -> Iterator[Move[Sequence[Sequence[Any]]]]:
    for first, second in itertools.combinations(_runs(pages)[:_FEW_CHUNKS], 2):
        most = min(first[2], second[2]) - 1
        if most > 0:
            yield Move(most, functools.partial(_without_some_of_two, pages, first, second))


def _shorter_runs_together(pages: Pages) -> Iterator[Move[Sequence[Sequence[Any]]]]:
    """Yield the moves of pages for the runs of a single page, which depend on each other."""
    if len(pages.pages) == 1 and pages.listing.given is None:
        runs = tuple(tuple(same) for _, same in itertools.groupby(pages.pages[0]))
        parts = dataclasses.replace(pages, pages=runs)
        for moves in (_smaller_pages(parts, 1), _scaled(parts), _one_by_one(parts)):
            for move in moves:
                yield move.then(lambda shorter: [list(itertools.chain(*shorter))])


def _every_number(pages: Pages) -> Iterator[Move[Sequence[Sequence[Any]]]]:
    """Yield moves that try every small number of pages and sessions, for rules like ``n % 11``."""
    for alike in _alike(pages.sizes):
        fewer = functools.partial(_without_first, pages.pages, alike)
        yield Move(len(alike) - 1, fewer, _MOST_PAGES_ONE_BY_ONE)
    yield from _one_by_one(pages)


def _one_by_one(pages: Pages) -> Iterator[Move[Sequence[Sequence[Any]]]]:
    if len(pages.pages) <= _FEW_PAGES:
        for move in _smaller_pages(pages, 1):
            yield dataclasses.replace(move, one_by_one=_MOST_SESSIONS_ONE_BY_ONE)


def _without_some_of_two(
    pages: Pages, first: tuple[int, int, int], second: tuple[int, int, int], count: int
) -> list[Sequence[Any]]:
    # The later run first, so that the earlier one stays where it is.
    shorter = _without_some(pages, second[:2], 1, count)
    return _without_some(
        dataclasses.replace(pages, pages=tuple(map(tuple, shorter))), first[:2], 1, count
    )


def _without_some(
    pages: Pages, at: tuple[int, int], stride: int, count: int
) -> list[Sequence[Any]]:
    place, start = at
    page = pages.pages[place]
    shorter = (*page[:start], *page[start + stride * count :])
    return [*pages.pages[:place], shorter, *pages.pages[place + 1 :]]


def _scaled(pages: Pages) -> Iterator[Move[Sequence[Sequence[Any]]]]:
    """Yield the move that scales all page sizes down together."""
    scale = math.gcd(*pages.sizes)
    if len(pages.sizes) > 1 and scale > 1:
        yield Move(
            scale - 1,
            lambda less: [page[: len(page) // scale * (scale - less)] for page in pages.pages],
        )


def _fewer_and_smaller(pages: Pages) -> Iterator[Move[Sequence[Sequence[Any]]]]:
    """Yield moves that drop ``n`` pages and ``n`` sessions from each of other pages."""
    count = len(pages.pages)
    for alike in _alike(pages.sizes):
        yield from _both(pages, alike, alike)
    # Drop pages in the middle first, so that the first and the last one stay.
    yield from _both(pages, range(1, count), [0])
    yield from _both(pages, range(count - 1), [count - 1])


def _both(
    pages: Pages, gone: Sequence[int], smaller: Sequence[int]
) -> Iterator[Move[Sequence[Sequence[Any]]]]:
    most = min(len(gone) - (gone == smaller), len(pages.pages[smaller[0]]) - 1)
    if most > 0:
        yield Move(most, lambda less: _without_first(_lowered(pages, smaller, 1, less), gone, less))


def _in_pairs(pages: Pages) -> Iterator[Move[Sequence[Sequence[Any]]]]:
    """Yield moves of two pages: shrink both, or pass sessions on from one to a later one."""
    sizes = pages.sizes
    room = model.bounds("MaxResults")[1]
    for pair in itertools.combinations(range(min(len(sizes), _FEW_CHUNKS)), 2):
        place, other = pair
        both = min(sizes[place], sizes[other]) - 1
        if both > 0:
            yield Move(both, functools.partial(_lowered, pages, pair, 1))
        passed_on = min(sizes[place] - 1, room - sizes[other])
        if passed_on > 0:
            yield Move(passed_on, functools.partial(_passed_on, pages, pair))


def _passed_on(pages: Pages, pair: tuple[int, int], count: int) -> tuple[Sequence[Any], ...]:
    sizes = list(pages.sizes)
    sizes[pair[0]] -= count
    sizes[pair[1]] += count
    return _recut(list(itertools.chain(*pages.pages)), sizes)
