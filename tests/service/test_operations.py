"""What the operations besides ListSessions have in common."""

from __future__ import annotations

import re

import botocore.exceptions
import pytest
from hypothesis import Phase, event, find, given, settings
from hypothesis.errors import InvalidArgument

from pytest_deadline_sessions import FakeDeadline
from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions._service.registry import OPERATIONS
from pytest_deadline_sessions._transport import gateway
from pytest_deadline_sessions.strategies._jobs import job_contents

PROFILE = model.make_id("StorageProfileId", 1)


def test_operations_that_botocore_lacks(fake, monkeypatch):
    """An operation that the installed botocore lacks is not offered, nor after a reset."""
    monkeypatch.setitem(OPERATIONS, "GetSunrise", lambda _service, _params: {})
    for _ in range(2):
        assert "GetSunrise" not in FakeDeadline()._service.operations
        assert "GetSunrise" not in fake._service.operations
        fake.reset()
    assert set(fake._service.operations) == set(OPERATIONS) & set(model.operation_names())


def test_the_resource_of_a_not_found_fault(fake):
    """``resourceId`` and ``resourceType`` are those of the last id in the path of the request."""
    client = fake.client()
    job = fake.add_job()
    session_id = job.start_session().session_id
    for operation, arguments, kind in [
        ("list_sessions", job, "job"),
        ("get_session", {**job, "sessionId": session_id}, "session"),
    ]:
        fake.fail_next(
            "ResourceNotFoundException", operation=client.meta.method_to_api_mapping[operation]
        )
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            getattr(client, operation)(**arguments)
        response = caught.value.response
        assert response["resourceType"] == kind
        assert response["resourceId"] == arguments[f"{kind}Id"]


def test_a_not_found_fault_without_an_id(fake):
    """If the call has no ids, ``resourceId`` is ``"unknown"``."""
    client = fake.client()
    fake.operation("ListTagsForResource")(lambda _service, _params: {})
    fake.fail_next("ResourceNotFoundException", operation="ListTagsForResource")
    with pytest.raises(client.exceptions.ResourceNotFoundException) as caught:
        client.list_tags_for_resource(resourceArn="arn:aws:deadline:us-west-2:111122223333:farm/f")
    assert caught.value.response["resourceId"] == "unknown"


def _known(fake, job):
    """Return values for the arguments of all operations, as far as the job has them."""
    known = {**job, "storageProfileId": PROFILE, "queueIds": [job["queueId"]], "itemOffset": 0}
    known["targetLifecycleStatus"] = "ENDED"
    for summary in job.listing.between(0, 1):
        known.update({name: summary[name] for name in ("sessionId", "fleetId", "workerId")})
    client = fake.client()
    for action in client.list_session_actions(**job)["sessionActions"]:
        known["sessionActionId"] = action["sessionActionId"]
        known.update(action["definition"].get("taskRun", {}))
    return known


def _arguments(shape, known):
    """Return the required arguments of an operation, or None if one has no value."""
    arguments = {}
    for name in shape.required_members:
        if name == "identifiers":
            item = _arguments(shape.members[name].member, known)
            arguments[name] = None if item is None else [item]
        else:
            arguments[name] = known.get(name)
    return None if None in arguments.values() else arguments


@pytest.mark.at_length
@settings(deadline=None)
@given(contents=job_contents(max_sessions=6))
def test_every_result_is_what_the_service_model_allows(contents):
    """For any job contents, the result of every operation fits the service model."""
    fake = FakeDeadline()
    fake.describe(PROFILE)
    job = fake.add_job(**contents)
    known, service = _known(fake, job), fake._service
    called = set()
    for name in service.operations:
        arguments = _arguments(model.operation_model(name).input_shape, known)
        if arguments is not None:
            outcome = service.call(name, arguments)
            conflict = outcome.fault is not None and outcome.fault.code == "ConflictException"
            assert conflict or validation.check_response(outcome.result, name) == []
            called.add(name)
    event("every operation" if called == set(service.operations) else "some operations")
    assert {call.operation for call in fake.calls} == called | {"ListSessionActions"}


def test_every_operation_is_tried():
    """A job with tasks has values for the arguments of every operation."""
    fake = FakeDeadline()
    known = _known(fake, fake.add_job(2, tasks=1))
    for name in fake._service.operations:
        assert _arguments(model.operation_model(name).input_shape, {**known}) is not None, name


