"""The operations on steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api.placeholders import Record
from pytest_deadline_sessions._service.operations import progress
from pytest_deadline_sessions._service.operations.batching import batch
from pytest_deadline_sessions._service.operations.creation import created
from pytest_deadline_sessions._service.registry import operation

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.service import Service


@operation("BatchGetStep")
def batch_get_step(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Many steps."""
    return batch(service, params, "BatchGetStep", "steps", _step)


def _step(service: Service, params: Mapping[str, Any]) -> Record:
    """A step of a job as a dict of API member names."""
    job, step_id = service.job(params), params["stepId"]
    work, step = job.find_step(step_id)
    now = service.clock.now()
    timelines = [job.timeline(place, now) for place in work.places(step)]
    state = progress.of_step(work, step, [each for each in timelines if each is not None])
    times = {"startedAt": state.started_at, "endedAt": state.ended_at}
    return {
        **job.ids._asdict(),
        "stepId": step_id,
        "name": f"Step {step + 1}",
        "lifecycleStatus": "CREATE_COMPLETE",
        "taskRunStatus": progress.run_status(state.counts),
        "taskRunStatusCounts": progress.status_counts(state.counts),
        **created([job]),
        **{name: moment for name, moment in times.items() if moment is not None},
        **service.state.described.get(step_id, {}),
    }
