"""Which threads belong to the collector, and which of those are working."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterable
from types import FrameType
from typing import Any

from pytest_deadline_sessions.checking._undoing import Undoing

_OURS = __name__.partition(".")[0]
_BOOTSTRAP = ("threading", "_bootstrap_inner")
_TRIO_THREAD = ("trio._core._thread_cache", "_work")
# Where an idle pool thread waits for work.
_IDLE = {
    ("anyio._backends._asyncio", "run"),
    ("concurrent.futures.thread", "_worker"),
    ("multiprocessing.pool", "worker"),
    _TRIO_THREAD,
}
# Where a thread waits for another one.
_WAITING = {"threading", "queue", "selectors", *(module for module, _ in _IDLE)}


class Threads:
    """Separates the collector's threads from all others.

    A thread that was running before the check is an outsider until it calls the service.

    Attributes:
        collector: The id of the thread that calls the collector.
        is_open: Whether the check is running.
    """

    def __init__(self) -> None:
        self.collector = threading.get_ident()
        self.is_open = False
        self._outsiders: set[int] = set()
        self._places: dict[int, tuple[Any, int]] = {}

    def take_stock(self) -> None:
        """Make this thread the collector's, and all others outsiders."""
        self.collector = threading.get_ident()
        # Trio reuses its idle threads for its next run.
        frames = current_frames()
        spare = {ident for ident, frame in frames.items() if _place(frame) == _TRIO_THREAD}
        self._outsiders = frames.keys() - {self.collector, *spare}
        self._places = {ident: _spot(frames[ident]) for ident in self._outsiders}

    def open(self, undoing: Undoing) -> None:
        """Start telling threads apart.

        Args:
            undoing: Stops it, which makes every thread an outsider.
        """
        undoing.put(self, "is_open", value=True)

    def exclude(self, ident: int) -> None:
        """Make a thread an outsider."""
        self._outsiders.add(ident)

    def admit(self) -> None:
        """Make this thread one of the collector's, because it called the service."""
        self._outsiders.discard(threading.get_ident())

    def outside(self) -> bool:
        """Whether this thread is an outsider, or the check has ended."""
        return not self.is_open or threading.get_ident() in self._outsiders

    def start_now(self) -> bool:
        """Whether a thread is starting, and has no frame yet."""
        return any(not thread.is_alive() for thread in threading.enumerate())

    def stir(self) -> bool:
        """Whether a thread is starting, or an outsider is not where it was before the check."""
        frames = current_frames()
        return self.start_now() or any(
            _spot(frames[ident]) != place
            for ident, place in self._places.items()
            if ident in self._outsiders and ident in frames
        )

    def others(self, asleep: Iterable[int]) -> list[FrameType]:
        """The current frames of the collector's other threads that are neither asleep nor spare.

        Args:
            asleep: The ids of the sleeping threads.
        """
        left_out = {*self._outsiders, *asleep, threading.get_ident()}
        return [
            frame
            for other, frame in current_frames().items()
            if other not in left_out and not _is_spare(frame)
        ]

    def busy(self) -> list[int]:
        """The ids of the threads that the collector started and that are working."""
        return [
            ident
            for ident, frame in current_frames().items()
            if ident not in self._outsiders
            and ident != self.collector
            # Stopping an idle thread would break its pool.
            and not idles(frame)
            and _runs(frame)
        ]


def waits(frame: FrameType) -> bool:
    """Whether a thread with this current frame waits for another one."""
    return frame.f_globals.get("__name__") in _WAITING


def package(frame: FrameType) -> str:
    """The top-level package of the code in a frame."""
    return str(frame.f_globals.get("__name__")).partition(".")[0]


def current_frames() -> dict[int, FrameType]:
    """The current frame of every thread, by thread id."""
    # A garbage collection inside would run code while Python holds a lock that other threads need:
    # https://github.com/python/cpython/issues/106883
    collects = gc.isenabled()
    try:
        gc.disable()
        return sys._current_frames()  # noqa: SLF001 (documented)
    finally:
        (gc.enable if collects else gc.disable)()


def _spot(frame: FrameType) -> tuple[Any, int]:
    return frame.f_code, frame.f_lasti


def _place(frame: FrameType) -> tuple[str, str]:
    return str(frame.f_globals.get("__name__")), frame.f_code.co_name


def _is_spare(frame: FrameType) -> bool:
    """Whether this is a thread of trio's without a job, which trio keeps for ten seconds."""
    if _place(frame) != _TRIO_THREAD:
        return False
    return getattr(frame.f_locals.get("self"), "_job", frame) is None


def idles(frame: FrameType | None) -> bool:
    """Whether a pool thread is waiting for work."""
    while frame is not None and package(frame) in {"queue", "threading", _OURS}:
        frame = frame.f_back
    return frame is not None and _place(frame) in _IDLE


def _runs(frame: FrameType | None) -> bool:
    """Whether a thread has started its target and not finished it."""
    places = []
    while frame is not None:
        places.append(_place(frame))
        frame = frame.f_back
    return _BOOTSTRAP not in places or places[places.index(_BOOTSTRAP) - 1][1] == "run"
