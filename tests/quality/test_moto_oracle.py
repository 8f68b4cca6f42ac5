"""Our REST-JSON agrees with moto's, in both directions, for requests that botocore writes."""

from __future__ import annotations

import datetime
import functools
import json
from urllib.parse import urlsplit

import botocore.awsrequest
import botocore.parsers
import botocore.serialize
import botocore.utils
import botocore.validate
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_deadline_sessions import Fault
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._service.operations import offered
from pytest_deadline_sessions._transport import rest_json

moto_parse = pytest.importorskip("moto.core.parse")
moto_serialize = pytest.importorskip("moto.core.serialize")
moto_model = pytest.importorskip("moto.core.model")
moto_request = pytest.importorskip("moto.core.request")
moto_routing = pytest.importorskip("moto.core.routing")
if not (
    hasattr(moto_request, "normalize_request")
    and hasattr(moto_routing, "ServiceOperationRouter")
    and hasattr(moto_serialize, "RestJSONSerializer")
):
    pytest.skip("this moto has no REST-JSON router of its own", allow_module_level=True)

OPERATIONS = sorted(offered())
UTC = datetime.timezone.utc
OFFSETS = [UTC, *(datetime.timezone(datetime.timedelta(minutes=m)) for m in (330, -570))]
# Escapes in the plain text reveal a server that decodes twice.
AWKWARD = st.lists(
    st.sampled_from([*"aZ~%+/\\ =&?#;'\"{}\n\x00é😀", "%2F", "%25", "%41", "%", "+", ".."])
    | st.characters(codec="utf-8"),
    max_size=8,
).map("".join)


def _moments(timezones):
    return st.datetimes(
        datetime.datetime(1970, 1, 2),  # noqa: DTZ001 (hypothesis adds the timezone)
        datetime.datetime(2200, 1, 1),  # noqa: DTZ001 (hypothesis adds the timezone)
        timezones=st.sampled_from(timezones),
    )


def _strings(shape):
    metadata = shape.metadata
    if "enum" in metadata:
        return st.sampled_from(metadata["enum"])
    low, high = metadata.get("min", 0), metadata.get("max", 4096)
    if "pattern" in metadata:
        texts = st.from_regex(model.bare(metadata["pattern"]), fullmatch=True)
        return texts.filter(lambda text: low <= len(text) <= high)
    return AWKWARD.map(lambda text: text.ljust(low, "+")[:high])


def _floats(shape):
    return st.floats(
        shape.metadata.get("min", -1e9),
        shape.metadata.get("max", 1e9),
        width=32 if shape.type_name == "float" else 64,
    )


def _members(shape, values):
    """Draw a structure of this shape with all required and some optional members."""
    drawn = {name: values(member) for name, member in shape.members.items()}
    if shape.metadata.get("union"):
        return st.one_of([st.fixed_dictionaries({name: drawn[name]}) for name in drawn])
    return st.fixed_dictionaries(
        {name: drawn[name] for name in shape.required_members},
        optional={name: drawn[name] for name in drawn if name not in shape.required_members},
    )


@functools.cache
def _structures(name, timezones):
    # Search filters may contain filters, so the strategy is recursive.
    values = functools.partial(_values, timezones=timezones)
    return st.deferred(lambda: _members(model.shape(name), values))


def _values(shape, timezones=(UTC,)):
    """Draw valid values of this shape."""
    kind = shape.type_name
    if kind == "structure":
        return _structures(shape.name, timezones)
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max", 2**31 - 1)
    if kind == "list":
        items = _values(shape.member, timezones)
        return st.lists(items, min_size=low, max_size=min(high, low + 2))
    if kind == "map":
        # moto merges a structure under an empty key into its parent; JSON allows such keys.
        keys, items = _values(shape.key, timezones).filter(bool), _values(shape.value, timezones)
        return st.dictionaries(keys, items, min_size=low, max_size=min(high, low + 2))
    if kind in {"integer", "long"}:
        return st.integers(low, high)
    if kind in {"float", "double"}:
        return _floats(shape)
    return _moments(timezones) if kind == "timestamp" else _strings(shape)


def _argument(member):
    location = member.serialization.get("location")
    if location == "uri":
        # botocore sends any label that is not empty.
        return _strings(member) | AWKWARD.filter(bool)
    if location == "header":
        # A header value is visible ASCII; HTTP strips spaces around it.
        texts = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)
        return texts.map(lambda text: text[:64])
    # botocore ignores the offset of a time and appends Z, so these times are in UTC.
    return _values(member)


@functools.cache
def _arguments(name):
    return _members(model.operation_model(name).input_shape, _argument)


@functools.cache
def _results(name):
    return _members(
        model.operation_model(name).output_shape,
        functools.partial(_values, timezones=tuple(OFFSETS)),
    )


