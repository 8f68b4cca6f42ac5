"""Turn one HTTP request into a call of the service, and its answer into a response."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.faults import Fault, FaultError
from pytest_deadline_sessions._transport import rest_json

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.service import Service

_ATTEMPT = re.compile("(?:^|[; ,])attempt=([^; ,]*)")
_NUMBER = re.compile("[1-9][0-9]{0,8}")


def respond(
    service: Service,
    method: str,
    url: str,
    headers: Mapping[str, str | bytes],
    body: bytes | str | None,
) -> rest_json.Response | Fault:
    """The response to a request, or the fault itself if it is a broken connection.

    Args:
        service: The service that answers.
        method: The HTTP method.
        url: The URL, or only its path and query, which is all that a server receives.
        headers: The headers, by their names in lower case.
        body: The body.

    Raises:
        NotImplementedError: The API has the operation but this service lacks it.
    """
    with service.recording(f"{method} {url.partition('?')[0]}") as exchange:
        path, query = _split(url)
        exchange.operation = f"{method} {path}"
        name, labels = rest_json.find_operation(method, path)
        exchange.operation, exchange.params = name, labels
        exchange.attempt = _attempt(headers)
        _refuse_lacking(service, name)
        exchange.params = rest_json.decode(name, labels, query, headers, body)
        service.answer(exchange)
        # Inside, so that a result that JSON cannot hold is recorded as an error.
        response = rest_json.encode(exchange.operation, exchange.result or {})
    fault = exchange.fault
    if fault is not None:
        if fault.broken:
            return fault
        response = rest_json.encode_fault(fault)
    return _numbered(service, response)


def refuse(service: Service, method: str, target: str, fault: Fault) -> rest_json.Response:
    """Record a request that is refused before it is parsed, and return the response.

    Args:
        service: The service that records the request.
        method: The HTTP method; empty if it could not be read.
        target: The path and query; empty if they could not be read.
        fault: The fault to answer with.
    """
    if method:
        path = target.partition("?")[0]
        name = f"{method} {path}"
        params: dict[str, str] = {}
        with contextlib.suppress(FaultError):
            name, params = rest_json.find_operation(method, path)
        with service.recording(name, params):
            raise FaultError(fault)
    return _numbered(service, rest_json.encode_fault(fault))


def _numbered(service: Service, response: rest_json.Response) -> rest_json.Response:
    request_id = f"00000000-0000-4000-8000-{len(service.transcript):012x}"
    headers = {"x-amzn-RequestId": request_id, **response.headers}
    return rest_json.Response(response.status, headers, response.body)


def refuse_lacking(service: Service, name: str, method: str, path: str) -> None:
    """Fail a call to an operation that the service lacks, before the client sends it.

    Args:
        service: The service that would answer.
        name: The API name of the operation.
        method: The method of the request.
        path: Its path.

    Raises:
        NotImplementedError: The service lacks the operation.
    """
    if name not in service.operations:
        with service.recording(name, rest_json.find_operation(method, path)[1]):
            _refuse_lacking(service, name)


def _refuse_lacking(service: Service, name: str) -> None:
    if name in service.operations:
        return
    names = ", ".join(sorted(service.operations))
    msg = (
        f"FakeDeadline has no {model.SERVICE}:{name}; it has {names}. "
        f'Add it with @fake.operation("{name}"); see "Operations" in the README.'
    )
    raise NotImplementedError(msg)


def _split(url: str) -> tuple[str, str]:
    """The path and the query."""
    if url.startswith("/"):
        # A path may begin with two slashes; urlsplit would take the next segment for a host.
        path, _, query = url.partition("?")
        return path, query
    # The path is the same for all pages of a job, and urlsplit remembers what it has split.
    address, _, query = url.partition("#")[0].partition("?")
    try:
        return urlsplit(address).path, query
    except ValueError:
        raise rest_json.cannot_parse("url", "a URL") from None


def _attempt(headers: Mapping[str, str | bytes]) -> int:
    name = "amz-sdk-request"
    match = _ATTEMPT.search(rest_json.header_text(name, headers.get(name, "")))
    if match is None:
        return 1
    if not _NUMBER.fullmatch(match.group(1)):
        raise rest_json.cannot_parse(name, "attempt=1 or more")
    return int(match.group(1))
