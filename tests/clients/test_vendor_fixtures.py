"""The vendor's own test fixtures, with both plugins installed."""

from __future__ import annotations

import boto3
import pytest

from pytest_deadline_sessions import Listing

pytest.importorskip("moto")
resources = pytest.importorskip("deadline_test_fixtures.deadline.resources")
clients = pytest.importorskip("deadline_test_fixtures.deadline.client")

from moto import mock_aws  # noqa: E402 (after the skips)


@pytest.fixture
def deadline(deadline_sessions):  # noqa: ARG001 (it intercepts)
    """The vendor's client, around a boto3 client that the fake answers."""
    return clients.DeadlineClient(boto3.client("deadline"))


def _job(ids, client):
    """Make the vendor's ``Job`` from the service's details of a job."""
    farm = resources.Farm(ids["farmId"])
    queue = resources.Queue(ids["queueId"], farm)
    details = resources.Job.get_job_details(
        client=client, farm=farm, queue=queue, job_id=ids["jobId"]
    )
    return resources.Job(farm=farm, queue=queue, template={}, **details)


def test_fixtures_do_not_collide(request):
    """No fixture of this plugin has a name that the vendor's plugin uses."""
    manager = request.config.pluginmanager
    assert manager.hasplugin("deadline_test_fixtures")
    ours = {"deadline_sessions", "deadline_sessions_client", "deadline_sessions_endpoint"}
    theirs = set(dir(manager.get_plugin("deadline_test_fixtures")))
    assert not {*ours, "list_sessions_stubber"} & theirs


@mock_aws
def test_the_logs_of_all_sessions_of_a_job(deadline_sessions, deadline):
    """``Job.get_logs`` lists all sessions, over several pages, an empty one and a fault."""
    ids = deadline_sessions.add_job(Listing(page_sizes=(2, 0, 1)))
    logs = boto3.client("logs")
    group = "/aws/deadline/{farmId}/{queueId}".format(**ids)
    logs.create_log_group(logGroupName=group)
    for session in ids.listing:
        logs.create_log_stream(logGroupName=group, logStreamName=session["sessionId"])
    deadline_sessions.fail_next("ThrottlingException", after=1)
    logs_of_job = _job(ids, deadline).get_logs(deadline_client=deadline, logs_client=logs)
    assert list(logs_of_job.session_logs) == [session["sessionId"] for session in ids.listing]


def test_the_last_session_of_a_task(deadline_sessions, deadline):
    """``Task.get_last_session`` returns the session that ran the task."""
    ids = deadline_sessions.add_job(Listing(page_sizes=(1,), runs=(("ENDED", 1),)), tasks=1)
    job = _job(ids, deadline)
    session = ids.listing[0]
    client = boto3.client("deadline")
    (action,) = (
        action
        for action in client.list_session_actions(**ids, sessionId=session["sessionId"])[
            "sessionActions"
        ]
        if "taskRun" in action["definition"]
    )
    task = resources.Task(
        farm=job.farm,
        queue=job.queue,
        job=job,
        step=None,
        id=action["definition"]["taskRun"]["taskId"],
        created_at=session["startedAt"],
        created_by="alex",
        run_status=resources.TaskStatus.SUCCEEDED,
        latest_session_action_id=action["sessionActionId"],
    )
    last_session = task.get_last_session(deadline_client=deadline)
    assert (last_session.id, last_session.lifecycle_status) == (session["sessionId"], "ENDED")
    assert (last_session.started_at, last_session.ended_at) == (
        session["startedAt"],
        session["endedAt"],
    )
    assert last_session.logs.options["logStreamName"] == session["sessionId"]
    assert last_session.worker_log.options["logStreamName"] == session["workerId"]
