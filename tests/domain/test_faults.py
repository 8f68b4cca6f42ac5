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
    """Status and required members are the model's; members left out get a plausible value."""
    fault = Fault(code)
    assert (fault.status, fault.broken) == (status, False)
    assert (fault.message, fault.members) == (members["message"], members)
    assert fault.headers == {"x-amzn-ErrorType": code}
    assert fault.body == members


@pytest.mark.parametrize("code", MODELLED)
def test_every_modelled_error_is_valid_by_default(code):
    """What the service is said to answer, its model allows, also for errors yet unknown to us."""
    assert validation.check_shape(Fault(code).members, code) == []


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerErrorException"])
def test_headers_are_no_body(code):
    """A member that the model puts into a header travels there as text, and there alone."""
    fault = Fault(code, retryAfterSeconds=3)
    assert fault.headers == {"x-amzn-ErrorType": code, "Retry-After": "3"}
    assert fault.body == {"message": fault.message}
    assert fault.members == {"message": fault.message, "retryAfterSeconds": 3}


@pytest.mark.parametrize("message", ["Slow down.", ""])
def test_given_wording_wins(message):
    """The service's wording can be set, also to nothing."""
    fault = Fault("ThrottlingException", message)
    assert fault == Fault("ThrottlingException", message=message)
    assert (fault.message, fault.body) == (message, {"message": message})


def test_given_members_win():
    """A required member that is given keeps its value, and the others are filled in."""
    fault = Fault("ResourceNotFoundException", resourceType="job", context={"a": "b"})
    assert fault.body == {
        "message": "The requested resource was not found.",
        "resourceType": "job",
        "resourceId": "unknown",
        "context": {"a": "b"},
    }


@pytest.mark.parametrize("code", BROKEN_CONNECTIONS)
def test_broken_connections(code):
    """No response comes: no status, headers, body or wording."""
    fault = Fault(code)
    assert fault.broken
    assert (fault.status, fault.headers, fault.body) == (None, {}, {})
    assert (fault.message, fault.members) == ("", {})
    assert fault.but(retryAfterSeconds=3) is fault


def test_broken_connections_have_the_names_of_botocores_exceptions():
    """Whoever reads a traceback finds the name of the fault in it."""
    assert BROKEN_CONNECTIONS == BROKEN


def test_but():
    """It fills in what the fault was not told, and keeps what it was told."""
    fault = Fault("ThrottlingException", quotaCode="L-1")
    assert fault.but(retryAfterSeconds=3, quotaCode="L-2", message="Slow down.") == Fault(
        "ThrottlingException", "Slow down.", quotaCode="L-1", retryAfterSeconds=3
    )
    assert fault == Fault("ThrottlingException", quotaCode="L-1")
    told = Fault("ThrottlingException", "Mine.")
    assert told.but(message="Slow down.").message == "Mine."


