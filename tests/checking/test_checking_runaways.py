"""Collectors that do not end are stopped, and sleeping takes no real time."""

from __future__ import annotations

import asyncio
import builtins
import datetime
import functools
import itertools
import re
import signal
import sys
import threading
import time
import types
from concurrent.futures import ThreadPoolExecutor
from time import sleep as imported_sleep

import botocore.session
import pytest
from botocore.exceptions import ClientError
from collectors import runaway
from collectors.judged import MAY_STOP_COLLECTORS
from collectors.wrong import every

from pytest_deadline_sessions import FakeDeadline, Listing, PaginationViolation, check_pagination
from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions.checking import (
    VARIATIONS,
    Case,
    Lapse,
    _drift,
    _runner,
    _search,
    _sleepers,
    _virtual_time,
    _watchdog,
)
from pytest_deadline_sessions.checking._runaway import InsistentRunaway, Runaway
from pytest_deadline_sessions.checking._sandbox import Sandbox
from pytest_deadline_sessions.checking._undoing import Undoing

pytestmark = MAY_STOP_COLLECTORS

_real_sleep = (time.sleep,)
EMPTY_PAGE = Case(Listing(page_sizes=(0,)))


def violation_of(collect, **options):
    """Return the *terminates* violation that ``check_pagination`` raises."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, **{"max_examples": 1, "patience": 0.15, **options})
    assert caught.value.rule == "terminates"
    return caught.value


CALLS = r"it made 3 calls \(expected at most 2\)"
SLEEPS = r"it slept 5000 times without a call in between"
WORKS = r"it ran for 0\.15 s without making a call"
YIELDS = r"it yielded more than 1000 items"


@pytest.mark.parametrize(
    ("collect", "why"),
    [
        (runaway.calls_for_ever, CALLS),
        (runaway.calls_for_ever_whatever_comes, CALLS),
        (runaway.calls_for_ever_by_a_helper, CALLS),
        (runaway.sleeps_for_ever, SLEEPS),
        (runaway.sleeps_for_ever_whatever_comes, SLEEPS),
        (runaway.sleeps_for_ever_in_a_loop, SLEEPS),
        (runaway.works_for_ever, WORKS),
        (runaway.works_for_ever_whatever_comes, WORKS),
        (runaway.a_thread_calls_for_ever, CALLS),
        (runaway.a_thread_works_for_ever, WORKS),
        (runaway.leaves_a_thread_at_work, CALLS),
        (runaway.a_pool_calls_for_ever, CALLS),
        (runaway.yields_for_ever, YIELDS),
        (runaway.yields_for_ever_in_a_loop, YIELDS),
    ],
)
def test_runaways_are_stopped(collect, why):
    """A runaway collector is stopped and reported, whatever it catches.

    No thread is left running.
    """
    threads = threading.active_count()
    violation = violation_of(collect, examples=[EMPTY_PAGE])
    assert violation.case == EMPTY_PAGE
    assert f"It was stopped: {why}".replace("\\", "") in violation.finding.what
    deadline = time.monotonic() + 5
    while threading.active_count() > threads and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= threads


@pytest.mark.parametrize("collect", [runaway.waits_for_ever, runaway.a_pool_waits_for_ever])
def test_waiting_is_stopped(collect):
    """A collector that waits for an event that never comes is stopped."""
    what = violation_of(collect, examples=[EMPTY_PAGE], patience=5).finding.what
    assert re.search(r"it waits for ever at .*runaway\.py:\d+, in \w*waits_for_ever", what)


@pytest.mark.parametrize(
    "collect",
    [runaway.works_for_ever, runaway.works_for_ever_whatever_comes, runaway.calls_for_ever],
)
def test_runaways_are_stopped_outside_of_the_main_thread(collect):
    """A runaway is stopped in a worker thread too, where no signal can reach it."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(violation_of, collect, examples=[EMPTY_PAGE]).result()


def test_runaways_are_stopped_without_signals(monkeypatch):
    """A runaway is stopped on platforms without SIGURG, such as Windows."""
    monkeypatch.setattr(_watchdog, "_SIGNAL", None)
    violation_of(runaway.works_for_ever, examples=[EMPTY_PAGE])


