"""Test the dashboard. Each test shows one use of pytest-deadline-sessions."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys

import boto3
import dashboard
import pytest
from botocore.exceptions import ClientError
from hypothesis import given

from pytest_deadline_sessions import Listing, check_pagination
from pytest_deadline_sessions import strategies as ds

NOON = datetime.datetime(2030, 1, 1, 12, tzinfo=datetime.timezone.utc)


def test_every_session_is_listed(deadline_sessions):
    """The code uses its own boto3 client, and there are more sessions than fit in a page."""
    job = deadline_sessions.add_job(sessions=250)
    sessions = list(dashboard.list_sessions(boto3.client("deadline"), **job))
    assert [session["sessionId"] for session in sessions] == [
        session["sessionId"] for session in job.listing
    ]


def test_listing_survives_whatever_the_service_serves():
    """Try empty pages, odd tokens, faults, expired tokens and sessions that start between pages."""
    check_pagination(dashboard.list_sessions)


def test_an_empty_page_is_not_the_end(deadline_sessions, deadline_sessions_client):
    """The listing sets its page sizes, and a fixture provides the client."""
    job = deadline_sessions.add_job(Listing(page_sizes=(2, 0, 1)))
    assert len(list(dashboard.list_sessions(deadline_sessions_client, **job))) == 3


def test_figures(deadline_sessions):
    """Sessions go through their lifecycle while the clock is frozen."""
    with deadline_sessions.clock.freeze("2030-01-01 12:00") as frozen:
        job = deadline_sessions.add_job()
        first, second, third = (job.start_session() for _ in range(3))
        frozen.tick(datetime.timedelta(minutes=30))
        first.end()
        second.request_end(by="arn:aws:iam::111122223333:user/alex")
        third.request_end()
        third.fail_update()
        frozen.tick(datetime.timedelta(minutes=15))
        sessions = list(dashboard.list_sessions(boto3.client("deadline"), **job))
        now = datetime.datetime.now(datetime.timezone.utc)
    assert dashboard.summarise(sessions, now) == {
        "sessions": 3,
        "running": 1,
        "stopping": 1,
        "ended": 1,
        "workers": 1,
        "longest": datetime.timedelta(minutes=45),
    }


@given(ds.session_lists(now=NOON))
def test_figures_add_up(sessions):
    """The figures add up for any list of sessions that the service could send."""
    figures = dashboard.summarise(sessions, NOON)
    assert figures["running"] + figures["stopping"] + figures["ended"] == figures["sessions"]
    assert figures["longest"] >= datetime.timedelta(0)


def test_a_saved_token_is_used_while_it_is_good(deadline_sessions, deadline_sessions_client):
    """A token that is twelve hours old still works."""
    job = deadline_sessions.add_job(sessions=30)
    _, token = dashboard.next_page(deadline_sessions_client, None, **job)
    deadline_sessions.clock.advance(hours=12)
    sessions, token = dashboard.next_page(deadline_sessions_client, token, **job)
    assert (len(sessions), token) == (10, None)


def test_a_saved_token_that_expired_leads_to_the_first_page(
    deadline_sessions, deadline_sessions_client
):
    """A token that is 25 hours old has expired."""
    job = deadline_sessions.add_job(sessions=30)
    first, token = dashboard.next_page(deadline_sessions_client, None, **job)
    deadline_sessions.clock.advance(hours=25)
    restarted, _ = dashboard.next_page(deadline_sessions_client, token, **job)
    assert restarted == first
    assert [call.status for call in deadline_sessions.calls] == [200, 400, 200]


def test_a_throttled_call_is_tried_again(deadline_sessions):
    """Botocore retries, and the waiting takes no real time."""
    job = deadline_sessions.add_job(sessions=1)
    deadline_sessions.fail_next("ThrottlingException", times=2)
    assert len(list(dashboard.list_sessions(boto3.client("deadline"), **job))) == 1
    assert [call.status for call in deadline_sessions.calls] == [429, 429, 200]


def test_a_refusal_is_not_hidden(deadline_sessions):
    """A fault in the middle of the listing is raised."""
    job = deadline_sessions.add_job(sessions=150)
    deadline_sessions.fail_next("AccessDeniedException", after=1)
    with pytest.raises(ClientError, match="AccessDeniedException"):
        list(dashboard.list_sessions(boto3.client("deadline"), **job))


@pytest.mark.deadline_sessions(page_size=7)
def test_the_reader_gets_whatever_the_service_cuts(deadline_sessions, deadline_sessions_client):
    """The service puts fewer sessions in a page than requested."""
    job = deadline_sessions.add_job(sessions=8)
    sessions, token = dashboard.next_page(deadline_sessions_client, None, **job)
    assert len(sessions) == 7
    assert token is not None


def test_the_reader_asks_for_twenty(list_sessions_stubber):
    """The stubber checks the exact arguments of each call."""
    job = {
        "farmId": "farm-" + "1" * 32,
        "queueId": "queue-" + "2" * 32,
        "jobId": "job-" + "3" * 32,
    }
    listing = Listing(page_sizes=(20, 1))
    list_sessions_stubber.add_listing(listing, maxResults=20, **job)
    first, token = dashboard.next_page(list_sessions_stubber.client, None, **job)
    second, token = dashboard.next_page(list_sessions_stubber.client, token, **job)
    assert [*first, *second] == list(listing)
    assert token is None


def test_the_program_prints_json(deadline_sessions, deadline_sessions_endpoint):
    """The program runs as a subprocess and calls the same service."""
    job = deadline_sessions.add_job(sessions=3)
    process = subprocess.run(
        [sys.executable, dashboard.__file__, *job.values()],
        env=deadline_sessions_endpoint.environment(),
        capture_output=True,
        check=True,
        text=True,
    )
    assert json.loads(process.stdout)["running"] == 3
    assert [call.operation for call in deadline_sessions.calls] == ["ListSessions"]
