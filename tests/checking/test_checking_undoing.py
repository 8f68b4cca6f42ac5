"""However ``check_pagination`` ends, the process is restored."""

from __future__ import annotations

import gc
import signal
import sys
import threading
import time
import types
import weakref

import botocore.session
import pytest
from botocore.retries.bucket import TokenBucket
from collectors.judged import MAY_STOP_COLLECTORS
from collectors.wrong import every, first_page
from freezegun import api
from interrupting import Interrupt, interrupted, look_through_few_modules, state, unlike

from pytest_deadline_sessions import PaginationViolation, _rebinding, _state, check_pagination
from pytest_deadline_sessions._domain import clock
from pytest_deadline_sessions._transport import client_factory, interception, retry_delays
from pytest_deadline_sessions.checking import VARIATIONS, _sandbox
from pytest_deadline_sessions.checking._options import Options
from pytest_deadline_sessions.checking._runner import Runner
from pytest_deadline_sessions.checking._undoing import Undoing
from pytest_deadline_sessions.checking._virtual_time import TrioTime

pytestmark = MAY_STOP_COLLECTORS

CHECKING = [
    "pytest_deadline_sessions/_rebinding.py",
    "checking/_calling.py",
    "checking/_runner.py",
    "checking/_sandbox.py",
    "checking/_sleepers.py",
    "checking/_threads.py",
    "checking/_undoing.py",
    "checking/_virtual_time.py",
    "checking/_waiting.py",
    "checking/_watchdog.py",
]


def naps(client, *, sleep=time.sleep, clock=time.monotonic, **job):
    """A collector whose default arguments include patched functions."""
    sleep(1)
    clock()
    return every(client, **job)


def everything(modules=None):
    """Return all that a check changes, including the collector's defaults and botocore's hooks."""
    return {
        **state(modules),
        "defaults": dict(naps.__kwdefaults__),
        "routes": len(_state.hooks),
        "interceptors": len(_state.interceptions),
        "buckets": (bool(retry_delays._patches), TokenBucket.acquire),
        "loader": botocore.session.create_loader,
    }


@pytest.fixture(autouse=True)
def _nothing_is_left():
    """Each test leaves the process as it was."""
    gc.collect()
    before = everything()
    yield
    # Before 8.4, pytest sets its own hooks for each phase of a test.
    of_pytest = {"hooks"} if pytest.version_tuple < (8, 4) else set()
    assert not set(unlike(before, everything())) - of_pytest


@pytest.mark.at_length
def test_an_interrupt_at_any_point_of_entering_and_leaving(monkeypatch):
    """An interrupt anywhere while a check is set up or torn down leaves nothing changed."""
    options = Options(naps)
    modules = look_through_few_modules(monkeypatch, _rebinding, api, clock, sys.modules[__name__])

    def enter():
        undoing = Undoing()
        with undoing, undoing:
            Runner(options).open(undoing)

    enter()
    before = everything(modules)
    functions = set()
    for place in interrupted(enter, CHECKING):
        assert not unlike(before, everything(modules)), place
        functions.add(place[1])
    assert {
        "open",
        "put",
        "enter",
        "later",
        "undo",
        "rebind",
        "_rebind_defaults",
        "_end",
    } <= functions


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (api._freeze_time, "start"),
        (interception, "intercept"),
        (Undoing, "rebind"),
        (TrioTime, "patch_new"),
        (signal, "signal"),
        (signal, "getsignal"),
        (threading.Thread, "start"),
        (botocore.session, "create_loader"),
        (client_factory, "client"),
        (interception, "attach"),
    ],
)
def test_a_failing_setup_is_undone(monkeypatch, owner, name):
    """If a step of the setup fails, its error is raised and all earlier steps are undone."""

    def fails(*_, **__):
        raise RuntimeError(name)

    before = everything()
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fails)
        with pytest.raises(RuntimeError, match=name):
            check_pagination(every, without=VARIATIONS, max_examples=1)
    assert not unlike(before, everything())


def test_nothing_is_left_while_a_violation_is_kept():
    """Keeping a violation alive keeps no hook, interceptor or patch in botocore."""
    before = everything()
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(first_page, max_examples=1)
    assert not unlike(before, everything())
    assert caught.value.rule == "complete"


@pytest.mark.at_length
def test_nothing_is_left_while_an_async_violation_is_kept():
    """Keeping the violation of an async collector alive keeps no patch either."""
    pytest.importorskip("aiobotocore.session")
    pytest.importorskip("aiobotocore.retries.bucket")

    async def collect(client, **job):
        return (await client.list_sessions(**job))["sessions"]

    check_pagination(every, max_examples=1, without=VARIATIONS)
    before = everything()
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, max_examples=1)
    assert not unlike(before, everything())
    assert caught.value.rule == "complete"


