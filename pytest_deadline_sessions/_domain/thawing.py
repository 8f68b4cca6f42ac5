"""Modules that are first imported while time is frozen are executed with the real time.

Code written in C may take ``datetime`` apart when it is imported, and ends the process if it finds
freezegun's class in place of the real one.
"""

from __future__ import annotations

import functools
import importlib.machinery
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

from pytest_deadline_sessions._patching import assign, set_global


class Thawing:
    """A finder of modules that restores the real time while a module is executed.

    Afterwards the new modules see the frozen time, as those do that were there at the start.

    Args:
        ignored: The beginnings of the names of modules that keep the real time.
    """

    def __init__(self, ignored: Sequence[str]) -> None:
        self._ignored = tuple(ignored)
        self._lock = threading.RLock()
        self._depth = 0
        self._executed: list[ModuleType] = []
        self._swapped: list[tuple[Any, str, Any, Any]] = []

    def begin(self) -> None:
        """Begin to find modules before everybody else does."""
        sys.meta_path.insert(0, self)

    def end(self) -> None:
        """Find no more modules."""
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """Find a module as the other finders do, and have it executed with the real time."""
        others = (finder for finder in list(sys.meta_path) if finder is not self)
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        loader = None if spec is None else spec.loader
        # The loaders of built-in modules are classes, which all modules share.
        if loader is not None and not isinstance(loader, type):
            for step in ("create_module", "exec_module"):
                if hasattr(loader, step):
                    assign(loader, step, functools.partial(self._load, getattr(loader, step)))
        return spec

    def _load(self, step: Callable[[Any], Any], argument: Any) -> Any:
        self._thaw()
        try:
            if isinstance(argument, ModuleType):
                self._executed.append(argument)
            return step(argument)
        finally:
            self._freeze()

    def _thaw(self) -> None:
        with self._lock:
            self._depth += 1
            if self._depth > 1:
                return
            self._executed.clear()
            self._swapped = [
                (module, name, real, fake)
                for module, name, real, fake in _fakes()
                if getattr(module, name) is fake
            ]
            for module, name, real, _ in self._swapped:
                set_global(module, name, real)

    def _freeze(self) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth:
                return
            for module, name, _, fake in self._swapped:
                set_global(module, name, fake)
            fakes = {id(real): fake for *_, real, fake in self._swapped}
            for module in self._executed:
                if not module.__name__.startswith(self._ignored):
                    _replace(module, fakes)


def _fakes() -> Iterator[tuple[Any, str, Any, Any]]:
    """Yield what freezegun replaces: the module, the name, the real and the fake object."""
    import datetime
    import time

    from freezegun import api

    yield datetime, "datetime", api.real_datetime, api.FakeDatetime
    yield datetime, "date", api.real_date, api.FakeDate
    for name in dir(time):
        real, fake = (getattr(api, f"{kind}_{name}", None) for kind in ("real", "fake"))
        if real is not None and fake is not None:
            yield time, name, real, fake


def _replace(module: ModuleType, fakes: dict[int, Any]) -> None:
    """Replace the real objects among a module's globals by their fakes."""
    for name, value in list(getattr(module, "__dict__", {}).items()):
        fake = fakes.get(id(value))
        if fake is not None:
            set_global(module, name, fake)