def test_only_threads_that_compute_are_interrupted(monkeypatch):
    """Threads that wait or sleep stop by themselves; only the one that computes is interrupted."""
    waiting, interrupted, ended = [], [], []
    interrupt = _watchdog._raise_in
    monkeypatch.setattr(
        _watchdog, "_raise_in", lambda each: [interrupted.append(each), interrupt(each)]
    )

    def work(wait):
        waiting.append(threading.get_ident())
        try:
            wait()
        finally:
            ended.append(threading.get_ident())

    def collect(*_, **__):
        event, lock = threading.Event(), threading.Lock()
        lock.acquire()
        for wait in (event.wait, lock.acquire, functools.partial(event.wait, 600)):
            threading.Thread(target=work, args=[wait], daemon=True).start()
        while True:
            pass

    with ThreadPoolExecutor(1) as pool:
        pool.submit(violation_of, collect, examples=[EMPTY_PAGE]).result()
    assert interrupted
    assert not set(interrupted) & set(waiting)
    assert sorted(ended) == sorted(waiting)


@pytest.mark.at_length
def test_a_runaway_among_drawn_cases_is_not_shrunk(monkeypatch):
    """A drawn case with a runaway is not shrunk: each step would take ``patience`` seconds."""
    sizes = []

    def collect(client, **job):
        sessions = every(client, **job)
        if len(sessions) > 5 and sessions[-1]["lifecycleStatus"] == "UPDATE_FAILED":
            sizes.append(len(sessions))
            runaway.works_for_ever(client, **job)
        return sessions

    monkeypatch.setattr(_search, "simplest", lambda *_, **__: [])
    violation = violation_of(collect, max_examples=1000)
    assert "it ran for 0.15 s" in violation.finding.what
    # Hypothesis runs the failing case twice, and may call the collector twice each time.
    assert set(sizes) == {len(violation.listing)}
    assert len(sizes) <= 4


def test_a_runaway_in_a_calm_case_is_run_once():
    """A runaway that is found after other cases is neither shrunk nor tried in experiments."""
    sizes = []

    def collect(client, **job):
        sessions = every(client, **job)
        if len(sessions) > 1:
            sizes.append(len(sessions))
            runaway.works_for_ever(client, **job)
        return sessions

    assert len(violation_of(collect, max_examples=0).listing) == 2
    assert sizes == [2]


def test_a_collector_that_retries_for_ever_is_stopped():
    """A collector that retries a permanent fault for ever is stopped after 1000 failed requests."""

    def patient(client, **job):
        while True:
            try:
                return every(client, **job)
            except Exception:  # noqa: BLE001, PERF203 (the mistake)
                time.sleep(1)

    case = Case(Listing(page_sizes=(1,)), lapses=(Lapse("AccessDeniedException"),))
    violation = violation_of(patient, examples=[case])
    assert "It was stopped: it kept going after 1000 failed requests" in violation.finding.what
    assert len(violation.calls) == 1001


def test_a_runaway_may_raise_a_group():
    """A collector may raise the exception that stops it inside an exception group."""
    group = getattr(builtins, "BaseExceptionGroup", None)
    group = group or pytest.importorskip("exceptiongroup").BaseExceptionGroup

    def collect(client, **job):
        try:
            runaway.works_for_ever(client, **job)
        except BaseException as error:  # noqa: BLE001 (what is tested)
            raise group("several", [error]) from None

    violation_of(collect, examples=[EMPTY_PAGE])


@pytest.mark.parametrize("change", ["end", "request-end"])
def test_drift_without_active_sessions_changes_nothing(change):
    """Drift that ends a session changes nothing if all sessions have ended."""
    job = FakeDeadline().add_job(Listing(runs=(("ENDED", 2),)))
    before = [session.summary for session in job.sessions]
    _drift._change(job, change, -1, None)
    assert [session.summary for session in job.sessions] == before


@pytest.mark.parametrize(
    ("errors", "runaway"),
    [
        ([Runaway()], True),
        ([Runaway(), ValueError("as it was stopped")], True),
        ([Runaway(), KeyboardInterrupt()], False),
        ([], False),
    ],
)
def test_groups_of_runaways(errors, runaway):
    """A group counts as a runaway if it contains one and otherwise only ordinary exceptions."""
    assert _runner._of_runaway(types.SimpleNamespace(exceptions=errors)) is runaway


