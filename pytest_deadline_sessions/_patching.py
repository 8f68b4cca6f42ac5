"""The only place that replaces attributes of other people's modules, classes and objects.

There is one mechanism. Several replacements may stand on one attribute, and may end in any order:
the last to end puts back what was there before the first. Where somebody else has replaced ours in
turn, theirs stays, and a wrapper of ours below it passes every call through.
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
"""What is called in place of a method: with the bound method, the object, and the arguments."""

_ABSENT: Any = object()


class Patches:
    """Attributes that are replaced together, and put back together.

    Args:
        name: A name for patches that belong to the process; by default they belong to this object.

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
        """Whether an attribute of ``owner`` is replaced."""
        return any(replacement.owner is owner for replacement in self._active)

    def __bool__(self) -> bool:
        return bool(self._active)

    def wrap(self, owner: type, name: str, around: Around) -> None:
        """Have ``around`` called in place of a method, or of the getter of a property.

        What stood there is bound as Python binds it, so that descriptors of tracing libraries see
        the object.

        Args:
            owner: The class.
            name: The attribute; it may be inherited.
            around: What is called instead.
        """
        original = _without_ours(inspect.getattr_static(owner, name))
        replacement = _Replacement(owner, name)
        replacement.value = _wrapper(original, around, replacement.on)
        self._set(replacement)

    def wrap_own(self, owner: object, name: str, around: Around) -> None:
        """Have ``around`` called in place of a method of this one object.

        Args:
            owner: The object.
            name: The method.
            around: What is called instead; it gets the bound method and the arguments.
        """
        replacement = _Replacement(owner, name)
        replacement.value = _bound_wrapper(getattr(owner, name), around, replacement.on)
        self._set(replacement)

    def put(self, owner: Any, name: str, value: Any) -> None:
        """Replace an attribute by a value.

        Args:
            owner: A module, a class or an object.
            name: The attribute.
            value: What it is from now on.
        """
        replacement = _Replacement(owner, name)
        replacement.value = value
        self._set(replacement)

    def undo(self) -> None:
        """Put back what was replaced, but for what somebody has replaced in turn."""
        with _state.lock:
            active = self._active
            while active:
                active[-1].end()
                active.pop()

    def _set(self, replacement: _Replacement) -> None:
        with _state.lock:
            # Noted first: whatever interrupts, it can be put back.
            self._active.append(replacement)
            replacement.begin()


class _Replacement:
    """One attribute that is replaced.

    Attributes:
        owner: What has the attribute.
        name: The attribute.
        value: What stands there instead.
        on: Empty once it does nothing any more. A wrapper may outlive its replacement.
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
        """Replace it."""
        self._below = _state.topmost.get(self._key)
        _state.topmost[self._key] = self
        setattr(self.owner, self.name, self.value)

    def end(self) -> None:
        """Put back what was there before; a second time does what an interrupt left undone."""
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
    """The replacement that stands on another one."""
    while top is not None and top._below is not sought:  # noqa: SLF001 (of this file)
        top = top._below  # noqa: SLF001
    return top


@contextlib.contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Have an attribute replaced inside.

    Args:
        owner: A module, a class or an object.
        name: The attribute.
        value: What it is inside.
    """
    patches = Patches()
    try:
        patches.put(owner, name, value)
        yield
    finally:
        patches.undo()


def wrap_for_good(owner: object, name: str, around: Around) -> None:
    """Have ``around`` called in place of a method of one object, as long as the object lives.

    A method that the object has of its own is left alone: it is ours already, or somebody's who
    came first.

    Args:
        owner: The object.
        name: The method.
        around: What is called instead; it gets the bound method and the arguments.
    """
    if name not in vars(owner):
        setattr(owner, name, functools.partial(around, getattr(owner, name)))


def assign(owner: Any, name: str, value: Any) -> None:
    """Set an attribute for good, where its owner would have set it the same way.

    Args:
        owner: A module, a class or an object.
        name: The attribute.
        value: What it is from now on.
    """
    setattr(owner, name, value)


def set_global(module: object, name: str, value: object) -> None:
    """Set a global of a module for good, whatever the module does when an attribute is set.

    Args:
        module: What ``sys.modules`` has; it may be of any type that has a namespace.
        name: The global.
        value: What it is from now on.
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
    ours = functools.wraps(original)(awaited if is_async else method)
    _state.originals[ours] = (original, on)
    return ours


def _bound_wrapper(original: Any, around: Around, on: list[bool]) -> Any:
    wrapping = functools.partial(around, original)

    @functools.wraps(original)
    def ours(*args: Any, **kwargs: Any) -> Any:
        return (wrapping if on else original)(*args, **kwargs)

    return ours


def _without_ours(attribute: Any) -> Any:
    """What a wrapper of ours wraps that does nothing any more, and that somebody has kept."""
    function = attribute.fget if isinstance(attribute, property) else attribute
    # A wrapper by wrapt passes for what it wraps, by its class, its hash and its equality.
    if type(function) is not FunctionType:
        return attribute
    original, on = _state.originals.get(function, (attribute, [True]))
    return attribute if on else _without_ours(original)


def _own_value(owner: Any, name: str) -> Any:
    """What the owner itself has there, and not its class or bases."""
    if inspect.isdatadescriptor(inspect.getattr_static(type(owner), name, None)):
        return getattr(owner, name, _ABSENT)
    return vars(owner).get(name, _ABSENT)


def _set_own(owner: Any, name: str, value: Any) -> None:
    if value is _ABSENT:
        delattr(owner, name)
    else:
        setattr(owner, name, value)
