from __future__ import annotations

import datetime
import subprocess
import sys
from typing import get_args, get_type_hints

import botocore.loaders
import botocore.model
import botocore.validate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions._api.types import (
    ListSessionsRequest,
    ListSessionsResponse,
    SessionSummary,
    Status,
)
from pytest_deadline_sessions._api.validation import Violation

MORNING = datetime.datetime(2030, 1, 1, 9, tzinfo=datetime.timezone.utc)
NAIVE = MORNING.replace(tzinfo=None)
AWARE = "a timezone-aware datetime"
STATUSES = "'STARTED', 'UPDATE_IN_PROGRESS', 'UPDATE_SUCCEEDED', 'UPDATE_FAILED', 'ENDED'"
IDS = ["FarmId", "QueueId", "JobId", "SessionId", "FleetId", "WorkerId"]
JOB = {
    "farmId": model.make_id("FarmId", 1),
    "queueId": model.make_id("QueueId", 1),
    "jobId": model.make_id("JobId", 1),
}
SUMMARY = {
    "sessionId": model.make_id("SessionId", 1),
    "fleetId": model.make_id("FleetId", 1),
    "workerId": model.make_id("WorkerId", 1),
    "startedAt": MORNING,
    "lifecycleStatus": "STARTED",
}


def _texts(violations):
    """Return the texts of violations, sorted because service models order members differently."""
    return sorted(map(str, violations))


@pytest.mark.parametrize("name", IDS)
def test_ids(name):
    """The pattern of each id is a prefix named after the shape and 32 hexadecimal digits."""
    prefix = f"{name.removesuffix('Id').lower()}-"
    assert model.pattern(name) == f"{prefix}[0-9a-f]{{32}}"
    assert model.id_prefix(name) == prefix
    assert model.make_id(name, 0) == f"{prefix}{'0' * 32}"
    assert model.make_id(name, 16**32 - 1) == f"{prefix}{'f' * 32}"


@given(name=st.sampled_from(IDS), number=st.integers(0, 16**32 - 1))
def test_made_ids_are_valid_and_distinct(name, number):
    """``make_id`` gives a valid id, from which the number can be read back."""
    identifier = model.make_id(name, number)
    assert validation.check_shape(identifier, name) == []
    assert int(identifier.removeprefix(model.id_prefix(name)), 16) == number


def test_limits():
    """A page holds 1 to 100 sessions; a token has 0 to 4096 characters."""
    assert model.bounds("MaxResults") == (1, 100)
    assert model.token_bounds() == (0, 4096)


@pytest.mark.parametrize("metadata", [{}, {"min": 2, "max": 9}])
def test_token_bounds_of_the_model(monkeypatch, metadata):
    """The limits for tokens are those of the service model, or else of the API reference."""
    token = botocore.model.Shape("NextToken", {"type": "string", **metadata})
    monkeypatch.setattr(model, "members", lambda _: {"nextToken": token})
    assert model.token_bounds() == ((2, 9) if metadata else (0, 4096))


def test_enums():
    """A session has one of five statuses; the only target status is ENDED."""
    assert model.enum("SessionLifecycleStatus") == get_args(Status)
    assert model.enum("SessionLifecycleTargetStatus") == ("ENDED",)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (SessionSummary, "SessionSummary"),
        (ListSessionsRequest, "ListSessionsRequest"),
        (ListSessionsResponse, "ListSessionsResponse"),
    ],
)
def test_types_are_those_of_the_model(typed, name):
    """The typed dicts have the members and required members of the service model."""
    assert get_type_hints(typed).keys() == model.members(name).keys()
    assert typed.__required_keys__ == set(model.required(name))


def test_errors():
    """ListSessions has five modelled errors; other operations have their own."""
    assert set(model.error_shapes()) == {
        "AccessDeniedException",
        "InternalServerErrorException",
        "ResourceNotFoundException",
        "ThrottlingException",
        "ValidationException",
    }
    assert "ConflictException" in model.error_shapes("UpdateSession")


def test_operations():
    """``operation_model`` takes an API name, by default ListSessions."""
    assert model.operation_model().name == "ListSessions"
    assert model.operation_model("GetSession").name == "GetSession"
    assert {"ListSessions", "GetSession", "UpdateSession"} <= set(model.operation_names())


@pytest.mark.parametrize("name", model.operation_names())
def test_shapes_of_every_operation(name):
    """Input and output shape of every operation are structures, even if empty."""
    assert model.is_structure(model.input_shape(name))
    assert model.is_structure(model.output_shape(name))


