"""What type checkers make of the public names; read by mypy and pyright, never run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import assert_type

from pytest_deadline_sessions import (
    Behavior,
    Call,
    Checked,
    Clock,
    Endpoint,
    FakeDeadline,
    Fault,
    Job,
    Listing,
    ListSessionsResponse,
    ListSessionsStubber,
    Service,
    Session,
    SessionSummary,
    Transcript,
    check_pagination,
)
from pytest_deadline_sessions import strategies as ds
from pytest_deadline_sessions.checking import Program


def a_test_of_the_fake(deadline_sessions: FakeDeadline, deadline_sessions_client: Any) -> None:
    """Everything that one holds has a type, and a job goes into any call."""
    job = deadline_sessions.add_job(Listing(page_sizes=(1, 0), runs=(("STARTED", 1),)))
    assert_type(job, Job)
    assert_type(job.listing, Listing)
    session = job.start_session()
    assert_type(session, Session)
    assert_type(session.summary, SessionSummary)
    assert_type(deadline_sessions.clock, Clock)
    assert_type(deadline_sessions.calls, Transcript)
    assert_type(deadline_sessions.calls[0], Call)
    assert_type(deadline_sessions.calls[:2], list[Call])
    deadline_sessions.fail_next(Fault("ThrottlingException"), times=None)
    deadline_sessions.add_job([session.summary])
    deadline_sessions.reset(Behavior(page_size=3, order="given"))
    for summary in job.listing:
        assert_type(summary, SessionSummary)
    deadline_sessions_client.list_sessions(**job)
    with FakeDeadline() as fake, fake.serve() as url:
        assert_type(fake, FakeDeadline)
        assert_type(url, Endpoint)
        assert_type(url.environment(), dict[str, str])


def a_test_of_an_operation(
    deadline_sessions: FakeDeadline, deadline_sessions_endpoint: Endpoint
) -> None:
    """A function that adds an operation gets the service, and the endpoint is a string."""

    @deadline_sessions.operation("GetFarm")
    def get_farm(service: Service, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        assert_type(service.clock, Clock)
        return {"farmId": parameters["farmId"]}

    assert_type(deadline_sessions_endpoint.removeprefix("http://"), str)


def a_test_of_the_stubber(list_sessions_stubber: ListSessionsStubber) -> None:
    """Pages are lists of summaries."""
    page: list[SessionSummary] = list(Listing(page_sizes=(1,)))
    list_sessions_stubber.add_pages([page, []], farmId="f", queueId="q", jobId="j")


def collector(client: Any, **job: str) -> Iterator[SessionSummary]:
    """What people write."""
    response: ListSessionsResponse = client.list_sessions(**job)
    yield from response["sessions"]


def a_check() -> None:
    """Any function of a client and ids."""
    checked = check_pagination(collector, expected=len, examples=[Listing()])
    assert_type(checked, Checked)
    assert_type(checked.variations["volume"], int)
    check_pagination(
        dict, call=lambda kind, client, job: kind(client, **job), key="id", client="async"
    )
    check_pagination(
        Program(["aws"], parse=str.split), setup=lambda fake, job: fake.describe(job["jobId"])
    )


@given(ds.session_lists(min_size=1), ds.listings(), st.data())
@pytest.mark.deadline_sessions(page_size=3)
def a_property(sessions: list[SessionSummary], listing: Listing, data: st.DataObject) -> None:
    """Strategies give what they say."""
    assert_type(sessions[0]["lifecycleStatus"] == "ENDED", bool)
    assert_type(data.draw(ds.session_summaries()), SessionSummary)
    assert_type(data.draw(ds.faults()), Fault)
    assert_type(data.draw(ds.session_histories()), list[SessionSummary])
    assert_type(data.draw(ds.list_sessions_responses()), list[ListSessionsResponse])
    assert_type(listing.pages(), list[list[SessionSummary]])
