"""The methods that ``ListSessionsStubber`` inherits from botocore's ``Stubber``."""

from __future__ import annotations

import contextlib
from typing import Any

import botocore.stub
import pytest
from botocore.exceptions import (
    ClientError,
    ParamValidationError,
)
from stubbing import FARM, OTHER_JOB, summaries, text_of

from pytest_deadline_sessions import FakeDeadline, ListSessionsStubber
from pytest_deadline_sessions._text import shown
from pytest_deadline_sessions._transport import client_factory


def test_responses_of_other_operations_are_queued(stubber: Any) -> None:
    """Responses of other operations are queued in order with the pages."""
    stubber.add_response("create_farm", FARM, {"displayName": "North"})
    stubber.add_pages([[]])
    assert stubber.client.create_farm(displayName="North") == FARM
    assert stubber.client.list_sessions(**stubber.job) == {"sessions": []}
    assert [call.operation for call in stubber.calls] == ["CreateFarm", "ListSessions"]


def test_botocore_checks_responses_of_other_operations(stubber: Any) -> None:
    """A response that botocore refuses is not queued."""
    with pytest.raises(ParamValidationError):
        stubber.add_response("create_farm", {"farmId": 5})
    assert stubber.pending == []
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize("strict", [True, False])
def test_strict_is_for_list_sessions_alone(stubber: Any, *, strict: bool) -> None:
    """``strict`` is refused for other operations, where it would have no effect."""
    with pytest.raises(ValueError, match="only list_sessions") as error:
        stubber.add_response("delete_farm", {}, strict=strict)
    assert (
        text_of(error)
        == f"strict={strict} (expected no value for delete_farm: only list_sessions is checked)"
    )
    assert stubber.pending == []


def test_an_unknown_method_is_refused(stubber: Any) -> None:
    """The error for an unknown method names it, for responses and client errors."""
    for add in (
        lambda: stubber.add_response("list_session", {}),
        lambda: stubber.add_client_error("list_session", "ThrottlingException"),
    ):
        with pytest.raises(ValueError, match="list_session") as error:
            add()
        assert text_of(error) == (
            "method='list_session' (expected a method of the client, such as 'list_sessions')"
        )
    assert stubber.pending == []


@pytest.mark.parametrize("method", [3, None, ["list_sessions"]])
def test_the_name_of_a_method_is_a_string(stubber: Any, method: Any) -> None:
    """A method must be a string, even where it could not be hashed."""
    expected = "(expected a method of the client, such as 'list_sessions')"
    for add in (
        lambda: stubber.add_response(method, {}),
        lambda: stubber.add_client_error(method, "ThrottlingException"),
    ):
        with pytest.raises(TypeError) as error:
            add()
        assert text_of(error) == f"method={method!r} {expected}"
    assert stubber.pending == []


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("service_error_code", 3, "(expected a string)"),
        ("service_message", None, "(expected a string)"),
        ("http_status_code", "400", "(expected a whole number, 100..599)"),
        *(
            (name, [3], "(expected a dict or None)")
            for name in ("service_error_meta", "expected_params", "response_meta", "modeled_fields")
        ),
    ],
)
def test_arguments_of_client_errors_have_their_types(
    stubber: Any, argument: str, value: Any, message: str
) -> None:
    """An argument of a wrong type is refused, and nothing is queued."""
    with pytest.raises(TypeError) as error:
        stubber.add_client_error("list_sessions", **{argument: value})
    assert text_of(error) == f"{argument}={value!r} {message}"
    assert stubber.pending == []


def test_expected_arguments_are_a_dict(stubber: Any) -> None:
    """Expected arguments of a response must be a dict or ``None``."""
    with pytest.raises(TypeError, match=r"^expected_params=3 \(expected a dict or None\)$"):
        stubber.add_response("list_sessions", {"sessions": []}, 3)
    assert stubber.pending == []


