"""Where a collector runs: time that passes at once, and an end to whatever does not end."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import datetime
import functools
import itertools
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import Any

from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions.checking._rebinding import rebind
from pytest_deadline_sessions.checking._trio_time import TrioTime
from pytest_deadline_sessions.checking._undoing import Undoing

MOST_SLEEPS = 5_000
MOST_SLEPT = 7 * 86_400
_MOST_TRIES = 5
# How long, in real seconds, a sleeping thread lets others work: at one time, and without a call.
_GRACE = 0.25
_MOST_GRACE = 2.0
_STEP = 0.05
_SHORT_STEP = 0.001
_THREAD = ("threading", "_bootstrap_inner")
# Where a thread stands that waits for another one.
_TRIO_THREAD = ("trio._core._thread_cache", "_work")
_IDLE = {
    ("anyio._backends._asyncio", "run"),
    ("concurrent.futures.thread", "_worker"),
    ("multiprocessing.pool", "worker"),
    _TRIO_THREAD,
}
_WAITING = {"threading", "queue", "selectors", *(module for module, _ in _IDLE)}
_SIGNAL = getattr(signal, "SIGURG", None)
# Whose handlers do no harm: they pass on what they catch, once they have cleaned up.
_CLEAN = {*sys.stdlib_module_names, __name__.partition(".")[0], "anyio", "outcome", "trio"}
# In tuples, so that they are left alone when names are bound anew.
_real_sleep = (time.sleep,)
_real_async_sleep = (asyncio.sleep,)
_real_clock = (time.perf_counter,)
_real_exit = (os._exit,)


class Runaway(BaseException):
    """Stops a collector that would not stop by itself; it passes ``except Exception``."""


class InsistentRunaway(Runaway):
    """Raises another one in whatever handler it is about to be swallowed by."""

    def __init__(self) -> None:
        super().__init__()
        _raise_in_handlers(sys._getframe(1))  # noqa: SLF001 (documented)


class Sandbox:
    """Lets a collector's sleeping advance a clock, and stops a collector that does not end.

    It is stopped where it stands: at its next call or sleep, or after ``patience`` seconds without
    either. Where a bare ``except`` swallows that, the next ``Runaway`` is raised inside the handler
    itself.

    Args:
        clock: What sleeping advances.
        patience: How many seconds a collector may work without a call before it is stopped.
    """

    def __init__(self, clock: Clock, patience: float) -> None:
        self.clock = clock
        self.running = False
        self.stopped: str | None = None
        self.slow = False
        self._worked_beside = False
        self._patience = patience
        self._collector = threading.get_ident()
        self._outsiders: set[int] = set()
        self._interrupting = threading.Lock()
        self._raised = 0
        self._sleeps = 0
        self._slept_for = 0.0
        self._grace_taken = 0.0
        self._order = itertools.count()
        # By when they want to wake, in what order they came, and in which thread.
        self._sleepers: set[tuple[datetime.datetime, int, int]] = set()
        self._beat = 0
        self._is_open = False
        self._process = os.getpid()
        self.slept = 0.0
        self._trio = TrioTime(self)
        self._undoing: Undoing
        self._collect: Any

    def heard(self) -> None:
        """The collector made a call, in this thread: it is at work.

        Raises:
            Runaway: It was stopped already, or has come to its end: a thread of it is left.
        """
        self._outsiders.discard(threading.get_ident())
        self._beat += 1
        self._sleeps = 0
        self._grace_taken = 0.0
        if self.stopped is not None or not self.running:
            self.stop("it had come to its end")

    def stop(self, why: str, frame: FrameType | None = None) -> None:
        """Stop the collector: in the thread that calls this, now.

        Args:
            why: What it did.
            frame: Where that thread is; by default where it calls this.

        Raises:
            Runaway: Always.
        """
        self.stopped = self.stopped or why
        self._raised += 1
        if self._raised > 1:
            _raise_in_handlers(frame or sys._getframe(1))  # noqa: SLF001 (documented)
        raise Runaway(self.stopped)

    def open(self, undoing: Undoing, collect: Any = None) -> None:
        """Make sleeping take no time for all threads that start from now on, and for this one.

        Args:
            undoing: Closes it.
            collect: The collector, which may be in no module.
        """
        here = self._collector = threading.get_ident()
        frames = sys._current_frames()  # noqa: SLF001 (documented)
        # Those that trio keeps work for whoever runs it.
        kept = {ident for ident, frame in frames.items() if _place(frame) == _TRIO_THREAD}
        self._outsiders = frames.keys() - {here, *kept}
        self._undoing, self._collect = undoing, collect
        sleep, leave = functools.partial(self._sleep), functools.partial(self._exit)
        new = {_real_sleep[0]: sleep, _real_async_sleep[0]: self._async_sleep, _real_exit[0]: leave}
        rebind(undoing, new, collect)
        self._trio.meet(undoing, collect)
        undoing.put(self, "_is_open", value=True)
        # A thread may meet it in its last lines, where nothing catches it.
        for owner, name in ((sys, "unraisablehook"), (threading, "excepthook")):
            undoing.put(owner, name, functools.partial(_quiet, getattr(owner, name)))
        if _SIGNAL is not None and threading.current_thread() is threading.main_thread():
            # One that is not of Python's making can neither be seen nor put back.
            before = signal.getsignal(_SIGNAL) or signal.SIG_DFL
            undoing.later(signal.signal, _SIGNAL, before)
            signal.signal(_SIGNAL, self._on_signal)
        ended = threading.Event()
        watchdog = threading.Thread(target=self._watch, args=(ended,), daemon=True)
        undoing.later(_end, watchdog, ended)
        watchdog.start()
        self._outsiders.add(watchdog.ident or 0)

    def meet_late(self) -> bool:
        """Whether the collector has imported a library that sleeps; from now on that takes no time.

        What it came to before tells nothing.
        """
        return self._trio.meet(self._undoing, self._collect)

    def call(self, function: Callable[[], Any]) -> Any:
        """What ``function`` returns; ``stopped`` tells whether it had to be stopped.

        Raises:
            Runaway: It was stopped.
        """
        self.stopped, self.slow = None, False
        self._trio.due = math.inf
        self._raised = self._sleeps = 0
        self._slept_for = self._grace_taken = 0.0
        tracing, mask = sys.gettrace(), _block()
        try:
            try:
                self.running = True
                return function()
            finally:
                self.running = False
        finally:
            try:
                # What the watchdog has sent and nobody has met yet is met here, and not outside.
                with self._interrupting:
                    pass
            finally:
                if self.stopped is not None:
                    sys.settrace(tracing)
                    _block(mask)
                    self._end_threads()

    @property
    def due(self) -> float:
        """How many seconds away the deadline was that a stopped collector waited for in trio."""
        return self._trio.due if self.slow and not self._worked_beside else math.inf

    def outside(self) -> bool:
        """Whether whoever calls this is none of the collector's, or comes too late."""
        return not self._is_open or threading.get_ident() in self._outsiders

    def _exit(self, status: int) -> None:
        # A fork of the process ends by itself.
        if self.outside() or not self.running or os.getpid() != self._process:
            _real_exit[0](status)
        self.stop("it called os._exit, which ends the whole test run at once")

    def _sleep(self, seconds: float) -> None:
        if self.outside():
            _real_sleep[0](seconds)
            return
        if seconds < 0:
            msg = "sleep length must be non-negative"
            raise ValueError(msg)
        with self.sleeping(seconds) as wakes:
            while not wakes():
                _real_sleep[0](_SHORT_STEP)

    async def _async_sleep(self, delay: float, result: Any = None) -> Any:
        if self.outside():
            return await _real_async_sleep[0](delay, result)
        ready = getattr(asyncio.get_running_loop(), "_ready", ())
        with self.sleeping(max(delay, 0)) as wakes:
            await _real_async_sleep[0](0)
            # The other sleepers are ready all the time, to look whether it is their turn.
            while not wakes() or len(ready) > self.beside():
                await _real_async_sleep[0](_SHORT_STEP if self.others() else 0)
        return result

    @contextlib.contextmanager
    def sleeping(self, seconds: float) -> Iterator[Callable[[], bool]]:
        """Sleep inside, until what this yields is true; then that much time has passed.

        Time passes when everybody sleeps: whoever sleeps shortest wakes first, and nobody before
        others have had the time to work.
        """
        self._note_sleep(seconds)
        length = datetime.timedelta(seconds=seconds)
        if length.total_seconds() < seconds:
            # Whoever sleeps until a certain time would never get there.
            length += datetime.timedelta.resolution
        until = self.clock.now() + length
        mine = (until, next(self._order), threading.get_ident())
        grace = min(seconds, _GRACE, _MOST_GRACE - self._grace_taken)
        started = _real_clock[0]()

        def wakes() -> bool:
            self._end_if_stopped()
            if not self._is_open or self.clock.now() >= until:
                return True
            if not self.running:
                # What the collector left behind stands still; others may sleep as they like.
                return threading.get_ident() == self._collector
            if min(self._sleepers.copy()) != mine:
                return False
            waited = _real_clock[0]() - started
            return waited >= grace or not self._others_work(waited)

        self._sleepers.add(mine)
        try:
            yield wakes
        finally:
            self._sleepers.discard(mine)
            self._grace_taken += _real_clock[0]() - started
        passed = max(until - self.clock.now(), datetime.timedelta(0))
        self.clock.advance(passed)
        self.slept += passed.total_seconds()

    def beside(self) -> int:
        """How many others sleep in this thread."""
        here = threading.get_ident()
        return sum(ident == here for *_, ident in self._sleepers.copy()) - 1

    def _others_work(self, waited: float = math.inf, ident: int | None = None) -> bool:
        """Whether another thread of the collector neither sleeps nor waits for one that does.

        Args:
            waited: For how long this one has waited to see that; some may be about to go on.
            ident: Which one that is; by default the one that calls this.
        """
        # A thread of a pool that looks idle may have been given work just now.
        others = self.others(ident)
        return bool(others) and (
            waited < _SHORT_STEP
            or any(frame.f_globals.get("__name__") not in _WAITING for frame in others)
        )

    def others(self, ident: int | None = None) -> list[FrameType]:
        """Where the other threads of the collector stand that do not sleep.

        Args:
            ident: Other than which; by default the one that calls this.
        """
        away = self._outsiders | {ident for *_, ident in self._sleepers.copy()}
        frames = sys._current_frames()  # noqa: SLF001 (documented)
        away.add(ident or threading.get_ident())
        return [frame for ident, frame in frames.items() if ident not in away]

    def _note_sleep(self, seconds: float) -> None:
        self._sleeps += 1
        self._beat += 1
        self._slept_for += seconds
        self._end_if_stopped()
        if self._sleeps > MOST_SLEEPS:
            self.stop(f"it slept {MOST_SLEEPS} times without a call in between")
        if self._slept_for > MOST_SLEPT:
            self.stop(f"it slept for more than {MOST_SLEPT // 86_400} days in all")

    def _end_if_stopped(self) -> None:
        if self.stopped is not None:
            self.stop(self.stopped)

    def _watch(self, ended: threading.Event) -> None:
        beat, quiet = self._beat, 0.0
        pause, due, tried = _GRACE, 0.0, 0
        while not ended.wait(_STEP):
            if not self.running or (self.stopped is None and beat != self._beat):
                beat, quiet = self._beat, 0.0
                pause, due, tried = _GRACE, 0.0, 0
                continue
            quiet += _STEP
            if self.stopped is None and quiet >= self._patience:
                self.slow = True
                self._worked_beside = self._others_work(ident=self._collector)
                self.stopped = f"it worked or waited for {self._patience:g} s without a call"
                due = quiet
            if self.stopped is not None:
                # Whoever meets it may have to clean up, and to close an event loop takes a while.
                due = due or quiet + pause
                if quiet >= due:
                    tried += 1
                    self._interrupt(again=tried > 1)
                    pause, due = min(2 * pause, _MOST_GRACE), quiet + pause
                    if tried == _MOST_TRIES:
                        self._tell()

    def _tell(self) -> None:
        """Say that the collector does not stop, where somebody may see it while it does not."""
        frame = sys._current_frames().get(self._collector)  # noqa: SLF001 (documented)
        if self.running and frame is not None and sys.__stderr__ is not None:
            place = f"{frame.f_code.co_filename}:{frame.f_lineno}, in {frame.f_code.co_name}"
            sys.__stderr__.write(
                f"check_pagination cannot stop the collector: {self.stopped}, and it goes on, "
                f"however often it is interrupted, at {place}. A call of C code ends when it "
                "likes.\n"
            )

    def _interrupt(self, *, again: bool = False) -> None:
        with self._interrupting:
            frames = sys._current_frames()  # noqa: SLF001 (documented)
            # It may have ended just now.
            for ident in [*self._insiders(), self._collector] if self.running else []:
                if _SIGNAL is not None and ident == threading.main_thread().ident:
                    # Unlike the other way, it also ends waiting for a lock, a queue or a thread.
                    signal.pthread_kill(ident, _SIGNAL)
                    if not again:
                        continue
                # It may block signals, or ignore them.
                self._end_thread(ident, frames.get(ident))

    def _end_thread(self, ident: int, frame: FrameType | None) -> None:
        if not self._trio.cancels(frame, ident):
            _raise_in(ident)

    def _on_signal(self, _number: int, frame: FrameType | None) -> None:
        here = threading.get_ident()
        if self.running and self.stopped is not None and not self._trio.cancels(frame, here):
            self.stop(self.stopped, frame)

    def _insiders(self) -> list[int]:
        """The threads that the collector started, and that are at work."""
        frames = sys._current_frames()  # noqa: SLF001 (documented)
        return [
            ident
            for ident, frame in frames.items()
            if ident not in self._outsiders
            and ident != self._collector
            # An idle thread of a pool would take the pool with it.
            and not _idles(frame)
            and _runs(frame)
        ]

    def _end_threads(self) -> None:
        left = self._patience
        while left > 0 and self._insiders():
            frames = sys._current_frames()  # noqa: SLF001 (documented)
            for ident in self._insiders():
                self._end_thread(ident, frames.get(ident))
            _real_sleep[0](_STEP)
            left -= _STEP


