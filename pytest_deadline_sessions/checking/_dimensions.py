"""The dimensions in which situations vary, and the cases in which every two values meet."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.faults import fault_codes
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._domain.token_shapes import TokenShape
from pytest_deadline_sessions._service.behavior import Behavior
from pytest_deadline_sessions.checking._case import Case, Change, Lapse, Sequence, Start
from pytest_deadline_sessions.lifecycle import ENDED

CUTS = ((1, 1), (1,), (2,), (1, 1, 1), (2, 1), (1, 2), (1, 2, 3), (1,) * 5)
EMPTY_PAGES = ("none", "first", "middle", "last", "two")
DATA = (
    "oldest-first",
    "same-time",
    "newest-first",
    "mixed",
    "descending-ids",
    "all-statuses",
    "ended",
    "ended-at-once",
    "several-workers",
)
LENGTHS = (80, 48, 4096)
ENDINGS = ("absent", "null", "empty")
EXPIRIES = ("none", "after-1", "after-2", "always")
TIMES = (1, 4, 5, None)
"""How many requests fail: one or four, which botocore retries, one more than that, or all."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Scope:
    """What situations may contain.

    Attributes:
        without: The variations to leave out.
        empty_final_token: Whether the last page may have an empty token.
        operations: The operations that may fail; ``None`` is the one that is checked.
        limit: The most sessions that the collector accepts in a page.
    """

    without: frozenset[str] = frozenset()
    empty_final_token: bool = False
    operations: tuple[str | None, ...] = (None,)
    limit: int = model.bounds("MaxResults")[1]

    def has(self, *variations: str) -> bool:
        """Whether none of these variations is left out."""
        return self.without.isdisjoint(variations)

    def choices(self, variation: str, values: Collection[Any]) -> list[Any]:
        """The values of a dimension; only the first one if its variation is left out."""
        return list(values) if self.has(variation) else list(values)[:1]

    def cuts(self) -> list[tuple[int, ...]]:
        """The sizes of pages; one of them is full."""
        full = (self.limit, 1)
        return self.choices("page-sizes", [*CUTS, *([] if full in CUTS else [full])])

    def endings(self) -> list[str]:
        """What the last page may have as its token."""
        ends = self.choices("tokens", ENDINGS[:2])
        return [*ends, "empty"] if self.empty_final_token else ends


def calm(scope: Scope) -> dict[str, list[Any]]:
    """The dimensions of situations in which no call fails, and the values of each."""
    return {
        "cuts": scope.cuts(),
        "empty_pages": scope.choices("empty-pages", EMPTY_PAGES),
        "shape": scope.choices("tokens", get_args(TokenShape)),
        "length": scope.choices("tokens", LENGTHS),
        "spaced": scope.choices("tokens", [False, True]),
        "shared": scope.choices("tokens", [False, True]),
        "ending": scope.endings(),
        "data": scope.choices("data", DATA),
        "change": scope.choices("drift", ["none", *get_args(Change), "two"]),
        "place": scope.choices("drift", [-1, 0]),
        "sequence": scope.choices("sequences", [*sequences(failing=False)]),
    }


def disturbed(scope: Scope) -> dict[str, list[Any]]:
    """The dimensions of situations in which calls fail, and the values of each."""
    dimensions = calm(scope)
    faulty = scope.has("faults")
    trouble = [expiry for expiry in scope.choices("expiry", EXPIRIES) if expiry != "none"]
    codes = [code for operation in scope.operations for code in _codes(operation)]
    dimensions["trouble"] = [*(dict.fromkeys(codes) if faulty else ()), *trouble]
    dimensions["after"] = [0, 1, 2] if faulty else [0]
    dimensions["times"] = list(TIMES) if faulty else [1]
    dimensions["operation"] = list(scope.operations) if faulty else [None]
    failing = scope.has("sequences") and faulty
    dimensions["sequence"] = [
        *dimensions["sequence"],
        *(sequences(failing=True) if failing else ()),
    ]
    return dimensions


def _codes(operation: str | None) -> list[str]:
    return fault_codes() if operation is None else fault_codes(operation)


def sequences(*, failing: bool) -> list[Sequence]:
    """The names of the sequences in which a call fails, or of those in which none does."""
    return [name for name in get_args(Sequence) if ("fail" in name) == failing]


def pairs(scope: Scope) -> tuple[Case, ...]:
    """Cases without failures in which every two values of two dimensions meet."""
    return _meeting(calm(scope))


def pairs_with_failures(scope: Scope) -> tuple[Case, ...]:
    """Cases with failures: every value of every dimension meets every failure.

    A failure may hide what would have come after it. So these come on top of ``pairs``.
    """
    dimensions = disturbed(scope)
    return _meeting(dimensions) if dimensions["trouble"] else ()


def _meeting(dimensions: Mapping[str, list[Any]]) -> tuple[Case, ...]:
    return _computed(tuple((name, tuple(values)) for name, values in dimensions.items()))


@functools.lru_cache(maxsize=32)
def _computed(dimensions: tuple[tuple[str, tuple[Any, ...]], ...]) -> tuple[Case, ...]:
    cases = {case_of(row): None for row in rows(dict(dimensions))}
    return tuple(sorted(cases, key=_size))


