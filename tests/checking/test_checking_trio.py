"""Collectors that run trio, directly or through anyio, and event loops that cannot be created."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
import threading
import time
import types

import pytest
from collectors.judged import MAY_STOP_COLLECTORS
from collectors.wrong import every
from interrupting import state, unlike

from pytest_deadline_sessions import Listing, PaginationViolation, check_pagination
from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions.checking import VARIATIONS, Case, _watchdog
from pytest_deadline_sessions.checking._checked import Tally
from pytest_deadline_sessions.checking._sandbox import Sandbox
from pytest_deadline_sessions.checking._threads import Threads
from pytest_deadline_sessions.checking._trial import Trial
from pytest_deadline_sessions.checking._trio_time import TrioTime
from pytest_deadline_sessions.checking._undoing import Undoing

pytestmark = MAY_STOP_COLLECTORS

trio = pytest.importorskip("trio")
anyio = pytest.importorskip("anyio")
wait_all_tasks_blocked = pytest.importorskip("trio.testing").wait_all_tasks_blocked

ONE_SESSION = Case(Listing(page_sizes=(1,)))


@pytest.fixture(autouse=True)
def _trio_is_restored():
    """After each test, trio has its own functions and clock again."""
    before = state()
    real = trio.run
    yield
    assert trio.run == real
    # Threads may end at any time, and pytest 8.0 sets a hook of its own during a test.
    assert not set(unlike(before, state())) - {"threads", "hooks"}


def running(work, run=lambda main: trio.run(main)):  # noqa: PLW0108 (looked up when called)
    """Return a collector that runs this work in an event loop of its own."""

    def collect(client, **job):
        async def main():
            return await work(client, job)

        return run(main)

    return collect


def violation_of(work):
    """Return what the *terminates* violation says about a collector that does this work."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(
            running(work),
            max_examples=1,
            patience=0.15,
            examples=[ONE_SESSION],
            without=VARIATIONS,
        )
    assert caught.value.rule == "terminates"
    return caught.value.finding.what


@pytest.mark.at_length
@pytest.mark.usefixtures("some_cases")
@pytest.mark.parametrize(
    ("library", "run"),
    [
        (trio, lambda main: trio.run(main)),  # noqa: PLW0108 (looked up when called)
        (anyio, functools.partial(anyio.run, backend="trio")),
        (anyio, functools.partial(anyio.run, backend="asyncio")),
    ],
)
def test_a_collector_that_sleeps_between_pages(library, run):
    """A collector that sleeps in trio or anyio between pages passes, without real waiting."""

    async def in_a_thread(function, *args):
        return await library.to_thread.run_sync(function, *args)

    async def collect(client, job):
        sessions, token = [], {}
        while True:
            call = functools.partial(client.list_sessions, **job, **token)
            page = await in_a_thread(call)
            sessions += page["sessions"]
            if "nextToken" not in page:
                return sessions
            token = {"nextToken": page["nextToken"]}
            await library.sleep(600)

    before = time.monotonic()
    check_pagination(running(collect, run), max_examples=5, without=["volume"])
    # The check took less time than a single one of the sleeps.
    assert time.monotonic() - before < 600


def _inside(work):
    """Check a correct collector that does this work first, with a patience of five seconds."""

    async def collect(client, job):
        await work()
        return every(client, **job)

    check_pagination(running(collect), max_examples=1, without=VARIATIONS, patience=5)


def test_sleeping_advances_trios_clock():
    """Sleeping advances trio's clock, so a loop that sleeps until a given time ends."""

    async def work():
        start = trio.current_time()
        while trio.current_time() < start + 100:
            await trio.sleep(10)
        await trio.sleep_until(start + 1000)
        assert 1000 <= trio.current_time() - start < 1100

    _inside(work)


def test_deadlines_of_trio():
    """A trio deadline cancels a sleep that would outlast the deadline, and no shorter sleep."""

    async def work():
        start = trio.current_time()
        for sleep in (lambda: trio.sleep(600), trio.sleep_forever):
            with trio.move_on_after(60) as scope:
                await sleep()
            assert scope.cancelled_caught
        with trio.move_on_after(60) as scope:
            await trio.sleep(30)
        assert not scope.cancelled_caught
        assert 150 <= trio.current_time() - start < 200

    _inside(work)


