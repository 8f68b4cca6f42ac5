"""The rooms of the package, ground floor first, and what each may know."""

from __future__ import annotations

import ast
import itertools
from pathlib import Path

import pytest

import pytest_deadline_sessions

PACKAGE = "pytest_deadline_sessions"
ROOT = Path(pytest_deadline_sessions.__file__).parent

# A file or a folder is a room, and imports only from the rooms named beside it: all of them stand
# above it here, so that no import climbs and none goes round in a circle.
ROOMS = {
    "concise": "",
    "model": "concise",
    "clock": "",
    "lifecycle": "concise model",
    "faults": "concise model",
    "paging": "concise model clock lifecycle faults",
    "transcript": "concise model",
    "service": "concise model clock lifecycle faults paging transcript",
    "wire": "concise model clock lifecycle faults paging transcript service",
    "fake": "concise model clock lifecycle faults paging transcript service wire",
    "stubber": "concise model clock lifecycle faults paging transcript",
    "strategies": "concise model lifecycle faults paging",
    "_hypothesis_entry": "model faults paging strategies",
    "provider": "model lifecycle",
    "assertions": "concise model lifecycle transcript",
    "machine": "model lifecycle faults service fake assertions",
    "checking": "concise model clock lifecycle faults paging transcript service wire fake "
    "strategies assertions",
    "plugin": "concise model clock lifecycle faults paging transcript service wire fake stubber "
    "strategies provider assertions checking",
    "__main__": "wire fake transcript",
    "__init__": "concise model clock lifecycle faults paging transcript service wire fake stubber "
    "strategies provider assertions checking",
}

# Public names that people look for in a room on a lower floor, where they are loaded on first use.
FACES = {"strategies/__init__.py": {"machine"}}

AT_THE_TOP = {
    "hypothesis": {"strategies", "checking", "machine"},
    "faker": {"provider"},
    "freezegun": set(),
    "boto3": set(),
    "aiobotocore": set(),
    "h11": set(),
}

MODULES = sorted(ROOT.rglob("*.py"))


def _name(path):
    return path.relative_to(ROOT).as_posix()


def _room(path):
    return path.relative_to(ROOT).with_suffix("").parts[0]


def _imported(statement, path):
    """The full names of what one statement imports."""
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names]
    if not isinstance(statement, ast.ImportFrom):
        return []
    base = statement.module or ""
    if statement.level:
        folders = [PACKAGE, *path.relative_to(ROOT).parent.parts]
        kept = folders[: len(folders) - statement.level + 1]
        base = ".".join([*kept, *filter(None, [base])])
    return [f"{base}.{alias.name}" for alias in statement.names]


def _imports(path):
    """Every import of a module, wherever it stands."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [name for statement in ast.walk(tree) for name in _imported(statement, path)]


def _imports_at_the_top(path):
    """The imports that run when the module is imported."""
    waiting = list(ast.parse(path.read_text(encoding="utf-8")).body)
    found = []
    while waiting:
        statement = waiting.pop()
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
            waiting += statement.orelse
            continue
        found += _imported(statement, path)
        waiting += ast.iter_child_nodes(statement)
    return found


def _rooms_among(names):
    """The rooms that full names lie in; a public name of the package lies in its door."""
    rooms = set()
    for name in names:
        package, _, inside = name.partition(".")
        if package == PACKAGE:
            first = inside.partition(".")[0]
            rooms.add(first if _is_room(first) else "__init__")
    return rooms


def _is_room(name):
    return name in ROOMS or (ROOT / name).is_dir() or (ROOT / f"{name}.py").is_file()


def test_table_goes_upwards():
    """The table itself lets no room import one that stands below it in the table."""
    for number, (room, allowed) in enumerate(ROOMS.items()):
        assert set(allowed.split()) <= set(itertools.islice(ROOMS, number)), room


def test_nothing_may_import_the_plugin():
    """No line of the table names ``plugin``."""
    assert not [room for room, allowed in ROOMS.items() if "plugin" in allowed.split()]


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_no_import_climbs(path):
    """A module imports only from its own room and from those that the table names beside it."""
    room = _room(path)
    assert room in ROOMS, f"{_name(path)} is in no room: add {room!r} to ROOMS, on its floor"
    allowed = {room, *ROOMS[room].split(), *FACES.get(_name(path), ())}
    climbing = sorted(_rooms_among(_imports(path)) - allowed)
    assert not climbing, f"{_name(path)} imports {climbing} (allowed: {sorted(allowed)})"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_slow_packages_wait(path):
    """What takes long to load is imported inside functions, save in the rooms that are about it."""
    room = _room(path)
    packages = {name.partition(".")[0] for name in _imports_at_the_top(path)}
    early = {each for each in packages & AT_THE_TOP.keys() if room not in AT_THE_TOP[each]}
    assert not early, f"{_name(path)} imports {sorted(early)} at its top: import inside a function"


@pytest.mark.parametrize("room", ["__init__", "plugin"])
def test_doors_load_no_room(room):
    """Importing the package or its plugin loads no room."""
    assert not _rooms_among(_imports_at_the_top(ROOT / f"{room}.py"))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import hypothesis.strategies as st", ["hypothesis.strategies"]),
        ("from freezegun import api", ["freezegun.api"]),
        ("from . import model", [f"{PACKAGE}.model"]),
        ("from .model import bounds", [f"{PACKAGE}.model.bounds"]),
        ("try:\n    import faker\nexcept ImportError:\n    pass", ["faker"]),
        ("class A:\n    import faker", ["faker"]),
        ("def f():\n    import faker", []),
        ("if TYPE_CHECKING:\n    import faker\nelse:\n    import boto3", ["boto3"]),
    ],
)
def test_imports_at_the_top_are_found(source, expected, monkeypatch, tmp_path):
    """Imports are read whatever their form, and those inside functions or for types are not."""
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    module = tmp_path / "module.py"
    module.write_text(source)
    assert _imports_at_the_top(module) == expected
