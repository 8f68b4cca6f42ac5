"""The operations that get many things at once, and tell of each that it is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api.placeholders import item
from pytest_deadline_sessions._domain.faults import FaultError, not_found
from pytest_deadline_sessions._service.operations import records
from pytest_deadline_sessions._service.operations.sessions import find
from pytest_deadline_sessions._service.registry import operation

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.service import Service

_Get = Callable[["Service", Mapping[str, Any]], records.Record]


@operation("BatchGetSession")
def batch_get_session(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Many sessions."""
    return _batch(service, params, "BatchGetSession", "sessions", _session)


@operation("BatchGetStep")
def batch_get_step(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Many steps."""
    return _batch(service, params, "BatchGetStep", "steps", _step)


@operation("BatchGetTask")
def batch_get_task(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Many tasks."""
    return _batch(service, params, "BatchGetTask", "tasks", _task)


def _session(service: Service, named: Mapping[str, Any]) -> records.Record:
    return records.session(*find(service, named))


def _step(service: Service, named: Mapping[str, Any]) -> records.Record:
    return records.step(service, service.job(named), named["stepId"])


def _task(service: Service, named: Mapping[str, Any]) -> records.Record:
    task = records.task(service, service.job(named), named["taskId"])
    if task["stepId"] != named["stepId"]:
        raise not_found("task", named["taskId"])
    return task


def _batch(
    service: Service, params: Mapping[str, Any], name: str, member: str, get: _Get
) -> Mapping[str, Any]:
    items, errors = [], []
    for named in params["identifiers"]:
        try:
            items.append(item(name, member, get(service, named)))
        except FaultError as error:  # noqa: PERF203 (each by itself may be missing)
            fault = error.fault
            told = {**named, "code": fault.code, "message": fault.message}
            errors.append(item(name, "errors", told))
    return {member: items, "errors": errors}
