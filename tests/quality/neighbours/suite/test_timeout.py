"""pytest-timeout ends a test in the middle of a call."""

from __future__ import annotations

import time

import farm
import pytest


@pytest.mark.xfail(raises=pytest.fail.Exception)
@pytest.mark.timeout(0.2, method="signal")
def test_hangs(deadline_sessions):
    """The test times out, as expected, while the service handles a call."""
    deadline_sessions.on_call(lambda _call: time.sleep(60))
    farm.first_page(farm.CLIENT, **deadline_sessions.add_job(sessions=1))


@pytest.mark.parametrize("sessions", [1, 2])
def test_next(deadline_sessions, sessions):
    """The next tests start with an empty service that answers."""
    assert (deadline_sessions.jobs, list(deadline_sessions.calls)) == ([], [])
    job = deadline_sessions.add_job(sessions=sessions)
    assert len(farm.first_page(farm.CLIENT, **job)) == sessions
