"""Set the ``__module__`` of public objects to the module that users import them from."""

from __future__ import annotations

import inspect
import typing

T = typing.TypeVar("T")


def public(thing: T, module: str = "pytest_deadline_sessions") -> T:
    """Set the ``__module__`` of a class and its methods, or of a function, to a public module.

    Tracebacks, reprs and pickles then show ``pytest_deadline_sessions.Fault`` instead of a private
    module, and doctest finds the examples there.

    Args:
        thing: A class or a function that the public module exports under the same name.
        module: The public module.
    """
    if isinstance(thing, type):
        # Annotations are resolved in the class's ``__module__``, so resolve them before it changes.
        thing.__annotations__ = inspect.get_annotations(thing, eval_str=True)
    home = thing.__module__
    for member in (thing, *vars(thing).values()):
        function = getattr(member, "__func__", member)
        if getattr(function, "__module__", None) == home:
            function.__module__ = module
    return thing
