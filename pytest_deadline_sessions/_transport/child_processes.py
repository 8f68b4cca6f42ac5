"""Give every process that a test starts the test's environment."""

from __future__ import annotations

from typing import Any

from pytest_deadline_sessions._patching import Patches, replaced
from pytest_deadline_sessions._transport import environment_variables

_SETS = (
    "(environ := __import__('os').environ, environ.update(given), "
    "[environ.pop(each, None) for each in removed], name)[-1]"
)


class _Name(str):
    """A process name that sets the environment variables when the child unpickles it."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        # By then, the child has imported neither this package nor the test's modules.
        now = environment_variables.now()
        given = {name: value for name, value in now.items() if value is not None}
        removed = [name for name in now if name not in given]
        return eval, (_SETS, {"given": given, "removed": removed, "name": str(self)})


def patch(patches: Patches) -> None:
    """Give the test's environment to children of a fork server, which may predate the test.

    All other processes inherit the environment when they start.

    Args:
        patches: Records the patch, to undo it later.
    """
    from multiprocessing.process import BaseProcess

    patches.wrap(BaseProcess, "start", _start)


def _start(method: Any, process: Any) -> None:
    if getattr(process, "_start_method", None) != "forkserver":
        method()
        return
    from multiprocessing import forkserver

    with environment_variables.as_before():
        # The server outlives the test, so it must not inherit the test's environment.
        forkserver.ensure_running()
    name = process._name  # noqa: SLF001 (its setter takes a plain text only)
    with replaced(process, "_name", _Name(name)):
        method()
