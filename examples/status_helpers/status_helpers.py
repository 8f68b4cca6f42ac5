"""Helpers that a render farm's tools need, correct for any list of sessions."""

from __future__ import annotations

import collections
import datetime
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_deadline_sessions import SessionSummary

ENDED = "ENDED"


def active(sessions: Iterable[SessionSummary]) -> list[SessionSummary]:
    """The sessions that have not ended. A session whose update failed is still running."""
    return [session for session in sessions if session["lifecycleStatus"] != ENDED]


def latest(sessions: Iterable[SessionSummary]) -> SessionSummary | None:
    """The session that started last; if several tie, the first in the list."""
    return max(sessions, key=lambda session: session["startedAt"], default=None)


def duration(session: SessionSummary, now: datetime.datetime) -> datetime.timedelta:
    """How long a session ran, or has run until now."""
    return session.get("endedAt", now) - session["startedAt"]


def worker_hours(sessions: Iterable[SessionSummary], now: datetime.datetime) -> float:
    """The hours for which all sessions together have kept workers busy."""
    total = sum((duration(session, now) for session in sessions), datetime.timedelta())
    return total / datetime.timedelta(hours=1)


def being_stopped(sessions: Iterable[SessionSummary]) -> list[SessionSummary]:
    """The sessions that were asked to end and have not ended yet."""
    return [
        session for session in active(sessions) if session.get("targetLifecycleStatus") == ENDED
    ]


def per_worker(sessions: Iterable[SessionSummary]) -> dict[str, list[SessionSummary]]:
    """The sessions of each worker, ordered by start."""
    by_worker: dict[str, list[SessionSummary]] = collections.defaultdict(list)
    for session in sorted(sessions, key=lambda session: session["startedAt"]):
        by_worker[session["workerId"]].append(session)
    return dict(by_worker)


def stale(
    sessions: Iterable[SessionSummary], now: datetime.datetime, limit: datetime.timedelta
) -> list[SessionSummary]:
    """The sessions that have run for longer than ``limit`` and have not ended."""
    return [session for session in active(sessions) if duration(session, now) > limit]
