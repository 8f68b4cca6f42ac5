"""Members of resources that a test wants to fix."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pytest_deadline_sessions._api import model, validation

_TOLD_BY = {
    "FarmId": "GetFarm",
    "QueueId": "GetQueue",
    "JobId": "GetJob",
    "StepId": "GetStep",
    "TaskId": "GetTask",
    "SessionActionId": "GetSessionAction",
    "StorageProfileId": "GetStorageProfileForQueue",
}


def check(identifier: Any, members: Mapping[str, Any]) -> None:
    """Refuse to describe what the service does not tell of in that way.

    Args:
        identifier: The id of a resource.
        members: Members by their API name, as the operation that gets the resource gives them.

    Raises:
        ValueError: No id of such a resource; a member that the operation does not give, or that
            names the resource; or a value that the service model does not allow.
    """
    operation = _told_by(identifier)
    shape = model.operation_model(operation)
    known = shape.output_shape.members
    free = [name for name in known if name not in shape.input_shape.members]
    for name, value in members.items():
        if name not in free:
            msg = f"{identifier}: {name}={value!r} (expected members of {operation}: "
            raise ValueError(f"{msg}{', '.join(free)})")
        found = validation.check_shape(value, known[name].name, name)
        if found:
            raise ValueError(f"{identifier}: " + "; ".join(map(str, found)))


def members(name: str, value: Any) -> dict[str, Any]:
    """The members that an argument gives by their name.

    Raises:
        TypeError: It is no mapping of names.
    """
    if not isinstance(value, Mapping) or not all(isinstance(one, str) for one in value):
        msg = f"{name}={value!r} (expected a dict of members by their API name)"
        raise TypeError(msg)
    return dict(value)


def _told_by(identifier: Any) -> str:
    for name, operation in _TOLD_BY.items():
        if isinstance(identifier, str) and re.fullmatch(model.pattern(name), identifier):
            return operation
    msg = f"identifier={identifier!r} (expected an id: {', '.join(_TOLD_BY)})"
    raise ValueError(msg)
