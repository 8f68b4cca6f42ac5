"""All that is known of a resource, by the API's names; ``filling`` makes results of it."""

from __future__ import annotations

import collections
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._api.placeholders import ACCOUNT, CREATOR, EPOCH
from pytest_deadline_sessions._domain.faults import not_found
from pytest_deadline_sessions._service.workload import Timeline, definitions, parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_deadline_sessions._service.service import Service
    from pytest_deadline_sessions._service.state import JobState
    from pytest_deadline_sessions._service.workload import Work

Record = dict[str, Any]


def farm(service: Service, params: Mapping[str, Any]) -> Record:
    """The farm that the parameters name: one that has a job, or was described.

    Raises:
        FaultError: There is none: ``ResourceNotFoundException``.
    """
    farm_id = params["farmId"]
    described = service.state.described
    if farm_id not in described and all(ids.farmId != farm_id for ids in service.state.jobs):
        raise not_found("farm", farm_id)
    return {
        "farmId": farm_id,
        "displayName": "Farm",
        "kmsKeyArn": f"arn:aws:kms:us-west-2:{ACCOUNT}:key/farm",
        "costScaleFactor": 1.0,
        **_created(service.state.jobs.values()),
        **described.get(farm_id, {}),
    }


def queue(service: Service, params: Mapping[str, Any], queue_id: str | None = None) -> Record:
    """The queue that the parameters name: one that has a job, or was described.

    Raises:
        FaultError: There is none, or no such farm: ``ResourceNotFoundException``.
    """
    farm(service, params)
    farm_id = params["farmId"]
    queue_id = queue_id or str(params["queueId"])
    described = service.state.described
    farms = {ids.farmId for ids in service.state.jobs if ids.queueId == queue_id}
    if farm_id not in farms and (farms or queue_id not in described):
        raise not_found("queue", queue_id)
    return {
        "farmId": farm_id,
        "queueId": queue_id,
        "displayName": "Queue",
        **_created(service.state.jobs.values()),
        **described.get(queue_id, {}),
    }


def job(service: Service, state: JobState) -> Record:
    """A job."""
    record = {
        **state.ids._asdict(),
        "name": state.ids.jobId,
        "lifecycleStatus": "CREATE_COMPLETE",
        "lifecycleStatusMessage": "",
        "priority": 50,
        **_created([state]),
    }
    starts = state.started()
    if starts:
        record["startedAt"] = min(starts)
    work = state.work
    if work is None:
        ends, counts = state.ended(), collections.Counter[str]()
        status = "SUCCEEDED" if ends else "RUNNING" if starts else "READY"
    else:
        timelines = _timelines(service, state, work)
        steps = [_progress(work, index, timelines[index]) for index in range(work.steps)]
        counts = sum((one["counts"] for one in steps), collections.Counter[str]())
        ends = [one["ended"] for one in steps if one["ended"] is not None]
        ends = ends if len(ends) == work.steps else []
        status = _status(counts)
    if ends:
        record["endedAt"] = max(ends)
    return {
        **record,
        "taskRunStatus": status,
        "taskRunStatusCounts": _every_status(counts),
        **service.state.described.get(state.ids.jobId, {}),
    }


def step(service: Service, state: JobState, step_id: str) -> Record:
    """A step of a job.

    Raises:
        FaultError: There is none: ``ResourceNotFoundException``.
    """
    work = state.work
    index = None if work is None else work.find_step(step_id)
    if work is None or index is None:
        raise not_found("step", step_id)
    now = service.clock.now()
    timelines = [state.timeline(place, now) for place in work.places(index)]
    progress = _progress(work, index, [one for one in timelines if one is not None])
    times = {"startedAt": progress["started"], "endedAt": progress["ended"]}
    return {
        **state.ids._asdict(),
        "stepId": step_id,
        "name": f"Step {index + 1}",
        "lifecycleStatus": "CREATE_COMPLETE",
        "taskRunStatus": _status(progress["counts"]),
        "taskRunStatusCounts": _every_status(progress["counts"]),
        **_created([state]),
        **{name: value for name, value in times.items() if value is not None},
        **service.state.described.get(step_id, {}),
    }


