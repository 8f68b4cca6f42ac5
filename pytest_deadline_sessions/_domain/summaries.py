"""Summaries that a user gives: each must be valid, and their session ids unique."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_deadline_sessions import lifecycle
from pytest_deadline_sessions._arguments import check_items, check_kind
from pytest_deadline_sessions._text import first_of, shown

_MOST_SHOWN = 10


def as_dicts(name: str, summaries: object) -> tuple[Mapping[str, Any], ...]:
    """The summaries, each of which must be a dict.

    Raises:
        TypeError: They are no sequence, or an item is no dict.
    """
    items = check_items(name, summaries, "a sequence of session summaries")
    return tuple(
        check_kind(f"{name}[{index}]", item, Mapping, "a session summary, a dict")
        for index, item in enumerate(items)
    )


def check_summaries(summaries: Sequence[Any], name: str = "sessions") -> None:
    """Refuse summaries that the service could not list together.

    Raises:
        ValueError: The message names every bad summary, its member, the rule and what is allowed.
    """
    problems = impossible(summaries, name)
    if problems:
        raise ValueError("\n".join(first_of(problems, _MOST_SHOWN)))


def impossible(summaries: Sequence[Any], name: str = "sessions") -> list[str]:
    """A sentence for each reason why the service could not list these summaries together."""
    broken = [
        f"{name}[{index}] breaks {violation}"
        for index, summary in enumerate(summaries)
        for violation in lifecycle.violations(summary)
    ]
    return broken + doubled(summaries, name)


def doubled(summaries: Iterable[Any], name: str = "sessions") -> list[str]:
    """A sentence for each summary whose session id an earlier summary has."""
    first: dict[str, int] = {}
    sentences = []
    for index, summary in enumerate(summaries):
        session_id = summary.get("sessionId") if isinstance(summary, Mapping) else None
        if isinstance(session_id, str) and first.setdefault(session_id, index) != index:
            sentences.append(
                f"{name}[{index}].sessionId: {shown(session_id)} (expected unique ids; "
                f"{name}[{first[session_id]}] has it)"
            )
    return sentences
