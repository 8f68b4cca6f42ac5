"""What type checkers make of code with a typed client; read by mypy and pyright, never run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_deadline_sessions import (
    FakeDeadline,
    Listing,
    SessionSummary,
    assert_session_summary,
    check_pagination,
)

if TYPE_CHECKING:
    from types_boto3_deadline.client import DeadlineCloudClient
    from types_boto3_deadline.type_defs import SessionSummaryTypeDef


def collector(
    client: DeadlineCloudClient, *, farmId: str, queueId: str, jobId: str
) -> Iterator[SessionSummaryTypeDef]:
    """A collector by somebody who uses the types of boto3."""
    pages = client.get_paginator("list_sessions").paginate(
        farmId=farmId, queueId=queueId, jobId=jobId
    )
    for page in pages:
        yield from page["sessions"]


def a_check() -> None:
    """The collector can be checked as it is."""
    check_pagination(collector, examples=[Listing()])


def a_test_of_the_fake(deadline_sessions: FakeDeadline, client: DeadlineCloudClient) -> None:
    """A typed client can be attached, and a summary is the same thing to both."""
    deadline_sessions.attach(client)
    job = deadline_sessions.add_job(sessions=2)
    theirs = list(collector(client, **job))
    deadline_sessions.add_job(theirs)
    ours: list[SessionSummary] = list(job.listing)
    for summary in theirs:
        assert_session_summary(summary)
    typed: SessionSummaryTypeDef = ours[0]
    back: SessionSummary = typed
    assert_session_summary(back)
