"""Which threads belong to the collector, and which of them are at work."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterable
from types import FrameType

from pytest_deadline_sessions.checking._undoing import Undoing

_BOOTSTRAP = ("threading", "_bootstrap_inner")
_TRIO_THREAD = ("trio._core._thread_cache", "_work")
# Where an idle thread of a pool stands.
_IDLE = {
    ("anyio._backends._asyncio", "run"),
    ("concurrent.futures.thread", "_worker"),
    ("multiprocessing.pool", "worker"),
    _TRIO_THREAD,
}
# Where a thread stands that waits for another one.
_WAITING = {"threading", "queue", "selectors", *(module for module, _ in _IDLE)}


class Threads:
    """Tells the collector's threads from everybody else's.

    A thread that ran before the check began is an outsider until it calls the service.

    Attributes:
        collector: The id of the thread that the collector is called in.
        is_open: Whether the check has begun and has not ended.
    """

    def __init__(self) -> None:
        self.collector = threading.get_ident()
        self.is_open = False
        self._outsiders: set[int] = set()

    def take_stock(self) -> None:
        """Note that this thread calls the collector, and that all others are outsiders."""
        self.collector = threading.get_ident()
        # Trio keeps idle threads for whoever runs it next.
        frames = current_frames()
        spare = {ident for ident, frame in frames.items() if _place(frame) == _TRIO_THREAD}
        self._outsiders = frames.keys() - {self.collector, *spare}

    def open(self, undoing: Undoing) -> None:
        """Begin to tell them apart.

        Args:
            undoing: Makes every thread an outsider again.
        """
        undoing.put(self, "is_open", value=True)

    def exclude(self, ident: int) -> None:
        """Make a thread an outsider."""
        self._outsiders.add(ident)

    def admit(self) -> None:
        """Make this thread one of the collector's: it has called the service."""
        self._outsiders.discard(threading.get_ident())

    def outside(self) -> bool:
        """Whether this thread is an outsider, or the check has ended."""
        return not self.is_open or threading.get_ident() in self._outsiders

    def others(self, asleep: Iterable[int], ident: int | None = None) -> list[FrameType]:
        """Where the collector's other threads stand that do not sleep.

        Args:
            asleep: The ids of the threads that sleep.
            ident: The thread that is left out; by default this one.
        """
        left_out = {*self._outsiders, *asleep, ident or threading.get_ident()}
        return [frame for other, frame in current_frames().items() if other not in left_out]

    def busy(self) -> list[int]:
        """The ids of the threads that the collector started and that are at work."""
        return [
            ident
            for ident, frame in current_frames().items()
            if ident not in self._outsiders
            and ident != self.collector
            # To stop an idle thread would break its pool.
            and not _idles(frame)
            and _runs(frame)
        ]


def waits(frame: FrameType) -> bool:
    """Whether a thread that stands here waits for another one."""
    return frame.f_globals.get("__name__") in _WAITING


def package(frame: FrameType) -> str:
    """The name of the package that the code of a frame belongs to."""
    return str(frame.f_globals.get("__name__")).partition(".")[0]


def current_frames() -> dict[int, FrameType]:
    """Where every thread of the process stands."""
    # Garbage that is collected inside runs code while Python holds a lock that other threads need:
    # https://github.com/python/cpython/issues/106883
    collects = gc.isenabled()
    try:
        gc.disable()
        return sys._current_frames()  # noqa: SLF001 (documented)
    finally:
        (gc.enable if collects else gc.disable)()


def _place(frame: FrameType) -> tuple[str, str]:
    return str(frame.f_globals.get("__name__")), frame.f_code.co_name


def _idles(frame: FrameType | None) -> bool:
    """Whether a thread of a pool waits for work."""
    while frame is not None and frame.f_globals.get("__name__") in {"queue", "threading"}:
        frame = frame.f_back
    return frame is not None and _place(frame) in _IDLE


def _runs(frame: FrameType | None) -> bool:
    """Whether a thread is past its start and before its end."""
    places = []
    while frame is not None:
        places.append(_place(frame))
        frame = frame.f_back
    return _BOOTSTRAP not in places or places[places.index(_BOOTSTRAP) - 1][1] == "run"
