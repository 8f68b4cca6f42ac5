"""Locks, simple queues, streams and signals: a collector waits for them in virtual time."""

from __future__ import annotations

import copy
import pickle
import queue
import re
import select
import signal
import socket
import threading
import time

import pytest
from collectors.judged import MAY_STOP_COLLECTORS
from collectors.wrong import every

from pytest_deadline_sessions import Listing, PaginationViolation, check_pagination
from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions.checking import VARIATIONS, Case, _waiting
from pytest_deadline_sessions.checking._sandbox import Sandbox
from pytest_deadline_sessions.checking._undoing import Undoing

pytestmark = MAY_STOP_COLLECTORS

EMPTY_PAGE = Case(Listing(page_sizes=(0,)))
# In tuples, so that rebinding leaves them alone.
LOCK, SIMPLE_QUEUE = (threading.Lock,), (queue.SimpleQueue,)


@pytest.fixture
def virtual():
    """Run the test itself in virtual time, as a collector that is running."""
    clock = Clock()
    sandbox = Sandbox(clock, patience=5)
    with Undoing() as undoing, clock.freeze():
        sandbox.open(undoing)
        sandbox._stopper.running = True
        yield sandbox
        sandbox._stopper.running = False


def _until(wait):
    """Wait for ten minutes, in pieces."""
    due = time.monotonic() + 600
    while (left := due - time.monotonic()) > 0:
        wait(min(left, 100))


def _a_lock():
    lock = threading.Lock()
    assert lock.acquire()
    _until(lambda seconds: lock.acquire(timeout=seconds))
    lock.release()


def _a_lock_of_another_thread():
    lock = threading.RLock()
    held, done = threading.Event(), threading.Event()

    def hold():
        with lock, lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    _until(lambda seconds: lock.acquire(timeout=seconds))
    done.set()
    with lock:
        thread.join()


def _a_lock_whose_holder_sleeps():
    lock, held = threading.Lock(), threading.Event()

    def hold():
        with lock:
            held.set()
            time.sleep(600)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    with lock:
        thread.join()


def _a_condition_with_a_lock():
    condition = threading.Condition(threading.Lock())
    with condition:
        _until(condition.wait)


def _a_simple_queue():
    items = queue.SimpleQueue()
    thread = threading.Timer(600, items.put, [1])
    thread.start()
    assert items.get() == 1
    thread.join()


def _an_empty_simple_queue():
    items = queue.SimpleQueue()

    def get(seconds):
        with pytest.raises(queue.Empty):
            items.get(timeout=seconds)

    _until(get)


def _streams():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        _until(lambda seconds: select.select([ours], [], [], seconds))
        theirs.send(b"!")
        assert select.select([ours], [], []) == ([ours], [], [])
        assert select.select([ours], [], [], 0) == ([ours], [], [])


def _a_signal():
    _until(lambda seconds: signal.sigtimedwait([signal.SIGUSR2], seconds))
    assert signal.sigtimedwait([signal.SIGUSR2], 0) is None


needs_signals = pytest.mark.skipif(
    not hasattr(signal, "sigtimedwait"), reason="this platform cannot wait for a signal so"
)


@pytest.mark.parametrize(
    "pause",
    [
        _a_lock,
        _a_lock_of_another_thread,
        _a_lock_whose_holder_sleeps,
        _a_condition_with_a_lock,
        _a_simple_queue,
        _an_empty_simple_queue,
        _streams,
        pytest.param(_a_signal, marks=needs_signals),
    ],
)
def test_waits_pass_in_virtual_time(pause):
    """A wait of ten minutes takes as long by the collector's clocks, and no real time."""
    elapsed = []

    def collect(client, **job):
        before = time.monotonic()
        pause()
        elapsed.append(time.monotonic() - before)
        return every(client, **job)

    check_pagination(collect, without=VARIATIONS, max_examples=0)
    assert elapsed
    assert all(599 < each < 601 for each in elapsed)


def _locks_twice(_client, **_job):
    lock = threading.Lock()
    with lock, lock:
        pass


def _locks_crosswise(lock):
    both = threading.Barrier(2)

    def collect(_client, **_job):
        locks = lock(), lock()

        def work(first, second):
            with first:
                both.wait()
                with second:
                    pass

        threading.Thread(target=work, args=locks, daemon=True).start()
        work(*reversed(locks))

    return collect


def _gets_from_an_empty_queue(_client, **_job):
    queue.SimpleQueue().get()


@pytest.mark.parametrize(
    ("collect", "name"),
    [
        (_locks_twice, "_locks_twice"),
        # Looked up when the collector runs.
        (_locks_crosswise(lambda: threading.Lock()), "work"),  # noqa: PLW0108
        (_locks_crosswise(lambda: threading.RLock()), "work"),  # noqa: PLW0108
        (_gets_from_an_empty_queue, "_gets_from_an_empty_queue"),
    ],
)
def test_a_deadlock_is_reported_with_its_line(collect, name):
    """A wait for a lock or a queue that nothing can end is reported long before ``patience``."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, examples=[EMPTY_PAGE], max_examples=1, patience=60)
    assert caught.value.rule == "terminates"
    what = caught.value.finding.what
    assert re.search(rf"waits for ever at .*test_checking_locks\.py:\d+, in {name}$", what)


@needs_signals
def test_a_signal_that_comes(virtual):
    """A signal that the collector waits for ends its wait."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    try:
        signal.raise_signal(signal.SIGUSR2)
        assert signal.sigwait([signal.SIGUSR2]) is signal.SIGUSR2
        signal.raise_signal(signal.SIGUSR2)
        assert signal.sigtimedwait([signal.SIGUSR2], 10).si_signo == signal.SIGUSR2
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert virtual._time.sleepers.slept == 0


