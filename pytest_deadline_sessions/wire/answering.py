"""From one HTTP request to the service, and back: what every wire shares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_deadline_sessions import model
from pytest_deadline_sessions.faults import Fault, FaultError
from pytest_deadline_sessions.service.core import Answer
from pytest_deadline_sessions.wire import rest_json

if TYPE_CHECKING:
    from pytest_deadline_sessions.service import Service

_ATTEMPT = re.compile(r"attempt=(\d+)")


def respond(
    service: Service,
    method: str,
    url: str,
    headers: Mapping[str, str | bytes],
    body: bytes | str | None,
) -> rest_json.Response | Fault:
    """The response to a request; or the fault itself, if it is a broken connection.

    Raises:
        NotImplementedError: The API has the operation and this service lacks it.
    """
    attempt = _attempt(headers)
    parts = urlsplit(url)
    params: dict[str, Any] = {}
    name = f"{method} {parts.path}"
    try:
        name, labels = rest_json.find_operation(method, parts.path)
        if name not in service.operations:
            error = lacking(service, name)
            service.record_failure(name, labels, error, attempt)
            raise error
        params = dict(labels)
        params = rest_json.decode(name, labels, parts.query, headers, body)
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
    request_id = f"00000000-0000-4000-8000-{len(service.transcript):012x}"
    return replace(response, headers={"x-amzn-RequestId": request_id, **response.headers})


def lacking(service: Service, name: str) -> NotImplementedError:
    """The failure for an operation that this service lacks."""
    known = ", ".join(sorted(service.operations))
    return NotImplementedError(
        f"FakeDeadline has no {model.SERVICE}:{name}; it has {known}. "
        f'Add it with @fake.operation("{name}"), see "Operations" in the README.'
    )


def _attempt(headers: Mapping[str, Any]) -> int:
    value = headers.get("amz-sdk-request", "")
    if isinstance(value, bytes):
        value = value.decode()
    found = _ATTEMPT.search(value)
    return int(found.group(1)) if found else 1
