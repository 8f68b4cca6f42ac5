"""The ``Job`` and ``Session`` objects of the fake."""

from __future__ import annotations

import datetime
from contextlib import nullcontext

import pytest

from pytest_deadline_sessions import Behavior, FakeDeadline, Listing, lifecycle
from pytest_deadline_sessions._api import model

WALKS = {
    "STARTED": [],
    "UPDATE_IN_PROGRESS": ["request_end"],
    "UPDATE_SUCCEEDED": ["request_end", "succeed_update"],
    "UPDATE_FAILED": ["request_end", "fail_update"],
    "ENDED": ["end"],
}
MOVES = {
    "request_end": "UPDATE_IN_PROGRESS",
    "succeed_update": "UPDATE_SUCCEEDED",
    "fail_update": "UPDATE_FAILED",
    "end": "ENDED",
}
BY = "arn:aws:iam::111122223333:user/alex"


def _session(fake, status):
    session = fake.add_job().start_session()
    for move in WALKS[status]:
        fake.clock.advance(minutes=1)
        getattr(session, move)()
    return session


def test_a_job_is_a_mapping_of_its_ids(fake):
    """A job is a mapping of its three ids, with a short repr."""
    job = fake.add_job()
    assert dict(job) == {
        "farmId": "farm-00000000000000000000000000000001",
        "queueId": "queue-00000000000000000000000000000001",
        "jobId": "job-00000000000000000000000000000001",
    }
    assert len(job) == 3
    assert repr(job) == "<Job job-00000000000000000000000000000001>"
    with pytest.raises(KeyError):
        job["fleetId"]


def test_jobs_are_kept_in_order(fake):
    """``fake.jobs`` has the jobs in the order in which they were added."""
    added = [fake.add_job(), fake.add_job()]
    assert [dict(job) for job in fake.jobs] == [dict(job) for job in added]


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("status", WALKS)
def test_moves_are_those_of_the_lifecycle(fake, status, move):
    """A session makes the transitions that the lifecycle allows.

    Any other raises an error that names the allowed ones, and changes nothing.
    """
    session = _session(fake, status)
    before = session.summary
    if MOVES[move] in lifecycle.TRANSITIONS[status]:
        getattr(session, move)()
        assert session.status == MOVES[move]
        assert lifecycle.violations(before, session.summary) == []
        assert lifecycle.violations(session.summary) == []
    else:
        following = " or ".join(lifecycle.TRANSITIONS[status]) or "no other status"
        with pytest.raises(ValueError, match="cannot become") as caught:
            getattr(session, move)()
        assert str(caught.value) == (
            f"{session.session_id} cannot become {MOVES[move]} "
            f"(expected {following} after {status})"
        )
        assert session.summary == before


def test_every_move_is_at_the_services_time(fake):
    """Each update and the end get the clock's time; ``updatedBy`` is who requested the end."""
    with fake.clock.freeze("2030-01-01") as frozen:
        session = fake.add_job().start_session()
        started = fake.clock.now()
        frozen.tick(60)
        session.request_end(by=BY)
        requested = fake.clock.now()
        frozen.tick(60)
        session.succeed_update()
        updated = fake.clock.now()
        frozen.tick(60)
        session.end()
        summary = session.summary
    assert summary == {
        **summary,
        "lifecycleStatus": "ENDED",
        "targetLifecycleStatus": "ENDED",
        "startedAt": started,
        "updatedAt": updated,
        "updatedBy": BY,
        "endedAt": updated + datetime.timedelta(minutes=1),
    }
    assert started < requested < updated


def test_time_never_runs_backwards_in_a_summary(fake):
    """If the clock is set back, a session still does not end before it started."""
    with fake.clock.freeze("2030-01-02") as frozen:
        session = fake.add_job().start_session()
        frozen.move_to("2030-01-01")
        session.request_end()
        session.succeed_update()
        session.end()
        assert lifecycle.violations(session.summary) == []


def test_sessions_of_a_listing_can_be_moved(fake):
    """Ending one session of a listing changes neither the other sessions nor the pages."""
    job = fake.add_job(Listing(page_sizes=(1, 0, 2)))
    job.sessions[1].end()
    statuses = [session["lifecycleStatus"] for session in job.listing]
    assert statuses == ["STARTED", "ENDED", "STARTED"]
    assert job.listing.page_sizes == (1, 0, 2)


def test_sessions_that_start_later_are_listed_last(fake):
    """A session that starts later is listed last, on a new page if the listing has page sizes."""
    job = fake.add_job(Listing(page_sizes=(1, 1)))
    started = [job.start_session() for _ in range(2)]
    assert [summary["sessionId"] for summary in job.listing][2:] == [
        session.session_id for session in started
    ]
    assert job.listing.page_sizes == (1, 1, 2)
    assert [len(page) for page in job.listing.pages()] == [1, 1, 2]


def test_starting_a_session_with_given_members(fake):
    """``start_session`` checks given members, and refuses a session id that the fake has."""
    job = fake.add_job()
    worker = "worker-" + "a" * 32
    session = job.start_session(workerId=worker)
    assert session.summary["workerId"] == worker
    with pytest.raises(ValueError, match=r"^start_session\[0\] breaks schema: workerId: 'me'"):
        job.start_session(workerId="me")
    with pytest.raises(ValueError, match="expected an id that no session has"):
        fake.add_job().start_session(sessionId=session.session_id)
    assert len(job.sessions) == 1


