"""The fake answers aiobotocore clients, and ``check_pagination`` runs async collectors."""

from __future__ import annotations

import asyncio
import functools
import gc
import subprocess
import sys
import textwrap

import botocore.exceptions
import botocore.retries.bucket
import pytest

from pytest_deadline_sessions import (
    FakeDeadline,
    Fault,
    Listing,
    PaginationViolation,
    _state,
    check_pagination,
)
from pytest_deadline_sessions.checking import VARIATIONS
from pytest_deadline_sessions.checking._options import Options
from pytest_deadline_sessions.checking._runner import Runner
from pytest_deadline_sessions.checking._undoing import Undoing

aiobotocore_session = pytest.importorskip("aiobotocore.session")


@functools.cache
def _session():
    return aiobotocore_session.get_session()


def _client(**options):
    return _session().create_client("deadline", region_name="us-west-2", **options)


async def _collect(client, **job):
    pages = client.get_paginator("list_sessions").paginate(**job)
    return [summary async for page in pages for summary in page["sessions"]]


async def collect_with_own_client(_client_given, **job):
    """A correct collector that creates its own aiobotocore client."""
    async with _client() as client:
        return await _collect(client, **job)


async def first_page_with_own_client(_client_given, **job):
    """An incorrect collector: it returns only the first page."""
    async with _client() as client:
        return (await client.list_sessions(**job))["sessions"]


def test_interception_reaches_aiobotocore(deadline_sessions):
    """An intercepted aiobotocore client gets the complete listing from its paginator."""
    job = deadline_sessions.add_job(Listing(page_sizes=(2, 0, 1)))
    sessions = asyncio.run(collect_with_own_client(None, **job))
    assert [session["sessionId"] for session in sessions] == [
        session["sessionId"] for session in job.listing
    ]
    assert len(deadline_sessions.calls) == 3


def test_a_client_created_before(deadline_sessions):
    """A client created before an interception is answered by the fake of that interception."""

    async def run():
        inner = FakeDeadline()
        async with _client(aws_access_key_id="x", aws_secret_access_key="y") as client:
            with inner:
                job = inner.add_job(sessions=2)
                return len(await _collect(client, **job)), len(inner.calls)

    assert asyncio.run(run()) == (2, 1)
    assert len(deadline_sessions.calls) == 0


def test_attach(deadline_sessions):
    """An attached aiobotocore client is answered by its own fake, also inside an interception."""
    other = FakeDeadline()
    job = other.add_job(sessions=1)

    async def run():
        async with _client() as client:
            with other.attach(client):
                return len(await _collect(client, **job))

    assert asyncio.run(run()) == 1
    assert (len(other.calls), len(deadline_sessions.calls)) == (1, 0)


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
def test_backoff_takes_no_time(deadline_sessions, mode, monkeypatch):
    """Retries of an aiobotocore client take no real time and advance the fake's clock."""
    from aiobotocore.config import AioConfig

    job = deadline_sessions.add_job(sessions=1)
    deadline_sessions.fail_next("ThrottlingException", times=2)
    before = deadline_sessions.clock.now()
    slept, sleep = [], asyncio.sleep

    async def record_sleep(seconds):
        slept.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr(asyncio, "sleep", record_sleep)

    async def run():
        async with _client(config=AioConfig(retries={"mode": mode})) as client:
            return await _collect(client, **job)

    assert len(asyncio.run(run())) == 1
    assert not any(slept)
    assert [call.attempt for call in deadline_sessions.calls] == [1, 2, 3]
    assert deadline_sessions.clock.now() > before


def test_faults_surface(deadline_sessions):
    """A modelled error is raised as aiobotocore's exception, with its members."""
    job = deadline_sessions.add_job()
    deadline_sessions.fail_next(Fault("AccessDeniedException", context={"why": "test"}))

    async def run():
        async with _client() as client:
            with pytest.raises(client.exceptions.AccessDeniedException) as raised:
                await client.list_sessions(**job)
            return raised.value.response["context"]

    assert asyncio.run(run()) == {"why": "test"}


def test_broken_connections_are_retried(deadline_sessions):
    """A closed connection and a read timeout are retried."""
    job = deadline_sessions.add_job(sessions=1)
    deadline_sessions.fail_next("ConnectionClosedError")
    deadline_sessions.fail_next("ReadTimeoutError")
    assert len(asyncio.run(collect_with_own_client(None, **job))) == 1
    assert len(deadline_sessions.calls) == 3


async def _first_page(client, **job):
    return (await client.list_sessions(**job))["sessions"]


async def _each(client, **job):
    async for page in client.get_paginator("list_sessions").paginate(**job):
        for summary in page["sessions"]:
            yield summary


async def _in_threads(client, **job):
    def every():
        pages = client.get_paginator("list_sessions").paginate(**job)
        return [summary for page in pages for summary in page["sessions"]]

    return await asyncio.to_thread(every)


async def _until_it_works(client, **job):
    for delay in (1, 2, 4, 8, 16, None):
        try:
            return await _collect(client, **job)
        except botocore.exceptions.ClientError:  # noqa: PERF203 (a retry)
            if delay is None:
                raise
            await asyncio.sleep(delay)
    return None


RIGHT = [
    collect_with_own_client,
    _collect,
    _each,
    _in_threads,
    _until_it_works,
    functools.partial(_collect),
]


@pytest.mark.at_length
@pytest.mark.usefixtures("some_cases")
@pytest.mark.parametrize("collect", RIGHT)
def test_check_pagination_runs_async_collectors(collect):
    """Correct async collectors pass.

    A collector that uses its client in threads gets a plain client, any other an awaitable one.
    """
    check_pagination(collect, max_examples=5, without=["volume"])


