"""Steps, tasks and session actions of a job, and how they fit together."""

from __future__ import annotations

import collections
import datetime
import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_deadline_sessions import Behavior, FakeDeadline, Listing
from pytest_deadline_sessions import strategies as ds
from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions._service.workload import Work

SLOT = datetime.timedelta(seconds=20)
STATUSES = ("STARTED", "ENDED")


@functools.lru_cache(maxsize=1)
def _client(fake):
    return fake.client()


def _actions(fake, job, **arguments):
    """Return all session actions by id."""
    pages = _client(fake).get_paginator("list_session_actions").paginate(**job, **arguments)
    return {
        action["sessionActionId"]: action for page in pages for action in page["sessionActions"]
    }


def _kinds(actions):
    return [next(iter(action["definition"])) for action in actions]


def _by_session(fake, job):
    return [
        list(_actions(fake, job, sessionId=summary["sessionId"]).values())
        for summary in job.listing
    ]


@pytest.mark.at_length
@settings(deadline=None)
@given(
    listing=ds.listings(max_sessions=8),
    steps=st.integers(1, 4),
    extra=st.integers(0, 12),
    passed=st.integers(0, 600),
)
def test_actions_of_sessions_are_consistent(listing, steps, extra, passed):
    """A session runs tasks of one step during its lifetime, and no task runs twice."""
    fake = FakeDeadline()
    with fake.clock.freeze(listing.started_at + datetime.timedelta(seconds=passed)):
        job = fake.add_job(listing, steps=steps, tasks=steps + extra)
        task_runs = collections.Counter()
        for summary, actions in zip(job.listing, _by_session(fake, job), strict=True):
            ended = summary.get("endedAt")
            _check_order(actions, ended=ended is not None)
            _check_times(actions, summary["startedAt"], ended or fake.clock.now())
            runs = [
                action["definition"]["taskRun"]
                for action in actions
                if "taskRun" in action["definition"]
            ]
            task_runs.update(run["taskId"] for run in runs)
            assert len({run["stepId"] for run in runs}) <= 1
            assert all(run["taskId"][5:37] == run["stepId"][5:] for run in runs)
        assert set(task_runs.values()) <= {1}
        details = fake.client().get_job(**job)
        assert sum(details["taskRunStatusCounts"].values()) == steps + extra
        counts = collections.Counter(
            action["status"]
            for action in _actions(fake, job).values()
            if "taskRun" in action["definition"]
        )
        assert {**details["taskRunStatusCounts"], "READY": 0} == {
            **dict.fromkeys(model.enum("TaskRunStatus"), 0),
            **counts,
        }
        assert ("endedAt" in details) == (counts["SUCCEEDED"] == steps + extra)


def _check_order(actions, *, ended):
    number, kinds = len(actions), _kinds(actions)
    last = ["envExit"] if ended else []
    assert kinds == (["envEnter"] + ["taskRun"] * (number - 1 - len(last)) + last)[:number]
    statuses = ["SUCCEEDED"] * (number - 1) + ["SUCCEEDED" if ended else "RUNNING"]
    assert [action["status"] for action in actions] == statuses[:number]
    ids = [int(action["sessionActionId"].rsplit("-", 1)[1]) for action in actions]
    assert ids == list(range(number))


def _check_times(actions, started, until):
    times = [started]
    for action in actions:
        times.append(action["startedAt"])
        if action["status"] == "SUCCEEDED":
            times.append(action["endedAt"])
        else:
            assert "endedAt" not in action
    assert times == sorted(times)
    if actions:
        assert times[-1] <= until
        assert times[1] == started


def test_an_example_of_actions(fake):
    """Three sessions share seven tasks of two steps; all tasks of the ended one succeeded."""
    job = fake.add_job(Listing(runs=(("ENDED", 1), ("STARTED", 2))), steps=2, tasks=7)
    actions = _by_session(fake, job)
    assert [_kinds(of_session) for of_session in actions] == [
        ["envEnter", "taskRun", "taskRun", "envExit"],
        ["envEnter", "taskRun", "taskRun", "taskRun"],
        ["envEnter", "taskRun", "taskRun"],
    ]
    runs = [
        (action["definition"]["taskRun"]["taskId"][-3:], action["status"])
        for of_session in actions
        for action in of_session
        if "taskRun" in action["definition"]
    ]
    assert runs == [
        ("1-0", "SUCCEEDED"),
        ("1-2", "SUCCEEDED"),
        ("2-0", "SUCCEEDED"),
        ("2-1", "SUCCEEDED"),
        ("2-2", "RUNNING"),
        ("1-1", "SUCCEEDED"),
        ("1-3", "RUNNING"),
    ]
    assert actions[0][-1]["endedAt"] == job.listing[0]["endedAt"]


