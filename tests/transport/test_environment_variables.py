"""Environment variables that several change at once."""

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
    """Every order in which these begin and end, where those of others lie inside each other."""
    for order in sorted(set(itertools.permutations([*range(len(kinds))] * 2))):
        open_ones = []
        for place in order:
            if kinds[place] in THEIRS:
                if place not in open_ones:
                    open_ones.append(place)
                elif open_ones.pop() != place:
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
    """What the variable was before all of them."""
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
def test_two_lifetimes(names, first):
    """Two that change one variable leave what was there first, however they cross."""
    _check(names, 2, first)


@pytest.mark.at_length
def test_three_lifetimes(first):
    """So do three."""
    _check(SETTING, 3, first)


def test_a_layer_between_two_others_ends_first(first):
    """What somebody else had set below it is put back by the one above it."""
    for ours in ("ours", "ours, each another"):
        _run((ours, "setenv", ours, ours), (0, 1, 2, 3, 2, 1, 3, 0))
        assert os.environ.get(NAME) == first


def test_three_lifetimes_with_a_variable_removed(first):
    """So do several of ours that remove a variable, and one of somebody else."""
    for kind in ("setenv", "delenv", "by hand"):
        for kinds in set(itertools.permutations(["ours, removed", "ours, removed", kind])):
            for order in _orders(kinds):
                _run(kinds, order)
                assert os.environ.get(NAME) == first, (kinds, order)
                environment_variables.forget()


@pytest.mark.usefixtures("first")
def test_the_top_one_is_seen():
    """Whoever changed a variable last decides what it is, and then whoever is left."""
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
def test_whole_environments_that_are_put_back(value, first):
    """``mock.patch.dict`` puts back a copy of all that it found, which was ours."""
    patch = mock.patch.dict(os.environ, {NAME: "theirs"})
    with changed({NAME: value}):
        patch.start()
    assert os.environ[NAME] == "theirs"
    patch.stop()
    assert os.environ.get(NAME) == first


@pytest.mark.usefixtures("first")
def test_nothing_is_watched_in_the_end():
    """The class of ``os.environ`` is as it was, once nobody can put anything back any more."""
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
    """Writes that do not concern us go through."""
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
    """For a moment all is as it was before ours, and then as it was."""
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
    """A whole environment comes and goes, what it lacks included."""
    before = dict(os.environ)
    with environment_variables.exchanged({"ONLY": "this"}):
        assert dict(os.environ) == {"ONLY": "this"}
    assert dict(os.environ) == before


@pytest.mark.usefixtures("first")
def test_a_value_that_cannot_be_set():
    """Nothing has changed if one of several cannot be set."""
    before, kind = dict(os.environ), dict(vars(type(os.environ)))
    with (
        pytest.raises(ValueError, match="null"),
        changed({NAME: "x", "OTHER": "\0"}),
    ):
        pass
    assert dict(os.environ) == before
    assert dict(vars(type(os.environ))) == kind