def test_the_process_is_restored_after_a_runaway():
    """After a runaway, tracing, hooks, signal handlers and sleep are as before."""
    tracer, hook, handler = sys.gettrace(), threading.excepthook, signal.getsignal(signal.SIGURG)
    violation_of(runaway.calls_for_ever_whatever_comes)
    violation_of(runaway.works_for_ever)
    assert sys.gettrace() is tracer
    assert threading.excepthook is hook
    assert signal.getsignal(signal.SIGURG) is handler
    assert (time.sleep, imported_sleep) == (_real_sleep[0], _real_sleep[0])
    signal.raise_signal(signal.SIGURG)
    check_pagination(every, without=VARIATIONS, max_examples=1)


def test_sleeping_advances_the_clock_of_service_and_collector():
    """Sleeping for a day expires a token, and advances the collector's clock by a day."""
    elapsed, expired = [], []

    def slow(client, **job):
        response = client.list_sessions(**job)
        before = datetime.datetime.now(datetime.timezone.utc)
        time.sleep(24 * 3600 + 1)
        elapsed.append(datetime.datetime.now(datetime.timezone.utc) - before)
        if "nextToken" in response:
            try:
                client.list_sessions(**job, nextToken=response["nextToken"])
            except ClientError as error:
                expired.append("expired" in str(error))
                raise
        return response["sessions"]

    with pytest.raises(PaginationViolation, match="though it had caused every failed call itself"):
        check_pagination(slow, without=["faults"], max_examples=1)
    assert set(elapsed) == {datetime.timedelta(hours=24, seconds=1)}
    assert set(expired) == {True}


def test_a_stopped_collector_has_time_to_clean_up(monkeypatch):
    """A collector that cleans up slowly is interrupted again, at longer and longer intervals."""
    sandbox = Sandbox(Clock(), patience=5)
    polls, interrupted = [], []
    monkeypatch.setattr(sandbox._watchdog, "_interrupt", lambda _: interrupted.append(len(polls)))

    class Ended:
        def wait(self, seconds):
            polls.append(seconds)
            return len(polls) > 60

    sandbox._stopper.running, sandbox._stopper.stopped = True, "it slept too long"
    sandbox._watchdog.watch(Ended())
    assert interrupted[0] * _watchdog.STEP >= _sleepers.GRACE
    pauses = [later - sooner for sooner, later in itertools.pairwise(interrupted)]
    assert len(pauses) == 3
    assert sorted(set(pauses)) == pauses


def test_each_call_has_its_whole_patience():
    """After a collector was stopped, its next call may again run for ``patience`` seconds.

    It need not call the service before the watchdog looks at it, even if no look fell between.
    """
    sandbox = Sandbox(Clock(), patience=0.3)
    stopper, ticks = sandbox._stopper, itertools.count()

    class Ended:
        def wait(self, _seconds):
            tick = next(ticks)
            if tick == 10:
                stopper.reset()
            assert (stopper.stopped is not None) == (6 <= tick < 10)
            return tick == 15

    stopper.running = True
    sandbox._watchdog._interrupt = lambda _: None
    sandbox._watchdog.watch(Ended())


def test_the_shortest_sleep_advances_the_clock():
    """Even the shortest sleep advances the clock, by one microsecond."""
    elapsed = []

    def collect(client, **job):
        before = datetime.datetime.now(datetime.timezone.utc)
        time.sleep(1e-9)
        elapsed.append(datetime.datetime.now(datetime.timezone.utc) - before)
        return every(client, **job)

    check_pagination(collect, without=VARIATIONS, max_examples=1)
    assert set(elapsed) == {datetime.timedelta.resolution}


def test_an_async_sleep_returns_its_result_and_lets_tasks_run():
    """The patched ``asyncio.sleep`` returns its ``result``, and lets other tasks run."""
    results = []

    async def collect(client, **job):
        async def sleep_in_a_task():
            results.append(await asyncio.sleep(3600, "slept"))

        task = asyncio.create_task(sleep_in_a_task())
        await asyncio.sleep(-1)
        await task
        return every(client, **job)

    check_pagination(collect, without=VARIATIONS, max_examples=1)
    assert set(results) == {"slept"}


def test_a_negative_sleep_is_refused():
    """The patched ``time.sleep`` refuses a negative time, like the real one."""

    def collect(client, **job):
        with pytest.raises(ValueError, match="sleep length must be non-negative"):
            time.sleep(-1)
        return every(client, **job)

    check_pagination(collect, without=VARIATIONS, max_examples=1)


