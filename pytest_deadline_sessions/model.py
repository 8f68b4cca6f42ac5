"""The Deadline Cloud API as the installed botocore models it.

Every pattern, limit, enum, member and error shape that this package knows comes from botocore's
``service-2.json``, read once, when first asked for.

Example:
    >>> from pytest_deadline_sessions import model
    >>> model.enum("SessionLifecycleStatus")[0], model.bounds("MaxResults")
    ('STARTED', (1, 100))
    >>> queue = model.make_id("QueueId", 1)
    >>> for violation in model.check_request({"farmId": "farm-1", "queueId": queue}):
    ...     print(violation)
    farmId: 'farm-1' (expected to match farm-[0-9a-f]{32})
    jobId: missing (expected a value, it is required)
"""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from pytest_deadline_sessions.concise import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.loaders import Loader
    from botocore.model import OperationModel, ServiceModel, Shape

SERVICE = "deadline"
OPERATION = "ListSessions"

_LONGEST_TOKEN = 4096

Status = Literal["STARTED", "UPDATE_IN_PROGRESS", "UPDATE_SUCCEEDED", "UPDATE_FAILED", "ENDED"]


class _SessionSummaryRequired(TypedDict):
    sessionId: str
    fleetId: str
    workerId: str
    startedAt: datetime.datetime
    lifecycleStatus: Status


class SessionSummary(_SessionSummaryRequired, total=False):
    """One session as ``ListSessions`` reports it; datetimes are timezone-aware.

    Members and their types are those of the shape ``SessionSummary`` of the service model.
    """

    endedAt: datetime.datetime
    targetLifecycleStatus: Literal["ENDED"]
    updatedAt: datetime.datetime
    updatedBy: str


class _ListSessionsRequestRequired(TypedDict):
    farmId: str
    queueId: str
    jobId: str


class ListSessionsRequest(_ListSessionsRequestRequired, total=False):
    """The arguments of ``client.list_sessions``."""

    nextToken: str
    maxResults: int


class _ListSessionsResponseRequired(TypedDict):
    sessions: list[SessionSummary]


class ListSessionsResponse(_ListSessionsResponseRequired, total=False):
    """One page: the summaries, and a token unless it is the last one."""

    nextToken: str


@dataclass(frozen=True)
class Violation:
    """One thing that the service model does not allow.

    Attributes:
        path: Where it is, such as ``sessions[3].endedAt``; empty for the whole value.
        value: What came, as text.
        allowed: What the model allows there, as text.
    """

    path: str
    value: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.path or 'value'}: {self.value} (expected {self.allowed})"


@functools.cache
def loader() -> Loader:
    """The one botocore loader of this process; it reads botocore's own data and nothing else."""
    from botocore.loaders import Loader

    return Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)


@functools.cache
def service_model() -> ServiceModel:
    """The installed service model of Deadline Cloud.

    Raises:
        RuntimeError: The installed botocore does not know Deadline Cloud.
    """
    from botocore.exceptions import UnknownServiceError
    from botocore.model import ServiceModel

    try:
        description = loader().load_service_model(SERVICE, "service-2")
    except UnknownServiceError as error:
        msg = "the installed botocore has no 'deadline' service: install botocore>=1.34.75"
        raise RuntimeError(msg) from error
    return ServiceModel(description, service_name=SERVICE)


def operation_names() -> list[str]:
    """Every operation of the service, by its API name."""
    names: list[str] = list(service_model().operation_names)
    return names


@functools.cache
def operation_model(name: str = OPERATION) -> OperationModel:
    """The model of one operation.

    Raises:
        ValueError: The service has no such operation.
    """
    if name not in operation_names():
        msg = f"operation={name!r} (expected an operation of {SERVICE}, such as {OPERATION!r})"
        raise ValueError(msg)
    return service_model().operation_model(name)


@functools.cache
def shape(name: str) -> Shape:
    """The shape of that name in the service model, such as ``SessionSummary``."""
    return service_model().shape_for(name)


def pattern(name: str) -> str:
    """The regular expression that a string shape must match as a whole, without anchors."""
    return _bare(shape(name).metadata["pattern"])


def enum(name: str) -> tuple[str, ...]:
    """The values of an enumeration, such as ``SessionLifecycleStatus``, in the model's order."""
    return tuple(shape(name).metadata["enum"])


def bounds(name: str) -> tuple[int, int]:
    """The smallest and the largest value (or length) that a shape allows."""
    metadata = shape(name).metadata
    return int(metadata["min"]), int(metadata["max"])


def members(name: str) -> dict[str, Shape]:
    """The members of a structure, in the model's order."""
    return dict(shape(name).members)


def required(name: str) -> tuple[str, ...]:
    """The members of a structure that must be there."""
    return tuple(shape(name).required_members)


@functools.cache
def error_shapes(operation: str = OPERATION) -> dict[str, Shape]:
    """The errors that an operation is modelled to give, by their code."""
    return {error.error_code: error for error in operation_model(operation).error_shapes}


def token_bounds() -> tuple[int, int]:
    """The shortest and the longest token, in characters.

    An older service model gives no limits; then they are those of the API reference.
    """
    metadata = members(operation_model().input_shape.name)["nextToken"].metadata
    return int(metadata.get("min", 0)), int(metadata.get("max", _LONGEST_TOKEN))


@functools.cache
def id_prefix(name: str) -> str:
    """The fixed text before the hexadecimal digits of an id shape: ``farm-`` for ``FarmId``."""
    return pattern(name).split("[", 1)[0]


