"""Guess the cause of a wrong request or result, if the pattern is clear."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from pytest_deadline_sessions._api.validation import page_limit
from pytest_deadline_sessions._domain.transcript import Call
from pytest_deadline_sessions._text import same
from pytest_deadline_sessions.checking._attempt import Attempt

_CHANGES: dict[str, Callable[[str], str]] = {
    "strips the '=' padding from": lambda text: text.rstrip("="),
    "strips white space from": str.strip,
    "percent-encodes": quote,
    "percent-encodes every reserved character of": lambda text: quote(text, safe=""),
    "form-encodes": quote_plus,
    "percent-decodes": unquote,
    "form-decodes": unquote_plus,
    "lowercases": str.lower,
    "collapses white space in": lambda text: " ".join(text.split()),
}


def of_no_token(call: Call) -> str:
    """Guess why a call passes an empty token, or null."""
    if same(call.token, ""):
        return "It treats an empty token as a real one."
    if call.token is None and "nextToken" in call.params:
        return "It passes nextToken=None. Leave nextToken out of the first call."
    return ""


def of_token(token: str, fresh: Collection[str]) -> str:
    """Guess how a collector altered a token before passing it on.

    Args:
        token: The token that it passed.
        fresh: The tokens that it could have passed.
    """
    for right, (verb, change) in itertools.product(fresh, _CHANGES.items()):
        if change(right) == token:
            return f"It {verb} the token. Pass each token exactly as you received it."
    if any(right.startswith(token) for right in fresh):
        return "It truncates the token."
    return ""


def of_result(attempt: Attempt, got: Sequence[str] | None) -> str:
    """Guess why sessions are missing, duplicated or unexpected.

    Args:
        attempt: The call, and what the collector did.
        got: The session ids that it returned; ``None`` if it returned something else.
    """
    if not attempt.requests:
        return attempt.elsewhere or "It made no calls."
    last = attempt.requests[-1]
    if last.error is not None:
        return f"It treats {last.error} as the end of the listing."
    if last.next_token:
        return _of_stopping([call for call in attempt.requests if call.error is None])
    return _of_sessions(attempt, got) if got else ""


def _of_stopping(answered: Sequence[Call]) -> str:
    page = answered[-1].sessions
    if not page:
        return "It stopped at an empty page that had a token."
    if len(answered) == 1:
        return "It returned only the first page."
    partial = [len(call.sessions) < page_limit(call.params) for call in answered]
    if partial[-1] and not any(partial[:-1]):
        return "It stopped at a page that was not full but had a token."
    return f"It stopped after {len(answered)} pages, though the last one had a token."


def _of_sessions(attempt: Attempt, got: Sequence[str]) -> str:
    pages = [
        [session["sessionId"] for session in call.sessions]
        for call in attempt.requests
        if call.error is None
    ]
    if len(pages) > 1:
        by_cause = {
            "It drops the last page, the one without a token.": pages[:-1],
            "It drops the first page.": pages[1:],
            "It keeps only the last page.": pages[-1:],
        }
        for cause, remaining in by_cause.items():
            if list(got) == list(itertools.chain.from_iterable(remaining)):
                return cause
    by_id = {summary["sessionId"]: {**summary, "sessionId": ""} for summary in attempt.sessions}
    missing = [bare for session_id, bare in by_id.items() if session_id not in got]
    returned = [by_id[session_id] for session_id in got if session_id in by_id]
    if missing and all(bare in returned for bare in missing):
        return "It treats sessions that differ only in sessionId as duplicates."
    return ""


def of_order(attempt: Attempt, got: Sequence[str]) -> str:
    """Guess why the order is wrong."""
    summaries = attempt.sessions
    if list(got) == [summary["sessionId"] for summary in reversed(summaries)]:
        return "It reverses or sorts the listing."
    by_start = sorted(summaries, key=lambda summary: summary["startedAt"])
    if list(got) == [summary["sessionId"] for summary in by_start]:
        return "It sorts by startedAt."
    return ""
