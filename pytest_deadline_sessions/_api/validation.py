"""Checks of requests, responses and values against the service model.

Example:
    >>> queue = model.make_id("QueueId", 1)
    >>> for violation in check_request({"farmId": "farm-1", "queueId": queue}):
    ...     print(violation)
    farmId: 'farm-1' (expected to match farm-[0-9a-f]{32})
    jobId: missing (expected a value, it is required)
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._text import first_of, shorten, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from botocore.model import ListShape, MapShape, Shape, StructureShape

_MOST_SHOWN = 10


@dataclass(frozen=True)
class Violation:
    """A value that the service model does not allow.

    Attributes:
        path: The member, such as ``sessions[3].endedAt``; empty for the whole value.
        value: The actual value, as text.
        allowed: What the service model allows, as text.
    """

    path: str
    value: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.path or 'value'}: {self.value} (expected {self.allowed})"


def check_request(params: object, operation: str = model.OPERATION) -> list[Violation]:
    """Find everything in a request that the service model does not allow.

    Botocore's own validator checks types, required members and lower bounds. This one also checks
    patterns, enums and upper bounds, and refuses members that the operation does not have.

    Args:
        params: The keyword arguments of the call.
        operation: The API name of the operation.

    Returns:
        All violations, in the order of the model; empty if there are none.
    """
    return list(_check(params, model.input_shape(operation), ""))


def check_response(response: object, operation: str = model.OPERATION) -> list[Violation]:
    """Find everything in a response that the service model does not allow.

    Args:
        response: The response as botocore returns it; ``ResponseMetadata`` is ignored.
        operation: The API name of the operation.

    Returns:
        All violations, in the order of the model; empty if there are none.
    """
    if isinstance(response, Mapping):
        response = {key: value for key, value in response.items() if key != "ResponseMetadata"}
    return list(_check(response, model.output_shape(operation), ""))


def check_shape(value: object, name: str, path: str = "") -> list[Violation]:
    """Find everything in a value that a shape of the service model does not allow.

    Example:
        >>> [str(violation) for violation in check_shape("RUNNING", "SessionLifecycleTargetStatus")]
        ["value: 'RUNNING' (expected 'ENDED')"]
    """
    return list(_check(value, model.shape(name), path))


def in_one_line(violations: Iterable[Violation]) -> str:
    """The first ten violations, and how many more there are.

    Example:
        >>> in_one_line([Violation("jobId", "7", "a string"), Violation("name", "7", "a string")])
        'jobId: 7 (expected a string); name: 7 (expected a string)'
    """
    return "; ".join(first_of(map(str, violations), _MOST_SHOWN))


def page_limit(params: Mapping[str, Any]) -> int:
    """The most items that a page may hold: a valid ``maxResults``, else the service's own limit.

    Example:
        >>> page_limit({"maxResults": 7}), page_limit({"maxResults": 0}), page_limit({})
        (7, 100, 100)
    """
    limit = params.get("maxResults")
    low, high = model.bounds("MaxResults")
    return limit if isinstance(limit, int) and low <= limit <= high else high


def _check(value: object, shape: Shape, path: str) -> Iterator[Violation]:
    check = _CHECKS.get(shape.type_name)
    if check is not None:
        yield from check(value, shape, path)


def _structure(value: object, shape: StructureShape, path: str) -> Iterator[Violation]:
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
            member_name = shorten(name) if isinstance(name, str) else shown(name)
            at = f"{path}.{member_name}" if path else member_name
            yield Violation(at, shown(value[name]), f"no such member; {_names(shape.members)}")
    if shape.metadata.get("union") and len(value) != 1:
        yield Violation(path, shorten(_names(value)), f"exactly one of {_names(shape.members)}")


def _list(value: object, shape: ListShape, path: str) -> Iterator[Violation]:
    if not isinstance(value, list | tuple):
        yield Violation(path, shown(value), "a list")
        return
    yield from _within(len(value), shape, path, "items")
    for index, item in enumerate(value):
        yield from _check(item, shape.member, f"{path}[{index}]")


def _map(value: object, shape: MapShape, path: str) -> Iterator[Violation]:
    if not isinstance(value, Mapping):
        yield Violation(path, shown(value), "a dict")
        return
    yield from _within(len(value), shape, path, "entries")
    for key, item in value.items():
        yield from _check(key, shape.key, f"{path} key".lstrip())
        yield from _check(item, shape.value, f"{path}[{shown(key)}]")


def _string(value: object, shape: Shape, path: str) -> Iterator[Violation]:
    if not isinstance(value, str):
        yield Violation(path, shown(value), "a string")
        return
    metadata = shape.metadata
    yield from _within(len(value), shape, path, "characters")
    expression = model.bare(metadata.get("pattern", ""))
    if expression and not re.fullmatch(expression, value):
        yield Violation(path, shown(value), f"to match {expression}")
    allowed = metadata.get("enum")
    if allowed and value not in allowed:
        choice = "one of " if len(allowed) > 1 else ""
        yield Violation(path, shown(value), choice + ", ".join(map(repr, allowed)))


def _integer(value: object, shape: Shape, path: str) -> Iterator[Violation]:
    if isinstance(value, bool) or not isinstance(value, int):
        yield Violation(path, shown(value), "an integer")
    else:
        yield from _within(value, shape, path, "")


def _float(value: object, shape: Shape, path: str) -> Iterator[Violation]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield Violation(path, shown(value), "a number")
    else:
        yield from _within(value, shape, path, "")


def _boolean(value: object, _shape: Shape, path: str) -> Iterator[Violation]:
    if not isinstance(value, bool):
        yield Violation(path, shown(value), "True or False")


def _timestamp(value: object, _shape: Shape, path: str) -> Iterator[Violation]:
    if not isinstance(value, datetime.datetime):
        yield Violation(path, shown(value), "a timezone-aware datetime")
    elif value.utcoffset() is None:
        yield Violation(path, f"{shown(value)}, which is naive", "a timezone-aware datetime")


_CHECKS: dict[str, Callable[[object, Any, str], Iterator[Violation]]] = {
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


def _within(size: float, shape: Shape, path: str, unit: str) -> Iterator[Violation]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if (low is not None and size < low) or (high is not None and size > high):
        span = f"{'' if low is None else low}..{'' if high is None else high}"
        yield Violation(path, f"{size} {unit}".rstrip(), f"{span} {unit}".rstrip())


def _names(names: Iterable[object]) -> str:
    return ", ".join(map(str, names)) or "nothing"
