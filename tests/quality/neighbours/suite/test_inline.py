"""At a given time, the service gives the same answers in each run."""

from __future__ import annotations

import farm
from inline_snapshot import snapshot

from pytest_deadline_sessions import Listing


def test_sessions(deadline_sessions):
    """Summaries, with their times, can be compared with a snapshot in the source."""
    with deadline_sessions.clock.freeze("2030-01-01"):
        job = deadline_sessions.add_job(Listing(page_sizes=(2, 0, 1)))
        found = farm.sessions_of(farm.CLIENT, **job)
        # The repr of botocore's time zones is not valid source code.
        times = [one.pop("startedAt").isoformat() for one in found]
        assert (found, times) == snapshot()


def test_transcript(deadline_sessions):
    """So can the transcript."""
    with deadline_sessions.clock.freeze("2030-01-01"):
        job = deadline_sessions.add_job(sessions=3)
        farm.sessions_of(farm.CLIENT, **job)
        assert str(deadline_sessions.calls) == snapshot()
