"""The operations on tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._api.placeholders import Record
from pytest_deadline_sessions._domain.faults import not_found
from pytest_deadline_sessions._service.operations.batching import batch
from pytest_deadline_sessions._service.operations.creation import created
from pytest_deadline_sessions._service.operations.session_actions import started_actions
from pytest_deadline_sessions._service.registry import operation
from pytest_deadline_sessions._service.workload import parameters

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.service import Service


@operation("BatchGetTask")
def batch_get_task(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Many tasks."""
    return batch(service, params, "BatchGetTask", "tasks", _task)


def _task(service: Service, params: Mapping[str, Any]) -> Record:
    """A task of a step as a dict of API member names."""
    job, task_id = service.job(params), params["taskId"]
    work, (step, task) = job.find_task(task_id)
    if work.step_id(step) != params["stepId"]:
        raise not_found("task", task_id)
    record = {
        **job.ids._asdict(),
        "stepId": work.step_id(step),
        "taskId": task_id,
        "runStatus": "READY",
        "parameters": parameters(task),
        **created([job]),
    }
    run = work.place_of(step, task)
    if run is not None:
        place, index = run
        for action in started_actions(service, job, place, range(index, index + 1)):
            record["latestSessionActionId"] = action["sessionActionId"]
            if action["status"] in model.enum("TaskRunStatus"):
                record["runStatus"] = action["status"]
            times = ("startedAt", "endedAt")
            record.update({name: action[name] for name in times if name in action})
    return {**record, **service.state.described.get(task_id, {})}
