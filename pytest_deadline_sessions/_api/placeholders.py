"""From what is known of a resource to the structure that an operation gives, by its shape."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from pytest_deadline_sessions._api import model

EPOCH = datetime.datetime(2025, 1, 1, 9, tzinfo=datetime.timezone.utc)
"""A moment where any will do."""

ACCOUNT = "111122223333"
REQUESTER = f"arn:aws:sts::{ACCOUNT}:assumed-role/Artist/alex"
CREATOR = REQUESTER

Record = dict[str, Any]
"""A resource by the API's names, before it is cut to the shape of an operation's result."""


def result(operation: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """What an operation gives: see ``fill``."""
    return fill(model.operation_model(operation).output_shape, known)


def item(operation: str, member: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """One item of a list that an operation gives: see ``fill``."""
    return fill(model.operation_model(operation).output_shape.members[member].member, known)


def fill(shape: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    """The structure of that shape: members that are known, and plausible ones that it requires.

    What is known and has no place in the shape is left out, so that one record of a resource serves
    every operation that tells of it. No text is invented where the shape has a pattern other than
    that of an id: that must be known.

    Args:
        shape: A structure of the service model.
        known: Values by the name of their member.
    """
    return {
        name: _fitting(member, known[name]) if name in known else _plausible(member)
        for name, member in shape.members.items()
        if name in known or name in shape.required_members
    }


def _fitting(shape: Any, value: Any) -> Any:
    return fill(shape, value) if shape.type_name == "structure" else value


def _plausible(shape: Any) -> Any:
    return _MAKERS[shape.type_name](shape)


def _structure(shape: Any) -> dict[str, Any]:
    if shape.metadata.get("union"):
        name, member = next(iter(shape.members.items()))
        return {name: _plausible(member)}
    return fill(shape, {})


def _list(shape: Any) -> list[Any]:
    return [_plausible(shape.member)] * shape.metadata.get("min", 0)


def _string(shape: Any) -> str:
    if shape.metadata.get("enum"):
        return str(shape.metadata["enum"][0])
    if shape.metadata.get("pattern"):
        return model.make_id(shape.name, 1)
    return "unknown"


def _number(shape: Any) -> float:
    least: float = shape.metadata.get("min", 0)
    return max(0, least)


def _moment(_shape: Any) -> datetime.datetime:
    return EPOCH


_MAKERS: dict[str, Callable[[Any], Any]] = {
    "structure": _structure,
    "list": _list,
    "map": lambda _shape: {},
    "string": _string,
    "integer": _number,
    "long": _number,
    "float": _number,
    "double": _number,
    "boolean": lambda _shape: False,
    "timestamp": _moment,
}
