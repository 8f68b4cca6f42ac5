"""What a stubber says: queued responses, unexpected calls and leftovers as text."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_deadline_sessions._domain.transcript import render_arguments
from pytest_deadline_sessions._text import abbreviate, same, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TOKEN = "nextToken"  # noqa: S105 (the name of a member)

_MOST_SHOWN = 20
_MOST_TEXTS = 3
_NOT_GIVEN = "not given"
_READ_ON = 'See "list_sessions_stubber" in the README.'

_WIDEST = 500
CLOSE_BY = 12
"""How many equal characters at their beginning make two abbreviated tokens look alike."""


class Row(NamedTuple):
    """One argument of two calls, as text."""

    name: str
    expected: str
    received: str
    differs: bool = False


@dataclass(frozen=True)
class Queued:
    """A response that waits for its call.

    Attributes:
        operation: The API name.
        expected: The arguments that the call has to have; ``None`` for any.
        outcome: What the call gets, as text.
    """

    operation: str
    expected: Mapping[str, Any] | None
    outcome: str


def page(response: Mapping[str, Any], number: int = 1, count: int = 1) -> str:
    """What a response of ``ListSessions`` holds."""
    sessions = response.get("sessions")
    held = (
        f"{len(sessions) or 'no'} {'session' if len(sessions) == 1 else 'sessions'}"
        if (isinstance(sessions, list))
        else "no list of sessions"
    )
    token = f"token {value(TOKEN, response[TOKEN])}" if TOKEN in response else "no token"
    place = f"page {number} of {count}: " if count > 1 else ""
    return f"{place}{held}, {token}"


def error(status: int, code: str, message: str) -> str:
    """What a response that is an error holds."""
    return f"{status} {code}: {message}"


def queued(responses: Sequence[Queued]) -> list[str]:
    """One line for each response; arguments that are as in the line before are left out."""
    lines = []
    previous: Queued | None = None
    for response in responses:
        lines.append(f"{response.operation}({_arguments(response, previous)}) → {response.outcome}")
        previous = response
    return lines


def _arguments(response: Queued, previous: Queued | None) -> str:
    if response.expected is None:
        return "any arguments"
    same = previous.expected if previous and previous.operation == response.operation else None
    return render_arguments(response.expected, same or {})


def numbered(lines: Sequence[str]) -> str:
    """Lines with their numbers; a long list is cut."""
    shown = [f"  {number}. {line}" for number, line in enumerate(lines[:_MOST_SHOWN], start=1)]
    if len(lines) > _MOST_SHOWN:
        shown.append(f"  … and {len(lines) - _MOST_SHOWN} more")
    return "\n".join(shown)


def value(name: str, given: Any) -> str:
    """One argument, a token abbreviated."""
    return abbreviate(given) if name == TOKEN and isinstance(given, str) else shown(given, _WIDEST)


def differing(expected: Mapping[str, Any], received: Mapping[str, Any]) -> list[str]:
    """The arguments that are not as expected, by name."""
    return [
        name
        for name in [*expected, *(name for name in received if name not in expected)]
        if name not in expected or name not in received or not same(expected[name], received[name])
    ]


def in_short(shown: Sequence[Row]) -> str:
    """What differs, in one line."""
    return ", ".join(
        f"{row.name} is {row.received} (expected {row.expected})" for row in shown if row.differs
    )


def rows(
    expected: Mapping[str, Any] | None, received: Mapping[str, Any], absent: str = _NOT_GIVEN
) -> list[Row]:
    """The arguments of two calls, member by member.

    Args:
        expected: ``None`` if any will do.
        received: What came.
        absent: How to say that an argument is not expected.
    """
    if expected is None:
        return [Row(name, "anything", value(name, given)) for name, given in received.items()]
    different = differing(expected, received)
    names = [*expected, *(name for name in received if name not in expected)]
    return [
        Row(
            name,
            value(name, expected[name]) if name in expected else absent,
            value(name, received[name]) if name in received else _NOT_GIVEN,
            differs=name in different,
        )
        for name in names
    ]


def table(shown: Sequence[Row]) -> str:
    """Expected and received side by side, differences marked."""
    every = [Row("", "expected", "received"), *shown]
    first = max(len(row.name) for row in every)
    second = max(len(row.expected) for row in every)
    return "\n".join(
        f"{'≠' if row.differs else ' '} {row.name:{first}}  {row.expected:{second}}  {row.received}"
        for row in every
    )


def parting(expected: Any, received: Any) -> str:
    """Where two tokens part whose abbreviations do not tell; empty if they do."""
    if not (isinstance(expected, str) and isinstance(received, str)) or expected == received:
        return ""
    pairs = enumerate(itertools.zip_longest(expected, received))
    common = next(place for place, (left, right) in pairs if left != right)
    if common < CLOSE_BY:
        return ""
    left, right = (repr(token[common : common + CLOSE_BY]) for token in (expected, received))
    return f"{TOKEN} differs from character {common + 1} on: expected {left}, received {right}"


def advice(expected: Mapping[str, Any], received: Mapping[str, Any]) -> str:
    """What the difference between two calls suggests; empty if nothing."""
    different = differing(expected, received)
    if TOKEN in different and TOKEN not in received:
        return f"The {TOKEN} has to be passed on, with all other arguments unchanged."
    if TOKEN in different and TOKEN not in expected:
        return f"The call that is expected next begins a listing, so it has no {TOKEN}."
    if TOKEN in different:
        return f"A {TOKEN} is opaque: it has to be passed on exactly as it came."
    if TOKEN in expected:
        return f"A {TOKEN} is good only with the arguments that it was issued for: repeat them all."
    return ""


def wrong_arguments(waiting: Sequence[Queued], received: Mapping[str, Any]) -> str:
    """A call of the expected operation with other arguments."""
    expected = waiting[0].expected or {}
    return _paragraphs(
        "its arguments are not those of the call that is expected next.",
        table(rows(expected, received)),
        parting(expected.get(TOKEN), received.get(TOKEN)),
        advice(expected, received),
        still_queued(waiting),
    )


def wrong_operation(waiting: Sequence[Queued], name: str, received: Mapping[str, Any]) -> str:
    """A call of another operation than the expected one."""
    head = waiting[0]
    operations = Row("operation", head.operation, name, differs=True)
    return _paragraphs(
        f"the call that is expected next is {head.operation}.",
        table([operations, *rows(head.expected, received)]),
        still_queued(waiting),
    )


def nothing_queued(given: int, received: Mapping[str, Any], *, ended: bool) -> str:
    """A call that nothing is queued for.

    Args:
        given: How many responses were given before.
        received: The arguments of the call.
        ended: Whether the last of them was a page without a token.
    """
    before = f"{given} given before" if given else "nothing ever was"
    return _paragraphs(
        f"nothing is queued for it ({before}).",
        table(rows({}, received, absent="no call")),
        f"The page before had no {TOKEN}: it was the last one." if ended else "",
        "Every call needs a response of its own: add_pages, add_listing, add_fault, "
        "add_expired_token, or add_response.",
    )


def still_queued(waiting: Sequence[Queued]) -> str:
    """What waits, as a paragraph."""
    return f"Still queued:\n{numbered(queued(waiting))}"


def left_over(waiting: Sequence[Queued], given: int) -> str:
    """Responses that were never asked for."""
    follows = TOKEN in (waiting[0].expected or {})
    return _paragraphs(
        f"{len(waiting)} of {given + len(waiting)} queued responses were never asked for:\n"
        + numbered(queued(waiting)),
        f"The page before had a {TOKEN}: the code under test has to follow it, also when the page "
        "was empty."
        if follows
        else "",
        "Code that may stop early: @pytest.mark.deadline_sessions"
        f"(assert_all_responses_requested=False). {_READ_ON}",
    )


def unexpected_calls(texts: Sequence[str]) -> str:
    """Calls that nothing was queued for, whatever became of their exceptions."""
    calls = "1 call was" if len(texts) == 1 else f"{len(texts)} calls were"
    return _paragraphs(
        f"{calls} not expected:",
        *texts[:_MOST_TEXTS],
        f"… and {len(texts) - _MOST_TEXTS} more" if len(texts) > _MOST_TEXTS else "",
        f"A test that means it: stubber.unexpected.clear(). {_READ_ON}",
    )


def _paragraphs(*texts: str) -> str:
    return "\n\n".join(text for text in texts if text)
