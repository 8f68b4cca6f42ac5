"""What the sessions of a job do: steps, tasks and session actions that hang together."""

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


@pytest.fixture
def fake():
    """A fake that intercepts nothing."""
    return FakeDeadline()


@functools.lru_cache(maxsize=1)
def _client(fake):
    return fake.client()


def _actions(fake, job, **arguments):
    """Every session action, by its id."""
    pages = _client(fake).get_paginator("list_session_actions").paginate(**job, **arguments)
    return {one["sessionActionId"]: one for page in pages for one in page["sessionActions"]}


def _kinds(actions):
    return [next(iter(one["definition"])) for one in actions]


def _by_session(fake, job):
    return [list(_actions(fake, job, sessionId=one["sessionId"]).values()) for one in job.listing]


@pytest.mark.at_length
@settings(deadline=None)
@given(
    listing=ds.listings(max_sessions=8),
    steps=st.integers(1, 4),
    extra=st.integers(0, 12),
    passed=st.integers(0, 600),
)
def test_work_hangs_together(listing, steps, extra, passed):
    """Every session runs its share of one step inside its life, and no task runs twice."""
    fake = FakeDeadline()
    with fake.clock.freeze(listing.started_at + datetime.timedelta(seconds=passed)):
        job = fake.add_job(listing, steps=steps, tasks=steps + extra)
        ran = collections.Counter()
        for summary, actions in zip(job.listing, _by_session(fake, job), strict=True):
            ended = summary.get("endedAt")
            _check_order(actions, ended=ended is not None)
            _check_times(actions, summary["startedAt"], ended or fake.clock.now())
            runs = [
                one["definition"]["taskRun"] for one in actions if "taskRun" in one["definition"]
            ]
            ran.update(run["taskId"] for run in runs)
            assert len({run["stepId"] for run in runs}) <= 1
            assert all(run["taskId"][5:37] == run["stepId"][5:] for run in runs)
        assert set(ran.values()) <= {1}
        got = fake.client().get_job(**job)
        assert sum(got["taskRunStatusCounts"].values()) == steps + extra
        counts = collections.Counter(
            one["status"] for one in _actions(fake, job).values() if "taskRun" in one["definition"]
        )
        assert {**got["taskRunStatusCounts"], "READY": 0} == {
            **dict.fromkeys(model.enum("TaskRunStatus"), 0),
            **counts,
        }
        assert ("endedAt" in got) == (counts["SUCCEEDED"] == steps + extra)


def _check_order(actions, *, ended):
    number, kinds = len(actions), _kinds(actions)
    last = ["envExit"] if ended else []
    assert kinds == (["envEnter"] + ["taskRun"] * (number - 1 - len(last)) + last)[:number]
    statuses = ["SUCCEEDED"] * (number - 1) + ["SUCCEEDED" if ended else "RUNNING"]
    assert [one["status"] for one in actions] == statuses[:number]
    ids = [int(one["sessionActionId"].rsplit("-", 1)[1]) for one in actions]
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


