"""The Deadline Cloud API as the installed botocore models it.

Every pattern, limit, enum, member and error shape that this package uses comes from botocore's
``service-2.json``, which is read once, on first use.

Example:
    >>> enum("SessionLifecycleStatus")[0], bounds("MaxResults")
    ('STARTED', (1, 100))
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, TypeGuard, cast

from pytest_deadline_sessions._arguments import check_kind, wrong_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from botocore.loaders import Loader
    from botocore.model import (
        ListShape,
        MapShape,
        OperationModel,
        ServiceModel,
        Shape,
        StructureShape,
    )

SERVICE = "deadline"
OPERATION = "ListSessions"

_LONGEST_TOKEN = 4096


@functools.cache
def loader() -> Loader:
    """The process's botocore loader, which reads botocore's own data and nothing else."""
    from botocore.loaders import Loader

    return Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)


@functools.cache
def service_model() -> ServiceModel:
    """The installed service model of Deadline Cloud.

    Raises:
        RuntimeError: The installed botocore has no model of Deadline Cloud.
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
    """The API names of all operations of the service."""
    return list(service_model().operation_names)


@functools.cache
def operation_model(name: str = OPERATION) -> OperationModel:
    """The model of one operation.

    Raises:
        TypeError: The name is not a string.
        ValueError: The service has no such operation.
    """
    expected = f"an operation of {SERVICE}, such as {OPERATION!r}"
    if check_kind("operation", name, str, expected) not in operation_names():
        raise wrong_value("operation", name, expected)
    return service_model().operation_model(name)


def host_prefix(operation: str) -> str:
    """The prefix that SDKs add to the host for an operation, such as ``management.``; or empty."""
    # botocore's type stubs declare the endpoint as a string.
    endpoint = cast("dict[str, str] | None", operation_model(operation).endpoint)
    return (endpoint or {}).get("hostPrefix", "")


def input_shape(operation: str = OPERATION) -> StructureShape:
    """The shape of an operation's parameters, which every operation of Deadline Cloud has.

    Raises:
        ValueError: The service has no such operation.
    """
    return cast("StructureShape", operation_model(operation).input_shape)


def output_shape(operation: str = OPERATION) -> StructureShape:
    """The shape of an operation's result, which every operation of Deadline Cloud has.

    Raises:
        ValueError: The service has no such operation.
    """
    return cast("StructureShape", operation_model(operation).output_shape)


def item_shape(operation: str, member: str) -> StructureShape:
    """The shape of the items in a list that an operation returns.

    Args:
        operation: The API name of the operation.
        member: The list in its result, such as ``sessions``.

    Example:
        >>> item_shape("ListSessions", "sessions").name
        'SessionSummary'
    """
    items = cast("ListShape", output_shape(operation).members[member])
    return cast("StructureShape", items.member)


@functools.cache
def shape(name: str) -> Shape:
    """A shape of the service model by its name, such as ``SessionSummary``."""
    return service_model().shape_for(name)


def is_structure(shape: Shape) -> TypeGuard[StructureShape]:
    """Whether a shape is a structure, with members."""
    return shape.type_name == "structure"


def is_list(shape: Shape) -> TypeGuard[ListShape]:
    """Whether a shape is a list, with items."""
    return shape.type_name == "list"


def is_map(shape: Shape) -> TypeGuard[MapShape]:
    """Whether a shape is a map, with keys and values."""
    return shape.type_name == "map"


def pattern(name: str) -> str:
    """The regular expression, without anchors, that a whole value of a string shape must match."""
    return bare(shape(name).metadata["pattern"])


def bare(expression: str) -> str:
    """A pattern without the anchors of older models; we match the whole value anyway."""
    return expression.removeprefix("^").removesuffix("$")


def enum(name: str) -> tuple[str, ...]:
    """The values of an enumeration, such as ``SessionLifecycleStatus``, in the model's order."""
    return tuple(shape(name).metadata["enum"])


def bounds(name: str) -> tuple[int, int]:
    """The smallest and the largest value (or length) that a shape allows."""
    metadata = shape(name).metadata
    return int(metadata["min"]), int(metadata["max"])


def members(name: str) -> dict[str, Shape]:
    """The members of a structure, in the model's order."""
    return dict(cast("StructureShape", shape(name)).members)


def required(name: str) -> tuple[str, ...]:
    """The required members of a structure."""
    return tuple(shape(name).required_members)


@functools.cache
def error_shapes(operation: str = OPERATION) -> dict[str, StructureShape]:
    """The errors that the service model lists for an operation, by error code."""
    return _by_code(operation_model(operation).error_shapes)


def all_error_shapes() -> dict[str, StructureShape]:
    """The errors of all operations, by error code."""
    return _by_code(service_model().error_shapes)


def _by_code(errors: Iterable[Shape]) -> dict[str, StructureShape]:
    structures = (cast("StructureShape", error) for error in errors)
    return {structure.error_code: structure for structure in structures}


def token_bounds() -> tuple[int, int]:
    """The shortest and the longest token, in characters.

    If the service model is an older one without limits, those of the API reference apply.
    """
    metadata = members(input_shape().name)["nextToken"].metadata
    return int(metadata.get("min", 0)), int(metadata.get("max", _LONGEST_TOKEN))


@functools.cache
def id_prefix(name: str) -> str:
    """The fixed text before the hexadecimal digits of an id shape: ``farm-`` for ``FarmId``."""
    return pattern(name).split("[", 1)[0]


def make_id(name: str, number: int) -> str:
    """The id with a given number, for an id shape.

    Example:
        >>> make_id("FarmId", 255)
        'farm-000000000000000000000000000000ff'
    """
    return f"{id_prefix(name)}{number:032x}"
