"""Virtual time: sleeping advances the clock and takes no real time."""

from __future__ import annotations

import asyncio
import functools
import time
from typing import Any

from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions.checking._children import Children
from pytest_deadline_sessions.checking._runaway import Stopper
from pytest_deadline_sessions.checking._sleepers import SHORT_STEP, Sleepers
from pytest_deadline_sessions.checking._threads import Threads
from pytest_deadline_sessions.checking._trio_time import TrioTime
from pytest_deadline_sessions.checking._waiting import Waiting

# In tuples, so that rebinding leaves them alone.
_real_sleep = (time.sleep,)
_real_async_sleep = (asyncio.sleep,)


class VirtualTime:
    """Makes sleeping and waiting take no real time.

    Args:
        clock: The clock that sleeping advances.
        threads: Which threads are the collector's. All others sleep for real.
        stopper: Stops a collector that sleeps too often or too long.

    Attributes:
        sleepers: The threads and tasks that sleep.
        trio: Virtual time for trio, once it is imported.
        waiting: Virtual time for waits on conditions, queues, threads and event loops.
    """

    def __init__(self, clock: Clock, threads: Threads, stopper: Stopper) -> None:
        self._threads = threads
        children = Children()
        self.sleepers = Sleepers(clock, threads, stopper, children)
        self.trio = TrioTime(self.sleepers, threads)
        self.waiting = Waiting(self.sleepers, threads, children)

    def replacements(self) -> dict[Any, Any]:
        """Our functions, by the real ones that they replace."""
        # Unlike a function, a partial object does not bind when it is a class attribute.
        return {
            _real_sleep[0]: functools.partial(self._sleep),
            _real_async_sleep[0]: self._async_sleep,
            **self.waiting.replacements(),
        }

    def reset(self) -> None:
        """Reset all limits, before the collector is called."""
        self.sleepers.reset()

    def _sleep(self, seconds: float) -> None:
        if self._threads.outside():
            _real_sleep[0](seconds)
            return
        if seconds < 0:
            msg = "sleep length must be non-negative"
            raise ValueError(msg)
        with self.sleepers.sleeping(seconds) as wakes:
            while not wakes():
                _real_sleep[0](SHORT_STEP)

    async def _async_sleep(self, delay: float, result: Any = None) -> Any:
        if self._threads.outside():
            return await _real_async_sleep[0](delay, result)
        if delay <= 0:
            # Otherwise the loop waits for it, and that counts.
            self.sleepers.note_sleep(0)
        return await _real_async_sleep[0](delay, result)
