"""Each helper, held to what must be true of every list of sessions that the service could send."""

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
    """Ended or active: every session is one of them, and the order stays."""
    active = status_helpers.active(sessions)
    ended = [one for one in sessions if "endedAt" in one]
    assert [one for one in sessions if one not in ended] == active


@given(ds.session_lists(lifecycleStatus="ENDED"))
def test_nothing_is_active_once_all_have_ended(sessions):
    """Whatever else a summary says, ENDED is the end."""
    assert status_helpers.active(sessions) == status_helpers.being_stopped(sessions) == []


@any_sessions
def test_latest(sessions):
    """No session started later than the latest; only an empty list has none."""
    latest = status_helpers.latest(sessions)
    assert (latest is None) == (not sessions)
    assert all(one["startedAt"] <= latest["startedAt"] for one in sessions)


@given(sessions=ds.session_lists(min_size=1), data=st.data())
def test_latest_does_not_depend_on_the_order(sessions, data):
    """However the service lists them, the latest started at the same time."""
    others = data.draw(st.permutations(sessions))
    start = status_helpers.latest(sessions)["startedAt"]
    assert status_helpers.latest(others)["startedAt"] == start


@given(session=ds.session_summaries(now=NOW))
def test_duration(session):
    """A session that has ended stays as long as it was; the others grow with time."""
    then = status_helpers.duration(session, NOW)
    later = status_helpers.duration(session, NOW + HOUR)
    assert then >= datetime.timedelta(0)
    assert later - then == (datetime.timedelta(0) if "endedAt" in session else HOUR)


@given(started=ds.session_summaries(lifecycleStatus="STARTED", startedAt=NOW - 30 * HOUR))
def test_a_duration_may_be_longer_than_a_day(started):
    """Thirty hours are thirty hours."""
    assert status_helpers.duration(started, NOW) == 30 * HOUR
    assert status_helpers.worker_hours([started, started], NOW) == 60


@any_sessions
def test_being_stopped(sessions):
    """Only who is active can be stopped, and whoever was asked to end before that is."""
    stopping = status_helpers.being_stopped(sessions)
    assert all(one in status_helpers.active(sessions) for one in stopping)
    assert [one for one in sessions if one["lifecycleStatus"].startswith("UPDATE")] == stopping


@any_sessions
def test_per_worker(sessions):
    """Every session is its worker's, once, after those that started before it."""
    found = status_helpers.per_worker(sessions)
    for worker, own in found.items():
        assert {one["workerId"] for one in own} == {worker}
        starts = [one["startedAt"] for one in own]
        assert starts == sorted(starts)
    ids = [one["sessionId"] for own in found.values() for one in own]
    assert sorted(ids) == sorted(one["sessionId"] for one in sessions)


@given(sessions=ds.session_lists(now=NOW), hours=st.integers(0, 100))
def test_stale(sessions, hours):
    """A session is stale exactly if it is active and started more than the limit ago."""
    stale = status_helpers.stale(sessions, NOW, hours * HOUR)
    for one in sessions:
        long_ago = one["startedAt"] < NOW - hours * HOUR
        assert (one in stale) == (long_ago and "endedAt" not in one)


@pytest.mark.parametrize("seconds", [0, 1])
def test_stale_is_longer_than_the_limit(faker, seconds):
    """Who has run for exactly the limit is not stale yet."""
    start = NOW - HOUR - datetime.timedelta(seconds=seconds)
    session = faker.session_summary(now=NOW, lifecycleStatus="STARTED", startedAt=start)
    assert len(status_helpers.stale([session], NOW, HOUR)) == seconds


def test_a_whole_farm(faker):
    """Realistic sessions, as many as a large job has: on each worker one is active at most."""
    sessions = faker.sessions(1000, now=NOW)
    for own in status_helpers.per_worker(sessions).values():
        assert status_helpers.active(own) in ([], own[-1:])


@given(...)
def test_no_helper_changes_what_it_is_given(sessions: list[SessionSummary]):
    """The annotation alone makes valid sessions; afterwards they are as they were."""
    before = copy.deepcopy(sessions)
    status_helpers.active(sessions)
    status_helpers.latest(sessions)
    status_helpers.worker_hours(sessions, NOW)
    status_helpers.being_stopped(sessions)
    status_helpers.per_worker(sessions)
    status_helpers.stale(sessions, NOW, HOUR)
    assert sessions == before
    for one in sessions:
        assert_session_summary(one)
