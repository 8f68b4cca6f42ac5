"""Replace functions wherever a module global or a function default refers to them.

Code that holds a function under a name of its own does not notice when the attribute of the
function's module is replaced. A name that other code has rebound since is not restored.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

from pytest_deadline_sessions import _state

# These packages tell real functions from fake ones, so the defaults of their functions stay.
_KNOWING = {"_pytest", "freezegun", "hypothesis", "pytest", __name__.partition(".")[0]}
_WRAPPING = (classmethod, staticmethod)
_LIBRARIES = tuple(
    sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")
)

Later = Callable[..., None]
"""Registers a function with its arguments, to be called when the changes are undone."""


def rebind(later: Later, new: Mapping[Any, Any], function: Any) -> None:
    """Replace functions wherever a module global or a function default refers to them.

    A function default that is a real clock of ``time`` becomes freezegun's fake while time is
    frozen. Each change is registered before it is made, so that an interrupt cannot lose it.

    Args:
        later: Registers how to undo each change.
        new: Our functions, by the functions that they replace.
        function: A function that need not be in any module. Its defaults change too, and those of
            the functions in its closure.
    """
    # Modules imported from now on pick up our functions as if they were the real ones.
    later(_restore, {ours: old for old, ours in new.items()})
    modules = list(sys.modules.values())
    _rebind_names(later, new, modules)
    by_id = {**_clocks(), **{id(old): ours for old, ours in new.items()}}
    others = [module for module in modules if _package(module) not in _KNOWING]
    for candidate in itertools.chain(_parts(function), _functions(others)):
        _rebind_defaults(later, candidate, by_id)


def rebind_in(package: str, later: Later, new: Mapping[Any, Any]) -> None:
    """Replace functions in the modules of one package.

    Args:
        package: The name of the package.
        later: Registers how to undo each change.
        new: Our functions, by the functions that they replace.
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
        ours = tuple(new.get(id(value), value) for value in positional)
        later(_put_back_defaults, function, "__defaults__", ours, positional)
        function.__defaults__ = ours
    if by_name and not new.keys().isdisjoint(map(id, by_name.values())):
        ours_by_name = {name: new.get(id(value), value) for name, value in by_name.items()}
        later(_put_back_defaults, function, "__kwdefaults__", ours_by_name, by_name)
        function.__kwdefaults__ = ours_by_name


def _references(
    new: Mapping[Any, Any], modules: Iterable[Any]
) -> Iterator[tuple[dict[str, Any], str, Any, Any]]:
    """Yield namespace, name, old and new function of each module global to replace."""
    by_id = {id(old): ours for old, ours in new.items()}
    for module in modules:
        namespace = getattr(module, "__dict__", {})
        # Most modules have no such global, and there are thousands of names.
        if by_id.keys().isdisjoint(map(id, list(namespace.values()))):
            continue
        for name, value in list(namespace.items()):
            if id(value) in by_id:
                yield namespace, name, value, by_id[id(value)]


def _restore(real: Mapping[Any, Any]) -> None:
    for namespace, name, ours, old in _references(real, list(sys.modules.values())):
        _put_back(namespace, name, ours, old)


def _put_back_defaults(function: FunctionType, name: str, ours: Any, old: Any) -> None:
    if getattr(function, name) is ours:
        setattr(function, name, old)


def _put_back(namespace: dict[str, Any], name: str, ours: Any, old: Any) -> None:
    if namespace.get(name) is ours:
        namespace[name] = old


def _package(module: Any) -> str:
    return str(getattr(module, "__name__", "")).partition(".")[0]


def _functions(modules: Iterable[Any]) -> list[FunctionType]:
    """The functions with callables among their defaults, in modules and the classes of modules.

    There are tens of thousands of functions, nearly all of them in installed libraries. Each of
    those modules is searched only once per process. A function put into one later is not found.
    """
    with _state.lock:
        unknown = {id(module): module for module in modules if id(module) not in _state.libraries}
        libraries = {key: module for key, module in unknown.items() if _is_library(module)}
        _state.functions_of_libraries.update(_look_through(libraries.values()))
        _state.libraries.update(libraries)
        known = list(_state.functions_of_libraries)
    own = [module for key, module in unknown.items() if key not in libraries]
    return [*known, *_look_through(own)]


def _is_library(module: Any) -> bool:
    if not isinstance(module, ModuleType):
        return False
    namespace = vars(module)
    # While a module is being imported it has few functions yet.
    importing = getattr(namespace.get("__spec__"), "_initializing", False)
    return str(namespace.get("__file__")).startswith(_LIBRARIES) and not importing


def _look_through(modules: Iterable[Any]) -> Iterator[FunctionType]:
    # Several modules may name the same class.
    seen: set[int] = set()
    for module in modules:
        values = list(getattr(module, "__dict__", {}).values())
        yield from _with_defaults(values)
        for value in values:
            if isinstance(value, type) and id(value) not in seen:
                seen.add(id(value))
                yield from _with_defaults(_methods(value))


def _methods(kind: type) -> list[Any]:
    """The attributes of a class, with class methods and static methods unwrapped."""
    return [
        value.__func__ if isinstance(value, _WRAPPING) else value
        for value in list(vars(kind).values())
    ]


def _with_defaults(values: Iterable[Any]) -> list[FunctionType]:
    functions = [value for value in values if type(value) is FunctionType]
    return [function for function in functions if any(map(callable, _defaults(function)))]


def _defaults(function: FunctionType) -> tuple[Any, ...]:
    return (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())


def _parts(function: Any) -> Iterator[FunctionType]:
    """Yield the functions behind a callable: through partials, methods, classes and closures."""
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
            waiting += [method for method in _methods(part) if isinstance(method, FunctionType)]
        elif isinstance(part, FunctionType):
            yield part
            waiting.extend(_enclosed(part))
        else:
            waiting.append(type(part))


def _enclosed(function: FunctionType) -> Iterator[Callable[..., Any]]:
    for cell in function.__closure__ or ():
        # The cell of a variable that is not assigned yet is empty.
        with contextlib.suppress(ValueError):
            if callable(cell.cell_contents):
                yield cell.cell_contents


def _clocks() -> dict[int, Any]:
    """What ``time`` has in place of each clock that freezegun fakes, by the real clock's id."""
    from freezegun import api

    real = {name: getattr(api, f"real_{name}", None) for name in vars(time)}
    return {id(clock): getattr(time, name) for name, clock in real.items() if clock is not None}
