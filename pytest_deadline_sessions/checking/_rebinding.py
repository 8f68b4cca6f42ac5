"""Other functions where a module, or a default of a function, has those of ``time``."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import FunctionType
from typing import Any

from pytest_deadline_sessions.checking._undoing import Undoing

# These know what is real and what is not.
_KNOWING = {"_pytest", "freezegun", "hypothesis", "pytest", __name__.partition(".")[0]}


def rebind(undoing: Undoing, new: Mapping[Any, Any], collect: Any) -> None:
    """Have the new function wherever a module has a name, or a function a default, for the old one.

    A clock that is a default becomes the one that freezegun has put in its place.

    Args:
        undoing: Puts all back.
        new: By the old function.
        collect: A function that may be in no module, and what it uses with it.
    """
    # A module that is imported meanwhile takes the new one for the old.
    undoing.later(_rebind_names, {other: old for old, other in new.items()})
    modules = list(sys.modules.values())
    _rebind_names(new, modules, undoing)
    functions = [
        *_parts(collect),
        *(one for module in modules if _name(module) not in _KNOWING for one in _functions(module)),
    ]
    by_id = {**_clocks(), **{id(old): other for old, other in new.items()}}
    for function in functions:
        _change(undoing, function, by_id)


def rebind_in(package: str, undoing: Undoing, new: Mapping[Any, Any]) -> None:
    """Have the new function where a module of that package has a name for the old one.

    Args:
        package: The name of the package.
        undoing: Puts all back.
        new: By the old function.
    """
    modules = [module for module in list(sys.modules.values()) if _name(module) == package]
    _rebind_names(new, modules, undoing)


def _name(module: Any) -> str:
    return str(getattr(module, "__name__", "")).partition(".")[0]


def _rebind_names(
    new: Mapping[Any, Any], modules: Iterable[Any] | None = None, undoing: Undoing | None = None
) -> None:
    by_id = {id(old): other for old, other in new.items()}
    for module in list(sys.modules.values()) if modules is None else modules:
        namespace = getattr(module, "__dict__", {})
        for name, value in list(namespace.items()):
            if id(value) in by_id:
                if undoing is not None:
                    undoing.later(namespace.__setitem__, name, value)
                namespace[name] = by_id[id(value)]


def _functions(module: Any) -> Iterator[FunctionType]:
    for value in list(getattr(module, "__dict__", {}).values()):
        if isinstance(value, FunctionType):
            yield value
        elif isinstance(value, type):
            yield from _methods(value)


def _methods(kind: type) -> Iterator[FunctionType]:
    for value in list(vars(kind).values()):
        function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if isinstance(function, FunctionType):
            yield function


def _parts(collect: Any) -> Iterator[FunctionType]:
    """A function, and those that it has from the functions around it."""
    waiting, seen = [collect], set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, functools.partial):
            waiting.append(one.func)
        elif inspect.ismethod(one):
            waiting += [one.__func__, one.__self__]
        elif isinstance(one, type):
            waiting.extend(_methods(one))
        elif isinstance(one, FunctionType):
            yield one
            waiting.extend(_enclosed(one))
        else:
            waiting.append(type(one))


def _enclosed(function: FunctionType) -> Iterator[Callable[..., Any]]:
    for cell in function.__closure__ or ():
        # One that is bound later is empty yet.
        with contextlib.suppress(ValueError):
            if callable(cell.cell_contents):
                yield cell.cell_contents


def _change(undoing: Undoing, function: FunctionType, new: Mapping[int, Any]) -> None:
    positional, by_name = function.__defaults__, function.__kwdefaults__
    if positional and any(id(one) in new for one in positional):
        undoing.later(setattr, function, "__defaults__", positional)
        function.__defaults__ = tuple(new.get(id(one), one) for one in positional)
    if by_name and any(id(one) in new for one in by_name.values()):
        undoing.later(setattr, function, "__kwdefaults__", by_name)
        function.__kwdefaults__ = {name: new.get(id(one), one) for name, one in by_name.items()}


def _clocks() -> dict[int, Any]:
    """The clocks of ``time`` that stand still, by the real ones."""
    from freezegun import api

    real = {name: getattr(api, f"real_{name}", None) for name in vars(time)}
    return {id(one): getattr(time, name) for name, one in real.items() if one is not None}
