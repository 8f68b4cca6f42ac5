"""Virtual waiting: for a condition, a queue, a thread or an event loop.

``threading.Condition`` is the base of events, queues, semaphores, barriers, futures and timers. It
waits for a lock that it makes for itself, so here it gets one of ours.
"""

from __future__ import annotations

import asyncio
import queue
import selectors
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from pytest_deadline_sessions.checking._sleepers import Sleepers
from pytest_deadline_sessions.checking._threads import Threads
from pytest_deadline_sessions.checking._undoing import Undoing

_RESOLUTION = 1e-6


class Waiting:
    """Makes waits of the collector's threads take no real time.

    Args:
        sleepers: The threads that wait, and the clock that waiting advances.
        threads: Which threads are the collector's. All others wait for real.
    """

    def __init__(self, sleepers: Sleepers, threads: Threads) -> None:
        self._sleepers = sleepers
        self._threads = threads

    def open(self, undoing: Undoing) -> None:
        """Replace what the standard library waits with.

        Args:
            undoing: Restores it.
        """
        undoing.put(threading, "_allocate_lock", self._lock_maker(threading.Condition.wait))
        undoing.put(threading.Thread, "join", self._joining(threading.Thread.join))
        for module, name in ((threading, "_time"), (queue, "time")):
            undoing.put(module, name, self._moving(getattr(module, name)))
        undoing.put(asyncio.BaseEventLoop, "time", self._moving(asyncio.BaseEventLoop.time))
        undoing.put(time, "get_clock_info", self._clock_info(time.get_clock_info))
        for kind in _selectors():
            undoing.put(kind, "select", self._selecting(kind.select))

    def _lock_maker(self, wait: Any) -> Callable[[], Any]:
        make = threading.Lock

        def allocate_lock() -> Any:
            waits = sys._getframe(1).f_code is wait.__code__  # noqa: SLF001 (documented)
            lock = make()
            return _Waiter(lock, self._sleepers) if waits and not self._threads.outside() else lock

        return allocate_lock

    def _joining(self, join: Any) -> Any:
        def joined(thread: threading.Thread, timeout: float | None = None) -> None:
            if self._threads.outside():
                join(thread, timeout)
                return

            def ended(seconds: float) -> bool:
                join(thread, seconds)
                return not thread.is_alive()

            if not ended(0):
                self._sleepers.wait(timeout, ended, lambda: not thread.is_alive())

        return joined

    def _moving(self, clock: Any) -> Any:
        from freezegun import api

        def now(*loop: Any) -> float:
            real = self._threads.outside()
            seconds: float = clock(*loop) if real else api.fake_monotonic()
            return seconds

        return now

    def _clock_info(self, clock_info: Any) -> Any:
        def informed(name: str) -> Any:
            info = clock_info(name)
            if self._threads.outside():
                return info
            # An event loop runs a timer that is due within the resolution of its clock, and would
            # wait for ever if that were finer than a float of the time is.
            return SimpleNamespace(**{**vars(info), "resolution": _RESOLUTION})

        return informed

    def _selecting(self, select: Any) -> Any:
        def selected(selector: Any, timeout: float | None = None) -> Any:
            ready = [] if self._threads.outside() else select(selector, 0)
            if self._threads.outside():
                return select(selector, timeout)
            if ready or (timeout is not None and timeout <= 0):
                return ready

            def look(seconds: float) -> bool:
                ready[:] = select(selector, seconds)
                return bool(ready)

            # An event loop watches one end of its own socket pair, by which threads wake it.
            endless = len(selector.get_map()) <= 1
            self._sleepers.wait(timeout, look, lambda: bool(ready), endless=endless)
            return ready

        return selected


class _Waiter:
    """The lock that a condition waits for."""

    def __init__(self, lock: Any, sleepers: Sleepers) -> None:
        self._lock = lock
        self._sleepers = sleepers
        self._released = False

    def release(self) -> None:
        """Release the lock, as whoever notifies the condition does."""
        self._released = True
        self._lock.release()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Acquire the lock, in virtual time."""
        taken: bool = self._lock.acquire(False)
        if taken or not blocking:
            return taken
        return self._sleepers.wait(
            None if timeout < 0 else timeout,
            lambda seconds: self._lock.acquire(timeout=seconds),
            lambda: self._released,
        )


def _selectors() -> Iterator[Any]:
    """Yield the classes of selectors that have a ``select`` of their own."""
    waiting: list[Any] = [selectors.BaseSelector]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if "select" in vars(kind) and kind is not selectors.BaseSelector:
            yield kind