def make_id(name: str, number: int) -> str:
    """The id of that shape which counts ``number``.

    Example:
        >>> make_id("FarmId", 255)
        'farm-000000000000000000000000000000ff'
    """
    return f"{id_prefix(name)}{number:032x}"


def check_request(params: Any, operation: str = OPERATION) -> list[Violation]:
    """Everything in a request that the service model does not allow.

    Botocore's own validator looks at types, required members and lower bounds; this one also holds
    patterns, enums and upper bounds, and refuses members that the operation does not have.

    Args:
        params: The keyword arguments of the call.
        operation: The API name of the operation.

    Returns:
        All violations, in the order of the model; empty if there are none.
    """
    return list(_check(params, operation_model(operation).input_shape, ""))


def check_response(response: Any, operation: str = OPERATION) -> list[Violation]:
    """Everything in a response that the service could not have sent.

    Args:
        response: The response as botocore would give it; ``ResponseMetadata`` is left aside.
        operation: The API name of the operation.

    Returns:
        All violations, in the order of the model; empty if there are none.
    """
    if isinstance(response, Mapping):
        response = {key: value for key, value in response.items() if key != "ResponseMetadata"}
    return list(_check(response, operation_model(operation).output_shape, ""))


def check_shape(value: Any, name: str, path: str = "") -> list[Violation]:
    """Everything in ``value`` that the shape of that name does not allow.

    Example:
        >>> [str(violation) for violation in check_shape("RUNNING", "SessionLifecycleTargetStatus")]
        ["value: 'RUNNING' (expected 'ENDED')"]
    """
    return list(_check(value, shape(name), path))


def _check(value: Any, shape: Shape, path: str) -> Iterator[Violation]:
    check = _CHECKS.get(shape.type_name)
    if check is not None:
        yield from check(value, shape, path)


def _structure(value: Any, shape: Any, path: str) -> Iterator[Violation]:
    if not isinstance(value, Mapping):
        yield Violation(path, shown(value), f"a dict of {shape.name}")
        return
    for name, member in shape.members.items():
        at = f"{path}.{name}" if path else name
        if name in value:
            yield from _check(value[name], member, at)
        elif name in shape.required_members:
            yield Violation(at, "missing", "a value, it is required")
    for name in value:
        if name not in shape.members:
            called = name if isinstance(name, str) else shown(name)
            at = f"{path}.{called}" if path else called
            yield Violation(at, shown(value[name]), f"no such member; {_names(shape.members)}")
    if shape.metadata.get("union") and len(value) != 1:
        yield Violation(path, _names(value), f"exactly one of {_names(shape.members)}")


def _list(value: Any, shape: Any, path: str) -> Iterator[Violation]:
    if not isinstance(value, list | tuple):
        yield Violation(path, shown(value), "a list")
        return
    yield from _within(len(value), shape, path, "items")
    for index, item in enumerate(value):
        yield from _check(item, shape.member, f"{path}[{index}]")


def _map(value: Any, shape: Any, path: str) -> Iterator[Violation]:
    if not isinstance(value, Mapping):
        yield Violation(path, shown(value), "a dict")
        return
    yield from _within(len(value), shape, path, "entries")
    for key, item in value.items():
        yield from _check(key, shape.key, f"{path} key".lstrip())
        yield from _check(item, shape.value, f"{path}[{shown(key)}]")


def _string(value: Any, shape: Any, path: str) -> Iterator[Violation]:
    if not isinstance(value, str):
        yield Violation(path, shown(value), "a string")
        return
    metadata = shape.metadata
    yield from _within(len(value), shape, path, "characters")
    expression = _bare(metadata.get("pattern", ""))
    if expression and not re.fullmatch(expression, value):
        yield Violation(path, shown(value), f"to match {expression}")
    allowed = metadata.get("enum")
    if allowed and value not in allowed:
        choice = "one of " if len(allowed) > 1 else ""
        yield Violation(path, shown(value), choice + ", ".join(map(repr, allowed)))


def _bare(expression: str) -> str:
    """A pattern without the anchors that older models have; all of a value must match anyway."""
    return expression.removeprefix("^").removesuffix("$")


def _integer(value: Any, shape: Any, path: str) -> Iterator[Violation]:
    if isinstance(value, bool) or not isinstance(value, int):
        yield Violation(path, shown(value), "an integer")
    else:
        yield from _within(value, shape, path, "")


def _float(value: Any, shape: Any, path: str) -> Iterator[Violation]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield Violation(path, shown(value), "a number")
    else:
        yield from _within(value, shape, path, "")


def _boolean(value: Any, _shape: Any, path: str) -> Iterator[Violation]:
    if not isinstance(value, bool):
        yield Violation(path, shown(value), "True or False")


def _timestamp(value: Any, _shape: Any, path: str) -> Iterator[Violation]:
    if not isinstance(value, datetime.datetime):
        yield Violation(path, shown(value), "a timezone-aware datetime")
    elif value.utcoffset() is None:
        yield Violation(path, f"{shown(value)}, which is naive", "a timezone-aware datetime")


_CHECKS: dict[str, Callable[[Any, Any, str], Iterator[Violation]]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "integer": _integer,
    "long": _integer,
    "float": _float,
    "double": _float,
    "boolean": _boolean,
    "timestamp": _timestamp,
}


def _within(size: float, shape: Any, path: str, unit: str) -> Iterator[Violation]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if (low is not None and size < low) or (high is not None and size > high):
        span = f"{'' if low is None else low}..{'' if high is None else high}"
        yield Violation(path, f"{size} {unit}".rstrip(), f"{span} {unit}".rstrip())


def _names(names: Any) -> str:
    return ", ".join(map(str, names)) or "nothing"
