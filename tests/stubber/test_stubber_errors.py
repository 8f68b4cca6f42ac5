"""Error responses of ``ListSessionsStubber``."""

from __future__ import annotations

import copy
from typing import Any

import botocore.stub
import pytest
from botocore.exceptions import (
    ClientError,
    StubAssertionError,
)
from stubbing import FARM, OTHER_JOB, summaries, text_of

from pytest_deadline_sessions import FakeDeadline, Fault
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.faults import BROKEN_CONNECTIONS


def _without_transport(response: dict[str, Any]) -> dict[str, Any]:
    """Return an error response without the metadata that only a real connection adds."""
    response = copy.deepcopy(response)
    metadata = response["ResponseMetadata"]
    metadata.pop("RequestId", None)
    metadata.pop("MaxAttemptsReached", None)
    for name in ("content-type", "x-amzn-requestid"):
        metadata["HTTPHeaders"].pop(name, None)
    return response


@pytest.mark.parametrize(
    "fault",
    [
        *(Fault(code) for code in model.error_shapes()),
        Fault("AccessDeniedException", "Nothing for you.", context={"who": "alex"}),
        Fault("ThrottlingException", retryAfterSeconds=3, quotaCode="L-1", serviceCode="deadline"),
        Fault("InternalServerErrorException", retryAfterSeconds=0),
        Fault(
            "ValidationException",
            reason="FIELD_VALIDATION_FAILED",
            fieldList=[{"name": "jobId", "message": "no"}],
        ),
    ],
    ids=repr,
)
def test_a_fault_is_the_error_of_the_service(stubber: Any, fault: Fault) -> None:
    """A fault gives the same error as the fake: class, status, headers, members and message."""
    fake = FakeDeadline()
    job = fake.add_job()
    fake.fail_next(fault, times=None)
    client = fake.client(retries={"total_max_attempts": 1})
    with pytest.raises(ClientError) as wanted:
        client.list_sessions(**job)
    stubber.add_fault(fault)
    with pytest.raises(getattr(stubber.client.exceptions, fault.code)) as error:
        stubber.client.list_sessions(**job)
    assert _without_transport(error.value.response) == _without_transport(wanted.value.response)


def test_a_fault_given_by_its_code(stubber: Any) -> None:
    """A code adds the fault with its default members."""
    stubber.add_fault("ThrottlingException")
    assert stubber.pending == [
        "ListSessions(any arguments) → 429 ThrottlingException: Rate exceeded."
    ]


@pytest.mark.parametrize("code", BROKEN_CONNECTIONS)
def test_broken_connections_are_refused(stubber: Any, code: str) -> None:
    """A broken connection is refused; the error points to ``FakeDeadline.fail_next``."""
    with pytest.raises(ValueError, match="connection") as error:
        stubber.add_fault(code)
    assert text_of(error) == (
        f"fault={code!r} (expected an error from the service, since a Stubber has no "
        "connection that could break; FakeDeadline.fail_next accepts it)"
    )


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("Throttled", ValueError), (Fault("ConflictException"), ValueError), (5, TypeError)],
)
def test_other_faults_are_refused(stubber: Any, fault: Any, kind: type[Exception]) -> None:
    """A fault that ListSessions does not model is refused."""
    with pytest.raises(kind, match="expected a"):
        stubber.add_fault(fault)
    assert stubber.pending == []


def test_a_fault_without_a_request(stubber: Any) -> None:
    """A fault without a request is returned whatever the arguments of the next call."""
    stubber.add_fault("AccessDeniedException")
    with pytest.raises(stubber.client.exceptions.AccessDeniedException):
        stubber.client.list_sessions(**OTHER_JOB, maxResults=3, nextToken="x")


def test_a_fault_with_a_request(stubber: Any) -> None:
    """A fault with a request expects exactly that request, with the default ids."""
    stubber.add_fault("AccessDeniedException", maxResults=3)
    with pytest.raises(StubAssertionError):
        stubber.client.list_sessions(**stubber.job)
    with pytest.raises(stubber.client.exceptions.AccessDeniedException):
        stubber.client.list_sessions(**stubber.job, maxResults=3)


def test_a_fault_with_an_invalid_request(stubber: Any) -> None:
    """A fault with an invalid request, or with some of the ids, is refused."""
    with pytest.raises(ValueError, match="the real service") as error:
        stubber.add_fault("ThrottlingException", maxResults=0)
    assert text_of(error) == (
        "the real service would reject this request (strict=False queues it anyway):\n"
        "  maxResults: 0 (expected 1..100)"
    )
    with pytest.raises(ValueError, match="queueId, jobId: missing"):
        stubber.add_fault("ThrottlingException", **FARM)
    assert stubber.pending == []


@pytest.mark.parametrize(
    ("request_", "resource"),
    [
        ({}, (model.make_id("JobId", 1), "job")),
        (OTHER_JOB, (OTHER_JOB["jobId"], "job")),
        ({**OTHER_JOB, "jobId": botocore.stub.ANY}, ("unknown", "unknown")),
    ],
)
def test_the_resource_of_a_not_found_fault(
    stubber: Any, request_: dict[str, Any], resource: tuple[str, str]
) -> None:
    """A ResourceNotFoundException names the expected job, or "unknown" if the id is ``ANY``."""
    stubber.add_fault("ResourceNotFoundException", **request_)
    with pytest.raises(stubber.client.exceptions.ResourceNotFoundException) as error:
        stubber.client.list_sessions(**{**stubber.job, **(OTHER_JOB if request_ else {})})
    response = error.value.response
    assert (response["resourceId"], response["resourceType"]) == resource


