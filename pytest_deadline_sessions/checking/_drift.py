"""A call of the collector that is under way: what happens to the job and its tokens meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from pytest_deadline_sessions._domain.listing import GAP
from pytest_deadline_sessions._service.jobs import Job, Session
from pytest_deadline_sessions.checking._attempt import Attempt
from pytest_deadline_sessions.checking._case import Case, Start, place_of
from pytest_deadline_sessions.lifecycle import STARTED


@dataclass
class UnderWay:
    """An attempt whose collector is still running.

    Attributes:
        attempt: The record of the call.
        job: The job that the collector was called with.
        conditions: The faults, expiries and drift that occur while it runs.
        answered: How many requests have been answered.
    """

    attempt: Attempt
    job: Job
    conditions: Case
    answered: int = 0

    def answer(self) -> None:
        """Count an answered request, and let the job drift."""
        self.answered += 1
        for drift in self.conditions.drift:
            at, change = drift[:2]
            if at == self.answered:
                _change(self.job, change, place_of(drift), self.attempt)

    @property
    def tokens_expire(self) -> bool:
        """Whether all tokens expire after this answer."""
        return self.conditions.always_expired or self.answered in self.conditions.expiries


def _change(job: Job, change: str, place: int, attempt: Attempt) -> None:
    if change in get_args(Start):
        attempt.added.add(attempt.target.id_of(start_session(job, change).session_id))
        return
    running = [session for session in job.sessions if session.status == STARTED]
    if running:
        session = running[min(place, len(running) - 1)]
        if change == "end":
            session.end()
        else:
            session.request_end()


def start_session(job: Job, start: str) -> Session:
    """Start another session of a job.

    Args:
        job: The job.
        start: Its start time: ``"start"`` for now, ``"start-same-time"`` for that of the latest
            session, ``"start-earlier"`` for a minute before that of the earliest.
    """
    times = [summary["startedAt"] for summary in job.listing]
    if start == "start" or not times:
        return job.start_session()
    if start == "start-same-time":
        return job.start_session(startedAt=max(times))
    return job.start_session(startedAt=min(times) - GAP)