def test_unrelated_threads_sleep_in_real_time():
    """A thread that the collector did not start, and that makes no call, sleeps in real time."""
    clock = Clock()
    sandbox = Sandbox(clock, 1)
    slept, go = [], threading.Event()

    async def both():
        await asyncio.sleep(0.02)
        time.sleep(0.02)  # noqa: ASYNC251 (what a blocking collector does)

    def other():
        go.wait()
        before = time.monotonic()
        asyncio.run(both())
        slept.append(time.monotonic() - before)

    thread = threading.Thread(target=other)
    thread.start()
    with Undoing() as undoing:
        sandbox.open(undoing)
        go.set()
        thread.join()
    assert slept[0] >= 0.04


def test_an_earlier_pool_joins_virtual_time_once_it_calls():
    """A pool thread older than the check sleeps in virtual time once it makes a call."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(runaway.nothing).result()

        def work(client, job):
            sessions = every(client, **job)
            time.sleep(600)
            return sessions

        def collect(client, **job):
            return pool.submit(work, client, job).result()

        before = time.monotonic()
        check_pagination(collect, without=VARIATIONS, max_examples=1)
        # The check took less time than a single one of the sleeps.
        assert time.monotonic() - before < 600


def test_a_pool_outlives_a_runaway_that_used_it():
    """Stopping a collector does not end the idle threads of a pool that it used."""
    with ThreadPoolExecutor(2) as pool:

        def collect(client, **job):
            pool.submit(runaway.nothing).result()
            return pool.submit(runaway.calls_for_ever, client, **job).result()

        violation_of(collect)
        assert list(pool.map(abs, [-1, -2, -3])) == [1, 2, 3]


def test_calls_after_the_end_are_refused():
    """A call made after the collector has returned raises ``Runaway`` in the calling thread."""
    with pytest.raises(Runaway, match="it had already returned"):
        Sandbox(Clock(), 1).heard()


def test_stray_signals_do_nothing():
    """A SIGURG from elsewhere does not stop a collector that behaves."""

    def collect(client, **job):
        signal.raise_signal(signal.SIGURG)
        return every(client, **job)

    check_pagination(collect, max_examples=1, without=VARIATIONS)


@pytest.mark.at_length
def test_an_error_in_a_thread_reaches_the_excepthook(monkeypatch):
    """``threading.excepthook`` gets a thread's own errors, but not the one that stops a runaway."""
    hooked = []
    monkeypatch.setattr(threading, "excepthook", lambda args: hooked.append(args.exc_type))

    def collect(client, **job):
        thread = threading.Thread(target=lambda: {}["no"])
        thread.start()
        thread.join()
        return every(client, **job)

    check_pagination(collect, without=VARIATIONS, max_examples=1)
    assert set(hooked) == {KeyError}
    hooked.clear()
    violation_of(runaway.a_thread_calls_for_ever)
    assert not hooked


def test_unraisable_errors_reach_the_unraisablehook(monkeypatch):
    """``sys.unraisablehook`` gets everything except the exceptions that stop a runaway."""
    hooked = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: hooked.append(args.exc_type))

    def collect(client, **job):
        for error in (Runaway, InsistentRunaway, KeyError):
            sys.unraisablehook(types.SimpleNamespace(exc_type=error))
        return every(client, **job)

    check_pagination(collect, max_examples=1, without=VARIATIONS)
    assert set(hooked) == {KeyError}


