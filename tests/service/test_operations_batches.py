"""Getting many things at once, and the sessions of a worker."""

from __future__ import annotations

import botocore.exceptions
import pytest

from pytest_deadline_sessions import Behavior, FakeDeadline, Listing
from pytest_deadline_sessions._api import model, validation

KINDS = ("session", "step", "task")
LACKING = "BatchGetTask" not in model.operation_names()
needs_batches = pytest.mark.skipif(LACKING, reason="the installed botocore has no batches")


@pytest.fixture
def fake():
    """A fake that intercepts nothing."""
    return FakeDeadline()


@pytest.fixture
def client(fake):
    """A client of it."""
    return fake.client()


@pytest.fixture
def job(fake):
    """A job of two steps; the first is done, and one of the other's two tasks runs."""
    return fake.add_job(Listing(runs=(("ENDED", 1), ("STARTED", 1))), steps=2, tasks=4)


def _identifiers(fake, job):
    """The identifiers of everything in a job, by kind."""
    work = fake._service.state.jobs[tuple(job.values())].work
    steps = [{**job, "stepId": work.step_id(step)} for step in range(work.steps)]
    return {
        "session": [{**job, "sessionId": one["sessionId"]} for one in job.listing],
        "step": steps,
        "task": [
            {**one, "taskId": work.task_id(step, task)}
            for step, one in enumerate(steps)
            for task in range(work.tasks_of(step))
        ],
    }


def _batch(client, kind, identifiers):
    got = getattr(client, f"batch_get_{kind}")(identifiers=identifiers)
    assert validation.check_response(got, f"BatchGet{kind.title()}") == []
    return got[f"{kind}s"], got["errors"]


@needs_batches
@pytest.mark.parametrize("kind", KINDS)
def test_batches_give_what_there_is_and_tell_of_the_rest(fake, client, job, kind):
    """Each identifier has an item or an error, in the order in which they were asked for."""
    known = _identifiers(fake, job)[kind]
    missing = [
        {**known[0], "jobId": "job-" + "f" * 32},
        {**known[0], f"{kind}Id": f"{kind}-{'f' * 32}" + "-0" * (kind == "task")},
    ]
    items, errors = _batch(client, kind, [known[1], missing[0], known[0], known[0], missing[1]])
    assert [{name: one[name] for name in known[0]} for one in items] == [
        known[1],
        known[0],
        known[0],
    ]
    assert [{name: one[name] for name in known[0]} for one in errors] == missing
    assert {one["code"] for one in errors} == {"ResourceNotFoundException"}
    assert [one["message"] for one in errors] == [
        f"Resource of type job with id job-{'f' * 32} does not exist.",
        f"Resource of type {kind} with id {missing[1][f'{kind}Id']} does not exist.",
    ]


@needs_batches
@pytest.mark.parametrize("kind", KINDS)
def test_sizes_of_batches(fake, client, job, kind):
    """No more than the service model allows; botocore itself refuses none at all."""
    one = _identifiers(fake, job)[kind][0]
    most = model.bounds(f"BatchGet{kind.title()}Identifiers")[1]
    assert len(_batch(client, kind, [one] * most)[0]) == most
    with pytest.raises(client.exceptions.ValidationException, match="identifiers"):
        _batch(client, kind, [one] * (most + 1))
    with pytest.raises(botocore.exceptions.ParamValidationError):
        _batch(client, kind, [])


@needs_batches
@pytest.mark.parametrize("kind", KINDS)
def test_faults_of_batches(fake, client, job, kind):
    """A planned fault meets the whole call."""
    fake.fail_next("AccessDeniedException", operation=f"BatchGet{kind.title()}")
    known = _identifiers(fake, job)[kind]
    with pytest.raises(client.exceptions.AccessDeniedException):
        _batch(client, kind, known)
    assert len(_batch(client, kind, known)[0]) == len(known)


@needs_batches
@pytest.mark.parametrize("kind", ["step", "task"])
def test_jobs_without_work_have_neither(fake, client, job, kind):
    """Steps and tasks of another job are not found in it."""
    without = fake.add_job()
    identifiers = [{**one, **without} for one in _identifiers(fake, job)[kind]]
    items, errors = _batch(client, kind, identifiers)
    assert (items, len(errors)) == ([], len(identifiers))


@needs_batches
def test_sessions_in_a_batch_are_those_of_get_session(fake, client, job):
    """The same members, at every moment of their life."""
    job.sessions[1].request_end(by="sam")
    items, _ = _batch(client, "session", _identifiers(fake, job)["session"])
    for one in items:
        got = client.get_session(**job, sessionId=one["sessionId"])
        del got["ResponseMetadata"]
        assert one == {**job, **got}
    assert items[1]["lifecycleStatus"] == "UPDATE_IN_PROGRESS"


@needs_batches
def test_steps_follow_their_tasks(fake, client, job):
    """Counts, status and times are those of the tasks."""
    identifiers = _identifiers(fake, job)
    tasks, _ = _batch(client, "task", identifiers["task"])
    (done, running), _ = _batch(client, "step", identifiers["step"])
    assert [one["name"] for one in (done, running)] == ["Step 1", "Step 2"]
    assert (done["taskRunStatus"], running["taskRunStatus"]) == ("SUCCEEDED", "RUNNING")
    for step in (done, running):
        of_step = [one for one in tasks if one["stepId"] == step["stepId"]]
        counted = [status for status, count in step["taskRunStatusCounts"].items() if count]
        assert set(counted) == {one["runStatus"] for one in of_step}
        assert step["startedAt"] == min(one["startedAt"] for one in of_step)
    assert done["endedAt"] == max(one["endedAt"] for one in tasks[:2])
    assert "endedAt" not in running


