"""Methods of other people's classes, replaced for a while."""

from __future__ import annotations

import asyncio
import functools
import inspect

import pytest
import wrapt

from pytest_deadline_sessions._patching import Patches


class Base:
    """Somebody else's class."""

    def inherited(self):
        """A method that the class below does not define."""
        return self, "inherited"


class Owner(Base):
    """Another one."""

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
    """A class of this shape for each test."""
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
    """What binds in a way of its own, as Cython's functions and Mock's do."""

    def __init__(self, original, seen):
        self.original, self.seen = original, seen

    def __get__(self, owner, kind):
        self.seen.append(owner)
        return self.original.__get__(owner, kind)


WRAPPERS = [_wrapped_by_wrapt, _wrapped_by_a_function, _Descriptor]


@pytest.mark.parametrize("wrap", WRAPPERS)
@pytest.mark.parametrize("order", ["before", "after"])
def test_wrappers_of_others_see_the_object(owner, wrap, order):
    """Whatever binds a method, and whoever comes first, both are called with the object."""
    patches, theirs, ours = Patches(), [], []

    def around(method, instance, *args, **kwargs):
        ours.append(instance)
        return method(*args, **kwargs)

    if order == "before":
        owner.method = wrap(vars(owner)["method"], theirs)
    patches.wrap(owner, "method", around)
    if order == "after":
        owner.method = wrap(vars(owner)["method"], theirs)
    one = owner()
    assert one.method(1, a=2) == (one, (1,), {"a": 2})
    assert theirs == ours == [one]


@pytest.mark.parametrize("name", ["method", "inherited", "awaited", "value"])
def test_everything_is_put_back(owner, name):
    """The class has the very objects that it had, and none that it had inherited."""
    before, patches = dict(vars(owner)), Patches()
    patches.wrap(owner, name, _pass_on)
    assert vars(owner)[name] is not before.get(name)
    assert patches
    patches.undo()
    assert dict(vars(owner)) == before
    assert not patches


def test_coroutine_functions_stay_such(owner):
    """Whoever asks before awaiting gets the same answer."""
    patches = Patches()
    patches.wrap(owner, "awaited", _pass_on)
    one = owner()
    assert inspect.iscoroutinefunction(one.awaited)
    assert asyncio.run(one.awaited()) is one


def test_properties(owner):
    """A getter is met as a method is, and works on when ours is left below somebody else's."""
    patches = Patches()
    patches.wrap(owner, "value", lambda get, one: (get(), one))
    one, ours = owner(), vars(owner)["value"]
    assert one.value == (one, one)
    owner.value = property(ours.fget)
    patches.undo()
    assert one.value is one


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_what_others_wrapped_stays(owner, wrap):
    """Ours is left below theirs, does nothing there, and does not grow with each time."""
    theirs, ours = [], []

    def around(method, instance, *args):
        ours.append(instance)
        return method(*args)

    patches = Patches()
    patches.wrap(owner, "method", around)
    kept = vars(owner)["method"]
    owner.method = wrap(kept, theirs)
    traced = vars(owner)["method"]
    patches.undo()
    assert vars(owner)["method"] is traced
    one = owner()
    one.method()
    assert (theirs, ours) == ([one], [])
    patches.wrap(owner, "method", around)
    one.method()
    assert (theirs, ours) == ([one, one], [one])
    patches.undo()
    assert vars(owner)["method"] is traced
    ours.clear()
    # They go, and ours comes to light; the next time it is not wrapped again.
    owner.method = kept
    patches.wrap(owner, "method", around)
    one.method()
    assert ours == [one]


def test_interrupted(owner):
    """A failure between two replacements leaves what has been replaced known, and put back."""
    before, patches = dict(vars(owner)), Patches()
    patches.wrap(owner, "method", _pass_on)
    with pytest.raises(AttributeError):
        patches.wrap(owner, "lacking", _pass_on)
    patches.undo()
    assert dict(vars(owner)) == before