def test_tasks_wake_in_order():
    """Tasks wake in the order of their wake-up times; each runs before the next one wakes."""

    async def sleep(seconds, order):
        await trio.sleep(seconds)
        for _ in range(3):
            await trio.lowlevel.checkpoint()
        order.append(seconds)

    async def work():
        order = []
        async with trio.open_nursery() as nursery:
            for seconds in (3, 1, 2, 1):
                nursery.start_soon(sleep, seconds, order)
        assert order == [1, 1, 2, 3]

    _inside(work)


def test_a_spare_thread_does_not_count_as_working():
    """A thread of trio's counts as working while it has a job; it stays for ten seconds after."""
    threads = Threads()
    threads.take_stock()

    async def work():
        done = threading.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, done.wait)
            await wait_all_tasks_blocked()
            assert becomes(1)
            done.set()

    def becomes(count):
        for _ in range(1000):
            if len(threads.others(())) == count:
                return True
            time.sleep(0.001)
        return False

    trio.run(work)
    assert becomes(0)
    assert any(thread.name.startswith("Trio thread") for thread in threading.enumerate())


def test_a_thread_that_works_beside_a_sleeper():
    """Virtual time does not jump past a thread that is still working."""

    def add_up(order, begun):
        begun.set()
        order.append(sum(range(10**6)))

    async def work():
        order, begun = [], threading.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, add_up, order, begun)
            while not begun.is_set():
                await trio.lowlevel.checkpoint()
            await trio.sleep(1)
            order.append("slept")
        assert order[1] == "slept"

    _inside(work)


def test_zero_and_negative_sleeps():
    """Trio accepts a sleep of zero seconds and refuses a negative one, as usual."""

    async def work():
        await trio.sleep(0)
        with pytest.raises(ValueError, match="must be"):
            await trio.sleep(-1)

    _inside(work)


async def _sleeps(_client, _job):
    while True:
        await trio.sleep(60)


async def _waits(_client, _job):
    await trio.Event().wait()


async def _waits_with_a_deadline(_client, _job):
    with trio.move_on_after(60):
        await trio.Event().wait()


async def _waits_for_a_thread_with_a_deadline(_client, _job):
    def work():
        while True:
            pass

    with trio.move_on_after(60):
        await trio.to_thread.run_sync(work)


async def _sleeps_forever(_client, _job):
    await trio.sleep_forever()


async def _spins(_client, _job):
    while True:
        await trio.lowlevel.checkpoint()


async def _works(_client, _job):
    while True:
        pass


async def _calls(client, job):
    while True:
        await trio.to_thread.run_sync(functools.partial(client.list_sessions, **job))


async def _all_in_two_tasks(client, job):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_sleeps, client, job)
        nursery.start_soon(_calls, client, job)


@pytest.mark.parametrize(
    ("work", "why"),
    [
        (_sleeps, "slept 5000 times"),
        (_waits_for_a_thread_with_a_deadline, "ran for"),
        (_spins, "ran for"),
        (_works, "ran for"),
        (_calls, "it made 3 calls"),
        (_all_in_two_tasks, "it "),
    ],
)
def test_runaways_in_trio(work, why):
    """A runaway that uses trio is stopped, and trio works afterwards."""
    assert why in violation_of(work)
    assert trio.run(_one) == 1


