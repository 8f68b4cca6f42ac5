"""Clients, threads and tasks that outlive their interception are refused and send nothing."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import gc
import threading
import time
import weakref

import boto3
import botocore.awsrequest
import botocore.client
import botocore.exceptions
import botocore.httpsession
import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.stub import Stubber

from pytest_deadline_sessions import FakeDeadline, _state
from pytest_deadline_sessions._transport import interception

HERE = "tests/transport/test_leftovers.py::"
_KEYS = {
    "aws_access_key_id": "REAL",
    "aws_secret_access_key": "REAL",
    "region_name": "us-west-2",
}


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    """The URLs of requests that would have gone to AWS."""
    interception.tidy()
    requests = []

    def send(_session, request):
        requests.append(request.url)
        raise botocore.exceptions.EndpointConnectionError(endpoint_url=request.url)

    monkeypatch.setattr(botocore.httpsession.URLLib3Session, "send", send)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    before = set(threading.enumerate())
    yield requests
    # The next test must not find threads that are about to end.
    for thread in set(threading.enumerate()) - before:
        thread.join(30)


def _own():
    """A client that the user creates, with their own credentials."""
    return boto3.client("deadline", **_KEYS)


def _job():
    return FakeDeadline().add_job()


def _refused(client, job, message):
    with pytest.raises(RuntimeError, match=message) as caught:
        client.list_sessions(**job)
    assert f"the interception of {HERE}" in str(caught.value)
    return str(caught.value)


MADE = {
    "called": lambda fake: _called(boto3.client("deadline"), fake),
    "never called": lambda _: boto3.client("deadline"),
    "unsigned": lambda _: boto3.client("deadline", config=Config(signature_version=UNSIGNED)),
    "by a session": lambda _: boto3.Session(profile_name="studio").client("deadline"),
    "with keys": lambda _: boto3.client(
        "deadline", aws_access_key_id="REAL", aws_secret_access_key="REAL"
    ),
}


def _called(client, fake):
    client.list_sessions(**fake.add_job())
    return client


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_clients_made_inside(make, sent):
    """A client created inside an interception raises an error afterwards that names the test.

    Inside a later interception the client is answered.
    """
    with FakeDeadline() as fake:
        client = make(fake)
    _refused(client, _job(), "is not sent: its client was created inside")
    with FakeDeadline() as other:
        assert len(client.list_sessions(**other.add_job(sessions=2))["sessions"]) == 2
    long = {**_job(), "nextToken": "x" * 4000}
    assert len(_refused(client, long, "x… is not sent: its client was created inside")) < 700
    assert sent == []


def test_a_stubber_may_answer_a_client_made_inside():
    """A client created inside an interception still works afterwards with a Stubber."""
    with FakeDeadline():
        client = boto3.client("deadline")
    with Stubber(client) as stubber:
        stubber.add_response("list_sessions", {"sessions": []})
        assert client.list_sessions(**_job())["sessions"] == []


def test_clients_made_before_send_requests_afterwards(sent):
    """After the interception, the user's earlier clients send requests to AWS as before."""
    used_inside, unused = _own(), _own()
    with FakeDeadline() as fake:
        used_inside.list_sessions(**fake.add_job())
    numbers = []
    for client in (used_inside, unused):
        sent.clear()
        with pytest.raises(botocore.exceptions.EndpointConnectionError):
            client.list_sessions(**_job())
        numbers.append(len(sent))
    # With all of botocore's retries; how many there are depends on its version.
    assert numbers[0] == numbers[1] > 1


