"""Virtual time: sleeping advances the clock and takes no real time."""

from __future__ import annotations

import asyncio
import functools
import math
import sys
import threading
import time
from dataclasses import dataclass
from types import FrameType
from typing import Any

from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions.checking._children import Children
from pytest_deadline_sessions.checking._runaway import Stopper
from pytest_deadline_sessions.checking._sleepers import SHORT_STEP, Sleepers
from pytest_deadline_sessions.checking._threads import Threads, package
from pytest_deadline_sessions.checking._undoing import Undoing
from pytest_deadline_sessions.checking._waiting import Waiting

# In tuples, so that rebinding leaves them alone.
_real_sleep = (time.sleep,)
_real_async_sleep = (asyncio.sleep,)
_real_clocks = (time.perf_counter, time.monotonic)


class VirtualTime:
    """Makes ``time.sleep``, ``asyncio.sleep`` and trio's sleeping take no real time.

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
        self.trio.due = math.inf

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


@dataclass
class _Run:
    token: Any
    scope: Any


class TrioTime:
    """Virtual time for trio: its sleeping, and its clock, which sleeping advances.

    Args:
        sleepers: The threads and tasks that sleep.
        threads: Which threads are the collector's.

    Attributes:
        due: When trio was cancelled, the seconds left until the deadline that it waited for.
    """

    def __init__(self, sleepers: Sleepers, threads: Threads) -> None:
        self._sleepers = sleepers
        self._threads = threads
        self._trio: Any = None
        self._woken = 0
        self._runs: dict[int, _Run | None] = {}
        self.due = math.inf

    def patch_new(self, undoing: Undoing) -> dict[Any, Any]:
        """Patch trio's clocks, if trio has been imported since the last call.

        Args:
            undoing: Restores them.

        Returns:
            Our functions by the functions of trio that they replace; empty if nothing is new.
        """
        trio: Any = sys.modules.get("trio")
        # Trio may still be importing.
        if self._trio is not None or not hasattr(trio, "to_thread"):
            return {}
        from trio.testing import wait_all_tasks_blocked

        self._idle = wait_all_tasks_blocked
        undoing.put(self, "_trio", trio)
        self._real = (trio.sleep, trio.sleep_until, trio.sleep_forever, trio.run)
        ours = (self._sleep, self._sleep_until, self._sleep_forever, functools.partial(self._run))
        undoing.rebind_in("trio", {clock: self._moving(clock) for clock in _real_clocks})
        return dict(zip(self._real, ours, strict=True))

    def cancels(self, frame: FrameType | None, ident: int) -> bool:
        """Cancel what a thread runs in trio, if it is in trio's own code; return whether it is.

        An exception raised there from outside would leave trio broken.

        Args:
            frame: The current frame of the thread.
            ident: The id of the thread.
        """
        while frame is not None and package(frame) in sys.stdlib_module_names:
            frame = frame.f_back
        if ident not in self._runs or frame is None or package(frame) != "trio":
            return False
        run = self._runs[ident]
        # The run may be starting or ending.
        if run is not None:
            # The only function of trio that a signal handler may call.
            run.token.run_sync_soon(self._cancel, run)
        return True

    def _cancel(self, run: _Run) -> None:
        due = self._trio.lowlevel.current_statistics().seconds_to_next_deadline
        if due < math.inf:
            self.due = due
        run.scope.cancel()

    def _run(self, async_fn: Any, *args: Any, **options: Any) -> Any:
        if self._threads.outside():
            return self._real[3](async_fn, *args, **options)
        ident = threading.get_ident()

        async def main() -> Any:
            with self._trio.CancelScope() as scope:
                self._runs[ident] = _Run(self._trio.lowlevel.current_trio_token(), scope)
                try:
                    return await async_fn(*args)
                finally:
                    self._runs[ident] = None

        self._runs[ident] = None
        try:
            return self._real[3](main, **options)
        finally:
            del self._runs[ident]

    def _moving(self, clock: Any) -> Any:
        def now() -> float:
            # Runs that are not the collector's must not see time jump.
            moved = 0.0 if self._threads.outside() else self._sleepers.slept
            return float(clock()) + moved

        return now

    async def _sleep(self, seconds: float) -> None:
        if self._threads.outside() or not seconds > 0:
            await self._real[0](seconds)
        else:
            await self._until(self._trio.current_time() + seconds)

    async def _sleep_until(self, deadline: float) -> None:
        if self._threads.outside():
            await self._real[1](deadline)
        else:
            await self._until(deadline)

    async def _sleep_forever(self) -> None:
        if self._threads.outside():
            await self._real[2]()
        else:
            await self._until(math.inf)

    async def _until(self, deadline: float) -> None:
        trio = self._trio
        length = min(deadline, trio.current_effective_deadline()) - trio.current_time()
        if length == math.inf:
            await self._real[2]()
        with self._sleepers.sleeping(max(length, 0.0)) as wakes:
            woken = -1
            # A task that wakes has its turn before the next one does.
            while woken != self._woken or not wakes():
                woken = self._woken
                await self._idle()
                if self._sleepers.others():
                    _real_sleep[0](SHORT_STEP)
        self._woken += 1
        if trio.current_time() >= trio.current_effective_deadline():
            # The time limit around this sleep has passed, so trio cancels it here.
            await trio.lowlevel.checkpoint()