def test_shapes_of_an_operation():
    """Input and output shapes are those of the given operation, by default ListSessions."""
    assert "maxResults" in model.input_shape().members
    assert "sessions" in model.output_shape().members
    assert "sessionId" in model.input_shape("GetSession").members
    assert "lifecycleStatus" in model.output_shape("GetSession").members
    assert model.item_shape("ListFarms", "farms").name == "FarmSummary"


@pytest.mark.parametrize("shapes", [model.input_shape, model.output_shape, model.host_prefix])
def test_shapes_of_unknown_operations_are_refused(shapes):
    """An unknown operation is refused by every function that takes one."""
    with pytest.raises(ValueError, match="operation='listSessions' "):
        shapes("listSessions")


def test_kinds_of_shapes():
    """A shape is a structure, a list, a map or none of these."""
    kinds = [model.is_structure, model.is_list, model.is_map]
    members = {
        **model.output_shape("GetSession").members,
        **model.output_shape("ListSessions").members,
        **model.input_shape("TagResource").members,
    }
    expected = {
        "hostProperties": [True, False, False],
        "sessions": [False, True, False],
        "tags": [False, False, True],
        "sessionId": [False, False, False],
        "startedAt": [False, False, False],
    }
    assert {name: [kind(members[name]) for kind in kinds] for name in expected} == expected


def test_host_prefixes():
    """Operations for users and for workers have different host prefixes."""
    assert model.host_prefix("ListSessions") == "management."
    assert model.host_prefix("UpdateWorker") == "scheduling."


def test_errors_of_all_operations():
    """``all_error_shapes`` contains the errors of every operation, by code."""
    all_errors = model.all_error_shapes()
    for name in model.operation_names():
        for code, shape in model.error_shapes(name).items():
            assert all_errors[code].name == shape.name, name


def test_unknown_operations_are_refused():
    """The error for an unknown operation shows how operations are spelt."""
    with pytest.raises(TypeError, match=r"^operation=3 \(expected an operation of deadline, such"):
        model.operation_model(3)
    with pytest.raises(ValueError, match="operation=") as caught:
        model.operation_model("list_sessions")
    assert str(caught.value) == (
        "operation='list_sessions' (expected an operation of deadline, such as 'ListSessions')"
    )


def test_the_model_is_loaded_lazily():
    """Importing the module does not import botocore."""
    program = "import sys, pytest_deadline_sessions._api.model; print('botocore' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.split() == [b"False"]


def test_the_model_is_cached():
    """The service model and the loader are created only once."""
    assert model.service_model() is model.service_model()
    assert model.loader() is model.loader()


def test_only_botocores_own_data_is_read():
    """Models in the user's home folder or AWS_DATA_PATH are not read."""
    assert model.loader().search_paths == [botocore.loaders.Loader.BUILTIN_DATA_PATH]


def test_a_botocore_without_the_service(monkeypatch, tmp_path):
    """If botocore lacks the service, the error says which version to install."""
    empty = botocore.loaders.Loader([str(tmp_path)], include_default_search_paths=False)
    monkeypatch.setattr(model, "loader", lambda: empty)
    with pytest.raises(RuntimeError) as caught:
        model.service_model.__wrapped__()
    assert str(caught.value) == (
        "the installed botocore has no 'deadline' service: install botocore>=1.34.75"
    )


def test_a_valid_request():
    """A request is valid with the required members alone, and at the limits of the others."""
    assert validation.check_request(JOB) == []
    for number, token in ((1, ""), (100, "x" * model.token_bounds()[1])):
        assert validation.check_request({**JOB, "maxResults": number, "nextToken": token}) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"maxResults": 0}, "maxResults: 0 (expected 1..100)"),
        ({"maxResults": 101}, "maxResults: 101 (expected 1..100)"),
        ({"maxResults": "5"}, "maxResults: '5' (expected an integer)"),
        ({"maxResults": True}, "maxResults: True (expected an integer)"),
        ({"nextToken": None}, "nextToken: None (expected a string)"),
        ({"jobId": "job-1"}, "jobId: 'job-1' (expected to match job-[0-9a-f]{32})"),
        (
            {"jobId": JOB["jobId"] + "\n"},
            f"jobId: '{JOB['jobId']}\\n' (expected to match job-[0-9a-f]{{32}})",
        ),
        (
            {"jobId": "x" + JOB["jobId"]},
            f"jobId: 'x{JOB['jobId']}' (expected to match job-[0-9a-f]{{32}})",
        ),
        (
            {"status": "ENDED"},
            "status: 'ENDED' (expected no such member; {})",
        ),
    ],
)
def test_an_invalid_member_of_a_request(changes, expected):
    """A violation names the member, the value and what is allowed."""
    names = ", ".join(model.members("ListSessionsRequest"))
    assert _texts(validation.check_request({**JOB, **changes})) == [
        expected if "{}" not in expected else expected.format(names)
    ]


