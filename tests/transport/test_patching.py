"""Replacing methods and attributes of other packages for a while."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect

import pytest
import wrapt

from pytest_deadline_sessions import _state
from pytest_deadline_sessions._patching import Patches, assign, replaced, set_global, wrap_for_good


class Base:
    """A base class of another package."""

    def inherited(self):
        """A method that the subclass inherits."""
        return self, "inherited"


class Owner(Base):
    """A class of another package."""

    def method(self, *args, **kwargs):
        """A method."""
        return self, args, kwargs

    async def awaited(self):
        """A coroutine function."""
        return self

    @property
    def value(self):
        """A property."""
        return self


def _pass_on(method, _owner, *args, **kwargs):
    return method(*args, **kwargs)


@pytest.fixture
def owner():
    """A new copy of Owner for each test."""
    return type("Owner", (Base,), dict(vars(Owner)))


def _wrapped_by_wrapt(original, seen):
    @wrapt.decorator
    def traced(wrapped, instance, args, kwargs):
        seen.append(instance)
        return wrapped(*args, **kwargs)

    return traced(original)


def _wrapped_by_a_function(original, seen):
    @functools.wraps(original)
    def traced(self, *args, **kwargs):
        seen.append(self)
        return original(self, *args, **kwargs)

    return traced


class _Descriptor:
    """A wrapper with its own binding, like Cython functions and Mock."""

    def __init__(self, original, seen):
        self.original, self.seen = original, seen

    def __get__(self, owner, kind):
        self.seen.append(owner)
        return self.original.__get__(owner, kind)


WRAPPERS = [_wrapped_by_wrapt, _wrapped_by_a_function, _Descriptor]


@pytest.mark.parametrize("wrap", WRAPPERS)
@pytest.mark.parametrize("order", ["before", "after"])
def test_other_wrappers_get_the_object(owner, wrap, order):
    """Our wrapper and another package's wrapper both get the instance, in either order."""
    patches, theirs, ours = Patches(), [], []

    def around(method, instance, *args, **kwargs):
        ours.append(instance)
        return method(*args, **kwargs)

    if order == "before":
        owner.method = wrap(vars(owner)["method"], theirs)
    patches.wrap(owner, "method", around)
    if order == "after":
        owner.method = wrap(vars(owner)["method"], theirs)
    instance = owner()
    assert instance.method(1, a=2) == (instance, (1,), {"a": 2})
    assert theirs == ours == [instance]


@pytest.mark.parametrize("name", ["method", "inherited", "awaited", "value"])
def test_everything_is_put_back(owner, name):
    """Undoing restores the original attributes, and removes those that were inherited."""
    before, patches = dict(vars(owner)), Patches()
    patches.wrap(owner, name, _pass_on)
    assert vars(owner)[name] is not before.get(name)
    assert patches
    patches.undo()
    assert dict(vars(owner)) == before
    assert not patches


def test_wrapped_coroutine_functions(owner):
    """A wrapped coroutine function is still recognised as one, and can be awaited."""
    patches = Patches()
    patches.wrap(owner, "awaited", _pass_on)
    instance = owner()
    assert inspect.iscoroutinefunction(instance.awaited)
    assert asyncio.run(instance.awaited()) is instance


def test_properties(owner):
    """A property can be wrapped; its getter still works after undo inside another property."""
    patches = Patches()
    patches.wrap(owner, "value", lambda get, instance: (get(), instance))
    instance, ours = owner(), vars(owner)["value"]
    assert instance.value == (instance, instance)
    owner.value = property(ours.fget)
    patches.undo()
    assert instance.value is instance


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_another_wrapper_around_ours_stays(owner, wrap):
    """After undo, another package's wrapper around ours stays and ours does nothing.

    Wrapping again reuses our wrapper instead of adding a second one.
    """
    theirs, ours = [], []

    def around(method, instance, *args):
        ours.append(instance)
        return method(*args)

    patches = Patches()
    patches.wrap(owner, "method", around)
    our_method = vars(owner)["method"]
    owner.method = wrap(our_method, theirs)
    traced = vars(owner)["method"]
    patches.undo()
    assert vars(owner)["method"] is traced
    instance = owner()
    instance.method()
    assert (theirs, ours) == ([instance], [])
    patches.wrap(owner, "method", around)
    instance.method()
    assert (theirs, ours) == ([instance, instance], [instance])
    patches.undo()
    assert vars(owner)["method"] is traced
    ours.clear()
    # Their wrapper is removed, which exposes ours: it is reused, not wrapped again.
    owner.method = our_method
    patches.wrap(owner, "method", around)
    instance.method()
    assert ours == [instance]


def test_undo_after_a_failed_wrap(owner):
    """After one replacement fails, undo restores those made before it."""
    before, patches = dict(vars(owner)), Patches()
    patches.wrap(owner, "method", _pass_on)
    with pytest.raises(AttributeError):
        patches.wrap(owner, "lacking", _pass_on)
    patches.undo()
    assert dict(vars(owner)) == before


def _method(owner):
    """What the class or object itself has as its ``method``."""
    return vars(owner).get("method")


