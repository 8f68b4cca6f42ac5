"""The gateway turns one HTTP request into one response, for every transport."""

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
    """Send a request that is refused and recorded; return the reason and message."""
    response = gateway.respond(fake._service, method, url, headers or {}, body)
    members = json.loads(response.body)
    (call,) = fake.calls
    assert (response.status, response.headers["x-amzn-ErrorType"]) == (400, "ValidationException")
    assert (call.status, call.error, call.reason) == (400, "ValidationException", members["reason"])
    assert call.message == members["message"]
    return members["reason"], members["message"]


@pytest.mark.parametrize("value", ["9" * 5_000, "0", "-1", "01", "1.0", "", "two", "٣", "1_0"])
@pytest.mark.parametrize("kind", [str, str.encode])
def test_invalid_attempt_numbers(fake, value, kind):
    """An attempt in the amz-sdk-request header that is not a usable number is refused."""
    headers = {"amz-sdk-request": kind(f"ttl=x; attempt={value}; max=3")}
    url = f"https://x{JOB.format(**fake.add_job())}/sessions"
    message = "amz-sdk-request cannot be parsed (expected attempt=1 or more)"
    assert _refused(fake, url=url, headers=headers) == ("CANNOT_PARSE", message)
    assert fake.calls[0].operation == "ListSessions"


@pytest.mark.parametrize("value", ["", "max=3", "reattempt=x", b"max=3"])
def test_a_header_without_an_attempt(fake, value):
    """Without an attempt in the amz-sdk-request header, the call is a first attempt."""
    url = f"https://x{JOB.format(**fake.add_job())}/sessions"
    gateway.respond(fake._service, "GET", url, {"amz-sdk-request": value}, b"")
    assert (fake.calls[0].status, fake.calls[0].attempt) == (200, 1)


@pytest.mark.parametrize("value", [b"2", "2"])
def test_the_attempt_is_read(fake, value):
    """The attempt is read anywhere in the header, from bytes or from text."""
    header = b"ttl=x; attempt=2; max=3" if isinstance(value, bytes) else "attempt=2"
    url = f"https://x{JOB.format(**fake.add_job())}/sessions"
    gateway.respond(fake._service, "GET", url, {"amz-sdk-request": header}, b"")
    assert fake.calls[0].attempt == 2


def test_headers_that_are_not_utf8(fake):
    """A header that the gateway reads must be UTF-8; other headers are ignored."""
    url = f"https://x{JOB.format(**fake.add_job())}/sessions"
    headers = {"amz-sdk-request": b"attempt=1\xff", "user-agent": b"\xff"}
    message = "amz-sdk-request cannot be parsed (expected UTF-8)"
    assert _refused(fake, url=url, headers=headers) == ("CANNOT_PARSE", message)


def test_a_member_in_a_header_that_is_not_utf8(fake):
    """The refusal of a member sent in a header names the header."""
    fake.operation("CreateBudget")(lambda _service, _params: {"budgetId": "b"})
    url = f"https://x/2023-10-12/farms/{fake.add_job()['farmId']}/budgets"
    headers = {"X-Amz-Client-Token": b"\xff"}
    message = "X-Amz-Client-Token cannot be parsed (expected UTF-8)"
    assert _refused(fake, "POST", url, headers) == ("CANNOT_PARSE", message)


@pytest.mark.parametrize("url", ["//[x", "http://[x/", "https://[::1/2023-10-12/farms"])
def test_invalid_urls(fake, url):
    """A URL that cannot be parsed is refused, without an exception."""
    reason, _ = _refused(fake, url=url)
    assert reason == ("UNKNOWN_OPERATION" if url.startswith("/") else "CANNOT_PARSE")


@pytest.mark.parametrize("escape", ["%", "%2", "%zz", "%ff", "%c3%28", "%ed%a0%80"])
@pytest.mark.parametrize("place", ["path", "query"])
def test_bad_escapes(fake, escape, place):
    """A broken escape, or one that does not decode to UTF-8, is refused in path and query."""
    job = dict(fake.add_job())
    if place == "path":
        job["jobId"] = escape
    url = f"{JOB.format(**job)}/sessions" + (f"?nextToken={escape}" if place == "query" else "")
    reason, message = _refused(fake, url=url)
    assert reason == "CANNOT_PARSE"
    assert message.startswith("jobId " if place == "path" else "query ")


def test_two_leading_slashes(fake):
    """A target that begins with two slashes is read as a path, not as a host."""
    path = f"{JOB.format(**fake.add_job())}/sessions"
    response = gateway.respond(fake._service, "GET", f"/{path}", {}, b"")
    assert response.status == 200


def test_invalid_requests_of_operations_that_model_no_validation_error(fake):
    """An invalid request gets a ValidationException even if its operation does not model one."""
    fake.operation("ListQueueFleetAssociations")(lambda _service, _params: {})
    url = f"/2023-10-12/farms/{fake.add_job()['farmId']}/queue-fleet-associations?queueId=none"
    reason, message = _refused(fake, url=url)
    assert (reason, message) == (
        "FIELD_VALIDATION_FAILED",
        "1 validation error(s) detected: queueId",
    )
