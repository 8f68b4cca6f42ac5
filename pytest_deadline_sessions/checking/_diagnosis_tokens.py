"""Suspect how a collector altered a token, and show where it differs from the right one."""

from __future__ import annotations

import base64
import datetime
import functools
import html
import itertools
import json
import posixpath
import shlex
from collections.abc import Callable, Collection, Iterator
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from pytest_deadline_sessions._service.behavior import Behavior
from pytest_deadline_sessions._text import plural
from pytest_deadline_sessions.checking._attempt import Attempt
from pytest_deadline_sessions.checking._case import TWO, Case
from pytest_deadline_sessions.checking._suspicion import Experiment, Observation, Suspicion

_Change = Callable[[str], str]

_BEFORE, _AFTER = 8, 16
_ADVICE = "Pass each token exactly as you received it."


def _read_as(read: Callable[[str], object], write: Callable[[Any], str] = str) -> _Change:
    """Read a token as something else and write it again; a token that cannot be read stays."""

    def change(text: str) -> str:
        try:
            return write(read(text))
        except (ValueError, OverflowError, RecursionError):
            return text

    return change


_CHANGES: dict[str, _Change] = {
    "strips the '=' padding from the token": lambda text: text.rstrip("="),
    "strips white space from the token": str.strip,
    "strips leading white space from the token": str.lstrip,
    "strips trailing white space from the token": str.rstrip,
    "collapses white space in the token": lambda text: " ".join(text.split()),
    "removes all white space from the token": lambda text: "".join(text.split()),
    "keeps only the first word of the token": lambda text: " ".join(text.split()[:1]),
    "percent-encodes the token, except '/'": quote,
    "percent-encodes the token": lambda text: quote(text, safe=""),
    "form-encodes the token": quote_plus,
    "percent-decodes the token": unquote,
    "form-decodes the token": unquote_plus,
    "turns '+' into spaces in the token": lambda text: text.replace("+", " "),
    "turns spaces into '+' in the token": lambda text: text.replace(" ", "+"),
    "lowercases the token": str.lower,
    "uppercases the token": str.upper,
    "passes the repr of the token": repr,
    "passes the repr of the token's bytes": lambda text: repr(text.encode()),
    "quotes the token for a shell": shlex.quote,
    "encodes the token as JSON": json.dumps,
    "escapes the token for JSON, without the quotes": lambda text: json.dumps(text)[1:-1],
    "turns the token into an integer and back": _read_as(int),
    "turns the token into a float and back": _read_as(float),
    "reads the token as JSON and writes it again": _read_as(json.loads, json.dumps),
    "reads the token as JSON and writes it again, without spaces": _read_as(
        json.loads, functools.partial(json.dumps, separators=(",", ":"))
    ),
    "turns the token into a date and back": _read_as(datetime.datetime.fromisoformat),
    "turns the token into an ISO date and back": _read_as(
        datetime.datetime.fromisoformat, datetime.datetime.isoformat
    ),
    "normalizes the token as a path": posixpath.normpath,
    "escapes the token for HTML": html.escape,
    "escapes the token for HTML, except quotes": lambda text: html.escape(text, quote=False),
    "unescapes the token from HTML": html.unescape,
    "puts the token in double quotes": lambda text: f'"{text}"',
    "puts the token in single quotes": lambda text: f"'{text}'",
    "quotes the token for CSV": lambda text: '"' + text.replace('"', '""') + '"',
    "removes quotes from the token": lambda text: text.replace('"', "").replace("'", ""),
    "encodes the token in Base64": lambda text: base64.b64encode(text.encode()).decode(),
    "encodes the token in URL-safe Base64": lambda text: base64.urlsafe_b64encode(
        text.encode()
    ).decode(),
    "makes the token URL-safe": lambda text: text.replace("+", "-").replace("/", "_"),
    "doubles the '%' signs of the token": lambda text: text.replace("%", "%%"),
    "halves the '%' signs of the token": lambda text: text.replace("%%", "%"),
    "reverses the token": lambda text: text[::-1],
    **{
        f"cuts the token off at its first {mark!r}": functools.partial(
            lambda mark, text: text.partition(mark)[0], mark
        )
        for mark in "&?#;,=+%\"'/{"
    },
}


