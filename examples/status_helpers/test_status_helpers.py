"""Test what each helper must do for every list of sessions that the service could send."""

from __future__ import annotations

import copy
import datetime

import pytest
import status_helpers
from hypothesis import given
from hypothesis import strategies as st

from pytest_deadline_sessions import SessionSummary, assert_session_summary
from pytest_deadline_sessions import strategies as ds

NOW = datetime.datetime(2030, 1, 1, 12, tzinfo=datetime.timezone.utc)
HOUR = datetime.timedelta(hours=1)
any_sessions = given(sessions=ds.session_lists(now=NOW))


@any_sessions
def test_active(sessions):
    """Every session is either ended or active, and the order is kept."""
    active = status_helpers.active(sessions)
    ended = [session for session in sessions if "endedAt" in session]
    assert [session for session in sessions if session not in ended] == active


@given(ds.session_lists(lifecycleStatus="ENDED"))
def test_nothing_is_active_once_all_have_ended(sessions):
    """A session with status ENDED is not active, whatever else its summary says."""
    assert status_helpers.active(sessions) == status_helpers.being_stopped(sessions) == []


@any_sessions
def test_latest(sessions):
    """No session started later than the latest; only an empty list has none."""
    latest = status_helpers.latest(sessions)
    assert (latest is None) == (not sessions)
    assert all(session["startedAt"] <= latest["startedAt"] for session in sessions)


@given(sessions=ds.session_lists(min_size=1), data=st.data())
def test_latest_does_not_depend_on_the_order(sessions, data):
    """In whatever order sessions are listed, the latest one has the same start time."""
    shuffled = data.draw(st.permutations(sessions))
    start = status_helpers.latest(sessions)["startedAt"]
    assert status_helpers.latest(shuffled)["startedAt"] == start


@given(session=ds.session_summaries(now=NOW))
def test_duration(session):
    """The duration of an ended session is fixed; that of any other grows with time."""
    current = status_helpers.duration(session, NOW)
    later = status_helpers.duration(session, NOW + HOUR)
    assert current >= datetime.timedelta(0)
    assert later - current == (datetime.timedelta(0) if "endedAt" in session else HOUR)


@given(started=ds.session_summaries(lifecycleStatus="STARTED", startedAt=NOW - 30 * HOUR))
def test_a_duration_may_be_longer_than_a_day(started):
    """A session that has run for thirty hours counts thirty hours."""
    assert status_helpers.duration(started, NOW) == 30 * HOUR
    assert status_helpers.worker_hours([started, started], NOW) == 60


@any_sessions
def test_being_stopped(sessions):
    """The sessions being stopped are the active ones that were asked to end."""
    stopping = status_helpers.being_stopped(sessions)
    assert all(session in status_helpers.active(sessions) for session in stopping)
    assert [
        session for session in sessions if session["lifecycleStatus"].startswith("UPDATE")
    ] == stopping


@any_sessions
def test_per_worker(sessions):
    """Every session appears once, under its worker, after sessions that started earlier."""
    by_worker = status_helpers.per_worker(sessions)
    for worker, listed in by_worker.items():
        assert {session["workerId"] for session in listed} == {worker}
        starts = [session["startedAt"] for session in listed]
        assert starts == sorted(starts)
    ids = [session["sessionId"] for listed in by_worker.values() for session in listed]
    assert sorted(ids) == sorted(session["sessionId"] for session in sessions)


@given(sessions=ds.session_lists(now=NOW), hours=st.integers(0, 100))
def test_stale(sessions, hours):
    """A session is stale if and only if it is active and started more than the limit ago."""
    stale = status_helpers.stale(sessions, NOW, hours * HOUR)
    for session in sessions:
        long_ago = session["startedAt"] < NOW - hours * HOUR
        assert (session in stale) == (long_ago and "endedAt" not in session)


@pytest.mark.parametrize("seconds", [0, 1])
def test_stale_is_longer_than_the_limit(faker, seconds):
    """A session that has run for exactly the limit is not stale yet."""
    start = NOW - HOUR - datetime.timedelta(seconds=seconds)
    session = faker.session_summary(now=NOW, lifecycleStatus="STARTED", startedAt=start)
    assert len(status_helpers.stale([session], NOW, HOUR)) == seconds


def test_a_whole_farm(faker):
    """In a large job of realistic sessions, each worker has at most one active session."""
    sessions = faker.sessions(1000, now=NOW)
    for listed in status_helpers.per_worker(sessions).values():
        assert status_helpers.active(listed) in ([], listed[-1:])


@given(...)
def test_no_helper_changes_what_it_is_given(sessions: list[SessionSummary]):
    """No helper modifies its argument. The annotation alone makes Hypothesis draw sessions."""
    before = copy.deepcopy(sessions)
    status_helpers.active(sessions)
    status_helpers.latest(sessions)
    status_helpers.worker_hours(sessions, NOW)
    status_helpers.being_stopped(sessions)
    status_helpers.per_worker(sessions)
    status_helpers.stale(sessions, NOW, HOUR)
    assert sessions == before
    for session in sessions:
        assert_session_summary(session)
