"""Note the programs and the hosts that a collector turns to instead of the fake."""

from __future__ import annotations

import functools
import socket
import subprocess
from collections.abc import Callable
from typing import Any

from pytest_deadline_sessions._patching import Patches
from pytest_deadline_sessions._text import shown
from pytest_deadline_sessions.checking._undoing import Undoing

_WIDTH = 120


class Elsewhere:
    """Notes the first process that a collector starts, or the first host that it looks up.

    Attributes:
        cause: What it turned to, as a sentence for the report; empty if to nothing.
    """

    def __init__(self) -> None:
        self.cause = ""

    def open(self, undoing: Undoing) -> None:
        """Begin to take notes.

        Args:
            undoing: Stops it.
        """
        patches = Patches()
        undoing.later(patches.undo)
        patches.wrap(subprocess.Popen, "__init__", self._start)
        look_up = functools.partial(self._look_up, socket.getaddrinfo)
        undoing.put(socket, "getaddrinfo", look_up)

    def _start(self, method: Any, _process: Any, *arguments: Any, **options: Any) -> None:
        command = arguments[0] if arguments else options.get("args")
        self._note(
            f"It starts a process, which cannot reach the fake: {shown(command, _WIDTH)}. "
            "Check that command as a checking.Program."
        )
        method(*arguments, **options)

    def _look_up(self, real: Callable[..., Any], host: Any, *arguments: Any, **options: Any) -> Any:
        self._note(f"It connects to the host {shown(host, _WIDTH)}, which is not the fake.")
        return real(host, *arguments, **options)

    def _note(self, cause: str) -> None:
        self.cause = self.cause or cause
