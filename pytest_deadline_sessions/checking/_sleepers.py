"""The threads and tasks that sleep or wait in virtual time, and when that passes.

Virtual time jumps once every thread and task is blocked, to the earliest wake-up.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions.checking._children import Children
from pytest_deadline_sessions.checking._runaway import Stopper
from pytest_deadline_sessions.checking._standing import place_of
from pytest_deadline_sessions.checking._threads import Threads, current_frames, idles, waits

MOST_SLEEPS = 5_000
MOST_SLEPT = 7 * 86_400
GRACE = 0.25
"""How many real seconds a sleeper lets other threads work before time passes."""
MOST_GRACE = 2.0
"""How many real seconds that may take in all between two calls."""
SHORT_STEP = 0.001
_FIRST_STEP = 0.0001
_FEWEST_LOOKS = 10
_STEP = 0.01
# Of a thread that outlives the check.
_LONG_STEP = 3600.0
_MOST_LENGTH = MOST_SLEPT + 1
# In a tuple, so that rebinding leaves it alone.
_real_clock = (time.perf_counter,)


class Sleepers:
    """The threads and tasks that sleep in virtual time, and the clock that they advance.

    Args:
        clock: The clock.
        threads: Which threads are the collector's.
        stopper: Stops a collector that sleeps too often or too long.
        children: The processes that the collector starts.

    Attributes:
        slept: Total virtual seconds slept so far.
    """

    def __init__(
        self, clock: Clock, threads: Threads, stopper: Stopper, children: Children
    ) -> None:
        self._clock = clock
        self._threads = threads
        self._stopper = stopper
        self._children = children
        self._sleeps = 0
        self._slept_since_reset = 0.0
        self._grace_taken = 0.0
        self._order = itertools.count()
        # For each sleeper: wake-up time, order of arrival, thread id.
        self._sleepers: set[tuple[datetime.datetime, int, int]] = set()
        # For each waiting thread, by its id: whether its wait is over, so that it is about to run.
        self._waiting: dict[int, Callable[[], bool]] = {}
        # The ids of those that something outside of this process may wake.
        self._open: set[int] = set()
        # The ids of those that wait in real time.
        self._waiting_really: set[int] = set()
        # The ids of the threads that were told to stop.
        self._told: set[int] = set()
        self.slept = 0.0

    def reset(self) -> None:
        """Reset all limits, before the collector is called."""
        self.note_call()
        self._slept_since_reset = 0.0
        self._told.clear()

    def note_call(self) -> None:
        """Reset the number of sleeps allowed: the collector has called the service."""
        self._sleeps = 0
        self._grace_taken = 0.0

    @contextlib.contextmanager
    def sleeping(self, seconds: float) -> Iterator[Callable[[], bool]]:
        """Register a sleeper while the block runs, and advance the clock when it ends.

        Time passes once every thread and task sleeps. The sleeper with the earliest wake-up wakes
        first, after the others have had time to work.

        Args:
            seconds: How long to sleep.

        Yields:
            A function that returns whether this sleeper may wake.
        """
        self.note_sleep(seconds)
        with self._asleep(seconds) as (until, wakes):
            yield wakes
        self._pass(until)

    def wait(
        self,
        seconds: float | None,
        attempt: Callable[[float], bool],
        over: Callable[[], bool],
        *,
        endless: bool = True,
    ) -> bool:
        """Wait until an attempt succeeds, and return whether one did.

        Args:
            seconds: How many virtual seconds to wait; ``None`` has no limit.
            attempt: Tries for as many real seconds as it is passed.
            over: Whether an attempt would succeed, or has. Other threads call it too.
            endless: Whether only threads of this process can end the wait.
        """
        here = threading.get_ident()
        # At every moment, other threads must see that this one may go on.
        if not endless:
            self._open.add(here)
        self._waiting[here] = over
        try:
            if seconds is None:
                return self._wait_without_limit(attempt)
            return self._wait_with_limit(seconds, attempt)
        finally:
            del self._waiting[here]
            self._open.discard(here)

    def wait_really(self, seconds: float, attempt: Callable[[float], bool]) -> bool:
        """Wait for another process in real time, which passes on the clock too.

        Args:
            seconds: How many seconds to wait.
            attempt: Tries for as many real seconds as it is passed.

        Returns:
            Whether an attempt succeeded.
        """
        left, done = seconds, False
        self._waiting_really.add(threading.get_ident())
        try:
            while left > 0 and not done:
                self._stopper.stop_again()
                started = _real_clock[0]()
                done = attempt(min(left, _STEP))
                passed = min(_real_clock[0]() - started, left)
                left -= passed
                self._pass(self._clock.now() + datetime.timedelta(seconds=passed))
        finally:
            self._waiting_really.discard(threading.get_ident())
        return done or attempt(0)

    def stops_itself(self, ident: int) -> bool:
        """Whether a thread waits here, and so ends by itself once the collector is stopped.

        Args:
            ident: The id of the thread.
        """
        asleep = {ident for *_, ident in self._sleepers.copy()}
        return ident in asleep | self._waiting.copy().keys() | self._waiting_really.copy()

    def _wait_with_limit(self, seconds: float, attempt: Callable[[float], bool]) -> bool:
        self.note_sleep(0)
        with self._asleep(seconds) as (until, wakes):
            step = _FIRST_STEP
            while not wakes():
                if attempt(step):
                    return True
                step = min(2 * step, SHORT_STEP)
        if attempt(0):
            return True
        before = self.slept
        self._pass(until)
        self._note_slept(self.slept - before)
        return False

    def _wait_without_limit(self, attempt: Callable[[float], bool]) -> bool:
        here, started = threading.get_ident(), _real_clock[0]()
        quiet_since, looks = started, 0
        # Nobody else waits for a pool thread without work.
        spare = idles(sys._getframe())  # noqa: SLF001 (documented)
        # Threads that outlive the check wait as they would without it.
        while not attempt(_STEP if self._threads.is_open else _LONG_STEP):
            now = _real_clock[0]()
            if spare or not self._threads.is_open:
                continue
            self._tell(here, now - started)
            looks += 1
            if self._may_end():
                quiet_since, looks = now, 0
            # On a busy machine, a thread that is about to run waits for its turn.
            elif now - quiet_since >= GRACE and looks >= _FEWEST_LOOKS:
                self._stopper.stop(f"it waits for ever at {self._place()}")
        return True

    def _tell(self, ident: int, waited: float) -> None:
        """Stop a waiting thread: once at once, so that it may clean up, and then after a while."""
        due = ident not in self._told or waited >= GRACE
        if self._stopper.stopped is not None and due and not idles(current_frames().get(ident)):
            self._told.add(ident)
            self._stopper.stop_again()

    def _may_end(self) -> bool:
        """Whether anything that is running, or that sleeps, may end a wait without a timeout."""
        return (
            not self._stopper.running
            or bool(self._sleepers)
            or bool(self._open)
            or self.others_work()
            or self._threads.stir()
        )

    def _place(self) -> str:
        frames, waiting = current_frames(), sorted(self._waiting.copy())
        return place_of(frames[ident] for ident in waiting if not idles(frames[ident]))

    @contextlib.contextmanager
    def _asleep(self, seconds: float) -> Iterator[tuple[datetime.datetime, Callable[[], bool]]]:
        length = datetime.timedelta(seconds=min(seconds, _MOST_LENGTH))
        if length.total_seconds() < seconds:
            # Rounded down, a loop that sleeps until a given time would never reach it.
            length += datetime.timedelta.resolution
        until = self._clock.now() + length
        mine = (until, next(self._order), threading.get_ident())
        most_grace = min(seconds, MOST_GRACE - self._grace_taken)
        started = _real_clock[0]()

        def wakes() -> bool:
            self._stopper.stop_again()
            if not self._threads.is_open or self._clock.now() >= until:
                return True
            if not self._stopper.running:
                # Threads that the collector left behind stand still; our own code may sleep.
                return threading.get_ident() == self._threads.collector
            if min(self._sleepers.copy()) != mine:
                return False
            waited = _real_clock[0]() - started
            # A process works in real time, and another thread may wait for it.
            beside = self._children.run() and (self._open - {mine[-1]} or self.others())
            if waited < (most_grace if beside else min(GRACE, most_grace)):
                return not (beside or self.others_work(waited))
            return True

        self._sleepers.add(mine)
        try:
            yield until, wakes
        finally:
            self._sleepers.discard(mine)
            self._grace_taken += _real_clock[0]() - started

    def tick(self) -> None:
        """Advance the clock by as little as it can show."""
        self._pass(self._clock.now() + datetime.timedelta.resolution)

    def _pass(self, until: datetime.datetime) -> None:
        passed = max(until - self._clock.now(), datetime.timedelta(0))
        self._clock.advance(passed)
        self.slept += passed.total_seconds()

    def others(self) -> list[FrameType]:
        """The current frames of the collector's other threads that are not sleeping."""
        asleep = {ident for *_, ident in self._sleepers.copy()}
        waiting = self._waiting.copy()
        about_to_run = {each for each, over in waiting.items() if over()}
        return self._threads.others((asleep | waiting.keys()) - about_to_run)

    def others_work(self, waited: float = math.inf) -> bool:
        """Whether another thread of the collector is working: neither asleep nor blocked.

        Args:
            waited: How many seconds this thread has waited; others may be about to continue.
        """
        others = self.others()
        # An idle pool thread may just have received work.
        at_work = bool(others) and (waited < SHORT_STEP or not all(map(waits, others)))
        return at_work or self._threads.start_now()

    def note_sleep(self, seconds: float) -> None:
        """Count a sleep, and stop a collector that sleeps too often or too long.

        Raises:
            Runaway: It does, or was stopped already.
        """
        self._sleeps += 1
        self._stopper.beats += 1
        self._stopper.stop_again()
        if self._sleeps > MOST_SLEEPS:
            self._stopper.stop(f"it slept {MOST_SLEEPS} times without a call in between")
        self._note_slept(seconds)

    def _note_slept(self, seconds: float) -> None:
        self._slept_since_reset += seconds
        if self._slept_since_reset > MOST_SLEPT:
            self._stopper.stop(f"it slept for more than {MOST_SLEPT // 86_400} days in all")
