"""Replacing methods of other people's classes for a while: the one place that does it."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable
from types import FunctionType
from typing import Any

Around = Callable[..., Any]
"""What stands around a method: it is given the bound method, the object, and the arguments."""

# What stands below each replacement of ours; somebody may have wrapped it, and so keep it.
_originals: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()


class Patches:
    """Methods that are replaced together, and put back together.

    What stood there before is bound as Python binds it, so that descriptors of tracing libraries
    see the object. Where somebody has wrapped ours meanwhile it stays below theirs and passes every
    call through.
    """

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self._owners: set[type] = set()

    def have(self, owner: type) -> bool:
        """Whether anything of a class is replaced."""
        return owner in self._owners

    def __bool__(self) -> bool:
        return bool(self._undo)

    def wrap(self, owner: type, name: str, around: Around) -> None:
        """Have ``around`` called in place of a method, or of the getter of a property.

        Args:
            owner: The class.
            name: The attribute; it may be inherited.
            around: What stands around it.
        """
        own = vars(owner).get(name)
        original = _unwrapped(inspect.getattr_static(owner, name))
        on = [True]
        ours = _replacement(original, around, on)
        # Noted first: whatever interrupts, it can be put back.
        self._undo.append(functools.partial(_put_back, owner, name, own, ours, on))
        self._owners.add(owner)
        setattr(owner, name, ours)

    def undo(self) -> None:
        """Put back what was replaced, but for what somebody has replaced in turn."""
        while self._undo:
            self._undo[-1]()
            self._undo.pop()
        self._owners.clear()


def _replacement(original: Any, around: Around, on: list[bool]) -> Any:
    def bound(self: Any) -> Callable[..., Any]:
        method: Callable[..., Any] = original.__get__(self, type(self))
        return functools.partial(around, method, self) if on else method

    if isinstance(original, property):

        def get(self: Any) -> Any:
            value = functools.partial(original.__get__, self, type(self))
            return around(value, self) if on else value()

        _originals[get] = original
        return property(get)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return bound(self)(*args, **kwargs)

    async def awaited(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await bound(self)(*args, **kwargs)

    is_async = inspect.iscoroutinefunction(inspect.unwrap(original))
    ours = functools.wraps(original)(awaited if is_async else method)
    _originals[ours] = original
    return ours


def _unwrapped(attribute: Any) -> Any:
    """What stands below a replacement of ours that is no longer wanted."""
    found = attribute.fget if isinstance(attribute, property) else attribute
    # A wrapper by wrapt passes for what it wraps, by its class, its hash and its equality.
    return _originals.get(found, attribute) if type(found) is FunctionType else attribute


def _put_back(owner: type, name: str, own: Any, ours: Any, on: list[bool]) -> None:
    on.clear()
    if vars(owner).get(name) is not ours:
        return
    if own is None:
        delattr(owner, name)
    else:
        setattr(owner, name, own)
