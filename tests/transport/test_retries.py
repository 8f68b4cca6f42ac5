"""Botocore's retries run for real, and take no time."""

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
    """Nothing may wait: neither by sleeping nor for a condition."""

    def sleep_for_nothing(seconds):
        assert seconds == 0

    monkeypatch.setattr(time, "sleep", sleep_for_nothing)
    wait = threading.Condition.wait

    def wait_for_nothing(self, timeout=None):
        assert timeout is None or timeout < 0.01
        return wait(self, timeout)

    monkeypatch.setattr(threading.Condition, "wait", wait_for_nothing)


@pytest.fixture
def fake():
    """A fake that intercepts."""
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
    """All attempts are in the transcript, and the waiting between them moved the clock only."""
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
def test_a_fault_that_heals_is_overcome(fake, mode):
    """One retry after one fault gives the page."""
    job = fake.add_job(sessions=1)
    fake.fail_next("ThrottlingException")
    assert len(_client(mode).list_sessions(**job)["sessions"]) == 1
    assert [call.status for call in fake.calls] == [429, 200]


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException"])
@pytest.mark.parametrize("mode", ATTEMPTS)
def test_errors_of_the_caller_are_not_retried(fake, mode, code):
    """They come at once."""
    fake.fail_next(code)
    with pytest.raises(botocore.exceptions.ClientError, match=code):
        _client(mode).list_sessions(**fake.add_job())
    assert [call.attempt for call in fake.calls] == [1]


@pytest.mark.parametrize("mode", ATTEMPTS)
def test_max_attempts_is_followed(fake, mode):
    """A client that must not retry does not."""
    fake.fail_next("ThrottlingException")
    with pytest.raises(botocore.exceptions.ClientError):
        _client(mode, total_max_attempts=1).list_sessions(**fake.add_job())
    assert len(fake.calls) == 1


def test_adaptive_rate_limiting_is_spent_by_the_clock(fake):
    """After throttling, the rate limiter holds requests back: in service time, in no time."""
    job = fake.add_job(Listing(page_sizes=(1,) * 10))
    adaptive = _client("adaptive")
    fake.fail_next("ThrottlingException")
    before = fake.clock.now()
    assert len(list(adaptive.get_paginator("list_sessions").paginate(**job))) == 10
    assert fake.clock.now() - before > datetime.timedelta(seconds=5)


def test_adaptive_rate_limiting_under_frozen_time(fake):
    """The limiter reads the time, so a clock that stood still would hold it up forever."""
    job = fake.add_job(Listing(page_sizes=(1,) * 10))
    fake.fail_next("ThrottlingException")
    with fake.clock.freeze("2030-01-01"):
        pages = _client("adaptive").get_paginator("list_sessions").paginate(**job)
        assert len(list(pages)) == 10


@pytest.fixture
def without_clients(monkeypatch):
    """Nobody has a client yet; those of other tests may not have been collected."""
    monkeypatch.setattr(_state, "hooks", weakref.WeakKeyDictionary())
    retry_delays.unpatch()


@pytest.mark.usefixtures("without_clients")
def test_token_buckets_are_left_as_they_were():
    """Afterwards botocore waits by itself again."""
    acquire = botocore.retries.bucket.TokenBucket.acquire
    with FakeDeadline():
        client = boto3.client("deadline")
        assert botocore.retries.bucket.TokenBucket.acquire is not acquire
    assert botocore.retries.bucket.TokenBucket.acquire is acquire
    client.close()


def test_token_buckets_of_others_wait_as_ever(fake):
    """Outside of a call that a service answers, a bucket is botocore's own, and may refuse."""
    # While there is a client, buckets are met.
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


def test_somebody_elses_patch_of_the_buckets_survives(monkeypatch):
    """What wrapped ours meanwhile stays, and goes on working."""
    bucket = botocore.retries.bucket.TokenBucket
    retry_delays.unpatch()
    monkeypatch.setattr(bucket, "acquire", bucket.acquire)
    retry_delays.patch()
    monkeypatch.setattr(bucket, "acquire", functools.partialmethod(bucket.acquire))
    theirs = vars(bucket)["acquire"]
    retry_delays.unpatch()
    assert vars(bucket)["acquire"] is theirs


@pytest.mark.parametrize("mode", ATTEMPTS)
def test_other_clients_wait_as_ever(mode):
    """A client that nobody intercepts is not told to go on at once."""
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
def test_token_buckets_are_left_once_the_clients_are_gone():
    """A client of a fake that nobody has any more leaves nothing behind."""
    acquire = botocore.retries.bucket.TokenBucket.acquire
    client = FakeDeadline().client()
    assert botocore.retries.bucket.TokenBucket.acquire is not acquire
    del client
    gc.collect()
    assert botocore.retries.bucket.TokenBucket.acquire is acquire


def test_a_bucket_that_others_filled_meanwhile():
    """Nothing is left to wait for."""

    class Bucket:
        available_capacity = 2
        max_rate = 1

    clock = Clock()
    with clock.freeze("2030-01-01"):
        before = clock.now()
        assert retry_delays._spend(clock, Bucket(), 1)
        assert clock.now() == before
