"""The operations on jobs."""

from __future__ import annotations

import collections
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api.placeholders import Record, item, result
from pytest_deadline_sessions._domain.layout import Cut
from pytest_deadline_sessions._service import pagination
from pytest_deadline_sessions._service.operations import progress
from pytest_deadline_sessions._service.operations.creation import created
from pytest_deadline_sessions._service.operations.queues import queue
from pytest_deadline_sessions._service.registry import operation

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.service import Service
    from pytest_deadline_sessions._service.state import JobState
    from pytest_deadline_sessions._service.workload import Work


@operation("GetJob")
def get_job(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """One job."""
    return result("GetJob", job_record(service, service.job(params)))


@operation("ListJobs")
def list_jobs(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """One page of the jobs of a queue, in the order in which they were added.

    The fake knows no users, so ``principalId`` leaves no job out.
    """
    queue(service, params)
    scope = ("ListJobs", params["farmId"], params["queueId"])
    begin = pagination.begin(service, scope, params)
    placed = (
        (Cut(place, 0), state)
        for place, state in enumerate(service.state.jobs.values())
        if place >= begin.page
        and (state.ids.farmId, state.ids.queueId) == (params["farmId"], params["queueId"])
    )
    page, following = pagination.cut(service, params, placed)
    listed = [item("ListJobs", "jobs", job_record(service, state)) for state in page]
    return pagination.finish(service, scope, params, {"jobs": listed}, following)


def job_record(service: Service, job: JobState) -> Record:
    """A job as a dict of API member names."""
    starts = job.started()
    record = {
        **job.ids._asdict(),
        "name": job.ids.jobId,
        "lifecycleStatus": "CREATE_COMPLETE",
        "lifecycleStatusMessage": "",
        "priority": 50,
        **created([job]),
        **({"startedAt": min(starts)} if starts else {}),
    }
    if job.work is None:
        record.update(_without_work(job))
    else:
        record.update(_with_work(service, job, job.work))
    return {**record, **service.state.described.get(job.ids.jobId, {})}


def _without_work(job: JobState) -> Record:
    """The progress of a job without steps, as far as its sessions show it."""
    ends = job.ended()
    status = "SUCCEEDED" if ends else "RUNNING" if job.started() else "READY"
    return {
        **({"endedAt": max(ends)} if ends else {}),
        "taskRunStatus": status,
        "taskRunStatusCounts": progress.status_counts(collections.Counter()),
    }


def _with_work(service: Service, job: JobState, work: Work) -> Record:
    """The progress of a job with steps and tasks."""
    steps = progress.of_all_steps(job, work, service.clock.now())
    counts = progress.total(steps)
    ends = [step.ended_at for step in steps if step.ended_at is not None]
    return {
        **({"endedAt": max(ends)} if len(ends) == len(steps) else {}),
        "taskRunStatus": progress.run_status(counts),
        "taskRunStatusCounts": progress.status_counts(counts),
    }
