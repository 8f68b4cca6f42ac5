"""Collectors that would not come to an end are stopped, and time passes at once."""

from __future__ import annotations

import asyncio
import builtins
import datetime
import functools
import itertools
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
from collectors.wrong import every

from pytest_deadline_sessions import FakeDeadline, Listing, PaginationViolation, check_pagination
from pytest_deadline_sessions._domain.clock import Clock
from pytest_deadline_sessions.checking import (
    VARIATIONS,
    Case,
    Lapse,
    _runner,
    _virtual_time,
    _watchdog,
)
from pytest_deadline_sessions.checking._runaway import InsistentRunaway, Runaway
from pytest_deadline_sessions.checking._sandbox import Sandbox
from pytest_deadline_sessions.checking._undoing import Undoing

# A collector that is stopped while it closes its event loop leaves it.
pytestmark = [
    pytest.mark.usefixtures("stopped_are_collected"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]

_real_sleep = (time.sleep,)
EMPTY = Case(Listing(page_sizes=(0,)))


def violation_of(collect, **options):
    """What ``check_pagination`` finds, instead of hanging."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, **{"max_examples": 1, "patience": 0.3, **options})
    assert caught.value.rule == "terminates"
    return caught.value


CALLS = r"it made 3 calls \(expected at most 2\)"
SLEEPS = r"it slept 5000 times without a call in between"
WORKS = r"it ran for 0\.3 s without making a call"
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
    """Whatever they do and catch; the report tells why, and no thread is left at work."""
    threads = threading.active_count()
    found = violation_of(collect, examples=[EMPTY])
    assert found.case == EMPTY
    assert f"It was stopped: {why}".replace("\\", "") in found.finding.what
    until = time.monotonic() + 5
    while threading.active_count() > threads and time.monotonic() < until:
        time.sleep(0.01)
    assert threading.active_count() <= threads


@pytest.mark.skipif(not hasattr(signal, "SIGURG"), reason="nothing else ends waiting")
@pytest.mark.parametrize("collect", [runaway.waits_for_ever, runaway.a_pool_waits_for_ever])
def test_waiting_is_stopped(collect):
    """A collector that waits for what never comes does not hold up the suite."""
    assert "it ran for 0.3 s" in violation_of(collect, examples=[EMPTY]).finding.what


@pytest.mark.parametrize(
    "collect",
    [runaway.works_for_ever, runaway.works_for_ever_whatever_comes, runaway.calls_for_ever],
)
def test_runaways_are_stopped_outside_of_the_main_thread(collect):
    """Where no signal can be sent, too."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(violation_of, collect, examples=[EMPTY]).result()


def test_runaways_are_stopped_where_there_is_no_such_signal(monkeypatch):
    """As on Windows."""
    monkeypatch.setattr(_watchdog, "_SIGNAL", None)
    violation_of(runaway.works_for_ever, examples=[EMPTY])


def test_a_runaway_among_drawn_cases_is_not_shrunk():
    """Each step would take all the patience again."""
    caught = []

    def collect(client, **job):
        sessions = every(client, **job)
        if len(sessions) > 5 and sessions[-1]["lifecycleStatus"] == "UPDATE_FAILED":
            caught.append(len(sessions))
            runaway.works_for_ever(client, **job)
        return sessions

    found = violation_of(collect, max_examples=1000)
    assert "it ran for 0.3 s" in found.finding.what
    # Hypothesis has tried it twice, and each time it may have been called twice.
    assert set(caught) == {len(found.listing)}
    assert len(caught) <= 4


def test_who_goes_on_after_faults_is_stopped():
    """A fault that lasts is no reason to try for ever."""

    def patient(client, **job):
        while True:
            try:
                return every(client, **job)
            except Exception:  # noqa: BLE001, PERF203 (the mistake)
                time.sleep(1)

    case = Case(Listing(page_sizes=(1,)), lapses=(Lapse("AccessDeniedException"),))
    found = violation_of(patient, examples=[case])
    assert "It was stopped: it kept going after 1000 failed requests" in found.finding.what
    assert len(found.calls) == 1001


def test_what_stops_it_may_come_in_a_group():
    """As libraries that run several tasks hand on what ended them."""
    group = getattr(builtins, "BaseExceptionGroup", None)
    group = group or pytest.importorskip("exceptiongroup").BaseExceptionGroup

    def collect(client, **job):
        try:
            runaway.works_for_ever(client, **job)
        except BaseException as error:  # noqa: BLE001 (what is tested)
            raise group("several", [error]) from None

    violation_of(collect, examples=[EMPTY])


@pytest.mark.parametrize("change", ["end", "request_end"])
def test_nothing_changes_where_no_session_runs(change):
    """Drift that ends a session needs one that has not ended."""
    job = FakeDeadline().add_job(Listing(runs=(("ENDED", 2),)))
    before = [session.summary for session in job.sessions]
    _runner._change(job, change, None)
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
    """What else is in one must be what a collector may raise."""
    assert _runner._of_runaway(types.SimpleNamespace(exceptions=errors)) is runaway


def test_the_suite_goes_on():
    """After a runaway the same thread works, sleeps, waits and traces as before."""
    trace, hook, handler = sys.gettrace(), threading.excepthook, signal.getsignal(signal.SIGURG)
    violation_of(runaway.calls_for_ever_whatever_comes)
    violation_of(runaway.works_for_ever)
    assert sys.gettrace() is trace
    assert threading.excepthook is hook
    assert signal.getsignal(signal.SIGURG) is handler
    assert (time.sleep, imported_sleep) == (_real_sleep[0], _real_sleep[0])
    signal.raise_signal(signal.SIGURG)
    check_pagination(every, without=VARIATIONS, max_examples=1)


def test_sleeping_moves_the_time_of_service_and_collector_and_takes_none():
    """A day of waiting makes a token expire, at once."""
    passed, expired = [], []

    def slow(client, **job):
        response = client.list_sessions(**job)
        before = datetime.datetime.now(datetime.timezone.utc)
        time.sleep(24 * 3600 + 1)
        passed.append(datetime.datetime.now(datetime.timezone.utc) - before)
        if "nextToken" in response:
            try:
                client.list_sessions(**job, nextToken=response["nextToken"])
            except ClientError as error:
                expired.append("expired" in str(error))
                raise
        return response["sessions"]

    with pytest.raises(PaginationViolation, match="though it had caused every failed call itself"):
        check_pagination(slow, without=["faults"], max_examples=1)
    assert set(passed) == {datetime.timedelta(hours=24, seconds=1)}
    assert set(expired) == {True}


def test_who_is_stopped_has_time_to_clean_up(monkeypatch):
    """It is interrupted again if that takes long, and less and less often."""
    box = Sandbox(Clock(), patience=5)
    looks, interrupted = [], []
    monkeypatch.setattr(box._watchdog, "_interrupt", lambda **_: interrupted.append(len(looks)))

    class Ended:
        def wait(self, seconds):
            looks.append(seconds)
            return len(looks) > 60

    box._stopper.running, box._stopper.stopped = True, "it slept too long"
    box._watchdog.watch(Ended())
    assert interrupted[0] * _watchdog.STEP >= _virtual_time.GRACE
    pauses = [later - sooner for sooner, later in itertools.pairwise(interrupted)]
    assert len(pauses) == 3
    assert sorted(set(pauses)) == pauses


def test_the_shortest_sleep_moves_the_time():
    """Whoever sleeps until a certain time gets there, however small the steps."""
    passed = []

    def collect(client, **job):
        before = datetime.datetime.now(datetime.timezone.utc)
        time.sleep(1e-9)
        passed.append(datetime.datetime.now(datetime.timezone.utc) - before)
        return every(client, **job)

    check_pagination(collect, without=VARIATIONS, max_examples=1)
    assert set(passed) == {datetime.timedelta.resolution}


def test_an_async_sleep_gives_its_result_and_others_their_turn():
    """As the real one does."""
    seen = []

    async def collect(client, **job):
        async def note():
            seen.append(await asyncio.sleep(3600, "slept"))

        task = asyncio.create_task(note())
        await asyncio.sleep(-1)
        await task
        return every(client, **job)

    check_pagination(collect, without=VARIATIONS, max_examples=1)
    assert set(seen) == {"slept"}


def test_a_negative_sleep_is_refused():
    """As by the real one."""

    def collect(client, **job):
        with pytest.raises(ValueError, match="sleep length must be non-negative"):
            time.sleep(-1)
        return every(client, **job)

    check_pagination(collect, without=VARIATIONS, max_examples=1)


def test_threads_of_others_sleep_on():
    """Only what the collector starts, or what calls the service, is in the sandbox."""
    clock = Clock()
    box = Sandbox(clock, 1)
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
        box.open(undoing)
        go.set()
        thread.join()
    assert slept[0] >= 0.04


def test_a_pool_that_was_there_before_is_in_the_sandbox_once_it_calls():
    """Its waiting takes no time then."""
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
        # Less than one of its sleeps.
        assert time.monotonic() - before < 600


def test_a_pool_outlives_a_runaway_that_used_it():
    """Its idle threads are left alone."""
    with ThreadPoolExecutor(2) as pool:

        def collect(client, **job):
            pool.submit(runaway.nothing).result()
            return pool.submit(runaway.calls_for_ever, client, **job).result()

        violation_of(collect)
        assert list(pool.map(abs, [-1, -2, -3])) == [1, 2, 3]


def test_calls_after_the_end_are_refused():
    """A thread that goes on calling once its collector has returned is ended."""
    with pytest.raises(Runaway, match="it had already returned"):
        Sandbox(Clock(), 1).heard()


def test_signals_of_others_do_nothing():
    """Only a collector that has to be stopped is."""

    def collect(client, **job):
        signal.raise_signal(signal.SIGURG)
        return every(client, **job)

    check_pagination(collect, max_examples=1, without=VARIATIONS)


@pytest.mark.at_length
def test_an_error_in_a_thread_of_the_collector_is_told(monkeypatch):
    """Only what stops a runaway is nobody's business."""
    told = []
    monkeypatch.setattr(threading, "excepthook", lambda args: told.append(args.exc_type))

    def collect(client, **job):
        thread = threading.Thread(target=lambda: {}["no"])
        thread.start()
        thread.join()
        return every(client, **job)

    check_pagination(collect, without=VARIATIONS, max_examples=1)
    assert set(told) == {KeyError}
    told.clear()
    violation_of(runaway.a_thread_calls_for_ever)
    assert not told


def test_what_nobody_can_catch_is_told(monkeypatch):
    """But for what stops a runaway, in the last lines of a thread."""
    told = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: told.append(args.exc_type))

    def collect(client, **job):
        for error in (Runaway, InsistentRunaway, KeyError):
            sys.unraisablehook(types.SimpleNamespace(exc_type=error))
        return every(client, **job)

    check_pagination(collect, max_examples=1, without=VARIATIONS)
    assert set(told) == {KeyError}


