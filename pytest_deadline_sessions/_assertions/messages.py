"""The text of a failed assertion."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_deadline_sessions.lifecycle import Rule

MOST_SHOWN = 10


def failure(
    subject: str, rule: Rule, lines: Iterable[str], without: str | None = None
) -> AssertionError:
    """Make the error for a broken rule.

    Args:
        subject: The thing that breaks the rule, such as "The summary".
        rule: The rule.
        lines: The actual values, and what is allowed.
        without: The argument that turns the rule off.
    """
    return AssertionError(text(subject, rule, lines, without))


def text(subject: str, rule: Rule, lines: Iterable[str], without: str | None = None) -> str:
    """Write the message of ``failure``."""
    source = f"source: {rule.source}" + (f"; {without} turns the rule off" if without else "")
    head = f'{subject} breaks "{rule.name}": {rule.reason}'
    return "\n  ".join([head, source, *lines])
