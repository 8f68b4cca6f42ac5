"""Subtests, which pytest has had since version 9."""

from __future__ import annotations

import farm


def test_share(deadline_sessions, subtests):
    """The subtests of a test share its service."""
    for sessions in range(3):
        with subtests.test(sessions=sessions):
            assert len(deadline_sessions.jobs) == sessions
            job = deadline_sessions.add_job(sessions=sessions)
            assert len(farm.first_page(farm.CLIENT, **job)) == sessions
    assert len(deadline_sessions.calls) == 3


def test_fails(deadline_sessions, subtests):
    """A failing subtest shows the calls, and the next one still has the service."""
    job = deadline_sessions.add_job(sessions=2)
    with subtests.test("fails"):
        assert len(farm.first_page(farm.CLIENT, **job)) == 3
    with subtests.test("passes"):
        assert len(farm.first_page(farm.CLIENT, **job)) == 2


def test_stubber(list_sessions_stubber, subtests):
    """A stubber works in a subtest."""
    job = {"farmId": "farm-" + "1" * 32, "queueId": "queue-" + "2" * 32, "jobId": "job-" + "3" * 32}
    list_sessions_stubber.add_pages([[]], **job)
    with subtests.test("empty"):
        assert farm.sessions_of(list_sessions_stubber.client, **job) == []
