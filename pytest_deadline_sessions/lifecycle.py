"""The life of a session: statuses, transitions, and the named rules that summaries obey.

The API reference documents the statuses and the shape of a summary. It does not say which status
follows which, or which members come with which status. Those rules are assumptions; each has a
name, so that you can leave it out.

Example:
    >>> import datetime
    >>> from pytest_deadline_sessions.lifecycle import violations
    >>> for violation in violations(
    ...     {
    ...         "sessionId": "session-" + "0" * 32,
    ...         "fleetId": "fleet-" + "0" * 32,
    ...         "workerId": "worker-" + "0" * 32,
    ...         "lifecycleStatus": "ENDED",
    ...         "startedAt": datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc),
    ...     }
    ... ):
    ...     print(violation)
    ended-at: endedAt: missing (expected a datetime, since lifecycleStatus is ENDED)
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from pytest_deadline_sessions._api import types, validation
from pytest_deadline_sessions._arguments import (
    check_aware,
    check_kind,
    check_names,
    check_switch,
    wrong_value,
)
from pytest_deadline_sessions._text import plain, shown

__all__ = [
    "ASSUMPTION",
    "CHRONOLOGY",
    "ENDED",
    "ENDED_AT",
    "ENDED_IS_FINAL",
    "MODEL",
    "NOT_ASKED",
    "REFERENCE",
    "RULES",
    "SAME_SESSION",
    "SCHEMA",
    "STARTED",
    "TRANSITION",
    "TRANSITIONS",
    "UPDATES_GO_ON",
    "UPDATE_FAILED",
    "UPDATE_IN_PROGRESS",
    "UPDATE_MEMBERS",
    "UPDATE_SUCCEEDED",
    "Broken",
    "Rule",
    "advance",
    "reachable",
    "violations",
]

STARTED = "STARTED"
UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
UPDATE_SUCCEEDED = "UPDATE_SUCCEEDED"
UPDATE_FAILED = "UPDATE_FAILED"
ENDED = "ENDED"

_STATUS = "a status, such as 'ENDED'"

TRANSITIONS: Mapping[str, tuple[str, ...]] = {
    STARTED: (UPDATE_IN_PROGRESS, ENDED),
    UPDATE_IN_PROGRESS: (UPDATE_SUCCEEDED, UPDATE_FAILED),
    UPDATE_SUCCEEDED: (ENDED,),
    UPDATE_FAILED: (UPDATE_IN_PROGRESS, ENDED),
    ENDED: (),
}
"""The statuses that may follow each status (assumption: the API documents no transitions)."""

_UPDATES = (UPDATE_IN_PROGRESS, UPDATE_SUCCEEDED, UPDATE_FAILED)

MODEL = "service model"
REFERENCE = "API reference"
ASSUMPTION = "assumption: the API does not document it"


@dataclass(frozen=True)
class Rule:
    """One named clause that a summary, or a pair of successive summaries, obeys.

    Attributes:
        name: The name in reports and in ``ignore``.
        reason: What the rule says, in one sentence.
        source: Where the rule comes from.
        of_pair: Whether the rule is about two successive summaries instead of one.
    """

    name: str
    reason: str
    source: str
    of_pair: bool = False

    @property
    def documented(self) -> bool:
        """Whether AWS documents the rule."""
        return self.source in (MODEL, REFERENCE)


@dataclass(frozen=True)
class Broken:
    """A rule that a summary breaks, and the member that breaks it.

    Attributes:
        rule: The rule.
        path: The member; empty for the whole summary.
        value: The actual value, as text.
        allowed: What the rule allows, as text.
    """

    rule: Rule
    path: str
    value: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.rule.name}: {self.path or 'summary'}: {self.value} (expected {self.allowed})"


SCHEMA = Rule(
    "schema",
    "A summary has the members, types, patterns and values of the shape SessionSummary.",
    MODEL,
)
ENDED_AT = Rule("ended-at", "endedAt is present exactly when the status is ENDED.", ASSUMPTION)
UPDATE_MEMBERS = Rule(
    "update-members",
    "A session with an UPDATE_… status has targetLifecycleStatus and updatedAt.",
    ASSUMPTION,
)
NOT_ASKED = Rule(
    "not-asked",
    "A STARTED session has no updatedAt, updatedBy or targetLifecycleStatus.",
    ASSUMPTION,
)
CHRONOLOGY = Rule(
    "chronology",
    "updatedAt and endedAt are not before startedAt, and endedAt is not before updatedAt.",
    ASSUMPTION,
)
SAME_SESSION = Rule(
    "same-session",
    "sessionId, fleetId, workerId and startedAt stay as they were.",
    ASSUMPTION,
    of_pair=True,
)
TRANSITION = Rule(
    "transition",
    "A status stays the same, or changes to one that may come next.",
    ASSUMPTION,
    of_pair=True,
)
ENDED_IS_FINAL = Rule("ended-is-final", "Nothing changes after ENDED.", ASSUMPTION, of_pair=True)
UPDATES_GO_ON = Rule(
    "updates-go-on",
    "updatedAt never moves backwards and is never removed.",
    ASSUMPTION,
    of_pair=True,
)

RULES: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        SCHEMA,
        ENDED_AT,
        UPDATE_MEMBERS,
        NOT_ASKED,
        CHRONOLOGY,
        SAME_SESSION,
        TRANSITION,
        ENDED_IS_FINAL,
        UPDATES_GO_ON,
    )
}
"""Every rule, by name."""


def violations(
    summary: Any, after: Any = None, *, ignore: Collection[str] = (), skipping: bool = False
) -> list[Broken]:
    """Find every rule that a summary breaks, or that a step from one summary to the next breaks.

    Args:
        summary: A session summary.
        after: The next summary of the same session. If given, only the rules for pairs are checked,
            not those for single summaries; a summary that is not a dict is reported anyway.
        ignore: Names of rules to leave out, or one name.
        skipping: Whether the step may skip statuses, as happens when you poll.

    Returns:
        All violations, not just the first.

    Raises:
        TypeError: ``ignore`` or ``skipping`` has the wrong type.
        ValueError: ``ignore`` names an unknown rule.
    """
    ignored = check_names("ignore", ignore, "names of rules")
    check_switch("skipping", skipping)
    unknown = [name for name in ignored if name not in RULES]
    if unknown:
        msg = f"ignore={shown(unknown)} (expected names among {', '.join(RULES)})"
        raise ValueError(msg)
    pair = after is not None
    every = _of_pair(summary, after, skipping=skipping) if pair else _of_summary(summary)
    return [broken for broken in every if broken.rule.name not in ignored]


def advance(
    summary: types.SessionSummary,
    status: str,
    at: datetime.datetime,
    *,
    by: str | None = None,
    skipping: bool = False,
) -> types.SessionSummary:
    """The summary of a session after its next step.

    Args:
        summary: The current summary. It is not modified.
        status: The new status of the session.
        at: When the step happens (timezone-aware). A time before the start or the last update of
            the session is moved up to it.
        by: Who requests the update: the ``updatedBy`` of the result. By default it stays the same.
        skipping: Whether to allow statuses that take several steps, such as from ``STARTED`` to
            ``UPDATE_FAILED``.

    Returns:
        A new summary that breaks no rule, if ``summary`` breaks none.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: ``at`` is naive, ``summary`` lacks a required member, or the session cannot get
            this status. The message names the statuses that it can get.

    Example:
        >>> import datetime
        >>> started_at = datetime.datetime(2030, 1, 1, 9, tzinfo=datetime.timezone.utc)
        >>> session = {
        ...     "sessionId": "session-" + "0" * 32,
        ...     "fleetId": "fleet-" + "0" * 32,
        ...     "workerId": "worker-" + "0" * 32,
        ...     "lifecycleStatus": "STARTED",
        ...     "startedAt": started_at,
        ... }
        >>> ended = advance(session, ENDED, started_at + datetime.timedelta(minutes=5))
        >>> ended["lifecycleStatus"], ended["endedAt"].isoformat()
        ('ENDED', '2030-01-01T09:05:00+00:00')
        >>> advance(ended, "STARTED", started_at)
        Traceback (most recent call last):
            ...
        ValueError: session-00000000000000000000000000000000 cannot become STARTED (expected no ...
    """
    check_kind("summary", summary, Mapping, "a session summary, a dict")
    if not {"lifecycleStatus", "startedAt"} <= summary.keys():
        raise wrong_value("summary", summary, "a session summary, with all required members")
    check_kind("status", status, str, _STATUS)
    check_aware("at", at)
    check_kind("by", by, (str, type(None)), "a string or None")
    check_switch("skipping", skipping)
    present = summary["lifecycleStatus"]
    allowed = _reachable(present) - {present} if skipping else TRANSITIONS.get(present, ())
    if status not in allowed:
        session = plain(summary.get("sessionId", "the session"))
        choice = " or ".join(name for name in TRANSITIONS if name in allowed) or "no other status"
        msg = f"{session} cannot become {plain(status)} (expected {choice} after {plain(present)})"
        raise ValueError(msg)
    advanced = cast("types.SessionSummary", {**summary, "lifecycleStatus": status})
    moment = max(at, summary["startedAt"], summary.get("updatedAt", at))
    if status == ENDED:
        advanced["endedAt"] = moment
        return advanced
    advanced["targetLifecycleStatus"] = "ENDED"
    advanced["updatedAt"] = moment
    if by is not None:
        advanced["updatedBy"] = by
    return advanced


def reachable(status: str) -> frozenset[str]:
    """Every status that a session with this status may have later, including this status.

    Raises:
        TypeError: ``status`` is not a string.

    Example:
        >>> sorted(reachable("UPDATE_FAILED"))
        ['ENDED', 'UPDATE_FAILED', 'UPDATE_IN_PROGRESS', 'UPDATE_SUCCEEDED']
    """
    return _reachable(check_kind("status", status, str, _STATUS))


@functools.cache
def _reachable(status: str) -> frozenset[str]:
    reached = {status}
    fresh = [status]
    while fresh:
        following = [later for now in fresh for later in TRANSITIONS.get(now, ())]
        fresh = [later for later in following if later not in reached]
        reached.update(fresh)
    return frozenset(reached)


def _of_summary(summary: Any) -> Iterator[Broken]:
    schema = [
        Broken(SCHEMA, broken.path, broken.value, broken.allowed)
        for broken in validation.check_shape(summary, "SessionSummary")
    ]
    yield from schema
    if isinstance(summary, Mapping):
        bad = {broken.path for broken in schema}
        if "lifecycleStatus" not in bad:
            for check in (_ended_at, _update_members, _not_asked):
                yield from (broken for broken in check(summary) if broken.path not in bad)
        yield from _chronology({k: v for k, v in summary.items() if k not in bad})


def _ended_at(summary: Mapping[str, Any]) -> Iterator[Broken]:
    status = summary["lifecycleStatus"]
    if status == ENDED and "endedAt" not in summary:
        yield Broken(ENDED_AT, "endedAt", "missing", "a datetime, since lifecycleStatus is ENDED")
    if status != ENDED and "endedAt" in summary:
        value = plain(summary["endedAt"])
        yield Broken(ENDED_AT, "endedAt", value, f"none, since lifecycleStatus is {status}")


def _update_members(summary: Mapping[str, Any]) -> Iterator[Broken]:
    status = summary["lifecycleStatus"]
    if status in _UPDATES:
        for member in ("targetLifecycleStatus", "updatedAt"):
            if member not in summary:
                allowed = f"a value, since lifecycleStatus is {status}"
                yield Broken(UPDATE_MEMBERS, member, "missing", allowed)


def _not_asked(summary: Mapping[str, Any]) -> Iterator[Broken]:
    if summary["lifecycleStatus"] == STARTED:
        for member in ("targetLifecycleStatus", "updatedAt", "updatedBy"):
            if member in summary:
                allowed = "none, since lifecycleStatus is STARTED"
                yield Broken(NOT_ASKED, member, plain(summary[member]), allowed)


def _chronology(summary: Mapping[str, Any]) -> Iterator[Broken]:
    for earlier, later in (
        ("startedAt", "updatedAt"),
        ("startedAt", "endedAt"),
        ("updatedAt", "endedAt"),
    ):
        if earlier in summary and later in summary and summary[later] < summary[earlier]:
            allowed = f"not before {earlier}, {plain(summary[earlier])}"
            yield Broken(CHRONOLOGY, later, plain(summary[later]), allowed)


def _of_pair(before: Any, after: Any, *, skipping: bool) -> Iterator[Broken]:
    malformed = [summary for summary in (before, after) if not isinstance(summary, Mapping)]
    for summary in malformed:
        yield from _of_summary(summary)
    if not malformed:
        yield from _of_step(_well_formed(before), _well_formed(after), skipping=skipping)


def _of_step(
    before: Mapping[str, Any], after: Mapping[str, Any], *, skipping: bool
) -> Iterator[Broken]:
    for member in ("sessionId", "fleetId", "workerId", "startedAt"):
        if member in before and member in after and before[member] != after[member]:
            yield Broken(SAME_SESSION, member, plain(after[member]), plain(before[member]))
    status = before.get("lifecycleStatus")
    if status is not None and "lifecycleStatus" in after:
        yield from _transition(status, after["lifecycleStatus"], skipping=skipping)
    if status == ENDED:
        for member in sorted({*before, *after} - {"lifecycleStatus"}):
            was, now = before.get(member, "nothing"), after.get(member, "nothing")
            if was != now:
                allowed = f"{plain(was)}, as when it ended"
                yield Broken(ENDED_IS_FINAL, member, plain(now), allowed)
    elif "updatedAt" in before:
        was, now = before["updatedAt"], after.get("updatedAt")
        if now is None or now < was:
            yield Broken(
                UPDATES_GO_ON, "updatedAt", plain(now or "missing"), f"{plain(was)} or later"
            )


def _well_formed(summary: Any) -> Mapping[str, Any]:
    """The members that match the schema, so that they can be compared."""
    bad = {broken.path for broken in validation.check_shape(summary, "SessionSummary")}
    return {name: value for name, value in summary.items() if name not in bad}


def _transition(before: str, after: str, *, skipping: bool) -> Iterator[Broken]:
    allowed: Callable[[str], Collection[str]] = _reachable if skipping else _next
    if after not in allowed(before):
        choice = ", ".join(name for name in TRANSITIONS if name in allowed(before))
        yield Broken(TRANSITION, "lifecycleStatus", plain(after), f"{choice} after {before}")


def _next(status: str) -> tuple[str, ...]:
    return (status, *TRANSITIONS.get(status, ()))
