"""Where a collector runs: time that passes at once, and an end to whatever does not end."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import functools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from pytest_deadline_sessions.clock import Clock

MOST_SLEEPS = 5_000
_real_sleep = (time.sleep,)
_real_async_sleep = (asyncio.sleep,)


class Runaway(BaseException):  # noqa: N818 (no error of the user's: it must pass `except Exception`)
    """Stops a collector that would not stop by itself."""


class Sandbox:
    """Lets a collector's sleeping advance a clock, and stops a collector that does nothing else.

    Args:
        clock: What sleeping advances.
        patience: How many seconds a collector may work without a call before it is stopped.
    """

    def __init__(self, clock: Clock, patience: float) -> None:
        self.clock = clock
        self.stopped: str | None = None
        self._patience = patience
        self._outsiders: set[int | None] = set()
        self._sleeps = 0
        self._beat = 0
        self._running = False

    def heard(self) -> None:
        """The collector made a call: it is at work."""
        self._beat += 1
        self._sleeps = 0

    def stop(self, why: str) -> None:
        """Stop the collector: in the thread that calls this, now.

        Raises:
            Runaway: Always.
        """
        self.stopped = self.stopped or why
        raise Runaway(why)

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Make sleeping take no time for all threads that start from now on, and for this one."""
        here = threading.get_ident()
        self._outsiders = {thread.ident for thread in threading.enumerate()} - {here}
        replaced = [
            *_rebind(_real_sleep[0], functools.partial(self._sleep)),
            *_rebind(_real_async_sleep[0], self._async_sleep),
        ]
        hook = threading.excepthook
        threading.excepthook = functools.partial(_quiet, hook)
        ended = threading.Event()
        watchdog = threading.Thread(target=self._watch, args=(here, ended), daemon=True)
        watchdog.start()
        self._outsiders.add(watchdog.ident)
        try:
            yield
        finally:
            ended.set()
            watchdog.join()
            threading.excepthook = hook
            for namespace, name, value in replaced:
                namespace[name] = value

    def call(self, function: Callable[[], Any]) -> Any:
        """What ``function`` returns; ``stopped`` tells whether it had to be stopped.

        Raises:
            Runaway: It was stopped.
        """
        self.stopped = None
        self.heard()
        self._running = True
        try:
            return function()
        finally:
            self._running = False

    def _sleep(self, seconds: float) -> None:
        if threading.get_ident() in self._outsiders:
            _real_sleep[0](seconds)
            return
        if seconds < 0:
            msg = "sleep length must be non-negative"
            raise ValueError(msg)
        self._slept(seconds)

    async def _async_sleep(self, delay: float, result: Any = None) -> Any:
        self._slept(max(delay, 0))
        await _real_async_sleep[0](0)
        return result

    def _slept(self, seconds: float) -> None:
        self._sleeps += 1
        self._beat += 1
        if self._sleeps > MOST_SLEEPS:
            self.stop(f"it slept {MOST_SLEEPS} times without a call in between")
        self.clock.advance(seconds=seconds)

    def _watch(self, collector: int, ended: threading.Event) -> None:
        beat, quiet, step = self._beat, 0.0, 0.1
        while not ended.wait(step):
            if not self._running or beat != self._beat:
                beat, quiet = self._beat, 0.0
                continue
            quiet += step
            if quiet >= self._patience:
                self.stopped = f"it worked for {self._patience:g} s without a call"
                for thread in threading.enumerate():
                    if thread.ident == collector or thread.ident not in self._outsiders:
                        _raise_in(thread.ident)


def _rebind(old: Any, new: Any) -> list[tuple[dict[str, Any], str, Any]]:
    """Put ``new`` wherever a module has a name for ``old``."""
    replaced: list[tuple[dict[str, Any], str, Any]] = []
    for module in list(sys.modules.values()):
        namespace = getattr(module, "__dict__", None)
        if not isinstance(namespace, dict):
            continue
        for name, value in list(namespace.items()):
            if value is old:
                replaced.append((namespace, name, value))
                namespace[name] = new
    return replaced


def _raise_in(ident: int | None) -> None:
    if ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(ident), ctypes.py_object(Runaway)
        )


def _quiet(hook: Callable[[Any], Any], args: Any) -> Any:
    return None if issubclass(args.exc_type, Runaway) else hook(args)