@needs_batches
def test_a_step_of_several_sessions(fake, client):
    """It starts with the first of them, and ends with the last."""
    job = fake.add_job(Listing(runs=(("ENDED", 4),)), steps=2, tasks=8)
    tasks, _ = _batch(client, "task", _identifiers(fake, job)["task"])
    steps, _ = _batch(client, "step", _identifiers(fake, job)["step"])
    for step in steps:
        of_step = [one for one in tasks if one["stepId"] == step["stepId"]]
        assert len({one["startedAt"] for one in of_step}) == 4
        assert step["startedAt"] == min(one["startedAt"] for one in of_step)
        assert step["endedAt"] == max(one["endedAt"] for one in of_step)


@needs_batches
@pytest.mark.parametrize("kind", ["step", "task"])
def test_work_of_the_next_job(fake, client, job, kind):
    """Steps and tasks that another job has are not found in this one, nor the other way round."""
    other = fake.add_job(steps=1)
    pairs = [(_identifiers(fake, other)[kind], job), (_identifiers(fake, job)[kind], other)]
    for identifiers, wrong in pairs:
        items, errors = _batch(client, kind, [{**one, **wrong} for one in identifiers])
        assert (items, len(errors)) == ([], len(identifiers))


@needs_batches
def test_tasks_follow_their_actions(fake, client, job):
    """Status, times and parameters are those of the action that ran it."""
    tasks, _ = _batch(client, "task", _identifiers(fake, job)["task"])
    assert [one["runStatus"] for one in tasks] == ["SUCCEEDED"] * 3 + ["RUNNING"]
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
    """Those that no session has begun have neither times nor an action; steps likewise."""
    job = fake.add_job(1, steps=2, tasks=4)
    with fake.clock.freeze(job.listing[0]["startedAt"]):
        identifiers = _identifiers(fake, job)
        tasks, _ = _batch(client, "task", identifiers["task"])
        steps, _ = _batch(client, "step", identifiers["step"])
    for one in tasks:
        assert one["runStatus"] == "READY"
    for one in steps:
        assert (one["taskRunStatus"], one["taskRunStatusCounts"]["READY"]) == ("READY", 2)
    assert not any({"startedAt", "endedAt"} & one.keys() for one in [*tasks, *steps])
    assert not any("latestSessionActionId" in one for one in tasks)


@needs_batches
def test_a_task_of_another_step(fake, client, job):
    """Is not found in this one."""
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
    """A task has the status of its action if tasks can have it, or what was said of the task."""
    first, second, *_ = _identifiers(fake, job)["task"]
    (task,), _ = _batch(client, "task", [first])
    fake.describe(task["latestSessionActionId"], status=told)
    fake.describe(second["taskId"], runStatus="CANCELED")
    fake.describe(first["stepId"], name="Render")
    tasks, _ = _batch(client, "task", [first, second])
    assert [one["runStatus"] for one in tasks] == [run_status, "CANCELED"]
    (step,), _ = _batch(client, "step", _identifiers(fake, job)["step"][:1])
    assert step["name"] == "Render"


def _of_worker(fake, summary, job, **arguments):
    worker = {name: summary[name] for name in ("fleetId", "workerId")}
    pages = fake.client().get_paginator("list_sessions_for_worker")
    return list(pages.paginate(farmId=job["farmId"], **worker, **arguments))


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_the_sessions_of_a_worker(size):
    """Those of all jobs of the farm, in pages, and as the service model has them."""
    fake = FakeDeadline(Behavior(page_size=size))
    jobs = [
        fake.add_job(Listing(runs=(("ENDED", 5),), first=50, workers=2)),
        fake.add_job(4, farmId="farm-" + "a" * 32),
        fake.add_job(0),
        fake.add_job(Listing(runs=(("STARTED", 4),), first=100, workers=3)),
    ]
    expected = [
        (job["jobId"], one["sessionId"])
        for job in (jobs[0], jobs[3])
        for one in job.listing
        if one["workerId"] == jobs[0].listing[0]["workerId"]
    ]
    pages = _of_worker(fake, jobs[0].listing[0], jobs[0])
    for page in pages:
        assert validation.check_response(page, "ListSessionsForWorker") == []
        assert len(page["sessions"]) <= size
    assert [(one["jobId"], one["sessionId"]) for page in pages for one in page["sessions"]] == (
        expected
    )
    assert len(pages) == -(-len(expected) // size)


def test_the_sessions_of_a_worker_share_their_state(fake):
    """What becomes of a session, or starts later, shows."""
    job = fake.add_job(1)
    job.sessions[0].request_end()
    later = job.start_session()
    later.end()
    (page,) = _of_worker(fake, later.summary, job)
    assert [one["lifecycleStatus"] for one in page["sessions"]] == ["UPDATE_IN_PROGRESS", "ENDED"]
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
    """A worker that ran no session of the farm is not found."""
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
    """Another worker's token is refused."""
    job = fake.add_job(Listing(runs=(("STARTED", 6),), workers=2))
    first, second = (
        {"farmId": job["farmId"], "fleetId": one["fleetId"], "workerId": one["workerId"]}
        for one in job.listing.between(0, 2)
    )
    token = client.list_sessions_for_worker(**first, maxResults=2)["nextToken"]
    with pytest.raises(client.exceptions.ValidationException):
        client.list_sessions_for_worker(**second, maxResults=2, nextToken=token)
    rest = client.list_sessions_for_worker(**first, maxResults=2, nextToken=token)
    assert len(rest["sessions"]) == 1
