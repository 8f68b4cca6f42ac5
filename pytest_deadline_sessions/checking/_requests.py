"""Whether the requests of a collector held to the contract."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from pytest_deadline_sessions._api import validation
from pytest_deadline_sessions._domain.transcript import Call
from pytest_deadline_sessions._text import abbreviate, same, shown
from pytest_deadline_sessions.checking._attempt import (
    FOLLOWS_TOKENS,
    KEEPS_ARGUMENTS,
    STATELESS,
    TERMINATES,
    VALID_REQUESTS,
    Attempt,
    Finding,
)

_CHANGES: dict[str, Callable[[str], str]] = {
    "strips the padding of": lambda text: text.rstrip("="),
    "strips": str.strip,
    "escapes": quote,
    "escapes all of": lambda text: quote(text, safe=""),
    "escapes, as for a form,": quote_plus,
    "unescapes": unquote,
    "unescapes, as for a form,": unquote_plus,
    "changes the case of": str.lower,
    "changes the white space of": lambda text: " ".join(text.split()),
}


def of_requests(attempt: Attempt) -> Finding | None:
    """The first rule that the requests of an attempt break, or ``None``."""
    return _valid(attempt) or _arguments(attempt) or _tokens(attempt) or _terminates(attempt)


def _valid(attempt: Attempt) -> Finding | None:
    for call in attempt.lists:
        broken = [str(one) for one in validation.check_request(call.params)]
        if call.reason == "CANNOT_PARSE":
            broken.append(f"what the service refused: {call.message}")
        if same(call.token, ""):
            broken.append("nextToken: '' (expected a token, or no nextToken at all)")
        if broken:
            ids_only = all(one.split(":")[0] in attempt.job for one in broken)
            rule = KEEPS_ARGUMENTS if ids_only else VALID_REQUESTS
            what = f"It sent {'; '.join(broken)}"
            return Finding(rule, what, cause=_of_no_token(call), error=attempt.error)
    return None


def _of_no_token(call: Call) -> str:
    if same(call.token, ""):
        return "It takes an empty token for one that leads on."
    if call.token is None and "nextToken" in call.params:
        return "It passes nextToken=None; leave the argument out of the first call."
    return ""


def _arguments(attempt: Attempt) -> Finding | None:
    issued: dict[str, Call] = {}
    for call in attempt.lists:
        for name, value in attempt.job.items():
            sent = call.params.get(name)
            if not same(sent, value):
                rule, whose = KEEPS_ARGUMENTS, ""
                if sent in attempt.earlier:
                    rule, whose = STATELESS, ", which it had been given in an earlier call,"
                what = f"It sent {name}={shown(sent)}{whose} where it was given {shown(value)}"
                return Finding(rule, what, error=attempt.error)
        what = _changed(issued[call.token], call) if call.token in issued else ""
        if what:
            return Finding(KEEPS_ARGUMENTS, what, error=attempt.error)
        if call.next_token:
            issued[call.next_token] = call
    return None


def _changed(before: Call, call: Call) -> str:
    for name in sorted({*before.params, *call.params} - {"nextToken"}):
        was, now = before.params.get(name), call.params.get(name)
        if not same(was, now):
            return (
                f"It sent {name}={shown(now)} with a token that was issued for {name}={shown(was)}"
            )
    return ""


def _tokens(attempt: Attempt) -> Finding | None:
    fresh: set[str] = set()
    used: set[str] = set()
    last: str | None = None
    # After a fault somebody may go back to where it was sure to be; the result tells.
    failed = False
    for call in attempt.lists:
        token = call.token
        known = token is None or token in fresh or token == last or (failed and token in used)
        if token is not None and not known:
            return _strange_token(attempt, token, fresh, used)
        if token is not None and call.error is None:
            fresh.discard(token)
            used.add(token)
        if call.next_token:
            fresh.add(call.next_token)
        last = token
        failed = failed or call.error is not None
    return None


def _strange_token(
    attempt: Attempt, token: str, fresh: Collection[str], used: Collection[str]
) -> Finding:
    rule, why = FOLLOWS_TOKENS, "no page of this listing had"
    if token in used:
        why = "was passed before"
    elif token in attempt.earlier:
        rule, why = STATELESS, "it had been given in an earlier call"
    what = f"It passed the token {abbreviate(token)}, which {why}"
    return Finding(rule, what, cause=_of_token(token, fresh), error=attempt.error)


def _of_token(token: str, fresh: Collection[str]) -> str:
    for one, (verb, change) in itertools.product(fresh, _CHANGES.items()):
        if change(one) == token:
            return f"It {verb} the token, which is to be passed as it came."
    if any(one.startswith(token) for one in fresh):
        return "It cuts the token short."
    return ""


def _terminates(attempt: Attempt) -> Finding | None:
    why = attempt.runaway or attempt.excess()
    if why is None:
        return None
    tokens = [call.token for call in attempt.lists if not call.retry]
    same = len(tokens) > 2 and len(set(tokens[-3:])) == 1  # noqa: PLR2004 (once may be resuming)
    cause = "It asks for the same page again and again." if same else ""
    return Finding(TERMINATES, f"It was stopped: {why}", cause=cause)
