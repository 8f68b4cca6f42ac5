"""One situation to try a collector in, and the ways situations vary."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Literal, get_args

from pytest_deadline_sessions._api import model
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
    "sessions-added-same-time",
    "sessions-added-earlier",
    "failing-later",
]
Start = Literal["start", "start-same-time", "start-earlier"]
Change = Literal["start", "start-same-time", "start-earlier", "end", "request-end"]
Drift = tuple[int, Change] | tuple[int, Change, int]

VARIATIONS = {
    "page-sizes": "where the service cuts pages: full, single-session, short and uneven ones",
    "empty-pages": "pages without sessions, first, in the middle and last",
    "volume": "hundreds of pages, thousands of sessions",
    "tokens": "shape and length of tokens, spaces around them, the same text for two jobs, null "
    "for the last page",
    "data": "equal start times, sessions that differ only in sessionId, all statuses, any start "
    "order",
    "drift": "sessions that start, receive end requests and end between two pages, whether they "
    "were served before or not; new ones may have an earlier start time",
    "faults": "each kind of fault and broken connection, on each page and in each operation that "
    "the collector calls: ending before botocore gives up, ending later, and permanent",
    "expiry": "tokens that expire between two pages, once or always",
    "sequences": "repeated calls: for the same job, for two jobs in turn, after a failure, after a "
    "change, and with every request of the second call failing",
}
"""What ``check_pagination`` varies, by the name that ``without=`` accepts."""

EMPTY = Listing(page_sizes=(0,))
TWO = Listing(page_sizes=(1, 1))
_PLAIN = Behavior()
_LAST = -1


@dataclass(frozen=True, repr=False)
class Lapse:
    """A fault: ``times`` requests fail once ``after`` requests have been answered.

    Attributes:
        fault: The code of the fault.
        after: How many requests are answered first, counted from the end of the lapse before it.
        times: How many requests fail, botocore's retries included; ``None`` for all from then on.
        operation: The API name of the operation; only its requests count. By default it is the
            operation that is checked.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: The operation is unknown or has no such fault, or a number is out of range.
    """

    fault: str
    after: int = 0
    times: int | None = None
    operation: str | None = None

    def __post_init__(self) -> None:
        """Check every value now, so that an impossible lapse never exists."""
        operation = model.OPERATION if self.operation is None else self.operation
        check_kind("operation", operation, str, "the API name of an operation")
        model.operation_model(operation)
        check_choice("fault", self.fault, fault_codes(operation))
        check_whole("after", self.after)
        if self.times is not None:
            check_whole("times", self.times, 1)

    def __repr__(self) -> str:
        return concise(self, positional=1)


@dataclass
class Seen:
    """What a collector has been seen to do so far.

    Attributes:
        checked: The API name of the operation that is checked.
        operations: The API names of the operations that it called, in that order.
        limit: The smallest maxResults that it sent.
    """

    checked: str = model.OPERATION
    operations: dict[str, None] = field(default_factory=dict)
    limit: int = model.bounds("MaxResults")[1]

    def sessions(self, calls: int) -> int:
        """How many sessions it can list with so many calls.

        A collector that calls other operations may do so for each session.
        """
        return calls if self.others() else calls * self.limit

    def others(self) -> list[str]:
        """The operations that it called beside the one that is checked."""
        return [name for name in self.operations if name != self.checked]


@dataclass(frozen=True, repr=False)
class Case:
    """One situation that the service could produce.

    Attributes:
        listing: The sessions of the job, and how they are cut into pages.
        behavior: The service's decisions on what the API does not document.
        lapses: The faults.
        expiries: The numbers of answered requests after which all tokens expire.
        always_expired: Whether every token has expired by the time the collector uses it.
        drift: The changes in the job: each with the number of answered requests that precede it,
            and optionally with a place. Place 0 is the first session that is still ``STARTED``; by
            default it is -1, the last.
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
    drift: tuple[Drift, ...] = ()
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


def _drift(name: str, value: object) -> Drift:
    expected = "a number of answered requests, a change and, optionally, a place"
    parts = check_kind(name, value, (tuple, list), expected)
    if len(parts) not in {2, 3}:
        raise wrong_value(name, value, expected)
    at = _answer(f"{name}[0]", parts[0])
    change = check_choice(f"{name}[1]", parts[1], get_args(Change))
    if len(parts) == 2:  # noqa: PLR2004 (without a place)
        return at, change
    place = check_whole(f"{name}[2]", parts[2], _LAST)
    return (at, change) if place == _LAST else (at, change, place)


def place_of(drift: Drift) -> int:
    """The place of a change: which of the sessions that are still ``STARTED`` it affects."""
    return drift[2] if len(drift) == 3 else _LAST  # noqa: PLR2004 (with a place)


def is_disturbed(case: Case) -> bool:
    """Whether a request may fail in a case, other than in a later call of its sequence."""
    return bool(case.lapses or case.expiries or case.always_expired)


def without_empty_pages(listing: Listing) -> Listing:
    """The listing without its empty pages."""
    if listing.page_sizes is None:
        return listing
    sizes = tuple(size for size in listing.page_sizes if size) or (0,)
    return dataclasses.replace(listing, page_sizes=sizes)
