"""``FakeDeadline``: its methods and the arguments it refuses."""

from __future__ import annotations

import contextlib
import datetime

import botocore.exceptions
import pytest

from pytest_deadline_sessions import (
    Behavior,
    Clock,
    FakeDeadline,
    Fault,
    FaultError,
    Listing,
    lifecycle,
)
from pytest_deadline_sessions._api import model

SUMMARY = Listing(page_sizes=(1,))[0]


def test_sessions_by_count(fake):
    """A count adds valid STARTED sessions, a minute apart; the last one started a minute ago."""
    with fake.clock.freeze("2030-01-01 12:00"):
        sessions = list(fake.add_job(sessions=3).listing)
    assert [session["startedAt"].isoformat() for session in sessions] == [
        "2030-01-01T11:57:00+00:00",
        "2030-01-01T11:58:00+00:00",
        "2030-01-01T11:59:00+00:00",
    ]
    assert {session["lifecycleStatus"] for session in sessions} == {"STARTED"}
    assert [violation for session in sessions for violation in lifecycle.violations(session)] == []


def test_ids_of_jobs(fake):
    """A job takes given ids; jobs without given ids share a farm and a queue."""
    farm, queue, job = (model.make_id(name, 7) for name in ("FarmId", "QueueId", "JobId"))
    assert dict(fake.add_job(farmId=farm, queueId=queue, jobId=job)) == {
        "farmId": farm,
        "queueId": queue,
        "jobId": job,
    }
    first, second = fake.add_job(), fake.add_job()
    assert first["queueId"] == second["queueId"]
    assert first["jobId"] != second["jobId"]


@pytest.mark.parametrize(
    ("sessions", "error", "message"),
    [
        (-1, ValueError, "sessions=-1 (expected 0 or more)"),
        (True, TypeError, "sessions=True (expected a count, session summaries, or a Listing)"),
        ("3", TypeError, "sessions='3' (expected a count, session summaries, or a Listing)"),
        (2.5, TypeError, "sessions=2.5 (expected a count, session summaries, or a Listing)"),
        ([3], TypeError, "sessions[0]=3 (expected a session summary, a dict)"),
        (
            [SUMMARY, {**SUMMARY, "workerId": "me"}],
            ValueError,
            (
                "sessions[1] breaks schema: workerId: 'me' "
                "(expected to match worker-[0-9a-f]{32})\n"
                f"sessions[1].sessionId: {SUMMARY['sessionId']!r} (expected unique ids; "
                "sessions[0] has this one)"
            ),
        ),
    ],
)
def test_wrong_sessions_are_refused(fake, sessions, error, message):
    """Invalid sessions raise an error with their index, the value and what is allowed.

    No job is added.
    """
    with pytest.raises(error) as caught:
        fake.add_job(sessions=sessions)
    assert str(caught.value) == message
    assert fake.jobs == []


def test_a_summary_in_place_of_summaries_is_refused(fake):
    """A single summary is refused, not iterated over as a dict."""
    with pytest.raises(TypeError, match="expected a count, session summaries, or a Listing"):
        fake.add_job(sessions=SUMMARY)


@pytest.mark.parametrize("name", ["farmId", "queueId", "jobId"])
def test_malformed_ids_are_refused(fake, name):
    """The error for a malformed id gives the pattern that it must match."""
    with pytest.raises(ValueError, match=rf"^{name}: 'x' \(expected to match {name[:-2]}-"):
        fake.add_job(**{name: "x"})


@pytest.mark.parametrize("name", ["farmId", "queueId", "jobId"])
@pytest.mark.parametrize("wrong", [7, 0, ["x"], b"x"])
def test_ids_are_strings(fake, name, wrong):
    """An id that is not a string is refused as a wrong type, and no job is added."""
    with pytest.raises(TypeError) as caught:
        fake.add_job(**{name: wrong})
    assert str(caught.value) == f"{name}={wrong!r} (expected an id)"
    assert fake.jobs == []


@pytest.mark.parametrize("name", ["farmId", "queueId", "jobId"])
def test_empty_ids_are_refused(fake, name):
    """An empty id is not replaced by the default."""
    with pytest.raises(ValueError, match=f"^{name}: "):
        fake.add_job(**{name: ""})


