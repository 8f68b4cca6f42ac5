from __future__ import annotations

import copy
import pickle

import pytest

from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions._domain.faults import BROKEN_CONNECTIONS, Fault, FaultError, as_fault

MODELLED = [shape.error_code for shape in model.service_model().error_shapes]
BROKEN = (
    "ConnectionClosedError",
    "ReadTimeoutError",
    "EndpointConnectionError",
    "ConnectTimeoutError",
)
EVERY = ", ".join([*MODELLED, *BROKEN])
OF_LIST_SESSIONS = ", ".join([*model.error_shapes(), *BROKEN])
NO_MEMBERS = "expected no members: the client gets no response"
REASONS = "'UNKNOWN_OPERATION', 'CANNOT_PARSE', 'FIELD_VALIDATION_FAILED', 'OTHER'"

FAULTS = [
    Fault("ThrottlingException"),
    Fault("ThrottlingException", "Slow down."),
    Fault("ThrottlingException", retryAfterSeconds=3),
    Fault("ThrottlingException", retryAfterSeconds=4, quotaCode="L-1"),
    Fault("AccessDeniedException", context={"one": "1", "two": "2"}),
    Fault("ValidationException", reason="CANNOT_PARSE"),
    Fault("ValidationException", fieldList=[{"name": "maxResults", "message": "too large"}]),
    Fault("ConnectionClosedError"),
    Fault("ReadTimeoutError"),
]


@pytest.mark.parametrize(
    ("code", "status", "members"),
    [
        (
            "AccessDeniedException",
            403,
            {"message": "User is not authorized to perform this operation."},
        ),
        (
            "ResourceNotFoundException",
            404,
            {
                "message": "The requested resource was not found.",
                "resourceId": "unknown",
                "resourceType": "unknown",
            },
        ),
        ("ValidationException", 400, {"message": "The request isn't valid.", "reason": "OTHER"}),
        ("ThrottlingException", 429, {"message": "Rate exceeded."}),
        ("InternalServerErrorException", 500, {"message": "The service had an internal error."}),
        (
            "ConflictException",
            409,
            {
                "message": "The resource is not in a state that allows this.",
                "reason": "CONFLICT_EXCEPTION",
                "resourceId": "unknown",
                "resourceType": "unknown",
            },
        ),
        (
            "ServiceQuotaExceededException",
            402,
            {
                "message": "ServiceQuotaExceededException.",
                "reason": "SERVICE_QUOTA_EXCEEDED_EXCEPTION",
                "resourceType": "unknown",
                "serviceCode": "unknown",
                "quotaCode": "unknown",
            },
        ),
    ],
)
def test_each_error(code, status, members):
    """A fault has the status and required members of its model, with default values."""
    fault = Fault(code)
    assert (fault.status, fault.broken) == (status, False)
    assert (fault.message, fault.members) == (members["message"], members)
    assert fault.headers == {"x-amzn-ErrorType": code}
    assert fault.body == members


@pytest.mark.parametrize("code", MODELLED)
def test_every_modelled_error_is_valid_by_default(code):
    """The default members of every modelled error fit the service model."""
    assert validation.check_shape(Fault(code).members, code) == []


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerErrorException"])
def test_members_in_headers(code):
    """A member that the model puts in a header is sent there as text, and not in the body."""
    fault = Fault(code, retryAfterSeconds=3)
    assert fault.headers == {"x-amzn-ErrorType": code, "Retry-After": "3"}
    assert fault.body == {"message": fault.message}
    assert fault.members == {"message": fault.message, "retryAfterSeconds": 3}


@pytest.mark.parametrize("message", ["Slow down.", ""])
def test_a_given_message(message):
    """A given message replaces the default, even if it is empty."""
    fault = Fault("ThrottlingException", message)
    assert fault == Fault("ThrottlingException", message=message)
    assert (fault.message, fault.body) == (message, {"message": message})


def test_given_members():
    """Given members keep their values; missing required members get defaults."""
    fault = Fault("ResourceNotFoundException", resourceType="job", context={"a": "b"})
    assert fault.body == {
        "message": "The requested resource was not found.",
        "resourceType": "job",
        "resourceId": "unknown",
        "context": {"a": "b"},
    }


