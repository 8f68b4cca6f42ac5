"""Checks of the summaries that users pass: each must be valid, and the session ids unique."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_deadline_sessions import lifecycle
from pytest_deadline_sessions._arguments import check_items, check_kind
from pytest_deadline_sessions._text import first_of, shown

_MOST_SHOWN = 10


def as_dicts(name: str, summaries: object) -> tuple[Mapping[str, Any], ...]:
    """The summaries as a tuple, after checking that each is a dict.

    Raises:
        TypeError: ``summaries`` is not a sequence, or an item is not a dict.
    """
    items = check_items(name, summaries, "a sequence of session summaries")
    return tuple(
        check_kind(f"{name}[{index}]", item, Mapping, "a session summary, a dict")
        for index, item in enumerate(items)
    )


def check_summaries(summaries: Sequence[Any], name: str = "sessions") -> None:
    """Refuse summaries that the service could not list together.

    Raises:
        ValueError: The service could not list them together. The message names up to 10 problems,
            each with its summary, the member, the rule and what is allowed.
    """
    sentences = problems(summaries, name)
    if sentences:
        raise ValueError("\n".join(first_of(sentences, _MOST_SHOWN)))


def problems(summaries: Sequence[Any], name: str = "sessions") -> list[str]:
    """Reasons why the service could not list these summaries together, a sentence each."""
    broken = [
        f"{name}[{index}] breaks {violation}"
        for index, summary in enumerate(summaries)
        for violation in lifecycle.violations(summary)
    ]
    return broken + duplicates(summaries, name)


def duplicates(summaries: Iterable[Any], name: str = "sessions") -> list[str]:
    """A sentence for each summary that repeats the session id of an earlier one."""
    places: dict[str, str] = {}
    return [
        sentence
        for index, summary in enumerate(summaries)
        for sentence in duplicate(summary, f"{name}[{index}]", places)
    ]


def duplicate(summary: object, at: str, places: dict[str, str]) -> list[str]:
    """A sentence if an earlier summary has the session id of this one; else nothing.

    Args:
        summary: The summary.
        at: Where it is, such as ``sessions[3]``.
        places: Where each session id was first; an id that is new is added.
    """
    session_id = summary.get("sessionId") if isinstance(summary, Mapping) else None
    if not isinstance(session_id, str) or places.setdefault(session_id, at) == at:
        return []
    owner = places[session_id]
    return [f"{at}.sessionId: {shown(session_id)} (expected unique ids; {owner} has this one)"]
