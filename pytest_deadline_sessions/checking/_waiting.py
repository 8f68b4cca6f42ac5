"""Virtual waiting: for a lock, a condition, a queue, a thread, a signal or an event loop.

``threading.Condition`` is the base of events, queues, semaphores, barriers, futures and timers. It
waits for a lock that it makes for itself, so here it gets one of ours. So does a collector that
makes a lock. Libraries hold theirs for moments only, and get real ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import queue
import select
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType, ModuleType, SimpleNamespace
from typing import Any

from pytest_deadline_sessions import _patching
from pytest_deadline_sessions.checking._children import Children
from pytest_deadline_sessions.checking._locks import VirtualLock, VirtualQueue, stand_in
from pytest_deadline_sessions.checking._sleepers import SHORT_STEP, Sleepers
from pytest_deadline_sessions.checking._threads import Threads, package
from pytest_deadline_sessions.checking._undoing import Undoing

_RESOLUTION = 1e-6
_LIBRARIES = {
    *sys.stdlib_module_names,
    *(__name__.partition(".")[0], "_pytest", "freezegun", "hypothesis", "pytest"),
    *("aiobotocore", "anyio", "boto3", "botocore", "outcome", "trio", "urllib3"),
}
# In a tuple, so that rebinding leaves them alone.
_real_sleep = (time.sleep,)
_real_select: tuple[Any] = (select.select,)
_real_lock = (threading.Lock,)
_real_rlock = (threading.RLock,)
_real_queue = (queue.SimpleQueue,)
_real_sigtimedwait: tuple[Any] = (getattr(signal, "sigtimedwait", None),)
_real_sigwait: tuple[Any] = (getattr(signal, "sigwait", None),)


class Waiting:
    """Makes waits of the collector's threads take no real time.

    Args:
        sleepers: The threads that wait, and the clock that waiting advances.
        threads: Which threads are the collector's. All others wait for real.
        children: The processes that the collector starts.
    """

    def __init__(self, sleepers: Sleepers, threads: Threads, children: Children) -> None:
        self._sleepers = sleepers
        self._threads = threads
        self._children = children
        # The functions of the standard library whose locks a collector may wait for.
        makers = (threading.Condition.wait, threading._PyRLock.__init__)  # type: ignore[attr-defined] # noqa: SLF001
        self._lock_makers = {maker.__code__ for maker in makers}

    def replacements(self) -> dict[Any, Any]:
        """Our functions and classes, by the real ones that they replace."""
        found = {
            _real_lock[0]: stand_in(type(_real_lock[0]()), self._lock),
            _real_rlock[0]: functools.partial(self._rlock),
            _real_queue[0]: stand_in(_real_queue[0], self._queue),
            _real_select[0]: functools.partial(self._select),
        }
        if _real_sigtimedwait[0] is not None:
            found[_real_sigtimedwait[0]] = functools.partial(self._await_signal)
            found[_real_sigwait[0]] = functools.partial(self._await_any_signal)
        return found

    def open(self, undoing: Undoing) -> None:
        """Replace what the standard library waits with.

        Args:
            undoing: Restores it.
        """
        self._children.open(undoing)
        undoing.put(threading, "_allocate_lock", stand_in(type(_real_lock[0]()), self._lock))
        undoing.put(threading.Thread, "join", self._joining(threading.Thread.join))
        for module, name in ((threading, "_time"), (queue, "time")):
            undoing.put(module, name, self._moving(getattr(module, name)))
        undoing.put(asyncio.BaseEventLoop, "time", self._moving(asyncio.BaseEventLoop.time))
        undoing.put(time, "get_clock_info", self._clock_info(time.get_clock_info))
        undoing.put(subprocess, "time", _Time(sleep=self._sleep_really))
        self._open_multiprocessing(undoing)
        for kind in _selectors():
            undoing.put(kind, "select", self._selecting(kind.select))

    def _lock(self, frame: FrameType) -> Any:
        if self._threads.outside() or (
            package(frame) in _LIBRARIES and frame.f_code not in self._lock_makers
        ):
            return _real_lock[0]()
        return VirtualLock(self._sleepers, self._threads)

    def _rlock(self, *arguments: Any, **options: Any) -> Any:
        frame = sys._getframe(1)  # noqa: SLF001 (documented)
        if self._threads.outside() or package(frame) in _LIBRARIES:
            return _real_rlock[0](*arguments, **options)
        # It makes its lock by ``_allocate_lock``.
        return threading._PyRLock(*arguments, **options)  # type: ignore[attr-defined] # noqa: SLF001

    def _queue(self, _frame: FrameType) -> Any:
        if self._threads.outside():
            return _real_queue[0]()
        return VirtualQueue(self._sleepers, self._threads)

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
            if self._threads.outside():
                return select(selector, timeout)
            ready = select(selector, 0)
            if ready or (timeout is not None and timeout <= 0):
                return ready

            def look(seconds: float) -> bool:
                if seconds < SHORT_STEP:
                    # A selector rounds up.
                    _real_sleep[0](seconds)
                    seconds = 0
                ready[:] = select(selector, seconds)
                return bool(ready)

            self._wait(timeout, look, ready, endless=_is_alone(selector))
            return ready

        return selected

    def _select(self, *arguments: Any) -> Any:
        streams, limit = arguments[:3], arguments[3:]
        if self._threads.outside() or limit == (0,):
            return _real_select[0](*arguments)
        (timeout,) = limit or (None,)
        found: list[Any] = []

        def look(seconds: float) -> bool:
            found[:] = _real_select[0](*streams, seconds)
            return any(found)

        if not look(0):
            # Without a stream, only a signal handler that raises ends it.
            self._wait(timeout, look, found, endless=False)
        return tuple(found)

    def _wait(
        self,
        timeout: float | None,
        look: Callable[[float], bool],
        ready: list[Any],
        *,
        endless: bool,
    ) -> None:
        foreign = not endless or self._children.awaited()
        if timeout is not None and foreign and self._children.run():
            self._sleepers.wait_really(timeout, look)
        else:
            self._sleepers.wait(timeout, look, lambda: any(ready), endless=endless)

    def _open_multiprocessing(self, undoing: Undoing) -> None:
        if "multiprocessing" not in sys.modules:
            return
        # Freezegun lets it see the real time.
        clock = self._moving(time.monotonic)

        def now() -> float:
            if not self._threads.outside():
                # It polls until the time is later than it was.
                self._sleepers.tick()
            return float(clock())

        # Not every platform has its locks.
        with contextlib.suppress(ImportError):
            importlib.import_module("multiprocessing.pool")
            importlib.import_module("multiprocessing.queues")
            importlib.import_module("multiprocessing.synchronize")
        for name in ("connection", "pool", "queues", "synchronize"):
            module = sys.modules.get(f"multiprocessing.{name}")
            if module is not None:
                undoing.put(module, "time", _Time(monotonic=now))
        synchronize: Any = sys.modules.get("multiprocessing.synchronize")
        if synchronize is not None:
            # Each lock gets its methods there.
            make = synchronize.SemLock._make_methods  # noqa: SLF001
            undoing.put(synchronize.SemLock, "_make_methods", self._acquiring(make))

    def _acquiring(self, make_methods: Any) -> Any:
        def made(lock: Any) -> None:
            make_methods(lock)
            if not self._threads.outside():
                acquire = functools.partial(self._acquire, lock._semlock)  # noqa: SLF001
                _patching.assign(lock, "acquire", acquire)

        return made

    def _acquire(self, lock: Any, block: bool = True, timeout: float | None = None) -> bool:
        taken: bool = lock.acquire(False)
        if self._threads.outside():
            return taken or lock.acquire(block, timeout)
        if not taken and block and (timeout is None or timeout > 0):
            ready: list[bool] = []

            def look(seconds: float) -> bool:
                ready[:] = [lock.acquire(True, seconds)]
                return ready[0]

            self._wait(timeout, look, ready, endless=False)
            return any(ready)
        return taken

    def _await_signal(self, signals: Any, timeout: float) -> Any:
        if self._threads.outside() or timeout <= 0:
            return _real_sigtimedwait[0](signals, timeout)
        return self._signal(signals, timeout)

    def _await_any_signal(self, signals: Any) -> Any:
        if self._threads.outside():
            return _real_sigwait[0](signals)
        return signal.Signals(self._signal(signals, None).si_signo)

    def _signal(self, signals: Any, timeout: float | None) -> Any:
        found: list[Any] = []

        def look(seconds: float) -> bool:
            found[:] = [_real_sigtimedwait[0](signals, seconds)]
            return found[0] is not None

        self._sleepers.wait(timeout, look, lambda: found[:1] not in ([], [None]), endless=False)
        return found[0]

    def _sleep_really(self, seconds: float) -> None:
        if self._threads.outside():
            _real_sleep[0](seconds)
            return

        def sleep(step: float) -> bool:
            _real_sleep[0](step)
            return False

        self._sleepers.wait_really(seconds, sleep)


class _Time(ModuleType):
    """The module ``time``, with other functions for some names."""

    def __init__(self, **functions: Callable[..., Any]) -> None:
        super().__init__("time")
        self._functions = functions

    def __getattr__(self, name: str) -> Any:
        return self._functions.get(name) or getattr(time, name)


def _is_alone(selector: Any) -> bool:
    """Whether nothing outside of this process can end a wait for a selector.

    An event loop watches one end of its own socket pair, by which threads wake it.
    """
    keys = list(selector.get_map().values())
    return not keys or (len(keys) == 1 and isinstance(keys[0].data, tuple))


def _selectors() -> Iterator[Any]:
    """Yield the classes of selectors that have a ``select`` of their own."""
    waiting: list[Any] = [selectors.BaseSelector]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if "select" in vars(kind) and kind is not selectors.BaseSelector:
            yield kind
