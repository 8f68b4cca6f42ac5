"""One situation to try a collector in, and the ways situations vary."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal, get_args

from pytest_deadline_sessions._arguments import (
    check_choice,
    check_items,
    check_kind,
    check_switch,
    check_whole,
    wrong_value,
)
from pytest_deadline_sessions._domain.faults import fault_codes
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

    Raises:
        TypeError: A value has the wrong type.
        ValueError: ``ListSessions`` has no such fault, or a number is out of range.
    """

    fault: str
    after: int = 0
    times: int | None = None

    def __post_init__(self) -> None:
        """Check every value now, so that an impossible lapse never exists."""
        check_choice("fault", self.fault, fault_codes())
        check_whole("after", self.after)
        if self.times is not None:
            check_whole("times", self.times, 1)

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

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A number is out of range, or the sequence or a change is unknown.
    """

    listing: Listing = EMPTY
    behavior: Behavior = _PLAIN
    lapses: tuple[Lapse, ...] = ()
    expiries: tuple[int, ...] = ()
    always_expired: bool = False
    drift: tuple[tuple[int, Change], ...] = ()
    sequence: Sequence = "once"

    def __post_init__(self) -> None:
        """Check every value now, so that an impossible case never exists."""
        check_kind("listing", self.listing, Listing, "a Listing")
        check_kind("behavior", self.behavior, Behavior, "a Behavior")
        for name, check in (("lapses", _lapse), ("expiries", _answer), ("drift", _drift)):
            given = check_items(name, getattr(self, name), "a tuple")
            checked = tuple(check(f"{name}[{index}]", item) for index, item in enumerate(given))
            object.__setattr__(self, name, checked)
        check_switch("always_expired", self.always_expired)
        check_choice("sequence", self.sequence, get_args(Sequence))

    def __repr__(self) -> str:
        return concise(self, positional=1)


def _lapse(name: str, value: object) -> Lapse:
    return check_kind(name, value, Lapse, "a Lapse")


def _answer(name: str, value: object) -> int:
    return check_whole(name, value, 1)


def _drift(name: str, value: object) -> tuple[int, Change]:
    expected = "a pair of a number of answered requests and a change"
    pair = check_kind(name, value, (tuple, list), expected)
    if len(pair) != 2:  # noqa: PLR2004 (a pair)
        raise wrong_value(name, value, expected)
    return _answer(f"{name}[0]", pair[0]), check_choice(f"{name}[1]", pair[1], get_args(Change))


def without_empty_pages(listing: Listing) -> Listing:
    """The listing without its empty pages."""
    if listing.page_sizes is None:
        return listing
    sizes = tuple(size for size in listing.page_sizes if size) or (0,)
    return dataclasses.replace(listing, page_sizes=sizes)
