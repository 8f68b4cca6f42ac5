"""Where a public object says it lives: in the module that users import it from."""

from __future__ import annotations

import dataclasses
import typing

T = typing.TypeVar("T")


def public(thing: T, module: str = "pytest_deadline_sessions") -> T:
    """Name the public module as the home of a class with its methods, or of a function.

    Tracebacks, reprs and pickles then show ``pytest_deadline_sessions.Fault``, whichever private
    module defines it, and doctest finds the examples there.

    Args:
        thing: A class or a function, which the module gives under its name.
        module: The public module.
    """
    if dataclasses.is_dataclass(thing):
        # Python looks up the names in annotations in the module that a class says it is from.
        thing.__annotations__ = typing.get_type_hints(thing)
    home = thing.__module__
    for member in (thing, *vars(thing).values()):
        function = getattr(member, "__func__", member)
        if getattr(function, "__module__", None) == home:
            function.__module__ = module
    return thing