@pytest.mark.parametrize(
    "name", sorted(name for name in OPERATIONS if name in model.operation_names())
)
def test_every_fault_of_every_operation_can_be_planned(name):
    """Each fault that the model has for an operation can be added, and is recorded."""
    fake = FakeDeadline()
    fake.describe(PROFILE)
    known = _known(fake, fake.add_job(2, tasks=1))
    arguments = _arguments(model.operation_model(name).input_shape, known)
    for code in model.error_shapes(name):
        fake.fail_next(code, operation=name)
        assert fake._service.call(name, arguments).fault.code == code
        assert fake.calls[-1].error == code


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        ({"max_sessions": -1}, "max_sessions=-1 (expected 0 or more)"),
        ({"max_steps": -1}, "max_steps=-1 (expected 0 or more)"),
        ({"max_tasks": "9"}, "max_tasks='9' (expected a whole number, 0 or more)"),
        (
            {"max_steps": 5, "max_tasks": 4},
            "max_steps=5, max_tasks=4 (expected max_steps <= max_tasks)",
        ),
    ],
)
def test_impossible_options_of_job_contents(options, refusal):
    """Options that allow no contents are refused when something is drawn."""
    with pytest.raises(InvalidArgument) as caught:
        find(job_contents(**options), lambda _: True)
    assert str(caught.value) == refusal


@settings(deadline=None)
@given(contents=job_contents(max_sessions=3, max_steps=2, max_tasks=5))
def test_job_contents_keep_to_their_options(contents):
    """Drawn contents keep to the limits, and have at least one task per step."""
    assert len(contents["sessions"]) <= 3
    assert 0 <= contents["steps"] <= 2
    assert contents["steps"] <= contents["tasks"] <= 5
    assert bool(contents["steps"]) is bool(contents["tasks"])


@pytest.mark.parametrize(
    "wanted",
    [
        lambda contents: not contents["steps"] and len(contents["sessions"]) > 2,
        lambda contents: contents["steps"] == 2 and contents["tasks"] == 5,
        lambda contents: contents["tasks"] > contents["steps"] > 1,
    ],
)
def test_job_contents_of_every_kind_are_drawn(wanted):
    """Jobs without steps, with the most steps and tasks, and with uneven steps are drawn."""
    options = job_contents(max_sessions=3, max_steps=2, max_tasks=5)
    find(options, wanted, settings=settings(phases=[Phase.generate], max_examples=1000))


@pytest.mark.parametrize(
    ("result", "error", "wording"),
    [
        (None, TypeError, "ListFarms returned None (expected a dict of its result, or a Fault)"),
        ({"farmz": []}, ValueError, "ListFarms returned unknown members: farmz (expected {})"),
    ],
)
def test_an_invalid_result_of_an_added_operation(fake, result, error, wording):
    """An added operation that returns None or an unknown member raises an error."""
    fake.operation("ListFarms")(lambda _service, _params: result)
    with pytest.raises(error) as caught:
        fake.client().list_farms()
    members = ", ".join(model.operation_model("ListFarms").output_shape.members)
    assert str(caught.value) == wording.format(members)
    assert [(call.error, call.message) for call in fake.calls] == [
        (error.__name__, str(caught.value))
    ]


def test_an_added_operation_is_a_function(fake):
    """An added operation must be callable."""
    with pytest.raises(TypeError) as caught:
        fake.operation("ListFarms")({"farms": []})
    assert str(caught.value) == (
        "ListFarms={'farms': []} (expected a function of the service and the parameters)"
    )


def test_exceptions_of_operations_are_recorded(fake):
    """A call whose operation raises, or that the fake lacks, is recorded with the exception."""

    @fake.operation("ListFarms")
    def list_farms(_service, _params):
        raise KeyError("region")

    with pytest.raises(KeyError):
        fake.client().list_farms()
    with pytest.raises(NotImplementedError):
        gateway.respond(fake._service, "GET", "/2023-10-12/monitors", {}, b"")
    first, second = fake.calls
    assert re.fullmatch(r"ListFarms\(\) → KeyError: 'region'  at .*", str(first))
    assert str(second).startswith(
        "ListMonitors() → NotImplementedError: FakeDeadline has no deadline:ListMonitors; it has "
    )
