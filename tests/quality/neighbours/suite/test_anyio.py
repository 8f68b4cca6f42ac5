"""Coroutine functions under anyio's plugin, on both backends."""

from __future__ import annotations

import threading

import anyio
import anyio.to_thread
import farm
import pytest
from aiobotocore.session import get_session
from hypothesis import given

from pytest_deadline_sessions import Listing
from pytest_deadline_sessions import strategies as ds

pytestmark = pytest.mark.anyio
SESSIONS = Listing(page_sizes=(2, 0, 1))


async def in_a_thread(job):
    """List all sessions of a job, in a way that works on both backends."""
    return await anyio.to_thread.run_sync(lambda: farm.sessions_of(farm.CLIENT, **job))


async def test_thread(deadline_sessions, anyio_backend_name):
    """The service answers threads started by either backend."""
    assert anyio_backend_name in {"asyncio", "trio"}
    assert len(await in_a_thread(deadline_sessions.add_job(SESSIONS))) == 3


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_aiobotocore(deadline_sessions):
    """The service answers aiobotocore, which needs asyncio."""
    job = deadline_sessions.add_job(SESSIONS)
    async with get_session().create_client("deadline") as client:
        assert len((await client.list_sessions(**job))["sessions"]) == 2


@given(listing=ds.listings(max_sessions=20))
async def test_given(deadline_sessions, listing):
    """Every example starts empty."""
    assert deadline_sessions.jobs == []
    job = deadline_sessions.add_job(listing)
    assert await in_a_thread(job) == list(listing)


@pytest.fixture
async def job(deadline_sessions):
    """An asynchronous fixture that adds a job."""
    made = deadline_sessions.add_job(SESSIONS)
    yield made
    assert len(await in_a_thread(made)) == 3


async def test_fixture(job):
    """An asynchronous fixture shares the service with its test."""
    assert len(await in_a_thread(job)) == 3


async def test_freeze(deadline_sessions):
    """The event loop keeps running while time is frozen."""
    woken = []

    async def sleeper():
        await anyio.sleep(0.01)
        woken.append(True)

    with deadline_sessions.clock.freeze("2030-01-01"):
        assert len(await in_a_thread(deadline_sessions.add_job(SESSIONS))) == 3
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sleeper)
            # This wait ends even though the clock is frozen.
            await anyio.to_thread.run_sync(threading.Event().wait, 0.5)
            tasks.cancel_scope.cancel()
    assert woken
