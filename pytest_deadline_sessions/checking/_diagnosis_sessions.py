"""Suspect why a collector leaves out sessions, or changes their order."""

from __future__ import annotations

import datetime
import functools
import itertools
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions.checking._attempt import Attempt
from pytest_deadline_sessions.checking._case import Case
from pytest_deadline_sessions.checking._content import most_statuses, varied
from pytest_deadline_sessions.checking._reading import item_ids
from pytest_deadline_sessions.checking._suspicion import (
    Experiment,
    Observation,
    Suspicion,
    joined,
    of_pages,
)
from pytest_deadline_sessions.lifecycle import ENDED, STARTED, UPDATE_IN_PROGRESS

_STATUS = "lifecycleStatus"
_NO_GAP = datetime.timedelta(0)


def of_kind(seen: Observation) -> Iterator[Suspicion]:
    """Suspect why a collector returns something other than sessions, by what it returned."""
    returned, target = seen.attempt.returned, seen.attempt.target
    if seen.got is not None and {*seen.got} & {"ResponseMetadata", "nextToken"}:
        yield Suspicion(
            "It iterates over a response, which gives the names of its members. Iterate over "
            f"response[{target.result_key!r}]."
        )
    if seen.got is None and isinstance(returned, list) and returned:
        pages = [item_ids(page, 0, target) if isinstance(page, list) else None for page in returned]
        if joined([page or [] for page in pages]) == seen.ids and None not in pages:
            yield Suspicion("It returns a list of pages, each a list of sessions.")


def of_sessions(seen: Observation) -> Iterator[Suspicion]:
    """Suspect that a collector leaves out sessions by their members."""
    if seen.got is None or not {*seen.got} < {*seen.ids}:
        return
    key, items = seen.attempt.target.key, seen.attempt.items
    left_out = [each for each in items if each[key] not in seen.got]
    returned = [each for each in items if each[key] in seen.got]
    for members, experiments in _DUPLICATES.items():
        if not all(_has_of_session(seen, member) for member in members):
            continue
        keys = [_key(each, members) for each in returned]
        if all(_key(each, members) in keys for each in left_out):
            text = f"It treats sessions with the same {' and '.join(members)} as duplicates."
            yield Suspicion(text, _counting(experiments), members)
    for name in varied(seen.attempt.target):
        values = {each.get(name) for each in left_out}
        if not values & {each.get(name) for each in returned}:
            yield _of_values(seen, name, values)
    if _has_of_session(seen, _STATUS):
        statuses = {each[_STATUS] for each in left_out}
        if not statuses & {each[_STATUS] for each in returned}:
            yield from _of_statuses(statuses)


def _has_of_session(seen: Observation, member: str) -> bool:
    """Whether each item has a member as the session has that it is made of."""
    item, session = seen.attempt.target.item.members, model.members("SessionSummary")
    return member in item and item[member].name == session[member].name


def _of_values(seen: Observation, name: str, values: set[Any]) -> Suspicion:
    """Suspect that a collector leaves out the items that have some values of an enumeration."""
    target = seen.attempt.target
    listing = Listing(runs=((UPDATE_IN_PROGRESS, most_statuses(target)),))

    def shows(other: Observation) -> bool:
        kept = [each for each in other.attempt.items if each.get(name) not in values]
        return list(other.got or ()) == [each[target.key] for each in kept]

    text = f"It leaves out sessions whose {name} is {' or '.join(sorted(map(str, values)))}."
    return Suspicion(text, (Experiment(Case(listing), shows),), (name,))


def _of_statuses(left_out: set[str]) -> Iterator[Suspicion]:
    every = model.enum("SessionLifecycleStatus")
    listing = Listing(
        page_sizes=(len(every),), runs=tuple((each, 1) for each in every), workers=len(every)
    )
    for count in range(len(left_out), len(every)):
        for names in itertools.combinations(every, count):
            kept = [each for each in every if each not in names]
            if left_out <= {*names}:
                text = f"It leaves out sessions whose {_STATUS} is {' or '.join(names)}."
                if len(kept) == 1:
                    text = f"It keeps only sessions whose {_STATUS} is {kept[0]}."
                yield Suspicion(text, (Experiment(Case(listing), _keeping(kept)),), (_STATUS,))


