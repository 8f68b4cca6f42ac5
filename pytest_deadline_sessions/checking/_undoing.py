"""Undo changes, including changes that an interrupt left half made."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._patching import Patches
from pytest_deadline_sessions._rebinding import rebind, rebind_in

if TYPE_CHECKING:
    from typing_extensions import Self


class Undoing:
    """A stack of undo steps. Each step is pushed before its change is made.

    A timeout or ``KeyboardInterrupt`` can hit between any two lines. So each step must work whether
    its change was made, half made or not made, and must be safe to run twice. Enter it twice, as in
    ``with undoing, undoing:``, so that everything is undone even if an interrupt hits the exit.

    Example:
        >>> undoing = Undoing()
        >>> undoing.later(lambda: print("the door is shut"))
        >>> undoing.undo()
        the door is shut
        >>> undoing.undo()
    """

    def __init__(self) -> None:
        self._steps: list[Callable[[], object]] = []

    def later(self, step: Callable[..., object], *args: Any) -> None:
        """Push a step. ``undo`` runs the last one first."""
        self._steps.append(lambda: step(*args))

    def put(self, owner: Any, name: str, value: Any) -> None:
        """Replace an attribute until ``undo``."""
        patches = Patches()
        self.later(patches.undo)
        patches.put(owner, name, value)

    def rebind(self, new: Mapping[Any, Any], function: Any) -> None:
        """Replace functions wherever they are referenced, until ``undo``.

        Args:
            new: Our functions, by the ones that they replace.
            function: A function that may be in no module.
        """
        rebind(self.later, new, function)

    def rebind_in(self, package: str, new: Mapping[Any, Any]) -> None:
        """Replace functions in the modules of one package, until ``undo``.

        Args:
            package: The name of the package.
            new: Our functions, by the ones that they replace.
        """
        rebind_in(package, self.later, new)

    def enter(self, manager: contextlib._GeneratorContextManager[Any]) -> None:
        """Enter a ``contextlib.contextmanager``, and exit it at ``undo``."""
        # Unlike __exit__, close() is safe whether or not the generator has started.
        self.later(manager.gen.close)
        manager.__enter__()

    def undo(self) -> None:
        """Run all remaining steps. A step that raises is run once more, then skipped.

        Raises:
            BaseException: The first error that a step raised.
        """
        failed: list[BaseException] = []
        while self._steps:
            step = self._steps[-1]
            for _ in range(2):
                try:
                    step()
                    break
                except BaseException as error:  # noqa: BLE001 (raised again below)
                    failed.append(error)
            self._steps.pop()
        if failed:
            raise failed[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.undo()