def test_every_violation_of_a_request_is_found():
    """All violations are reported in the order of the model, unknown members last."""
    request = {"farmId": 1, "queueId": JOB["queueId"], "maxResults": 0, "Token": "x", 2: "y"}
    violations = validation.check_request(request)
    order = [name for name in model.members("ListSessionsRequest") if name != "nextToken"]
    order.remove("queueId")
    assert [violation.path for violation in violations] == [*order, "Token", "2"]
    assert Violation("jobId", "missing", "a value, it is required") in violations


def test_a_request_of_another_operation():
    """A request is checked against the given operation."""
    request = {**JOB, "sessionId": SUMMARY["sessionId"], "targetLifecycleStatus": "STARTED"}
    assert _texts(validation.check_request(request, "UpdateSession")) == [
        "targetLifecycleStatus: 'STARTED' (expected 'ENDED')"
    ]


_ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text("a-0\n") | st.just([])


@given(
    st.fixed_dictionaries(
        {}, optional={name: _ANYTHING | st.just(JOB.get(name)) for name in [*JOB, "maxResults"]}
    )
)
def test_requests_that_botocore_refuses(request_):
    """A request that botocore's validator refuses is never valid."""
    shape = model.operation_model().input_shape
    theirs = botocore.validate.ParamValidator().validate(request_, shape)
    assert validation.check_request(request_) or not theirs.has_errors()


def test_a_valid_response():
    """A response may be an empty page, have summaries and a token, or have metadata."""
    assert validation.check_response({"sessions": []}) == []
    assert validation.check_response({"sessions": (SUMMARY,), "nextToken": "x"}) == []
    assert validation.check_response({"sessions": [], "ResponseMetadata": {"RequestId": "1"}}) == []


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ({}, "sessions: missing (expected a value, it is required)"),
        ({"sessions": None}, "sessions: None (expected a list)"),
        (
            {"sessions": SUMMARY["sessionId"]},
            f"sessions: {SUMMARY['sessionId']!r} (expected a list)",
        ),
        ({"sessions": ["s"]}, "sessions[0]: 's' (expected a dict of SessionSummary)"),
        (None, "value: None (expected a dict of ListSessionsResponse)"),
        (
            {"sessions": [SUMMARY, {**SUMMARY, "workerId": "w"}]},
            "sessions[1].workerId: 'w' (expected to match worker-[0-9a-f]{32})",
        ),
        (
            {"sessions": [{**SUMMARY, "lifecycleStatus": "RUNNING"}]},
            f"sessions[0].lifecycleStatus: 'RUNNING' (expected one of {STATUSES})",
        ),
        (
            {"sessions": [{**SUMMARY, "startedAt": "2030-01-01T09:00:00Z"}]},
            "sessions[0].startedAt: '2030-01-01T09:00:00Z' (expected a timezone-aware datetime)",
        ),
        (
            {"sessions": [{**SUMMARY, "startedAt": NAIVE}]},
            f"sessions[0].startedAt: {NAIVE!r}, which is naive (expected {AWARE})",
        ),
        ({"sessions": "s" * 100}, f"sessions: '{'s' * 78}… (expected a list)"),
        ({"sessions": "s" * 78}, f"sessions: '{'s' * 78}' (expected a list)"),
    ],
)
def test_an_invalid_response(response, expected):
    """A violation names the place in the response; a long value is shortened."""
    assert _texts(validation.check_response(response)) == [expected]


def test_an_unknown_member_of_a_summary():
    """The violation for an unknown member lists the members that exist."""
    names = ", ".join(model.members("SessionSummary"))
    assert _texts(validation.check_response({"sessions": [{**SUMMARY, "status": 1}]})) == [
        f"sessions[0].status: 1 (expected no such member; {names})"
    ]


def test_the_path_of_a_checked_shape():
    """``check_shape`` puts the given path before those of the violations."""
    assert _texts(
        validation.check_shape({**SUMMARY, "updatedBy": 1}, "SessionSummary", "given[2]")
    ) == ["given[2].updatedBy: 1 (expected a string)"]


