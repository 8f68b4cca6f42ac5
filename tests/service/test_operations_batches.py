"""The batch operations, ListJobs and ListSessionsForWorker."""

from __future__ import annotations

import botocore.exceptions
import pytest

from pytest_deadline_sessions import Behavior, FakeDeadline, Listing
from pytest_deadline_sessions._api import model, validation

KINDS = ("session", "step", "task")
LACKING = "BatchGetTask" not in model.operation_names()
needs_batches = pytest.mark.skipif(LACKING, reason="the installed botocore has no batches")


@pytest.fixture
def job(fake):
    """A job with two steps: the first is done, the second has one task running."""
    return fake.add_job(Listing(runs=(("ENDED", 1), ("STARTED", 1))), steps=2, tasks=4)


def _identifiers(fake, job):
    """Return the identifiers of all sessions, steps and tasks of a job."""
    work = fake._service.state.jobs[tuple(job.values())].work
    steps = [{**job, "stepId": work.step_id(step)} for step in range(work.steps)]
    return {
        "session": [{**job, "sessionId": summary["sessionId"]} for summary in job.listing],
        "step": steps,
        "task": [
            {**identifier, "taskId": work.task_id(step, task)}
            for step, identifier in enumerate(steps)
            for task in range(work.tasks_of(step))
        ],
    }


def _batch(client, kind, identifiers):
    response = getattr(client, f"batch_get_{kind}")(identifiers=identifiers)
    assert validation.check_response(response, f"BatchGet{kind.title()}") == []
    return response[f"{kind}s"], response["errors"]


@needs_batches
@pytest.mark.parametrize("kind", KINDS)
def test_items_and_errors_of_a_batch(fake, client, job, kind):
    """Each identifier gives an item or an error, in the order of the request."""
    known = _identifiers(fake, job)[kind]
    missing = [
        {**known[0], "jobId": "job-" + "f" * 32},
        {**known[0], f"{kind}Id": f"{kind}-{'f' * 32}" + "-0" * (kind == "task")},
    ]
    items, errors = _batch(client, kind, [known[1], missing[0], known[0], known[0], missing[1]])
    assert [{name: item[name] for name in known[0]} for item in items] == [
        known[1],
        known[0],
        known[0],
    ]
    assert [{name: error[name] for name in known[0]} for error in errors] == missing
    assert {error["code"] for error in errors} == {"ResourceNotFoundException"}
    assert [error["message"] for error in errors] == [
        f"Resource of type job with id job-{'f' * 32} does not exist.",
        f"Resource of type {kind} with id {missing[1][f'{kind}Id']} does not exist.",
    ]


@needs_batches
@pytest.mark.parametrize("kind", KINDS)
def test_sizes_of_batches(fake, client, job, kind):
    """The service refuses more identifiers than the model allows; botocore refuses none at all."""
    identifier = _identifiers(fake, job)[kind][0]
    most = model.bounds(f"BatchGet{kind.title()}Identifiers")[1]
    assert len(_batch(client, kind, [identifier] * most)[0]) == most
    with pytest.raises(client.exceptions.ValidationException, match="identifiers"):
        _batch(client, kind, [identifier] * (most + 1))
    with pytest.raises(botocore.exceptions.ParamValidationError):
        _batch(client, kind, [])


@needs_batches
@pytest.mark.parametrize("kind", KINDS)
def test_faults_of_batches(fake, client, job, kind):
    """An added fault fails the whole call."""
    fake.fail_next("AccessDeniedException", operation=f"BatchGet{kind.title()}")
    known = _identifiers(fake, job)[kind]
    with pytest.raises(client.exceptions.AccessDeniedException):
        _batch(client, kind, known)
    assert len(_batch(client, kind, known)[0]) == len(known)


@needs_batches
@pytest.mark.parametrize("kind", ["step", "task"])
def test_jobs_without_steps(fake, client, job, kind):
    """In a job without steps, the steps and tasks of another job are not found."""
    without = fake.add_job()
    identifiers = [{**identifier, **without} for identifier in _identifiers(fake, job)[kind]]
    items, errors = _batch(client, kind, identifiers)
    assert (items, len(errors)) == ([], len(identifiers))


@needs_batches
def test_sessions_in_a_batch_are_those_of_get_session(fake, client, job):
    """BatchGetSession gives the same members as GetSession, also during an update."""
    job.sessions[1].request_end(by="sam")
    items, _ = _batch(client, "session", _identifiers(fake, job)["session"])
    for item in items:
        session = client.get_session(**job, sessionId=item["sessionId"])
        del session["ResponseMetadata"]
        assert item == {**job, **session}
    assert items[1]["lifecycleStatus"] == "UPDATE_IN_PROGRESS"


