"""One situation to try a collector in, and the ways situations vary."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal, get_args

from pytest_deadline_sessions._arguments import check_choice
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
    "page-sizes": "where the service cuts pages: full, single-session, short and uneven ones",
    "empty-pages": "pages without sessions, first, in the middle and last",
    "volume": "hundreds of pages, a thousand sessions",
    "tokens": "content and length of tokens, spaces around them, the same text for two jobs, null "
    "for the last page",
    "data": "equal start times, sessions that differ only in sessionId, all statuses, any start "
    "order",
    "drift": "sessions that start, receive end requests and end between two pages",
    "faults": "each kind of fault and broken connection, on each page: ending before botocore "
    "gives up, ending later, and permanent",
    "expiry": "tokens that expire between two pages, once or always",
    "sequences": "repeated calls: for the same job, for two jobs in turn, after a failure, after a "
    "change, and with every request of the second call failing",
}
"""What ``check_pagination`` varies, by the name that ``without=`` accepts."""

EMPTY = Listing(page_sizes=(0,))
TWO = Listing(page_sizes=(1, 1))
_PLAIN = Behavior()


@dataclass(frozen=True, repr=False)
class Lapse:
    """A fault: ``times`` requests fail once ``after`` requests have been answered.

    Attributes:
        fault: The code of the fault.
        after: How many requests are answered first.
        times: How many requests fail, botocore's retries included; ``None`` for all from then on.
    """

    fault: str
    after: int = 0
    times: int | None = None

    def __repr__(self) -> str:
        return concise(self, positional=1)


@dataclass(frozen=True, repr=False)
class Case:
    """One situation that the service could produce.

    Attributes:
        listing: The sessions of the job, and how they are cut into pages.
        behavior: The service's decisions on what the API does not document.
        lapses: The faults.
        expiries: The numbers of answered requests after which all tokens expire.
        always_expired: Whether every token has expired by the time the collector uses it.
        drift: The changes in the job, each with the number of answered requests that precede it.
        sequence: How often the collector is called, and what happens between the calls.
    """

    listing: Listing = EMPTY
    behavior: Behavior = _PLAIN
    lapses: tuple[Lapse, ...] = ()
    expiries: tuple[int, ...] = ()
    always_expired: bool = False
    drift: tuple[tuple[int, Change], ...] = ()
    sequence: Sequence = "once"

    def __post_init__(self) -> None:
        """Refuse an unknown sequence or change."""
        check_choice("sequence", self.sequence, get_args(Sequence))
        for index, (_, change) in enumerate(self.drift):
            check_choice(f"drift[{index}]", change, get_args(Change))

    def __repr__(self) -> str:
        return concise(self, positional=1)


def without_empty_pages(listing: Listing) -> Listing:
    """The listing without its empty pages."""
    if listing.page_sizes is None:
        return listing
    sizes = tuple(size for size in listing.page_sizes if size) or (0,)
    return dataclasses.replace(listing, page_sizes=sizes)
