"""Whether a result has every session of a listing, once each, in the service's order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_deadline_sessions._contract.differences import Differences, compare
from pytest_deadline_sessions._contract.rules import COMPLETE, ORDER
from pytest_deadline_sessions.lifecycle import Rule

Key = Callable[[Any], Any] | str
"""Where an item has its session id: a function of the item, or the name of a key or attribute."""

NAMES = ("sessionId", "session_id")
"""The names under which a summary, or an object made of it, has its session id."""


@dataclass(frozen=True)
class Incomplete:
    """How a result differs from a listing.

    Attributes:
        rule: ``COMPLETE``, or ``ORDER`` if only the order is wrong.
        got: The ids of the result that are in the listing.
        differences: Missing, duplicated and unexpected ids; none if only the order is wrong.
    """

    rule: Rule
    got: Sequence[str]
    differences: Differences


def check_ids(
    got: Sequence[str],
    listed: Sequence[str],
    *,
    ordered: bool = True,
    started: Collection[str] = (),
) -> Incomplete | None:
    """Compare the ids of a result with those of a listing; ``None`` if they agree.

    Args:
        got: The ids of the result.
        listed: The ids of the listing.
        ordered: Whether the order matters.
        started: The ids of sessions that started during paging; allowed anywhere, not required.

    Example:
        >>> check_ids(["a", "b"], ["a", "b"])
        >>> check_ids(["b", "a"], ["a", "b"]).rule.name
        'order'
        >>> check_ids(["b", "a"], ["a", "b"], ordered=False)
    """
    differences = compare(got, listed, started)
    known = [each for each in got if each in differences.places]
    if differences:
        return Incomplete(COMPLETE, known, differences)
    if ordered and known != list(listed):
        return Incomplete(ORDER, known, differences)
    return None


def session_id(item: object, key: Key | None = None, names: Iterable[str] = NAMES) -> str | None:
    """Return the session id of an item; ``None`` if it has none.

    Args:
        item: An id; or a mapping or another object with a ``sessionId`` or ``session_id``, such as
            a summary, a dataclass or a namedtuple.
        key: Where else the id is: a function of the item, or the name of a key or an attribute.
        names: The names under which the item may have its id, if no ``key`` says where.

    Example:
        >>> session_id({"sessionId": "session-1"}), session_id("session-2"), session_id(3)
        ('session-1', 'session-2', None)
        >>> session_id({"id": "session-4"}, key="id")
        'session-4'
        >>> session_id([5, "session-5"], key=lambda item: item[1])
        'session-5'
    """
    if callable(key):
        value = key(item)
    elif isinstance(item, str) and key is None:
        value = item
    else:
        value = _member(item, names if key is None else (key,))
    # A subclass of str may have methods of its own; only its text counts.
    return str.__str__(value) if isinstance(value, str) else None


def _member(item: object, names: Iterable[str]) -> Any:
    """The first of these keys, or attributes, that holds a string."""
    for name in names:
        value = item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)
        if isinstance(value, str):
            return value
    return None
