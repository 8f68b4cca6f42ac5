"""Suspect why a collector stops before the last page, or leaves pages out."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence

from pytest_deadline_sessions._api.validation import page_limit
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._service.behavior import Behavior
from pytest_deadline_sessions._text import plural
from pytest_deadline_sessions.checking._case import Case
from pytest_deadline_sessions.checking._suspicion import (
    Experiment,
    Observation,
    Suspicion,
    joined,
    of_pages,
)

_MOST_SESSIONS = 3_000
_ORDINALS = ("first", "second", "third", "fourth", "fifth")


def of_stopping(seen: Observation) -> Iterator[Suspicion]:
    """Suspect why a collector stopped at a page that had a token."""
    counts = [len(page) for page in seen.pages]
    limit = page_limit(seen.attempt.requests[-1].params)
    if not counts[-1]:
        yield from _of_empty_pages(counts)
    else:
        yield from _of_short_pages(counts, limit)
    yield _of_page_count(len(counts), limit)
    yield _of_session_count(sum(counts), len(counts))


def _of_empty_pages(counts: Sequence[int]) -> Iterator[Suspicion]:
    empty = len(list(itertools.takewhile(lambda count: not count, reversed(counts))))
    filled = of_pages(*(count or 1 for count in counts), 1, shows=_went_on)
    later = of_pages(1, *(0,) * empty, 1, shows=_stops_after(1 + empty))
    if empty == 1:
        yield Suspicion("It stopped at an empty page that had a token.", (filled, later))
    else:
        ordinal = _ORDINALS[empty - 1] if empty <= len(_ORDINALS) else f"{empty}th"
        fewer = of_pages(*(0,) * (empty - 1), 1, shows=_went_on)
        text = f"It stopped at the {ordinal} empty page in a row, which had a token."
        yield Suspicion(text, (filled, later, fewer))
    if len(counts) == 1:
        second = of_pages(1, 0, 1, shows=_went_on)
        yield Suspicion("It stops if the first page is empty.", (filled, second))


def _of_short_pages(counts: Sequence[int], limit: int) -> Iterator[Suspicion]:
    last = counts[-1]
    if len(counts) > 1 and last < counts[-2]:
        equal = of_pages(1, 1, 1, shows=_went_on)
        smaller = of_pages(2, 1, 1, shows=_stops_after(2))
        yield Suspicion(
            "It stopped at a page that was smaller than the one before.", (equal, smaller)
        )
    if last < limit and len(counts) * limit <= _MOST_SESSIONS:
        full = of_pages(*(limit,) * len(counts), 1, shows=_went_on)
        short = of_pages(limit, limit - 1, 1, shows=_stops_after(2))
        yield Suspicion("It stopped at a page that was not full but had a token.", (full, short))


def _of_page_count(pages: int, limit: int) -> Suspicion:
    stops = _stops_after(pages)
    experiments = [
        of_pages(*(size,) * pages, 1, 1, shows=stops)
        for size in (0, 1, 2, limit)
        if size <= limit and size * pages <= _MOST_SESSIONS
    ]
    # Other tokens show that it is not the token that makes it stop.
    listing = Listing(page_sizes=(*(1,) * pages, 1, 1))
    experiments += [
        Experiment(Case(listing, Behavior(token_shape="alphanumeric")), stops),  # noqa: S106 (no password)
        Experiment(Case(listing, Behavior(token_shape="growing")), stops),  # noqa: S106 (no password)
    ]
    text = (
        "It returned only the first page." if pages == 1 else f"It requests at most {pages} pages."
    )
    return Suspicion(text, tuple(experiments))


def _of_session_count(sessions: int, pages: int) -> Suspicion:
    text = f"It stops once it has {plural(sessions, 'session')}."
    sizes = sorted(_split(sessions, pages + 1))
    return Suspicion(text, (of_pages(*sizes, 1, 1, shows=_stops_after(pages + 1)),))


def of_pages_left_out(seen: Observation) -> Iterator[Suspicion]:
    """Suspect that a collector requests every page, but does not keep each one once."""
    for text, kept in _KEPT.items():
        if _keeps(kept)(seen):
            experiments = (
                of_pages(1, 2, 3, shows=_keeps(kept)),
                of_pages(2, 3, shows=_keeps(kept)),
            )
            yield Suspicion(text, experiments)
    requests = [sorted(call.params.items()) for call in seen.attempt.requests]
    if seen.got == joined(seen.pages) and any(requests.count(each) > 1 for each in requests):
        yield Suspicion("It requests a page again, and keeps its sessions twice.")
    if seen.got and list(seen.got) == seen.ids[: len(seen.got)]:
        count = len(seen.got)
        yield Suspicion(
            f"It keeps no more than {plural(count, 'session')}.",
            tuple(
                of_pages(*_split(count, pages), 1, 1, shows=functools.partial(_keeps_first, count))
                for pages in (count // 100 + 1, count // 100 + 2)
            ),
        )


def _keeps_first(count: int, seen: Observation) -> bool:
    return list(seen.got or ()) == seen.ids[:count]


def _keeps(kept: Callable[[list[list[str]]], list[list[str]]]) -> Callable[[Observation], bool]:
    def shows(seen: Observation) -> bool:
        pages = joined(kept(seen.pages))
        # If nothing is left out of these pages, that is not the cause.
        return seen.got is not None and list(seen.got) == pages != joined(seen.pages)

    return shows


def _went_on(seen: Observation) -> bool:
    return seen.went_on


def _stops_after(pages: int) -> Callable[[Observation], bool]:
    return lambda seen: seen.stopped_after(pages)


def _split(sessions: int, pages: int) -> list[int]:
    """Split sessions into pages of nearly the same size, the larger ones first."""
    size, more = divmod(sessions, pages)
    return [size + 1] * more + [size] * (pages - more)


_KEPT: dict[str, Callable[[list[list[str]]], list[list[str]]]] = {
    "It drops the last page, the one without a token.": lambda pages: pages[:-1],
    "It drops the first page.": lambda pages: pages[1:],
    "It keeps only the last page.": lambda pages: pages[-1:],
    "It keeps only the first page.": lambda pages: pages[:1],
    "It keeps only one session of each page, the first.": lambda pages: [
        page[:1] for page in pages
    ],
    "It keeps only one session of each page, the last.": lambda pages: [
        page[-1:] for page in pages
    ],
}
