"""Stop a running collector with an exception that it cannot swallow."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

from pytest_deadline_sessions import _patching
from pytest_deadline_sessions.checking._threads import package

T = TypeVar("T")

# The handlers of these packages are left alone: they clean up, then re-raise.
_CLEAN = {*sys.stdlib_module_names, __name__.partition(".")[0], "anyio", "outcome", "trio"}


class Runaway(BaseException):
    """Stops a collector that does not stop by itself; ``except Exception`` does not catch it."""


class InsistentRunaway(Runaway):
    """A ``Runaway`` that raises another one inside any handler about to swallow it."""

    def __init__(self) -> None:
        super().__init__()
        _raise_in_handlers(sys._getframe(1))  # noqa: SLF001 (documented)


class Stopper:
    """Runs the collector, and stops it from any thread.

    Attributes:
        running: Whether the collector is running.
        stopped: Why it was stopped, or ``None``.
        beats: How many times the collector has called the service or slept.
        runs: How many times it has been called.
    """

    def __init__(self) -> None:
        self.running = False
        self.stopped: str | None = None
        self.beats = 0
        self.runs = 0
        # The ids of the threads in which it was stopped.
        self._raised: set[int] = set()

    def reset(self) -> None:
        """Forget why the collector was last stopped, before it is called again."""
        self.runs += 1
        self.stopped = None
        self._raised.clear()

    def run(self, function: Callable[[], T]) -> T:
        """Call ``function``. Every frame above this one is the collector's.

        Raises:
            Runaway: The collector was stopped.
        """
        try:
            self.running = True
            return function()
        finally:
            self.running = False

    def stop(self, why: str, frame: FrameType | None = None) -> None:
        """Stop the collector now, in the thread that calls this.

        Args:
            why: What the collector did; the report quotes it.
            frame: The frame that the thread is in; by default the caller's.

        Raises:
            Runaway: Always.
        """
        self.stopped = self.stopped or why
        here = threading.get_ident()
        if here in self._raised:
            _raise_in_handlers(frame or sys._getframe(1))  # noqa: SLF001 (documented)
        # The first time, the thread may clean up.
        self._raised.add(here)
        raise Runaway(self.stopped)

    def stop_again(self) -> None:
        """Stop this thread too, if the collector was stopped in another.

        Raises:
            Runaway: The collector was stopped.
        """
        if self.stopped is not None:
            self.stop(self.stopped)


def _raise_in_handlers(frame: FrameType | None) -> None:
    """Raise another ``Runaway`` on the next line of any handler that swallows the first one.

    A handler does not catch what is raised inside it. Only the collector's own frames are traced:
    botocore's and ours must clean up.
    """

    def trace(  # pragma: no cover (replaces the tracer that measures coverage)
        _frame: FrameType, event: str, _arg: Any
    ) -> Any:
        if event == "line":
            raise Runaway
        return trace

    frames = []
    while frame is not None and frame.f_code is not Stopper.run.__code__:
        frames.append(frame)
        frame = frame.f_back
    for each in reversed(frames):
        if package(each) == "botocore":
            break
        if package(each) not in _CLEAN:
            _patching.assign(each, "f_trace", trace)
    sys.settrace(lambda *_: None)
