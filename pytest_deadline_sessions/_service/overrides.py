"""Members of resources that a test sets with ``describe``, or with ``details`` of a job."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions._arguments import check_kind, refusal, wrong_type, wrong_value

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.state import State

_OPERATIONS = {
    "FarmId": "GetFarm",
    "QueueId": "GetQueue",
    "JobId": "GetJob",
    "StepId": "GetStep",
    "TaskId": "GetTask",
    "SessionActionId": "GetSessionAction",
    "StorageProfileId": "GetStorageProfileForQueue",
}


def describe(state: State, identifier: str, members: Mapping[str, Any]) -> None:
    """Set members of a resource, in addition to those set before."""
    state.described[identifier] = {**state.described.get(identifier, {}), **members}


def check(identifier: object, members: Mapping[str, Any]) -> None:
    """Refuse members that no operation returns for the resource.

    Args:
        identifier: The id of a resource.
        members: Members by their API name, as the operation that gets the resource returns them.

    Raises:
        TypeError: The id is not a string.
        ValueError: The id does not belong to such a resource; the operation does not return a
            member; a member identifies the resource; or the service model does not allow a value.
    """
    operation = _operation_for(identifier)
    known = model.output_shape(operation).members
    identifying = model.input_shape(operation).members
    settable = [name for name in known if name not in identifying]
    for name, value in members.items():
        if name not in settable:
            expected = f"members of {operation}: {', '.join(settable)}"
            raise ValueError(f"{identifier}: {refusal(name, value, expected)}")
        violations = validation.check_shape(value, known[name].name, name)
        if violations:
            raise ValueError(f"{identifier}: {validation.in_one_line(violations)}")


def members(name: str, value: object) -> dict[str, Any]:
    """Check that an argument is a mapping of members by name, and copy it.

    Raises:
        TypeError: The argument is not a mapping with string keys.
    """
    expected = "a dict of members by their API name"
    given = check_kind(name, value, Mapping, expected)
    if not all(isinstance(key, str) for key in given):
        raise wrong_type(name, value, expected)
    return dict(given)


def _operation_for(identifier: object) -> str:
    """The operation that gets a resource, by the kind of its id."""
    expected = f"an id of one of these kinds: {', '.join(_OPERATIONS)}"
    text = check_kind("identifier", identifier, str, expected)
    for name, operation in _OPERATIONS.items():
        if re.fullmatch(model.pattern(name), text):
            return operation
    raise wrong_value("identifier", text, expected)