@pytest.mark.parametrize("code", BROKEN_CONNECTIONS)
def test_broken_connections(code):
    """A broken connection has no status, headers, body or message."""
    fault = Fault(code)
    assert fault.broken
    assert (fault.status, fault.headers, fault.body) == (None, {}, {})
    assert (fault.message, fault.members) == ("", {})
    assert fault.but(retryAfterSeconds=3) is fault


def test_names_of_broken_connections():
    """Broken connections are named after botocore's exceptions."""
    assert BROKEN_CONNECTIONS == BROKEN


def test_but():
    """``but`` adds members to a copy of the fault, and keeps those that were given."""
    fault = Fault("ThrottlingException", quotaCode="L-1")
    assert fault.but(retryAfterSeconds=3, quotaCode="L-2", message="Slow down.") == Fault(
        "ThrottlingException", "Slow down.", quotaCode="L-1", retryAfterSeconds=3
    )
    assert fault == Fault("ThrottlingException", quotaCode="L-1")
    with_message = Fault("ThrottlingException", "Mine.")
    assert with_message.but(message="Slow down.").message == "Mine."


@pytest.mark.parametrize(
    ("arguments", "members", "message"),
    [
        (("Throttled",), {}, f"code='Throttled' (expected one of {EVERY})"),
        (("",), {}, f"code='' (expected one of {EVERY})"),
        (("Throttled",), {"reason": "OTHER"}, f"code='Throttled' (expected one of {EVERY})"),
        (
            ("ConnectionClosedError", "Gone."),
            {"reason": "x"},
            f"message, reason given for ConnectionClosedError ({NO_MEMBERS})",
        ),
        (
            ("ReadTimeoutError",),
            {"retryAfterSeconds": 1},
            f"retryAfterSeconds given for ReadTimeoutError ({NO_MEMBERS})",
        ),
        (
            ("ThrottlingException",),
            {"retryAfterSeconds": "3"},
            "ThrottlingException: retryAfterSeconds: '3' (expected an integer)",
        ),
        (
            ("ThrottlingException", 3),
            {},
            "ThrottlingException: message: 3 (expected a string)",
        ),
        (
            ("ValidationException",),
            {"reason": "BAD"},
            f"ValidationException: reason: 'BAD' (expected one of {REASONS})",
        ),
        (
            ("ValidationException",),
            {"fieldList": [{"name": "maxResults"}]},
            "ValidationException: fieldList[0].message: missing (expected a value, it is required)",
        ),
    ],
)
def test_invalid_faults(arguments, members, message):
    """The error names the member, the value and what is allowed."""
    with pytest.raises(ValueError, match="expected") as caught:
        Fault(*arguments, **members)
    assert str(caught.value) == message


def test_all_invalid_members_are_named():
    """The error names every invalid member, in the order of the model."""
    wrong = {
        "resourceId": "resourceId: 1 (expected a string)",
        "resourceType": "resourceType: 2 (expected a string)",
    }
    order = [wrong[name] for name in model.members("ResourceNotFoundException") if name in wrong]
    with pytest.raises(ValueError, match="resourceId") as caught:
        Fault("ResourceNotFoundException", resourceType=2, resourceId=1)
    assert str(caught.value) == f"ResourceNotFoundException: {'; '.join(order)}"


@pytest.mark.parametrize(
    ("code", "members"),
    [
        ("InternalServerErrorException", {"x" * 5000: "y" * 5000}),
        ("ReadTimeoutError", {"x" * 5000: 1}),
        ("ValidationException", {"fieldList": [3] * 5000}),
    ],
)
def test_long_members_are_shortened(code, members):
    """The error stays short, whatever the names, values and number of wrong members."""
    with pytest.raises(ValueError, match="…") as caught:
        Fault(code, **members)
    assert len(str(caught.value)) < 1000


def test_unknown_members():
    """The error for an unknown member lists the members that the fault has."""
    names = ", ".join(model.members("InternalServerErrorException"))
    with pytest.raises(ValueError, match="retry_after") as caught:
        Fault("InternalServerErrorException", retry_after=3)
    assert str(caught.value) == (
        f"InternalServerErrorException: retry_after: 3 (expected no such member; {names})"
    )


