"""The processes that a collector starts, which nothing can hurry."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import weakref
from typing import Any

from pytest_deadline_sessions._patching import Patches
from pytest_deadline_sessions.checking._undoing import Undoing

# Where a thread of asyncio waits for one process, before Python 3.12.
_WATCHER = "asyncio-waitpid-"


class Children:
    """The processes that a collector has started, by ``subprocess`` or ``multiprocessing``."""

    def __init__(self) -> None:
        self._programs: weakref.WeakSet[subprocess.Popen[Any]] = weakref.WeakSet()
        self._earlier: set[Any] = set()

    def open(self, undoing: Undoing) -> None:
        """Begin to note them.

        Args:
            undoing: Stops it.
        """
        self._earlier = _active()
        patches = Patches()
        undoing.later(patches.undo)
        patches.wrap(subprocess.Popen, "__init__", self._start)

    def _start(self, method: Any, program: Any, *arguments: Any, **options: Any) -> None:
        method(*arguments, **options)
        self._programs.add(program)

    def run(self) -> bool:
        """Whether one of them is running."""
        if any(map(_runs, list(self._programs))):
            return True
        return not self._earlier >= _active()

    def awaited(self) -> bool:
        """Whether a thread of asyncio waits for one of them."""
        return any(thread.name.startswith(_WATCHER) for thread in threading.enumerate())


def _active() -> set[Any]:
    module = sys.modules.get("multiprocessing")
    return set() if module is None else set(module.active_children())


def _runs(program: subprocess.Popen[Any]) -> bool:
    if program.returncode is not None:
        return False
    if not hasattr(os, "waitid"):
        return program.poll() is None
    try:
        # Somebody else may be about to ask for its exit status, which is told only once.
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, program.pid, flags) is None
    except ChildProcessError:
        return False
