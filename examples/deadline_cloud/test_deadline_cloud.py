"""Tests of code that we did not write: how the vendor's ``deadline`` package lists sessions."""

from __future__ import annotations

import boto3
import collectors
import pytest
from botocore.exceptions import ClientError
from deadline.client.exceptions import DeadlineOperationError

from pytest_deadline_sessions import Behavior, FakeDeadline, Fault, Listing, check_pagination

LOOPS = [collectors.list_sessions, collectors.trace_schedule]
PAGINATORS = [collectors.incremental_download, collectors.session_of_logs]
EVERY = [*LOOPS, *PAGINATORS]
EXPECTED = {
    collectors.trace_schedule: collectors.by_start,
    collectors.incremental_download: collectors.recent,
    collectors.session_of_logs: collectors.session_to_show,
}


def name(function):
    """The name of a collector in the ids of tests."""
    return function.__name__


@pytest.mark.parametrize("collect", EVERY, ids=name)
def test_every_kind_of_listing(collect):
    """Each collector copes with whatever the service serves: pages, tokens, faults, expiry."""
    check_pagination(collect, expected=EXPECTED.get(collect))


@pytest.mark.parametrize("collect", PAGINATORS, ids=name)
def test_an_empty_final_token_by_paginator(collect):
    """Botocore's paginator takes an empty token as the end of the listing."""
    check_pagination(collect, expected=EXPECTED.get(collect), empty_final_token=True)


@pytest.mark.xfail(
    strict=True,
    raises=AssertionError,
    reason="the loop `while 'nextToken' in response` sends an empty token back; the service model "
    "allows one in a response, but whether the service ever sends it is not documented",
)
@pytest.mark.parametrize("collect", LOOPS, ids=name)
def test_an_empty_final_token_by_loop(collect):
    """An empty final token should mean the end of the listing."""
    check_pagination(collect, expected=EXPECTED.get(collect), empty_final_token=True)


def test_list_sessions_over_several_pages(deadline_sessions):
    """The package's own client factory reaches the service, and repeats maxResults."""
    job = deadline_sessions.add_job(Listing(page_sizes=(2, 0, 1)))
    response = collectors.api.list_sessions(**job, maxResults=2)
    assert response["sessions"] == list(job.listing)
    assert [call.params["maxResults"] for call in deadline_sessions.calls] == [2, 2, 2]


def test_list_sessions_over_a_hundred_at_a_time(deadline_sessions):
    """The service, not botocore, refuses a maxResults that is too large."""
    job = deadline_sessions.add_job(sessions=1)
    with pytest.raises(ClientError, match="ValidationException"):
        collectors.api.list_sessions(**job, maxResults=101)


def test_sessions_sorted_by_start_keep_their_order_where_starts_tie():
    """Sessions that started at the same instant keep the order of the listing."""
    with FakeDeadline(Behavior(order="given")) as fake:
        job = fake.add_job(Listing(page_sizes=(2, 2), order="mixed"))
        sessions = collectors.trace_schedule(boto3.client("deadline"), **job)
        assert sessions == collectors.by_start(list(job.listing))


@pytest.mark.parametrize("collect", [*LOOPS, collectors.incremental_download], ids=name)
def test_a_fault_between_two_pages_is_raised(deadline_sessions, collect):
    """No collector returns half a listing."""
    job = deadline_sessions.add_job(Listing(page_sizes=(1, 1)))
    deadline_sessions.fail_next(Fault("AccessDeniedException", "Not any more."), after=1)
    with pytest.raises(ClientError, match="Not any more"):
        collect(boto3.client("deadline"), **job)


def test_a_fault_while_looking_for_logs_is_raised(deadline_sessions):
    """The package raises its own exception, which says what failed."""
    job = deadline_sessions.add_job(Listing(page_sizes=(1, 1)))
    deadline_sessions.fail_next("AccessDeniedException", after=1)
    with pytest.raises(DeadlineOperationError, match="Failed to list sessions"):
        collectors.session_of_logs(None, **job)


@pytest.mark.parametrize("collect", [*LOOPS, collectors.incremental_download], ids=name)
def test_a_token_that_expires_between_two_pages_is_raised(deadline_sessions, collect):
    """The token expires while the user's laptop sleeps for a day."""
    job = deadline_sessions.add_job(Listing(page_sizes=(1, 1)))
    deadline_sessions.on_call(lambda _call: deadline_sessions.clock.advance(hours=25))
    with pytest.raises(ClientError, match="expired"):
        collect(boto3.client("deadline"), **job)


def test_throttling_is_waited_out(deadline_sessions):
    """The package's client retries. Its waiting advances the clock and takes no real time."""
    job = deadline_sessions.add_job(Listing(page_sizes=(1, 1)))
    deadline_sessions.fail_next("ThrottlingException", after=1, times=2)
    assert len(collectors.list_sessions(None, **job)["sessions"]) == 2
    assert [call.status for call in deadline_sessions.calls] == [200, 429, 429, 200]


def test_the_log_is_that_of_the_latest_running_session(deadline_sessions):
    """A running session is preferred to an ended one, however late the ended one started."""
    job = deadline_sessions.add_job(
        Listing(page_sizes=(1, 0, 2), runs=(("STARTED", 2), ("ENDED", 1)))
    )
    assert collectors.session_of_logs(None, **job) == job.listing[1]["sessionId"]