@functools.cache
def _faults(code):
    return _members(model.shape(code), _values).map(lambda members: Fault(code, **members))


@functools.cache
def _moto_service():
    description = model.loader().load_service_model(model.SERVICE, "service-2")
    return moto_model.ServiceModel(description, model.SERVICE)


@functools.cache
def _moto_router():
    return moto_routing.ServiceOperationRouter(_moto_service())


def _sent(name, params):
    """Return the request that botocore sends."""
    operation = model.operation_model(name)
    errors = botocore.validate.ParamValidator().validate(params, operation.input_shape)
    assert not errors.has_errors(), errors.generate_report()
    serializer = botocore.serialize.create_serializer("rest-json", include_validation=False)
    written = serializer.serialize_to_request(params, operation)
    botocore.awsrequest.prepare_request_dict(written, endpoint_url="https://deadline.test")
    return botocore.awsrequest.create_request_object(written).prepare()


def _moto_reads(sent):
    """Return the operation and the arguments that moto reads from a request."""
    request = moto_request.normalize_request(sent)
    operation, labels = _moto_router().match(request)
    # By default moto would parse times as naive UTC.
    parser = moto_parse.RestJSONParser(operation, timestamp_parser=botocore.utils.parse_timestamp)
    params = parser.parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": request.data,
            "url_path": request.path,
            "url_params": labels,
        }
    )
    return operation.name, params


def _we_read(sent):
    url = urlsplit(sent.url)
    name, labels = rest_json.find_operation(sent.method, url.path)
    return name, rest_json.decode(name, labels, url.query, sent.headers, sent.body)


def _moto_writes(name, result):
    """Return the response that moto sends for a result or an error."""
    serializer = moto_serialize.RestJSONSerializer(_moto_service().operation_model(name))
    written = serializer.serialize(result)
    return rest_json.Response(written["status_code"], written["headers"], written["body"].encode())


def _received(response, name):
    """Return what botocore's caller gets: a result, or an error with its modelled members."""
    arrived = {
        "status_code": response.status,
        "headers": botocore.awsrequest.HeadersDict(response.headers),
        "body": response.body,
    }
    parser = botocore.parsers.create_parser("rest-json")
    parsed = parser.parse(arrived, model.operation_model(name).output_shape)
    if "Error" in parsed:
        shape = model.service_model().shape_for_error_code(parsed["Error"]["Code"])
        parsed.update(parser.parse(arrived, shape))
    return parsed, parsed.pop("ResponseMetadata")["HTTPStatusCode"]


def _in_utc(value):
    if isinstance(value, dict):
        return {name: _in_utc(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_in_utc(item) for item in value]
    return value.astimezone(UTC) if isinstance(value, datetime.datetime) else value


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_request_means_the_same_to_moto(name, data):
    """We and moto read the operation and the arguments that botocore was given."""
    params = data.draw(_arguments(name))
    sent = _sent(name, params)
    assert _moto_reads(sent) == (name, params)
    assert _we_read(sent) == (name, params)


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_result_is_sent_as_moto_sends_it(name, data):
    """Our response and moto's hold the same JSON, and give botocore's caller the result."""
    result = data.draw(_results(name))
    ours = rest_json.encode(name, result)
    # moto ignores the offset of a time and appends Z.
    theirs = _moto_writes(name, _in_utc(result))
    assert ours.status == theirs.status
    assert ours.headers == theirs.headers
    assert json.loads(ours.body) == json.loads(theirs.body)
    assert _received(ours, name) == _received(theirs, name) == (result, 200)


class _ErrorForMoto(Exception):  # noqa: N818 (moto reads the code, not the name)
    def __init__(self, fault):
        super().__init__(fault.message)
        self.code = fault.code
        for name, value in fault.members.items():
            setattr(self, name, value)


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_an_error_is_sent_as_moto_sends_it(name, data):
    """Each modelled error of each operation reaches botocore's caller with all its members."""
    for code, shape in model.error_shapes(name).items():
        fault = data.draw(_faults(code), label=code)
        ours, theirs = rest_json.encode_fault(fault), _moto_writes(name, _ErrorForMoto(fault))
        error = {"Code": code, "Message": fault.message}
        status = shape.metadata["error"]["httpStatusCode"]
        assert _received(ours, name) == ({"Error": error, **fault.members}, status)
        # moto sends no members of an error as headers. REST-JSON does: httpHeader holds for errors.
        in_body = {
            member: value
            for member, value in fault.members.items()
            if shape.members[member].serialization.get("location") != "header"
        }
        assert _received(theirs, name) == ({"Error": error, **in_body}, status)
        # moto names the error in the body too, and writes its message a second time.
        written = json.loads(theirs.body)
        assert written.pop("__type") == code
        assert written.pop("Message", "") == fault.message
        assert json.loads(ours.body) == written
