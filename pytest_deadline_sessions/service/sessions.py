"""The operations on sessions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions import lifecycle, model
from pytest_deadline_sessions.faults import Fault, FaultError
from pytest_deadline_sessions.paging import Cut, TokenError
from pytest_deadline_sessions.service.core import not_found, operation
from pytest_deadline_sessions.service.state import JobIds, asked

if TYPE_CHECKING:
    from pytest_deadline_sessions.service.core import Service
    from pytest_deadline_sessions.service.state import JobState

REQUESTER = "arn:aws:sts::111122223333:assumed-role/Artist/alex"

_TOKEN_WORDING = {
    "unknown": "The nextToken isn't valid.",
    "used": "The nextToken was used before.",
    "changed-arguments": "The nextToken was issued for other arguments.",
    "expired": "The nextToken has expired.",
}


@operation("ListSessions")
def list_sessions(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """One page of a job's sessions."""
    behavior = service.behavior
    ids = JobIds(params["farmId"], params["queueId"], params["jobId"])
    if ids not in service.state.jobs and not behavior.unknown_job_is_not_found:
        return {"sessions": []}
    job = service.job(params)
    at = _redeem(service, ids, params)
    limit = params.get("maxResults", model.bounds("MaxResults")[1])
    start, stop, following = job.listing.cut(at, limit, behavior.page_size, len(job))
    result: dict[str, Any] = {"sessions": list(job.between(start, stop))}
    if following is not None:
        result["nextToken"] = service.state.tokens.issue(
            ids,
            _arguments(params),
            following,
            service.clock.now(),
            length=behavior.token_length,
            shared=behavior.tokens_shared_by_jobs,
        )
    elif behavior.empty_final_token:
        result["nextToken"] = ""
    elif behavior.null_final_token:
        result["nextToken"] = None
    return result


@operation("GetSession")
def get_session(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """One session, with where its log is."""
    job, place = _find(service, params)
    summary = job.summary(place)
    return {
        **summary,
        "log": {
            "logDriver": "awslogs",
            "options": {"log-group-name": f"/aws/deadline/{job.ids.farmId}/{job.ids.queueId}"},
            "parameters": {"log-stream-name": summary["sessionId"]},
        },
    }


@operation("UpdateSession")
def update_session(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Ask a session to end."""
    job, place = _find(service, params)
    summary = job.summary(place)
    status = summary["lifecycleStatus"]
    if lifecycle.UPDATE_IN_PROGRESS in lifecycle.TRANSITIONS[status]:
        job.replace(place, asked(summary, service.clock.now(), REQUESTER))
    elif status == lifecycle.ENDED and service.behavior.update_of_ended_conflicts:
        raise FaultError(
            Fault(
                "ConflictException",
                "The session has ended.",
                reason="STATUS_CONFLICT",
                resourceId=summary["sessionId"],
                resourceType="session",
            )
        )
    return {}


def _arguments(params: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted((key, value) for key, value in params.items() if key != "nextToken"))


def _redeem(service: Service, ids: JobIds, params: Mapping[str, Any]) -> Cut:
    behavior = service.behavior
    token = params.get("nextToken")
    if token is None or (token == "" and behavior.empty_token_is_start):
        return Cut(0, 0)
    try:
        return service.state.tokens.redeem(
            token,
            ids,
            _arguments(params),
            service.clock.now(),
            lifetime=behavior.token_lifetime,
            bound=behavior.tokens_bound_to_arguments,
            single_use=behavior.single_use_tokens,
        )
    except TokenError as error:
        raise FaultError(_token_fault(error.kind, service)) from None


def _token_fault(kind: str, service: Service) -> Fault:
    wording = _TOKEN_WORDING[kind]
    if kind == "expired":
        reason = service.behavior.expired_token_reason
    else:
        reason = service.behavior.garbled_token_reason
    if reason == "FIELD_VALIDATION_FAILED":
        fields = [{"name": "nextToken", "message": wording}]
        return Fault("ValidationException", wording, reason=reason, fieldList=fields)
    return Fault("ValidationException", wording, reason=reason)


def _find(service: Service, params: Mapping[str, Any]) -> tuple[JobState, int]:
    job = service.job(params)
    place = job.position(params["sessionId"])
    if place is None:
        raise not_found("session", params["sessionId"])
    return job, place
