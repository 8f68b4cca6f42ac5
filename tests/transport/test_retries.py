"""Botocore's retries run for real and take no real time."""

from __future__ import annotations

import datetime
import functools
import gc
import itertools
import threading
import time
import weakref

import boto3
import botocore.exceptions
import botocore.retries.bucket
import pytest
from botocore.config import Config

from pytest_deadline_sessions import Clock, FakeDeadline, Fault, Listing, _state
from pytest_deadline_sessions._transport import retry_delays

ATTEMPTS = {"legacy": 5, "standard": 3, "adaptive": 3}


@pytest.fixture(autouse=True)
def never_sleep(monkeypatch):
    """Fail a test that really waits, by sleeping or on a condition."""

    def only_sleep_zero(seconds):
        assert seconds == 0

    monkeypatch.setattr(time, "sleep", only_sleep_zero)
    wait = threading.Condition.wait

    def only_wait_briefly(self, timeout=None):
        assert timeout is None or timeout < 0.01
        return wait(self, timeout)

    monkeypatch.setattr(threading.Condition, "wait", only_wait_briefly)


@pytest.fixture
def fake():
    """A fake whose interception is active."""
    with FakeDeadline() as fake:
        yield fake


def _client(mode, **retries):
    return boto3.client("deadline", config=Config(retries={"mode": mode, **retries}))


@pytest.mark.parametrize("mode", ATTEMPTS)
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("ThrottlingException", botocore.exceptions.ClientError),
        (Fault("InternalServerErrorException", retryAfterSeconds=60), None),
        ("ConnectionClosedError", botocore.exceptions.ConnectionClosedError),
        ("ReadTimeoutError", botocore.exceptions.ReadTimeoutError),
        ("EndpointConnectionError", botocore.exceptions.EndpointConnectionError),
        ("ConnectTimeoutError", botocore.exceptions.ConnectTimeoutError),
    ],
    ids=str,
)
def test_a_lasting_fault_is_retried_as_often_as_the_mode_says(fake, mode, fault, error):
    """A lasting fault is retried up to the mode's limit.

    All attempts are recorded, and the waits between them advance the fake's clock.
    """
    job = fake.add_job(sessions=1)
    fake.fail_next(fault, times=None)
    before, real = fake.clock.now(), time.monotonic()
    with pytest.raises(error or botocore.exceptions.ClientError):
        _client(mode).list_sessions(**job)
    calls = fake.calls
    assert [call.attempt for call in calls] == list(range(1, ATTEMPTS[mode] + 1))
    assert [call.retry for call in calls] == [False, *[True] * (ATTEMPTS[mode] - 1)]
    assert len({call.error for call in calls}) == 1
    passed = fake.clock.now() - before - datetime.timedelta(seconds=time.monotonic() - real)
    assert passed > datetime.timedelta(0)
    assert all(a.at < b.at for a, b in itertools.pairwise(calls))


@pytest.mark.parametrize("mode", ATTEMPTS)
def test_a_single_fault_is_retried(fake, mode):
    """A call that fails once succeeds on its first retry."""
    job = fake.add_job(sessions=1)
    fake.fail_next("ThrottlingException")
    assert len(_client(mode).list_sessions(**job)["sessions"]) == 1
    assert [call.status for call in fake.calls] == [429, 200]


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException"])
@pytest.mark.parametrize("mode", ATTEMPTS)
def test_client_errors_are_not_retried(fake, mode, code):
    """An access or validation error is raised without a retry."""
    fake.fail_next(code)
    with pytest.raises(botocore.exceptions.ClientError, match=code):
        _client(mode).list_sessions(**fake.add_job())
    assert [call.attempt for call in fake.calls] == [1]


@pytest.mark.parametrize("mode", ATTEMPTS)
def test_max_attempts_is_followed(fake, mode):
    """A client configured for one attempt does not retry."""
    fake.fail_next("ThrottlingException")
    with pytest.raises(botocore.exceptions.ClientError):
        _client(mode, total_max_attempts=1).list_sessions(**fake.add_job())
    assert len(fake.calls) == 1


def test_adaptive_rate_limiting_advances_the_clock(fake):
    """After throttling, the adaptive rate limiter delays calls on the fake's clock only."""
    job = fake.add_job(Listing(page_sizes=(1,) * 10))
    adaptive = _client("adaptive")
    fake.fail_next("ThrottlingException")
    before = fake.clock.now()
    assert len(list(adaptive.get_paginator("list_sessions").paginate(**job))) == 10
    assert fake.clock.now() - before > datetime.timedelta(seconds=5)