@pytest.mark.parametrize("make", [_own, lambda: boto3.client("deadline")])
def test_a_thread_that_outlives_its_interception(monkeypatch, make, sent):
    """A thread that called inside an interception and still runs is refused with any client."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "REAL")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    client = _own()
    listed, ended = threading.Event(), threading.Event()
    errors = []

    def poll():
        client.list_sessions(**job)
        listed.set()
        ended.wait(30)
        for caller in (client, make()):
            with pytest.raises(RuntimeError) as caught:
                caller.list_sessions(**job)
            errors.append(str(caught.value))

    before = dict(vars(botocore.client.BaseClient))
    thread = threading.Thread(target=poll)
    with FakeDeadline() as fake:
        job = fake.add_job()
        thread.start()
        listed.wait(30)
    with pytest.raises(botocore.exceptions.EndpointConnectionError):
        client.list_sessions(**job)
    sent.clear()
    ended.set()
    thread.join()
    assert len(errors) == 2
    assert all(f"left over from the interception of {HERE}" in error for error in errors)
    assert sent == []
    # The next call finds no leftover thread, and removes the last patches.
    with pytest.raises(botocore.exceptions.EndpointConnectionError):
        client.list_sessions(**job)
    assert dict(vars(botocore.client.BaseClient)) == before
    assert _state.ended == []


def test_pool_threads_started_before(sent):
    """A pool thread started before is answered inside an interception, and not refused after."""
    client = _own()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        for _ in range(2):
            with FakeDeadline() as fake:
                job = fake.add_job(sessions=1)
                page = pool.submit(lambda job=job: client.list_sessions(**job)).result()
                assert len(page["sessions"]) == 1
            assert _state.ended == []
            with pytest.raises(botocore.exceptions.EndpointConnectionError):
                pool.submit(lambda job=job: client.list_sessions(**job)).result()
    assert sent


def test_a_left_over_thread_inside_a_later_interception():
    """A thread left over from one interception is answered inside the next one."""
    client = _own()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        for _ in range(2):
            with FakeDeadline() as fake:
                job = fake.add_job(sessions=1)
                page = pool.submit(lambda job=job: client.list_sessions(**job)).result()
                assert len(page["sessions"]) == 1


@pytest.mark.parametrize("inner", [True, False])
def test_a_task_that_outlives_its_interception(inner):
    """A task on an event loop that outlives the interception is refused like a thread."""
    session = pytest.importorskip("aiobotocore.session").get_session()
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-west-2"}

    async def run():
        listed, ended = asyncio.Event(), asyncio.Event()

        async def poll():
            async with session.create_client("deadline", **keys) as client:
                await client.list_sessions(**job)
                listed.set()
                await ended.wait()
                if inner:
                    await client.list_sessions(**job)
            async with session.create_client("deadline", **keys) as client:
                await client.list_sessions(**job)

        with FakeDeadline() as fake:
            job = fake.add_job()
            task = asyncio.ensure_future(poll())
            await listed.wait()
        ended.set()
        reason = "its client was created inside" if inner else "left over from"
        with pytest.raises(RuntimeError, match=f"{reason} the interception of {HERE}"):
            await task

    asyncio.run(run())


def _by_timer(go):
    threading.Timer(0.01, go).start()


def _by_thread(go):
    threading.Thread(target=go).start()


def _by_task(go):
    async def run():
        go()

    asyncio.get_running_loop().create_task(run())


@pytest.mark.parametrize("next_one", [_by_timer, _by_thread, _by_task])
def test_a_poller_that_starts_its_successor(next_one, sent):
    """A thread or task started by a leftover one is refused, and so are its own successors."""
    client = _own()
    outcomes, called, ended = [], threading.Event(), threading.Event()
    done = concurrent.futures.Future()

    def poll():
        try:
            client.list_sessions(**job)
            outcomes.append("answered")
            called.set()
            ended.wait(30)
        except RuntimeError as error:
            outcomes.append(str(error))
        if len(outcomes) < 4:
            next_one(poll)
        else:
            done.set_result(None)

    async def on_a_loop():
        next_one(poll)
        await asyncio.wrap_future(done)

    loop = threading.Thread(target=asyncio.run, args=(on_a_loop(),))
    with FakeDeadline() as fake:
        job = fake.add_job()
        loop.start()
        assert called.wait(30)
    ended.set()
    loop.join()
    assert outcomes[0] == "answered"
    assert all("left over from the interception of" in outcome for outcome in outcomes[1:])
    assert sent == []


@pytest.fixture
def left_over():
    """A pool whose thread has called inside an interception that is over, and the user's client."""
    client = _own()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with FakeDeadline() as fake:
            pool.submit(_called, client, fake).result()
        yield pool, client