def test_ids_that_are_taken_are_refused(fake):
    """The ids of an existing job or session are refused, and no job is added."""
    job = fake.add_job(sessions=2)
    with pytest.raises(ValueError, match="expected an id that no job of this fake has"):
        fake.add_job(**job)
    taken = job.listing[0]
    with pytest.raises(ValueError, match=f"{taken['sessionId']}' is already in {job['jobId']} "):
        fake.add_job([taken])
    later = job.start_session().summary
    with pytest.raises(ValueError, match=f"{later['sessionId']}' is already in {job['jobId']} "):
        fake.add_job([later])
    assert len(fake.jobs) == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("Throttled",), ValueError, "fault='Throttled' (expected a fault of ListSessions: Acc"),
        ((3,), TypeError, "fault=3 (expected a Fault, or one of AccessDeniedException, "),
        (
            ("ConflictException",),
            ValueError,
            "fault='ConflictException' (expected a fault of ListSessions: AccessDenied",
        ),
        (("ReadTimeoutError", "ListFarms"), ValueError, "operation='ListFarms' (expected one of "),
    ],
)
def test_wrong_faults_are_refused(fake, arguments, error, message):
    """``fail_next`` refuses a fault or an operation that the service model does not allow."""
    with pytest.raises(error) as caught:
        fake.fail_next(*arguments)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"times": 0}, ValueError, "times=0 (expected 1 or more)"),
        ({"times": True}, TypeError, "times=True (expected a whole number, 1 or more)"),
        ({"after": -1}, ValueError, "after=-1 (expected 0 or more)"),
        ({"after": 1.0}, TypeError, "after=1.0 (expected a whole number, 0 or more)"),
    ],
)
def test_wrong_numbers_of_faults_are_refused(fake, options, error, message):
    """``times`` and ``after`` must be whole numbers in range."""
    with pytest.raises(error) as caught:
        fake.fail_next("ThrottlingException", **options)
    assert str(caught.value) == message


def _statuses(fake, count):
    client = fake.client(retries={"total_max_attempts": 1})
    job = fake.jobs[0]
    for _ in range(count):
        with contextlib.suppress(
            botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError
        ):
            client.list_sessions(**job)
    return [call.status for call in fake.calls]


def test_faults_after_and_times(fake):
    """``after`` calls succeed, the next ``times`` calls fail, and later calls succeed."""
    fake.add_job()
    fake.fail_next("AccessDeniedException", times=2, after=1)
    assert _statuses(fake, 5) == [200, 403, 403, 200, 200]


def test_faults_for_good(fake):
    """With ``times=None`` every later call fails."""
    fake.add_job()
    fake.fail_next("AccessDeniedException", times=None)
    assert _statuses(fake, 4) == [403] * 4


def test_several_faults(fake):
    """Faults occur in the order they were added; ``after`` counts from the end of the last one."""
    fake.add_job()
    fake.fail_next("AccessDeniedException")
    fake.fail_next("ConnectionClosedError", after=1)
    fake.fail_next(Fault("ThrottlingException"))
    assert _statuses(fake, 5) == [403, 200, None, 429, 200]


def test_faults_of_another_operation(fake):
    """A fault for UpdateSession leaves ListSessions alone."""
    session = fake.add_job().start_session()
    fake.fail_next("ConflictException", operation="UpdateSession")
    assert _statuses(fake, 1) == [200]
    client = fake.client()
    with pytest.raises(client.exceptions.ConflictException):
        client.update_session(
            **fake.jobs[0], sessionId=session.session_id, targetLifecycleStatus="ENDED"
        )
    assert session.status == "STARTED"


def test_the_resource_id_of_a_not_found_fault(fake):
    """``resourceId`` is the job id of the call, unless the fault sets another."""
    client = fake.client()
    job = fake.add_job()
    for fault, wanted in (
        ("ResourceNotFoundException", job["jobId"]),
        (Fault("ResourceNotFoundException", resourceId="mine"), "mine"),
    ):
        fake.fail_next(fault)
        with pytest.raises(client.exceptions.ResourceNotFoundException) as caught:
            client.list_sessions(**job)
        assert caught.value.response["resourceId"] == wanted


def test_reset_forgets_everything(fake):
    """``reset`` clears jobs, faults, calls, operations, listeners and advanced time.

    It keeps the last behavior.
    """
    heard = []
    job = fake.add_job(sessions=1)
    fake.fail_next("AccessDeniedException", after=5)
    fake.on_call(heard.append)
    fake.operation("GetFarm")(lambda _service, _params: {})
    fake.clock.advance(days=3)
    client = fake.client()
    client.list_sessions(**job)
    fake.reset(Behavior(page_size=2))
    assert (fake.jobs, list(fake.calls), fake.behavior.page_size) == ([], [], 2)
    assert fake.clock.now() - datetime.datetime.now(datetime.timezone.utc) < datetime.timedelta(1)
    fake.add_job(sessions=1)
    assert _statuses(fake, 6) == [200] * 6
    assert len(heard) == 1
    fake.reset()
    assert fake.behavior.page_size == 2