def test_a_module_that_a_collector_imports_has_the_real_sleep_afterwards(tmp_path, monkeypatch):
    """It asked for ``time.sleep`` while ours stood there."""
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


def test_what_a_collector_keeps_of_our_sleep_sleeps_for_real_afterwards(monkeypatch):
    """It neither stops anybody nor moves a clock."""
    kept = []

    def collect(client, **job):
        kept[:] = [time.sleep, asyncio.sleep]
        return every(client, **job)

    check_pagination(collect, without=VARIATIONS, max_examples=1)
    slept = []

    async def sleep(delay, result):
        slept.append(delay)
        return result

    monkeypatch.setattr(_virtual_time, "_real_sleep", [slept.append])
    monkeypatch.setattr(_virtual_time, "_real_async_sleep", [sleep])
    kept[0](3)
    assert asyncio.run(kept[1](4, "slept")) == "slept"
    assert slept == [3, 4]


def test_defaults_are_given_back():
    """Those of functions anywhere: in modules, in classes, around the collector."""

    def nap(seconds, sleep=time.sleep, *, clock=time.monotonic, aio=asyncio.sleep):
        return sleep, clock, aio, seconds

    class Naps:
        @staticmethod
        def nap(sleep=time.sleep):
            return sleep

        def collect(self, client, **job):
            seen.extend([*nap(1)[:3], self.nap()])
            return every(client, **job)

    seen = []
    real = [time.sleep, time.monotonic, asyncio.sleep, time.sleep]
    collect = Naps().collect

    def around(client, **job):
        return collect(client, **job)

    check_pagination(functools.partial(around), without=VARIATIONS, max_examples=1)
    assert not {*map(id, seen)} & {*map(id, real)}
    assert [*nap(1)[:3], Naps.nap()] == real