def _keeping(statuses: Sequence[str]) -> Callable[[Observation], bool]:
    return lambda seen: (
        list(seen.got or ())
        == [
            each[seen.attempt.target.key]
            for each in seen.attempt.items
            if each["lifecycleStatus"] in statuses
        ]
    )


def _key(summary: Mapping[str, Any], members: Sequence[str]) -> list[Any]:
    return [summary[member] for member in members]


_ALIKE = {
    "worker": Listing(page_sizes=(3,)),
    "start": Listing(page_sizes=(3,), gap=_NO_GAP, workers=3),
    "both": Listing(page_sizes=(3,), gap=_NO_GAP),
    "neither": Listing(page_sizes=(3,), workers=3),
    "not even the status": Listing(page_sizes=(2,), runs=((STARTED, 1), (ENDED, 1)), workers=2),
}
_DUPLICATES = {
    ("workerId",): {"worker": 1, "start": 3, "neither": 3},
    ("startedAt",): {"worker": 3, "start": 1, "neither": 3},
    ("workerId", "startedAt"): {"worker": 3, "start": 3, "both": 1},
    ("fleetId",): {"neither": 1, "not even the status": 1},
    (_STATUS,): {"neither": 1, "not even the status": 2},
}
"""How many sessions are left of each listing, by the members that make sessions duplicates."""


def _counting(left: dict[str, int]) -> tuple[Experiment, ...]:
    return tuple(
        Experiment(Case(_ALIKE[name]), functools.partial(_returned, count))
        for name, count in left.items()
    )


def _returned(count: int, seen: Observation) -> bool:
    return len(seen.got or ()) == count


def of_order(attempt: Attempt, got: Sequence[str]) -> Iterator[Suspicion]:
    """Suspect why the order is wrong.

    Args:
        attempt: The call, and what the collector did.
        got: The session ids that it returned.
    """
    seen = Observation(attempt, got)
    for text, members, order in _orders(seen.attempt.target.key):
        if any(_is_ambiguous(seen.attempt.items, member) for member in members):
            continue
        if list(got) == order(seen):
            shows = _returning(order)
            experiments = (Experiment(Case(_shuffled()), shows), of_pages(1, 2, 3, shows=shows))
            yield Suspicion(text, experiments, members)


def _is_ambiguous(items: Sequence[Mapping[str, Any]], member: str) -> bool:
    """Whether items lack a member, or have another one with the same values."""
    if not all(member in item for item in items):
        return True
    others = items[0].keys() - {member} if items else ()
    return any(all(item.get(other) == item[member] for item in items) for other in others)


def _returning(order: Callable[[Observation], list[str]]) -> Callable[[Observation], bool]:
    return lambda seen: list(seen.got or ()) == order(seen)


def _orders(key: str) -> Iterator[tuple[str, tuple[str, ...], Callable[[Observation], list[str]]]]:
    yield "It reverses the listing.", (), lambda seen: seen.ids[::-1]
    yield "It puts later pages before earlier ones.", (), lambda seen: joined(seen.pages[::-1])
    yield (
        "It reverses the sessions of each page.",
        (),
        lambda seen: joined([page[::-1] for page in seen.pages]),
    )
    for member in ("startedAt", key, "workerId", _STATUS):
        yield f"It sorts by {member}.", (member,), _sorting(member)
        yield f"It sorts by {member}, the largest first.", (member,), _sorting(member, reverse=True)


def _sorting(member: str, *, reverse: bool = False) -> Callable[[Observation], list[str]]:
    def in_order(seen: Observation) -> list[str]:
        items = seen.attempt.items
        items.sort(key=operator.itemgetter(member), reverse=reverse)
        return [item[seen.attempt.target.key] for item in items]

    return in_order


def _shuffled() -> Listing:
    """A listing in which no member ascends or descends."""
    runs = ((ENDED, 1), (STARTED, 2), ("UPDATE_FAILED", 1), (STARTED, 1))
    summaries = list(Listing(page_sizes=(5,), runs=runs, order="mixed", workers=5))
    changed = [
        {
            **each,
            "sessionId": summaries[2 * place % 5]["sessionId"],
            "workerId": summaries[3 * place % 5]["workerId"],
        }
        for place, each in enumerate(summaries, start=1)
    ]
    return Listing.of(changed, page_sizes=(2, 3))
