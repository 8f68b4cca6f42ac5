"""Processes that a test starts: each has the environment of the test."""

from __future__ import annotations

from typing import Any

from pytest_deadline_sessions._patching import Patches, replaced
from pytest_deadline_sessions._transport import environment_variables

_SETS = (
    "(environ := __import__('os').environ, environ.update(given), "
    "[environ.pop(one, None) for one in removed], name)[-1]"
)


class _Name(str):
    """The name of a process, which sets variables where it arrives: first of all that is sent."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        # Nothing of ours is imported there, and the modules of the test are only afterwards.
        now = environment_variables.now()
        given = {name: value for name, value in now.items() if value is not None}
        removed = [name for name in now if name not in given]
        return eval, (_SETS, {"given": given, "removed": removed, "name": str(self)})


def patch(patches: Patches) -> None:
    """Reach processes that a fork server starts, which was there before and has another one.

    All others inherit the environment as it is when they are started.
    """
    from multiprocessing.process import BaseProcess

    patches.wrap(BaseProcess, "start", _start)


def _start(method: Any, process: Any) -> None:
    if getattr(process, "_start_method", None) != "forkserver":
        method()
        return
    from multiprocessing import forkserver

    with environment_variables.as_before():
        # It outlives the test.
        forkserver.ensure_running()
    name = process._name  # noqa: SLF001 (its setter takes a plain text only)
    with replaced(process, "_name", _Name(name)):
        method()