@pytest.mark.parametrize("response", [None, [summaries(1)]])
def test_a_response_that_is_not_a_dict(stubber: Any, response: Any) -> None:
    """A response that is not a dict is refused, even with ``strict=False``."""
    with pytest.raises(TypeError) as error:
        stubber.add_response("list_sessions", response, strict=False)
    assert text_of(error) == f"service_response={shown(response)} (expected a dict)"


def test_a_response_of_list_sessions_is_checked(stubber: Any) -> None:
    """``add_response`` refuses the same responses as ``add_pages``, and names the members."""
    ended = {**summaries(1)[0], "lifecycleStatus": "ENDED"}
    with pytest.raises(ValueError, match="the real service") as error:
        stubber.add_response(
            "list_sessions", {"sessions": [ended], "nextToken": None}, dict(stubber.job)
        )
    assert text_of(error) == (
        "the real service could not send this (strict=False queues it anyway):\n"
        "  service_response.nextToken: None (expected a string)\n"
        "  service_response.sessions[0] breaks ended-at: "
        "endedAt: missing (expected a datetime, since lifecycleStatus is ENDED)"
    )
    with pytest.raises(ValueError, match=r"service_response\.sessions: missing"):
        stubber.add_response("list_sessions", {})
    with pytest.raises(ValueError, match=r"service_response\.sessions: 'ab' \(expected a list"):
        stubber.add_response("list_sessions", {"sessions": "ab"})
    with pytest.raises(ValueError, match="expected at most 1 in a page"):
        stubber.add_response("list_sessions", {"sessions": summaries(2)}, {"maxResults": 1})
    assert stubber.pending == []


def test_a_response_with_metadata(stubber: Any) -> None:
    """A response may have ResponseMetadata, and may expect ``ANY`` as an argument."""
    response = {"sessions": summaries(1), "ResponseMetadata": {"RequestId": "1"}}
    stubber.add_response("list_sessions", response, {**OTHER_JOB, "maxResults": botocore.stub.ANY})
    assert stubber.client.list_sessions(**OTHER_JOB, maxResults=7) == response


def test_an_invalid_response_without_strict(stubber: Any) -> None:
    """With ``strict=False`` a response may lack required members."""
    stubber.add_response("list_sessions", {"nextToken": None}, strict=False)
    stubber.add_response("list_sessions", {"nextToken": 5}, strict=False)
    assert stubber.pending == [
        "ListSessions(any arguments) → no list of sessions, token None",
        "ListSessions(any arguments) → no list of sessions, token 5",
    ]
    assert stubber.client.list_sessions(**stubber.job) == {"nextToken": None}


def test_client_errors_are_those_of_botocore(stubber: Any) -> None:
    """``add_client_error`` gives the same error as botocore's, with all arguments."""
    plain = botocore.stub.Stubber(client_factory.client())
    arguments = (
        "list_sessions",
        "ThrottlingException",
        "Slow down.",
        429,
        {"Type": "Sender"},
        dict(stubber.job),
        {"RequestId": "1"},
        {"message": "Slow down.", "quotaCode": "L-1"},
    )
    responses = []
    for either in (plain, stubber):
        either.add_client_error(*arguments)
        with either, pytest.raises(ClientError) as error:
            either.client.list_sessions(**stubber.job)
        responses.append(error.value.response)
    assert responses[0] == responses[1]


def test_defaults_of_a_client_error(stubber: Any) -> None:
    """The defaults of ``add_client_error`` are those of botocore."""
    stubber.add_client_error("list_sessions")
    with pytest.raises(ClientError) as error:
        stubber.client.list_sessions(**stubber.job)
    assert error.value.response == {
        "ResponseMetadata": {"HTTPStatusCode": 400},
        "Error": {"Message": "", "Code": ""},
    }


