"""HTTP to operation and back, held against botocore's own serializer and parser."""

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
    """Code, wording, members and headers of each error arrive."""
    fault = Fault(code, "Très wrong.")
    response = rest_json.encode_fault(fault)
    arrived = {
        "status_code": response.status,
        "headers": {name.lower(): value for name, value in response.headers.items()},
        "body": response.body,
    }
    parser = botocore.parsers.create_parser("rest-json")
    parsed = parser.parse(arrived, model.operation_model().output_shape)
    assert parsed["Error"] == {"Code": code, "Message": "Très wrong."}
    assert parsed["ResponseMetadata"]["HTTPStatusCode"] == fault.status
    members = parser.parse(arrived, model.shape(code))
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
    """A path or a method that no operation has is an unknown operation."""
    with pytest.raises(FaultError) as caught:
        rest_json.find_operation(method, path)
    assert caught.value.fault == Fault(
        "ValidationException",
        f"There is no operation {method} {path}.".replace("/.", "."),
        reason="UNKNOWN_OPERATION",
    )


@pytest.mark.parametrize("prefix", ["", "/below/a/path"])
def test_a_path_in_the_endpoint_is_left_aside(prefix):
    """As is a slash at the end."""
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
def test_numbers_that_are_none(value):
    """A query parameter that must be a number is refused as unreadable."""
    message = "maxResults cannot be parsed (expected an integer)"
    assert _refusal("ListSessions", query=f"maxResults={value}") == message


@pytest.mark.parametrize("body", [b"{", b"[]", b"3", b"\xff", b"[" * 100_000])
def test_bodies_that_are_no_json_object(body):
    """A body that cannot be read is refused as such."""
    message = "body cannot be parsed (expected a JSON object)"
    assert _refusal("UpdateSession", body=body) == message


@pytest.mark.parametrize("value", ["yesterday", 1e300])
def test_timestamps_that_are_none(value):
    """A member that must be a timestamp is refused by where it stands."""
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
def test_what_is_wrong_in_a_readable_body_is_left_to_the_service(body, wanted):
    """Null is absence; wrong types go through, for the service to refuse by name."""
    labels = {"farmId": "f", "queueId": "q", "jobId": "j", "sessionId": "s"}
    decoded = rest_json.decode("UpdateSession", labels, "", {}, body)
    assert decoded == {**labels, **wanted}


@pytest.mark.parametrize("value", [3, [3], {"a": 3}])
def test_wrong_types_in_a_body_go_through(value):
    """Also where a structure, a list or a map is expected, with unknown members in it."""
    sent = {"schedule": value, "actions": value, "usageTrackingResource": value}
    body = json.dumps(sent).encode()
    assert rest_json.decode("CreateBudget", {"farmId": "f"}, "", {}, body) == {
        "farmId": "f",
        **sent,
    }


def test_a_result_that_cannot_be_sent():
    """An operation of the user's that returns anything odd is told so."""
    with pytest.raises(TypeError, match="expected what JSON can hold, or a datetime"):
        rest_json.encode("GetFarm", {"farmId": {1, 2}})


def test_a_list_in_the_query():
    """A parameter that is given several times is a list."""
    query = "tagKeys=a&tagKeys=b%20c"
    decoded = rest_json.decode("UntagResource", {"resourceArn": "arn"}, query, {}, None)
    assert decoded == {"resourceArn": "arn", "tagKeys": ["a", "b c"]}


def test_times_of_other_zones_are_written_in_utc():
    """The service knows no other."""
    zone = datetime.timezone(datetime.timedelta(hours=2))
    encoded = rest_json.encode(
        "GetSession", {"startedAt": datetime.datetime(2030, 1, 1, 1, tzinfo=zone)}
    )
    assert json.loads(encoded.body) == {"startedAt": "2029-12-31T23:00:00Z"}
