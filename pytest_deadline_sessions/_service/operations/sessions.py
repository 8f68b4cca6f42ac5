"""The operations on sessions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions import lifecycle
from pytest_deadline_sessions._api.placeholders import REQUESTER, Record, result
from pytest_deadline_sessions._api.validation import page_limit
from pytest_deadline_sessions._domain.faults import Fault, FaultError, not_found
from pytest_deadline_sessions._service import pagination
from pytest_deadline_sessions._service.operations.batching import batch
from pytest_deadline_sessions._service.registry import operation
from pytest_deadline_sessions._service.state import JobIds
from pytest_deadline_sessions.lifecycle import UPDATE_IN_PROGRESS

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.service import Service
    from pytest_deadline_sessions._service.state import JobState


@operation("ListSessions")
def list_sessions(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """One page of a job's sessions."""
    behavior = service.behavior
    ids = JobIds(params["farmId"], params["queueId"], params["jobId"])
    scope = ("ListSessions", ids)
    if ids not in service.state.jobs and not behavior.unknown_job_is_not_found:
        pagination.begin(service, scope, params)
        return {"sessions": []}
    job = service.job(params)
    at = pagination.begin(service, scope, params)
    start, stop, following = job.cut(at, page_limit(params), behavior.page_size)
    page = {"sessions": list(job.between(start, stop))}
    return pagination.finish(service, scope, params, page, following)


@operation("GetSession")
def get_session(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """One session, with the locations of its logs."""
    return result("GetSession", _session(service, params))


@operation("BatchGetSession")
def batch_get_session(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Many sessions."""
    return batch(service, params, "BatchGetSession", "sessions", _session)


@operation("UpdateSession")
def update_session(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Request the end of a session; repeating a request (same ``clientToken``) changes nothing."""
    job, place = _find(service, params)
    update = (params["sessionId"], params.get("clientToken"))
    if "clientToken" in params and update in service.state.updates:
        return {}
    summary = job.summary(place)
    status = summary["lifecycleStatus"]
    if UPDATE_IN_PROGRESS in lifecycle.TRANSITIONS[status]:
        now = service.clock.now()
        job.replace(place, lifecycle.advance(summary, UPDATE_IN_PROGRESS, now, by=REQUESTER))
    elif status == lifecycle.ENDED:
        if service.behavior.update_of_ended_conflicts:
            raise _conflict(summary, "The session has ended.")
    elif service.behavior.update_of_asked_conflicts:
        raise _conflict(summary, "The session has already been asked to end.")
    service.state.updates.add(update)
    return {}


def _conflict(summary: Mapping[str, Any], message: str) -> FaultError:
    return FaultError(
        Fault(
            "ConflictException",
            message,
            reason="STATUS_CONFLICT",
            resourceId=summary["sessionId"],
            resourceType="session",
        )
    )


def _find(service: Service, params: Mapping[str, Any]) -> tuple[JobState, int]:
    """The job and the place of the session that the parameters name.

    Raises:
        FaultError: There is no such session: ``ResourceNotFoundException``.
    """
    job = service.job(params)
    place = job.position(params["sessionId"])
    if place is None:
        raise not_found("session", params["sessionId"])
    return job, place


def _session(service: Service, params: Mapping[str, Any]) -> Record:
    """A session as a dict of API member names, with the locations of its log and worker log."""
    job, place = _find(service, params)
    summary = job.summary(place)
    farm_id, queue_id, _ = job.ids
    return {
        **job.ids._asdict(),
        **summary,
        "log": _log(f"/aws/deadline/{farm_id}/{queue_id}", summary["sessionId"]),
        "workerLog": _log(f"/aws/deadline/{farm_id}/{summary['fleetId']}", summary["workerId"]),
    }


def _log(group: str, stream: str) -> Record:
    """The location of a log, with the option names that AWS's own programs look for."""
    return {
        "logDriver": "awslogs",
        "options": {"logGroupName": group, "logStreamName": stream},
        "parameters": {"interval": "15"},
    }
