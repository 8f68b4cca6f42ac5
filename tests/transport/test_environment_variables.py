"""Environment variables that several interceptions and other code change at once."""

from __future__ import annotations

import contextlib
import itertools
import os
from unittest import mock

import pytest

from pytest_deadline_sessions import _state
from pytest_deadline_sessions._transport import environment_variables
from pytest_deadline_sessions._transport.environment_variables import changed

NAME = "DEADLINE_SESSIONS_VARIABLE"


@contextlib.contextmanager
def _monkeypatched(change):
    patch = pytest.MonkeyPatch()
    change(patch)
    yield
    patch.undo()


@contextlib.contextmanager
def _by_hand(value):
    before = os.environ.get(NAME)
    os.environ[NAME] = value
    yield
    if before is None:
        with contextlib.suppress(KeyError):
            del os.environ[NAME]
    else:
        os.environ[NAME] = before


KINDS = {
    "ours": lambda _: changed({NAME: "ours"}),
    "ours, each another": lambda place: changed({NAME: f"ours {place}"}),
    "ours, removed": lambda _: changed({NAME: None}),
    "setenv": lambda place: _monkeypatched(lambda patch: patch.setenv(NAME, f"set {place}")),
    "delenv": lambda _: _monkeypatched(lambda patch: patch.delenv(NAME, raising=False)),
    "by hand": lambda place: _by_hand(f"hand {place}"),
}
SETTING = ["ours", "ours, each another", "setenv", "delenv", "by hand"]
REMOVING = ["ours, removed", "setenv", "delenv", "by hand"]
THEIRS = {"setenv", "delenv", "by hand"}


def _orders(kinds):
    """Every order in which the changes can begin and end.

    Changes by other code are nested in each other; ours may overlap.
    """
    for order in sorted(set(itertools.permutations([*range(len(kinds))] * 2))):
        open_places = []
        for place in order:
            if kinds[place] in THEIRS:
                if place not in open_places:
                    open_places.append(place)
                elif open_places.pop() != place:
                    break
        else:
            yield order


def _run(kinds, order):
    lifetimes = {}
    for place in order:
        if place in lifetimes:
            lifetimes[place].__exit__(None, None, None)
        else:
            lifetimes[place] = KINDS[kinds[place]](place)
            lifetimes[place].__enter__()


@pytest.fixture(params=[None, "first"])
def first(request, monkeypatch):
    """The value of the variable before all changes, or None."""
    monkeypatch.delenv(NAME, raising=False)
    if request.param is not None:
        monkeypatch.setenv(NAME, request.param)
    yield request.param
    environment_variables.forget()
    assert not environment_variables._patches


def _check(names, count, first):
    for kinds in itertools.product(names, repeat=count):
        if set(kinds) <= THEIRS:
            continue
        for order in _orders(kinds):
            _run(kinds, order)
            assert os.environ.get(NAME) == first, (kinds, order)
            assert not _state.layers
            environment_variables.forget()


@pytest.mark.parametrize("names", [SETTING, REMOVING], ids=["set", "removed"])
def test_two_overlapping_changes(names, first):
    """Two overlapping changes restore the first value, in whatever order they begin and end."""
    _check(names, 2, first)


@pytest.mark.at_length
def test_three_overlapping_changes(first):
    """Three overlapping changes restore the first value, in whatever order."""
    _check(SETTING, 3, first)


def test_another_change_ends_between_ours(first):
    """A change by other code that ends between changes of ours restores the first value."""
    for ours in ("ours", "ours, each another"):
        _run((ours, "setenv", ours, ours), (0, 1, 2, 3, 2, 1, 3, 0))
        assert os.environ.get(NAME) == first


def test_three_overlapping_changes_with_removals(first):
    """Two removals and a change by other code restore the first value, in whatever order."""
    for kind in ("setenv", "delenv", "by hand"):
        for kinds in set(itertools.permutations(["ours, removed", "ours, removed", kind])):
            for order in _orders(kinds):
                _run(kinds, order)
                assert os.environ.get(NAME) == first, (kinds, order)
                environment_variables.forget()


@pytest.mark.usefixtures("first")
def test_the_last_change_is_seen():
    """A variable has the value of the last change that is still active."""
    with changed({NAME: "ours"}):
        assert os.environ[NAME] == "ours"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(NAME, "theirs")
            with changed({NAME: None}):
                assert NAME not in os.environ
            assert os.environ[NAME] == "theirs"
        assert os.environ[NAME] == "ours"
        os.environ[NAME] = "for good"
    assert os.environ[NAME] == "for good"


@pytest.mark.parametrize("value", ["ours", None])
def test_mock_patch_dict(value, first):
    """The first value is restored although ``mock.patch.dict`` restores a copy that has ours."""
    patch = mock.patch.dict(os.environ, {NAME: "theirs"})
    with changed({NAME: value}):
        patch.start()
    assert os.environ[NAME] == "theirs"
    patch.stop()
    assert os.environ.get(NAME) == first


@pytest.mark.usefixtures("first")
def test_the_environment_class_is_restored():
    """The class of ``os.environ`` is unpatched once no other code can restore one of our values."""
    kind = type(os.environ)
    before = dict(vars(kind))
    patch = pytest.MonkeyPatch()
    with changed({NAME: "ours"}):
        patch.setenv(NAME, "theirs")
    assert dict(vars(kind)) != before
    patch.undo()
    assert dict(vars(kind)) == before


@pytest.mark.usefixtures("first")
def test_other_variables_and_other_mappings_are_left_alone():
    """Writes to other variables, and to other mappings of the same class, work as usual."""
    with changed({NAME: "ours"}):
        os.environ["DEADLINE_SESSIONS_OTHER"] = "1"
        del os.environ["DEADLINE_SESSIONS_OTHER"]
        with pytest.raises(KeyError):
            del os.environ["DEADLINE_SESSIONS_OTHER"]
        other = type(os.environ)({}, str, str, str, str)
        other._data["x"] = "1"
        other.clear()
        assert os.environ[NAME] == "ours"


def test_as_before(first):
    """Inside ``as_before()`` the environment is without our changes; afterwards they are back."""
    with (
        changed({NAME: "ours"}),
        changed({NAME: None, "OTHER_ONE": "x"}),
    ):
        with environment_variables.as_before():
            assert os.environ.get(NAME) == first
            assert "OTHER_ONE" not in os.environ
        assert NAME not in os.environ
        assert environment_variables.now() == {NAME: None, "OTHER_ONE": "x"}
        assert environment_variables.is_set_here("OTHER_ONE")
        assert not environment_variables.is_set_here("PATH")


@pytest.mark.usefixtures("first")
def test_exchanged():
    """``exchanged()`` replaces the whole environment and restores it afterwards."""
    before = dict(os.environ)
    with environment_variables.exchanged({"ONLY": "this"}):
        assert dict(os.environ) == {"ONLY": "this"}
    assert dict(os.environ) == before


@pytest.mark.usefixtures("first")
def test_a_value_that_cannot_be_set():
    """If one of several values cannot be set, none is."""
    before, kind = dict(os.environ), dict(vars(type(os.environ)))
    with (
        pytest.raises(ValueError, match="null"),
        changed({NAME: "x", "OTHER": "\0"}),
    ):
        pass
    assert dict(os.environ) == before
    assert dict(vars(type(os.environ))) == kind