def test_what_a_left_over_thread_may_call(left_over, monkeypatch):
    """A leftover thread may use a Stubber, event handlers, local servers and other services."""
    pool, client = left_over
    answer = {"sessions": []}
    with Stubber(client) as stubber:
        stubber.add_response("list_sessions", answer)
        assert pool.submit(client.list_sessions, **_job()).result() == answer
    response = botocore.awsrequest.AWSResponse("", 200, {}, None)
    response._content = b'{"sessions": []}'
    event = "before-send.deadline.ListSessions"
    client.meta.events.register(event, lambda **_: response, unique_id="theirs")
    assert pool.submit(client.list_sessions, **_job()).result()["sessions"] == []
    client.meta.events.unregister(event, unique_id="theirs")
    with pytest.raises(RuntimeError, match="is left over from"):
        pool.submit(client.list_sessions, **_job()).result()
    sent = []
    monkeypatch.setattr(
        botocore.httpsession.URLLib3Session, "send", lambda _, request: sent.append(request.url)
    )
    local = boto3.client("deadline", endpoint_url="http://localhost:1", **_KEYS)
    with pytest.raises(AttributeError):
        pool.submit(local.list_sessions, **_job()).result()
    with pytest.raises(AttributeError):
        pool.submit(boto3.client("sts", **_KEYS).get_caller_identity).result()
    assert [url.partition(":")[0] for url in sent] == ["http", "https"]


def test_lookups_beside_a_left_over_thread(left_over, monkeypatch):
    """A leftover thread changes no credential or profile lookup, its own or the main thread's."""
    pool, _ = left_over
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "theirs")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "theirs")
    monkeypatch.setenv("AWS_PROFILE", "missing")
    assert _state.ended
    assert pool.submit(lambda: boto3.Session().get_credentials()).result().access_key == "theirs"
    with pytest.raises(botocore.exceptions.ProfileNotFound):
        boto3.Session()
    monkeypatch.delenv("AWS_PROFILE")
    assert botocore.session.Session().get_credentials().access_key == "theirs"


def test_a_running_call_is_refused_by_a_later_interception():
    """A call still running when its interception ends is refused, even inside the next one."""
    client = _own()
    called, ended = threading.Event(), threading.Event()
    first, second = FakeDeadline(), FakeDeadline()
    first.fail_next("ThrottlingException", times=None)
    first.on_call(lambda _: (called.set(), ended.wait(30)))
    job = first.add_job()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with first:
            call = pool.submit(lambda: client.list_sessions(**job))
            called.wait(30)
        with second:
            ended.set()
            with pytest.raises(RuntimeError, match="was under way when the interception of"):
                call.result()
        assert second.calls == []
    assert client not in _state.hooks


def test_refused_clients_can_be_collected():
    """A client created inside an interception can be garbage-collected afterwards."""
    gc.collect()
    before = len(_state.hooks)
    with FakeDeadline():
        client = boto3.client("deadline")
    reference = weakref.ref(client)
    del client
    gc.collect()
    assert reference() is None
    assert len(_state.hooks) == before


def test_a_client_that_outlives_many_interceptions():
    """Repeated interceptions do not add finalizers to a client."""
    client = _own()

    def finalizers():
        gc.collect()
        return sum(isinstance(item, weakref.finalize) for item in gc.get_objects())

    counts = []
    for _ in range(3):
        with FakeDeadline() as fake:
            client.list_sessions(**fake.add_job())
        counts.append(finalizers())
    # Finalizers of other tests may disappear meanwhile.
    assert counts == sorted(counts, reverse=True)


def test_a_client_of_a_fake_outlives_its_interception():
    """A client from ``fake.client()`` is answered by its fake after the interception too."""
    fake = FakeDeadline()
    with fake:
        client = fake.client()
    assert client.list_sessions(**fake.add_job(sessions=1))["sessions"]


def test_an_interception_that_an_error_ends():
    """When an error ends an interception, its leftover threads are recorded only once."""
    listed, ended = threading.Event(), threading.Event()

    def poll():
        client.list_sessions(**job)
        listed.set()
        ended.wait(30)

    thread = threading.Thread(target=poll)
    with contextlib.suppress(ZeroDivisionError), FakeDeadline().intercept() as fake:
        job = fake.add_job()
        client = boto3.client("deadline")
        thread.start()
        listed.wait(30)
        raise ZeroDivisionError
    assert len(_state.ended) == 1
    ended.set()
    thread.join()
    interception.tidy()
    assert _state.ended == []