@pytest.mark.parametrize("code", [429, None, ["ThrottlingException"]])
def test_a_code_that_is_not_a_string(code):
    """A code that is not a string raises an error that lists the codes."""
    with pytest.raises(TypeError) as caught:
        Fault(code)
    assert str(caught.value) == f"code={code!r} (expected one of {EVERY})"


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (FAULTS[0], "Fault('ThrottlingException')"),
        (FAULTS[1], "Fault('ThrottlingException', message='Slow down.')"),
        (FAULTS[3], "Fault('ThrottlingException', retryAfterSeconds=4, quotaCode='L-1')"),
        (FAULTS[7], "Fault('ConnectionClosedError')"),
    ],
)
def test_representation(fault, text):
    """The repr shows the given members, and evaluates to an equal fault."""
    assert repr(fault) == text
    assert eval(text) == fault


@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, lambda fault: pickle.loads(pickle.dumps(fault))],
    ids=["copy", "deepcopy", "pickle"],
)
@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_copies(fault, again):
    """A copy is equal, with the same repr, and knows which members were given."""
    other = again(fault)
    assert (other, hash(other), repr(other)) == (fault, hash(fault), repr(fault))
    assert other.but(message="Else.") == fault.but(message="Else.")


def test_equality():
    """Faults are equal if their responses are, and never equal to anything else."""
    assert all((fault == other) == (fault is other) for fault in FAULTS for other in FAULTS)
    assert Fault("ThrottlingException", "Rate exceeded.") == Fault("ThrottlingException")
    assert Fault("ThrottlingException") != "ThrottlingException"
    assert Fault("ConnectionClosedError") != Fault("ReadTimeoutError")


def test_equal_faults_have_equal_hashes():
    """Equal faults have equal hashes, whatever the order of their members."""
    fault = Fault("AccessDeniedException", context={"one": "1", "two": "2"}, message="No.")
    other = Fault("AccessDeniedException", "No.", context={"two": "2", "one": "1"})
    assert fault == other
    assert hash(fault) == hash(other)
    assert {FAULTS[2]: "found"}[Fault("ThrottlingException", retryAfterSeconds=3)] == "found"


@pytest.mark.parametrize("name", ["code", "members", "message", "other"])
def test_faults_are_immutable(name):
    """Setting an attribute of a fault raises an error that says what to do instead."""
    with pytest.raises(AttributeError) as caught:
        setattr(FAULTS[0], name, "x")
    assert str(caught.value) == (
        f"a Fault is immutable: create a new one instead of setting {name}"
    )


def test_members_of_faults_are_immutable():
    """Members cannot be changed through the fault, nor through the dict that was given."""
    context = {"one": "1"}
    fault = Fault("AccessDeniedException", context=context)
    context["one"] = "2"
    assert fault == Fault("AccessDeniedException", context={"one": "1"})
    with pytest.raises(TypeError, match="does not support item assignment"):
        fault.members["message"] = "x"


def test_fault_error():
    """A FaultError has its fault, and shows it as text."""
    assert FaultError(FAULTS[0]).fault is FAULTS[0]
    assert str(FaultError(FAULTS[0])) == "Fault('ThrottlingException')"


@pytest.mark.parametrize("code", [*model.error_shapes(), *BROKEN_CONNECTIONS])
def test_as_fault(code):
    """``as_fault`` makes a fault of a code, and returns a fault unchanged."""
    assert as_fault(code) == Fault(code)
    fault = Fault(code)
    assert as_fault(fault) is fault


@pytest.mark.parametrize("form", [str, Fault], ids=["code", "fault"])
def test_as_fault_of_an_operation(form):
    """A fault that the operation does not model is refused with those that it does."""
    conflict = form("ConflictException")
    assert as_fault(conflict, "UpdateSession") == Fault("ConflictException")
    with pytest.raises(ValueError, match="ConflictException") as caught:
        as_fault(conflict)
    assert str(caught.value) == (
        f"fault='ConflictException' (expected a fault of ListSessions: {OF_LIST_SESSIONS})"
    )


@pytest.mark.parametrize("thing", [429, None, RuntimeError("x"), {"Error": {}}])
def test_as_fault_of_other_types(thing):
    """Anything but a fault or a code is refused."""
    with pytest.raises(TypeError) as caught:
        as_fault(thing)
    assert str(caught.value) == f"fault={thing!r} (expected a Fault, or one of {OF_LIST_SESSIONS})"