@needs_batches
def test_steps_follow_their_tasks(fake, client, job):
    """The status, counts and times of a step follow from its tasks."""
    identifiers = _identifiers(fake, job)
    tasks, _ = _batch(client, "task", identifiers["task"])
    (done, running), _ = _batch(client, "step", identifiers["step"])
    assert [step["name"] for step in (done, running)] == ["Step 1", "Step 2"]
    assert (done["taskRunStatus"], running["taskRunStatus"]) == ("SUCCEEDED", "RUNNING")
    for step in (done, running):
        of_step = [task for task in tasks if task["stepId"] == step["stepId"]]
        counted = [status for status, count in step["taskRunStatusCounts"].items() if count]
        assert set(counted) == {task["runStatus"] for task in of_step}
        assert step["startedAt"] == min(task["startedAt"] for task in of_step)
    assert done["endedAt"] == max(task["endedAt"] for task in tasks[:2])
    assert "endedAt" not in running


@needs_batches
def test_a_step_of_several_sessions(fake, client):
    """A step starts with its first task and ends with its last, in whichever session."""
    job = fake.add_job(Listing(runs=(("ENDED", 4),)), steps=2, tasks=8)
    tasks, _ = _batch(client, "task", _identifiers(fake, job)["task"])
    steps, _ = _batch(client, "step", _identifiers(fake, job)["step"])
    for step in steps:
        of_step = [task for task in tasks if task["stepId"] == step["stepId"]]
        assert len({task["startedAt"] for task in of_step}) == 4
        assert step["startedAt"] == min(task["startedAt"] for task in of_step)
        assert step["endedAt"] == max(task["endedAt"] for task in of_step)


@needs_batches
@pytest.mark.parametrize("kind", ["step", "task"])
def test_steps_and_tasks_of_another_job(fake, client, job, kind):
    """Steps and tasks of one job are not found in another job."""
    other = fake.add_job(steps=1)
    pairs = [(_identifiers(fake, other)[kind], job), (_identifiers(fake, job)[kind], other)]
    for identifiers, wrong in pairs:
        items, errors = _batch(
            client, kind, [{**identifier, **wrong} for identifier in identifiers]
        )
        assert (items, len(errors)) == ([], len(identifiers))


@needs_batches
def test_tasks_follow_their_actions(fake, client, job):
    """The status, times and parameters of a task are those of the action that ran it."""
    tasks, _ = _batch(client, "task", _identifiers(fake, job)["task"])
    assert [task["runStatus"] for task in tasks] == ["SUCCEEDED"] * 3 + ["RUNNING"]
    for task in tasks:
        action = client.get_session_action(**job, sessionActionId=task["latestSessionActionId"])
        run = action["definition"]["taskRun"]
        assert (run["taskId"], run["stepId"]) == (task["taskId"], task["stepId"])
        assert run["parameters"] == task["parameters"]
        assert (action["startedAt"], action.get("endedAt")) == (
            task["startedAt"],
            task.get("endedAt"),
        )


@needs_batches
def test_tasks_that_wait(fake, client):
    """Tasks and steps that have not started have no times, and such a task has no action."""
    job = fake.add_job(1, steps=2, tasks=4)
    with fake.clock.freeze(job.listing[0]["startedAt"]):
        identifiers = _identifiers(fake, job)
        tasks, _ = _batch(client, "task", identifiers["task"])
        steps, _ = _batch(client, "step", identifiers["step"])
    for task in tasks:
        assert task["runStatus"] == "READY"
    for step in steps:
        assert (step["taskRunStatus"], step["taskRunStatusCounts"]["READY"]) == ("READY", 2)
    assert not any({"startedAt", "endedAt"} & item.keys() for item in [*tasks, *steps])
    assert not any("latestSessionActionId" in task for task in tasks)


@needs_batches
def test_a_task_of_another_step(fake, client, job):
    """A task is not found with the id of another step."""
    *_, task = _identifiers(fake, job)["task"]
    wrong = {**task, "stepId": _identifiers(fake, job)["step"][0]["stepId"]}
    items, (error,) = _batch(client, "task", [task, wrong])
    assert len(items) == 1
    assert (error["stepId"], error["taskId"]) == (wrong["stepId"], wrong["taskId"])


@needs_batches
@pytest.mark.parametrize(
    ("told", "run_status"), [("FAILED", "FAILED"), ("NEVER_ATTEMPTED", "READY")]
)
def test_described_actions_and_tasks(fake, client, job, told, run_status):
    """A task gets the status of its described action if tasks can have that status.

    The status described for the task itself comes first.
    """
    first, second, *_ = _identifiers(fake, job)["task"]
    (task,), _ = _batch(client, "task", [first])
    fake.describe(task["latestSessionActionId"], status=told)
    fake.describe(second["taskId"], runStatus="CANCELED")
    fake.describe(first["stepId"], name="Render")
    tasks, _ = _batch(client, "task", [first, second])
    assert [task["runStatus"] for task in tasks] == [run_status, "CANCELED"]
    (step,), _ = _batch(client, "step", _identifiers(fake, job)["step"][:1])
    assert step["name"] == "Render"