@pytest.mark.parametrize("work", [_waits, _sleeps_forever])
def test_a_wait_without_end_is_reported_with_its_line(work):
    """A task that nothing can wake is reported long before ``patience``, with its line."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(running(work), examples=[ONE_SESSION], max_examples=0, patience=60)
    what = caught.value.finding.what
    assert re.search(rf"waits for ever at .*_trio\.py:\d+, in {work.__name__}$", what)
    assert trio.run(_one) == 1


@pytest.mark.parametrize("library", [{}, {"run": lambda work: anyio.run(work, backend="trio")}])
def test_deadlines_of_waits(library):
    """A deadline of trio ends any wait in virtual time, whatever the wait is for."""

    async def work(client, job):
        before = time.monotonic()
        await _waits_with_a_deadline(client, job)
        sending, receiving = trio.open_memory_channel(0)
        with trio.move_on_after(60):
            await receiving.receive()
        ours, theirs = trio.socket.socketpair()
        with ours, theirs, trio.move_on_after(60):
            await ours.recv(1)
        await sending.aclose()
        assert 179 < time.monotonic() - before < 181
        return every(client, **job)

    check_pagination(running(work, **library), max_examples=0, without=VARIATIONS)


def test_a_clock_of_its_own():
    """A collector that runs trio with a clock of its own keeps that clock."""
    clock = pytest.importorskip("trio.testing").MockClock(autojump_threshold=0)

    async def work(client, job):
        assert trio.lowlevel.current_clock() is clock
        await trio.sleep(3600)
        return every(client, **job)

    collect = running(work, lambda main: trio.run(main, clock=clock))
    check_pagination(collect, max_examples=0, without=VARIATIONS)


async def _one():
    await trio.sleep(0)
    return 1


def test_a_runaway_in_a_thread_of_its_own():
    """A collector that runs trio in its own thread, where signals do not arrive, is stopped."""

    def collect(*_, **__):
        thread = threading.Thread(target=lambda: trio.run(_waits, None, None))
        thread.start()
        thread.join()

    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, max_examples=1, patience=0.3, examples=[ONE_SESSION])
    assert caught.value.rule == "terminates"


def test_unrelated_trio_sleeps_in_real_time():
    """Trio in an unrelated thread sleeps in real time while a collector sleeps in virtual time."""
    slept, go, ended = [], threading.Event(), threading.Event()

    async def nap():
        start = trio.current_time()
        await trio.sleep(0.01)
        await trio.sleep_until(trio.current_time() + 0.01)
        with trio.move_on_after(0.01):
            await trio.sleep_forever()
        slept.append(trio.current_time() - start)

    def other():
        go.wait()
        trio.run(nap)
        ended.set()

    def collect(client, **job):
        go.set()
        time.sleep(3600)
        ended.wait()
        return every(client, **job)

    thread = threading.Thread(target=other)
    thread.start()
    check_pagination(collect, max_examples=1, without=VARIATIONS)
    thread.join()
    assert 0.03 <= slept[0] < 600


def test_a_trio_coroutine_is_refused():
    """An ``async def`` collector that awaits trio gets an error that says how to run trio."""

    async def sleeps(client, **job):
        await trio.sleep(1)
        return every(client, **job)

    async def checks(client, **job):
        await trio.lowlevel.cancel_shielded_checkpoint()
        return every(client, **job)

    for collect in (sleeps, checks):
        words = r"is a trio coroutine.*trio\.run\(functools\.partial"
        with pytest.raises(RuntimeError, match=words):
            check_pagination(collect, max_examples=1)


def test_other_runtime_errors_are_reported():
    """Any other ``RuntimeError`` of an async collector is reported as the collector's own."""

    async def collect(*_, **__):
        raise RuntimeError("no luck")

    with pytest.raises(PaginationViolation, match="It raised RuntimeError: no luck"):
        check_pagination(collect, max_examples=1)


IMPORTS_TRIO_LATE = """
import sys
from pytest_deadline_sessions import check_pagination
from pytest_deadline_sessions.checking import VARIATIONS

def collect(client, **job):
    import trio
    trio.run(trio.sleep, 3600)
    pages = client.get_paginator("list_sessions").paginate(**job)
    return [session for page in pages for session in page["sessions"]]

for name in [name for name in sys.modules if name.partition(".")[0] == "trio"]:
    del sys.modules[name]
check_pagination(collect, max_examples=1, patience=0.5, without=set(VARIATIONS) - {"sequences"})
assert "trio" in sys.modules
"""


