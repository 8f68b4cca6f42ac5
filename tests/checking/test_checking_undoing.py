"""However ``check_pagination`` ends, the process is as it was before."""

from __future__ import annotations

import gc
import signal
import sys
import threading
import time
import types

import botocore.session
import pytest
from botocore.retries.bucket import TokenBucket
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

# A collector that is stopped while it closes its event loop leaves it.
pytestmark = [
    pytest.mark.usefixtures("stopped_are_collected"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]

CHECKING = [
    "pytest_deadline_sessions/_rebinding.py",
    "checking/_calling.py",
    "checking/_runner.py",
    "checking/_sandbox.py",
    "checking/_threads.py",
    "checking/_undoing.py",
    "checking/_virtual_time.py",
    "checking/_watchdog.py",
]


def naps(client, *, sleep=time.sleep, clock=time.monotonic, **job):
    """A collector with defaults of every kind."""
    sleep(1)
    clock()
    return every(client, **job)


def everything(modules=None):
    """All that is different inside, the defaults of the collector and the clients included."""
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
    # Before 8.4, pytest has hooks of its own for each phase of a test.
    of_pytest = {"hooks"} if pytest.version_tuple < (8, 4) else set()
    assert not set(unlike(before, everything())) - of_pytest


@pytest.mark.at_length
def test_an_interrupt_at_any_point_of_entering_and_leaving(monkeypatch):
    """Whatever was done is undone, once, and what was not is not."""
    options = Options(naps)
    few = look_through_few_modules(monkeypatch, _rebinding, api, clock, sys.modules[__name__])

    def enter():
        undoing = Undoing()
        with undoing, undoing:
            Runner(options).open(undoing)

    enter()
    before = everything(few)
    functions = set()
    for place in interrupted(enter, CHECKING):
        assert not unlike(before, everything(few)), place
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
        (TrioTime, "meet"),
        (signal, "signal"),
        (signal, "getsignal"),
        (threading.Thread, "start"),
        (botocore.session, "create_loader"),
        (client_factory, "client"),
        (interception, "attach"),
    ],
)
def test_what_fails_when_entering_undoes_the_rest(monkeypatch, owner, name):
    """Whatever it is that fails; and the error is the one that is told."""

    def fails(*_, **__):
        raise RuntimeError(name)

    before = everything()
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fails)
        with pytest.raises(RuntimeError, match=name):
            check_pagination(every, without=VARIATIONS, max_examples=1)
    assert not unlike(before, everything())


def test_nothing_is_left_while_a_violation_is_kept():
    """Neither a route to its client nor anything else of ours stays in botocore."""
    before = everything()
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(first_page, max_examples=1)
    assert not unlike(before, everything())
    assert caught.value.rule == "complete"


@pytest.mark.at_length
def test_nothing_is_left_of_an_async_collector_while_its_violation_is_kept():
    """As little as of any other."""
    pytest.importorskip("aiobotocore.session")
    pytest.importorskip("aiobotocore.retries.bucket")

    async def collect(client, **job):
        return (await client.list_sessions(**job))["sessions"]

    check_pagination(every, max_examples=1)
    before = everything()
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, max_examples=1)
    assert not unlike(before, everything())
    assert caught.value.rule == "complete"


def _with_contexts(error):
    while error is not None:
        yield error
        error = error.__context__


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="no such signals")
@pytest.mark.parametrize("after", [0.001, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3])
def test_a_timeout_at_any_time(after):
    """As of pytest-timeout, whose signal raises wherever the program is just then."""

    def timeout(*_):
        raise Interrupt

    raised = []
    old = signal.signal(signal.SIGALRM, timeout)
    before = everything()
    # Nothing is heard of what is raised while garbage is collected.
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
    """It is waited for, unless the system never started it."""
    # From Python 3.13 on it is the first.
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
    """It ends the check, and the check leaves nothing."""

    def collect(client, **job):
        every(client, **job)
        raise error

    with pytest.raises(error):
        check_pagination(collect, max_examples=1)


def test_steps_that_fail_are_tried_again_and_do_not_keep_the_others():
    """The first error is told in the end."""
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


def test_what_somebody_replaces_in_turn_stays():
    """Undoing puts back an attribute or a global only where ours still stands."""
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
    """The defaults of each are replaced, once, and put back."""

    def first(sleep=time.sleep):
        return sleep, second

    def second(*, sleep=time.sleep):
        return sleep, first

    undoing, ours = Undoing(), lambda: None
    with undoing:
        undoing.rebind({time.sleep: ours}, first)
        assert (first.__defaults__, second.__kwdefaults__) == ((ours,), {"sleep": ours})
    assert (first.__defaults__, second.__kwdefaults__) == ((time.sleep,), {"sleep": time.sleep})


class _Decorating(staticmethod):
    """A kind of static method that somebody else has made."""


@pytest.mark.parametrize("wrap", [lambda function: function, classmethod, _Decorating])
def test_functions_that_a_method_encloses(wrap):
    """They are found through a method that has no defaults itself, whatever kind it is."""

    def nap(sleep=time.sleep):
        return sleep

    collector = type("Collector", (), {"collect": wrap(lambda *_: nap())})()
    undoing, ours = Undoing(), lambda: None
    with undoing:
        undoing.rebind({time.sleep: ours}, collector)
        assert collector.collect() is ours
    assert collector.collect() is time.sleep


def test_a_handler_that_is_not_of_pythons_making(monkeypatch):
    """It cannot be put back; then the signal does what it does by itself."""
    put = []
    monkeypatch.setattr(signal, "getsignal", lambda _: None)
    monkeypatch.setattr(signal, "signal", lambda *given: put.append(given))
    undoing = Undoing()
    with undoing:
        _sandbox.Sandbox(Runner(Options(every)).fake.clock, 5).open(undoing)
    monkeypatch.undo()
    assert [handler for _, handler in put][1:] == [signal.SIG_DFL]


def test_tracing_is_as_before():
    """Whoever traces goes on tracing."""
    trace = sys.gettrace()
    check_pagination(every, without=VARIATIONS, max_examples=1)
    assert sys.gettrace() is trace
