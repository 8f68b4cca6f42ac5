"""The likely cause of a wrong result, where the pattern is clear."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_deadline_sessions._domain.transcript import Call
from pytest_deadline_sessions.checking._attempt import Attempt, max_results


def of_result(attempt: Attempt, got: Sequence[str] | None) -> str:
    """Why sessions may be missing, doubled or unexpected.

    Args:
        attempt: What the collector did.
        got: The session ids that it returned; ``None`` if it returned something else.
    """
    if not attempt.lists:
        return "It made no call."
    last = attempt.lists[-1]
    if last.error is not None:
        return f"It took {last.error} for the end of the listing."
    if last.next_token:
        return _of_stopping([call for call in attempt.lists if call.error is None])
    return _of_sessions(attempt, got) if got else ""


def _of_stopping(answered: Sequence[Call]) -> str:
    page = answered[-1].sessions
    if not page:
        return "It stopped at an empty page, though that page had a token."
    if len(answered) == 1:
        return "It took the first page for the whole listing."
    partial = [len(call.sessions) < max_results(call) for call in answered]
    if partial[-1] and not any(partial[:-1]):
        return "It stopped at a page that was not full, though that page had a token."
    return f"It stopped after {len(answered)} pages, though the last one had a token."


def _of_sessions(attempt: Attempt, got: Sequence[str]) -> str:
    pages = [
        [one["sessionId"] for one in call.sessions] for call in attempt.lists if call.error is None
    ]
    if len(pages) > 1:
        kept = {
            "It drops the page that has no token.": pages[:-1],
            "It drops the first page.": pages[1:],
            "It keeps the last page only.": pages[-1:],
        }
        for cause, some in kept.items():
            if list(got) == [one for page in some for one in page]:
                return cause
    wanted = {one["sessionId"]: {**one, "sessionId": ""} for one in attempt.listing}
    missing = [summary for one, summary in wanted.items() if one not in got]
    bare = [wanted[one] for one in got if one in wanted]
    if missing and all(summary in bare for summary in missing):
        return "It takes sessions for the same that differ only in their id."
    return ""


def of_order(attempt: Attempt, got: Sequence[str]) -> str:
    """Why the order may be wrong."""
    wanted = list(attempt.listing)
    if list(got) == [summary["sessionId"] for summary in reversed(wanted)]:
        return "It turns the listing round, or sorts it."
    by_start = sorted(wanted, key=lambda summary: summary["startedAt"])
    if list(got) == [summary["sessionId"] for summary in by_start]:
        return "It sorts by startedAt."
    return ""