def test_a_module_imported_by_a_collector_gets_the_real_sleep_back(tmp_path, monkeypatch):
    """A module imported during a check has the real ``time.sleep`` after the check."""
    (tmp_path / "imported_late.py").write_text(
        "from time import sleep\nfrom asyncio import sleep as aio\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    def collect(client, **job):
        import imported_late

        imported_late.sleep(3600)
        return every(client, **job)

    check_pagination(collect, without=VARIATIONS, max_examples=1)
    imported_late = sys.modules.pop("imported_late")
    assert imported_late.sleep is time.sleep
    assert imported_late.aio is asyncio.sleep


def test_a_saved_sleep_sleeps_for_real_after_the_check(monkeypatch):
    """A patched sleep that a collector saved sleeps in real time after the check."""
    saved = []

    def collect(client, **job):
        saved[:] = [time.sleep, asyncio.sleep]
        return every(client, **job)

    check_pagination(collect, without=VARIATIONS, max_examples=1)
    slept = []

    async def sleep(delay, result):
        slept.append(delay)
        return result

    monkeypatch.setattr(_virtual_time, "_real_sleep", [slept.append])
    monkeypatch.setattr(_virtual_time, "_real_async_sleep", [sleep])
    saved[0](3)
    assert asyncio.run(saved[1](4, "slept")) == "slept"
    assert slept == [3, 4]


def test_defaults_are_restored():
    """Default arguments that were patched for the check get their real functions back after it."""

    def nap(seconds, sleep=time.sleep, *, clock=time.monotonic, aio=asyncio.sleep):
        return sleep, clock, aio, seconds

    class Naps:
        @staticmethod
        def nap(sleep=time.sleep):
            return sleep

        def collect(self, client, **job):
            patched.extend([*nap(1)[:3], self.nap()])
            return every(client, **job)

    patched = []
    real = [time.sleep, time.monotonic, asyncio.sleep, time.sleep]
    collect = Naps().collect

    def wrapper(client, **job):
        return collect(client, **job)

    check_pagination(functools.partial(wrapper), without=VARIATIONS, max_examples=1)
    assert not {*map(id, patched)} & {*map(id, real)}
    assert [*nap(1)[:3], Naps.nap()] == real


@pytest.mark.at_length
def test_a_leftover_thread_does_not_advance_the_clock():
    """A leftover thread that sleeps in a loop does not advance the clock between two calls."""
    naps = []

    def nap():
        while not ended:
            time.sleep(3600)
            naps.append(datetime.datetime.now(datetime.timezone.utc))

    def collect(client, **job):
        if not threads:
            threads.append(threading.Thread(target=nap, daemon=True))
            threads[0].start()
        return every(client, **job)

    threads, ended = [], []
    check_pagination(collect, max_examples=1)
    ended.append(True)
    assert len(naps) < 1000


def test_expectations_may_sleep():
    """An ``expected`` function may sleep; its sleep does not count against the collector."""

    def expected(sessions):
        time.sleep(1)
        return sessions

    check_pagination(every, expected=expected, without=VARIATIONS, max_examples=1)


def test_a_skip_in_a_collector_skips_the_test():
    """``pytest.skip`` inside a collector skips the test instead of being a violation."""

    def collect(*_, **__):
        pytest.skip("not today")

    with pytest.raises(pytest.skip.Exception):
        check_pagination(collect)


@pytest.mark.at_length
def test_polling_for_ever_is_stopped(monkeypatch):
    """A collector that polls a thread that never ends is stopped after many sleeps."""

    def works(ended):
        while not ended:
            pass

    def collect(*_, **__):
        ended = []
        thread = threading.Thread(target=works, args=(ended,), daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                time.sleep(10)
        finally:
            ended.append(True)

    monkeypatch.setattr(_sleepers, "MOST_SLEEPS", 50)
    violation = violation_of(collect, examples=[EMPTY_PAGE], patience=5)
    assert "it slept 50 times" in violation.finding.what


def test_botocore_sessions_share_a_loader():
    """Botocore sessions in a check share a loader, except those with their own ``data_path``."""

    def collect(client, **job):
        session = botocore.session.Session()
        session.set_config_variable("data_path", "/nowhere")
        loaders.extend([session.get_component("data_loader"), other()])
        return every(client, **job)

    def other():
        return botocore.session.Session().get_component("data_loader")

    loaders = []
    check_pagination(collect, max_examples=1, without=VARIATIONS)
    assert loaders[1] is loaders[3] is not loaders[2]
    assert other() is not loaders[1]


def test_growing_backoff_is_stopped():
    """A collector that backs off ever longer is stopped after sleeping for seven days in total."""

    def collect(client, **job):
        seconds = 1
        while True:
            try:
                return every(client, **job)
            except ClientError:  # noqa: PERF203 (the mistake)
                time.sleep(seconds)
                seconds *= 2

    lasting = Case(Listing(page_sizes=(1,)), lapses=(Lapse("AccessDeniedException"),))
    assert "more than 7 days in all" in violation_of(collect, examples=[lasting]).finding.what


def test_the_shortest_sleep_ends_first():
    """Concurrent async sleeps end in order, and take only as long as the longest."""
    order = []
    elapsed = []

    async def collect(client, **job):
        async def sleep(seconds):
            await asyncio.sleep(seconds)
            order.append(seconds)

        before = datetime.datetime.now(datetime.timezone.utc)
        await asyncio.gather(sleep(3), sleep(1), sleep(2))
        elapsed.append(datetime.datetime.now(datetime.timezone.utc) - before)
        return every(client, **job)

    check_pagination(collect, without=VARIATIONS, max_examples=1)
    assert order[:3] == [1, 2, 3]
    assert set(elapsed) == {datetime.timedelta(seconds=3)}