def _of_worker(fake, summary, job, **arguments):
    worker = {name: summary[name] for name in ("fleetId", "workerId")}
    pages = fake.client().get_paginator("list_sessions_for_worker")
    return list(pages.paginate(farmId=job["farmId"], **worker, **arguments))


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_the_sessions_of_a_worker(size):
    """A worker's sessions in all jobs of the farm are listed in pages that fit the model."""
    fake = FakeDeadline(Behavior(page_size=size))
    jobs = [
        fake.add_job(Listing(runs=(("ENDED", 5),), first=50, workers=2)),
        fake.add_job(4, farmId="farm-" + "a" * 32),
        fake.add_job(0),
        fake.add_job(Listing(runs=(("STARTED", 4),), first=100, workers=3)),
    ]
    expected = [
        (job["jobId"], summary["sessionId"])
        for job in (jobs[0], jobs[3])
        for summary in job.listing
        if summary["workerId"] == jobs[0].listing[0]["workerId"]
    ]
    pages = _of_worker(fake, jobs[0].listing[0], jobs[0])
    for page in pages:
        assert validation.check_response(page, "ListSessionsForWorker") == []
        assert len(page["sessions"]) <= size
    sessions = [session for page in pages for session in page["sessions"]]
    assert [(session["jobId"], session["sessionId"]) for session in sessions] == expected
    assert len(pages) == -(-len(expected) // size)


def test_the_sessions_of_a_worker_share_their_state(fake):
    """ListSessionsForWorker shows updated sessions, and sessions that started later."""
    job = fake.add_job(1)
    job.sessions[0].request_end()
    later = job.start_session()
    later.end()
    (page,) = _of_worker(fake, later.summary, job)
    assert [session["lifecycleStatus"] for session in page["sessions"]] == [
        "UPDATE_IN_PROGRESS",
        "ENDED",
    ]
    assert page["sessions"][1]["endedAt"] == later.summary["endedAt"]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"farmId": "farm-" + "f" * 32}, "farm"),
        ({"fleetId": "fleet-" + "f" * 32}, "worker"),
        ({"workerId": "worker-" + "f" * 32}, "worker"),
    ],
)
def test_unknown_workers(fake, client, changes, kind):
    """A worker without a session in the farm is not found."""
    job = fake.add_job(1)
    summary = job.listing[0]
    arguments = {
        "farmId": job["farmId"],
        "fleetId": summary["fleetId"],
        "workerId": summary["workerId"],
        **changes,
    }
    with pytest.raises(client.exceptions.ResourceNotFoundException) as caught:
        client.list_sessions_for_worker(**arguments)
    response = caught.value.response
    assert (response["resourceType"], response["resourceId"]) == (kind, arguments[f"{kind}Id"])


def test_tokens_of_a_worker_are_its_own(fake, client):
    """A token issued for one worker is refused for another."""
    job = fake.add_job(Listing(runs=(("STARTED", 6),), workers=2))
    first, second = (
        {"farmId": job["farmId"], "fleetId": summary["fleetId"], "workerId": summary["workerId"]}
        for summary in job.listing.between(0, 2)
    )
    token = client.list_sessions_for_worker(**first, maxResults=2)["nextToken"]
    with pytest.raises(client.exceptions.ValidationException):
        client.list_sessions_for_worker(**second, maxResults=2, nextToken=token)
    rest = client.list_sessions_for_worker(**first, maxResults=2, nextToken=token)
    assert len(rest["sessions"]) == 1


@pytest.mark.parametrize("size", [1, 2, 100])
def test_jobs_of_a_queue(size):
    """The jobs of a queue are listed in the order in which they were added, in pages that fit."""
    fake = FakeDeadline(Behavior(page_size=size))
    jobs = [fake.add_job(1, details={"name": f"Shot {number}"}) for number in range(3)]
    fake.add_job(queueId="queue-" + "a" * 32)
    jobs.append(fake.add_job(0, details={"name": "Shot 3"}))
    fake.add_job(farmId="farm-" + "a" * 32)
    queue = {"farmId": jobs[0]["farmId"], "queueId": jobs[0]["queueId"]}
    pages = list(fake.client().get_paginator("list_jobs").paginate(**queue))
    for page in pages:
        assert validation.check_response(page, "ListJobs") == []
        assert len(page["jobs"]) <= size
    listed = [(job["jobId"], job["name"]) for page in pages for job in page["jobs"]]
    assert listed == [(job["jobId"], f"Shot {number}") for number, job in enumerate(jobs)]
    assert len(pages) == -(-len(jobs) // size)


def test_jobs_of_an_unknown_queue(fake):
    """Listing the jobs of a queue that does not exist fails as getting the queue does."""
    job = fake.add_job()
    client = fake.client()
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.list_jobs(farmId=job["farmId"], queueId="queue-" + "f" * 32)