def test_a_not_found_fault_with_a_given_resource(stubber: Any) -> None:
    """A resource that the fault sets is not replaced by the job."""
    stubber.add_fault(Fault("ResourceNotFoundException", resourceId="q", resourceType="queue"))
    with pytest.raises(stubber.client.exceptions.ResourceNotFoundException) as error:
        stubber.client.list_sessions(**stubber.job)
    assert error.value.response["resourceId"] == "q"
    assert error.value.response["resourceType"] == "queue"


def test_an_expired_token_gives_the_error_of_the_service(stubber: Any) -> None:
    """``add_expired_token`` gives the same error as the fake."""
    fake = FakeDeadline()
    job = fake.add_job(2)
    client = fake.client(retries={"total_max_attempts": 1})
    token = client.list_sessions(**job, maxResults=1)["nextToken"]
    fake.clock.advance(hours=25)
    with pytest.raises(ClientError) as wanted:
        client.list_sessions(**job, maxResults=1, nextToken=token)
    stubber.add_expired_token(nextToken=token)
    with pytest.raises(stubber.client.exceptions.ValidationException) as error:
        stubber.client.list_sessions(**stubber.job, nextToken=token)
    assert _without_transport(error.value.response) == _without_transport(wanted.value.response)
    assert error.value.response["reason"] == "OTHER"


@pytest.mark.parametrize("between", [False, True])
def test_the_token_of_the_previous_page_expires(stubber: Any, *, between: bool) -> None:
    """Without a request, the expired token is that of the previous page, with its arguments.

    A fault in between does not change that.
    """
    request = {**OTHER_JOB, "maxResults": 1}
    stubber.add_pages([summaries(1)], more=True, **request)
    if between:
        stubber.add_fault("ThrottlingException")
    stubber.add_expired_token()
    token = stubber.client.list_sessions(**request)["nextToken"]
    if between:
        with pytest.raises(stubber.client.exceptions.ThrottlingException):
            stubber.client.list_sessions(**request, nextToken=token)
    for wrong in (request, {**OTHER_JOB, "nextToken": token}, {**request, "nextToken": "other"}):
        with pytest.raises(StubAssertionError):
            stubber.client.list_sessions(**wrong)
    with pytest.raises(stubber.client.exceptions.ValidationException):
        stubber.client.list_sessions(**request, nextToken=token)


def test_a_partial_request_for_an_expired_token(stubber: Any) -> None:
    """Missing ids and a missing token are filled in from the defaults and the previous page."""
    stubber.add_pages([[]], more=True)
    token = stubber.next_token
    stubber.add_expired_token(maxResults=3)
    stubber.add_expired_token(nextToken="older")
    stubber.add_expired_token(nextToken="oldest", **OTHER_JOB)
    stubber.client.list_sessions(**stubber.job)
    for request in (
        {**stubber.job, "maxResults": 3, "nextToken": token},
        {**stubber.job, "nextToken": "older"},
        {**OTHER_JOB, "nextToken": "oldest"},
    ):
        with pytest.raises(stubber.client.exceptions.ValidationException):
            stubber.client.list_sessions(**request)


def test_an_expired_token_in_an_empty_queue(stubber: Any) -> None:
    """With an empty queue and no request, a call with any arguments gets the error."""
    stubber.add_expired_token()
    with pytest.raises(stubber.client.exceptions.ValidationException, match="has expired"):
        stubber.client.list_sessions(**stubber.job, nextToken="saved yesterday")


@pytest.mark.parametrize(
    ("pages", "request_"),
    [
        ([], {"maxResults": 3}),
        ([[[]]], {}),
        ([[[]]], {"maxResults": 3}),
        ([[[], []]], {}),
    ],
)
def test_an_expired_token_that_was_never_issued(stubber: Any, pages: Any, request_: Any) -> None:
    """Without a token, given or from the previous page, the error explains what to do."""
    for listing in pages:
        stubber.add_pages(listing)
    with pytest.raises(ValueError, match="nextToken") as error:
        stubber.add_expired_token(**request_)
    assert text_of(error) == (
        "nextToken: missing (expected the expired token: pass nextToken=…, or first queue a page "
        "with a token; more=True gives the last page of add_pages one)"
    )


def test_an_expired_token_after_a_response_for_any_request(stubber: Any) -> None:
    """After a response without expected arguments, any arguments get the expired-token error."""
    stubber.add_response("list_sessions", {"sessions": [], "nextToken": "t"})
    stubber.add_expired_token()
    assert stubber.pending == [
        "ListSessions(any arguments) → no sessions, token 't'",
        "ListSessions(any arguments) → 400 ValidationException: The nextToken has expired.",
    ]


@pytest.mark.skipif(
    "NextToken" not in model.service_model().shape_names,
    reason="the service model of this botocore has no limit for tokens",
)
def test_an_impossible_request_for_an_expired_token_is_refused(stubber: Any) -> None:
    """An expired token that is longer than the model allows is refused."""
    with pytest.raises(ValueError, match="nextToken: 4097 characters"):
        stubber.add_expired_token(nextToken="x" * 4097)
    assert stubber.pending == []
