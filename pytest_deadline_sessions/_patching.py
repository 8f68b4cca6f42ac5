"""The only place that replaces attributes of other people's modules, classes and objects.

Several replacements of one attribute may overlap, and may end in any order: the last to end
restores the value from before the first. If other code has replaced the attribute on top of ours,
its value stays, and our wrapper below it passes every call through.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

from pytest_deadline_sessions import _state

Around = Callable[..., Any]
"""A function called in place of a method, with the bound method, the object and the arguments."""

_ABSENT: Any = object()


class Patches:
    """Attributes that are replaced together and restored together.

    Args:
        name: The name of a group that the whole process shares; by default the patches belong to
            this object.

    Example:
        >>> import string
        >>> patches = Patches()
        >>> patches.put(string, "digits", "01")
        >>> string.digits
        '01'
        >>> patches.undo()
        >>> string.digits
        '0123456789'
    """

    def __init__(self, name: str | None = None) -> None:
        self._name = name
        self._own: list[_Replacement] = []

    @property
    def _active(self) -> list[_Replacement]:
        if self._name is None:
            return self._own
        return _state.replacements.setdefault(self._name, self._own)

    def have(self, owner: object) -> bool:
        """Whether these patches replace an attribute of ``owner``."""
        return any(replacement.owner is owner for replacement in self._active)

    def __bool__(self) -> bool:
        return bool(self._active)

    def wrap(self, owner: type, name: str, around: Around) -> None:
        """Call ``around`` in place of a method, or of the getter of a property.

        The original is bound through its ``__get__``, so that descriptors of tracing libraries
        receive the object.

        Args:
            owner: The class.
            name: The attribute; it may be inherited.
            around: The function to call instead.
        """
        original = _without_ours(inspect.getattr_static(owner, name))
        replacement = _Replacement(owner, name)
        replacement.value = _wrapper(original, around, replacement.on)
        self._set(replacement)

    def wrap_own(self, owner: object, name: str, around: Around) -> None:
        """Call ``around`` in place of a method of one object.

        Args:
            owner: The object.
            name: The method.
            around: The function to call instead, with the bound method and the arguments.
        """
        replacement = _Replacement(owner, name)
        replacement.value = _bound_wrapper(getattr(owner, name), around, replacement.on)
        self._set(replacement)

    def put(self, owner: Any, name: str, value: Any) -> None:
        """Replace an attribute by a value.

        Args:
            owner: A module, a class or an object.
            name: The attribute.
            value: The new value.
        """
        replacement = _Replacement(owner, name)
        replacement.value = value
        self._set(replacement)

    def undo(self) -> None:
        """Restore every attribute, except those that other code has replaced since."""
        with _state.lock:
            active = self._active
            while active:
                active[-1].end()
                active.pop()

    def _set(self, replacement: _Replacement) -> None:
        with _state.lock:
            # Recorded before it takes effect, so that it can be undone even if interrupted.
            self._active.append(replacement)
            replacement.begin()


class _Replacement:
    """One replaced attribute.

    Attributes:
        owner: The module, class or object that has the attribute.
        name: The attribute.
        value: The value that replaces it.
        on: Not empty while the replacement is active. A wrapper may outlive its replacement, and
            then passes every call through.
    """

    value: Any

    def __init__(self, owner: Any, name: str) -> None:
        self.owner = owner
        self.name = name
        self.on = [True]
        self._key = (id(owner), name)
        self._before = _own_value(owner, name)
        self._below: _Replacement | None = None

    def begin(self) -> None:
        """Put the new value in place."""
        self._below = _state.topmost.get(self._key)
        _state.topmost[self._key] = self
        setattr(self.owner, self.name, self.value)

    def end(self) -> None:
        """Restore the old value; a second call finishes what an interrupted first one left."""
        self.on.clear()
        top = _state.topmost.get(self._key)
        if top is self:
            if _own_value(self.owner, self.name) is self.value:
                _set_own(self.owner, self.name, self._before)
            if self._below is None:
                _state.topmost.pop(self._key, None)
            else:
                _state.topmost[self._key] = self._below
            return
        above = _above(top, self)
        if above is not None:
            if above._before is self.value:  # noqa: SLF001 (of the same class)
                above._before = self._before  # noqa: SLF001
            above._below = self._below  # noqa: SLF001


def _above(top: _Replacement | None, sought: _Replacement) -> _Replacement | None:
    """The replacement directly on top of another one."""
    while top is not None and top._below is not sought:  # noqa: SLF001 (of this file)
        top = top._below  # noqa: SLF001
    return top


@contextlib.contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Replace an attribute inside the context.

    Args:
        owner: A module, a class or an object.
        name: The attribute.
        value: Its value inside.
    """
    patches = Patches()
    try:
        patches.put(owner, name, value)
        yield
    finally:
        patches.undo()


