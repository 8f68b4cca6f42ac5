"""HTTP to operation and back, held against botocore's own serializer and parser."""

from __future__ import annotations

import datetime
import functools
import json
import urllib.parse

import botocore.parsers
import botocore.serialize
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_deadline_sessions import Fault
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.faults import FaultError
from pytest_deadline_sessions._transport import rest_json

UTC = datetime.timezone.utc
MOMENTS = st.datetimes(
    datetime.datetime(2000, 1, 1),  # noqa: DTZ001 (hypothesis adds the timezone)
    datetime.datetime(2100, 1, 1),  # noqa: DTZ001 (hypothesis adds the timezone)
    timezones=st.just(UTC),
)
LABEL = st.text("abc/+%& =?#é", min_size=1, max_size=8)


def _values(shape, *, in_path=False, whole_seconds=False):
    """Anything of that shape, however odd."""
    values = functools.partial(_values, whole_seconds=whole_seconds)
    kind = shape.type_name
    if in_path:
        return LABEL
    if kind == "structure":
        required = {name: values(one) for name, one in shape.members.items()}
        names = shape.required_members
        if shape.metadata.get("union"):
            return st.one_of([st.fixed_dictionaries({name: one}) for name, one in required.items()])
        return st.fixed_dictionaries(
            {name: required[name] for name in names},
            optional={name: one for name, one in required.items() if name not in names},
        )
    if kind == "list":
        return st.lists(st.deferred(lambda: values(shape.member)), max_size=2)
    if kind == "map":
        return st.dictionaries(st.text(max_size=3), values(shape.value), max_size=2)
    simple = {
        "timestamp": MOMENTS.map(lambda one: one.replace(microsecond=0 if whole_seconds else 1)),
        "string": st.text("ab+%& =?#é\n", max_size=8),
        "integer": st.integers(-(2**31), 2**31),
        "float": st.floats(-1e6, 1e6),
        "double": st.floats(-1e6, 1e6),
    }
    return simple[kind]


def _requests(operation):
    shape = operation.input_shape
    # Botocore writes timestamps in whole seconds.
    drawn = {
        name: _values(
            member,
            in_path=member.serialization.get("location") in {"uri", "header"},
            whole_seconds=True,
        ).filter(lambda value: value != [])  # nothing in a query tells it from no list
        for name, member in shape.members.items()
    }
    return st.fixed_dictionaries(
        {name: drawn[name] for name in shape.required_members},
        optional={name: one for name, one in drawn.items() if name not in shape.required_members},
    )


NAMES = [name for name in model.operation_names() if model.operation_model(name).input_shape]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_request_is_read_as_botocore_wrote_it(name, data):
    """Path, query, headers and body of each operation of the service lead back to its arguments."""
    operation = model.operation_model(name)
    params = data.draw(_requests(operation))
    written = botocore.serialize.create_serializer("rest-json", False).serialize_to_request(
        params, operation
    )
    path, _, query = written["url_path"].partition("?")
    query = "&".join(
        filter(None, [query, urllib.parse.urlencode(written["query_string"], doseq=True)])
    )
    found, labels = rest_json.find_operation(written["method"], path)
    assert found == name
    assert rest_json.decode(name, labels, query, written["headers"], written["body"]) == params


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_response_is_parsed_as_it_was_meant(name, data):
    """What the service says of each operation is what botocore gives its caller."""
    operation = model.operation_model(name)
    result = data.draw(_values(operation.output_shape)) if operation.output_shape else {}
    response = rest_json.encode(name, result)
    parsed = botocore.parsers.create_parser("rest-json").parse(
        {
            "status_code": response.status,
            "headers": dict(response.headers),
            "body": response.body,
        },
        operation.output_shape,
    )
    metadata = parsed.pop("ResponseMetadata")
    assert metadata["HTTPStatusCode"] == operation.http.get("responseCode", 200)
    assert parsed == result


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