def test_the_work_of_an_example(fake):
    """Three sessions share seven tasks of two steps: in turn, and what ended is done."""
    job = fake.add_job(Listing(runs=(("ENDED", 1), ("STARTED", 2))), steps=2, tasks=7)
    actions = _by_session(fake, job)
    assert [_kinds(one) for one in actions] == [
        ["envEnter", "taskRun", "taskRun", "envExit"],
        ["envEnter", "taskRun", "taskRun", "taskRun"],
        ["envEnter", "taskRun", "taskRun"],
    ]
    runs = [
        (one["definition"]["taskRun"]["taskId"][-3:], one["status"])
        for of_session in actions
        for one in of_session
        if "taskRun" in one["definition"]
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
def test_what_was_seen_stays_true(tasks, checks, end):
    """An action never goes away, keeps its start, and once it has ended all of it."""
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
    for action_id, was in before.items():
        now = after[action_id]
        assert now["startedAt"] == was["startedAt"]
        assert was["status"] == "RUNNING" or now == was
    return after


def test_work_gets_on_as_time_passes(fake):
    """An action takes so long, and the last task runs on until the session ends."""
    with fake.clock.freeze("2030-01-01") as frozen:
        job = fake.add_job(1, tasks=2)
        frozen.move_to(job.listing[0]["startedAt"])
        seen = []
        for _ in range(5):
            seen.append([one["status"] for one in _actions(fake, job).values()])
            frozen.tick(SLOT)
        job.sessions[0].end()
        assert seen == [
            ["RUNNING"],
            ["SUCCEEDED", "RUNNING"],
            ["SUCCEEDED", "SUCCEEDED", "RUNNING"],
            ["SUCCEEDED", "SUCCEEDED", "RUNNING"],
            ["SUCCEEDED", "SUCCEEDED", "RUNNING"],
        ]
        *_, task, leaving = _actions(fake, job).values()
        assert task["endedAt"] == leaving["startedAt"] == leaving["endedAt"] == fake.clock.now()


def test_a_session_with_many_tasks_hurries():
    """All tasks of a session fit into its half hour."""
    assert Work(1, 1, 1, 1).slot == SLOT
    assert Work(1, 179, 1, 1).slot == datetime.timedelta(seconds=10)
    assert Work(2, 179, 1, 1).slot > SLOT * 0.9


def test_a_step_without_a_session_waits(fake):
    """Its tasks are ready, and neither started nor ended."""
    job = fake.add_job(Listing(runs=(("ENDED", 1),)), steps=2, tasks=3)
    got = fake.client().get_job(**job)
    counts = {name: count for name, count in got["taskRunStatusCounts"].items() if count}
    assert counts == {"SUCCEEDED": 2, "READY": 1}
    assert (got["taskRunStatus"], "endedAt" in got) == ("READY", False)


def test_sessions_that_start_later_have_no_tasks(fake):
    """They enter the environment, and leave it when they end."""
    job = fake.add_job(1, steps=1)
    session = job.start_session()
    assert _kinds(_actions(fake, job, sessionId=session.session_id).values()) == ["envEnter"]
    session.end()
    got = _actions(fake, job, sessionId=session.session_id).values()
    assert _kinds(got) == ["envEnter", "envExit"]


def test_without_work_nothing_is_known(fake):
    """A job that was added without has no actions, steps or tasks."""
    job = fake.add_job(sessions=2)
    assert _actions(fake, job) == {}
    client = fake.client()
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.list_session_actions(**job, taskId=Work(1, 1, 1, 1).task_id(0, 0))


def test_jobs_have_steps_of_their_own(fake):
    """Ids of steps, and so of tasks, are unique in the whole fake."""
    jobs = [fake.add_job(1, steps=2, tasks=3) for _ in range(2)]
    steps = [
        one["definition"]["taskRun"]["stepId"]
        for job in jobs
        for one in _actions(fake, job).values()
        if "taskRun" in one["definition"]
    ]
    assert len(set(steps)) == 2


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_pages_of_session_actions(size):
    """The paginator gets all actions of a job, in the order of its sessions, in any page size."""
    fake = FakeDeadline(Behavior(page_size=size))
    job = fake.add_job(Listing(runs=(("ENDED", 3), ("STARTED", 2))), steps=2, tasks=9)
    expected = [one for actions in _by_session(fake, job) for one in actions]
    before = len(fake.calls)
    assert list(_actions(fake, job).values()) == expected
    assert len(fake.calls) - before == -(-len(expected) // size)
    by_two = _actions(fake, job, PaginationConfig={"PageSize": 2})
    assert list(by_two.values()) == expected


def test_the_actions_of_a_task(fake):
    """``taskId`` asks for one, and together with another session for none."""
    job = fake.add_job(2, steps=1, tasks=3)
    every = _actions(fake, job)
    runs = [one for one in every.values() if "taskRun" in one["definition"]]
    for run in runs:
        task_id = run["definition"]["taskRun"]["taskId"]
        assert list(_actions(fake, job, taskId=task_id).values()) == [run]
        there = [
            bool(_actions(fake, job, taskId=task_id, sessionId=one["sessionId"]))
            for one in job.listing
        ]
        assert sorted(there) == [False, True]
    waiting = fake.add_job(0, steps=1)
    task_id = fake._service.state.jobs[tuple(waiting.values())].work.task_id(0, 0)
    assert _actions(fake, waiting, taskId=task_id) == {}


def test_tokens_are_bound_to_the_operation(fake):
    """The token of one list is unknown to another, and to the same for other arguments."""
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
def test_getting_one_action_is_what_the_list_said(fake, runs):
    """With its session and exit code, and as the service model allows."""
    client = fake.client()
    job = fake.add_job(Listing(runs=runs), steps=1, tasks=4)
    for session, actions in zip(job.listing, _by_session(fake, job), strict=True):
        response = client.list_session_actions(**job, sessionId=session["sessionId"])
        assert validation.check_response(response, "ListSessionActions") == []
        for action in actions:
            got = client.get_session_action(**job, sessionActionId=action["sessionActionId"])
            assert validation.check_response(got, "GetSessionAction") == []
            assert got["sessionId"] == session["sessionId"]
            assert got.get("processExitCode") == (0 if got["status"] == "SUCCEEDED" else None)
            same = {"sessionActionId", "status", "startedAt", "endedAt", "progressPercent"}
            assert {name: got[name] for name in same & got.keys()} == {
                name: action[name] for name in same & action.keys()
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
    """What names no session, task or action is not found, and the error tells its kind."""
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
    """A failed action is told as such by every operation, and so is its task."""
    job = fake.add_job(Listing(runs=(("ENDED", 1),)), tasks=1)
    _, action_id, _ = _actions(fake, job)
    fake.describe(action_id, status="FAILED", processExitCode=3)
    assert _actions(fake, job)[action_id]["status"] == "FAILED"
    got = fake.client().get_session_action(**job, sessionActionId=action_id)
    assert (got["status"], got["processExitCode"]) == ("FAILED", 3)


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
def test_work_that_cannot_be(fake, arguments, kind, refusal):
    """It is refused by name, value and what is allowed, and no job is added."""
    with pytest.raises(kind) as caught:
        fake.add_job(1, **arguments)
    assert str(caught.value) == refusal
    assert (fake.jobs, fake._service.state.described) == ([], {})


@pytest.mark.parametrize(
    ("steps", "tasks", "counts"),
    [(2, None, (2, 2)), (None, 3, (1, 3)), (0, 0, None), (0, None, None), (None, 0, None)],
)
def test_what_is_left_out_follows(fake, steps, tasks, counts):
    """One task for each step, one step for tasks, and none at all for zero."""
    job = fake.add_job(1, steps=steps, tasks=tasks)
    work = fake._service.state.jobs[tuple(job.values())].work
    assert (work and (work.steps, work.tasks)) == counts


def test_details_of_a_job(fake):
    """They are told by GetJob."""
    job = fake.add_job(details={"name": "Shot 10", "maxRetriesPerTask": 3})
    got = fake.client().get_job(**job)
    assert (got["name"], got["maxRetriesPerTask"]) == ("Shot 10", 3)


def test_work_of_a_huge_job_costs_nothing_until_asked_for(fake):
    """Listing a page of sessions or of actions expands only that page."""
    job = fake.add_job(100_000, steps=10, tasks=1_000_000)
    client = fake.client()
    expanded = []
    listing = type(job.listing)
    original = listing.between
    try:
        listing.between = lambda self, *some: expanded.append(some) or original(self, *some)
        client.list_sessions(**job, maxResults=5)
        page = client.list_session_actions(**job, maxResults=5)
        client.list_session_actions(**job, maxResults=5, nextToken=page["nextToken"])
    finally:
        listing.between = original
    assert sum(stop - start for start, stop in expanded) < 20


def test_sessions_without_tasks_get_no_step_on(fake):
    """What a step has done is what its other sessions have done."""
    job = fake.add_job(Listing(runs=(("ENDED", 3),)), steps=1, tasks=2)
    got = fake.client().get_job(**job)
    assert {name: count for name, count in got["taskRunStatusCounts"].items() if count} == {
        "SUCCEEDED": 2
    }
