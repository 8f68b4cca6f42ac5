"""Run a program as a process: read what it prints, and kill it if it does not end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO, Literal

from pytest_deadline_sessions._fake import FakeDeadline
from pytest_deadline_sessions.checking._attempt import Attempt, UnfitError
from pytest_deadline_sessions.checking._program import Program
from pytest_deadline_sessions.checking._runaway import Runaway
from pytest_deadline_sessions.checking._undoing import Undoing

MOST_OUTPUT = 64 * 2**20
"""How many bytes a program may print."""

LINGER = 2.0
"""How many seconds to wait for the rest of the output of a program that has ended."""

_CHUNK = 2**16
_TAIL = 500
# Retries would really sleep.
_WITHOUT_RETRIES = {"AWS_MAX_ATTEMPTS": "1", "AWS_PAGER": ""}
# In a tuple, so that rebinding leaves it alone.
_clock = (time.monotonic,)


class ExitStatusError(Exception):
    """A program ended with an exit status other than 0."""


class Processes:
    """The sandbox of programs: runs one at a time, and kills one that does not end.

    Args:
        patience: How many seconds a program may run without a call.

    Attributes:
        stopped: Why the program was killed, or ``None``.
        slow: Whether it was killed because it ran too long without a call.
    """

    def __init__(self, patience: float) -> None:
        self.stopped: str | None = None
        self.slow = False
        self._patience = patience
        self._heard_at = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    def patch_late_imports(self) -> bool:
        """Nothing of a program is patched."""
        return False

    def call(self, function: Callable[[], Any]) -> Any:
        """Call ``function``, which runs a program or reads its result."""
        self.stopped, self.slow = None, False
        return function()

    def heard(self) -> None:
        """Note that the program called the service."""
        self._heard_at = _clock[0]()

    def stop(self, why: str) -> None:
        """Kill the program, from any thread.

        Args:
            why: What the program did, for the report.
        """
        self.stopped = self.stopped or why
        self._kill()

    def run(
        self, command: list[str], environment: Mapping[str, str], directory: str | None
    ) -> tuple[int, str, str]:
        """Run a program to its end, and return its exit status, output and errors.

        Raises:
            Runaway: The program was killed.
            UnfitError: The program cannot be started.
        """
        self.heard()
        try:
            process = self._process = subprocess.Popen(  # noqa: S603 (the user's own command)
                command,
                env=dict(environment),
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # A group of its own, which is killed with all that the program has started.
                start_new_session=True,
            )
        except OSError as error:
            msg = f"cannot start {command[0]!r}: {error} (expected a program that can be run)"
            raise UnfitError(msg) from error
        with process:
            # The process has both, since both are pipes.
            output, errors = (self._reading(stream) for stream in (process.stdout, process.stderr))
            try:
                status = self._wait(process)
            finally:
                self._kill()
                self._process = None
                printed, reported = output(), errors()
        if self.stopped is not None:
            raise Runaway(self.stopped)
        return status, printed, reported

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        while True:
            left = self._heard_at + self._patience - _clock[0]()
            if left <= 0:
                self.slow = True
                self.stop(f"it ran for {self._patience:g} s without making a call")
                return process.wait()
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=left)

    def _reading(self, stream: Any) -> Callable[[], str]:
        """Read a stream in a thread; the returned function waits for its end."""
        chunks: list[bytes] = []
        thread = threading.Thread(target=self._read, args=(stream, chunks), daemon=True)
        thread.start()

        def text() -> str:
            # A process that has left the group may still hold the pipe.
            thread.join(LINGER)
            return b"".join(chunks).decode("utf-8", "replace")

        return text

    def _read(self, stream: BinaryIO, chunks: list[bytes]) -> None:
        size = 0
        # The stream is closed if its end does not come.
        with contextlib.suppress(OSError, ValueError):
            while chunk := os.read(stream.fileno(), _CHUNK):
                size += len(chunk)
                if size > MOST_OUTPUT:
                    self.stop(f"it printed more than {MOST_OUTPUT:,} bytes")
                else:
                    chunks.append(chunk)

    def _kill(self) -> None:
        process = self._process
        if process is not None:
            # There is no such function on Windows, and the group may be gone.
            with contextlib.suppress(AttributeError, OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()


class ProgramCalling:
    """Calls a program as a collector.

    Args:
        program: The program.
        fake: The service that answers it, over loopback.
        processes: Runs it.
    """

    kind: Literal["program"] = "program"

    def __init__(self, program: Program, fake: FakeDeadline, processes: Processes) -> None:
        self._program = program
        self._fake = fake
        self._processes = processes

    def open(self, undoing: Undoing) -> None:
        """Serve the fake.

        Args:
            undoing: Stops the server.
        """
        undoing.enter(self._fake.serve())  # type: ignore[arg-type]

    def result(self, attempt: Attempt) -> Any:
        """Run the program, and parse its output.

        Args:
            attempt: Has the ids to run it with.

        Raises:
            ExitStatusError: The program failed.
        """
        program = self._program
        environment = {
            **self._fake.endpoint_environment(),
            **_WITHOUT_RETRIES,
            **(program.environment or {}),
        }
        status, output, errors = self._processes.run(
            _filled(program.command, attempt.job), environment, program.directory
        )
        if status != 0:
            tail = errors.strip()[-_TAIL:]
            text = f"{status}, and printed to stderr: {tail}" if tail else f"{status}"
            raise ExitStatusError(text)
        return output if program.parse is None else program.parse(output)


def _filled(command: Sequence[str], ids: Mapping[str, str]) -> list[str]:
    """The command for one job: with the ids in place of their names in braces."""
    for name, value in ids.items():
        command = [part.replace(f"{{{name}}}", value) for part in command]
    return list(command)
