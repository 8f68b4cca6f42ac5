"""Modules imported while time is frozen: executed with the real time, then frozen."""

from __future__ import annotations

import datetime
import importlib
import importlib.machinery
import sys
import textwrap
import threading
import time

import pytest

from pytest_deadline_sessions import check_pagination
from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions._domain.thawing import Thawing
from pytest_deadline_sessions.checking import VARIATIONS

UTC = datetime.timezone.utc
THEN = datetime.datetime(2030, 1, 1, tzinfo=UTC)
REAL = (datetime.datetime, datetime.date, time.time, time.monotonic)
PICKY = """
    import datetime
    import time
    from datetime import date, datetime as moment
    from time import monotonic, time as seconds

    seen = (datetime.datetime, datetime.date, time.time, time.monotonic)

    class Stamp(moment):
        pass
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write modules that can be imported, and forget them afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    written = []

    def write_module(name, text):
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
        written.append(name)
        importlib.invalidate_caches()

    yield write_module
    for name in written:
        sys.modules.pop(name, None)


def test_a_module_is_executed_with_the_real_time(write):
    """A module that is imported while time is frozen finds the real classes and functions."""
    write("picky_module", PICKY)
    with Clock().freeze("2030-01-01"):
        picky = importlib.import_module("picky_module")
        assert picky.seen == REAL
        assert REAL[0] in picky.Stamp.__mro__
        assert picky.moment.now(UTC) == picky.datetime.datetime.now(UTC) == THEN
        assert picky.date.today() == datetime.date(2030, 1, 1)
        assert picky.seconds() == time.time() == THEN.timestamp()
        assert picky.monotonic() == time.monotonic()
    assert (picky.moment, picky.date, picky.seconds, picky.monotonic) == REAL


def test_modules_that_keep_the_real_time(write):
    """A module whose time is never frozen keeps the real time, also if it is imported late."""
    write("xdist_module", PICKY)
    with Clock().freeze("2030-01-01"):
        module = importlib.import_module("xdist_module")
        assert (module.moment, module.date, module.seconds, module.monotonic) == REAL


def test_modules_that_import_others(write):
    """A module and the modules that it imports are all executed with the real time."""
    write("picky_module", PICKY)
    write(
        "outer_module", textwrap.dedent(PICKY) + "import picky_module\nlater = datetime.datetime\n"
    )
    with Clock().freeze("2030-01-01"):
        outer = importlib.import_module("outer_module")
        assert outer.later is not REAL[0]
        assert outer.seen == outer.picky_module.seen == REAL
        assert outer.moment.now(UTC) == outer.picky_module.moment.now(UTC) == THEN


def test_a_module_that_raises(write):
    """Time stays frozen if a module raises while it is imported."""
    write("broken_module", "raise ImportError('broken')")
    with Clock().freeze("2030-01-01"):
        with pytest.raises(ImportError, match="broken"):
            importlib.import_module("broken_module")
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("no_such_module")
        assert datetime.datetime.now(UTC) == THEN


def test_nothing_is_left_afterwards(write):
    """After the freeze modules are found as before, also if it was inside another one."""
    write("picky_module", PICKY)
    before = list(sys.meta_path)
    with Clock().freeze("2030-01-01"), Clock().freeze("2031-01-01"):
        assert importlib.import_module("picky_module").seen == REAL
        assert len(sys.meta_path) == len(before) + 1
    assert sys.meta_path == before
    assert (datetime.datetime, datetime.date, time.time, time.monotonic) == REAL


def test_loaders_of_other_kinds(monkeypatch):
    """A loader that lacks a step keeps lacking it, and loads as it always did."""

    class Loader:
        def exec_module(self, _module):
            raise AssertionError

    class Finder:
        def find_spec(self, name, *_):
            return importlib.machinery.ModuleSpec(name, loader)

    loader = Loader()
    monkeypatch.setattr(sys, "meta_path", [Finder()])
    spec = Thawing(()).find_spec("any_module")
    assert spec.loader is loader
    assert not hasattr(loader, "create_module")


def test_imports_in_threads(write):
    """Modules may be imported in several threads at once."""
    for number in range(4):
        write(f"picky_module_{number}", PICKY)
    seen = []

    def load(number):
        seen.append(importlib.import_module(f"picky_module_{number}").seen)

    with Clock().freeze("2030-01-01"):
        threads = [threading.Thread(target=load, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert datetime.datetime.now(UTC) == THEN
    assert seen == [REAL] * 4


def test_a_collector_that_imports(write):
    """A collector may import a module when it is called, in a check too."""
    write("picky_module", PICKY)
    seen = []

    def collect(client, **job):
        seen.append(importlib.import_module("picky_module").seen)
        pages = client.get_paginator("list_sessions").paginate(**job)
        return [session for page in pages for session in page["sessions"]]

    check_pagination(collect, max_examples=0, without=VARIATIONS)
    assert set(seen) == {REAL}
