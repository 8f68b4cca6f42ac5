"""What a render farm's tools ask of the sessions of a job, written so that it holds for all."""

from __future__ import annotations

import collections
import datetime
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_deadline_sessions import SessionSummary

ENDED = "ENDED"


def active(sessions: Iterable[SessionSummary]) -> list[SessionSummary]:
    """The sessions that have not ended: a failed update leaves one running."""
    return [one for one in sessions if one["lifecycleStatus"] != ENDED]


def latest(sessions: Iterable[SessionSummary]) -> SessionSummary | None:
    """The session that started last; of several, the one that is listed first."""
    return max(sessions, key=lambda one: one["startedAt"], default=None)


def duration(session: SessionSummary, now: datetime.datetime) -> datetime.timedelta:
    """How long a session took, or has taken until now."""
    return session.get("endedAt", now) - session["startedAt"]


def worker_hours(sessions: Iterable[SessionSummary], now: datetime.datetime) -> float:
    """How long all sessions together have kept workers busy, in hours."""
    total = sum((duration(one, now) for one in sessions), datetime.timedelta())
    return total / datetime.timedelta(hours=1)


def being_stopped(sessions: Iterable[SessionSummary]) -> list[SessionSummary]:
    """The sessions that were asked to end and have not ended yet."""
    return [one for one in active(sessions) if one.get("targetLifecycleStatus") == ENDED]


def per_worker(sessions: Iterable[SessionSummary]) -> dict[str, list[SessionSummary]]:
    """The sessions of each worker, in the order of their start."""
    found: dict[str, list[SessionSummary]] = collections.defaultdict(list)
    for one in sorted(sessions, key=lambda one: one["startedAt"]):
        found[one["workerId"]].append(one)
    return dict(found)


def stale(
    sessions: Iterable[SessionSummary], now: datetime.datetime, limit: datetime.timedelta
) -> list[SessionSummary]:
    """The sessions that have run for longer than ``limit`` and have not ended."""
    return [one for one in active(sessions) if duration(one, now) > limit]
