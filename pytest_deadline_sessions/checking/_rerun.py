"""The code that reruns a case, which can be pasted and run."""

from __future__ import annotations

import dataclasses
import functools
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pytest_deadline_sessions._text import same
from pytest_deadline_sessions.checking._case import VARIATIONS, Case
from pytest_deadline_sessions.checking._options import Options
from pytest_deadline_sessions.checking._program import Program

_PACKAGE = __name__.partition(".")[0]
_LITERALS = (bool, int, float, str, bytes)
_MODULES = ("datetime", "zoneinfo")
_TIME_ZONES = ("tzlocal", "tzoffset", "tzutc")


def rerun(options: Options, cases: Sequence[Case]) -> list[str]:
    """Write the call of ``check_pagination`` that tries these cases first, and its imports.

    A function that no module has by its name is written as ``<your collector>``.

    Args:
        options: The arguments of ``check_pagination``, which are all repeated.
        cases: The cases, in the order in which they must be tried.
    """
    examples = [case.listing if case == Case(case.listing) else case for case in cases]
    arguments = [_code("collector", options.collect), f"examples={examples!r}"]
    values: list[Any] = [options.collect, *examples]
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if field.name not in {"collect", "examples"} and not same(value, field.default):
            arguments.append(f"{field.name}={_code(field.name, value)}")
            values.append(value)
    call = f"check_pagination({', '.join(arguments)})"
    return [*_imports(call, values), call]


def title(function: Any) -> str:
    """What to call a function in a line of text; a partial has the name of its function."""
    function = unwrapped(function)
    try:
        return str(function.__qualname__).rpartition("<locals>.")[2]
    except Exception:  # noqa: BLE001 (__qualname__ may be a property that raises)
        return type(function).__name__


def unwrapped(function: Any) -> Any:
    """The function inside a partial; any other function itself."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _code(name: str, value: Any) -> str:
    if isinstance(value, frozenset) and value <= VARIATIONS.keys():
        return repr([each for each in VARIATIONS if each in value])
    if isinstance(value, Program) and value.parse is not None:
        plain = repr(dataclasses.replace(value, parse=None))
        return f"{plain[:-1]}, parse={_code('parse', value.parse)})"
    if _is_data(value):
        return repr(value)
    found = _place(value)
    return f"<your {name}>" if found is None else found[1]


def _is_data(value: Any) -> bool:
    """Whether the repr of a value is code."""
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_is_data, value))
    if isinstance(value, dict):
        return all(map(_is_data, [*value.keys(), *value.values()]))
    return value is None or type(value) in _LITERALS or _is_own(value)


def _is_own(value: Any) -> bool:
    """Whether a value is of one of our public data classes, whose repr is code."""
    return dataclasses.is_dataclass(value) and type(value).__module__.startswith(_PACKAGE)


def _place(function: Any) -> tuple[str | None, str] | None:
    """Find a function at the top of a module.

    Returns:
        The module to import it from, and its name; no module if its own cannot be imported. If no
        module has it by its name, ``None``.
    """
    try:
        module, name = function.__module__, function.__qualname__
        if not name.isidentifier():
            return None
        if module != "__main__" and getattr(sys.modules.get(module), name, None) is function:
            return module, name
        return (None, name) if function.__globals__.get(name) is function else None
    except Exception:  # noqa: BLE001 (a callable need not be a function, and may be of any kind)
        return None


def _imports(code: str, values: Iterable[Any]) -> list[str]:
    """Write the imports that code needs: of modules, of our package, then of the user's."""
    names: dict[str, set[str]] = {_PACKAGE: {"check_pagination"}}
    for value in values:
        for module, name in _named(value):
            if re.search(rf"\b{name}\b", code):
                names.setdefault(module, set()).add(name)
    zones = {name for name in _TIME_ZONES if f"{name}(" in code}
    if zones:
        names["dateutil.tz"] = zones
    return [
        *(f"import {module}" for module in _MODULES if f"{module}." in code),
        *(
            f"from {module} import {', '.join(sorted(names[module]))}"
            for module in sorted(names, key=lambda module: (not _of_package(module), module))
        ),
    ]


def _of_package(module: str) -> bool:
    return module.partition(".")[0] == _PACKAGE


def _named(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the modules and names of all classes and functions that a value consists of."""
    if isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _named(item)
    elif _is_own(value):
        yield type(value).__module__, type(value).__name__
        for field in dataclasses.fields(value):
            yield from _named(getattr(value, field.name))
    elif callable(value):
        module, name = _place(value) or (None, "")
        if module is not None:
            yield module, name