def test_snapshot(fake):
    """The function that ``snapshot`` returns restores the state any number of times."""
    client = fake.client()
    job = fake.add_job(Listing(page_sizes=(1, 1)))
    token = client.list_sessions(**job)["nextToken"]
    fake.fail_next("AccessDeniedException")
    restore = fake.snapshot()
    for _ in range(2):
        with pytest.raises(client.exceptions.AccessDeniedException):
            client.list_sessions(**job)
        job.sessions[0].end()
        job.start_session()
        fake.add_job(sessions=1)
        fake.clock.advance(days=2)
        restore()
        assert len(fake.jobs) == 1
        assert [session["lifecycleStatus"] for session in job.listing] == ["STARTED", "STARTED"]
        assert len(fake.calls) == 1
        with pytest.raises(client.exceptions.AccessDeniedException):
            client.list_sessions(**job, nextToken=token)
        assert client.list_sessions(**job, nextToken=token)["sessions"] == [job.listing[1]]
        restore()


def test_listeners_hear_of_each_call(fake):
    """A listener gets each call with its outcome, including retries and calls never sent."""
    heard = []
    fake.on_call(heard.append)
    client = fake.client()
    job = fake.add_job()
    fake.fail_next("ThrottlingException")
    client.list_sessions(**job)
    with pytest.raises(botocore.exceptions.ParamValidationError):
        client.list_sessions(**job, maxResults=0)
    assert heard == list(fake.calls)
    assert [(call.status, call.attempt, call.sent) for call in heard] == [
        (429, 1, True),
        (200, 2, True),
        (None, 1, False),
    ]
    with pytest.raises(TypeError, match="listener=3"):
        fake.on_call(3)


def test_a_listener_that_raises_hides_no_call_from_the_others(fake):
    """All listeners hear of a call, in order; then the error of one goes to the caller."""
    heard = []

    def fails(call):
        heard.append(call.operation)
        raise ZeroDivisionError

    fake.on_call(fails)
    fake.on_call(heard.append)
    with pytest.raises(ZeroDivisionError):
        fake.client().list_sessions(**fake.add_job())
    assert heard == ["ListSessions", *fake.calls]


def test_calls_that_botocore_cannot_serialize(fake):
    """A call that a client without validation cannot send is recorded with its error."""
    client = fake.client(parameter_validation=False)
    with pytest.raises(KeyError):
        client.list_sessions(farmId=model.make_id("FarmId", 1))
    (call,) = fake.calls
    assert (call.operation, call.sent) == ("ListSessions", False)
    assert call.message in {"KeyError: 'queueId'", "KeyError: 'jobId'"}


def test_an_operation_may_raise_a_fault(fake):
    """An operation gives its caller a fault by raising it, as by returning it."""

    @fake.operation("GetFarm")
    def get_farm(_service, _parameters):
        raise FaultError(Fault("AccessDeniedException", "Nothing for you."))

    client = fake.client()
    with pytest.raises(client.exceptions.AccessDeniedException, match="Nothing for you"):
        client.get_farm(farmId=model.make_id("FarmId", 1))


def test_adding_an_operation(fake):
    """An added operation is a function of the service and the parameters that returns a result."""

    @fake.operation("GetFarm")
    def get_farm(service, params):
        return {
            "farmId": params["farmId"],
            "displayName": "Farm",
            "kmsKeyArn": "arn:aws:kms:us-west-2:111122223333:key/a",
            "createdAt": service.clock.now(),
            "createdBy": "me",
        }

    farm = model.make_id("FarmId", 1)
    response = fake.client().get_farm(farmId=farm)
    assert (response["farmId"], response["displayName"]) == (farm, "Farm")
    assert [call.operation for call in fake.calls] == ["GetFarm"]
    assert get_farm is fake._service.operations["GetFarm"]
    with pytest.raises(ValueError, match="operation='GetBarn'"):
        fake.operation("GetBarn")


