"""Histories of sessions as they change, and summaries that break a rule."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any, cast

from hypothesis import strategies as st

from pytest_deadline_sessions import lifecycle
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._api.types import SessionSummary
from pytest_deadline_sessions.lifecycle import ENDED, STARTED, TRANSITIONS
from pytest_deadline_sessions.strategies._instants import durations, zones
from pytest_deadline_sessions.strategies._options import (
    check_sizes,
    check_switches,
    deferred,
    refuse_value,
)
from pytest_deadline_sessions.strategies._summaries import session_summaries


def session_histories(
    *, min_size: int = 1, max_size: int = 8, ended: bool | None = None
) -> st.SearchStrategy[list[SessionSummary]]:
    """Successive snapshots of one session, along legal transitions, from its start.

    Args:
        min_size: The fewest snapshots.
        max_size: The most snapshots.
        ended: Whether the last snapshot is ``ENDED``; by default either.

    Raises:
        hypothesis.errors.InvalidArgument: When something is drawn: impossible sizes.

    Example:
        >>> from hypothesis import find
        >>> history = find(session_histories(ended=True), lambda _: True)
        >>> [session["lifecycleStatus"] for session in history]
        ['STARTED', 'ENDED']
    """
    return deferred(lambda: _histories(min_size, max_size, ended))


def _histories(
    min_size: int, max_size: int, ended: bool | None
) -> st.SearchStrategy[list[SessionSummary]]:
    check_sizes("min_size", min_size, "max_size", max_size)
    check_switches(optional=True, ended=ended)
    least = 2 if ended else 1
    if max_size < least:
        raise refuse_value("max_size", max_size, f"{least} or more")
    if ended is False:
        return _history(min_size, max_size, may_end=False)
    histories = _history(min_size, max_size, may_end=True)
    return histories.map(lambda drawn: _ended(drawn, max_size)) if ended else histories


def _ended(history: list[SessionSummary], max_size: int) -> list[SessionSummary]:
    """The history made to end in ``ENDED``, replacing the last snapshots if there is no room."""
    if history[-1]["lifecycleStatus"] == ENDED:
        return history
    start = history[:]
    while len(start) >= max_size or ENDED not in TRANSITIONS[start[-1]["lifecycleStatus"]]:
        start.pop()
    last = start[-1]
    end = lifecycle.advance(last, ENDED, last.get("updatedAt", last["startedAt"]))
    repeats = [last.copy() for _ in range(len(history) - len(start) - 1)]
    return [*start, *repeats, end]


def _history(
    min_size: int, max_size: int, *, may_end: bool
) -> st.SearchStrategy[list[SessionSummary]]:
    steps = {
        status: st.sampled_from(
            [*sorted((step for step in following if may_end or step != ENDED), key=_rank), status]
        )
        for status, following in TRANSITIONS.items()
    }
    start = session_summaries(lifecycleStatus=STARTED)
    return _walk(start, st.integers(max(min_size, 1), max_size), steps)


@st.composite
def _walk(
    draw: st.DrawFn,
    start: st.SearchStrategy[SessionSummary],
    sizes: st.SearchStrategy[int],
    steps: dict[str, st.SearchStrategy[str]],
) -> list[SessionSummary]:
    summary = draw(start)
    size = draw(sizes)
    history = [summary]
    at = summary["startedAt"]
    while len(history) < size:
        status = summary["lifecycleStatus"]
        chosen = draw(steps[status])
        if chosen != status:
            at = (at + draw(durations())).astimezone(draw(zones()))
            summary = lifecycle.advance(summary, chosen, at)
        history.append(summary.copy())
    return history


def _rank(status: str) -> bool:
    return status != ENDED


def invalid_session_summaries() -> st.SearchStrategy[tuple[dict[str, Any], str]]:
    """Summaries that break exactly one rule, each with the name of the rule.

    Example:
        >>> from hypothesis import find
        >>> from pytest_deadline_sessions import lifecycle
        >>> summary, rule = find(invalid_session_summaries(), lambda drawn: drawn[1] == "ended-at")
        >>> {violation.rule.name for violation in lifecycle.violations(summary)}
        {'ended-at'}
    """
    return deferred(_invalid)


def _invalid() -> st.SearchStrategy[tuple[dict[str, Any], str]]:
    # The maker with the fewest choices comes first, so that everything shrinks towards it.
    makers = [_ended_at(), _malformed(), _update_members(), _not_asked(), _chronology()]
    return st.one_of(makers).filter(_breaks_one)


def _breaks_one(drawn: tuple[dict[str, Any], str]) -> bool:
    names = {violation.rule.name for violation in lifecycle.violations(drawn[0])}
    return names == {drawn[1]}


def _changed(
    summaries: st.SearchStrategy[SessionSummary],
    change: Callable[[SessionSummary], dict[str, Any]],
    rule: lifecycle.Rule,
) -> st.SearchStrategy[tuple[dict[str, Any], str]]:
    return summaries.map(lambda summary: (change(summary), rule.name))


def _malformed() -> st.SearchStrategy[tuple[dict[str, Any], str]]:
    kinds = st.sampled_from(["value", "missing", "unknown"])
    return _malformed_of(session_summaries(), kinds)


@st.composite
def _malformed_of(
    draw: st.DrawFn,
    summaries: st.SearchStrategy[SessionSummary],
    kinds: st.SearchStrategy[str],
) -> tuple[dict[str, Any], str]:
    summary = cast("dict[str, Any]", draw(summaries))
    kind = draw(kinds)
    needed = [name for name in model.required("SessionSummary") if name != "lifecycleStatus"]
    if kind == "missing":
        del summary[draw(st.sampled_from(needed))]
    elif kind == "unknown":
        summary[draw(st.sampled_from(["status", "session_id", "name"]))] = "x"
    else:
        name = draw(st.sampled_from(sorted(summary)))
        summary[name] = draw(st.sampled_from(_wrong(summary[name])))
    return summary, lifecycle.SCHEMA.name


def _wrong(value: datetime.datetime | str) -> list[object]:
    if isinstance(value, datetime.datetime):
        return [value.replace(tzinfo=None), value.isoformat(), value.timestamp(), None]
    return [None, 1, value.lower() + "x", value[:-1].upper() + "G", ""]


def _ended_at() -> st.SearchStrategy[tuple[dict[str, Any], str]]:
    rule = lifecycle.ENDED_AT
    ended = session_summaries(lifecycleStatus=ENDED)
    others = session_summaries().filter(lambda summary: summary["lifecycleStatus"] != ENDED)
    return st.one_of(
        _changed(
            others,
            lambda summary: {**summary, "endedAt": summary.get("updatedAt", summary["startedAt"])},
            rule,
        ),
        _changed(ended, lambda summary: _without(summary, "endedAt"), rule),
    )


def _update_members() -> st.SearchStrategy[tuple[dict[str, Any], str]]:
    updated = session_summaries().filter(
        lambda summary: summary["lifecycleStatus"] not in {STARTED, ENDED}
    )
    return st.builds(
        lambda summary, name: (_without(summary, name), lifecycle.UPDATE_MEMBERS.name),
        updated,
        st.sampled_from(["updatedAt", "targetLifecycleStatus"]),
    )


def _without(summary: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in summary.items() if key != name}


def _not_asked() -> st.SearchStrategy[tuple[dict[str, Any], str]]:
    def extra(summary: SessionSummary, name: str) -> tuple[dict[str, Any], str]:
        values = {
            "targetLifecycleStatus": ENDED,
            "updatedAt": summary["startedAt"],
            "updatedBy": "me",
        }
        return {**summary, name: values[name]}, lifecycle.NOT_ASKED.name

    names = st.sampled_from(["targetLifecycleStatus", "updatedAt", "updatedBy"])
    return st.builds(extra, session_summaries(lifecycleStatus=STARTED), names)


def _chronology() -> st.SearchStrategy[tuple[dict[str, Any], str]]:
    def turned(
        summary: SessionSummary, back: datetime.timedelta, first: bool
    ) -> tuple[dict[str, Any], str]:
        later = [name for name in ("updatedAt", "endedAt") if name in summary]
        name = later[0] if first else later[-1]
        moment = summary["startedAt"] - back - datetime.timedelta(microseconds=1)
        return {**summary, name: moment}, lifecycle.CHRONOLOGY.name

    summaries = session_summaries().filter(lambda summary: summary["lifecycleStatus"] != STARTED)
    return st.builds(turned, summaries, durations(), st.booleans())
