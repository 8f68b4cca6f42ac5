"""Methods of other people's classes, replaced for a while."""

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


def _method(owner):
    """What stands where a test replaces something, in a class or in an object."""
    return vars(owner).get("method")


@pytest.mark.parametrize("kind", ["class", "object", "value"])
@pytest.mark.parametrize(
    "order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
)
def test_several_may_end_in_any_order(owner, kind, order):
    """The last one to end puts back what was there first, and until then one of ours stands."""
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


def test_a_value_of_somebody_else_stays(owner):
    """What somebody has put in place of ours is theirs, and what is below is ours to end."""
    first, second = Patches(), Patches()
    first.put(owner, "method", 1)
    second.put(owner, "method", 2)
    owner.method = theirs = object()
    second.undo()
    first.undo()
    assert vars(owner)["method"] is theirs


def test_a_value_of_somebody_else_between_ours_stays(owner):
    """What lies below it ends without a trace, and what lies above it brings it back."""
    first, second = Patches(), Patches()
    first.put(owner, "method", 1)
    owner.method = theirs = object()
    second.put(owner, "method", 2)
    first.undo()
    assert owner.method == 2
    second.undo()
    assert vars(owner)["method"] is theirs


def test_ended_twice(owner):
    """The second time changes nothing: an interrupt may have come after all was done."""
    patches = Patches()
    patches.put(owner, "method", 1)
    (replacement,) = patches._active
    patches.undo()
    owner.method = 1
    replacement.end()
    assert owner.method == 1


def test_a_method_of_one_object(owner):
    """It is called with the bound method and the arguments, and other objects keep theirs."""
    one, other, patches = owner(), owner(), Patches()
    patches.wrap_own(one, "method", lambda method, *args, **kwargs: (method(*args, **kwargs),))
    assert one.method(1, a=2) == ((one, (1,), {"a": 2}),)
    assert other.method(1) == (other, (1,), {})
    kept = one.method
    patches.undo()
    assert vars(one) == {}
    assert kept(1) == (one, (1,), {})


def test_attributes_that_are_no_entries_of_a_namespace():
    """Those that a descriptor keeps elsewhere are put back too: defaults, slots, properties."""

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


def test_patches_of_the_process_are_found_by_their_name(owner):
    """Whoever gives the name has the same patches in hand."""
    before = vars(owner)["method"]
    Patches("of a test").put(owner, "method", 1)
    assert Patches("of a test").have(owner)
    Patches("of a test").undo()
    assert vars(owner)["method"] is before
    del _state.replacements["of a test"]


def test_replaced_inside(owner):
    """What is replaced for a while is put back also after a failure."""
    before = vars(owner)["method"]
    with contextlib.suppress(KeyError), replaced(owner, "method", 1):
        assert owner.method == 1
        raise KeyError
    assert vars(owner)["method"] is before


def test_wrapped_for_good(owner):
    """An object is wrapped once, and what it has of its own is left alone."""
    one = owner()
    for _ in range(2):
        wrap_for_good(one, "method", lambda method, *args: (method(*args),))
    assert one.method(1) == ((one, (1,), {}),)


def test_assigned(owner):
    """An attribute that is assigned stays so."""
    assign(owner, "method", 1)
    assert owner.method == 1


def test_nothing_is_left_of_ours(owner):
    """No registry of the process keeps what has been undone."""
    replacements, topmost = len(_state.replacements), len(_state.topmost)
    patches = Patches()
    patches.wrap(owner, "method", _pass_on)
    patches.put(owner, "other", 1)
    assert len(_state.topmost) == topmost + 2
    patches.undo()
    assert (len(_state.replacements), len(_state.topmost)) == (replacements, topmost)


def test_a_global_of_a_module_that_refuses():
    """A global is set past whatever the module does when an attribute is set."""

    class Stubborn:
        def __setattr__(self, name, value):
            raise TypeError(name)

    module = Stubborn()
    set_global(module, "name", 1)
    assert module.name == 1