@pytest.mark.parametrize(
    ("arguments", "members", "message"),
    [
        (("Throttled",), {}, f"code='Throttled' (expected one of {EVERY})"),
        (("",), {}, f"code='' (expected one of {EVERY})"),
        (("Throttled",), {"reason": "OTHER"}, f"code='Throttled' (expected one of {EVERY})"),
        (
            ("ConnectionClosedError", "Gone."),
            {"reason": "x"},
            "message, reason given for ConnectionClosedError (expected nothing: no response comes)",
        ),
        (
            ("ReadTimeoutError",),
            {"retryAfterSeconds": 1},
            "retryAfterSeconds given for ReadTimeoutError (expected nothing: no response comes)",
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
def test_refusals(arguments, members, message):
    """The message names the member, what came, and what is allowed."""
    with pytest.raises(ValueError, match="expected") as caught:
        Fault(*arguments, **members)
    assert str(caught.value) == message


def test_all_that_is_wrong_is_named_at_once():
    """Every bad member is in the message, in the order of the model."""
    wrong = {
        "resourceId": "resourceId: 1 (expected a string)",
        "resourceType": "resourceType: 2 (expected a string)",
    }
    order = [wrong[name] for name in model.members("ResourceNotFoundException") if name in wrong]
    with pytest.raises(ValueError, match="resourceId") as caught:
        Fault("ResourceNotFoundException", resourceType=2, resourceId=1)
    assert str(caught.value) == f"ResourceNotFoundException: {'; '.join(order)}"


def test_strangers_are_refused():
    """A member that the error does not have is refused with those that it has."""
    names = ", ".join(model.members("InternalServerErrorException"))
    with pytest.raises(ValueError, match="retry_after") as caught:
        Fault("InternalServerErrorException", retry_after=3)
    assert str(caught.value) == (
        f"InternalServerErrorException: retry_after: 3 (expected no such member; {names})"
    )


@pytest.mark.parametrize("code", [429, None, ["ThrottlingException"]])
def test_a_code_is_text(code):
    """Whatever else is given for the code is refused with the codes there are."""
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
    """It shows what was given, and makes an equal fault when pasted back."""
    assert repr(fault) == text
    assert eval(text) == fault


@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, lambda fault: pickle.loads(pickle.dumps(fault))],
    ids=["copy", "deepcopy", "pickle"],
)
@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_copies(fault, again):
    """A copy is equal, looks the same, and was told the same."""
    other = again(fault)
    assert (other, hash(other), repr(other)) == (fault, hash(fault), repr(fault))
    assert other.but(message="Else.") == fault.but(message="Else.")


def test_equality():
    """Faults are equal if they answer the same, and never equal to anything else."""
    assert all((one == other) == (one is other) for one in FAULTS for other in FAULTS)
    assert Fault("ThrottlingException", "Rate exceeded.") == Fault("ThrottlingException")
    assert Fault("ThrottlingException") != "ThrottlingException"
    assert Fault("ConnectionClosedError") != Fault("ReadTimeoutError")


def test_equal_faults_have_equal_hashes():
    """A fault can be a key; the order of what it holds does not matter."""
    one = Fault("AccessDeniedException", context={"one": "1", "two": "2"}, message="No.")
    other = Fault("AccessDeniedException", "No.", context={"two": "2", "one": "1"})
    assert one == other
    assert hash(one) == hash(other)
    assert {FAULTS[2]: "found"}[Fault("ThrottlingException", retryAfterSeconds=3)] == "found"


@pytest.mark.parametrize("name", ["code", "members", "message", "other"])
def test_faults_do_not_change(name):
    """The message says what to do instead."""
    with pytest.raises(AttributeError) as caught:
        setattr(FAULTS[0], name, "x")
    assert str(caught.value) == (
        f"a Fault does not change: make another one instead of setting {name}"
    )


def test_members_of_faults_do_not_change():
    """Neither through the fault, nor through what it was made of."""
    context = {"one": "1"}
    fault = Fault("AccessDeniedException", context=context)
    context["one"] = "2"
    assert fault == Fault("AccessDeniedException", context={"one": "1"})
    with pytest.raises(TypeError, match="does not support item assignment"):
        fault.members["message"] = "x"


def test_an_error_carries_its_fault():
    """What is raised leads to the fault, and shows it."""
    assert FaultError(FAULTS[0]).fault is FAULTS[0]
    assert str(FaultError(FAULTS[0])) == "Fault('ThrottlingException')"


@pytest.mark.parametrize("code", [*model.error_shapes(), *BROKEN_CONNECTIONS])
def test_as_fault(code):
    """A code will do for a fault; a fault is taken as it is."""
    assert as_fault(code) == Fault(code)
    fault = Fault(code)
    assert as_fault(fault) is fault


@pytest.mark.parametrize("form", [str, Fault], ids=["code", "fault"])
def test_an_operation_gives_its_own_faults_only(form):
    """The message names those that the operation is modelled to give."""
    conflict = form("ConflictException")
    assert as_fault(conflict, "UpdateSession") == Fault("ConflictException")
    with pytest.raises(ValueError, match="ConflictException") as caught:
        as_fault(conflict)
    assert str(caught.value) == (
        f"fault='ConflictException' (expected a fault of ListSessions: {OF_LIST_SESSIONS})"
    )


@pytest.mark.parametrize("thing", [429, None, RuntimeError("x"), {"Error": {}}])
def test_what_is_no_fault(thing):
    """Anything but a fault or a code is refused."""
    with pytest.raises(TypeError) as caught:
        as_fault(thing)
    assert str(caught.value) == f"fault={thing!r} (expected a Fault, or one of {OF_LIST_SESSIONS})"
