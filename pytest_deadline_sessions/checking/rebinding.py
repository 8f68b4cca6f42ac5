"""Other functions where a module, or a default of a function, has those of ``time``."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType
from typing import Any

# These know what is real and what is not.
_KNOWING = {"_pytest", "freezegun", "hypothesis", "pytest", __name__.partition(".")[0]}

_Defaults = tuple[FunctionType, Any, Any]


@contextlib.contextmanager
def rebound(new: Mapping[Any, Any], collect: Any) -> Iterator[None]:
    """Have the new function wherever a module has a name, or a function a default, for the old one.

    A clock that is a default becomes the one that freezegun has put in its place.

    Args:
        new: By the old function.
        collect: A function that may be in no module, and what it uses with it.
    """
    by_id = {id(old): other for old, other in new.items()}
    modules = list(sys.modules.values())
    names = [change for module in modules for change in _rebind(module, by_id)]
    functions = [
        *_parts(collect),
        *(one for module in modules if _name(module) not in _KNOWING for one in _functions(module)),
    ]
    with_clocks = {**_clocks(), **by_id}
    defaults = [change for one in functions for change in _change(one, with_clocks)]
    try:
        yield
    finally:
        for namespace, name, old in names:
            namespace[name] = old
        for function, positional, by_name in defaults:
            function.__defaults__, function.__kwdefaults__ = positional, by_name
        # A module that was imported meanwhile took the new one for the old.
        back = {id(other): old for old, other in new.items()}
        for module in list(sys.modules.values()):
            list(_rebind(module, back))


def _name(module: Any) -> str:
    return str(getattr(module, "__name__", "")).partition(".")[0]


def _rebind(module: Any, new: Mapping[int, Any]) -> Iterator[tuple[dict[str, Any], str, Any]]:
    namespace = getattr(module, "__dict__", {})
    for name, value in list(namespace.items()):
        if id(value) in new:
            namespace[name] = new[id(value)]
            yield namespace, name, value


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


def _change(function: FunctionType, new: Mapping[int, Any]) -> Iterator[_Defaults]:
    positional, by_name = function.__defaults__, function.__kwdefaults__
    if not any(id(one) in new for one in (*(positional or ()), *(by_name or {}).values())):
        return
    yield function, positional, by_name
    if positional:
        function.__defaults__ = tuple(new.get(id(one), one) for one in positional)
    if by_name:
        function.__kwdefaults__ = {name: new.get(id(one), one) for name, one in by_name.items()}


def _clocks() -> dict[int, Any]:
    """The clocks of ``time`` that stand still, by the real ones."""
    from freezegun import api

    real = {name: getattr(api, f"real_{name}", None) for name in vars(time)}
    return {id(one): getattr(time, name) for name, one in real.items() if one is not None}