@pytest.fixture
def every_type(monkeypatch):
    """A service model with a shape of every type."""
    shapes = {
        "Short": {"type": "string", "min": 2, "max": 4},
        "Any": {"type": "string"},
        "Anchored": {"type": "string", "pattern": "^a[$^]$"},
        "Two": {"type": "string", "enum": ["ON", "OFF"]},
        "One": {"type": "string", "enum": ["ON"]},
        "Few": {"type": "list", "member": {"shape": "Short"}, "min": 1, "max": 2},
        "Tags": {
            "type": "map",
            "key": {"shape": "Short"},
            "value": {"shape": "Whole"},
            "min": 1,
            "max": 2,
        },
        "Whole": {"type": "integer", "max": 9},
        "Long": {"type": "long", "min": 3},
        "Share": {"type": "float", "min": 0, "max": 1},
        "Double": {"type": "double", "min": 0.5},
        "Flag": {"type": "boolean"},
        "Bytes": {"type": "blob"},
        "Either": {
            "type": "structure",
            "union": True,
            "members": {"few": {"shape": "Few"}, "flag": {"shape": "Flag"}},
        },
        "Nothing": {"type": "structure", "members": {}},
    }
    service = botocore.model.ServiceModel({"metadata": {}, "operations": {}, "shapes": shapes})
    monkeypatch.setattr(model, "service_model", lambda: service)


@pytest.mark.usefixtures("every_type")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Short", "ab"),
        ("Short", "abcd"),
        ("Any", ""),
        ("Anchored", "a$"),
        ("Two", "OFF"),
        ("Few", ["ab"]),
        ("Few", ("ab", "cd")),
        ("Tags", {"ab": 9}),
        ("Tags", {"ab": -1, "cd": 0}),
        ("Whole", 9),
        ("Long", 3),
        ("Share", 0),
        ("Share", 1.0),
        ("Double", 0.5),
        ("Flag", False),
        ("Bytes", object()),
        ("Either", {"flag": True}),
        ("Nothing", {}),
    ],
)
def test_valid_values_of_every_type(name, value):
    """Values at the limits are valid, and so is any value of a type that is not checked."""
    assert validation.check_shape(value, name) == []


@pytest.mark.usefixtures("every_type")
@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Short", "a", ["value: 1 characters (expected 2..4 characters)"]),
        ("Short", "abcde", ["value: 5 characters (expected 2..4 characters)"]),
        ("Short", b"ab", ["value: b'ab' (expected a string)"]),
        ("Anchored", "a", ["value: 'a' (expected to match a[$^])"]),
        ("Two", "on", ["value: 'on' (expected one of 'ON', 'OFF')"]),
        ("One", "OFF", ["value: 'OFF' (expected 'ON')"]),
        ("Few", [], ["value: 0 items (expected 1..2 items)"]),
        ("Few", ["ab", "a"], ["[1]: 1 characters (expected 2..4 characters)"]),
        (
            "Few",
            [1, "ab", "cd"],
            ["[0]: 1 (expected a string)", "value: 3 items (expected 1..2 items)"],
        ),
        ("Few", {"ab"}, ["value: {'ab'} (expected a list)"]),
        ("Tags", [], ["value: [] (expected a dict)"]),
        ("Tags", {}, ["value: 0 entries (expected 1..2 entries)"]),
        ("Tags", {"ab": 10}, ["['ab']: 10 (expected ..9)"]),
        ("Tags", {"a": 1}, ["key: 1 characters (expected 2..4 characters)"]),
        ("Whole", 10, ["value: 10 (expected ..9)"]),
        ("Whole", 1.0, ["value: 1.0 (expected an integer)"]),
        ("Long", 2, ["value: 2 (expected 3..)"]),
        ("Long", None, ["value: None (expected an integer)"]),
        ("Share", 1.5, ["value: 1.5 (expected 0..1)"]),
        ("Share", True, ["value: True (expected a number)"]),
        ("Share", "0.5", ["value: '0.5' (expected a number)"]),
        ("Double", 0.25, ["value: 0.25 (expected 0.5..)"]),
        ("Flag", 1, ["value: 1 (expected True or False)"]),
        ("Either", {}, ["value: nothing (expected exactly one of few, flag)"]),
        (
            "Either",
            {"few": ["ab"], "flag": True},
            ["value: few, flag (expected exactly one of few, flag)"],
        ),
        ("Nothing", {"a": 1}, ["a: 1 (expected no such member; nothing)"]),
    ],
)
def test_invalid_values_of_every_type(name, value, expected):
    """A value of the wrong type or size is reported, whatever type a service model uses."""
    assert _texts(validation.check_shape(value, name)) == expected
