"""Whether a result has every session of a listing, once each, in the service's order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pytest_deadline_sessions._contract.differences import Differences, compare
from pytest_deadline_sessions._contract.rules import COMPLETE, ORDER
from pytest_deadline_sessions.lifecycle import Rule


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


def session_id(item: object) -> str | None:
    """Return the id of a summary, or the item itself if it is an id; otherwise ``None``.

    Example:
        >>> session_id({"sessionId": "session-1"}), session_id("session-2"), session_id(3)
        ('session-1', 'session-2', None)
    """
    value = item.get("sessionId") if isinstance(item, Mapping) else item
    # A subclass of str may have methods of its own; only its text counts.
    return str.__str__(value) if isinstance(value, str) else None
