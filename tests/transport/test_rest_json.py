"""HTTP requests to parameters and results to responses, compared with botocore's own code."""

from __future__ import annotations

import datetime
import json

import botocore.parsers
import botocore.serialize
import pytest

from pytest_deadline_sessions import Fault
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.faults import FaultError
from pytest_deadline_sessions._transport import rest_json


@pytest.mark.parametrize("code", [shape.error_code for shape in model.service_model().error_shapes])
def test_every_error_is_parsed_as_it_was_meant(code):
    """Botocore parses each encoded error into the same code, message, members and status."""
    fault = Fault(code, "Très wrong.")
    response = rest_json.encode_fault(fault)
    received = {
        "status_code": response.status,
        "headers": {name.lower(): value for name, value in response.headers.items()},
        "body": response.body,
    }
    parser = botocore.parsers.create_parser("rest-json")
    parsed = parser.parse(received, model.operation_model().output_shape)
    assert parsed["Error"] == {"Code": code, "Message": "Très wrong."}
    assert parsed["ResponseMetadata"]["HTTPStatusCode"] == fault.status
    members = parser.parse(received, model.shape(code))
    assert {**members, **fault.members} == members


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/2023-10-12/nothing"),
        ("PUT", "/2023-10-12/farms/a/queues/b/jobs/c/sessions"),
        ("GET", "/2023-10-12/farms/a/queues/b/jobs/c/sessions/d/e"),
    ],
)
def test_unknown_paths_are_refused(method, path):
    """A path or method that no operation has is refused with reason UNKNOWN_OPERATION."""
    with pytest.raises(FaultError) as caught:
        rest_json.find_operation(method, path)
    assert caught.value.fault == Fault(
        "ValidationException",
        f"There is no operation {method} {path}.".replace("/.", "."),
        reason="UNKNOWN_OPERATION",
    )


@pytest.mark.parametrize("prefix", ["", "/below/a/path"])
def test_a_path_in_the_endpoint_is_ignored(prefix):
    """The operation is found despite a path before it and a slash at the end."""
    path = f"{prefix}/2023-10-12/farms/a%2Fb/queues/b/jobs/c/sessions/"
    assert rest_json.find_operation("get", path) == (
        "ListSessions",
        {"farmId": "a/b", "queueId": "b", "jobId": "c"},
    )


def _refusal(operation, query="", body=b""):
    labels = {"farmId": "f", "queueId": "q", "jobId": "j", "sessionId": "s"}
    with pytest.raises(FaultError) as caught:
        rest_json.decode(operation, labels, query, {}, body)
    fault = caught.value.fault
    assert fault.members["reason"] == "CANNOT_PARSE"
    return fault.message


@pytest.mark.parametrize("value", ["", "ten", "1.0", "1e1", "٣", "9" * 19])
def test_invalid_numbers(value):
    """A query parameter that must be an integer and is not is refused by name."""
    message = "maxResults cannot be parsed (expected an integer)"
    assert _refusal("ListSessions", query=f"maxResults={value}") == message


@pytest.mark.parametrize("body", [b"{", b"[]", b"3", b"\xff", b"[" * 100_000])
def test_bodies_that_are_not_json_objects(body):
    """A body that is not a JSON object is refused."""
    message = "body cannot be parsed (expected a JSON object)"
    assert _refusal("UpdateSession", body=body) == message


@pytest.mark.parametrize("value", ["yesterday", 1e300])
def test_invalid_timestamps(value):
    """An invalid timestamp is refused with the path of its member."""
    body = json.dumps({"startTime": value}).encode()
    message = "schedule.fixed.startTime cannot be parsed (expected a timestamp)"
    assert _refusal("CreateBudget", body=b'{"schedule": {"fixed": ' + body + b"}}") == message


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b'{"targetLifecycleStatus": null}', {}),
        (b'{"targetLifecycleStatus": 3, "unknown": 1}', {"targetLifecycleStatus": 3}),
        (b"", {}),
    ],
)
def test_decoding_does_not_validate_members(body, wanted):
    """Decoding drops nulls and unknown members; wrong types are left for the service to refuse."""
    labels = {"farmId": "f", "queueId": "q", "jobId": "j", "sessionId": "s"}
    decoded = rest_json.decode("UpdateSession", labels, "", {}, body)
    assert decoded == {**labels, **wanted}


@pytest.mark.parametrize("value", [3, [3], {"a": 3}])
def test_decoding_keeps_wrong_types(value):
    """A value of the wrong type is kept where a structure, list or map is expected."""
    members = {"schedule": value, "actions": value, "usageTrackingResource": value}
    body = json.dumps(members).encode()
    assert rest_json.decode("CreateBudget", {"farmId": "f"}, "", {}, body) == {
        "farmId": "f",
        **members,
    }


def test_a_long_result_that_cannot_be_encoded():
    """The error shows only the beginning of a long value."""
    with pytest.raises(TypeError) as caught:
        rest_json.encode("ListSessions", {"sessions": [{"sessionId": {"x" * 5000}}]})
    assert len(str(caught.value)) < 200


def test_a_result_that_cannot_be_encoded():
    """A result that JSON cannot hold raises a TypeError that says what is expected."""
    with pytest.raises(TypeError, match="expected a JSON value or a datetime"):
        rest_json.encode("GetFarm", {"farmId": {1, 2}})


def test_a_list_in_the_query():
    """A query parameter that is repeated becomes a list."""
    query = "tagKeys=a&tagKeys=b%20c"
    decoded = rest_json.decode("UntagResource", {"resourceArn": "arn"}, query, {}, None)
    assert decoded == {"resourceArn": "arn", "tagKeys": ["a", "b c"]}


def test_times_are_encoded_in_utc():
    """A time in another timezone is encoded in UTC."""
    zone = datetime.timezone(datetime.timedelta(hours=2))
    encoded = rest_json.encode(
        "GetSession", {"startedAt": datetime.datetime(2030, 1, 1, 1, tzinfo=zone)}
    )
    assert json.loads(encoded.body) == {"startedAt": "2029-12-31T23:00:00Z"}
