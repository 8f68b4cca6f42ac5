"""The operations on workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api.placeholders import Record, item
from pytest_deadline_sessions._domain.faults import not_found
from pytest_deadline_sessions._domain.layout import Cut
from pytest_deadline_sessions._service import pagination
from pytest_deadline_sessions._service.operations.farms import farm
from pytest_deadline_sessions._service.registry import operation

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.service import Service


@operation("ListSessionsForWorker")
def list_sessions_for_worker(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """One page of the sessions that a worker ran; a worker exists if it ran any session."""
    worker = (params["farmId"], params["fleetId"], params["workerId"])
    scope = ("ListSessionsForWorker", worker)
    begin = pagination.begin(service, scope, params)
    page, following = pagination.cut(service, params, _sessions_from(service, worker, begin))
    if not page and begin == Cut(0, 0):
        farm(service, params)
        raise not_found("worker", params["workerId"])
    listed = [item("ListSessionsForWorker", "sessions", session) for session in page]
    return pagination.finish(service, scope, params, {"sessions": listed}, following)


def _sessions_from(
    service: Service, worker: tuple[str, str, str], begin: Cut
) -> Iterator[tuple[Cut, Record]]:
    """Yield the sessions of a worker, job by job, from where the page begins."""
    farm_id, *ids = worker
    for number, job in enumerate(service.state.jobs.values()):
        if number < begin.page or job.ids.farmId != farm_id:
            continue
        first = begin.offset if number == begin.page else 0
        for place, summary in enumerate(job.between(first, len(job)), first):
            if [summary["fleetId"], summary["workerId"]] == ids:
                yield Cut(number, place), {**job.ids._asdict(), **summary}