def test_adaptive_rate_limiting_under_frozen_time(fake):
    """The adaptive rate limiter does not hang while the clock is frozen."""
    job = fake.add_job(Listing(page_sizes=(1,) * 10))
    fake.fail_next("ThrottlingException")
    with fake.clock.freeze("2030-01-01"):
        pages = _client("adaptive").get_paginator("list_sessions").paginate(**job)
        assert len(list(pages)) == 10


@pytest.fixture
def without_clients(monkeypatch):
    """Forget all clients of earlier tests, which may not have been collected yet."""
    monkeypatch.setattr(_state, "hooks", weakref.WeakKeyDictionary())
    retry_delays.unpatch()


@pytest.mark.usefixtures("without_clients")
def test_token_buckets_are_restored():
    """The token bucket is patched for a client in the interception, and restored afterwards."""
    acquire = botocore.retries.bucket.TokenBucket.acquire
    with FakeDeadline():
        client = boto3.client("deadline")
        assert botocore.retries.bucket.TokenBucket.acquire is not acquire
    assert botocore.retries.bucket.TokenBucket.acquire is acquire
    client.close()


def test_other_token_buckets_wait_as_usual(fake):
    """A token bucket used outside calls that the fake answers waits, or refuses, as usual."""
    # While this client exists, the token bucket class is patched.
    client = boto3.client("deadline")
    waited = []

    class Clock(botocore.retries.bucket.Clock):
        def current_time(self):
            return len(waited)

    bucket = botocore.retries.bucket.TokenBucket(1, Clock())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Condition, "wait", lambda _self, seconds: waited.append(seconds))
        assert bucket.acquire()
    assert waited == [1]
    with pytest.raises(botocore.exceptions.CapacityNotAvailableError):
        bucket.acquire(block=False)
    assert fake.clock.now() - datetime.datetime.now(datetime.timezone.utc) < (
        datetime.timedelta(seconds=1)
    )
    client.close()


def test_another_patch_of_the_token_bucket_survives(monkeypatch):
    """Another library's patch around ours stays in place when ours is undone."""
    bucket = botocore.retries.bucket.TokenBucket
    retry_delays.unpatch()
    monkeypatch.setattr(bucket, "acquire", bucket.acquire)
    retry_delays.patch()
    monkeypatch.setattr(bucket, "acquire", functools.partialmethod(bucket.acquire))
    theirs = vars(bucket)["acquire"]
    retry_delays.unpatch()
    assert vars(bucket)["acquire"] is theirs


@pytest.mark.parametrize("mode", ATTEMPTS)
def test_other_clients_wait_as_usual(mode):
    """A client of another service waits between retries and does not advance the fake's clock."""
    slept = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "sleep", slept.append)
        other = boto3.client(
            "sts",
            region_name="eu-west-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(retries={"mode": mode}),
        )

        def break_down(request, **_):
            raise botocore.exceptions.ConnectionClosedError(endpoint_url=request.url)

        other.meta.events.register("before-send.sts", break_down)
        with FakeDeadline() as fake:
            before = fake.clock.now()
            with pytest.raises(botocore.exceptions.ConnectionClosedError):
                other.get_caller_identity()
            assert fake.clock.now() - before < datetime.timedelta(seconds=1)
    assert len(slept) == ATTEMPTS[mode] - 1
    assert sum(slept) > 0


@pytest.mark.usefixtures("without_clients")
def test_token_buckets_are_restored_without_clients():
    """The token bucket is restored once the last client of a fake is garbage-collected."""
    acquire = botocore.retries.bucket.TokenBucket.acquire
    client = FakeDeadline().client()
    assert botocore.retries.bucket.TokenBucket.acquire is not acquire
    del client
    gc.collect()
    assert botocore.retries.bucket.TokenBucket.acquire is acquire


def test_a_token_bucket_with_capacity():
    """Spending from a token bucket with enough capacity does not advance the clock."""

    class Bucket:
        available_capacity = 2
        max_rate = 1

    clock = Clock()
    with clock.freeze("2030-01-01"):
        before = clock.now()
        assert retry_delays._spend(clock, Bucket(), 1)
        assert clock.now() == before
