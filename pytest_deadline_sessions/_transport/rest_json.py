"""Translate between HTTP and operations, as the service model describes."""

from __future__ import annotations

import datetime
import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.faults import Fault, FaultError
from pytest_deadline_sessions._text import shown

if TYPE_CHECKING:
    from botocore.model import Shape

_JSON = {"Content-Type": "application/json"}
_BAD_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class Response:
    """An HTTP response.

    Attributes:
        status: The status code.
        headers: The headers.
        body: The JSON body.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class _Route:
    operation: str
    method: str
    path: re.Pattern[str]
    labels: tuple[str, ...]


def find_operation(method: str, path: str) -> tuple[str, dict[str, str]]:
    """The operation for a method and a path, and the values of the labels in the path.

    Anything before the API version in the path belongs to the endpoint and is ignored.

    Raises:
        FaultError: ``ValidationException``: no operation matches (``UNKNOWN_OPERATION``), or a
            label cannot be parsed (``CANNOT_PARSE``).
    """
    operation, labels = _match(method, path)
    return operation, dict(labels)


# The path is the same for all pages of a job.
@functools.lru_cache(maxsize=256)
def _match(method: str, path: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    at = path.find(f"/{model.service_model().api_version}/")
    path = path[max(at, 0) :].rstrip("/")
    for route in _routes().get((method.upper(), path.count("/")), ()):
        match = route.path.fullmatch(path)
        if match:
            labels = zip(route.labels, match.groups(), strict=True)
            return route.operation, tuple((name, _unescaped(name, value)) for name, value in labels)
    wording = f"There is no operation {method.upper()} {path}."
    raise FaultError(Fault("ValidationException", wording, reason="UNKNOWN_OPERATION"))


def decode(
    operation: str,
    labels: Mapping[str, str],
    query: str,
    headers: Mapping[str, str | bytes],
    body: bytes | str | None,
) -> dict[str, Any]:
    """The parameters of a request.

    Args:
        operation: The operation, from ``find_operation``.
        labels: Its labels, from ``find_operation``.
        query: The query of the URL, as sent.
        headers: The request headers.
        body: The request body.

    Raises:
        FaultError: Parsing failed: ``ValidationException`` with reason ``CANNOT_PARSE``.
    """
    members = _members(operation)
    arguments = _arguments(query) if query else {}
    params: dict[str, Any] = {name: labels[wire_name] for name, wire_name, _ in members["uri"]}
    for name, wire_name, member in members["querystring"]:
        if wire_name in arguments:
            params[name] = _from_text(name, arguments[wire_name], member)
    if members["header"]:
        lowered = {name.lower(): value for name, value in headers.items()}
        for name, wire_name, member in members["header"]:
            if wire_name.lower() in lowered:
                value = header_text(wire_name, lowered[wire_name.lower()])
                params[name] = _from_text(name, [value], member)
    if members["body"] and body:
        parsed = _parse(body)
        for name, _, member in members["body"]:
            if parsed.get(name) is not None:
                params[name] = _from_json(parsed[name], member, name)
    return params


@functools.cache
def _members(operation: str) -> dict[str, list[tuple[str, str, Shape]]]:
    """The members of a request by where they are, each with its name there."""
    members: dict[str, list[tuple[str, str, Shape]]] = {
        place: [] for place in ("uri", "querystring", "header", "body")
    }
    for name, member in model.input_shape(operation).members.items():
        place = member.serialization.get("location", "body")
        wire_name = member.serialization.get("name", name)
        members.get(place, members["body"]).append((name, wire_name, member))
    return members


def encode(operation: str, result: Mapping[str, Any]) -> Response:
    """The response that carries a result. The service sends the whole result in the body."""
    status = int(model.operation_model(operation).http.get("responseCode", 200))
    return Response(status, _JSON, json.dumps(result, default=_text).encode())


def encode_fault(fault: Fault) -> Response:
    """The response that carries a modelled error. A broken connection has no response."""
    body = json.dumps(fault.body, default=_text).encode()
    return Response(fault.status or 500, {**_JSON, **fault.headers}, body)


def header_text(name: str, value: str | bytes) -> str:
    """The text of a header.

    Raises:
        FaultError: Parsing failed: ``ValidationException`` with reason ``CANNOT_PARSE``.
    """
    if isinstance(value, str):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise cannot_parse(name, "UTF-8") from None


def cannot_parse(name: str, expected: str, why: str = "") -> FaultError:
    """The error that refuses a request because part of it cannot be parsed."""
    wording = f"{name} cannot be parsed (expected {expected})"
    return FaultError(
        Fault(
            "ValidationException",
            f"{wording}: {why}" if why else wording,
            reason="CANNOT_PARSE",
            fieldList=[{"name": name, "message": f"expected {expected}"}],
        )
    )


@functools.cache
def _routes() -> dict[tuple[str, int], list[_Route]]:
    routes: dict[tuple[str, int], list[_Route]] = {}
    for name in model.operation_names():
        http = model.operation_model(name).http
        method, path = http["method"], http["requestUri"].split("?")[0]
        labels = tuple(re.findall(r"{(\w+)\+?}", path))
        expression = re.compile(re.sub(r"{\w+\+?}", "([^/]*)", path))
        routes.setdefault((method, path.count("/")), []).append(
            _Route(name, method, expression, labels)
        )
    for candidates in routes.values():
        # A fixed segment matches better than a label.
        candidates.sort(key=lambda route: len(route.labels))
    return routes


def _parse(body: bytes | str) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise cannot_parse("body", "a JSON object")
    return parsed


def _arguments(query: str) -> dict[str, list[str]]:
    _refuse_escapes("query", query)
    try:
        return parse_qs(query, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise cannot_parse("query", "UTF-8") from None


def _unescaped(name: str, value: str) -> str:
    _refuse_escapes(name, value)
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise cannot_parse(name, "UTF-8") from None


def _refuse_escapes(name: str, value: str) -> None:
    if _BAD_ESCAPE.search(value):
        raise cannot_parse(name, "two hexadecimal digits after each %")


def _from_text(name: str, values: list[str], shape: Shape) -> Any:
    if model.is_list(shape):
        return [_from_text(name, [value], shape.member) for value in values]
    value = values[0]
    if shape.type_name in {"integer", "long"}:
        if not re.fullmatch(r"-?[0-9]{1,18}", value):
            raise cannot_parse(name, "an integer")
        return int(value)
    return value


def _from_json(value: Any, shape: Shape, path: str) -> Any:
    if model.is_structure(shape) and isinstance(value, dict):
        members = shape.members
        return {
            name: _from_json(item, members[name], f"{path}.{name}") if name in members else item
            for name, item in value.items()
            if item is not None
        }
    if model.is_list(shape) and isinstance(value, list):
        return [
            _from_json(item, shape.member, f"{path}[{index}]") for index, item in enumerate(value)
        ]
    if model.is_map(shape) and isinstance(value, dict):
        return {
            key: _from_json(item, shape.value, f"{path}[{key!r}]") for key, item in value.items()
        }
    if shape.type_name == "timestamp":
        return _moment(path, value)
    return value


def _moment(name: str, value: Any) -> datetime.datetime:
    from botocore.utils import parse_to_aware_datetime

    try:
        return parse_to_aware_datetime(value)
    # Botocore raises RuntimeError for a number out of range.
    except (ValueError, RuntimeError, OverflowError):
        raise cannot_parse(name, "a timestamp") from None


def _text(value: Any) -> str:
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not datetime.timezone.utc:
            value = value.astimezone(datetime.timezone.utc)
        return _utc_text(value)
    msg = f"{shown(value)} (expected a JSON value or a datetime)"
    raise TypeError(msg)


# Tests page through the same listings again and again.
@functools.lru_cache(maxsize=4096)
def _utc_text(moment: datetime.datetime) -> str:
    return f"{moment.isoformat().removesuffix('+00:00')}Z"
