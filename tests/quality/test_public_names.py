"""The public modules are those in ``PUBLIC``, the public names those in ``public_names.txt``."""

from __future__ import annotations

import importlib
import inspect
import os
import pickle
import subprocess
import sys
import traceback
import typing
from pathlib import Path

import pytest
from definitions import class_attributes, is_public, module_names

import pytest_deadline_sessions
from pytest_deadline_sessions import (
    Behavior,
    Call,
    Clock,
    Fault,
    Listing,
    Page,
    PaginationViolation,
    checking,
)
from pytest_deadline_sessions import strategies as ds

ROOT = "pytest_deadline_sessions"

PUBLIC = "checking lifecycle plugin provider strategies"
MODULES = [ROOT, *(f"{ROOT}.{name}" for name in PUBLIC.split())]

# Every public name of a module, and every public attribute of a class, one a line.
LIST = Path(__file__).with_name("public_names.txt")
LISTED = [line for line in LIST.read_text("utf-8").splitlines() if not line.startswith("#")]


def _listed(owner):
    """Return the names that the list has directly below a module or a class."""
    names = [line.removeprefix(f"{owner}.") for line in LISTED if line.startswith(f"{owner}.")]
    return [name for name in names if "." not in name and f"{owner}.{name}" not in MODULES]


# pytest finds its hooks by their names, which are not for users.
NAMES = {
    module: [name for name in _listed(module) if not name.startswith("pytest_")]
    for module in MODULES
}
FILES = sorted(Path(pytest_deadline_sessions.__file__).parent.rglob("*.py"))
SOURCES = [path.read_text("utf-8") for path in FILES]
OBJECTS = [
    pytest.param(module, name, id=f"{module}.{name}")
    for module, names in NAMES.items()
    for name in names
]
# Only where they are at home; another module may export them too.
CLASSES = [
    (module, name)
    for module, names in NAMES.items()
    for name in names
    if inspect.isclass(value := getattr(importlib.import_module(module), name))
    and (value.__module__, value.__name__) == (module, name)
]


def _is_private(module):
    return any(part.startswith("_") for part in module.split(".")[1:])


def _is_ours(function):
    return ROOT in function.__code__.co_filename


def test_every_other_module_is_private():
    """Every module that ``PUBLIC`` does not list has an underscore in its path."""
    folder = Path(pytest_deadline_sessions.__file__).parent
    names = {".".join(path.relative_to(folder.parent).with_suffix("").parts) for path in FILES}
    names = {name.removesuffix(".__init__") for name in names}
    assert {name for name in names if not _is_private(name)} == NAMES.keys()


def test_every_folder_is_a_package():
    """Every folder with modules has an ``__init__.py``, without which tools overlook them."""
    assert all((path.parent / "__init__.py").exists() for path in FILES)


@pytest.mark.parametrize("module", NAMES)
def test_all_lists_the_public_names(module):
    """``__all__`` of a module has exactly the names in the list, and each exists."""
    loaded = importlib.import_module(module)
    assert sorted(loaded.__all__) == sorted(NAMES[module])
    assert set(NAMES[module]) <= set(dir(loaded))


@pytest.mark.parametrize("module", MODULES)
def test_modules_define_no_other_public_names(module):
    """What a public module defines is in the list, or its name begins with an underscore."""
    source = Path(importlib.import_module(module).__file__).read_text("utf-8")
    assert module_names(source) <= set(_listed(module))


@pytest.mark.parametrize(("module", "name"), CLASSES)
def test_the_list_has_the_attributes_of_public_classes(module, name):
    """The list has exactly the public attributes that the package gives a public class."""
    class_ = getattr(importlib.import_module(module), name)
    ours = [base for base in class_.__mro__ if base.__module__.startswith(ROOT)]
    added = {attribute for base in ours for attribute in vars(base) if is_public(attribute)}
    assert {*class_attributes(name, SOURCES), *added} == set(_listed(f"{module}.{name}"))


def test_the_list_is_sorted_and_has_nothing_else():
    """The list is sorted, and each line is a name of a public module or class."""
    owners = [*MODULES, *(f"{module}.{name}" for module, name in CLASSES)]
    below = {f"{owner}.{name}" for owner in owners for name in _listed(owner)}
    assert sorted(below) == LISTED


def test_names_that_a_module_defines_are_found():
    """Functions, classes and variables of a module are found; imports and private names are not."""
    source = """
import json
import sys as sys
from os import path
from re import compile as compile, match as matches
FIRST, (second, _third) = 1, (2, 3)
fourth: int = [inner for inner in ()]
def helper(argument): local = 1
def _private(): pass
async def late(): pass
class Helper: attribute = 1
try:
    import faker
except ImportError:
    fallback = None
else:
    if fallback: nested = (named := 1)
for each in (): pass
with open("") as file: pass
"""
    assert module_names(source) == {
        *("sys", "compile", "FIRST", "second", "fourth", "helper", "late", "Helper"),
        *("fallback", "nested", "named", "each", "file"),
    }


