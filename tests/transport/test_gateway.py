"""One request to one response, as every wire has it answered."""

from __future__ import annotations

import json

import pytest

from pytest_deadline_sessions import FakeDeadline
from pytest_deadline_sessions._transport import gateway

JOB = "/2023-10-12/farms/{farmId}/queues/{queueId}/jobs/{jobId}"


@pytest.fixture
def fake():
    """A fake that intercepts nothing."""
    return FakeDeadline()


def _refused(fake, method="GET", url="", headers=None, body=b""):
    """The wording of the refusal of what cannot be parsed, which the transcript has too."""
    response = gateway.respond(fake._service, method, url, headers or {}, body)
    told = json.loads(response.body)
    (call,) = fake.calls
    assert (response.status, response.headers["x-amzn-ErrorType"]) == (400, "ValidationException")
    assert (call.status, call.error, call.reason) == (400, "ValidationException", told["reason"])
    assert call.message == told["message"]
    return told["reason"], told["message"]


@pytest.mark.parametrize("value", ["9" * 5_000, "0", "-1", "01", "1.0", "", "two", "٣", "1_0"])
@pytest.mark.parametrize("kind", [str, str.encode])
def test_attempts_that_are_none(fake, value, kind):
    """Which attempt it is must be a number of ordinary size, and not an exception of ours."""
    headers = {"amz-sdk-request": kind(f"ttl=x; attempt={value}; max=3")}
    url = f"https://x{JOB.format(**fake.add_job())}/sessions"
    message = "amz-sdk-request cannot be parsed (expected attempt=1 or more)"
    assert _refused(fake, url=url, headers=headers) == ("CANNOT_PARSE", message)
    assert fake.calls[0].operation == "ListSessions"


@pytest.mark.parametrize("value", ["", "max=3", "reattempt=x", b"max=3"])
def test_a_header_without_an_attempt(fake, value):
    """Without one it is the first."""
    url = f"https://x{JOB.format(**fake.add_job())}/sessions"
    gateway.respond(fake._service, "GET", url, {"amz-sdk-request": value}, b"")
    assert (fake.calls[0].status, fake.calls[0].attempt) == (200, 1)


@pytest.mark.parametrize("value", [b"2", "2"])
def test_the_attempt_is_read(fake, value):
    """From text and from bytes, wherever it stands."""
    header = b"ttl=x; attempt=2; max=3" if isinstance(value, bytes) else "attempt=2"
    url = f"https://x{JOB.format(**fake.add_job())}/sessions"
    gateway.respond(fake._service, "GET", url, {"amz-sdk-request": header}, b"")
    assert fake.calls[0].attempt == 2


def test_bytes_that_are_no_text(fake):
    """A header that is read must be UTF-8; others are not looked at."""
    url = f"https://x{JOB.format(**fake.add_job())}/sessions"
    headers = {"amz-sdk-request": b"attempt=1\xff", "user-agent": b"\xff"}
    message = "amz-sdk-request cannot be parsed (expected UTF-8)"
    assert _refused(fake, url=url, headers=headers) == ("CANNOT_PARSE", message)


def test_a_member_in_a_header_that_is_no_text(fake):
    """Members that travel as headers are named."""
    fake.operation("CreateBudget")(lambda _service, _params: {"budgetId": "b"})
    url = f"https://x/2023-10-12/farms/{fake.add_job()['farmId']}/budgets"
    headers = {"X-Amz-Client-Token": b"\xff"}
    message = "X-Amz-Client-Token cannot be parsed (expected UTF-8)"
    assert _refused(fake, "POST", url, headers) == ("CANNOT_PARSE", message)


@pytest.mark.parametrize("url", ["//[x", "http://[x/", "https://[::1/2023-10-12/farms"])
def test_urls_that_are_none(fake, url):
    """What cannot be taken apart is refused, and never an exception."""
    reason, _ = _refused(fake, url=url)
    assert reason == ("UNKNOWN_OPERATION" if url.startswith("/") else "CANNOT_PARSE")


@pytest.mark.parametrize("escape", ["%", "%2", "%zz", "%ff", "%c3%28", "%ed%a0%80"])
@pytest.mark.parametrize("place", ["path", "query"])
def test_bad_escapes(fake, escape, place):
    """Neither a broken escape nor bytes that are no UTF-8 become a value."""
    job = dict(fake.add_job())
    if place == "path":
        job["jobId"] = escape
    url = f"{JOB.format(**job)}/sessions" + (f"?nextToken={escape}" if place == "query" else "")
    reason, message = _refused(fake, url=url)
    assert reason == "CANNOT_PARSE"
    assert message.startswith("jobId " if place == "path" else "query ")


def test_two_slashes_are_no_host(fake):
    """A target that begins with two slashes is a path, whose beginning belongs to the endpoint."""
    path = f"{JOB.format(**fake.add_job())}/sessions"
    response = gateway.respond(fake._service, "GET", f"/{path}", {}, b"")
    assert response.status == 200


def test_invalid_requests_of_operations_that_model_no_validation_error(fake):
    """They are refused as all others are, though the model does not list that error for them."""
    fake.operation("ListQueueFleetAssociations")(lambda _service, _params: {})
    url = f"/2023-10-12/farms/{fake.add_job()['farmId']}/queue-fleet-associations?queueId=none"
    reason, message = _refused(fake, url=url)
    assert (reason, message) == (
        "FIELD_VALIDATION_FAILED",
        "1 validation error(s) detected: queueId",
    )
