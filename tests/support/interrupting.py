"""Interrupt code at every line in turn, and compare the state of the process."""

from __future__ import annotations

import asyncio
import contextlib
import copyreg
import datetime
import inspect
import linecache
import signal
import sys
import threading
import time
import types
import uuid

from freezegun import api

# Some stand-ins are defined there; imported later, their own names would count as left behind.
import pytest_deadline_sessions.checking  # noqa: F401

_LISTS = ("freeze_factories", "ignore_lists", "tick_flags", "tz_offsets")


class Interrupt(BaseException):
    """Stands for the exception that a timeout or Ctrl-C can raise anywhere."""


@contextlib.contextmanager
def interrupted_at(number, files):
    """Interrupt the block at one line.

    When Python leaves a ``with`` statement, it returns to the statement's line. An interrupt raised
    there, which only a tracer can do, would keep the manager from exiting. That line doesn't count.

    Args:
        number: The number of the line, counted from 1 as lines are reached.
        files: Parts of the names of the files whose lines count.

    Yields:
        A list that has the place once it has been reached.
    """
    left = iter(range(number - 1, 0, -1))
    reached, passed = [], set()

    def trace(frame, event, _arg):
        if not any(each in frame.f_code.co_filename for each in files):
            return None
        if event != "line" or reached:
            return trace
        place = (frame, frame.f_lineno)
        text = linecache.getline(frame.f_code.co_filename, frame.f_lineno).lstrip()
        if place in passed and text.startswith("with "):
            return trace
        passed.add(place)
        if next(left, None) is None:
            reached.append((frame.f_code.co_filename, frame.f_lineno))
            raise Interrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield reached
    finally:
        sys.settrace(before)


def interrupted(act, files):
    """Call a function until it finishes, interrupted at another place each time.

    Args:
        act: The function.
        files: Parts of the names of the files to interrupt: at each line that is reached there, and
            where a function returns.

    Yields:
        The place of the interrupt.
    """
    seen = set()
    ours = {}

    def trace(frame, event, _arg):
        code = frame.f_code
        if code not in ours:
            ours[code] = any(each in code.co_filename for each in files)
        if not ours[code]:
            return None
        place = (code.co_filename, code.co_name, event, frame.f_lineno)
        # An interrupt where a generator yields or resumes would be its caller's.
        yields = event != "line" and code.co_flags & inspect.CO_GENERATOR
        if event != "exception" and not yields and place not in seen:
            seen.add(place)
            found.append(place)
            raise Interrupt
        return trace

    while True:
        found = []
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            act()
        except Interrupt:
            pass
        finally:
            sys.settrace(before)
        if not found:
            return
        yield found[0]


def look_through_few_modules(monkeypatch, *rooms):
    """Let rooms that walk through all loaded modules walk through only a few.

    Hundreds are loaded here, and tracing every step of a walk through them is slow.

    Returns:
        Those modules.
    """
    names = ("asyncio", "asyncio.tasks", "datetime", "os", "posix", "time", "trio", "uuid")
    users = ("trio._core._run", *(room.__name__ for room in rooms))
    few = {name: sys.modules[name] for name in (*names, *users) if name in sys.modules}
    for room in rooms:
        monkeypatch.setattr(room, "sys", types.SimpleNamespace(**{**vars(sys), "modules": few}))
    return few.values()


def state(modules=None):
    """Everything in the process that changes while time is frozen or a collector runs.

    Args:
        modules: The modules whose names are compared; all loaded ones by default.
    """
    if modules is None:
        modules = sys.modules.values()
    return {
        "time": {name: value for name, value in vars(time).items() if callable(value)},
        "datetime": (datetime.datetime, datetime.date),
        "bound": {
            (module.__name__, name): value
            for module in list(modules)
            if hasattr(module, "__name__") and module is not api
            for name, value in list(vars(module).items())
            if callable(value) and getattr(value, "__module__", None) in _MAKERS
        },
        "uuid": (getattr(uuid, "_generate_time_safe", None), getattr(uuid, "_UuidCreate", None)),
        "pickling": dict(copyreg.dispatch_table),
        "freezegun": {name: list(getattr(api, name)) for name in _LISTS},
        "depth": api.call_stack_inspection_limit,
        "loops": [loop.time for loop in _loops()],
        "hooks": (sys.unraisablehook, threading.excepthook),
        "handlers": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "threads": {thread for thread in threading.enumerate() if thread.is_alive()},
    }


def unlike(before, after):
    """Name the parts of the state that differ.

    Modules imported in between must have no stand-ins. Threads may have ended in between.
    """
    places = {
        place: value
        for place, value in after["bound"].items()
        if place in before["bound"] or value.__module__ in _STAND_INS
    }
    threads = before["threads"] | after["threads"]
    now = {**after, "bound": places, "threads": threads}
    return [name for name, value in now.items() if value != before[name]]


_STAND_INS = {
    "freezegun.api",
    "pytest_deadline_sessions.checking._runner",
    "pytest_deadline_sessions.checking._virtual_time",
    "pytest_deadline_sessions.checking._waiting",
}
_MAKERS = _STAND_INS | {"time", "datetime", "asyncio.tasks", "botocore.session", "trio"}


def _loops(loop=asyncio.AbstractEventLoop):
    return [loop, *(one for each in loop.__subclasses__() for one in _loops(each))]
