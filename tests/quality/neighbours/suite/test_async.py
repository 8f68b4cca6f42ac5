"""Coroutine functions under pytest-asyncio, with each scope of the event loop."""

from __future__ import annotations

import asyncio
import os

import farm
import pytest
import pytest_asyncio
from aiobotocore.session import get_session
from hypothesis import given

from pytest_deadline_sessions import Listing, check_pagination
from pytest_deadline_sessions import strategies as ds

SESSIONS = Listing(page_sizes=(2, 0, 1))
SCOPES = ["function", "class", "module", "package", "session"]


async def awaited(client, **job):
    """List all sessions of a job."""
    pages = client.get_paginator("list_sessions").paginate(**job)
    return [session async for page in pages for session in page["sessions"]]


async def both_kinds(fake):
    """List sessions with aiobotocore, and with botocore in a thread."""
    job = fake.add_job(SESSIONS)
    async with get_session().create_client("deadline") as client:
        assert len(await awaited(client, **job)) == 3
    async with fake.async_client() as client:
        assert len(await awaited(client, **job)) == 3
    assert len(await asyncio.to_thread(farm.sessions_of, farm.CLIENT, **job)) == 3
    assert len(fake.calls) == 9


def _in_every_scope():
    """Make a class of tests for each loop scope; a class has one loop of scope ``class``."""
    for scope in SCOPES:

        @pytest.mark.asyncio(loop_scope=scope)
        class InOneScope:
            async def test_first(self, deadline_sessions):
                """The service answers."""
                await both_kinds(deadline_sessions)

            async def test_again(self, deadline_sessions):
                """The next test gets an empty service, in the same loop or another."""
                assert deadline_sessions.jobs == []
                await both_kinds(deadline_sessions)

            @given(listing=ds.listings(max_sessions=20))
            async def test_given(self, deadline_sessions, listing):
                """Each example starts empty."""
                assert deadline_sessions.jobs == []
                job = deadline_sessions.add_job(listing)
                async with deadline_sessions.async_client() as client:
                    assert await awaited(client, **job) == list(listing)

        InOneScope.__name__ = InOneScope.__qualname__ = f"Test{scope.title()}"
        yield InOneScope.__name__, InOneScope


globals().update(_in_every_scope())


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lasting_client():
    """A client that outlives the tests."""
    session = get_session()
    # Nothing intercepts here, so this keeps the client from reading ~/.aws.
    for name in ("config_file", "credentials_file"):
        session.set_config_variable(name, os.devnull)
    async with session.create_client(
        "deadline",
        region_name="us-west-2",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    ) as client:
        yield client


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("sessions", [1, 2])
async def test_lasting_client(lasting_client, deadline_sessions, sessions):
    """A client from a longer-lived asynchronous fixture reaches the test's service."""
    job = deadline_sessions.add_job(sessions=sessions)
    assert len(await awaited(lasting_client, **job)) == sessions


@pytest_asyncio.fixture
async def job(deadline_sessions):
    """Add a job, and call the service before and after the test."""
    made = deadline_sessions.add_job(SESSIONS)
    async with deadline_sessions.async_client() as client:
        assert len(await awaited(client, **made)) == 3
        yield made
        assert len(await awaited(client, **made)) == 3


@pytest.mark.asyncio
async def test_fixture(job):
    """An asynchronous fixture shares the service with its test."""
    assert len(await asyncio.to_thread(farm.sessions_of, farm.CLIENT, **job)) == 3


@pytest.mark.asyncio
async def test_freeze(deadline_sessions):
    """The event loop keeps running while time is frozen."""
    with deadline_sessions.clock.freeze("2030-01-01"):
        await asyncio.sleep(0.01)
        await both_kinds(deadline_sessions)


def test_check_pagination():
    """A coroutine function passes ``check_pagination`` in a plain test."""
    check_pagination(awaited, max_examples=5)


@pytest.mark.asyncio
async def test_check_pagination_in_a_loop():
    """It also passes in a coroutine test: in a thread, since that loop is busy."""
    await asyncio.to_thread(check_pagination, awaited, max_examples=5)
