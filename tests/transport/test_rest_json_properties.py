"""Any request and any response, compared with botocore's own serializer and parser."""

from __future__ import annotations

import datetime
import functools
import urllib.parse

import botocore.parsers
import botocore.serialize
import pytest
from drawn import FACTOR
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._transport import rest_json

UTC = datetime.timezone.utc
MOMENTS = st.datetimes(
    datetime.datetime(2000, 1, 1),  # noqa: DTZ001 (hypothesis adds the timezone)
    datetime.datetime(2100, 1, 1),  # noqa: DTZ001 (hypothesis adds the timezone)
    timezones=st.just(UTC),
)
LABEL = st.text("abc/+%& =?#é", min_size=1, max_size=8)


def _values(shape, *, in_path=False, whole_seconds=False):
    """Draw any value of a shape."""
    values = functools.partial(_values, whole_seconds=whole_seconds)
    kind = shape.type_name
    if in_path:
        return LABEL
    if kind == "structure":
        drawn = {name: values(member) for name, member in shape.members.items()}
        names = shape.required_members
        if shape.metadata.get("union"):
            return st.one_of([st.fixed_dictionaries({name: drawn[name]}) for name in drawn])
        return st.fixed_dictionaries(
            {name: drawn[name] for name in names},
            optional={name: value for name, value in drawn.items() if name not in names},
        )
    if kind == "list":
        return st.lists(st.deferred(lambda: values(shape.member)), max_size=2)
    if kind == "map":
        return st.dictionaries(st.text(max_size=3), values(shape.value), max_size=2)
    simple = {
        "timestamp": MOMENTS.map(lambda time: time.replace(microsecond=0 if whole_seconds else 1)),
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
        ).filter(lambda value: value != [])  # in a query, an empty list looks like no list
        for name, member in shape.members.items()
    }
    return st.fixed_dictionaries(
        {name: drawn[name] for name in shape.required_members},
        optional={
            name: value for name, value in drawn.items() if name not in shape.required_members
        },
    )


some = settings(max_examples=10 * FACTOR, suppress_health_check=list(HealthCheck))
NAMES = [name for name in model.operation_names() if model.operation_model(name).input_shape]


@pytest.mark.at_length
@pytest.mark.parametrize("name", NAMES)
@some
@given(data=st.data())
def test_every_request_decodes_to_its_parameters(name, data):
    """A request that botocore serializes is decoded to the same operation and parameters."""
    operation = model.operation_model(name)
    params = data.draw(_requests(operation))
    written = botocore.serialize.create_serializer("rest-json", False).serialize_to_request(
        params, operation
    )
    path, _, query = written["url_path"].partition("?")
    query = "&".join(
        filter(None, [query, urllib.parse.urlencode(written["query_string"], doseq=True)])
    )
    operation_name, labels = rest_json.find_operation(written["method"], path)
    assert operation_name == name
    assert rest_json.decode(name, labels, query, written["headers"], written["body"]) == params


@pytest.mark.at_length
@pytest.mark.parametrize("name", NAMES)
@some
@given(data=st.data())
def test_every_response_is_parsed_to_its_result(name, data):
    """Botocore parses each encoded response to the same result."""
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
