"""Coroutine functions under pytest-trio."""

from __future__ import annotations

import threading

import farm
import pytest
import trio
from hypothesis import given

from pytest_deadline_sessions import Listing
from pytest_deadline_sessions import strategies as ds

SESSIONS = Listing(page_sizes=(2, 0, 1))


async def in_a_thread(job):
    """List all sessions of a job in a thread."""
    return await trio.to_thread.run_sync(lambda: farm.sessions_of(farm.CLIENT, **job))


@pytest.mark.trio
async def test_thread(deadline_sessions):
    """The service answers threads started by trio."""
    assert len(await in_a_thread(deadline_sessions.add_job(SESSIONS))) == 3


@pytest.mark.trio
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


@pytest.mark.trio
async def test_fixture(job):
    """An asynchronous fixture shares the service with its test."""
    assert len(await in_a_thread(job)) == 3


@pytest.mark.trio
async def test_freeze(deadline_sessions, nursery):
    """The event loop keeps running while time is frozen."""
    woken = []

    async def sleeper():
        await trio.sleep(0.01)
        woken.append(True)

    with deadline_sessions.clock.freeze("2030-01-01"):
        assert len(await in_a_thread(deadline_sessions.add_job(SESSIONS))) == 3
        nursery.start_soon(sleeper)
        # This wait ends even though the clock is frozen.
        await trio.to_thread.run_sync(threading.Event().wait, 0.5)
        nursery.cancel_scope.cancel()
    assert woken


@pytest.mark.trio
async def test_autojump(deadline_sessions, autojump_clock):  # noqa: ARG001 (requesting it is enough)
    """Trio's jumping clock does not move the service's clock."""
    before = deadline_sessions.clock.now()
    await trio.sleep(3600)
    assert (deadline_sessions.clock.now() - before).total_seconds() < 60
    assert len(await in_a_thread(deadline_sessions.add_job(SESSIONS))) == 3