def test_fresh_ids_avoid_those_that_are_taken(fake):
    """The id of a started session skips ids of the listing and ids given before."""
    job = fake.add_job(Listing(page_sizes=(3,)))
    session = job.start_session()
    assert session.session_id.endswith("4")
    taken = model.make_id("SessionId", 7)
    fake.add_job().start_session(sessionId=taken)
    assert [job.start_session().session_id[-1] for _ in range(2)] == ["6", "8"]


def test_a_session_by_its_id(fake):
    """``job.session`` returns the session with an id, and refuses an id that the job lacks."""
    job = fake.add_job(sessions=2)
    session_id = job.listing[1]["sessionId"]
    assert job.session(session_id).summary == job.listing[1]
    with pytest.raises(ValueError, match="session_id='session-1'"):
        job.session("session-1")
    with pytest.raises(TypeError, match=r"^session_id=3 \(expected a string\)$"):
        job.session(3)


def test_jobs_and_sessions_from_before_a_reset(fake):
    """Using a job or session added before a reset raises an error that says so."""
    job = fake.add_job()
    session = job.start_session()
    fake.reset()
    with pytest.raises(RuntimeError, match="the fake was reset after it was added"):
        job.listing  # noqa: B018 (a property that raises)
    again = fake.add_job()
    assert dict(again) == dict(job)
    with pytest.raises(RuntimeError, match="the fake was reset after it was added"):
        session.summary  # noqa: B018 (a property that raises)


def test_operations_and_objects_share_state(fake):
    """GetSession and UpdateSession read and change the state that ``Session`` objects show."""
    client = fake.client()
    job = fake.add_job()
    session = job.start_session()
    of_session = {**job, "sessionId": session.session_id}
    client.update_session(**of_session, targetLifecycleStatus="ENDED")
    assert session.status == "UPDATE_IN_PROGRESS"
    session.succeed_update()
    details = client.get_session(**of_session)
    summary = session.summary
    assert {name: details[name] for name in summary} == summary
    assert details["log"]["options"] == {
        "logGroupName": "/aws/deadline/{farmId}/{queueId}".format(**job),
        "logStreamName": session.session_id,
    }
    # Requesting the end again changes nothing.
    client.update_session(**of_session, targetLifecycleStatus="ENDED")
    assert session.summary == summary


def test_updating_an_ended_session():
    """Updating an ended session is a conflict, or changes nothing, as Behavior says."""
    fake = FakeDeadline()
    client = fake.client()
    for _ in range(2):
        job = fake.add_job()
        session = job.start_session()
        session.end()
        arguments = {**job, "sessionId": session.session_id, "targetLifecycleStatus": "ENDED"}
        if fake.behavior.update_of_ended_conflicts:
            with pytest.raises(client.exceptions.ConflictException):
                client.update_session(**arguments)
        else:
            client.update_session(**arguments)
        fake.reset(Behavior(update_of_ended_conflicts=False))


@pytest.mark.parametrize("conflicts", [False, True])
def test_updating_a_session_twice(conflicts):
    """Updating a session already asked to end changes nothing, or conflicts, as Behavior says."""
    fake = FakeDeadline(Behavior(update_of_asked_conflicts=conflicts))
    client, job = fake.client(), fake.add_job(sessions=2)
    for session, done in zip(job.sessions, (False, True), strict=True):
        arguments = {**job, "sessionId": session.session_id, "targetLifecycleStatus": "ENDED"}
        client.update_session(**arguments)
        if done:
            session.succeed_update()
        summary = session.summary
        with pytest.raises(client.exceptions.ConflictException) if conflicts else nullcontext():
            client.update_session(**arguments)
        assert session.summary == summary


def test_an_update_with_the_same_client_token():
    """An update with the ``clientToken`` of an earlier one succeeds and changes nothing."""
    fake = FakeDeadline(Behavior(update_of_asked_conflicts=True))
    client = fake.client()
    job = fake.add_job(sessions=1)
    session = job.sessions[0]
    update = {**job, "sessionId": session.session_id, "targetLifecycleStatus": "ENDED"}
    client.update_session(**update, clientToken="a")
    updated = session.summary
    client.update_session(**update, clientToken="a")
    assert session.summary == updated
    with pytest.raises(client.exceptions.ConflictException):
        client.update_session(**update, clientToken="b")
    restore = fake.snapshot()
    session.succeed_update()
    session.end()
    for _ in range(2):
        client.update_session(**update, clientToken="a")
        restore()


@pytest.mark.parametrize("operation", ["get_session", "update_session"])
def test_unknown_sessions(fake, operation):
    """A session of another job is not found."""
    client = fake.client()
    job, other = fake.add_job(), fake.add_job(sessions=1)
    arguments = {**job, "sessionId": other.listing[0]["sessionId"]}
    if operation == "update_session":
        arguments["targetLifecycleStatus"] = "ENDED"
    with pytest.raises(client.exceptions.ResourceNotFoundException) as caught:
        getattr(client, operation)(**arguments)
    assert caught.value.response["resourceType"] == "session"


def test_sessions_show_their_status(fake):
    """The repr of a session has its id and its current status."""
    session = fake.add_job().start_session()
    assert repr(session) == f"<Session {session.session_id} STARTED>"
    session.end()
    assert repr(session) == f"<Session {session.session_id} ENDED>"
