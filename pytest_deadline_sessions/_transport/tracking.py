"""Track interceptions, their calls under way, and the threads and tasks that outlive them."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

from pytest_deadline_sessions import _state
from pytest_deadline_sessions._service.service import Service


class Interception:
    """One attachment of a client, or one interception of all clients.

    A service may have several.

    Args:
        service: The service that answers.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.ended = False
        self.test = running_test()
        self._workers: weakref.WeakSet[Any] = weakref.WeakSet()
        self._before = weakref.WeakSet([*threading.enumerate(), _worker()])

    @property
    def name(self) -> str:
        """How error messages after its end refer to the interception."""
        return f"the interception of {self.test}" if self.test else "the interception"

    def end(self) -> None:
        """Stop answering. The thread or task that ends the interception is not left over."""
        self.ended = True
        self._workers.discard(_worker())
        self._workers.discard(threading.current_thread())

    def note_worker(self, worker: Any = None) -> None:
        """Remember a thread or task, unless it was there before the interception.

        Args:
            worker: A thread or task that is starting; by default the current one.
        """
        worker = worker or _worker()
        if worker not in self._before:
            self._workers.add(worker)

    def leftovers(self) -> list[Any]:
        """The threads and tasks still running that made calls, or were started by one that did."""
        return [worker for worker in self._workers if _is_running(worker)]


def running_test() -> str:
    """The id of the test that is running; empty outside of tests."""
    # pytest appends the phase, such as ' (call)'.
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]


def _worker() -> Any:
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    return task or threading.current_thread()


def _is_running(worker: Any) -> bool:
    if isinstance(worker, threading.Thread):
        # A thread that is about to start has no ident yet.
        return worker.is_alive() or worker.ident is None
    return not worker.done() and not worker.get_loop().is_closed()


def left_behind() -> Interception | None:
    """The ended interception that the current thread or task is left over from, if any."""
    return _of_worker(_state.ended)


def calls_are_intercepted() -> bool:
    """Whether a call made here would be answered or refused."""
    return bool(_state.interceptions) or left_behind() is not None


def begin(worker: Any) -> None:
    """Note a new thread or task if the one that starts it belongs to an interception."""
    with _state.lock:
        interception = _of_worker([*_state.interceptions, *_state.ended])
        if interception is not None:
            interception.note_worker(worker)


def _of_worker(interceptions: list[Interception]) -> Interception | None:
    workers = {_worker(), threading.current_thread()} if interceptions else set()
    return next(
        (
            interception
            for interception in interceptions
            if not workers.isdisjoint(interception.leftovers())
        ),
        None,
    )


def forget_dead() -> None:
    """Forget ended interceptions whose threads and tasks have all ended."""
    _state.ended[:] = [interception for interception in _state.ended if interception.leftovers()]


class CallUnderWay:
    """A call under way. It is garbage-collected with the call's frames, however the call ends.

    Args:
        owner: The hooks of its client.
        interception: The interception that answers; ``None`` if no service answers the call.
    """

    __slots__ = ("__weakref__", "interception", "over", "owner")

    def __init__(self, owner: object, interception: Interception | None) -> None:
        self.owner = owner
        self.interception = interception
        self.over = False


def start(call: CallUnderWay) -> None:
    """Note this thread's or task's innermost call. A listener may make a call inside a call."""
    outer = [
        reference
        for reference in _state.calls.get()
        if (outer_call := reference()) is not None and not outer_call.over
    ]
    _state.calls.set((*outer, weakref.ref(call)))


def current(owner: Any = None) -> CallUnderWay | None:
    """The innermost call of this thread or task, or the innermost one of a client.

    Args:
        owner: The hooks of the client.
    """
    for reference in reversed(_state.calls.get()):
        call: CallUnderWay | None = reference()
        if call is not None and not call.over and owner in {None, call.owner}:
            return call
    return None


def end(call: CallUnderWay | None) -> bool:
    """Mark a call as over; return whether it has outlived its interception."""
    if call is None:
        return False
    call.over = True
    return call.interception is not None and call.interception.ended


class ending:  # noqa: N801 (as the context managers of contextlib)
    """Mark the call that a client begins inside the block as over when the block ends.

    Args:
        owner: The hooks of the client.
        when_late: Called if the call has outlived its interception.
    """

    def __init__(self, owner: object, when_late: Callable[[], None]) -> None:
        self._owner = owner
        self._when_late = when_late
        self._around = current(owner)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        call = current(self._owner)
        if call is not self._around and end(call):
            self._when_late()