@pytest.mark.parametrize("collect", [collect_with_own_client, _each])
def test_plain_cases_of_async_collectors(collect):
    """A coroutine is awaited and an async generator is read to its end."""
    check_pagination(collect, max_examples=1, without=VARIATIONS)


@pytest.mark.at_length
@pytest.mark.parametrize("collect", [first_page_with_own_client, _first_page])
def test_check_pagination_finds_wrong_async_collectors(collect):
    """An async collector that returns only the first page violates ``complete``."""
    with pytest.raises(PaginationViolation) as raised:
        check_pagination(collect, max_examples=5)
    assert raised.value.rule == "complete"
    assert raised.value.listing == Listing(page_sizes=(1, 1))


@pytest.mark.at_length
@pytest.mark.parametrize("collect", [_first_page, _each, functools.partial(_each)])
def test_aiobotocore_is_imported_before_the_cases(monkeypatch, collect):
    """An async collector runs after aiobotocore is imported, so that the import is not timed."""
    monkeypatch.delitem(sys.modules, "aiobotocore.session")
    with Undoing() as undoing:
        Runner(Options(collect)).open(undoing)
        assert "aiobotocore.session" in sys.modules


def test_an_async_collector_that_raises_at_once():
    """The report and the cause of the violation have the exception of an async collector."""

    async def collect(client, **job):
        await client.list_sessions(**job)
        raise KeyError("sessions")

    with pytest.raises(PaginationViolation, match="It raised KeyError: 'sessions'") as raised:
        check_pagination(collect)
    assert isinstance(raised.value.__cause__, KeyError)


def test_async_collectors_inside_a_running_loop():
    """``check_pagination`` can run an async collector while an event loop is running."""

    async def test():
        check_pagination(_collect, max_examples=1, without=VARIATIONS)

    asyncio.run(test())


@pytest.mark.at_length
def test_other_tasks_go_on_while_a_request_is_under_way(deadline_sessions):
    """Calls of two tasks interleave, and a task can be cancelled while it pages."""
    jobs = [deadline_sessions.add_job(Listing(page_sizes=(1, 1, 1))) for _ in range(2)]

    async def run():
        async with _client() as client:
            await asyncio.gather(*(_collect(client, **job) for job in jobs))
            order = [call.params["jobId"] for call in deadline_sessions.calls]
            job = deadline_sessions.add_job(sessions=20_000)
            task = asyncio.create_task(_collect(client, **job))
            for _ in range(100):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return order, len(deadline_sessions.calls)

    order, calls = asyncio.run(run())
    assert order == [job["jobId"] for _ in range(3) for job in jobs]
    assert 10 < calls < 150


def test_a_cancelled_call():
    """A cancelled call leaves no hooks on its client."""

    async def run():
        async with _client(aws_access_key_id="x", aws_secret_access_key="y") as client:
            signed = asyncio.Event()
            client.meta.events.register("before-sign.deadline", lambda **_: signed.set())
            with FakeDeadline() as fake:
                task = asyncio.create_task(client.list_sessions(**fake.add_job()))
                await signed.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            return client in _state.hooks

    assert not asyncio.run(run())


def test_a_client_of_the_fake():
    """``async_client()`` needs no interception, and refuses unknown options."""
    fake = FakeDeadline()
    job = fake.add_job(sessions=3)

    async def run():
        async with fake.async_client(retries={"mode": "standard"}) as client:
            return await _collect(client, **job)

    assert len(asyncio.run(run())) == len(fake.calls[0].sessions) == 3
    with pytest.raises(TypeError, match="retry"):
        fake.async_client(retry={})


def test_options_of_a_client():
    """``async_client()`` takes the options of ``client()``, and need not be entered."""
    from aiobotocore.config import AioConfig

    fake = FakeDeadline()
    options = {"config": AioConfig(read_timeout=3), "connect_timeout": 5}

    async def run():
        fake.async_client()
        async with fake.async_client(region_name="eu-west-1", **options) as client:
            return client.meta.region_name, client.meta.config

    region, config = asyncio.run(run())
    assert (region, config.read_timeout, config.connect_timeout) == ("eu-west-1", 3, 5)
    gc.collect()


def test_token_buckets_of_others_refuse_as_ever(deadline_sessions):
    """A token bucket of aiobotocore works as usual outside calls that the fake answers."""
    bucket = pytest.importorskip("aiobotocore.retries.bucket").AsyncTokenBucket

    async def run():
        async with _client() as client:
            await client.list_sessions(**deadline_sessions.add_job())
            with pytest.raises(botocore.exceptions.CapacityNotAvailableError):
                await bucket(1, botocore.retries.bucket.Clock()).acquire(block=False)

    asyncio.run(run())


def test_aiobotocore_imported_inside_an_interception():
    """If aiobotocore is first imported inside an interception, its clients are answered.

    No patch is left on its classes afterwards.
    """
    program = """
        import asyncio
        import sys
        from pytest_deadline_sessions import FakeDeadline

        async def run():
            from aiobotocore.session import AioSession

            async with AioSession(profile="studio").create_client("deadline") as client:
                assert client.meta.endpoint_url == "https://deadline.us-west-2.amazonaws.com"
                return len((await client.list_sessions(**job))["sessions"])

        with FakeDeadline() as fake:
            assert "aiobotocore" not in sys.modules
            job = fake.add_job(sessions=2)
            print(asyncio.run(run()))
        from aiobotocore.session import AioBaseClient, AioSession

        for kind in (AioBaseClient, AioSession):
            for one in vars(kind).values():
                assert not hasattr(one, "__wrapped__") or one.__module__.startswith("aiobotocore")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        check=False,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("2\n", "")