def wrap_for_good(owner: object, name: str, around: Around) -> None:
    """Call ``around`` in place of a method of one object, for as long as the object lives.

    If the object's own ``__dict__`` already has the method, nothing changes: our wrapper is there,
    or other code came first.

    Args:
        owner: The object.
        name: The method.
        around: The function to call instead, with the bound method and the arguments.
    """
    if name not in vars(owner):
        setattr(owner, name, functools.partial(around, getattr(owner, name)))


def assign(owner: Any, name: str, value: Any) -> None:
    """Set an attribute permanently, as its owner would have set it.

    Args:
        owner: A module, a class or an object.
        name: The attribute.
        value: The new value.
    """
    setattr(owner, name, value)


def set_global(module: object, name: str, value: object) -> None:
    """Set a global of a module permanently, bypassing the module's ``__setattr__``.

    Args:
        module: An entry of ``sys.modules``, of any type with a ``__dict__``.
        name: The global.
        value: The new value.
    """
    vars(module)[name] = value


def _wrapper(original: Any, around: Around, on: list[bool]) -> Any:
    def bound(self: Any) -> Callable[..., Any]:
        method: Callable[..., Any] = original.__get__(self, type(self))
        return functools.partial(around, method, self) if on else method

    if isinstance(original, property):

        def get(self: Any) -> Any:
            value = functools.partial(original.__get__, self, type(self))
            return around(value, self) if on else value()

        _state.originals[get] = (original, on)
        return property(get)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return bound(self)(*args, **kwargs)

    async def awaited(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await bound(self)(*args, **kwargs)

    is_async = inspect.iscoroutinefunction(inspect.unwrap(original))
    wrapper = functools.wraps(original)(awaited if is_async else method)
    _state.originals[wrapper] = (original, on)
    return wrapper


def _bound_wrapper(original: Any, around: Around, on: list[bool]) -> Any:
    wrapping = functools.partial(around, original)

    @functools.wraps(original)
    def ours(*args: Any, **kwargs: Any) -> Any:
        return (wrapping if on else original)(*args, **kwargs)

    return ours


def _without_ours(attribute: Any) -> Any:
    """Strip our wrappers that are off, which other code saved and put back."""
    function = attribute.fget if isinstance(attribute, property) else attribute
    # A wrapt wrapper imitates the class, hash and equality of what it wraps.
    if type(function) is not FunctionType:
        return attribute
    original, on = _state.originals.get(function, (attribute, [True]))
    return attribute if on else _without_ours(original)


def _own_value(owner: Any, name: str) -> Any:
    """The value that the owner itself has for an attribute, not its class or bases."""
    if inspect.isdatadescriptor(inspect.getattr_static(type(owner), name, None)):
        return getattr(owner, name, _ABSENT)
    return vars(owner).get(name, _ABSENT)


def _set_own(owner: Any, name: str, value: Any) -> None:
    if value is _ABSENT:
        delattr(owner, name)
    else:
        setattr(owner, name, value)
