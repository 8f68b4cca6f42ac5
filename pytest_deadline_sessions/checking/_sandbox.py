"""The sandbox that a collector runs in: virtual time, and a watchdog."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions.checking._runaway import Stopper
from pytest_deadline_sessions.checking._threads import Threads
from pytest_deadline_sessions.checking._undoing import Undoing
from pytest_deadline_sessions.checking._virtual_time import VirtualTime
from pytest_deadline_sessions.checking._watchdog import Watchdog


class Sandbox:
    """Makes a collector's sleep advance a clock, and stops a collector that does not end.

    Args:
        clock: The clock that sleeping advances.
        patience: How many seconds a collector may run without a call before it is stopped.
    """

    def __init__(self, clock: Clock, patience: float) -> None:
        self._threads = Threads()
        self._stopper = Stopper()
        self._time = VirtualTime(clock, self._threads, self._stopper)
        self._watchdog = Watchdog(patience, self._stopper, self._threads, self._time)
        self._undoing: Undoing
        self._collect: Any

    def open(self, undoing: Undoing, collect: Any = None) -> None:
        """Begin virtual time for this thread and all that start from now on, and watch them.

        Args:
            undoing: Ends virtual time and the watch.
            collect: The collector, which may not be part of any module.
        """
        self._undoing, self._collect = undoing, collect
        self._threads.take_stock()
        # Rebind everything at once, since each rebinding walks through every module.
        new = {**self._time.replacements(), **self._watchdog.replacements()}
        undoing.rebind({**new, **self._time.trio.patch_new(undoing)}, collect)
        # The watchdog waits in real time, so it starts while every thread is an outsider.
        self._watchdog.open(undoing)
        self._time.waiting.open(undoing)
        self._threads.open(undoing)

    def patch_late_imports(self) -> bool:
        """Begin virtual time for a library that the collector has imported meanwhile.

        Returns:
            Whether there was one. If so, the attempt so far proves nothing: it slept in real time.
        """
        new = self._time.trio.patch_new(self._undoing)
        if new:
            self._undoing.rebind(new, self._collect)
        return bool(new)

    def call(self, function: Callable[[], Any]) -> Any:
        """Call ``function`` and return its result; ``stopped`` tells whether it was stopped.

        Raises:
            Runaway: The collector was stopped.
        """
        return self._watchdog.call(function)

    def heard(self) -> None:
        """Note that the collector called the service, in this thread.

        Raises:
            Runaway: The collector was already stopped, or has returned and left this thread behind.
        """
        self._threads.admit()
        self._stopper.beats += 1
        self._time.sleepers.note_call()
        if self.stopped is not None or not self._stopper.running:
            self.stop("it had already returned")

    def stop(self, why: str) -> None:
        """Stop the collector now, in the thread that calls this.

        Args:
            why: What the collector did, for the report.

        Raises:
            Runaway: Always.
        """
        self._stopper.stop(why)

    @property
    def stopped(self) -> str | None:
        """Why the collector was stopped, or ``None``."""
        return self._stopper.stopped

    @property
    def slow(self) -> bool:
        """Whether the collector was stopped because it ran too long without a call."""
        return self._watchdog.slow
