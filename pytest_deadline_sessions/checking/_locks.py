"""Locks and simple queues that a collector makes, whose waits take no real time.

The standard library's own are written in C, and wait there. Ours hold one of those, and wait for it
in virtual time. They behave like those in all else.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable
from types import FrameType, GenericAlias
from typing import Any

from pytest_deadline_sessions.checking._sleepers import Sleepers
from pytest_deadline_sessions.checking._threads import Threads

# In tuples, so that rebinding leaves them alone.
_real_lock = (threading.Lock,)
_real_queue = (queue.SimpleQueue,)


class VirtualLock:
    """A ``threading.Lock`` for which a collector waits in virtual time.

    Args:
        sleepers: The threads that wait, and the clock that waiting advances.
        threads: Which threads are the collector's. All others wait for real.
    """

    __slots__ = ("__weakref__", "_lock", "_releases", "_sleepers", "_threads")

    def __init__(self, sleepers: Sleepers, threads: Threads) -> None:
        self._lock = _real_lock[0]()
        self._sleepers = sleepers
        self._threads = threads
        self._releases = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Acquire the lock, as ``threading.Lock`` does."""
        endless = timeout == -1
        waits = blocking and (endless or 0 < timeout <= threading.TIMEOUT_MAX)
        if not waits or self._threads.outside():
            return self._lock.acquire(blocking, timeout)
        seen = self._releases
        if self._lock.acquire(blocking=False):
            return True

        def attempt(seconds: float) -> bool:
            nonlocal seen
            before = self._releases
            if self._lock.acquire(timeout=seconds):
                return True
            seen = before
            return False

        limit = None if endless else timeout
        return self._sleepers.wait(limit, attempt, lambda: seen != self._releases)

    def release(self) -> None:
        """Release the lock, from any thread."""
        # Counted first: as soon as it is released, another thread may be about to run.
        self._releases += 1
        self._lock.release()

    def locked(self) -> bool:
        """Whether it is locked."""
        return self._lock.locked()

    def _at_fork_reinit(self) -> None:
        self._lock._at_fork_reinit()  # type: ignore[attr-defined] # noqa: SLF001

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._lock.__reduce_ex__(protocol)

    def __repr__(self) -> str:
        return repr(self._lock)

    # So that ``isinstance`` takes this for a real one.
    __class__: Any = property(lambda self: type(self._lock))

    acquire_lock, release_lock, locked_lock = acquire, release, locked


class VirtualQueue:
    """A ``queue.SimpleQueue`` from which a collector gets items in virtual time.

    Args:
        sleepers: The threads that wait, and the clock that waiting advances.
        threads: Which threads are the collector's. All others wait for real.
    """

    __slots__ = ("__weakref__", "_puts", "_queue", "_sleepers", "_threads")

    def __init__(self, sleepers: Sleepers, threads: Threads) -> None:
        self._queue: queue.SimpleQueue[Any] = _real_queue[0]()
        self._sleepers = sleepers
        self._threads = threads
        self._puts = 0

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put an item, which never waits. A destructor may call it at any moment."""
        self._puts += 1
        self._queue.put(item, block, timeout)

    def put_nowait(self, item: Any) -> None:
        """Put an item."""
        self.put(item)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Get an item, as ``queue.SimpleQueue`` does.

        Raises:
            queue.Empty: There was none in time.
        """
        waits = block and (timeout is None or timeout > 0)
        if not waits or self._threads.outside():
            return self._queue.get(block, timeout)
        found: list[Any] = []
        seen = self._puts

        def attempt(seconds: float) -> bool:
            nonlocal seen
            before = self._puts
            try:
                found.append(self._queue.get(timeout=seconds))
            except queue.Empty:
                seen = before
                return False
            return True

        if not attempt(0):
            self._sleepers.wait(timeout, attempt, lambda: seen != self._puts)
        if not found:
            raise queue.Empty
        return found[0]

    def get_nowait(self) -> Any:
        """Get an item, if there is one."""
        return self._queue.get_nowait()

    def empty(self) -> bool:
        """Whether it is empty."""
        return self._queue.empty()

    def qsize(self) -> int:
        """How many items it has."""
        return self._queue.qsize()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._queue.__reduce_ex__(protocol)

    # So that ``isinstance`` takes this for a real one.
    __class__: Any = property(lambda self: type(self._queue))


class StandIn(type):
    """A class that stands in for another one, and decides for each caller what it makes.

    Instances of the other class are instances of this one. Its subclasses are the other one's.

    Args:
        real: The other class.
        make: Makes an instance, for the frame that asks for one.
    """

    real: Any
    make: Callable[[FrameType], Any]

    def __new__(cls, name: str, bases: tuple[Any, ...], namespace: dict[str, Any]) -> Any:
        """Make a stand-in, or a class that is derived from one."""
        if bases:
            return type(name, tuple(getattr(base, "real", base) for base in bases), namespace)
        return super().__new__(cls, name, bases, namespace)

    def __call__(cls) -> Any:
        """Make an instance for the caller."""
        return cls.make(sys._getframe(1))  # noqa: SLF001 (documented)

    def __instancecheck__(cls, instance: Any) -> bool:
        """Whether it is one of the other class, or stands in for one."""
        return isinstance(instance, cls.real)


def stand_in(real: Any, make: Callable[[FrameType], Any]) -> Any:
    """Return a class that stands in for another one.

    Args:
        real: The other class.
        make: Makes an instance, for the frame that asks for one.
    """
    members = {
        "real": real,
        "make": staticmethod(make),
        "__class_getitem__": classmethod(GenericAlias),
    }
    return StandIn(real.__name__, (), members)