@pytest.mark.at_length
@settings(deadline=None)
@given(
    tasks=st.integers(1, 6),
    checks=st.lists(st.integers(0, 60), min_size=1, max_size=5),
    end=st.booleans(),
)
def test_actions_only_progress(tasks, checks, end):
    """An action never disappears or changes its start, and does not change once it has ended."""
    fake = FakeDeadline()
    with fake.clock.freeze("2030-01-01") as frozen:
        job = fake.add_job(1, steps=1, tasks=tasks)
        before = {}
        for seconds in checks:
            frozen.tick(seconds)
            before = _compared(before, _actions(fake, job))
        if end:
            job.sessions[0].end()
            after = _compared(before, _actions(fake, job))
            assert len(after) == tasks + 2
            frozen.tick(1)
            assert _actions(fake, job) == after


def _compared(before, after):
    for action_id, earlier in before.items():
        later = after[action_id]
        assert later["startedAt"] == earlier["startedAt"]
        assert earlier["status"] == "RUNNING" or later == earlier
    return after


def test_actions_follow_the_clock(fake):
    """An action takes one slot of time; the last task runs until the session ends."""
    with fake.clock.freeze("2030-01-01") as frozen:
        job = fake.add_job(1, tasks=2)
        frozen.move_to(job.listing[0]["startedAt"])
        seen = []
        for _ in range(5):
            seen.append([action["status"] for action in _actions(fake, job).values()])
            frozen.tick(SLOT)
        job.sessions[0].end()
        assert seen == [
            ["RUNNING"],
            ["SUCCEEDED", "RUNNING"],
            ["SUCCEEDED", "SUCCEEDED", "RUNNING"],
            ["SUCCEEDED", "SUCCEEDED", "RUNNING"],
            ["SUCCEEDED", "SUCCEEDED", "RUNNING"],
        ]
        *_, task, env_exit = _actions(fake, job).values()
        assert task["endedAt"] == env_exit["startedAt"] == env_exit["endedAt"] == fake.clock.now()


def test_slots_of_many_tasks():
    """With many tasks the slots are shorter, so that a session takes at most half an hour."""
    assert Work(1, 1, 1, 1).slot == SLOT
    assert Work(1, 179, 1, 1).slot == datetime.timedelta(seconds=10)
    assert Work(2, 179, 1, 1).slot > SLOT * 0.9


def test_a_step_without_a_session_waits(fake):
    """The task of a step that no session runs is READY, so the job has not ended."""
    job = fake.add_job(Listing(runs=(("ENDED", 1),)), steps=2, tasks=3)
    details = fake.client().get_job(**job)
    counts = {name: count for name, count in details["taskRunStatusCounts"].items() if count}
    assert counts == {"SUCCEEDED": 2, "READY": 1}
    assert (details["taskRunStatus"], "endedAt" in details) == ("READY", False)


def test_sessions_that_start_later_have_no_tasks(fake):
    """A session that starts later runs only the environment actions."""
    job = fake.add_job(1, steps=1)
    session = job.start_session()
    assert _kinds(_actions(fake, job, sessionId=session.session_id).values()) == ["envEnter"]
    session.end()
    actions = _actions(fake, job, sessionId=session.session_id).values()
    assert _kinds(actions) == ["envEnter", "envExit"]


def test_a_job_without_steps_has_no_actions(fake):
    """A job added without steps has no actions, and a task in it is not found."""
    job = fake.add_job(sessions=2)
    assert _actions(fake, job) == {}
    client = fake.client()
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.list_session_actions(**job, taskId=Work(1, 1, 1, 1).task_id(0, 0))


