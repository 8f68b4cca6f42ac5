"""Stopping a collector where it stands, by an exception that it cannot swallow."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

from pytest_deadline_sessions import _patching
from pytest_deadline_sessions.checking._threads import package

T = TypeVar("T")

# The handlers of these packages are left alone: they clean up, and raise what they caught again.
_CLEAN = {*sys.stdlib_module_names, __name__.partition(".")[0], "anyio", "outcome", "trio"}


class Runaway(BaseException):
    """Stops a collector that would not stop by itself; it passes ``except Exception``."""


class InsistentRunaway(Runaway):
    """Raises another ``Runaway`` inside any handler that is about to swallow this one."""

    def __init__(self) -> None:
        super().__init__()
        _raise_in_handlers(sys._getframe(1))  # noqa: SLF001 (documented)


class Stopper:
    """Runs the collector and stops it, in whatever thread asks for that.

    Attributes:
        running: Whether the collector is running.
        stopped: Why it was stopped, or ``None``.
        beats: How often it has called the service or slept.
    """

    def __init__(self) -> None:
        self.running = False
        self.stopped: str | None = None
        self.beats = 0
        self._raised = 0

    def reset(self) -> None:
        """Forget why the collector was stopped the last time."""
        self.stopped = None
        self._raised = 0

    def run(self, function: Callable[[], T]) -> T:
        """Return what ``function`` returns. Every frame above this one is the collector's.

        Raises:
            Runaway: It was stopped.
        """
        try:
            self.running = True
            return function()
        finally:
            self.running = False

    def stop(self, why: str, frame: FrameType | None = None) -> None:
        """Stop the collector now, in the thread that calls this.

        Args:
            why: What the collector did, for the report.
            frame: Where that thread stands; by default where it calls this.

        Raises:
            Runaway: Always.
        """
        self.stopped = self.stopped or why
        self._raised += 1
        if self._raised > 1:
            _raise_in_handlers(frame or sys._getframe(1))  # noqa: SLF001 (documented)
        raise Runaway(self.stopped)

    def stop_again(self) -> None:
        """Stop this thread too, if the collector was stopped in another one.

        Raises:
            Runaway: It was stopped.
        """
        if self.stopped is not None:
            self.stop(self.stopped)


def _raise_in_handlers(frame: FrameType | None) -> None:
    """Raise another ``Runaway`` on the next line of any handler that swallows the first one.

    A handler does not catch what is raised inside it. Only the collector's own frames are traced:
    those of botocore and ours have to clean up.
    """

    def trace(  # pragma: no cover (runs in place of what measures coverage)
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