def test_an_added_operation_may_fail(fake):
    """An added operation may return a Fault."""
    queue = {"farmId": model.make_id("FarmId", 1), "queueId": model.make_id("QueueId", 1)}
    refusal = Fault("AccessDeniedException", "Not yours.")
    fake.operation("DeleteQueue")(lambda _service, _params: refusal)
    with pytest.raises(botocore.exceptions.ClientError, match="Not yours") as caught:
        fake.client().delete_queue(**queue)
    assert caught.value.response["Error"]["Code"] == fake.calls[0].error == "AccessDeniedException"


def test_client_options(fake):
    """``client()`` takes options of ``create_client`` and of ``Config``, and refuses others."""
    from botocore.config import Config

    client = fake.client(region_name="eu-west-1", config=Config(read_timeout=3), connect_timeout=5)
    assert client.meta.region_name == "eu-west-1"
    assert (client.meta.config.read_timeout, client.meta.config.connect_timeout) == (3, 5)
    with pytest.raises(TypeError, match="speed"):
        fake.client(speed=11)
    with pytest.raises(TypeError, match="x…") as caught:
        fake.client(**{"x" * 5000: 11})
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("fast", [True, False])
def test_timestamp_parsers_agree(fake, fast):
    """The fast timestamp parser gives the same result as botocore's."""
    moment = datetime.datetime(2030, 1, 1, 12, 0, 0, 250000, tzinfo=datetime.timezone.utc)
    job = fake.add_job([{**SUMMARY, "startedAt": moment}])
    (session,) = fake.client(fast_timestamps=fast).list_sessions(**job)["sessions"]
    assert session["startedAt"] == moment
    assert session["startedAt"].utcoffset() == datetime.timedelta(0)


@pytest.mark.parametrize(
    "value", [1893456000, "Tue, 01 Jan 2030 00:00:00 GMT", "1 Jan 2030 12:00Z"]
)
def test_unusual_timestamps_are_left_to_botocore(value):
    """A timestamp in any other format is parsed by botocore."""
    from botocore.utils import parse_timestamp

    from pytest_deadline_sessions._transport import timestamps

    assert timestamps.parse(value) == parse_timestamp(value)


@pytest.mark.parametrize("kind", ["behavior", "clock"])
def test_arguments_of_the_wrong_type(kind):
    """``behavior`` and ``clock`` must be a Behavior and a Clock."""
    expected = {"behavior": "a Behavior", "clock": "a Clock"}[kind]
    with pytest.raises(TypeError, match=rf"{kind}=3 \(expected {expected}\)"):
        FakeDeadline(**{kind: 3})


@pytest.mark.parametrize("name", [3, None, ["GetFarm"]])
def test_names_of_operations_are_strings(fake, name):
    """The name of an operation must be a string, even where it could not be hashed."""
    message = f"operation={name!r} (expected the API name of an operation, such as 'ListSessions')"
    with pytest.raises(TypeError) as caught:
        fake.operation(name)
    assert str(caught.value) == message
    with pytest.raises(TypeError) as caught:
        fake.fail_next("ThrottlingException", name)
    assert str(caught.value) == message


@pytest.mark.parametrize("act", ["client", "async_client"])
def test_fast_timestamps_are_a_switch(fake, act):
    """``fast_timestamps`` must be True or False, for both kinds of client."""
    with pytest.raises(TypeError, match=r"^fast_timestamps='no' \(expected True or False\)$"):
        getattr(fake, act)(fast_timestamps="no")


@pytest.mark.parametrize(
    ("act", "expected"), [("client", "a Config"), ("async_client", "an AioConfig")]
)
def test_a_config_is_a_config(fake, act, expected):
    """``config`` must be a ``Config``, for both kinds of client."""
    if act == "async_client":
        pytest.importorskip("aiobotocore")
    with pytest.raises(TypeError) as caught:
        getattr(fake, act)(config={"region_name": "eu-west-1"})
    assert str(caught.value) == f"config={{'region_name': 'eu-west-1'}} (expected {expected})"


def test_a_reason_for_a_pause_is_a_string(fake):
    """The text of a pause must be a string, and without one nothing is paused."""
    with pytest.raises(TypeError, match=r"^why=None \(expected a string\)$"):
        fake.pause(None)
    fake.add_job()


def test_reset_takes_a_behavior(fake):
    """A reset to anything but a Behavior is refused and clears nothing."""
    fake.add_job()
    with pytest.raises(TypeError, match=r"^behavior=3 \(expected a Behavior\)$"):
        fake.reset(3)
    with pytest.raises(TypeError, match=r"^behavior='' \(expected a Behavior\)$"):
        fake.reset("")
    assert len(fake.jobs) == 1