def task(service: Service, state: JobState, task_id: str) -> Record:
    """A task of a job.

    Raises:
        FaultError: There is none: ``ResourceNotFoundException``.
    """
    place = run(state, task_id)
    work, (of_step, index) = _find_task(state, task_id)
    record = {
        **state.ids._asdict(),
        "stepId": work.step_id(of_step),
        "taskId": task_id,
        "runStatus": "READY",
        "parameters": parameters(index),
        **_created([state]),
    }
    if place is not None:
        for action in actions(service, state, place[0], range(place[1], place[1] + 1)):
            record["latestSessionActionId"] = action["sessionActionId"]
            if action["status"] in model.enum("TaskRunStatus"):
                record["runStatus"] = action["status"]
            record.update({one: action[one] for one in ("startedAt", "endedAt") if one in action})
    return {**record, **service.state.described.get(task_id, {})}


def run(state: JobState, task_id: str) -> tuple[int, int] | None:
    """Which session runs a task, and as which of its actions; ``None`` if none does.

    Raises:
        FaultError: The job has no such task: ``ResourceNotFoundException``.
    """
    work, found = _find_task(state, task_id)
    return work.place_of(*found)


def session(state: JobState, place: int) -> Record:
    """A session of a job, with where its log and that of its worker are."""
    summary = state.summary(place)
    farm_id, queue_id, _ = state.ids
    return {
        **state.ids._asdict(),
        **summary,
        "log": _log(f"/aws/deadline/{farm_id}/{queue_id}", summary["sessionId"]),
        "workerLog": _log(f"/aws/deadline/{farm_id}/{summary['fleetId']}", summary["workerId"]),
    }


def _log(group: str, stream: str) -> Record:
    """Where a log is; the names of the options are those that the vendor's programs look for."""
    return {
        "logDriver": "awslogs",
        "options": {"logGroupName": group, "logStreamName": stream},
        "parameters": {"interval": "15"},
    }


def actions(service: Service, state: JobState, place: int, some: range) -> Iterator[Record]:
    """Those of some actions of a session that have started."""
    timeline = state.timeline(place, service.clock.now())
    if timeline is None or state.work is None:
        return
    started = range(some.start, min(some.stop, len(timeline)))
    session_id = timeline.summary["sessionId"]
    prefix = model.id_prefix("SessionActionId") + session_id.removeprefix(
        model.id_prefix("SessionId")
    )
    defined = definitions(state.work, state.ids.jobId, place, started)
    for index, definition in zip(started, defined, strict=True):
        action_id = f"{prefix}-{index}"
        yield {
            "sessionActionId": action_id,
            "sessionId": session_id,
            "definition": definition,
            **timeline.action(index),
            **service.state.described.get(action_id, {}),
        }


def _find_task(state: JobState, task_id: str) -> tuple[Work, tuple[int, int]]:
    found = None if state.work is None else state.work.find_task(task_id)
    if state.work is None or found is None:
        raise not_found("task", task_id)
    return state.work, found


def _created(jobs: Iterable[JobState]) -> Record:
    moments = [moment for one in jobs for moment in (one.added_at, *one.started())]
    return {"createdAt": min(moments, default=EPOCH), "createdBy": CREATOR}


def _timelines(service: Service, state: JobState, work: Work) -> dict[int, list[Timeline]]:
    """The actions of all sessions that run tasks, by the step that they are for."""
    now = service.clock.now()
    found = collections.defaultdict[int, list[Timeline]](list)
    for place, summary in enumerate(state.between(0, work.sessions)):
        step, tasks = work.share(place)
        if tasks:
            found[step].append(Timeline(summary, now, len(tasks), work.slot))
    return found


def _progress(work: Work, index: int, timelines: list[Timeline]) -> Record:
    """How far a step is: its tasks by status, when the first started and when the last ended."""
    counts = collections.Counter(
        SUCCEEDED=sum(one.succeeded for one in timelines),
        RUNNING=sum(one.running for one in timelines),
    )
    counts["READY"] = work.tasks_of(index) - counts.total()
    starts = [one.start(1) for one in timelines if len(one) > 1]
    done = counts["SUCCEEDED"] == work.tasks_of(index)
    return {
        "counts": counts,
        "started": min(starts, default=None),
        "ended": max(one.start(one.tasks + 1) for one in timelines) if done else None,
    }


def _status(counts: Mapping[str, int]) -> str:
    if counts["RUNNING"]:
        return "RUNNING"
    return "READY" if counts["READY"] else "SUCCEEDED"


def _every_status(counts: Mapping[str, int]) -> dict[str, int]:
    return {status: counts.get(status, 0) for status in model.enum("TaskRunStatus")}
