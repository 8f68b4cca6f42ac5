"""Sleeping in trio, which takes no time either once somebody has imported it."""

from __future__ import annotations

import math
import sys
import time
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions.checking.rebinding import rebind, rebind_in
from pytest_deadline_sessions.checking.undoing import Undoing

if TYPE_CHECKING:
    from pytest_deadline_sessions.checking.sandbox import Sandbox

_SHORT_STEP = 0.001
# In tuples, so that they are left alone when names are bound anew.
_real_sleep = (time.sleep,)
_real_clocks = (time.perf_counter, time.monotonic)


class TrioTime:
    """Trio's sleeping, and its clock, which sleeping moves.

    Args:
        sandbox: Where the collector sleeps.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._met: Any = None

    def meet(self, undoing: Undoing, collect: Any) -> bool:
        """Whether trio is there and had not been met; then it sleeps in the sandbox from now on.

        Args:
            undoing: Puts all back.
            collect: The collector, which may be in no module.
        """
        trio: Any = sys.modules.get("trio")
        # While it is being imported it has no names yet.
        if self._met is not None or not hasattr(trio, "sleep_forever"):
            return False
        undoing.put(self, "_met", trio)
        self._real = (trio.sleep, trio.sleep_until, trio.sleep_forever)
        ours = (self._sleep, self._sleep_until, self._sleep_forever)
        rebind(undoing, dict(zip(self._real, ours, strict=True)), collect)
        rebind_in("trio", undoing, {clock: self._moving(clock) for clock in _real_clocks})
        return True

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
            await trio.lowlevel.checkpoint()
            # The other sleepers are ready all the time, to look whether it is their turn.
            while not wakes() or self._runnable() > self._sandbox.beside():
                if self._sandbox.others():
                    _real_sleep[0](_SHORT_STEP)
                await trio.lowlevel.checkpoint()
        # Whoever gave it so much time and no more ends it here.
        await trio.lowlevel.checkpoint()

    def _runnable(self) -> int:
        return int(self._met.lowlevel.current_statistics().tasks_runnable)
