"""What every assertion says, and how it refuses what it cannot judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_deadline_sessions._text import shown
from pytest_deadline_sessions.lifecycle import Rule

MOST_SHOWN = 10


def failure(
    subject: str, rule: Rule, lines: Iterable[str], without: str | None = None
) -> AssertionError:
    """The error for a rule that does not hold.

    Args:
        subject: What breaks it.
        rule: The rule.
        lines: What came, and what is allowed.
        without: The argument that leaves the rule out.
    """
    return AssertionError(text(subject, rule, lines, without))


def text(subject: str, rule: Rule, lines: Iterable[str], without: str | None = None) -> str:
    """What ``failure`` says."""
    source = f"source: {rule.source}" + (f"; {without} leaves it out" if without else "")
    head = f'{subject} breaks "{rule.name}": {rule.reason}'
    return "\n  ".join([head, source, *lines])


def wrong(name: str, value: Any, expected: str) -> TypeError:
    """The error for an argument of the wrong type."""
    return TypeError(f"{name}={shown(value)} (expected {expected})")


def listed(name: str, value: Any, expected: str) -> list[Any]:
    """The items of an argument."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise wrong(name, value, expected)
    return list(value)


def check_switch(name: str, value: Any) -> None:
    """Refuse what is no bool."""
    if not isinstance(value, bool):
        raise wrong(name, value, "True or False")
