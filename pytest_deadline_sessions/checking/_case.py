"""One situation that a collector is tried in, and what such situations vary."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal, get_args

from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._service.behavior import Behavior
from pytest_deadline_sessions._text import concise

Sequence = Literal[
    "once",
    "twice",
    "two-jobs",
    "changed-result",
    "after-failure",
    "sessions-added",
    "failing-later",
]
Change = Literal["start", "end", "request-end"]

VARIATIONS = {
    "page-sizes": "where the service cuts: full, single, short and uneven pages",
    "empty-pages": "pages without sessions, first, in the middle and last",
    "volume": "hundreds of pages",
    "tokens": "content and length of tokens, and the same text for two jobs",
    "data": "ties, twins that differ only in their id, all statuses, any order of starts",
    "drift": "sessions that start, are asked to end and end between two pages",
    "faults": "each kind of fault, at each place, healing and lasting",
    "expiry": "tokens that expire between two pages, once or always",
    "sequences": "several calls: again, for two jobs in turn, after a failure, after a change",
}
"""Everything that ``check_pagination`` varies, by the name that ``without=`` takes."""

EMPTY = Listing(page_sizes=(0,))
TWO = Listing(page_sizes=(1, 1))
_PLAIN = Behavior()


@dataclass(frozen=True, repr=False)
class Lapse:
    """A fault at a place: ``times`` requests fail once ``after`` requests have been answered.

    Attributes:
        fault: The code of the fault.
        after: How many requests are answered before.
        times: How many requests fail, botocore's retries among them; ``None`` for all from then on.
    """

    fault: str
    after: int = 0
    times: int | None = None

    def __repr__(self) -> str:
        return concise(self, positional=1)


@dataclass(frozen=True, repr=False)
class Case:
    """One situation that the service may bring a collector into.

    Attributes:
        listing: What the job lists, and where it is cut.
        behavior: What the API leaves open.
        lapses: The faults that come.
        expiries: After how many answered requests all tokens expire.
        always_expired: Whether every token has expired by the time it comes back.
        drift: What changes in the job once so many requests were answered.
        sequence: How often the collector is called, and what happens in between.
    """

    listing: Listing = EMPTY
    behavior: Behavior = _PLAIN
    lapses: tuple[Lapse, ...] = ()
    expiries: tuple[int, ...] = ()
    always_expired: bool = False
    drift: tuple[tuple[int, Change], ...] = ()
    sequence: Sequence = "once"

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        if self.sequence not in get_args(Sequence):
            msg = f"sequence={self.sequence!r} (expected one of {', '.join(get_args(Sequence))})"
            raise ValueError(msg)
        for _, change in self.drift:
            if change not in get_args(Change):
                msg = f"drift: {change!r} (expected one of {', '.join(get_args(Change))})"
                raise ValueError(msg)

    def __repr__(self) -> str:
        return concise(self, positional=1)


def without_empty_pages(listing: Listing) -> Listing:
    """The listing without its empty pages."""
    if listing.page_sizes is None:
        return listing
    sizes = tuple(size for size in listing.page_sizes if size) or (0,)
    return dataclasses.replace(listing, page_sizes=sizes)