def test_a_clock_may_be_shared():
    """Advancing the clock that two fakes share advances both."""
    clock = Clock()
    fakes = [FakeDeadline(clock=clock) for _ in range(2)]
    fakes[0].clock.advance(days=2)
    difference = fakes[1].clock.now() - fakes[0].clock.now()
    assert difference < datetime.timedelta(minutes=1)


@pytest.mark.parametrize(
    "use",
    [
        lambda fake: fake.add_job(),
        lambda fake: fake.fail_next("ThrottlingException"),
        lambda fake: fake.expire_tokens(),
        lambda fake: fake.operation("GetFarm"),
        lambda fake: fake.on_call(print),
        lambda fake: fake.reset(),
        lambda fake: fake.client(),
        lambda fake: fake.attach(None),
        lambda fake: fake.intercept().__enter__(),
        lambda fake: fake.serve().__enter__(),
        lambda fake: fake.__enter__(),
    ],
)
def test_a_closed_fake_refuses_all_work(fake, use):
    """Every use of a closed fake raises an error that says so and what to do."""
    fake.close()
    with pytest.raises(
        RuntimeError, match=r": this FakeDeadline is closed \(expected an open one; create"
    ):
        use(fake)
    assert repr(fake) == "<FakeDeadline: closed, 0 calls>"


def test_repr(fake):
    """The repr gives the number of jobs and of calls."""
    fake.client().list_sessions(**fake.add_job())
    assert repr(fake) == "<FakeDeadline: 1 jobs, 1 calls>"


def test_no_endpoint_environment_without_an_endpoint(fake):
    """``endpoint_environment`` raises unless the fake is being served."""
    with pytest.raises(RuntimeError, match=r"expected a call inside serve\(\)"):
        fake.endpoint_environment()


def test_snapshot_of_the_behavior(fake):
    """A snapshot restores the behavior that a reset has replaced."""
    restore = fake.snapshot()
    fake.reset(Behavior(page_size=2))
    restore()
    assert fake.behavior == Behavior()


def test_resuming_a_closed_fake(fake):
    """``resume`` opens a closed fake, with its jobs."""
    client, job = fake.client(), fake.add_job(sessions=1)
    fake.close()
    fake.resume()
    assert len(client.list_sessions(**job)["sessions"]) == 1


def _ids_of(job):
    return [session["sessionId"] for session in job.listing]


def test_generated_ids_are_unused(fake):
    """Generated ids of jobs and sessions differ from all ids given or generated before."""
    job_with_id = fake.add_job(Listing(page_sizes=(2,)), jobId=model.make_id("JobId", 2))
    fourth = fake.add_job([Listing(page_sizes=(1,), first=4)[0]])
    generated = [fake.add_job(sessions=2), fake.add_job(Listing(page_sizes=(1, 1)))]
    job_with_id.start_session()
    generated.append(fake.add_job(sessions=1))
    session_ids = [
        session_id for job in (job_with_id, fourth, *generated) for session_id in _ids_of(job)
    ]
    assert len(set(session_ids)) == len(session_ids) == 9
    assert len({job["jobId"] for job in fake.jobs}) == 5
    with pytest.raises(ValueError, match="expected ids that no other job has"):
        fake.add_job(Listing(page_sizes=(1,), first=2))


def test_a_refused_job_uses_no_id(fake):
    """After refused jobs, the next job still gets the first id."""
    for options in ({"sessions": -1}, {"steps": -1}, {"details": {"priority": 101}}):
        with pytest.raises(ValueError, match="expected"):
            fake.add_job(**options)
    assert fake.add_job(sessions=1)["jobId"] == model.make_id("JobId", 1)


def test_too_many_sessions(fake):
    """A count whose first session would start before the year 1 is refused."""
    with pytest.raises(ValueError, match=r"sessions=2000000000 \(expected a smaller count: "):
        fake.add_job(sessions=2_000_000_000)


@pytest.mark.parametrize("details", [3, "name", {1: "x"}])
def test_details_must_be_a_dict(fake, details):
    """``details`` must be a dict with strings as keys; otherwise no job is added."""
    with pytest.raises(TypeError) as caught:
        fake.add_job(details=details)
    expected = "a dict of members by their API name"
    assert str(caught.value) == f"details={details!r} (expected {expected})"
    assert fake.jobs == []
