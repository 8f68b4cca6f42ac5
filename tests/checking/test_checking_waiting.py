"""Waiting takes no real time, and a wait that nothing can end is reported at once."""

from __future__ import annotations

import asyncio
import queue
import re
import selectors
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest
from collectors.judged import MAY_STOP_COLLECTORS
from collectors.wrong import every

from pytest_deadline_sessions import Listing, PaginationViolation, check_pagination
from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions.checking import VARIATIONS, Case
from pytest_deadline_sessions.checking._runaway import Runaway
from pytest_deadline_sessions.checking._sandbox import Sandbox
from pytest_deadline_sessions.checking._standing import place_of
from pytest_deadline_sessions.checking._undoing import Undoing

pytestmark = MAY_STOP_COLLECTORS

EMPTY_PAGE = Case(Listing(page_sizes=(0,)))


def _paced_by_event():
    due = time.monotonic() + 600
    while (left := due - time.monotonic()) > 0:
        threading.Event().wait(left)


def _paced_by_timer():
    event = threading.Event()
    timer = threading.Timer(600, event.set)
    timer.start()
    event.wait()
    timer.join()


def _paced_by_condition():
    condition, due = threading.Condition(), time.monotonic() + 600
    with condition:
        assert condition.wait_for(lambda: time.monotonic() >= due, timeout=700)


def _paced_by_queue():
    items = queue.Queue()

    def produce():
        time.sleep(600)
        items.put("item")

    thread = threading.Thread(target=produce)
    thread.start()
    polls = 0
    while True:
        try:
            items.get(timeout=100)
            break
        except queue.Empty:
            polls += 1
    assert polls in {5, 6}
    thread.join(timeout=60)


def _paced_by_pool():
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(time.sleep, 600)
        assert list(as_completed([future], timeout=5000)) == [future]
        assert future.result(timeout=1) is None


def _paced_by_join():
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    thread.join(timeout=600)
    ended.set()
    thread.join()
    thread.join()


def _paced_by_selector():
    ours, theirs = socket.socketpair()
    with ours, theirs, selectors.DefaultSelector() as selector:
        selector.register(ours, selectors.EVENT_READ)
        assert selector.select(600) == []
        theirs.send(b"!")
        assert selector.select()
        assert selector.select(600)


def _paced_by_loop():
    async def pause():
        loop = asyncio.get_running_loop()
        assert loop.time() == time.monotonic()
        event = asyncio.Event()
        loop.call_later(100, event.set)
        await asyncio.wait_for(event.wait(), 200)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 300)
        await asyncio.sleep(0)
        await asyncio.sleep(100)
        await asyncio.wait_for(asyncio.to_thread(time.sleep, 100), 5000)

    asyncio.run(pause())


