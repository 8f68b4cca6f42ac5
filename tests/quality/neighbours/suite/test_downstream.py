"""Behaviour that must hold beside any other plugin."""

from __future__ import annotations

import datetime
import subprocess
import sys
import time

import boto3
import farm
import pytest
from hypothesis import given

from pytest_deadline_sessions import (
    Listing,
    PaginationViolation,
    assert_complete_listing,
    check_pagination,
)
from pytest_deadline_sessions import strategies as ds

SESSIONS = Listing(page_sizes=(2, 0, 1))
JOB = {"farmId": "farm-" + "1" * 32, "queueId": "queue-" + "2" * 32, "jobId": "job-" + "3" * 32}


def test_module_level_client(deadline_sessions):
    """A client made at import reaches the service."""
    job = deadline_sessions.add_job(SESSIONS)
    assert len(farm.first_page(farm.CLIENT, **job)) == 2
    assert [call.operation for call in deadline_sessions.calls] == ["ListSessions"]


def test_client_made_in_the_test(deadline_sessions):
    """So does a client made in the test, with dummy credentials."""
    job = deadline_sessions.add_job(SESSIONS)
    client = boto3.Session().client("deadline")
    assert_complete_listing(farm.sessions_of(client, **job), job)


@pytest.mark.parametrize("sessions", [1, 2])
def test_each_test_starts_empty(deadline_sessions, sessions):
    """No test sees the jobs, calls or faults of another."""
    assert (deadline_sessions.jobs, list(deadline_sessions.calls)) == ([], [])
    job = deadline_sessions.add_job(sessions=sessions)
    deadline_sessions.fail_next("ThrottlingException", times=1, after=1)
    assert len(farm.first_page(farm.CLIENT, **job)) == sessions


def test_retries_take_no_time(deadline_sessions):
    """Waiting after throttling advances the service's clock."""
    job = deadline_sessions.add_job(sessions=1)
    deadline_sessions.fail_next("ThrottlingException", times=3)
    before = time.perf_counter()
    assert len(farm.first_page(farm.CLIENT, **job)) == 1
    assert time.perf_counter() - before < 1
    assert [call.status for call in deadline_sessions.calls] == [429, 429, 429, 200]


def test_client_fixture(deadline_sessions, deadline_sessions_client):
    """``deadline_sessions_client`` reaches the service of the test."""
    job = deadline_sessions.add_job(SESSIONS)
    assert_complete_listing(farm.sessions_of(deadline_sessions_client, **job), job)


@pytest.mark.deadline_sessions(page_size=7)
def test_marker(deadline_sessions, deadline_sessions_client):
    """The marker takes effect."""
    job = deadline_sessions.add_job(sessions=8)
    assert len(farm.first_page(deadline_sessions_client, **job)) == 7


def test_stubber(list_sessions_stubber):
    """``list_sessions_stubber`` returns the queued responses."""
    list_sessions_stubber.add_listing(SESSIONS, **JOB)
    assert farm.sessions_of(list_sessions_stubber.client, **JOB) == list(SESSIONS)


@given(listing=ds.listings(max_sessions=20))
def test_given(deadline_sessions, listing):
    """Every example of a ``@given`` test starts empty."""
    assert deadline_sessions.jobs == []
    job = deadline_sessions.add_job(listing)
    assert farm.sessions_of(farm.CLIENT, **job) == list(listing)


def test_freeze(deadline_sessions):
    """``clock.freeze`` freezes time for both the service and the code."""
    with deadline_sessions.clock.freeze("2030-01-01") as frozen:
        session = deadline_sessions.add_job().start_session()
        frozen.tick(datetime.timedelta(hours=2))
        now = datetime.datetime.now(datetime.timezone.utc)
        assert now - session.summary["startedAt"] == datetime.timedelta(hours=2)


def test_token_expires(deadline_sessions):
    """``clock.advance`` lets a token expire."""
    job = deadline_sessions.add_job(SESSIONS)
    token = farm.CLIENT.list_sessions(**job)["nextToken"]
    deadline_sessions.clock.advance(hours=25)
    with pytest.raises(farm.CLIENT.exceptions.ValidationException, match="expired"):
        farm.CLIENT.list_sessions(**job, nextToken=token)


def test_getfixturevalue(request):
    """A test can request the service while it runs."""
    fake = request.getfixturevalue("deadline_sessions")
    assert len(farm.first_page(farm.CLIENT, **fake.add_job(SESSIONS))) == 2


@pytest.mark.parametrize("named", ["deadline_sessions"], indirect=True)
def test_indirect(named):
    """A test can request the fixture named by a parameter."""
    assert len(farm.first_page(farm.CLIENT, **named.add_job(SESSIONS))) == 2


@pytest.mark.slow
def test_check_pagination():
    """A right collector passes ``check_pagination``."""
    check_pagination(farm.sessions_of, max_examples=5)


@pytest.mark.slow
def test_check_pagination_finds():
    """A wrong collector does not."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(farm.first_page, max_examples=5)
    assert caught.value.rule == "complete"


@pytest.mark.enable_socket
@pytest.mark.slow
def test_endpoint(deadline_sessions, deadline_sessions_endpoint):
    """A subprocess reaches the service over loopback."""
    job = deadline_sessions.add_job(SESSIONS)
    done = subprocess.run(
        [sys.executable, farm.__file__, *job.values()],
        env=deadline_sessions_endpoint.environment(),
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout == "3\n"
