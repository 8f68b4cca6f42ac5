"""Undoing what was done, however far it had come, and whatever breaks that off."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self


class Undoing:
    """What has to be undone, told before it is done.

    A timeout or an interrupt may be raised anywhere, between any two lines. So each step undoes a
    thing that was done, half done or not done, and does no harm the second time. Entered twice,
    as in ``with undoing, undoing:``, it undoes all also if an interrupt breaks the leaving off.

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
        """Have this done by ``undo``, before all that was told earlier."""
        self._steps.append(lambda: step(*args))

    def put(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute, and set it back later."""
        self.later(setattr, owner, name, getattr(owner, name))
        setattr(owner, name, value)

    def enter(self, manager: contextlib._GeneratorContextManager[Any]) -> None:
        """Enter what ``contextlib.contextmanager`` made, and leave it later."""
        # Unlike its exit this can be called whether it was entered or not.
        self.later(manager.gen.close)
        manager.__enter__()

    def undo(self) -> None:
        """Undo all that is left; what is broken off is tried once more, and then given up.

        Raises:
            BaseException: The first that a step raised.
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
