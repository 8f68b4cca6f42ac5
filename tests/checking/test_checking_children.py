"""A collector waits for other processes in real time, since nothing can hurry them."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import queue
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor

import pytest
from collectors.judged import MAY_STOP_COLLECTORS
from collectors.wrong import every

from pytest_deadline_sessions import Listing, PaginationViolation, check_pagination
from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions.checking import VARIATIONS, Case
from pytest_deadline_sessions.checking._children import Children, _runs
from pytest_deadline_sessions.checking._sandbox import Sandbox
from pytest_deadline_sessions.checking._undoing import Undoing

pytestmark = [
    *MAY_STOP_COLLECTORS,
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*child watcher:DeprecationWarning"),
    pytest.mark.skipif(sys.platform == "win32", reason="these processes are forked"),
]

_real_sleep = (time.sleep,)
EMPTY_PAGE = Case(Listing(page_sizes=(0,)))


def _command(seconds):
    return [sys.executable, "-ISc", f"import time; time.sleep({seconds})"]


def _nap():
    _real_sleep[0](0.1)


def _set(event):
    _nap()
    event.set()


def _put(items):
    _nap()
    items.put("item")


def _forked(target, *args):
    process = multiprocessing.get_context("fork").Process(target=target, args=args)
    process.start()
    return process


def _a_command():
    subprocess.run(_command(0.1), timeout=60, check=True)
    subprocess.run(_command(0.1), timeout=60, check=True, capture_output=True)


def _a_command_that_is_too_slow():
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run(_command(60), timeout=0.1, check=True)


def _a_process():
    process = _forked(_nap)
    process.join(timeout=60)
    assert process.exitcode == 0


def _an_event_of_a_process():
    event = multiprocessing.get_context("fork").Event()
    process = _forked(_set, event)
    assert event.wait(timeout=60)
    process.join()


def _a_queue_of_a_process():
    items = multiprocessing.get_context("fork").Queue()
    process = _forked(_put, items)
    assert items.get(timeout=60) == "item"
    process.join()


def _a_pool_of_processes():
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
        pool.submit(_nap).result(timeout=60)


def _a_command_of_a_loop():
    async def run():
        process = await asyncio.create_subprocess_exec(*_command(0.1))
        assert await asyncio.wait_for(process.wait(), 60) == 0

    asyncio.run(run())


@pytest.mark.parametrize(
    "work",
    [
        _a_command,
        _a_command_that_is_too_slow,
        _a_process,
        _an_event_of_a_process,
        _a_queue_of_a_process,
        _a_pool_of_processes,
        _a_command_of_a_loop,
    ],
)
def test_a_process_has_its_time(work):
    """A wait for a process takes as long as it takes, and its timeout passes in real time."""
    clock = Clock()
    sandbox = Sandbox(clock, patience=60)
    with Undoing() as undoing:
        undoing.enter(clock.freeze())
        sandbox.open(undoing)
        sandbox.call(work)
    assert sandbox._time.sleepers.slept < 60


def test_the_time_of_a_process_passes():
    """The time that a collector really waits for a process passes on its clocks too."""
    clock = Clock()
    sandbox = Sandbox(clock, patience=60)
    with Undoing() as undoing:
        undoing.enter(clock.freeze())
        sandbox.open(undoing)
        before = time.monotonic()
        sandbox.call(_a_command_that_is_too_slow)
        assert 0.09 < time.monotonic() - before < 30


def _until(wait):
    due = time.monotonic() + 600
    while (left := due - time.monotonic()) > 0:
        wait(min(left, 100))


def _event():
    event = multiprocessing.get_context("fork").Event()
    _until(event.wait)


def _lock():
    lock = multiprocessing.get_context("fork").Lock()
    assert lock.acquire()
    assert not lock.acquire(block=False)
    _until(lambda seconds: lock.acquire(timeout=seconds))
    lock.release()


def _queue():
    items = multiprocessing.get_context("fork").Queue()

    def get(seconds):
        with pytest.raises(queue.Empty):
            items.get(timeout=seconds)

    _until(get)


@pytest.mark.parametrize("pause", [_event, _lock, _queue])
def test_waits_pass_in_virtual_time_without_processes(pause):
    """Where no process is running, a wait of ``multiprocessing`` takes no real time."""
    elapsed = []

    def collect(client, **job):
        before = time.monotonic()
        pause()
        elapsed.append(time.monotonic() - before)
        return every(client, **job)

    check_pagination(collect, without=VARIATIONS, max_examples=0)
    assert elapsed
    assert all(599 < each < 601 for each in elapsed)


def test_a_process_that_never_ends_is_given_up():
    """A collector that waits for a process for ever is stopped by ``patience``."""
    processes = []

    def collect(_client, **_job):
        processes.append(subprocess.Popen(_command(60)))
        processes[-1].wait(timeout=3600)

    with pytest.raises(PaginationViolation, match=r"it ran for 0\.2 s without making a call"):
        check_pagination(collect, examples=[EMPTY_PAGE], max_examples=0, patience=0.2)
    for process in processes:
        process.kill()
        process.wait()


def test_other_threads_wait_for_real():
    """A thread older than the check waits for a process and for its lock in real time."""
    sandbox, ended = Sandbox(Clock(), patience=5), []

    def work():
        sandbox._threads.exclude(threading.get_ident())
        lock = multiprocessing.get_context("fork").Lock()
        lock.acquire()
        ended.append(lock.acquire(timeout=0.01))
        items = multiprocessing.get_context("fork").Queue()
        with pytest.raises(queue.Empty):
            items.get(timeout=0.01)
        subprocess.run(_command(0), timeout=60, check=True)
        made[0].acquire()
        ended.append(made[0].acquire(timeout=0.01))

    with Undoing() as undoing:
        sandbox.open(undoing)
        made = [multiprocessing.get_context("fork").Lock()]
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert ended == [False, False]
    assert sandbox._time.sleepers.slept == 0


def test_which_processes_run(monkeypatch):
    """A process runs until it ends, whether or not somebody has asked for its exit status."""
    children = Children()
    with Undoing() as undoing:
        children.open(undoing)
        assert not children.run()
        process = subprocess.Popen(_command(60))
        assert children.run()
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not children.run()
        # Somebody else has asked.
        os.waitpid(process.pid, 0)
        assert not children.run()
        assert process.wait() == 0
        assert not children.run()
        process = _forked(time.sleep, 60)
        assert children.run()
        process.kill()
        process.join()
        assert not children.run()
    monkeypatch.delattr(os, "waitid")
    process = subprocess.Popen(_command(60))
    assert _runs(process)
    process.kill()
    process.wait()


def test_without_multiprocessing(monkeypatch):
    """Where ``multiprocessing`` has not been imported, nothing of it is replaced."""
    monkeypatch.delitem(sys.modules, "multiprocessing")
    with Undoing() as undoing:
        Sandbox(Clock(), patience=5).open(undoing)
        assert not Children().run()
        assert "multiprocessing" not in sys.modules


def test_a_platform_without_semaphores(monkeypatch):
    """Where ``multiprocessing`` has no semaphores, the rest of it works in virtual time."""
    monkeypatch.setitem(sys.modules, "multiprocessing.synchronize", None)
    with Undoing() as undoing:
        Sandbox(Clock(), patience=5).open(undoing)
        module = sys.modules["multiprocessing.queues"].time
        assert module is not time
        assert module.sleep is time.sleep