def _end(watchdog: threading.Thread, ended: threading.Event) -> None:
    ended.set()
    if watchdog.is_alive():
        watchdog.join()


def _idles(frame: FrameType | None) -> bool:
    """Whether a thread of a pool waits for work."""
    while frame is not None and frame.f_globals.get("__name__") in {"queue", "threading"}:
        frame = frame.f_back
    return frame is not None and _place(frame) in _IDLE


def _place(frame: FrameType) -> tuple[str, str]:
    return str(frame.f_globals.get("__name__")), frame.f_code.co_name


def _runs(frame: FrameType | None) -> bool:
    """Whether a thread is past its start and before its end."""
    names = []
    while frame is not None:
        names.append((frame.f_globals.get("__name__"), frame.f_code.co_name))
        frame = frame.f_back
    return _THREAD not in names or names[names.index(_THREAD) - 1][1] == "run"


def _raise_in(ident: int) -> None:
    """Let that thread meet a ``Runaway`` when it next runs; it is made there."""
    runaway = ctypes.py_object(InsistentRunaway)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), runaway)


def _block(signals: Iterable[int] | None = None) -> Iterable[int]:
    """The signals that this thread blocked until now; and block just those that are given."""
    if _SIGNAL is None:
        return ()
    if signals is None:
        return signal.pthread_sigmask(signal.SIG_BLOCK, ())
    return signal.pthread_sigmask(signal.SIG_SETMASK, signals)


def _raise_in_handlers(frame: FrameType | None) -> None:
    """Let whoever is about to swallow a ``Runaway`` meet another one on the next line.

    A handler does not catch what is raised inside it. Only the collector's own frames are meant:
    those of botocore and ours have to clean up behind them.
    """

    def trace(  # pragma: no cover (runs in place of what measures coverage)
        _frame: FrameType, event: str, _arg: Any
    ) -> Any:
        if event == "line":
            raise Runaway
        return trace

    frames = []
    while frame is not None and frame.f_code is not Sandbox.call.__code__:
        frames.append(frame)
        frame = frame.f_back
    for each in reversed(frames):
        package = str(each.f_globals.get("__name__")).partition(".")[0]
        if package == "botocore":
            break
        if package not in _CLEAN:
            each.f_trace = trace
    sys.settrace(lambda *_: None)


def _quiet(hook: Callable[[Any], Any], args: Any) -> Any:
    return None if issubclass(args.exc_type, Runaway) else hook(args)
