"""Sleeping in trio, which takes no time either once somebody has imported it."""

from __future__ import annotations

import functools
import math
import sys
import threading
import time
from dataclasses import dataclass
from types import FrameType
from typing import Any

from pytest_deadline_sessions.checking._rebinding import rebind, rebind_in
from pytest_deadline_sessions.checking._undoing import Undoing

_SHORT_STEP = 0.001
# In tuples, so that they are left alone when names are bound anew.
_real_sleep = (time.sleep,)
_real_clocks = (time.perf_counter, time.monotonic)


@dataclass
class _Run:
    token: Any
    scope: Any


class TrioTime:
    """Trio's sleeping, and its clock, which sleeping moves.

    Args:
        sandbox: Where the collector sleeps.
    """

    def __init__(self, sandbox: Any) -> None:
        self._sandbox = sandbox
        self._met: Any = None
        self._woken = 0
        self._runs: dict[int, _Run | None] = {}
        # How far away the deadline was of what it waited for when it was stopped.
        self.due = math.inf

    def meet(self, undoing: Undoing, collect: Any) -> bool:
        """Whether trio is there and had not been met; then it sleeps in the sandbox from now on.

        Args:
            undoing: Puts all back.
            collect: The collector, which may be in no module.
        """
        trio: Any = sys.modules.get("trio")
        # While it is being imported it has no names yet.
        if self._met is not None or not hasattr(trio, "to_thread"):
            return False
        from trio.testing import wait_all_tasks_blocked

        self._idle = wait_all_tasks_blocked
        undoing.put(self, "_met", trio)
        self._real = (trio.sleep, trio.sleep_until, trio.sleep_forever, trio.run)
        ours = (self._sleep, self._sleep_until, self._sleep_forever, functools.partial(self._run))
        rebind(undoing, dict(zip(self._real, ours, strict=True)), collect)
        rebind_in("trio", undoing, {clock: self._moving(clock) for clock in _real_clocks})
        return True

    def cancels(self, frame: FrameType | None, ident: int) -> bool:
        """Whether a thread stands in trio's own code, and is ended by trio itself.

        What is raised there breaks trio, for all that come after, too.

        Args:
            frame: Where it stands.
            ident: The thread.
        """
        while frame is not None and _package(frame) in sys.stdlib_module_names:
            frame = frame.f_back
        if ident not in self._runs or frame is None or _package(frame) != "trio":
            return False
        run = self._runs[ident]
        # At its beginning and at its end it is left alone.
        if run is not None:
            # This can be called anywhere, also where a signal is handled.
            run.token.run_sync_soon(self._cancel, run)
        return True

    def _cancel(self, run: _Run) -> None:
        due = self._met.lowlevel.current_statistics().seconds_to_next_deadline
        if due < math.inf:
            self.due = due
        run.scope.cancel()

    def _run(self, async_fn: Any, *args: Any, **options: Any) -> Any:
        if self._sandbox.outside():
            return self._real[3](async_fn, *args, **options)
        ident = threading.get_ident()

        async def main() -> Any:
            with self._met.CancelScope() as scope:
                self._runs[ident] = _Run(self._met.lowlevel.current_trio_token(), scope)
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
            # For others that would be a leap.
            moved = 0.0 if self._sandbox.outside() else self._sandbox.slept
            return float(clock()) + moved

        return now

    async def _sleep(self, seconds: float) -> None:
        if self._sandbox.outside() or not seconds > 0:
            await self._real[0](seconds)
        else:
            await self._until(self._met.current_time() + seconds)

    async def _sleep_until(self, deadline: float) -> None:
        if self._sandbox.outside():
            await self._real[1](deadline)
        else:
            await self._until(deadline)

    async def _sleep_forever(self) -> None:
        if self._sandbox.outside():
            await self._real[2]()
        else:
            await self._until(math.inf)

    async def _until(self, deadline: float) -> None:
        trio = self._met
        length = min(deadline, trio.current_effective_deadline()) - trio.current_time()
        if length == math.inf:
            await self._real[2]()
        with self._sandbox.sleeping(max(length, 0.0)) as wakes:
            woken = -1
            # Whoever wakes has its turn before the next one does.
            while woken != self._woken or not wakes():
                woken = self._woken
                await self._idle()
                if self._sandbox.others():
                    _real_sleep[0](_SHORT_STEP)
        self._woken += 1
        if trio.current_time() >= trio.current_effective_deadline():
            # Whoever gave it so much time and no more ends it here.
            await trio.lowlevel.checkpoint()


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__")).partition(".")[0]
