"""Tests that end in every possible way, many times over, for ``soak.py``."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import functools
import itertools
import os
import signal
import urllib.request

import boto3
import botocore.exceptions
import growth
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_deadline_sessions import FakeDeadline, Listing, check_pagination

KINDS = 17
COUNT = int(os.environ[growth.COUNT])
KEYS = {"aws_access_key_id": "REAL", "aws_secret_access_key": "REAL", "region_name": "eu-west-1"}
_runs = set()


@functools.cache
def module_client():
    """The user's own client, made before all tests."""
    return boto3.client("deadline", **KEYS)


@functools.cache
def shared_client():
    """A cached client, made by the first test that needs it."""
    return boto3.client("deadline")


module_client()


class Interrupted(BaseException):
    """Raised by a timeout, wherever the test is."""


def lists(client, job):
    """Count the sessions that a client lists."""
    pages = client.get_paginator("list_sessions").paginate(**job)
    return sum(len(page["sessions"]) for page in pages)


@pytest.fixture
def job(deadline_sessions):
    """A job with three pages."""
    return deadline_sessions.add_job(Listing(page_sizes=(2, 0, 1)))


@pytest.fixture
def broken(deadline_sessions):
    """A fixture that makes a call and fails."""
    lists(deadline_sessions.client(), deadline_sessions.add_job(sessions=1))
    raise ValueError


@pytest.fixture
def broken_at_the_end(deadline_sessions):
    """A fixture that fails when it is torn down."""
    yield
    lists(boto3.client("deadline"), deadline_sessions.add_job(sessions=1))
    raise ValueError


def _passes(number, job):
    assert lists(module_client(), job) == 3
    assert lists(shared_client(), job) == 3
    if number % 3 == 0:
        assert lists(boto3.client("deadline"), job) == 3


async def _cancelled_and_again(job):
    from aiobotocore.session import get_session

    async with get_session().create_client("deadline") as client:
        task = asyncio.ensure_future(client.list_sessions(**job))
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert (await client.list_sessions(**job))["sessions"]


_kept = []


@pytest.mark.parametrize("number", range(-(-COUNT // KINDS)))
class TestSoak:
    """One method for each way a test can run and end."""

    def test_passing(self, number, job):
        """It passes, with older and new clients."""
        _passes(number, job)

    def test_failing(self, number, job, deadline_sessions):
        """It fails because a call fails."""
        deadline_sessions.fail_next("AccessDeniedException")
        assert lists(deadline_sessions.client(), job) == number

    @pytest.mark.usefixtures("broken")
    def test_erring(self, number):
        """Its set-up fails."""

    @pytest.mark.usefixtures("broken_at_the_end")
    def test_erring_at_the_end(self, number):
        """Its teardown fails."""

    def test_interrupted(self, number, job):
        """A timeout interrupts it at an arbitrary place."""

        def stop(*_):
            raise Interrupted

        before = signal.signal(signal.SIGALRM, stop)
        try:
            # The standard library's copyreg._slotnames swallows what is raised inside it, hence the
            # second interrupt.
            signal.setitimer(signal.ITIMER_REAL, (1 + number % 97) / 20_000, 0.5)
            for _ in itertools.count():
                lists(module_client(), job)
        except Interrupted:
            # pytest cannot show a traceback that ends at a place without a line number.
            pytest.fail("interrupted", pytrace=False)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def test_run_again(self, number, job):
        """It fails in its first run and passes in its second."""
        _passes(number, job)
        first = number not in _runs
        _runs.add(number)
        assert not first

    def test_by_name(self, number, request):
        """It requests the service while it runs."""
        fake = request.getfixturevalue("deadline_sessions")
        assert fake.jobs == []
        _passes(number, fake.add_job(Listing(page_sizes=(2, 0, 1))))

    @given(count=st.integers(0, 3))
    @settings(max_examples=2, deadline=None, database=None)
    def test_drawn(self, number, deadline_sessions, count):
        """Hypothesis calls it several times."""
        assert deadline_sessions.jobs == []
        assert lists(module_client(), deadline_sessions.add_job(sessions=count)) == count

    def test_frozen(self, number, deadline_sessions):
        """It freezes time."""
        if number % 10 == 0:
            with deadline_sessions.clock.freeze("2031-01-01") as frozen:
                frozen.tick()
                assert datetime.datetime.now(datetime.timezone.utc).year == 2031
                assert lists(module_client(), deadline_sessions.add_job(sessions=1)) == 1

    def test_async(self, number, job):
        """It cancels a call."""
        asyncio.run(_cancelled_and_again(job))

    def test_checked(self, number):
        """It checks a collector, right or wrong depending on the number."""

        def collect(client, **job):
            pages = client.get_paginator("list_sessions").paginate(**job)
            found = [session for page in pages for session in page["sessions"]]
            return found[number // 100 % 2 :]

        if number % 100 == 0:
            check_pagination(collect, max_examples=1)

    def test_crossed(self, number, monkeypatch):
        """The test and the service change the environment, and undo that out of order."""
        with FakeDeadline() as fake:
            monkeypatch.setenv("AWS_PROFILE", "theirs")
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "theirs")
            assert lists(boto3.client("deadline"), fake.add_job(sessions=1)) == 1

    def test_served(self, number, deadline_sessions_endpoint, job):
        """It sends a request over HTTP."""
        path = "/2023-10-12/farms/{farmId}/queues/{queueId}/jobs/{jobId}/sessions"
        with urllib.request.urlopen(deadline_sessions_endpoint + path.format(**job)) as response:
            assert response.read().count(b"sessionId") == 2

    def test_stubbed(self, number, list_sessions_stubber):
        """It leaves a queued response unused."""
        list_sessions_stubber.add_pages([[]])

    @pytest.mark.usefixtures("deadline_sessions")
    def test_kept(self, number):
        """It keeps a client for the next test."""
        _kept[:] = [boto3.client("deadline")]

    def test_left(self, number):
        """It uses a client of another test."""
        with pytest.raises(RuntimeError, match="is not sent: its client was created inside"):
            _kept[0].list_sessions(farmId="x", queueId="x", jobId="x")

    def test_unrelated(self, number):
        """It does not use the service."""
        with pytest.raises(botocore.exceptions.ParamValidationError):
            module_client().list_sessions()


assert len([name for name in vars(TestSoak) if name.startswith("test_")]) == KINDS
