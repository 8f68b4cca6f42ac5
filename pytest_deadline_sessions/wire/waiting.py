"""Waiting that clients do by themselves: it moves the service's clock, and takes no time.

Botocore waits before a retry for as long as an event handler says, which is met in the events. In
the retry mode ``adaptive`` it also waits before a request, for a token bucket, which is met here.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from pytest_deadline_sessions.clock import Clock

_clock: ContextVar[Clock | None] = ContextVar("deadline_sessions_clock", default=None)
_replaced: list[tuple[Any, Callable[..., Any], Callable[..., Any]]] = []


@contextlib.contextmanager
def spent_by(clock: Clock) -> Iterator[None]:
    """What this thread or task waits for a token bucket is spent by that clock."""
    token = _clock.set(clock)
    try:
        yield
    finally:
        _clock.reset(token)


def without_delay(clock: Clock, delay: Any) -> Any:
    """What an event handler says of a retry, with the delay before it spent by the clock."""
    if isinstance(delay, int | float) and not isinstance(delay, bool) and delay > 0:
        clock.advance(seconds=delay)
        return 0
    return delay


def patch() -> None:
    """Meet the token buckets of every client; once is enough."""
    from botocore.retries.bucket import TokenBucket

    aio = sys.modules.get("aiobotocore.retries.bucket")
    buckets: dict[Any, Any] = {TokenBucket: _acquire}
    if aio is not None:
        buckets[aio.AsyncTokenBucket] = _acquire_async
    for bucket, wrap in buckets.items():
        if bucket not in [known for known, *_ in _replaced]:
            original = bucket.acquire
            bucket.acquire = functools.wraps(original)(wrap(original))
            _replaced.append((bucket, bucket.acquire, original))


def unpatch() -> None:
    """Leave the token buckets as they were."""
    while _replaced:
        bucket, ours, original = _replaced.pop()
        if bucket.acquire is ours:
            bucket.acquire = original


def _acquire(original: Callable[..., Any]) -> Callable[..., Any]:
    def acquire(self: Any, amount: float = 1, block: bool = True) -> Any:
        from botocore.exceptions import CapacityNotAvailableError

        clock = _clock.get()
        if clock is None or not block:
            return original(self, amount, block)
        try:
            return original(self, amount, block=False)
        except CapacityNotAvailableError:
            return _spend(clock, self, amount)

    return acquire


def _acquire_async(original: Callable[..., Any]) -> Callable[..., Any]:
    async def acquire(self: Any, amount: float = 1, block: bool = True) -> Any:
        from botocore.exceptions import CapacityNotAvailableError

        clock = _clock.get()
        if clock is None or not block:
            return await original(self, amount, block)
        try:
            return await original(self, amount, block=False)
        except CapacityNotAvailableError:
            return _spend(clock, self, amount)

    return acquire


def _spend(clock: Clock, bucket: Any, amount: float) -> bool:
    # Another thread may have filled it meanwhile.
    missing = max(amount - bucket.available_capacity, 0)
    clock.advance(seconds=missing / bucket.max_rate)
    return True
