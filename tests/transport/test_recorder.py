"""One recorder records every call, whatever its outcome, and runs listeners one at a time."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import http.client
import threading
import time

import botocore.exceptions
import pytest

from pytest_deadline_sessions import FakeDeadline

THREADS = 4
LIST = "/2023-10-12/farms/{farmId}/queues/{queueId}/jobs/{jobId}/sessions"


class Listener:
    """A listener that counts how often it is entered while it is already running."""

    def __init__(self):
        self.heard = []
        self.overlaps = 0
        self._busy = threading.Lock()

    def __call__(self, call):
        """Record the call, and count it if another thread is already in the listener."""
        alone = self._busy.acquire(blocking=False)
        self.overlaps += not alone
        # Long enough for every other thread to enter, if nothing stops it.
        time.sleep(0.05)
        self.heard.append(call)
        if alone:
            self._busy.release()


@pytest.fixture
def fake():
    """A fake with one job, and with an operation that raises."""
    fake = FakeDeadline()
    fake.add_job(sessions=1)

    @fake.operation("GetFarm")
    def get_farm(_service, _params):
        raise KeyError("region")

    return fake


def _valid(fake, client, _endpoint):
    client.list_sessions(**fake.jobs[0])


def _faulty(fake, client, _endpoint):
    with pytest.raises(client.exceptions.AccessDeniedException):
        client.list_sessions(**fake.jobs[0])


def _invalid(fake, client, _endpoint):
    with pytest.raises(botocore.exceptions.ParamValidationError):
        client.list_sessions(**fake.jobs[0], maxResults=0)


def _lacking(fake, client, _endpoint):
    with pytest.raises(NotImplementedError):
        client.list_budgets(farmId=fake.jobs[0]["farmId"])


def _raising(fake, client, _endpoint):
    with pytest.raises(KeyError):
        client.get_farm(farmId=fake.jobs[0]["farmId"])


def _async(fake, _client, _endpoint):
    async def call():
        async with fake.async_client() as client:
            await client.list_sessions(**fake.jobs[0])

    asyncio.run(call())


def _async_invalid(fake, _client, _endpoint):
    async def call():
        async with fake.async_client() as client:
            with pytest.raises(botocore.exceptions.ParamValidationError):
                await client.list_sessions(**fake.jobs[0], maxResults=0)

    asyncio.run(call())


def _over_http(path, status, **headers):
    def call(fake, _client, endpoint):
        connection = http.client.HTTPConnection(endpoint.removeprefix("http://"))
        with contextlib.closing(connection):
            connection.request("GET", path.format(**fake.jobs[0]), headers=headers)
            assert connection.getresponse().status == status

    return call


KINDS = {
    "valid": (_valid, (200, None)),
    "fault": (_faulty, (403, "AccessDeniedException")),
    "refused by validation": (_invalid, (None, None)),
    "lacking operation": (_lacking, (None, "NotImplementedError")),
    "an operation that raises": (_raising, (None, "KeyError")),
    "async": (_async, (200, None)),
    "async, refused by validation": (_async_invalid, (None, None)),
    "http, valid": (_over_http(LIST, 200), (200, None)),
    "http, unparsable": (_over_http(f"{LIST}?maxResults=x", 400), (400, "ValidationException")),
    "http, unknown": (_over_http("/nothing", 400), (400, "ValidationException")),
    "http, lacking operation": (
        _over_http("/2023-10-12/monitors", 501),
        (None, "NotImplementedError"),
    ),
    "http, refused host": (
        _over_http(LIST, 403, Host="evil.example"),
        (403, "AccessDeniedException"),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_listener_is_never_entered_twice_at_once(fake, kind):
    """Concurrent calls, of any kind and outcome, run a listener one at a time."""
    if kind.startswith("async"):
        pytest.importorskip("aiobotocore")
    act, outcome = KINDS[kind]
    listener = Listener()
    fake.on_call(listener)
    if kind == "fault":
        fake.fail_next("AccessDeniedException", times=THREADS)
    client, other = fake.client(), fake.client()
    together = threading.Barrier(2 * THREADS)

    def call():
        together.wait()
        act(fake, client, endpoint)

    def call_validly():
        together.wait()
        other.get_job(**fake.jobs[0])

    with fake.serve() as endpoint, concurrent.futures.ThreadPoolExecutor(2 * THREADS) as pool:
        pending = [pool.submit(task) for task in [call, call_validly] * THREADS]
        for future in pending:
            future.result()
    assert listener.overlaps == 0
    assert listener.heard == list(fake.calls)
    outcomes = [(call.status, call.error) for call in fake.calls if call.operation != "GetJob"]
    assert outcomes == [outcome] * THREADS
    assert {call.sent for call in fake.calls} == {True, "by validation" not in kind}


def test_a_result_that_json_cannot_hold_is_recorded_as_an_error(fake):
    """If the result of an operation cannot be encoded, the transcript shows the client's error."""

    @fake.operation("ListFarms")
    def list_farms(_service, _params):
        return {"farms": [object()]}

    with pytest.raises(TypeError, match="object") as caught:
        fake.client().list_farms()
    [call] = fake.calls
    assert (call.error, call.message, call.status) == ("TypeError", str(caught.value), None)


def test_a_closed_fake_records_nothing(fake):
    """A closed fake records no call and tells no listener, whatever is wrong with the call."""
    heard, client = [], fake.client()
    fake.on_call(heard.append)
    fake.close()
    with pytest.raises(RuntimeError, match="this FakeDeadline is closed"):
        client.list_sessions(**fake.jobs[0])
    with pytest.raises(botocore.exceptions.ParamValidationError):
        client.list_sessions(**fake.jobs[0], maxResults=0)
    with pytest.raises(NotImplementedError):
        client.create_farm(displayName="farm")
    assert (heard, list(fake.calls)) == ([], [])


def test_an_interrupted_call_is_not_recorded(fake):
    """A call that a KeyboardInterrupt ends is not recorded, because it has no outcome."""

    @fake.operation("GetFarm")
    def get_farm(_service, _params):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fake.client().get_farm(farmId=fake.jobs[0]["farmId"])
    assert fake.calls == []
