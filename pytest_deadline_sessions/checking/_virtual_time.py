"""Virtual time: sleeping advances the clock and takes no real time.

Virtual time jumps once every thread and task is blocked, to the earliest wake-up.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import functools
import itertools
import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions.checking._runaway import Stopper
from pytest_deadline_sessions.checking._threads import Threads, package, waits
from pytest_deadline_sessions.checking._undoing import Undoing

MOST_SLEEPS = 5_000
MOST_SLEPT = 7 * 86_400
GRACE = 0.25
"""How many real seconds a sleeper lets other threads work before time passes."""
MOST_GRACE = 2.0
"""How many real seconds that may take in all between two calls."""
_SHORT_STEP = 0.001
# In tuples, so that rebinding leaves them alone.
_real_sleep = (time.sleep,)
_real_async_sleep = (asyncio.sleep,)
_real_clock = (time.perf_counter,)
_real_clocks = (time.perf_counter, time.monotonic)


class Sleepers:
    """Everybody who sleeps in virtual time, and the clock that their sleeping advances.

    Args:
        clock: The clock.
        threads: Tells the collector's threads from other people's.
        stopper: Stops a collector that sleeps too often or too long.

    Attributes:
        slept: How many seconds have been slept in all.
    """

    def __init__(self, clock: Clock, threads: Threads, stopper: Stopper) -> None:
        self._clock = clock
        self._threads = threads
        self._stopper = stopper
        self._sleeps = 0
        self._slept_since_reset = 0.0
        self._grace_taken = 0.0
        self._order = itertools.count()
        # When each one wakes, in which order they came, and in which thread each sleeps.
        self._sleepers: set[tuple[datetime.datetime, int, int]] = set()
        self.slept = 0.0

    def reset(self) -> None:
        """Begin to count anew: the collector is about to be called."""
        self.note_call()
        self._slept_since_reset = 0.0

    def note_call(self) -> None:
        """Allow as many sleeps as in the beginning: the collector has called the service."""
        self._sleeps = 0
        self._grace_taken = 0.0

    @contextlib.contextmanager
    def sleeping(self, seconds: float) -> Iterator[Callable[[], bool]]:
        """Sleep inside, until what this yields returns true; then that much time has passed.

        Time passes when everybody sleeps. Whoever has the earliest wake-up wakes first, and only
        once others have had time to work.

        Args:
            seconds: For how long.

        Yields:
            A function that tells whether to wake.
        """
        self._note_sleep(seconds)
        length = datetime.timedelta(seconds=seconds)
        if length.total_seconds() < seconds:
            # Otherwise a loop that sleeps until some time would never get there.
            length += datetime.timedelta.resolution
        until = self._clock.now() + length
        mine = (until, next(self._order), threading.get_ident())
        grace = min(seconds, GRACE, MOST_GRACE - self._grace_taken)
        started = _real_clock[0]()

        def wakes() -> bool:
            self._stopper.stop_again()
            if not self._threads.is_open or self._clock.now() >= until:
                return True
            if not self._stopper.running:
                # What the collector left behind stands still. Between its calls, we may sleep.
                return threading.get_ident() == self._threads.collector
            if min(self._sleepers.copy()) != mine:
                return False
            waited = _real_clock[0]() - started
            return waited >= grace or not self.others_work(waited)

        self._sleepers.add(mine)
        try:
            yield wakes
        finally:
            self._sleepers.discard(mine)
            self._grace_taken += _real_clock[0]() - started
        passed = max(until - self._clock.now(), datetime.timedelta(0))
        self._clock.advance(passed)
        self.slept += passed.total_seconds()

    def beside(self) -> int:
        """How many others sleep in this thread."""
        here = threading.get_ident()
        return sum(ident == here for *_, ident in self._sleepers.copy()) - 1

    def others(self, ident: int | None = None) -> list[FrameType]:
        """Where the collector's other threads stand that do not sleep.

        Args:
            ident: The thread that is left out; by default this one.
        """
        return self._threads.others({ident for *_, ident in self._sleepers.copy()}, ident)

    def others_work(self, waited: float = math.inf, ident: int | None = None) -> bool:
        """Whether another thread of the collector neither sleeps nor waits for one that does.

        Args:
            waited: For how many seconds this thread has watched; others may be about to go on.
            ident: The thread that is left out; by default this one.
        """
        # An idle thread of a pool may have been given work just now.
        others = self.others(ident)
        return bool(others) and (waited < _SHORT_STEP or not all(map(waits, others)))

    def _note_sleep(self, seconds: float) -> None:
        self._sleeps += 1
        self._stopper.beats += 1
        self._slept_since_reset += seconds
        self._stopper.stop_again()
        if self._sleeps > MOST_SLEEPS:
            self._stopper.stop(f"it slept {MOST_SLEEPS} times without a call in between")
        if self._slept_since_reset > MOST_SLEPT:
            self._stopper.stop(f"it slept for more than {MOST_SLEPT // 86_400} days in all")


class VirtualTime:
    """Makes ``time.sleep``, ``asyncio.sleep`` and trio's sleeping take no real time.

    Args:
        clock: What sleeping advances.
        threads: Tells the collector's threads from other people's, which sleep for real.
        stopper: Stops a collector that sleeps too often or too long.

    Attributes:
        sleepers: Everybody who sleeps.
        trio: The same for trio, once the collector has imported it.
    """

    def __init__(self, clock: Clock, threads: Threads, stopper: Stopper) -> None:
        self._threads = threads
        self.sleepers = Sleepers(clock, threads, stopper)
        self.trio = TrioTime(self.sleepers, threads)

    def replacements(self) -> dict[Any, Any]:
        """Our functions, by the real ones that they replace."""
        # A partial object does not become a method where a class has it as an attribute.
        return {
            _real_sleep[0]: functools.partial(self._sleep),
            _real_async_sleep[0]: self._async_sleep,
        }

    def reset(self) -> None:
        """Begin to count anew: the collector is about to be called."""
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
                _real_sleep[0](_SHORT_STEP)

    async def _async_sleep(self, delay: float, result: Any = None) -> Any:
        if self._threads.outside():
            return await _real_async_sleep[0](delay, result)
        ready = getattr(asyncio.get_running_loop(), "_ready", ())
        with self.sleepers.sleeping(max(delay, 0)) as wakes:
            await _real_async_sleep[0](0)
            # The other sleepers are always ready: each looks whether it is its turn.
            while not wakes() or len(ready) > self.sleepers.beside():
                await _real_async_sleep[0](_SHORT_STEP if self.sleepers.others() else 0)
        return result


@dataclass
class _Run:
    token: Any
    scope: Any


class TrioTime:
    """Virtual time for trio: its sleeping, and its clock, which sleeping advances.

    Args:
        sleepers: Everybody who sleeps.
        threads: Tells the collector's threads from other people's.

    Attributes:
        due: How many seconds away the deadline was that trio waited for when it was cancelled.
    """

    def __init__(self, sleepers: Sleepers, threads: Threads) -> None:
        self._sleepers = sleepers
        self._threads = threads
        self._trio: Any = None
        self._woken = 0
        self._runs: dict[int, _Run | None] = {}
        self.due = math.inf

    def meet(self, undoing: Undoing) -> dict[Any, Any]:
        """Patch trio's clocks, if trio has been imported since the last look.

        Args:
            undoing: Puts all back.

        Returns:
            Our functions, by those of trio that they replace; empty if it has not been.
        """
        trio: Any = sys.modules.get("trio")
        # While it is being imported it has no names yet.
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
        """Whether a thread stands in trio's own code; then trio cancels what it runs.

        An exception that is raised there from outside would break trio for good.

        Args:
            frame: Where the thread stands.
            ident: The thread.
        """
        while frame is not None and package(frame) in sys.stdlib_module_names:
            frame = frame.f_back
        if ident not in self._runs or frame is None or package(frame) != "trio":
            return False
        run = self._runs[ident]
        # A run that has just begun, or is about to end, is left alone.
        if run is not None:
            # Unlike other functions of trio, this one may be called in a signal handler.
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
            # Other people's runs would see it leap.
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
                    _real_sleep[0](_SHORT_STEP)
        self._woken += 1
        if trio.current_time() >= trio.current_effective_deadline():
            # The time limit around this sleep has passed, so trio cancels it here.
            await trio.lowlevel.checkpoint()