def _with_contexts(error):
    while error is not None:
        yield error
        error = error.__context__


@pytest.mark.at_length
@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="no such signals")
@pytest.mark.parametrize("after", [0.001, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3])
def test_a_timeout_at_any_time(after):
    """A signal handler that raises at any moment, like pytest-timeout's, ends the check cleanly."""

    def timeout(*_):
        raise Interrupt

    raised = []
    old = signal.signal(signal.SIGALRM, timeout)
    before = everything()
    # An exception raised during garbage collection would be lost.
    gc.disable()
    signal.setitimer(signal.ITIMER_REAL, after)
    try:
        for _ in range(10):
            check_pagination(naps, max_examples=5)
    except BaseException as error:  # noqa: BLE001 (Hypothesis may fail on its way out)
        raised.append(error)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        gc.enable()
        gc.collect()
        during = everything()
        signal.signal(signal.SIGALRM, old)
    for error in raised:
        assert any(isinstance(each, Interrupt) for each in _with_contexts(error))
    assert not unlike(before, during)


@pytest.mark.parametrize("runs", [True, False])
def test_an_interrupt_while_a_thread_starts(monkeypatch, runs):
    """After an interrupt during a thread's start, no thread is left, whether it ran or not."""
    # Python 3.13 and later have the first of these.
    names = ("_start_joinable_thread", "_start_new_thread")
    name = next(name for name in names if hasattr(threading, name))
    start, sleep, threads = getattr(threading, name), time.sleep, []

    def begin(function, *args, **options):
        threads.append(function.__self__)
        if runs:
            start(lambda: (sleep(0.1), function()), *args, **options)
        raise Interrupt

    before = everything()
    with monkeypatch.context() as patch:
        patch.setattr(threading, name, begin)
        with pytest.raises(Interrupt):
            check_pagination(every, max_examples=1)
    if not runs:
        del threading._limbo[threads[0]]
    assert not set(threads) & set(threading.enumerate())
    assert not unlike(before, everything())


@pytest.mark.at_length
@pytest.mark.parametrize("error", [KeyboardInterrupt, Interrupt])
def test_an_interrupt_in_the_collector(error):
    """An interrupt in the collector ends the check and is raised."""

    def collect(client, **job):
        every(client, **job)
        raise error

    with pytest.raises(error):
        check_pagination(collect, max_examples=1)


def test_failing_undo_steps_are_retried():
    """A failing undo step is tried twice. All other steps run, and the first error is raised."""
    undoing, done = Undoing(), []

    def fails(why):
        done.append(why)
        raise ValueError(why)

    undoing.later(done.append, "last")
    undoing.later(fails, "second")
    undoing.later(fails, "first")
    with pytest.raises(ValueError, match="first"):
        undoing.undo()
    assert done == ["first", "first", "second", "second", "last"]
    undoing.undo()
    assert len(done) == 5


def test_later_replacements_by_others_stay():
    """Undoing restores an attribute or a global only if it still holds our replacement."""
    module = types.ModuleType("somebodys")
    module.attribute, module.nap, module.rest = "real", naps, naps
    sys.modules["somebodys"] = module
    undoing, ours, theirs = Undoing(), lambda: None, lambda: None
    try:
        with undoing:
            undoing.put(module, "attribute", "ours")
            undoing.rebind_in("somebodys", {naps: ours})
            assert (module.attribute, module.nap, module.rest) == ("ours", ours, ours)
            module.attribute, module.nap = "theirs", theirs
    finally:
        del sys.modules["somebodys"]
    assert (module.attribute, module.nap, module.rest) == ("theirs", theirs, naps)


def test_functions_that_enclose_each_other():
    """Defaults of two functions that refer to each other are replaced once and restored."""

    def first(sleep=time.sleep):
        return sleep, second

    def second(*, sleep=time.sleep):
        return sleep, first

    undoing, ours = Undoing(), lambda: None
    with undoing:
        undoing.rebind({time.sleep: ours}, first)
        assert (first.__defaults__, second.__kwdefaults__) == ((ours,), {"sleep": ours})
    assert (first.__defaults__, second.__kwdefaults__) == ((time.sleep,), {"sleep": time.sleep})


def test_defaults_that_others_change_stay_changed():
    """Defaults that a collector assigns during a check are not overwritten after it."""

    def wait(sleep=time.sleep, *, pause=time.sleep):
        return sleep, pause

    def theirs():
        pass

    undoing = Undoing()
    with undoing:
        undoing.rebind({time.sleep: lambda: None}, wait)
        wait.__defaults__, wait.__kwdefaults__ = (theirs,), {"pause": theirs}
    assert wait() == (theirs, theirs)


