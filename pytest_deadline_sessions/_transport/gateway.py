"""From one HTTP request to the service, and back: what every wire shares."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.faults import Fault, FaultError
from pytest_deadline_sessions._service.service import Answer
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
    """The response to a request; or the fault itself, if it is a broken connection.

    Args:
        service: Who answers.
        method: The method.
        url: The URL; or, as servers get it, no more than its path and query.
        headers: The headers, found by their names in lower case.
        body: The body.

    Raises:
        NotImplementedError: The API has the operation and this service lacks it.
    """
    attempt = 1
    params: dict[str, Any] = {}
    name = f"{method} {url.partition('?')[0]}"
    try:
        path, query = _split(url)
        name = f"{method} {path}"
        name, labels = rest_json.find_operation(method, path)
        params = dict(labels)
        attempt = _attempt(headers)
        if name not in service.operations:
            error = lacking(service, name)
            service.record_failure(name, labels, error, attempt)
            raise error
        params = rest_json.decode(name, labels, query, headers, body)
    except FaultError as error:
        answer = Answer(name, fault=error.fault)
        service.record(answer, params, attempt)
    else:
        answer = service.call(name, params, attempt)
    if answer.fault is None:
        response = rest_json.encode(name, answer.result or {})
    elif answer.fault.broken:
        return answer.fault
    else:
        response = rest_json.encode_fault(answer.fault)
    return _numbered(service, response)


def refuse(service: Service, method: str, target: str, fault: Fault) -> rest_json.Response:
    """The response to a request that does not reach the service; it is written down all the same.

    Args:
        service: Whose transcript it goes into.
        method: The method; empty if nobody can tell.
        target: The path and query; likewise.
        fault: Why.
    """
    if method:
        path = target.partition("?")[0]
        name = f"{method} {path}"
        params: dict[str, str] = {}
        with contextlib.suppress(FaultError):
            name, params = rest_json.find_operation(method, path)
        service.record(Answer(name, fault=fault), params)
    return _numbered(service, rest_json.encode_fault(fault))


def _numbered(service: Service, response: rest_json.Response) -> rest_json.Response:
    request_id = f"00000000-0000-4000-8000-{len(service.transcript):012x}"
    return replace(response, headers={"x-amzn-RequestId": request_id, **response.headers})


def lacking(service: Service, name: str) -> NotImplementedError:
    """The failure for an operation that this service lacks."""
    known = ", ".join(sorted(service.operations))
    return NotImplementedError(
        f"FakeDeadline has no {model.SERVICE}:{name}; it has {known}. "
        f'Add it with @fake.operation("{name}"), see "Operations" in the README.'
    )


def _split(url: str) -> tuple[str, str]:
    """The path and the query."""
    if url.startswith("/"):
        # Two slashes are no host here.
        path, _, query = url.partition("?")
        return path, query
    try:
        parts = urlsplit(url)
    except ValueError:
        raise rest_json.cannot_parse("url", "a URL") from None
    return parts.path, parts.query


def _attempt(headers: Mapping[str, str | bytes]) -> int:
    name = "amz-sdk-request"
    found = _ATTEMPT.search(rest_json.header_text(name, headers.get(name, "")))
    if found is None:
        return 1
    if not _NUMBER.fullmatch(found.group(1)):
        raise rest_json.cannot_parse(name, "attempt=1 or more")
    return int(found.group(1))
