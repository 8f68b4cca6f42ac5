"""Faults: the modelled errors of an operation, and broken connections."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions._arguments import check_kind, wrong_value
from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._text import shorten

if TYPE_CHECKING:
    from botocore.model import StructureShape

BROKEN_CONNECTIONS = (
    "ConnectionClosedError",
    "ReadTimeoutError",
    "EndpointConnectionError",
    "ConnectTimeoutError",
)
"""The names of the exceptions that botocore raises when a connection fails."""

_WORDING = {
    "AccessDeniedException": "User is not authorized to perform this operation.",
    "ResourceNotFoundException": "The requested resource was not found.",
    "ValidationException": "The request isn't valid.",
    "ThrottlingException": "Rate exceeded.",
    "InternalServerErrorException": "The service had an internal error.",
    "ConflictException": "The resource is not in a state that allows this.",
}


@public
class Fault:
    """An error that the service returns instead of a result.

    Status, members and headers come from the service model. Faults are values: equal ones compare
    equal, and the ``repr`` can be pasted back.

    Args:
        code: A modelled error such as ``"ThrottlingException"``, or a broken connection by the name
            of the exception that botocore raises: ``"ConnectionClosedError"``,
            ``"ReadTimeoutError"``, ``"EndpointConnectionError"`` or ``"ConnectTimeoutError"``.
        message: The error message. The API documents no messages, so the default is ours.
        **members: Modelled members by their API name, such as ``retryAfterSeconds=3`` or
            ``reason="CANNOT_PARSE"``. Required members that you leave out get a plausible value.

    Raises:
        TypeError: ``code`` is not a string.
        ValueError: The code or a member is unknown, or the model does not allow a value.

    Example:
        >>> Fault("ThrottlingException", retryAfterSeconds=3)
        Fault('ThrottlingException', retryAfterSeconds=3)
        >>> Fault("ThrottlingException").status
        429
        >>> Fault("Throttled")
        Traceback (most recent call last):
            ...
        ValueError: code='Throttled' (expected one of AccessDeniedException, ...
    """

    __slots__ = ("_given", "code", "members")

    code: str
    members: Mapping[str, Any]
    _given: dict[str, Any]

    def __init__(self, code: str, message: str | None = None, **members: Any) -> None:
        given = copy.deepcopy(members)
        if message is not None:
            given = {"message": message, **given}
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "_given", given)
        if code in BROKEN_CONNECTIONS:
            if given:
                names = shorten(", ".join(given))
                expected = "expected no members: the client gets no response"
                msg = f"{names} given for {code} ({expected})"
                raise ValueError(msg)
            object.__setattr__(self, "members", MappingProxyType({}))
            return
        complete = {**_required(self._shape()), **given}
        violations = validation.check_shape(complete, code)
        if violations:
            raise ValueError(f"{code}: {validation.in_one_line(violations)}")
        object.__setattr__(self, "members", MappingProxyType(complete))

    @property
    def broken(self) -> bool:
        """Whether the connection breaks, so that the client gets no response."""
        return self.code in BROKEN_CONNECTIONS

    @property
    def status(self) -> int | None:
        """The HTTP status; ``None`` for a broken connection."""
        return None if self.broken else int(self._shape().metadata["error"]["httpStatusCode"])

    @property
    def message(self) -> str:
        """The error message; empty for a broken connection."""
        return str(self.members.get("message", ""))

    @property
    def headers(self) -> dict[str, str]:
        """The response headers: the code, and the members that are sent as headers."""
        if self.broken:
            return {}
        headers = {"x-amzn-ErrorType": self.code}
        for name, member in self._shape().members.items():
            if member.serialization.get("location") == "header" and name in self.members:
                headers[member.serialization.get("name", name)] = str(self.members[name])
        return headers

    @property
    def body(self) -> dict[str, Any]:
        """The members that are sent in the response body."""
        if self.broken:
            return {}
        shapes = self._shape().members
        return {
            name: value
            for name, value in self.members.items()
            if "location" not in shapes[name].serialization
        }

    def but(self, **members: Any) -> Fault:
        """A copy with these members set, except where the fault was created with its own value."""
        return self if self.broken else Fault(self.code, **{**members, **self._given})

    def _shape(self) -> StructureShape:
        shapes = model.all_error_shapes()
        allowed = f"one of {', '.join([*shapes, *BROKEN_CONNECTIONS])}"
        code = check_kind("code", self.code, str, allowed)
        if code not in shapes:
            raise wrong_value("code", code, allowed)
        return shapes[code]

    def __setattr__(self, name: str, value: object) -> None:
        msg = f"a Fault is immutable: create a new one instead of setting {name}"
        raise AttributeError(msg)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Fault):
            return NotImplemented
        return (self.code, self.members) == (other.code, other.members)

    def __hash__(self) -> int:
        return hash((self.code, frozenset(self.members)))

    def __repr__(self) -> str:
        given = "".join(f", {name}={value!r}" for name, value in self._given.items())
        return f"Fault({self.code!r}{given})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.code, self._given)


@public
class FaultError(Exception):
    """Gives the caller of an operation a fault, wherever in the operation it is raised.

    ``Service.job`` raises it for an unknown job. A function added with ``fake.operation`` may raise
    it too, instead of returning the fault.

    Args:
        fault: The fault.

    Attributes:
        fault: The same fault.

    Raises:
        TypeError: ``fault`` is not a ``Fault``.

    Example:
        >>> from pytest_deadline_sessions import FakeDeadline, Fault, FaultError
        >>> fake = FakeDeadline()
        >>> @fake.operation("GetFarm")
        ... def get_farm(service, parameters):
        ...     raise FaultError(Fault("AccessDeniedException"))
        >>> client = fake.client()
        >>> try:
        ...     client.get_farm(**{"farmId": fake.add_job()["farmId"]})
        ... except client.exceptions.AccessDeniedException:
        ...     print("denied")
        denied
    """

    def __init__(self, fault: Fault) -> None:
        super().__init__(check_kind("fault", fault, Fault, "a Fault"))
        self.fault: Fault = fault


def not_found(kind: str, identifier: str) -> FaultError:
    """The error for a resource that does not exist."""
    return FaultError(
        Fault(
            "ResourceNotFoundException",
            f"Resource of type {kind} with id {identifier} does not exist.",
            resourceId=identifier,
            resourceType=kind,
        )
    )


def as_fault(fault: Fault | str, operation: str = model.OPERATION) -> Fault:
    """Turn a fault or its code into a fault, and check that ``operation`` can return it.

    Raises:
        TypeError: ``fault`` is neither a fault nor a string.
        ValueError: The service model does not list the fault for this operation.
    """
    allowed = fault_codes(operation)
    codes = ", ".join(allowed)
    check_kind("fault", fault, (Fault, str), f"a Fault, or one of {codes}")
    code = fault if isinstance(fault, str) else fault.code
    if code not in allowed:
        raise wrong_value("fault", code, f"a fault of {operation}: {codes}")
    return Fault(fault) if isinstance(fault, str) else fault


def fault_codes(operation: str = model.OPERATION) -> list[str]:
    """The codes of all faults of an operation: its modelled errors, and broken connections."""
    return [*model.error_shapes(operation), *BROKEN_CONNECTIONS]


def _rebuild(code: str, given: dict[str, Any]) -> Fault:
    return Fault(code, **given)


def _required(shape: StructureShape) -> dict[str, Any]:
    wording = _WORDING.get(shape.error_code, f"{shape.error_code}.")
    filled: dict[str, Any] = {}
    for name in shape.required_members:
        allowed = shape.members[name].metadata.get("enum")
        filled[name] = ("OTHER" if "OTHER" in allowed else allowed[0]) if allowed else "unknown"
    return {**filled, "message": wording}