def test_jobs_have_steps_of_their_own(fake):
    """Two jobs have different step ids."""
    jobs = [fake.add_job(1, steps=2, tasks=3) for _ in range(2)]
    steps = [
        action["definition"]["taskRun"]["stepId"]
        for job in jobs
        for action in _actions(fake, job).values()
        if "taskRun" in action["definition"]
    ]
    assert len(set(steps)) == 2


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_pages_of_session_actions(size):
    """The paginator gets all actions in the order of the sessions, whatever the page size."""
    fake = FakeDeadline(Behavior(page_size=size))
    job = fake.add_job(Listing(runs=(("ENDED", 3), ("STARTED", 2))), steps=2, tasks=9)
    expected = [action for actions in _by_session(fake, job) for action in actions]
    before = len(fake.calls)
    assert list(_actions(fake, job).values()) == expected
    assert len(fake.calls) - before == -(-len(expected) // size)
    by_two = _actions(fake, job, PaginationConfig={"PageSize": 2})
    assert list(by_two.values()) == expected


def test_the_actions_of_a_task(fake):
    """``taskId`` gives the one action that ran the task, and none in any other session."""
    job = fake.add_job(2, steps=1, tasks=3)
    all_actions = _actions(fake, job)
    runs = [action for action in all_actions.values() if "taskRun" in action["definition"]]
    for run in runs:
        task_id = run["definition"]["taskRun"]["taskId"]
        assert list(_actions(fake, job, taskId=task_id).values()) == [run]
        in_session = [
            bool(_actions(fake, job, taskId=task_id, sessionId=summary["sessionId"]))
            for summary in job.listing
        ]
        assert sorted(in_session) == [False, True]
    waiting = fake.add_job(0, steps=1)
    task_id = fake._service.state.jobs[tuple(waiting.values())].work.task_id(0, 0)
    assert _actions(fake, waiting, taskId=task_id) == {}


def test_tokens_are_bound_to_the_operation(fake):
    """A token is refused by another operation, and with other arguments."""
    client = fake.client()
    job = fake.add_job(3, steps=1)
    token = client.list_session_actions(**job, maxResults=1)["nextToken"]
    session_id = job.listing[0]["sessionId"]
    for call, arguments in [
        (client.list_sessions, {"maxResults": 1}),
        (client.list_session_actions, {"maxResults": 2}),
        (client.list_session_actions, {"maxResults": 1, "sessionId": session_id}),
    ]:
        with pytest.raises(client.exceptions.ValidationException):
            call(**job, **arguments, nextToken=token)
    assert client.list_session_actions(**job, maxResults=1, nextToken=token)["sessionActions"]


@pytest.mark.parametrize("runs", [(("ENDED", 2),), (("STARTED", 2),)])
def test_get_session_action(fake, runs):
    """GetSessionAction gives the listed members, the session id and the exit code."""
    client = fake.client()
    job = fake.add_job(Listing(runs=runs), steps=1, tasks=4)
    for session, actions in zip(job.listing, _by_session(fake, job), strict=True):
        response = client.list_session_actions(**job, sessionId=session["sessionId"])
        assert validation.check_response(response, "ListSessionActions") == []
        for action in actions:
            details = client.get_session_action(**job, sessionActionId=action["sessionActionId"])
            assert validation.check_response(details, "GetSessionAction") == []
            assert details["sessionId"] == session["sessionId"]
            assert details.get("processExitCode") == (
                0 if details["status"] == "SUCCEEDED" else None
            )
            shared = {"sessionActionId", "status", "startedAt", "endedAt", "progressPercent"}
            assert {name: details[name] for name in shared & details.keys()} == {
                name: action[name] for name in shared & action.keys()
            }


@pytest.mark.parametrize(
    ("call", "changes", "kind"),
    [
        ("list_session_actions", {"jobId": "job-" + "f" * 32}, "job"),
        ("list_session_actions", {"sessionId": "session-" + "f" * 32}, "session"),
        ("list_session_actions", {"taskId": "task-" + "f" * 32 + "-0"}, "task"),
        ("list_session_actions", {"taskId": "task-" + "0" * 31 + "1-3"}, "task"),
        ("get_session_action", {"jobId": "job-" + "f" * 32}, "job"),
        ("get_session_action", {"sessionActionId": f"sessionaction-{'f' * 32}-0"}, "sessionAction"),
        (
            "get_session_action",
            {"sessionActionId": f"sessionaction-{'0' * 31}1-9"},
            "sessionAction",
        ),
    ],
)
def test_unknown_work(fake, call, changes, kind):
    """The error for an unknown job, session, task or action has its id and kind."""
    client = fake.client()
    ids = dict(fake.add_job(1, steps=1, tasks=3))
    if call == "get_session_action":
        ids["sessionActionId"] = f"sessionaction-{'0' * 31}1-0"
        client.get_session_action(**ids)
    with pytest.raises(client.exceptions.ResourceNotFoundException) as caught:
        getattr(client, call)(**{**ids, **changes})
    response = caught.value.response
    assert (response["resourceType"], response["resourceId"]) == (kind, *changes.values())


def test_described_actions(fake):
    """A described status is given by ListSessionActions and by GetSessionAction."""
    job = fake.add_job(Listing(runs=(("ENDED", 1),)), tasks=1)
    _, action_id, _ = _actions(fake, job)
    fake.describe(action_id, status="FAILED", processExitCode=3)
    assert _actions(fake, job)[action_id]["status"] == "FAILED"
    details = fake.client().get_session_action(**job, sessionActionId=action_id)
    assert (details["status"], details["processExitCode"]) == ("FAILED", 3)


@pytest.mark.parametrize(
    ("arguments", "kind", "refusal"),
    [
        ({"steps": -1}, ValueError, "steps=-1 (expected 0 or more)"),
        ({"tasks": -1}, ValueError, "tasks=-1 (expected 0 or more)"),
        ({"steps": True}, TypeError, "steps=True (expected a whole number, 0 or more)"),
        ({"tasks": "4"}, TypeError, "tasks='4' (expected a whole number, 0 or more)"),
        (
            {"steps": 3, "tasks": 2},
            ValueError,
            "tasks=2 (expected 3 or more, one for each step)",
        ),
        ({"steps": 0, "tasks": 2}, ValueError, "tasks=2 (expected 0, since there are no steps)"),
        (
            {"details": ["name"]},
            TypeError,
            "details=['name'] (expected a dict of members by their API name)",
        ),
        (
            {"details": {1: 2}},
            TypeError,
            "details={1: 2} (expected a dict of members by their API name)",
        ),
        (
            {"details": {"priority": 101}},
            ValueError,
            f"job-{'0' * 31}1: priority: 101 (expected 0..100)",
        ),
    ],
)
def test_invalid_steps_tasks_and_details(fake, arguments, kind, refusal):
    """Invalid steps, tasks or details raise an error, and no job is added."""
    with pytest.raises(kind) as caught:
        fake.add_job(1, **arguments)
    assert str(caught.value) == refusal
    assert (fake.jobs, fake._service.state.described) == ([], {})


@pytest.mark.parametrize(
    ("steps", "tasks", "counts"),
    [(2, None, (2, 2)), (None, 3, (1, 3)), (0, 0, None), (0, None, None), (None, 0, None)],
)
def test_defaults_of_steps_and_tasks(fake, steps, tasks, counts):
    """Steps have one task each and tasks have one step by default; zero means neither."""
    job = fake.add_job(1, steps=steps, tasks=tasks)
    work = fake._service.state.jobs[tuple(job.values())].work
    assert (work and (work.steps, work.tasks)) == counts


def test_details_of_a_job(fake):
    """GetJob gives the ``details`` of a job."""
    job = fake.add_job(details={"name": "Shot 10", "maxRetriesPerTask": 3})
    details = fake.client().get_job(**job)
    assert (details["name"], details["maxRetriesPerTask"]) == ("Shot 10", 3)


def test_huge_jobs_are_expanded_page_by_page(fake):
    """Requesting a page of sessions or actions expands only the sessions of that page."""
    job = fake.add_job(100_000, steps=10, tasks=1_000_000)
    client = fake.client()
    expanded = []
    listing = type(job.listing)
    original = listing.between
    try:
        listing.between = lambda self, *span: expanded.append(span) or original(self, *span)
        client.list_sessions(**job, maxResults=5)
        page = client.list_session_actions(**job, maxResults=5)
        client.list_session_actions(**job, maxResults=5, nextToken=page["nextToken"])
    finally:
        listing.between = original
    assert sum(stop - start for start, stop in expanded) < 20


def test_sessions_without_tasks(fake):
    """A session without tasks does not add to the task counts of the job."""
    job = fake.add_job(Listing(runs=(("ENDED", 3),)), steps=1, tasks=2)
    details = fake.client().get_job(**job)
    assert {name: count for name, count in details["taskRunStatusCounts"].items() if count} == {
        "SUCCEEDED": 2
    }
