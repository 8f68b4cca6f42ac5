"""Waiting that clients do by themselves: it moves the service's clock, and takes no time.

Botocore waits before a retry for as long as an event handler says, which is met in the events. In
the retry mode ``adaptive`` it also waits before a request, for a token bucket, which is met here.
"""

from __future__ import annotations

import sys
from typing import Any

from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions._patching import Patches
from pytest_deadline_sessions._transport import tracking

_patches = Patches("retry delays")


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
    for bucket, around in buckets.items():
        if not _patches.have(bucket):
            _patches.wrap(bucket, "acquire", around)


def unpatch() -> None:
    """Leave the token buckets as they were."""
    _patches.undo()


def _clock() -> Clock | None:
    """The clock that spends what the running call waits, if somebody answers it."""
    call = tracking.current()
    return None if call is None or call.interception is None else call.interception.service.clock


def _acquire(method: Any, bucket: Any, amount: float = 1, block: bool = True) -> Any:
    from botocore.exceptions import CapacityNotAvailableError

    clock = _clock()
    if clock is None or not block:
        return method(amount, block)
    try:
        return method(amount, block=False)
    except CapacityNotAvailableError:
        return _spend(clock, bucket, amount)


async def _acquire_async(method: Any, bucket: Any, amount: float = 1, block: bool = True) -> Any:
    from botocore.exceptions import CapacityNotAvailableError

    clock = _clock()
    if clock is None or not block:
        return await method(amount, block)
    try:
        return await method(amount, block=False)
    except CapacityNotAvailableError:
        return _spend(clock, bucket, amount)


def _spend(clock: Clock, bucket: Any, amount: float) -> bool:
    # Another thread may have filled it meanwhile.
    missing = max(amount - bucket.available_capacity, 0)
    clock.advance(seconds=missing / bucket.max_rate)
    return True