def test_attributes_that_a_class_defines_are_found():
    """What a class and its bases declare, define or set on ``self`` is found, if it is public."""
    base = """
class Base(Stubber):
    def inherited(self): self.counted += 1
"""
    derived = """
class FakeDeadline(Base, Generic[T]):
    declared: int
    assigned = 1
    if TYPE_CHECKING:
        def typed(self): pass
    def __init__(self, other):
        self.own, self._private = 1, 2
        self.annotated: int = 3
        other.foreign = self.read
    def frobnicate(self): local = 1
    @property
    def readable(self): pass
class Unrelated:
    def unrelated(self): pass
"""
    assert class_attributes("FakeDeadline", [base, derived]) == {
        *("inherited", "counted", "declared", "assigned", "typed"),
        *("own", "annotated", "frobnicate", "readable"),
    }


@pytest.mark.parametrize(("module", "name"), OBJECTS)
def test_public_objects_name_their_public_module(module, name):
    """``__module__`` of a public class or function is a public module that exports it."""
    value = getattr(importlib.import_module(module), name)
    if inspect.isclass(value) or inspect.isfunction(value):
        home = value.__module__
        assert value.__name__ in NAMES[home]
        assert getattr(importlib.import_module(home), value.__name__) is value
        methods = [method for method in vars(value).values() if inspect.isfunction(method)]
        assert {method.__module__ for method in methods if _is_ours(method)} <= {home}


@pytest.mark.parametrize("module", NAMES)
def test_unknown_names_are_refused(module):
    """An unknown name raises the usual ``AttributeError``."""
    with pytest.raises(AttributeError, match=f"module '{module}' has no attribute 'Lisitng'"):
        _ = importlib.import_module(module).Lisitng


# Loading the plugin imports nothing, so its annotations are for type checkers alone.
LOOKED_UP = [each for each in OBJECTS if each.values[0] != f"{ROOT}.plugin"]


@pytest.mark.parametrize(("module", "name"), LOOKED_UP)
def test_annotations_can_be_looked_up(module, name):
    """``typing.get_type_hints`` resolves the annotations of a public object and of its methods."""
    value = getattr(importlib.import_module(module), name)
    if inspect.isfunction(value):
        assert typing.get_type_hints(value)
    elif inspect.isclass(value):
        # Some of Hypothesis's own cannot be resolved.
        assert isinstance(inspect.get_annotations(value, eval_str=True), dict)
        for own, attribute in vars(value).items():
            function = getattr(attribute, "fget", getattr(attribute, "__func__", attribute))
            wanted = is_public(own) or own.startswith("__")
            if wanted and inspect.isfunction(function) and _is_ours(function):
                assert isinstance(typing.get_type_hints(function), dict)


@pytest.mark.parametrize(
    "value",
    [
        Behavior(page_size=3),
        Fault("ThrottlingException", retryAfterSeconds=3),
        Listing(page_sizes=(1, 0)),
        Page(()),
        Call("ListSessions", {"jobId": "job"}, Clock().now()),
        checking.Case(Listing()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_pickles_are_equal(value):
    """Pickling and unpickling gives an equal value."""
    assert pickle.loads(pickle.dumps(value)) == value


def test_pickles_load_in_a_fresh_process():
    """A process that has not imported the package can load a pickle."""
    program = (
        "import pickle, sys\n"
        "print(pickle.load(sys.stdin.buffer), 'pytest_deadline_sessions._domain' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(
        [sys.executable, "-c", program],
        input=pickle.dumps(Listing(page_sizes=(1, 0))),
        capture_output=True,
        check=True,
        env=environment,
    )
    assert run.stdout.decode().split() == ["Listing(page_sizes=(1,", "0))", "True"]


def test_tracebacks_show_the_public_name():
    """The last line of a traceback names the exception by its public module."""

    def collect_one_page(client, **job):
        return client.list_sessions(**job)["sessions"]

    with pytest.raises(PaginationViolation) as caught:
        checking.check_pagination(collect_one_page)
    last = traceback.format_exception_only(caught.type, caught.value)[0]
    assert last.startswith(f"{ROOT}.PaginationViolation: ")


def test_reprs_of_strategies_stay_short():
    """The repr of a strategy does not name its module."""
    assert "pytest_deadline_sessions." not in repr(ds.session_lists())