@pytest.mark.parametrize(
    "pause",
    [
        _paced_by_event,
        _paced_by_timer,
        _paced_by_condition,
        _paced_by_queue,
        _paced_by_pool,
        _paced_by_join,
        _paced_by_selector,
        _paced_by_loop,
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

    before = time.monotonic()
    check_pagination(collect, without=VARIATIONS, max_examples=1)
    assert time.monotonic() - before < 60
    assert elapsed
    assert all(599 < each < 701 for each in elapsed)


def _gets_from_an_empty_queue(_client, **_job):
    queue.Queue().get()


async def _awaits_a_future(_client, **_job):
    await asyncio.get_running_loop().create_future()


async def _iterates_for_ever(_client, **_job):
    async def items():
        await asyncio.Event().wait()
        yield

    return [item async for item in items()]


def _joins_a_waiting_thread(_client, **_job):
    thread = threading.Thread(target=threading.Event().wait, daemon=True)
    thread.start()
    thread.join()


def _waits_for_its_own_pool(_client, **_job):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: pool.submit(int).result()).result()


@pytest.mark.parametrize(
    ("collect", "name"),
    [
        (_gets_from_an_empty_queue, "_gets_from_an_empty_queue"),
        (_awaits_a_future, "_awaits_a_future"),
        (_iterates_for_ever, "_iterates_for_ever|<listcomp>|items"),
        (_joins_a_waiting_thread, "_joins_a_waiting_thread"),
        (_waits_for_its_own_pool, "_waits_for_its_own_pool|<lambda>"),
    ],
)
def test_a_wait_without_end_is_reported_with_its_line(collect, name):
    """A wait that nothing can end is reported long before ``patience`` is over."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, examples=[EMPTY_PAGE], max_examples=1, patience=60)
    assert caught.value.rule == "terminates"
    what = caught.value.finding.what
    assert re.search(rf"waits for ever at .*test_checking_waiting\.py:\d+, in ({name})$", what)


def test_a_wait_for_others_is_stopped_by_patience():
    """A wait on a connection may be ended from outside, so it is stopped only by ``patience``."""

    def collect(_client, **_job):
        ours, theirs = socket.socketpair()
        with ours, theirs, selectors.DefaultSelector() as selector:
            selector.register(ours, selectors.EVENT_READ)
            selector.register(theirs, selectors.EVENT_READ)
            selector.select()

    with pytest.raises(PaginationViolation, match=r"it ran for 0\.5 s without making a call"):
        check_pagination(collect, examples=[EMPTY_PAGE], max_examples=1, patience=0.5)


def test_a_poll_that_never_ends_is_stopped():
    """A wait with a timeout that is as long as can be is stopped like a sleep of that length."""

    def collect(_client, **_job):
        threading.Event().wait(threading.TIMEOUT_MAX)

    with pytest.raises(PaginationViolation, match="slept for more than 7 days in all"):
        check_pagination(collect, examples=[EMPTY_PAGE], max_examples=1)


def test_an_earlier_thread_may_end_a_wait():
    """A wait that a thread older than the check can end is left alone as long as that works."""
    go, begun, done = threading.Event(), threading.Event(), threading.Event()

    def work():
        go.wait()
        begun.set()
        time.sleep(0.4)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()

    def collect(client, **job):
        go.set()
        begun.wait()
        done.wait()
        return every(client, **job)

    check_pagination(collect, without=VARIATIONS, max_examples=1)
    thread.join()


def test_a_thread_that_outlives_the_check_goes_on_waiting():
    """A thread that the collector leaves behind waits on, until its event comes."""
    event, done = threading.Event(), threading.Event()

    def work():
        event.wait()
        done.set()

    sandbox = Sandbox(Clock(), patience=5)
    with Undoing() as undoing:
        sandbox.open(undoing)
        thread = threading.Thread(target=work)
        thread.start()
        while not sandbox._time.sleepers._waiting:
            pass
    assert not done.wait(0.05)
    event.set()
    assert done.wait(5)
    thread.join()


def test_a_wait_that_is_over_before_its_time():
    """A wait with a timeout ends as soon as what it waits for is there, or at the last moment."""
    sandbox, ended = Sandbox(Clock(), patience=5), []
    sleepers = sandbox._time.sleepers

    def work():
        ended.append(sleepers.wait(600, lambda _seconds: True, lambda: True))

    with Undoing() as undoing:
        sandbox.open(undoing)
        assert sleepers.wait(0, lambda _seconds: True, lambda: True)
        # No collector is running, so the time of this thread does not pass.
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert ended == [True]
    assert sleepers.slept == 0


def test_a_wait_ends_with_a_collector_that_was_stopped():
    """A thread that waits without a limit is stopped once the collector was, in another thread."""
    sandbox = Sandbox(Clock(), patience=5)
    with Undoing() as undoing:
        sandbox.open(undoing)
        sandbox._stopper.stopped = "it made too many calls"
        with pytest.raises(Runaway, match="it made too many calls"):
            sandbox._time.sleepers.wait(None, lambda _seconds: False, lambda: False)


def test_a_place_without_code_of_the_collector():
    """Where no thread runs code of the collector, the report says that there is no line."""
    assert place_of([]) == "a place that Python does not know"


def test_an_unrelated_thread_joins_in_real_time():
    """A thread older than the check waits for another one in real time."""
    go, end, ended = threading.Event(), threading.Event(), []
    joined = threading.Thread(target=end.wait)

    def work():
        go.wait()
        joined.join(0.02)
        ended.append(joined.is_alive())
        end.set()
        joined.join()
        ended.append(joined.is_alive())

    joining = threading.Thread(target=work)
    joined.start()
    joining.start()
    with Undoing() as undoing:
        Sandbox(Clock(), patience=5).open(undoing)
        go.set()
        joining.join()
    assert ended == [True, False]