def test_a_thread_that_is_left_stands_still_until_it_is_needed():
    """It neither moves the clock between two calls nor keeps anybody."""
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
    """They are not the collector's."""

    def expected(sessions):
        time.sleep(1)
        return sessions

    check_pagination(every, expected=expected, without=VARIATIONS, max_examples=1)


def test_exceptions_for_those_who_run_tests_pass_through():
    """Skipping, failing and interrupting are not the collector's to decide."""

    def collect(*_, **__):
        pytest.skip("not today")

    with pytest.raises(pytest.skip.Exception):
        check_pagination(collect)


@pytest.mark.at_length
def test_polling_for_what_never_comes():
    """Others are given time to work, but not for ever."""

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

    assert "it slept 5000 times" in violation_of(collect, examples=[EMPTY]).finding.what


def test_sessions_of_a_collector_share_what_they_load():
    """Also where one has data of its own."""

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


def test_waiting_longer_and_longer_for_ever():
    """Before the calendar ends."""

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


def test_who_sleeps_shortest_wakes_first():
    """In tasks that sleep side by side, of which the longest says how much time passes."""
    order = []
    passed = []

    async def collect(client, **job):
        async def sleep(seconds):
            await asyncio.sleep(seconds)
            order.append(seconds)

        before = datetime.datetime.now(datetime.timezone.utc)
        await asyncio.gather(sleep(3), sleep(1), sleep(2))
        passed.append(datetime.datetime.now(datetime.timezone.utc) - before)
        return every(client, **job)

    check_pagination(collect, without=VARIATIONS, max_examples=1)
    assert order[:3] == [1, 2, 3]
    assert set(passed) == {datetime.timedelta(seconds=3)}
