"""The watchdog: stops a collector that runs too long without calling the service.

A thread that sleeps, waits in virtual time or calls the service stops by itself. The watchdog is
for threads that compute, or that wait in C. It raises ``Runaway`` there: in the main thread by a
signal, which also ends waits, and in others by an exception that Python delivers when they next
run. If a bare ``except`` swallows that, it raises another one, inside the handler.
"""

from __future__ import annotations

import ctypes
import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

from pytest_deadline_sessions.checking._runaway import InsistentRunaway, Runaway, Stopper
from pytest_deadline_sessions.checking._sleepers import GRACE, MOST_GRACE
from pytest_deadline_sessions.checking._threads import Threads, current_frames
from pytest_deadline_sessions.checking._undoing import Undoing
from pytest_deadline_sessions.checking._virtual_time import VirtualTime

STEP = 0.05
"""The seconds between two checks by the watchdog."""
_MOST_TRIES = 5
_MOST_POLLS = 300
_SIGNAL = getattr(signal, "SIGURG", None)
# In tuples, so that rebinding leaves them alone.
_real_sleep = (time.sleep,)
_real_exit = (os._exit,)


class Watchdog:
    """Calls the collector, and stops it after ``patience`` seconds without a call or a sleep.

    Args:
        patience: How many seconds it may run without a call or a sleep.
        stopper: Stops the collector.
        threads: Which threads are the collector's.
        virtual_time: The virtual time that the collector sleeps in.

    Attributes:
        slow: Whether the collector was stopped because it ran too long without a call.
    """

    def __init__(
        self, patience: float, stopper: Stopper, threads: Threads, virtual_time: VirtualTime
    ) -> None:
        self.slow = False
        self._patience = patience
        self._stopper = stopper
        self._threads = threads
        self._time = virtual_time
        self._interrupting = threading.Lock()
        self._process = os.getpid()

    def replacements(self) -> dict[Any, Any]:
        """Our functions, by the real ones that they replace."""
        return {_real_exit[0]: functools.partial(self._exit)}

    def open(self, undoing: Undoing) -> None:
        """Start watching.

        Args:
            undoing: Stops it.
        """
        # An interrupt may hit the last lines of a thread, where nothing catches the exception.
        for owner, name in ((sys, "unraisablehook"), (threading, "excepthook")):
            undoing.put(owner, name, functools.partial(_quiet, getattr(owner, name)))
        if _SIGNAL is not None and threading.current_thread() is threading.main_thread():
            # A handler that was not set from Python can neither be read nor restored.
            before = signal.getsignal(_SIGNAL) or signal.SIG_DFL
            undoing.later(signal.signal, _SIGNAL, before)
            signal.signal(_SIGNAL, self._on_signal)
        ended = threading.Event()
        thread = threading.Thread(target=self.watch, args=(ended,), daemon=True)
        undoing.later(_end, thread, ended)
        thread.start()
        self._threads.exclude(thread.ident or 0)

    def call(self, function: Callable[[], Any]) -> Any:
        """Return what ``function`` returns; ``Stopper.stopped`` tells whether it was stopped.

        Raises:
            Runaway: It was stopped.
        """
        self._stopper.reset()
        self._time.reset()
        self.slow = False
        tracing, mask = sys.gettrace(), _block()
        try:
            return self._stopper.run(function)
        finally:
            try:
                # A pending interrupt hits here, not outside.
                with self._interrupting:
                    pass
            finally:
                if self._stopper.stopped is not None:
                    sys.settrace(tracing)
                    _block(mask)
                    self._end_threads()

    def watch(self, ended: threading.Event) -> None:
        """Check every ``STEP`` seconds whether the collector must be stopped.

        Args:
            ended: Set this to stop watching.
        """
        stopper = self._stopper
        runs, beats, quiet = stopper.runs, stopper.beats, 0.0
        pause, due, tried = GRACE, 0.0, 0
        while not ended.wait(STEP):
            moved = stopper.stopped is None and beats != stopper.beats
            # The next run may begin before a pause between them is seen.
            if not stopper.running or runs != stopper.runs or moved:
                runs, beats, quiet = stopper.runs, stopper.beats, 0.0
                pause, due, tried = GRACE, 0.0, 0
                continue
            quiet += STEP
            if stopper.stopped is None and quiet >= self._patience:
                self.slow = True
                stopper.stopped = f"it ran for {self._patience:g} s without making a call"
                due = quiet
            if stopper.stopped is not None:
                # The collector may need to clean up, and closing an event loop takes a while.
                due = due or quiet + pause
                if quiet >= due:
                    tried += 1
                    self._interrupt(tried)
                    pause, due = min(2 * pause, MOST_GRACE), quiet + pause
                    if tried == _MOST_TRIES:
                        self.report_unstoppable()

    def report_unstoppable(self) -> None:
        """Say on the real stderr that the collector cannot be stopped."""
        frame = current_frames().get(self._threads.collector)
        if self._stopper.running and frame is not None and sys.__stderr__ is not None:
            place = f"{frame.f_code.co_filename}:{frame.f_lineno}, in {frame.f_code.co_name}"
            sys.__stderr__.write(
                f"check_pagination cannot stop the collector: {self._stopper.stopped}, and "
                f"interrupting it has no effect. It is at {place}. Python cannot interrupt a call "
                "into C code.\n"
            )

    def _interrupt(self, tried: int) -> None:
        """Interrupt the collector for the first time, the second time, and so on."""
        with self._interrupting:
            # It may have ended just now.
            idents = [*self._threads.busy(), self._threads.collector]
            for ident in idents if self._stopper.running else []:
                if self._time.sleepers.stops_itself(ident):
                    continue
                is_main = ident == threading.main_thread().ident
                if _SIGNAL is not None and is_main and tried % 2:
                    # Unlike the other way, it also ends waiting for a lock, a queue or a thread.
                    signal.pthread_kill(ident, _SIGNAL)
                else:
                    # The thread may block signals, or ignore them. Both at once would raise a
                    # second exception where the first one is handled, such as in trio.
                    self._end_thread(ident)

    def _end_thread(self, ident: int) -> None:
        # The exception must hit this frame: a moment later, trio's own code may run.
        if not self._time.trio.cancels(current_frames().get(ident), ident):
            _raise_in(ident)

    def _on_signal(self, _number: int, frame: FrameType | None) -> None:
        here, stopped = threading.get_ident(), self._stopper.stopped
        if self._stopper.running and stopped and not self._time.trio.cancels(frame, here):
            self._stopper.stop(stopped, frame)

    def _end_threads(self) -> None:
        left = max(self._patience, MOST_GRACE)
        while left > 0 and self._threads.busy():
            for ident in self._threads.busy():
                if not self._time.sleepers.stops_itself(ident):
                    self._end_thread(ident)
            _real_sleep[0](STEP)
            left -= STEP

    def _exit(self, status: int) -> None:
        # A forked process may end itself.
        outside = self._threads.outside() or os.getpid() != self._process
        if outside or not self._stopper.running:
            _real_exit[0](status)
        self._stopper.stop("it called os._exit, which ends the whole test run at once")


def _end(thread: threading.Thread, ended: threading.Event) -> None:
    ended.set()
    # If its start was interrupted, it is listed for a moment before it is alive, and then ends.
    polls = iter(range(_MOST_POLLS))
    while (
        not thread.is_alive() and thread in threading.enumerate() and next(polls, None) is not None
    ):
        _real_sleep[0](0.001)
    if thread.is_alive():
        thread.join()


def _raise_in(ident: int) -> None:
    """Raise a ``Runaway`` in that thread when it next runs; the exception is made there."""
    runaway = ctypes.py_object(InsistentRunaway)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), runaway)


def _block(signals: Iterable[int] | None = None) -> Iterable[int]:
    """Have this thread block only the given signals.

    Args:
        signals: The signals; by default nothing changes.

    Returns:
        Those that it blocked before.
    """
    if _SIGNAL is None:
        return ()
    if signals is None:
        return signal.pthread_sigmask(signal.SIG_BLOCK, ())
    return signal.pthread_sigmask(signal.SIG_SETMASK, signals)


def _quiet(hook: Callable[[Any], Any], args: Any) -> Any:
    return None if issubclass(args.exc_type, Runaway) else hook(args)