@pytest.fixture
def somebodys(monkeypatch):
    """An imported module."""
    module = types.ModuleType("somebodys")
    monkeypatch.setitem(sys.modules, "somebodys", module)
    monkeypatch.setattr(_state, "libraries", weakref.WeakValueDictionary())
    monkeypatch.setattr(_state, "functions_of_libraries", weakref.WeakSet())
    return module


def _replaced(wait):
    """Return whether the default argument of a function is replaced, and restored after that."""
    undoing, real = Undoing(), time.sleep
    with undoing:
        undoing.rebind({real: lambda: None}, every)
        replaced = wait() is not real
    assert wait() is real
    return replaced


def _waits():
    """Return four functions that return their default argument."""
    return [lambda sleep=time.sleep: sleep for _ in range(4)]


@pytest.mark.parametrize("file", [__file__, pytest.__file__])
def test_defaults_are_replaced_each_time(somebodys, file):
    """Defaults of functions and methods of any module are replaced in every check."""
    function, method, wrapped, _ = _waits()
    somebodys.__file__ = file
    somebodys.wait = function
    somebodys.Waiter = type("Waiter", (), {"wait": method, "pause": staticmethod(wrapped)})
    for _ in range(2):
        assert list(map(_replaced, (function, method, wrapped))) == [True] * 3


def test_own_modules_may_change(somebodys):
    """Functions that a test puts into its own modules and classes are found in the next check."""
    first, second, third, fourth = _waits()
    somebodys.__file__ = __file__
    somebodys.Waiter = type("Waiter", (), {"wait": first})
    assert _replaced(first)
    somebodys.wait, somebodys.Waiter.wait = second, third
    assert list(map(_replaced, (second, third, fourth))) == [True, True, False]


def test_libraries_are_looked_through_once(somebodys):
    """The functions of an installed library are looked for once, when it has been imported."""
    first, second, third, _ = _waits()
    somebodys.__file__, somebodys.first = pytest.__file__, first
    somebodys.__spec__ = types.SimpleNamespace(_initializing=True)
    assert _replaced(first)
    somebodys.second = second
    somebodys.__spec__ = None
    assert _replaced(second)
    somebodys.third = third
    assert list(map(_replaced, (first, second, third))) == [True, True, False]


def test_an_object_in_place_of_a_module(monkeypatch, somebodys):
    """What stands in ``sys.modules`` need not be a module."""
    first, second, *_ = _waits()
    instead = types.SimpleNamespace(__file__=pytest.__file__, wait=first)
    monkeypatch.setitem(sys.modules, somebodys.__name__, instead)
    assert _replaced(first)
    instead.wait = second
    assert _replaced(second)


def test_libraries_may_be_imported_anew():
    """A library that is no longer imported is not kept alive."""
    module = types.ModuleType("somebodys")
    module.__file__, (module.wait, *_) = pytest.__file__, _waits()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "somebodys", module)
        assert _replaced(module.wait)
    gone = [weakref.ref(module), weakref.ref(module.wait)]
    del module
    gc.collect()
    assert [each() for each in gone] == [None, None]


class _Decorating(staticmethod):
    """A third-party subclass of ``staticmethod``."""


@pytest.mark.parametrize("wrap", [lambda function: function, classmethod, _Decorating])
def test_functions_that_a_method_encloses(wrap):
    """Defaults of a function in a method's closure are replaced, whatever kind of method it is."""

    def nap(sleep=time.sleep):
        return sleep

    collector = type("Collector", (), {"collect": wrap(lambda *_: nap())})()
    undoing, ours = Undoing(), lambda: None
    with undoing:
        undoing.rebind({time.sleep: ours}, collector)
        assert collector.collect() is ours
    assert collector.collect() is time.sleep


def test_a_signal_handler_that_was_not_set_from_python(monkeypatch):
    """If the previous signal handler was not set from Python, undoing sets the default handler."""
    handlers = []
    monkeypatch.setattr(signal, "getsignal", lambda _: None)
    monkeypatch.setattr(signal, "signal", lambda *arguments: handlers.append(arguments))
    undoing = Undoing()
    with undoing:
        _sandbox.Sandbox(Runner(Options(every)).fake.clock, 5).open(undoing)
    monkeypatch.undo()
    assert [handler for _, handler in handlers][1:] == [signal.SIG_DFL]


def test_tracing_is_as_before():
    """A check leaves the active trace function in place."""

    def trace(*_):
        return None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        check_pagination(every, without=VARIATIONS, max_examples=1)
        assert sys.gettrace() is trace
    finally:
        sys.settrace(before)
