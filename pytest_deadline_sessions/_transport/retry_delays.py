"""Let clients wait on the service's clock instead of sleeping.

Before a retry, botocore sleeps as long as an event handler says; ``client_hooks`` changes what the
handler says. In the retry mode ``adaptive``, botocore also waits for a token bucket before a
request; this module replaces that wait.
"""

from __future__ import annotations

import sys
from typing import Any

from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions._patching import Patches
from pytest_deadline_sessions._transport import tracking

_patches = Patches("retry delays")


def without_delay(clock: Clock, delay: Any) -> Any:
    """A retry handler's answer. A delay advances the clock and becomes 0."""
    if isinstance(delay, int | float) and not isinstance(delay, bool) and delay > 0:
        clock.advance(seconds=delay)
        return 0
    return delay


def patch() -> None:
    """Replace the waiting of all token buckets, unless it is already replaced."""
    from botocore.retries.bucket import TokenBucket

    aio = sys.modules.get("aiobotocore.retries.bucket")
    buckets: dict[Any, Any] = {TokenBucket: _acquire}
    if aio is not None:
        buckets[aio.AsyncTokenBucket] = _acquire_async
    for bucket, around in buckets.items():
        if not _patches.have(bucket):
            _patches.wrap(bucket, "acquire", around)


def unpatch() -> None:
    """Restore the waiting of token buckets."""
    _patches.undo()


def _clock() -> Clock | None:
    """The clock of the service that answers the running call, if any."""
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
    # Another thread may have filled the bucket meanwhile.
    missing = max(amount - bucket.available_capacity, 0)
    clock.advance(seconds=missing / bucket.max_rate)
    return True
