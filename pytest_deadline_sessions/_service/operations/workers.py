"""The operation on the sessions of a worker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api.placeholders import item
from pytest_deadline_sessions._domain.faults import not_found
from pytest_deadline_sessions._domain.listing import Cut
from pytest_deadline_sessions._service import pagination
from pytest_deadline_sessions._service.operations import records
from pytest_deadline_sessions._service.registry import operation

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.service import Service


@operation("ListSessionsForWorker")
def list_sessions_for_worker(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """One page of the sessions that a worker ran, job after job; it exists if it ran any."""
    named = (params["farmId"], params["fleetId"], params["workerId"])
    scope = ("ListSessionsForWorker", named)
    at = pagination.begin(service, scope, params)
    page, following = pagination.cut(service, params, _found(service, named, at))
    if not page and at == Cut(0, 0):
        records.farm(service, params)
        raise not_found("worker", params["workerId"])
    listed = [item("ListSessionsForWorker", "sessions", one) for one in page]
    return pagination.finish(service, scope, params, {"sessions": listed}, following)


def _found(
    service: Service, named: tuple[str, str, str], at: Cut
) -> Iterator[tuple[Cut, records.Record]]:
    """The sessions of a worker from a place on: so far into that job."""
    farm_id, *worker = named
    for number, job in enumerate(service.state.jobs.values()):
        if number < at.page or job.ids.farmId != farm_id:
            continue
        first = at.offset if number == at.page else 0
        for place, summary in enumerate(job.between(first, len(job)), first):
            if [summary["fleetId"], summary["workerId"]] == worker:
                yield Cut(number, place), {**job.ids._asdict(), **summary}
