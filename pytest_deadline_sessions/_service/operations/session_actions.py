"""The operations on session actions."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._api.placeholders import item, result
from pytest_deadline_sessions._domain.faults import not_found
from pytest_deadline_sessions._domain.listing import Cut
from pytest_deadline_sessions._service import pagination
from pytest_deadline_sessions._service.operations import records
from pytest_deadline_sessions._service.registry import operation

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.service import Service
    from pytest_deadline_sessions._service.state import JobState


@operation("ListSessionActions")
def list_session_actions(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """One page of what sessions did: those of a job, of one session, or for one task."""
    job = service.job(params)
    scope = ("ListSessionActions", job.ids)
    at = pagination.begin(service, scope, params)
    page, following = pagination.cut(service, params, _found(service, job, params, at))
    listed = [item("ListSessionActions", "sessionActions", one) for one in page]
    return pagination.finish(service, scope, params, {"sessionActions": listed}, following)


@operation("GetSessionAction")
def get_session_action(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """One session action."""
    job, action_id = service.job(params), params["sessionActionId"]
    _, digits, index = action_id.split("-")
    place = job.position(model.id_prefix("SessionId") + digits)
    some = range(int(index), int(index) + 1)
    found = [] if place is None else list(records.actions(service, job, place, some))
    if not found:
        raise not_found("sessionAction", action_id)
    return result("GetSessionAction", found[0])


def _found(
    service: Service, job: JobState, params: Mapping[str, Any], at: Cut
) -> Iterator[tuple[Cut, records.Record]]:
    """The actions that were asked for from a place on, session after session."""
    places, some = range(len(job)), range(sys.maxsize)
    if "sessionId" in params:
        place = job.position(params["sessionId"])
        if place is None:
            raise not_found("session", params["sessionId"])
        places = range(place, place + 1)
    if "taskId" in params:
        place, index = records.run(job, params["taskId"]) or (-1, 0)
        places = range(place, place + 1) if place in places else range(0)
        some = range(index, index + 1)
    for place in places[max(0, at.page - places.start) :]:
        first = at.offset if place == at.page else 0
        wanted = range(max(first, some.start), some.stop)
        for index, action in enumerate(records.actions(service, job, place, wanted), wanted.start):
            yield Cut(place, index), action
