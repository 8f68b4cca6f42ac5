"""The messages of a stubber: queued responses, unexpected calls and leftovers."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_deadline_sessions._domain.transcript import render_arguments
from pytest_deadline_sessions._text import abbreviate, first_of, plural, same, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TOKEN = "nextToken"  # noqa: S105 (the name of a member)

_MOST_SHOWN = 20
_MOST_TEXTS = 3
_NOT_GIVEN = "not given"
_READ_ON = 'See "list_sessions_stubber" in the README.'

_WIDEST = 500
CLOSE_BY = 12
"""Two tokens that share this many leading characters look alike when abbreviated."""


class Row(NamedTuple):
    """One argument of two calls, as text."""

    name: str
    expected: str
    received: str
    differs: bool = False


@dataclass(frozen=True)
class Queued:
    """A queued response.

    Attributes:
        operation: The API name.
        expected: The arguments the call must have, or ``None`` for any.
        outcome: What the call will get, as text.
    """

    operation: str
    expected: Mapping[str, Any] | None
    outcome: str


def page(response: Mapping[str, Any], number: int = 1, count: int = 1) -> str:
    """A page as text."""
    sessions = response.get("sessions")
    contents = (
        f"{len(sessions) or 'no'} {'session' if len(sessions) == 1 else 'sessions'}"
        if (isinstance(sessions, list))
        else "no list of sessions"
    )
    token = f"token {value(TOKEN, response[TOKEN])}" if TOKEN in response else "no token"
    place = f"page {number} of {count}: " if count > 1 else ""
    return f"{place}{contents}, {token}"


def error(status: int, code: str, message: str) -> str:
    """An error as text."""
    return f"{status} {code}: {message}"


def queued(responses: Sequence[Queued]) -> list[str]:
    """One line for each response, without arguments that equal those of the previous line."""
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
    """Numbered lines; a long list is cut."""
    listed = [f"{number}. {line}" for number, line in enumerate(lines, start=1)]
    return "\n".join(f"  {line}" for line in first_of(listed, _MOST_SHOWN))


def value(name: str, given: Any) -> str:
    """One argument as text; a token is abbreviated."""
    return abbreviate(given) if name == TOKEN and isinstance(given, str) else shown(given, _WIDEST)


def differing(expected: Mapping[str, Any], received: Mapping[str, Any]) -> list[str]:
    """The names of the arguments that differ."""
    return [
        name
        for name in [*expected, *(name for name in received if name not in expected)]
        if name not in expected or name not in received or not same(expected[name], received[name])
    ]


def in_short(shown: Sequence[Row]) -> str:
    """The differing arguments, in one line."""
    return ", ".join(
        f"{row.name} is {row.received} (expected {row.expected})" for row in shown if row.differs
    )


def rows(
    expected: Mapping[str, Any] | None, received: Mapping[str, Any], absent: str = _NOT_GIVEN
) -> list[Row]:
    """The arguments of two calls, member by member.

    Args:
        expected: The expected arguments, or ``None`` for any.
        received: The arguments of the call.
        absent: The text for an argument that is not expected.
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
    """Expected and received arguments side by side, with differences marked."""
    listed = [Row("", "expected", "received"), *shown]
    first = max(len(row.name) for row in listed)
    second = max(len(row.expected) for row in listed)
    return "\n".join(
        f"{'≠' if row.differs else ' '} {row.name:{first}}  {row.expected:{second}}  {row.received}"
        for row in listed
    )


def first_difference(expected: Any, received: Any) -> str:
    """Where two tokens begin to differ, if their abbreviations look alike; otherwise empty."""
    if not (isinstance(expected, str) and isinstance(received, str)) or expected == received:
        return ""
    pairs = enumerate(itertools.zip_longest(expected, received))
    common = next(place for place, (left, right) in pairs if left != right)
    if common < CLOSE_BY:
        return ""
    left, right = (repr(token[common : common + CLOSE_BY]) for token in (expected, received))
    return f"{TOKEN} differs from character {common + 1}: expected {left}, received {right}"


def advice(expected: Mapping[str, Any], received: Mapping[str, Any]) -> str:
    """A hint at what the difference between two calls means; empty if there is none."""
    different = differing(expected, received)
    if TOKEN in different and TOKEN not in received:
        return f"Pass on the {TOKEN}, with all other arguments unchanged."
    if TOKEN in different and TOKEN not in expected:
        return f"The next expected call starts a listing, so it has no {TOKEN}."
    if TOKEN in different:
        return f"A {TOKEN} is opaque: pass it on exactly as you received it."
    if TOKEN in expected:
        return f"A {TOKEN} is valid only with the arguments it was issued for: repeat them all."
    return ""


def wrong_arguments(waiting: Sequence[Queued], received: Mapping[str, Any]) -> str:
    """The message for a call of the expected operation with other arguments."""
    expected = waiting[0].expected or {}
    return _paragraphs(
        "its arguments differ from those of the next expected call.",
        table(rows(expected, received)),
        first_difference(expected.get(TOKEN), received.get(TOKEN)),
        advice(expected, received),
        still_queued(waiting),
    )


def wrong_operation(waiting: Sequence[Queued], name: str, received: Mapping[str, Any]) -> str:
    """The message for a call of an operation that is not the expected one."""
    head = waiting[0]
    operations = Row("operation", head.operation, name, differs=True)
    return _paragraphs(
        f"the next expected call is {head.operation}.",
        table([operations, *rows(head.expected, received)]),
        still_queued(waiting),
    )


def nothing_queued(given: int, received: Mapping[str, Any], *, ended: bool) -> str:
    """The message for a call that has no queued response.

    Args:
        given: The number of responses given so far.
        received: The arguments of the call.
        ended: Whether the last response was a page without a token.
    """
    before = f"{given} given so far" if given else "none was ever added"
    return _paragraphs(
        f"no response is queued for it ({before}).",
        table(rows({}, received, absent="no call")),
        f"The previous page had no {TOKEN}: it was the last page." if ended else "",
        "Every call needs its own response: add_pages, add_listing, add_fault, "
        "add_expired_token or add_response.",
    )


def still_queued(waiting: Sequence[Queued]) -> str:
    """The queued responses, as a paragraph."""
    return f"Still queued:\n{numbered(queued(waiting))}"


def left_over(waiting: Sequence[Queued], given: int) -> str:
    """The message for responses that were never requested."""
    follows = TOKEN in (waiting[0].expected or {})
    return _paragraphs(
        f"{len(waiting)} of {given + len(waiting)} queued responses were never requested:\n"
        + numbered(queued(waiting)),
        f"The previous page had a {TOKEN}: the code under test must follow it, even if the page "
        "was empty."
        if follows
        else "",
        "If the code may stop early, use @pytest.mark.deadline_sessions"
        f"(assert_all_responses_requested=False). {_READ_ON}",
    )


def unexpected_calls(texts: Sequence[str]) -> str:
    """The message for unexpected calls, even if their exceptions were swallowed."""
    were = "was" if len(texts) == 1 else "were"
    return _paragraphs(
        f"{plural(len(texts), 'call')} {were} not expected:",
        *first_of(texts, _MOST_TEXTS),
        f"If this is intended, call stubber.unexpected.clear(). {_READ_ON}",
    )


def _paragraphs(*texts: str) -> str:
    return "\n\n".join(text for text in texts if text)