def rows(dimensions: Mapping[str, Collection[Any]]) -> Iterator[Row]:
    """Yield few rows of values in which every two values that may stand together do.

    Args:
        dimensions: The values of each dimension.
    """
    from allpairspy import AllPairs

    fixed = {name: next(iter(values)) for name, values in dimensions.items()}
    varied = {name: list(values) for name, values in dimensions.items() if len(values) > 1}
    if len(varied) < 2:  # noqa: PLR2004 (there are no pairs)
        for name, values in varied.items():
            yield from ({**fixed, name: value} for value in values)
        return
    # With a filter, the library leaves a few pairs out.
    missing = dict.fromkeys(_pairs(varied))
    filtered = AllPairs(
        list(varied.values()),
        filter_func=lambda row: allowed(dict(zip(varied, row, strict=False))),
    )
    for values in filtered:
        row = dict(zip(varied, values, strict=True))
        for pair in itertools.combinations(row.items(), 2):
            missing.pop(pair, None)
        yield {**fixed, **row}
    yield from filter(allowed, ({**fixed, **dict(pair)} for pair in missing))


def _pairs(dimensions: Mapping[str, Collection[Any]]) -> Iterator[tuple[tuple[str, Any], ...]]:
    """Yield every two values of two dimensions, each with its name."""
    for (name, values), (other, others) in itertools.combinations(dimensions.items(), 2):
        for value, another in itertools.product(values, others):
            yield (name, value), (other, another)


def allowed(row: Row) -> bool:
    """Whether the values of a row, which may be incomplete, can stand together."""
    return all(rule(row) for rule in _RULES)


_FIRST = {"place": -1, "after": 0, "times": 1, "operation": None}


def _are_first(row: Row, *names: str) -> bool:
    return all(row.get(name, _FIRST[name]) == _FIRST[name] for name in names)


def _place_of_sessions_that_end(row: Row) -> bool:
    change = row.get("change")
    return change is None or change in {"end", "request-end"} or _are_first(row, "place")


def _expiries_are_no_faults(row: Row) -> bool:
    is_expiry = row.get("trouble") in EXPIRIES
    return not is_expiry or _are_first(row, "after", "times", "operation")


def _operation_has_fault(row: Row) -> bool:
    trouble, operation = row.get("trouble"), row.get("operation")
    is_fault = trouble is not None and trouble not in EXPIRIES
    return not is_fault or trouble in _codes(operation)


_RULES = (_place_of_sessions_that_end, _expiries_are_no_faults, _operation_has_fault)


def case_of(row: Row) -> Case:
    """The case that a row of values stands for.

    Args:
        row: A value for each dimension; those of failures may be missing.
    """
    trouble = row.get("trouble", "none")
    lapses: tuple[Lapse, ...] = ()
    if trouble not in EXPIRIES:
        lapses = (Lapse(trouble, row["after"], row["times"], row["operation"]),)
    return Case(
        listing_of(row["cuts"], row["empty_pages"], row["data"]),
        Behavior(
            token_shape=row["shape"],
            token_length=row["length"],
            spaces_around_tokens=row["spaced"],
            tokens_shared_by_jobs=row["shared"],
            null_final_token=row["ending"] == "null",
            empty_final_token=row["ending"] == "empty",
        ),
        lapses=lapses,
        expiries={"after-1": (1,), "after-2": (2,)}.get(trouble, ()),
        always_expired=trouble == "always",
        drift=_drift(row["change"], row["place"]),
        sequence=row["sequence"],
    )


def listing_of(cuts: tuple[int, ...], empty_pages: str, data: str) -> Listing:
    """A listing with certain pages and certain content.

    Args:
        cuts: The sizes of the pages that have sessions.
        empty_pages: Where the empty pages are.
        data: What is special about the content.
    """
    middle = (len(cuts) + 1) // 2
    sizes = {
        "none": cuts,
        "first": (0, *cuts),
        "middle": (*cuts[:middle], 0, *cuts[middle:]),
        "last": (*cuts, 0),
        "two": (*cuts[:middle], 0, 0, *cuts[middle:]),
    }[empty_pages]
    return with_data(Listing(page_sizes=sizes), data)


def with_data(listing: Listing, data: str) -> Listing:
    """The listing with special content: one of ``DATA``."""
    count = len(listing)
    no_gap = datetime.timedelta(0)
    if data == "ended-at-once":
        ended = dataclasses.replace(listing, runs=((ENDED, count),))
        at_once = ({**summary, "endedAt": summary["startedAt"]} for summary in ended)
        return Listing.of(at_once, listing.page_sizes)
    if data == "descending-ids":
        # Real ids do not ascend.
        ascending = list(listing)
        ids = [summary["sessionId"] for summary in reversed(ascending)]
        summaries = (
            {**summary, "sessionId": each} for summary, each in zip(ascending, ids, strict=True)
        )
        return Listing.of(summaries, listing.page_sizes)
    statuses = model.enum("SessionLifecycleStatus")[::-1]
    runs = tuple((statuses[place % len(statuses)], 1) for place in range(count))
    changes: dict[str, dict[str, Any]] = {
        "same-time": {"gap": no_gap},
        "newest-first": {"order": "newest-first"},
        "mixed": {"order": "mixed"},
        "all-statuses": {"runs": runs},
        "ended": {"runs": ((ENDED, count),)},
        "several-workers": {"workers": 3, "gap": no_gap},
    }
    return dataclasses.replace(listing, **changes.get(data, {}))


def _drift(change: str, place: int) -> tuple[Any, ...]:
    if change == "none":
        return ()
    if change == "two":
        return ((1, "end", 0), (1, "start-earlier"))
    return ((1, change),) if change in get_args(Start) else ((1, change, place),)


def _size(case: Case) -> tuple[int, int, int]:
    """How simple a case is: by its pages, its sessions, and how much of it is special."""
    plain = Case(case.listing)
    fields = dataclasses.fields(case)
    special = sum(getattr(case, field.name) != getattr(plain, field.name) for field in fields)
    behaviors = dataclasses.fields(case.behavior)
    special += sum(getattr(case.behavior, field.name) != field.default for field in behaviors)
    return len(case.listing.page_sizes or ()), len(case.listing), special