@pytest.mark.at_length
def test_trio_that_the_collector_imports():
    """If the collector itself imports trio, its trio sleeps take no real time and it passes."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS_TRIO_LATE],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_trio_that_is_imported_during_a_check(monkeypatch):
    """``patch_late_imports`` patches a trio imported during the check, and returns true once."""
    sandbox = Sandbox(Clock(), patience=5)
    monkeypatch.delitem(sys.modules, "trio")
    with Undoing() as undoing:
        sandbox.open(undoing)
        assert not sandbox.patch_late_imports()
        monkeypatch.undo()
        assert [sandbox.patch_late_imports(), sandbox.patch_late_imports()] == [True, False]
        started = time.perf_counter()
        sandbox.call(lambda: trio.run(trio.sleep, 3_600))
        assert time.perf_counter() - started < 60


def test_with_pytest_socket(pytester, run_pytest):
    """Without sockets, an async collector gets an error that says so; a sync one passes."""
    pytest.importorskip("pytest_socket")
    pytest.importorskip("aiobotocore")
    pytester.makepyfile(
        """
        import datetime
        import pytest
        from pytest_deadline_sessions import check_pagination
        from pytest_deadline_sessions.checking import VARIATIONS

        def collect(client, **job):
            pages = client.get_paginator("list_sessions").paginate(**job)
            return [session for page in pages for session in page["sessions"]]

        async def collect_awaiting(client, **job):
            return collect(client, **job)

        def test_sync():
            check_pagination(collect, max_examples=1, without=VARIATIONS)

        def test_async():
            with pytest.raises(RuntimeError, match="cannot create the event loop"):
                check_pagination(collect_awaiting, max_examples=1, without=VARIATIONS)

        def test_after():
            assert datetime.datetime.now().year != 2030
        """
    )
    blocking = ("-p", "pytest_socket", "--disable-socket")
    result = run_pytest(*blocking, "-W", "error")
    result.assert_outcomes(passed=3)
    result = run_pytest(*blocking, "--allow-unix-socket", "-k", "sync")
    result.assert_outcomes(passed=1, failed=1)


def test_a_run_that_is_stopped_before_it_begins():
    """A collector that is stopped while trio starts or ends does not break trio."""
    sandbox = Sandbox(Clock(), patience=5)
    with Undoing() as undoing:
        sandbox.open(undoing)
        sandbox._stopper.stopped = "it made too many calls"

        async def work():
            sandbox._time.trio._runs[threading.get_ident()] = None
            sandbox._time.trio._idle(trio._core._run.GLOBAL_RUN_CONTEXT.runner.io_manager)

        trio.run(work)
    assert trio.run(_one) == 1


def test_a_trio_run_that_begins_or_ends(monkeypatch):
    """``cancels`` handles a trio run that is not registered yet, or has just ended."""
    sandbox, raised = Sandbox(Clock(), patience=5), []
    time_of_trio = sandbox._time.trio
    monkeypatch.setattr(_watchdog, "_raise_in", raised.append)
    frames = []
    exec(
        "seen.append(sys._getframe())", {"__name__": "trio._core._run", "seen": frames, "sys": sys}
    )
    assert not time_of_trio.cancels(frames[0], 1)
    time_of_trio._runs[1] = None
    assert time_of_trio.cancels(frames[0], 1)
    assert not time_of_trio.cancels(sys._getframe(), 1)
    assert not time_of_trio.cancels(None, 1)
    monkeypatch.setattr(_watchdog, "current_frames", lambda: {1: frames[0]})
    sandbox._watchdog._end_thread(1)
    assert raised == []


@pytest.mark.parametrize(
    "module", ["outcome._impl", "attr._make", "json", "freezegun.api", TrioTime.__module__, None]
)
def test_what_trio_calls_is_not_interrupted(module):
    """Code of a library that trio calls, or that is generated, counts as trio's own."""
    time_of_trio = Sandbox(Clock(), patience=5)._time.trio
    time_of_trio._runs[1] = None
    namespace = {"seen": [], "sys": sys} | ({} if module is None else {"__name__": module})
    exec("def called(): seen.append(sys._getframe())", namespace)
    for caller, is_cancelled in (("trio._core._run", True), ("my_collector", False)):
        exec("called()", {"__name__": caller, "called": namespace["called"]})
        assert time_of_trio.cancels(namespace["seen"][-1], 1) is is_cancelled


@pytest.mark.parametrize("late", [True, False])
def test_an_attempt_that_imported_trio_is_repeated(monkeypatch, late):
    """If trio was imported during an attempt, the case is tried again with an unused number."""
    attempts = []
    monkeypatch.setattr(Trial, "_find", lambda _, attempt: attempts.append(attempt))
    runner = types.SimpleNamespace(
        tally=Tally(),
        options=None,
        start=lambda case, number=None: (case, number),
        sandbox=types.SimpleNamespace(patch_late_imports=lambda: late),
    )
    Trial(runner).find(ONE_SESSION, 7)
    assert attempts == [(ONE_SESSION, 7), (ONE_SESSION, None)][: 1 + late]
