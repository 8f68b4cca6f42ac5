"""The operations on session actions."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._api.placeholders import Record, item, result
from pytest_deadline_sessions._domain.faults import not_found
from pytest_deadline_sessions._domain.layout import Cut
from pytest_deadline_sessions._service import pagination
from pytest_deadline_sessions._service.registry import operation
from pytest_deadline_sessions._service.workload import definitions

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.service import Service
    from pytest_deadline_sessions._service.state import JobState


@operation("ListSessionActions")
def list_session_actions(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """One page of the session actions of a job, of one session or of one task."""
    job = service.job(params)
    scope = ("ListSessionActions", job.ids)
    begin = pagination.begin(service, scope, params)
    page, following = pagination.cut(service, params, _actions_from(service, job, params, begin))
    listed = [item("ListSessionActions", "sessionActions", action) for action in page]
    return pagination.finish(service, scope, params, {"sessionActions": listed}, following)


@operation("GetSessionAction")
def get_session_action(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """One session action."""
    job, action_id = service.job(params), params["sessionActionId"]
    _, digits, index = action_id.split("-")
    place = job.position(model.id_prefix("SessionId") + digits)
    numbers = range(int(index), int(index) + 1)
    actions = [] if place is None else list(started_actions(service, job, place, numbers))
    if not actions:
        raise not_found("sessionAction", action_id)
    return result("GetSessionAction", actions[0])


def started_actions(
    service: Service, job: JobState, place: int, numbers: range
) -> Iterator[Record]:
    """Yield the actions of a session that have started, as dicts of API member names.

    Args:
        service: The service that has the job.
        job: The job.
        place: The place of the session in the listing.
        numbers: The numbers of the actions to yield.
    """
    timeline = job.timeline(place, service.clock.now())
    if timeline is None or job.work is None:
        return
    started = range(numbers.start, min(numbers.stop, len(timeline)))
    session_id = timeline.summary["sessionId"]
    prefix = model.id_prefix("SessionActionId") + session_id.removeprefix(
        model.id_prefix("SessionId")
    )
    defined = definitions(job.work, job.ids.jobId, place, started)
    for index, definition in zip(started, defined, strict=True):
        action_id = f"{prefix}-{index}"
        yield {
            "sessionActionId": action_id,
            "sessionId": session_id,
            "definition": definition,
            **timeline.action(index),
            **service.state.described.get(action_id, {}),
        }


def _actions_from(
    service: Service, job: JobState, params: Mapping[str, Any], begin: Cut
) -> Iterator[tuple[Cut, Record]]:
    """Yield the requested actions, session by session, from where the page begins."""
    places, indexes = range(len(job)), range(sys.maxsize)
    if "sessionId" in params:
        place = job.position(params["sessionId"])
        if place is None:
            raise not_found("session", params["sessionId"])
        places = range(place, place + 1)
    if "taskId" in params:
        work, (step, task) = job.find_task(params["taskId"])
        place, index = work.place_of(step, task) or (-1, 0)
        places = range(place, place + 1) if place in places else range(0)
        indexes = range(index, index + 1)
    for place in places[max(0, begin.page - places.start) :]:
        first = begin.offset if place == begin.page else 0
        numbers = range(max(first, indexes.start), indexes.stop)
        actions = started_actions(service, job, place, numbers)
        for index, action in enumerate(actions, numbers.start):
            yield Cut(place, index), action
