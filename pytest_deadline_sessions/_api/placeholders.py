"""Example values for members where any value will do, and results completed with them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api import model

if TYPE_CHECKING:
    from botocore.model import ListShape, Shape, StructureShape

EPOCH = datetime.datetime(2025, 1, 1, 9, tzinfo=datetime.timezone.utc)
"""The example timestamp."""

ACCOUNT = "111122223333"


def requester(role: str, name: str, account: str = ACCOUNT) -> str:
    """The ARN of somebody who has assumed a role, as in ``updatedBy``.

    Example:
        >>> requester("Artist", "alex")
        'arn:aws:sts::111122223333:assumed-role/Artist/alex'
    """
    return f"arn:aws:sts::{account}:assumed-role/{role}/{name}"


REQUESTER = requester("Artist", "alex")
OTHER_REQUESTERS = (f"arn:aws:iam::{ACCOUNT}:user/alex", requester("Wrangler", "sam"))

_PATTERNED = {
    "EnvironmentId": f"JOB:job-{1:032x}:Environment",
    "IamRoleArn": f"arn:aws:iam::{ACCOUNT}:role/Farm",
    "IdentityCenterInstanceArn": "arn:aws:sso:::instance/ssoins-0123456789abcdef",
    "KmsKeyArn": f"arn:aws:kms:us-west-2:{ACCOUNT}:key/studio",
    "Subdomain": "studio",
}
"""Examples of strings that have a pattern and are no ids, by the name of their shape."""

Record = dict[str, Any]
"""A resource as a dict of API member names, before it is cut to an operation's output shape."""


def example_id(shape: str) -> str:
    """The example id of an id shape.

    Args:
        shape: The name of the shape, such as ``FarmId``.
    """
    return model.make_id(shape, 1)


def example_ids(*members: str) -> dict[str, str]:
    """Example ids, by member name.

    Example:
        >>> example_ids("farmId")
        {'farmId': 'farm-00000000000000000000000000000001'}
    """
    return {member: example_id(member[0].upper() + member[1:]) for member in members}


def result(operation: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """The result of an operation, completed by ``fill``."""
    return fill(model.output_shape(operation), known)


def item(operation: str, member: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """One item of a list in the result of an operation, completed by ``fill``."""
    return fill(model.item_shape(operation, member), known)


def fill(shape: StructureShape, known: Mapping[str, Any]) -> dict[str, Any]:
    """Build a structure from known members, and examples for required members that are missing.

    Known members that the shape lacks are left out, so that one record of a resource serves every
    operation that returns it. A required string with a pattern must be known, unless it is an id or
    there is an example of it.

    Args:
        shape: A structure of the service model.
        known: Values by member name.
    """
    return {
        name: _fitting(member, known[name]) if name in known else example(member)
        for name, member in shape.members.items()
        if name in known or name in shape.required_members
    }


def _fitting(shape: Shape, value: Any) -> object:
    return fill(shape, value) if model.is_structure(shape) else value


def example(shape: Shape) -> object:
    """An example value of any shape."""
    return _MAKERS[shape.type_name](shape)


def _structure(shape: StructureShape) -> dict[str, Any]:
    if shape.metadata.get("union"):
        name, member = next(iter(shape.members.items()))
        return {name: example(member)}
    return fill(shape, {})


def _list(shape: ListShape) -> list[Any]:
    return [example(shape.member)] * shape.metadata.get("min", 0)


def _string(shape: Shape) -> str:
    if shape.metadata.get("enum"):
        return str(shape.metadata["enum"][0])
    if shape.metadata.get("pattern"):
        return _PATTERNED.get(shape.name) or _valid_id(shape)
    return "unknown"


def _valid_id(shape: Shape) -> str:
    """The example id of an id shape; those of tasks and session actions end with a number."""
    made = example_id(shape.name)
    return made if re.fullmatch(model.bare(shape.metadata["pattern"]), made) else f"{made}-0"


def _number(shape: Shape) -> float:
    least: float = shape.metadata.get("min", 0)
    return max(0, least)


def _moment(_shape: Shape) -> datetime.datetime:
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
