"""Virtual time for trio: its runs get a clock that jumps when all tasks are blocked."""

from __future__ import annotations

import functools
import math
import sys
import threading
from dataclasses import dataclass
from types import FrameType
from typing import Any

from pytest_deadline_sessions import _patching
from pytest_deadline_sessions.checking._runaway import Runaway
from pytest_deadline_sessions.checking._sleepers import Sleepers
from pytest_deadline_sessions.checking._threads import Threads, package
from pytest_deadline_sessions.checking._undoing import Undoing

# What trio calls in the middle of its own work, our clock included.
_CALLED_BY_TRIO = frozenset(
    {"attr", "attrs", "freezegun", "outcome", "sniffio", "sortedcontainers", __name__.split(".")[0]}
)


def _serves_others(frame: FrameType) -> bool:
    """Whether the code in a frame is of a library that works for its caller, or is generated."""
    name = package(frame)
    generated = "__name__" not in frame.f_globals
    return generated or name in sys.stdlib_module_names or name in _CALLED_BY_TRIO


@dataclass
class _Run:
    token: Any
    scope: Any


class TrioTime:
    """Virtual time for trio: for all that waits in trio, and for its deadlines.

    Args:
        sleepers: The threads and tasks that sleep.
        threads: Which threads are the collector's.
    """

    def __init__(self, sleepers: Sleepers, threads: Threads) -> None:
        self._sleepers = sleepers
        self._threads = threads
        self._trio: Any = None
        self._runs: dict[int, _Run | None] = {}

    def patch_new(self, undoing: Undoing) -> dict[Any, Any]:
        """Get ready for trio, if trio has been imported since the last call.

        Args:
            undoing: Ends that.

        Returns:
            Our functions by the functions of trio that they replace; empty if nothing is new.
        """
        trio: Any = sys.modules.get("trio")
        # Trio may still be importing.
        if self._trio is not None or not hasattr(trio, "to_thread"):
            return {}
        undoing.put(self, "_trio", trio)
        self._real_run = trio.run
        return {trio.run: functools.partial(self._run)}

    def cancels(self, frame: FrameType | None, ident: int) -> bool:
        """Cancel what a thread runs in trio, if it is in trio's own code; return whether it is.

        An exception raised there from outside would leave trio broken.

        Args:
            frame: The current frame of the thread.
            ident: The id of the thread.
        """
        while frame is not None and _serves_others(frame):
            frame = frame.f_back
        if ident not in self._runs or frame is None or package(frame) != "trio":
            return False
        run = self._runs[ident]
        # The run may be starting or ending.
        if run is not None:
            # The only function of trio that a signal handler may call.
            run.token.run_sync_soon(run.scope.cancel)
        return True

    def _run(self, async_fn: Any, *args: Any, **options: Any) -> Any:
        if self._threads.outside():
            return self._real_run(async_fn, *args, **options)
        ident = threading.get_ident()

        async def main() -> Any:
            with self._trio.CancelScope() as scope:
                self._runs[ident] = _Run(self._trio.lowlevel.current_trio_token(), scope)
                try:
                    return await async_fn(*args)
                finally:
                    self._runs[ident] = None

        if options.get("clock") is None:
            options["clock"] = self._clock()
        self._runs[ident] = None
        try:
            return self._real_run(main, **options)
        finally:
            del self._runs[ident]

    def _clock(self) -> Any:
        from freezegun import api
        from trio.testing import MockClock

        time = self

        class VirtualClock(self._trio.abc.Clock):  # type: ignore[misc, name-defined]
            """Trio takes it for its ``MockClock``, and calls ``_autojump`` when nothing can run."""

            __class__: Any = property(lambda _: MockClock)

            def start_clock(self) -> None:
                runner = time._trio._core._run.GLOBAL_RUN_CONTEXT.runner  # noqa: SLF001
                _patching.assign(runner, "clock_autojump_threshold", 0)
                self._io = runner.io_manager

            def current_time(self) -> float:
                return float(api.fake_monotonic())

            def deadline_to_sleep_time(self, deadline: float) -> float:
                return deadline - self.current_time()

            def _autojump(self) -> None:
                time._idle(self._io)

        return VirtualClock()

    def _idle(self, io: Any) -> None:
        """Wait while no task of this thread's run can go on.

        Args:
            io: Knows what the tasks wait for outside of the run.
        """
        statistics = self._trio.lowlevel.current_statistics()
        due = statistics.seconds_to_next_deadline
        came: list[bool] = []

        def look(seconds: float) -> bool:
            events = io.get_events(seconds)
            io.process_events(events)
            came[:] = [bool(events)]
            return came[0]

        try:
            self._sleepers.wait(
                None if due == math.inf else due,
                look,
                lambda: any(came),
                endless=_is_alone(statistics.io_statistics),
            )
        except Runaway:
            run = self._runs[threading.get_ident()]
            # Raised in trio's own code, it would leave trio broken.
            if run is not None:
                run.scope.cancel()


def _is_alone(statistics: Any) -> bool:
    """Whether tasks wait for nothing but each other and threads, which wake trio by a socket."""
    reading = getattr(statistics, "tasks_waiting_read", math.inf)
    return bool(reading <= 1 and statistics.tasks_waiting_write == 0)