@pytest.mark.parametrize("kind", ["class", "object", "value"])
@pytest.mark.parametrize(
    "order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
)
def test_several_may_end_in_any_order(owner, kind, order):
    """Several patches of one attribute may be undone in any order.

    The remaining patches stay active, and the last undo restores the original.
    """
    place = owner() if kind == "object" else owner
    before = _method(place)
    several = [Patches() for _ in order]
    calls = []
    for number, patches in enumerate(several):
        if kind == "value":
            patches.put(place, "method", number)
            continue

        def around(method, *_owner, number=number):
            calls.append(number)
            return method()

        (patches.wrap_own if kind == "object" else patches.wrap)(place, "method", around)
    left = [0, 1, 2]
    for number in order:
        assert _method(place) is not before
        several[number].undo()
        left.remove(number)
        calls.clear()
        if kind == "value":
            assert _method(place) == (left[-1] if left else before)
        else:
            (place if kind == "object" else place()).method()
            assert calls == left[::-1]
    assert _method(place) is before


def test_a_value_set_over_ours_stays(owner):
    """Undo keeps a value that other code has set over all of our patches."""
    first, second = Patches(), Patches()
    first.put(owner, "method", 1)
    second.put(owner, "method", 2)
    owner.method = theirs = object()
    second.undo()
    first.undo()
    assert vars(owner)["method"] is theirs


def test_a_value_set_between_ours_is_restored(owner):
    """A value that other code has set between two patches is restored by undoing the upper one."""
    first, second = Patches(), Patches()
    first.put(owner, "method", 1)
    owner.method = theirs = object()
    second.put(owner, "method", 2)
    first.undo()
    assert owner.method == 2
    second.undo()
    assert vars(owner)["method"] is theirs


def test_ending_a_replacement_twice(owner):
    """Ending a replacement a second time changes nothing (an interrupt can cause this)."""
    patches = Patches()
    patches.put(owner, "method", 1)
    (replacement,) = patches._active
    patches.undo()
    owner.method = 1
    replacement.end()
    assert owner.method == 1


def test_wrapping_a_method_of_one_object(owner):
    """A method wrapped on one object affects no other object, and is gone after undo."""
    instance, other, patches = owner(), owner(), Patches()
    patches.wrap_own(instance, "method", lambda method, *args, **kwargs: (method(*args, **kwargs),))
    assert instance.method(1, a=2) == ((instance, (1,), {"a": 2}),)
    assert other.method(1) == (other, (1,), {})
    wrapped = instance.method
    patches.undo()
    assert vars(instance) == {}
    assert wrapped(1) == (instance, (1,), {})


def test_attributes_outside_the_namespace():
    """Function defaults and slots, which are not in ``vars()``, are replaced and restored too."""

    def function(value=1):
        return value

    class Slotted:
        __slots__ = ("empty", "full")

    slotted, patches = Slotted(), Patches()
    slotted.full = "before"
    patches.put(function, "__defaults__", (2,))
    patches.put(slotted, "full", "meanwhile")
    patches.put(slotted, "empty", "meanwhile")
    assert (function(), slotted.full, slotted.empty) == (2, "meanwhile", "meanwhile")
    assert patches.have(slotted)
    patches.undo()
    assert (function(), slotted.full) == (1, "before")
    assert not hasattr(slotted, "empty")
    assert not patches.have(slotted)


def test_named_patches_are_shared(owner):
    """Patches created with the same name share their replacements."""
    before = vars(owner)["method"]
    Patches("of a test").put(owner, "method", 1)
    assert Patches("of a test").have(owner)
    Patches("of a test").undo()
    assert vars(owner)["method"] is before
    del _state.replacements["of a test"]


def test_replaced_as_a_context(owner):
    """``replaced`` restores the original also after an exception."""
    before = vars(owner)["method"]
    with contextlib.suppress(KeyError), replaced(owner, "method", 1):
        assert owner.method == 1
        raise KeyError
    assert vars(owner)["method"] is before


def test_wrap_for_good(owner):
    """``wrap_for_good`` wraps a method of an object only once."""
    instance = owner()
    for _ in range(2):
        wrap_for_good(instance, "method", lambda method, *args: (method(*args),))
    assert instance.method(1) == ((instance, (1,), {}),)


def test_assign(owner):
    """``assign`` sets an attribute for good."""
    assign(owner, "method", 1)
    assert owner.method == 1


def test_registries_are_empty_after_undo(owner):
    """After undo, the registries of the process have no entry for the patches."""
    replacements, topmost = len(_state.replacements), len(_state.topmost)
    patches = Patches()
    patches.wrap(owner, "method", _pass_on)
    patches.put(owner, "other", 1)
    assert len(_state.topmost) == topmost + 2
    patches.undo()
    assert (len(_state.replacements), len(_state.topmost)) == (replacements, topmost)


def test_set_global_of_a_module_that_refuses():
    """``set_global`` sets an attribute even if the module's ``__setattr__`` raises."""

    class ReadOnly:
        def __setattr__(self, name, value):
            raise TypeError(name)

    module = ReadOnly()
    set_global(module, "name", 1)
    assert module.name == 1