def test_a_lock_is_like_a_real_one(virtual):
    """A collector's lock has the interface, the type and the errors of a real one."""
    real, lock = LOCK[0](), threading.Lock()
    assert virtual
    assert type(lock) is not type(real)
    assert {name for name in dir(real) if not name.startswith("__")} <= set(dir(lock))
    assert isinstance(lock, type(real))
    assert isinstance(lock, threading.Lock)
    assert isinstance(real, threading.Lock)
    assert re.fullmatch(r"<unlocked _thread.lock object at .*>", repr(lock))
    assert lock.acquire_lock()
    assert lock.locked()
    assert lock.locked_lock()
    assert not lock.acquire(False)
    assert not lock.acquire(timeout=0)
    lock.release_lock()
    for wrong in (lambda: lock.acquire(False, 1), lambda: lock.acquire(timeout=-2)):
        with pytest.raises(ValueError, match="timeout"):
            wrong()
    with pytest.raises(RuntimeError, match="unlocked lock"):
        lock.release()
    with pytest.raises(TypeError, match="cannot pickle"):
        copy.copy(lock)
    lock.acquire()
    lock._at_fork_reinit()
    assert not lock.locked()


def test_a_queue_is_like_a_real_one(virtual):
    """A collector's simple queue has the interface, the type and the errors of a real one."""
    assert virtual
    real, items = SIMPLE_QUEUE[0](), queue.SimpleQueue()
    assert type(items) is not type(real)
    assert isinstance(items, SIMPLE_QUEUE[0])
    assert isinstance(real, queue.SimpleQueue)
    assert queue.SimpleQueue[int]
    assert queue.SimpleQueue | None
    items.put_nowait(1)
    items.put(2, block=True, timeout=3)
    assert (items.qsize(), items.empty()) == (2, False)
    assert (items.get_nowait(), items.get(block=False)) == (1, 2)
    with pytest.raises(queue.Empty):
        items.get_nowait()
    with pytest.raises(queue.Empty):
        items.get(timeout=600)
    with pytest.raises(TypeError, match="cannot pickle"):
        pickle.dumps(items)


def test_a_queue_may_be_derived_from(virtual):
    """A class that is derived from a simple queue during a check is an ordinary class."""

    class Items(queue.SimpleQueue):
        def first(self):
            return self.get(timeout=1)

    assert virtual
    items = Items()
    items.put(1)
    assert items.first() == 1
    assert isinstance(items, SIMPLE_QUEUE[0])


def test_other_threads_get_real_ones(virtual):
    """A thread older than the check makes real locks and queues, and waits in real time."""
    sandbox, made, go = virtual, [], threading.Event()
    lock = threading.Lock()
    items = queue.SimpleQueue()
    lock.acquire()

    def work():
        sandbox._threads.exclude(threading.get_ident())
        made.extend([threading.Lock(), threading.RLock(), queue.SimpleQueue()])
        before = sandbox._time.sleepers.slept
        assert not lock.acquire(timeout=0.01)
        with pytest.raises(queue.Empty):
            items.get(timeout=0.01)
        assert select.select([], [], [], 0.01) == ([], [], [])
        if hasattr(signal, "sigtimedwait"):
            assert signal.sigtimedwait([signal.SIGUSR2], 0.01) is None
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
            signal.pthread_kill(threading.get_ident(), signal.SIGUSR2)
            made.append(signal.sigwait([signal.SIGUSR2]))
        assert sandbox._time.sleepers.slept == before
        go.set()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert go.is_set()
    assert type(made[0]) is type(LOCK[0]())
    assert type(made[1]).__module__ == "_thread"
    assert type(made[2]) is SIMPLE_QUEUE[0]


def test_libraries_get_real_locks(virtual):
    """A lock that the standard library makes for itself is a real one."""
    assert virtual
    assert type(queue.Queue().mutex) is type(LOCK[0]())
    assert type(threading.Condition()._lock).__module__ == "_thread"


def test_names_are_restored():
    """After a check, every name stands for the real lock, queue and wait again."""

    def collect(client, **job):
        during.append((threading.Lock, threading.RLock, queue.SimpleQueue, select.select))
        return every(client, **job)

    during = []
    real = (threading.Lock, threading.RLock, queue.SimpleQueue, select.select)
    check_pagination(collect, without=VARIATIONS, max_examples=0)
    assert not set(during[0]) & set(real)
    assert (threading.Lock, threading.RLock, queue.SimpleQueue, select.select) == real


def test_a_platform_that_cannot_wait_for_signals_so(monkeypatch):
    """Where the platform has no waits for signals with a timeout, those for locks are virtual."""
    monkeypatch.setattr(_waiting, "_real_sigtimedwait", (None,))
    with Undoing() as undoing:
        Sandbox(Clock(), patience=5).open(undoing)
        assert threading.Lock is not LOCK[0]


def test_a_worker_waits_for_work_without_being_stopped():
    """A pool without work is neither stopped nor reported, however long the collector works."""
    sandbox, got = Sandbox(Clock(), patience=5), []

    def work():
        got.append(items.get())

    with Undoing() as undoing:
        sandbox.open(undoing)
        items = queue.SimpleQueue()
        thread = threading.Thread(target=work)
        thread.start()
        while not sandbox._time.sleepers._waiting:
            pass
    # The thread outlives the check.
    items.put(1)
    thread.join()
    assert got == [1]