def of_token(attempt: Attempt, token: str, issued: Collection[str]) -> Iterator[Suspicion]:
    """Suspect how a collector altered a token before passing it on.

    Args:
        attempt: The call of the collector.
        token: The token that it passed.
        issued: The tokens that it could have meant.
    """
    yield from _of_other_values(attempt, token)
    for right in issued:
        for verb, change in _changes(right, token):
            yield Suspicion(f"It {verb}. {_ADVICE}", _trying(change))


def _of_other_values(attempt: Attempt, token: str) -> Iterator[Suspicion]:
    if token in {"None", "null"}:
        yield Suspicion(f"It turns a missing token into the text {token!r}.")
    sessions = [item for call in attempt.requests for item in attempt.target.items(call)]
    for member in (attempt.target.key, "workerId", "fleetId"):
        if any(session.get(member) == token for session in sessions):
            yield Suspicion(f"It passes the {member} of a session instead of a token.")
    answered = sum(call.error is None for call in attempt.requests)
    if token in {str(answered - 1), str(answered), str(answered + 1)}:
        yield Suspicion("It passes the number of a page instead of a token.")
    if token == str(len(sessions)):
        yield Suspicion("It passes the number of sessions so far instead of a token.")


def _changes(right: str, token: str) -> Iterator[tuple[str, _Change]]:
    """Yield the changes, and then the pairs of changes, that turn one token into another."""
    changed = {verb: change(right) for verb, change in _CHANGES.items()}
    for verb, text in changed.items():
        if text == token:
            yield verb, _CHANGES[verb]
    if right.startswith(token):
        yield f"cuts the token off at {len(token)} characters", lambda text: text[: len(token)]
    for (verb, text), (other, change) in itertools.product(changed.items(), _CHANGES.items()):
        if text not in {right, token} and change(text) == token:
            yield f"{verb}, and then {other}", _composed(_CHANGES[verb], change)
    for verb, text in changed.items():
        if text != right and len(token) < len(text) and text.startswith(token):
            then = f"and then cuts it off at {len(token)} characters"
            yield f"{verb}, {then}", _composed(_CHANGES[verb], lambda text: text[: len(token)])


def _composed(first: _Change, second: _Change) -> _Change:
    return lambda text: second(first(text))


def _trying(change: _Change) -> tuple[Experiment, ...]:
    """Other tokens, which the collector must change likewise."""

    def shows(seen: Observation) -> bool:
        first, *others = seen.attempt.requests
        right = first.next_token or ""
        passed = right if not others else others[0].token
        return passed == change(right)

    behaviors = [
        Behavior(),
        Behavior(spaces_around_tokens=True),
        Behavior(token_length=49),
        Behavior(token_length=4096),
    ]
    return tuple(Experiment(Case(TWO, behavior), shows) for behavior in behaviors)


def difference(token: str, issued: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Show a token beside the nearest right one, where they first differ.

    Args:
        token: The token that a collector passed.
        issued: The tokens that it could have meant.

    Returns:
        Pairs of a label and a text; none without a right token.
    """
    if not issued:
        return ()
    nearest = max(sorted(issued), key=functools.partial(_alike, token))
    at = _alike(token, nearest)
    lines = (("passed", _around(token, at)), ("issued", _around(nearest, at)))
    return (*lines, ("they differ", f"from character {at + 1} on")) if at else lines


def _alike(token: str, other: str) -> int:
    """How many characters two tokens have in common at their beginnings."""
    pairs = enumerate(zip(token, other, strict=False))
    return next(
        (place for place, (left, right) in pairs if left != right), min(len(token), len(other))
    )


def _around(token: str, at: int) -> str:
    start, stop = max(at - _BEFORE, 0), at + _AFTER
    text = f"{'…' if start else ''}{token[start:stop]!r}{'…' if stop < len(token) else ''}"
    return f"{text} ({plural(len(token), 'character')})"
