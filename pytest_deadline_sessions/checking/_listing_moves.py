"""The moves that make a listing smaller."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions.checking._move import Move, dropping_chunks, single
from pytest_deadline_sessions.checking._page_moves import (
    Pages,
    page_moves,
    rarer_page_moves,
    shaped,
    statuses_of,
)
from pytest_deadline_sessions.lifecycle import STARTED


def listing_moves(listing: Listing) -> Iterator[Move[Listing]]:
    """Yield the moves that help with most listings, starting with those that save most."""
    pages = Pages.of(listing)
    if listing.given is not None:
        yield from _to_shape(listing)
        if not pages.cut:
            for fewer in dropping_chunks(listing.given):
                yield fewer.then(lambda summaries: pages.listed([summaries]))
    else:
        yield from _to_defaults(listing)
        yield from _to_started(pages)
    for move in page_moves(pages):
        yield move.then(pages.listed)


def rarer_listing_moves(listing: Listing) -> Iterator[Move[Listing]]:
    """Yield the moves that help only when page sizes or counts depend on each other."""
    pages = Pages.of(listing)
    for move in rarer_page_moves(pages):
        yield move.then(pages.listed)


def without_pages(listing: Listing, page_size: int) -> Iterator[Move[Listing]]:
    """Yield moves that drop whole pages: the first ones, or those before the last.

    Args:
        listing: The listing.
        page_size: The page size of the service, for a listing without ``page_sizes``.
    """
    contents = Pages.of(listing)
    if not contents.cut:
        statuses = list(itertools.chain(*contents.pages))
        if len(statuses) > page_size:
            yield Move(
                (len(statuses) - 1) // page_size,
                lambda amount: contents.listed([statuses[amount * page_size :]]),
            )
        return
    pages = contents.pages
    if len(pages) > 1:
        yield Move(len(pages) - 1, lambda amount: contents.listed(pages[amount:]))
        yield Move(
            len(pages) - 1,
            lambda amount: contents.listed((*pages[: len(pages) - 1 - amount], pages[-1])),
        )


def with_smaller_pages(listing: Listing, page_size: int, smaller: int) -> Listing:
    """The listing that fills the same number of pages when the service's page size is smaller.

    Args:
        listing: A listing without ``page_sizes``.
        page_size: The present page size.
        smaller: The smaller page size.
    """
    contents = Pages.of(listing)
    sessions = contents.pages[0]
    full, last = divmod(max(len(sessions) - 1, 0), page_size)
    return contents.listed([sessions[: full * smaller + min(last + 1, smaller)]])


def _to_shape(listing: Listing) -> Iterator[Move[Listing]]:
    statuses = [str(summary.get("lifecycleStatus")) for summary in listing.given or ()]
    if set(statuses) <= set(model.enum("SessionLifecycleStatus")):
        yield single(shaped(Listing(), listing.page_sizes, statuses))


def _to_defaults(listing: Listing) -> Iterator[Move[Listing]]:
    for name in ("started_at", "gap", "order", "workers"):
        default: dict[str, Any] = {name: getattr(Listing(), name)}
        if getattr(listing, name) != default[name]:
            yield single(dataclasses.replace(listing, **default))
    workers = listing.workers
    if workers > 2:  # noqa: PLR2004 (1 is the default)
        yield Move(workers - 2, lambda less: dataclasses.replace(listing, workers=workers - less))


def _to_started(pages: Pages) -> Iterator[Move[Listing]]:
    """Yield moves that make sessions STARTED: whole runs, then all but one end of a run."""
    listing = pages.listing
    statuses = statuses_of(listing)

    def started(start: int, end: int) -> Listing:
        changed = [*statuses[:start], *[STARTED] * (end - start), *statuses[end:]]
        return shaped(listing, listing.page_sizes, changed)

    def started_in_part(start: int, end: int) -> Iterator[Move[Listing]]:
        yield Move(end - start - 1, lambda less: started(end - less, end))
        yield Move(end - start - 1, lambda less: started(start, start + less))

    ends = list(itertools.accumulate((count for _, count in listing.runs), initial=0))
    for (start, end), (status, count) in zip(itertools.pairwise(ends), listing.runs, strict=True):
        if status == STARTED or not count:
            continue
        yield single(started(start, end))
        if count > 1:
            yield from started_in_part(start, end)
