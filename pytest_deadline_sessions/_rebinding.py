"""Replaces functions wherever a module global or a function default refers to them.

Where something has kept a function under a name of its own, it is not enough to replace an
attribute of the module that the function comes from. What somebody has replaced in turn stays.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import FunctionType
from typing import Any

# These packages know real functions from ours, so the defaults of their functions stay.
_KNOWING = {"_pytest", "freezegun", "hypothesis", "pytest", __name__.partition(".")[0]}
_WRAPPING = (classmethod, staticmethod)

Later = Callable[..., None]
"""Takes a function and its arguments, and calls it when the changes are undone."""


def rebind(later: Later, new: Mapping[Any, Any], function: Any) -> None:
    """Replace functions wherever a module global or a function default refers to them.

    A clock of ``time`` that is a default becomes the one that freezegun has put in its place. Each
    change is noted before it is made, so that it can be undone wherever an interrupt hits.

    Args:
        later: Undoes it.
        new: Our functions, by the ones that they replace.
        function: A function that may be in no module. Its defaults change too, and those of the
            functions that it uses from around it.
    """
    # A module that is imported meanwhile takes ours for the real one.
    later(_restore, {ours: old for old, ours in new.items()})
    modules = list(sys.modules.values())
    _rebind_names(later, new, modules)
    by_id = {**_clocks(), **{id(old): ours for old, ours in new.items()}}
    for part in _parts(function):
        _rebind_defaults(later, part, by_id)
    for each in _functions(module for module in modules if _package(module) not in _KNOWING):
        _rebind_defaults(later, each, by_id)


def rebind_in(package: str, later: Later, new: Mapping[Any, Any]) -> None:
    """Replace functions in the modules of one package.

    Args:
        package: The name of the package.
        later: Undoes it.
        new: Our functions, by the ones that they replace.
    """
    modules = [module for module in list(sys.modules.values()) if _package(module) == package]
    _rebind_names(later, new, modules)


def _rebind_names(later: Later, new: Mapping[Any, Any], modules: Iterable[Any]) -> None:
    for namespace, name, old, ours in _references(new, modules):
        later(_put_back, namespace, name, ours, old)
        namespace[name] = ours


def _rebind_defaults(later: Later, function: FunctionType, new: Mapping[int, Any]) -> None:
    positional, by_name = function.__defaults__, function.__kwdefaults__
    if positional and not new.keys().isdisjoint(map(id, positional)):
        later(setattr, function, "__defaults__", positional)
        function.__defaults__ = tuple(new.get(id(value), value) for value in positional)
    if by_name and not new.keys().isdisjoint(map(id, by_name.values())):
        later(setattr, function, "__kwdefaults__", by_name)
        function.__kwdefaults__ = {
            name: new.get(id(value), value) for name, value in by_name.items()
        }


def _references(
    new: Mapping[Any, Any], modules: Iterable[Any]
) -> Iterator[tuple[dict[str, Any], str, Any, Any]]:
    """Yield the namespace, the name, the old function and the new one of each module global."""
    by_id = {id(old): ours for old, ours in new.items()}
    for module in modules:
        namespace = getattr(module, "__dict__", {})
        # Most modules have none, and there are thousands of names.
        if by_id.keys().isdisjoint(map(id, list(namespace.values()))):
            continue
        for name, value in list(namespace.items()):
            if id(value) in by_id:
                yield namespace, name, value, by_id[id(value)]


def _restore(real: Mapping[Any, Any]) -> None:
    for namespace, name, ours, old in _references(real, list(sys.modules.values())):
        _put_back(namespace, name, ours, old)


def _put_back(namespace: dict[str, Any], name: str, ours: Any, old: Any) -> None:
    if namespace.get(name) is ours:
        namespace[name] = old


def _package(module: Any) -> str:
    return str(getattr(module, "__name__", "")).partition(".")[0]


def _functions(modules: Iterable[Any]) -> Iterator[FunctionType]:
    """Yield the functions of modules and of their classes that have defaults."""
    # There are tens of thousands, and most classes stand in several modules.
    seen: set[int] = set()
    for module in modules:
        values = list(getattr(module, "__dict__", {}).values())
        yield from _with_defaults(values)
        for value in values:
            if isinstance(value, type) and id(value) not in seen:
                seen.add(id(value))
                yield from _with_defaults(_methods(value))


def _methods(kind: type) -> list[Any]:
    """The attributes of a class, class methods and static methods as functions."""
    return [
        value.__func__ if isinstance(value, _WRAPPING) else value
        for value in list(vars(kind).values())
    ]


def _with_defaults(values: Iterable[Any]) -> list[FunctionType]:
    return [
        value
        for value in values
        if type(value) is FunctionType and (value.__defaults__ or value.__kwdefaults__)
    ]


def _parts(function: Any) -> Iterator[FunctionType]:
    """A function, and those that it uses from the functions around it."""
    waiting, seen = [function], set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, functools.partial):
            waiting.append(part.func)
        elif inspect.ismethod(part):
            waiting += [part.__func__, part.__self__]
        elif isinstance(part, type):
            waiting += [each for each in _methods(part) if isinstance(each, FunctionType)]
        elif isinstance(part, FunctionType):
            yield part
            waiting.extend(_enclosed(part))
        else:
            waiting.append(type(part))


def _enclosed(function: FunctionType) -> Iterator[Callable[..., Any]]:
    for cell in function.__closure__ or ():
        # A variable that is assigned later is still empty.
        with contextlib.suppress(ValueError):
            if callable(cell.cell_contents):
                yield cell.cell_contents


def _clocks() -> dict[int, Any]:
    """The clocks of ``time`` that freezegun has stopped, by the ids of the real ones."""
    from freezegun import api

    real = {name: getattr(api, f"real_{name}", None) for name in vars(time)}
    return {id(clock): getattr(time, name) for name, clock in real.items() if clock is not None}