def test_client_errors_are_copied(stubber: Any) -> None:
    """Changing the given dicts afterwards does not change the queued error."""
    details: list[dict[str, str]] = [{"name": "jobId", "message": "no"}]
    expected, headers, members = dict(OTHER_JOB), {"date": "today"}, {"fieldList": details}
    stubber.add_client_error(
        "list_sessions",
        "ValidationException",
        service_error_meta={"Details": details},
        expected_params=expected,
        response_meta={"HTTPHeaders": headers},
        modeled_fields={"message": "", "reason": "OTHER", **members},
    )
    expected.clear()
    headers.clear()
    details.clear()
    with pytest.raises(ClientError) as error:
        stubber.client.list_sessions(**OTHER_JOB)
    response = error.value.response
    assert response["ResponseMetadata"]["HTTPHeaders"] == {"date": "today"}
    assert response["fieldList"] == response["Error"]["Details"]
    assert response["fieldList"] == [{"name": "jobId", "message": "no"}]


@pytest.mark.parametrize(("status", "raised"), [(299, False), (300, True)])
def test_statuses_that_botocore_raises(stubber: Any, status: int, *, raised: bool) -> None:
    """An error is recorded as one exactly if botocore raises it, from status 300."""
    stubber.add_client_error("list_sessions", "Oops", http_status_code=status)
    with pytest.raises(ClientError) if raised else contextlib.nullcontext():
        stubber.client.list_sessions(**OTHER_JOB)
    assert (stubber.calls[0].error == "Oops") is raised
    assert (stubber.calls[0].response is None) is raised


def test_botocore_checks_the_fields_of_a_client_error(stubber: Any) -> None:
    """A client error that botocore refuses is not queued."""
    with pytest.raises(ParamValidationError):
        stubber.add_client_error(
            "list_sessions", "ThrottlingException", modeled_fields={"message": 5}
        )
    assert stubber.pending == []


def test_presigned_urls(stubber: Any) -> None:
    """Presigning a URL is not a call: the queue and the transcript stay as they are."""
    assert "maxResults=1" in stubber.client.generate_presigned_url(
        "list_sessions", {**OTHER_JOB, "maxResults": 1}
    )
    stubber.add_pages([[]])
    stubber.client.generate_presigned_url("list_sessions", OTHER_JOB)
    assert len(stubber.pending) == 1
    assert not stubber.unexpected
    assert not stubber.calls


def test_a_call_that_botocore_refuses(stubber: Any) -> None:
    """A call that botocore's validation refuses leaves its response in the queue."""
    stubber.add_fault("ThrottlingException")
    with pytest.raises(ParamValidationError):
        stubber.client.list_sessions(**OTHER_JOB, maxResults=0)
    assert len(stubber.pending) == 1
    with pytest.raises(stubber.client.exceptions.ThrottlingException):
        stubber.client.list_sessions(**OTHER_JOB, maxResults=1)
    stubber.assert_no_pending_responses()


def test_a_stubber_answers_only_while_it_is_active() -> None:
    """A stubber can be activated and deactivated repeatedly; in between the fake answers."""
    fake = FakeDeadline()
    job = fake.add_job(3)
    client = fake.client()
    stubber = ListSessionsStubber(client)
    stubber.add_pages([summaries(1), [], []], **job)
    token: dict[str, Any] = {}
    for count in (1, 0):
        assert len(client.list_sessions(**job)["sessions"]) == 3
        with stubber as entered:
            assert entered is stubber
            page = client.list_sessions(**job, **token)
        assert len(page["sessions"]) == count
        token = {"nextToken": page["nextToken"]}
    stubber.activate()
    stubber.activate()
    assert client.list_sessions(**job, **token) == {"sessions": []}
    stubber.deactivate()
    stubber.deactivate()
    assert len(client.list_sessions(**job)["sessions"]) == 3
    assert (len(stubber.calls), len(fake.calls)) == (3, 3)
    stubber.assert_no_pending_responses()
    stubber.assert_no_unexpected_calls()
