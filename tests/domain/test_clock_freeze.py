"""``Clock.freeze``: one frozen time for the service and for the code under test."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import socket
import threading
import time

import freezegun
import pytest
from freezegun import api
from hypothesis import given, settings
from hypothesis import strategies as st
from interrupting import state, unlike

from pytest_deadline_sessions import FakeDeadline, Listing
from pytest_deadline_sessions._domain.clock import Clock

UTC = datetime.timezone.utc
EAST = datetime.timezone(datetime.timedelta(hours=2))
NOON = datetime.datetime(2030, 1, 1, 12, tzinfo=UTC)
DAY = datetime.timedelta(days=1)


@pytest.fixture
def clock():
    """A new clock for each test."""
    return Clock()


@pytest.fixture
def at_noon(clock):
    """The handle of a freeze at noon that lasts for the test."""
    with clock.freeze(NOON) as frozen:
        yield frozen


def _now():
    return datetime.datetime.now(UTC)


def _everywhere(clock):
    """Check that the clock, ``datetime`` and ``time`` show the same time, and return it."""
    shown = {
        clock.now(),
        _now(),
        datetime.datetime.fromtimestamp(time.time(), UTC),
        datetime.datetime.now().astimezone(UTC),
    }
    assert len(shown) == 1, shown
    assert datetime.date.today() == clock.now().date()  # noqa: DTZ011
    return shown.pop()


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOON, NOON),
        (NOON.astimezone(EAST), NOON),
        (NOON.replace(tzinfo=None), NOON),
        ("2030-01-01 12:00", NOON),
        ("2030-01-01T14:00:00+02:00", NOON),
        (datetime.date(2030, 1, 1), datetime.datetime(2030, 1, 1, tzinfo=UTC)),
        ("2030-01-01", datetime.datetime(2030, 1, 1, tzinfo=UTC)),
    ],
)
def test_freeze(clock, at, expected):
    """Frozen time is the same everywhere, and real time continues after the freeze."""
    before = _now()
    with clock.freeze(at):
        assert _everywhere(clock) == expected
        assert _everywhere(clock) == expected
    assert before < clock.now() < before + DAY
    assert before < _now() < before + DAY


def test_advancing_while_frozen(clock):
    """Time advanced in a freeze passes for the code under test too, and ends with the freeze."""
    with freezegun.freeze_time(NOON - DAY):
        clock.advance(hours=1)
        with clock.freeze(NOON):
            clock.advance(DAY, hours=1)
            assert _everywhere(clock) == NOON + DAY + datetime.timedelta(hours=1)
        assert clock.now() == NOON - DAY + datetime.timedelta(hours=1)


@pytest.mark.parametrize(
    ("arguments", "parts", "seconds"),
    [
        ((), {}, 1),
        ((0,), {}, 0),
        ((5,), {}, 5),
        ((0.5,), {}, 0.5),
        ((DAY,), {}, 86400),
        ((), {"hours": 25}, 90000),
        ((), {"minutes": 1, "seconds": 2}, 62),
        ((5,), {"minutes": 1}, 65),
        ((DAY,), {"seconds": 1}, 86401),
    ],
)
def test_tick(clock, at_noon, arguments, parts, seconds):
    """``tick`` advances by a timedelta, seconds or parts, and by one second without arguments."""
    at_noon.tick(*arguments, **parts)
    assert (_everywhere(clock) - NOON).total_seconds() == seconds


@pytest.mark.parametrize(
    ("arguments", "parts", "error"),
    [
        (("1 h",), {}, TypeError("delta='1 h' (expected a timedelta, or a number of seconds)")),
        ((), {"hours": "1"}, TypeError("hours='1' (expected a number)")),
        (
            (),
            {"hours": float("nan"), "minutes": 1},
            ValueError("advance by hours=nan, minutes=1 (expected an end before the year 10000)"),
        ),
        (
            (-3000 * 365 * DAY,),
            {},
            ValueError("tick by -1095000 days, 0:00:00 (expected an end in the years 1 to 9999)"),
        ),
    ],
)
def test_a_refused_tick(clock, at_noon, arguments, parts, error):
    """A tick by what is no length of time, or off the calendar, raises an error; no time passes."""
    with pytest.raises(type(error)) as caught:
        at_noon.tick(*arguments, **parts)
    assert str(caught.value) == str(error)
    assert _everywhere(clock) == NOON


@pytest.mark.parametrize("at", [NOON - DAY, NOON + DAY, "2031-01-01", datetime.date(2000, 1, 1)])
def test_move_to(clock, at_noon, at):
    """``move_to`` sets the frozen time, also back."""
    at_noon.move_to(at)
    with freezegun.freeze_time(at):
        expected = _now()
    assert _everywhere(clock) == expected
    assert clock.now().year == expected.year


def test_a_freeze_in_a_fixture(clock, at_noon):
    """A freeze made by a fixture holds in the test."""
    assert _everywhere(clock) == NOON
    at_noon.tick()
    assert _everywhere(clock) != NOON


def test_nested_freezes(clock):
    """An inner freeze hides the outer one, whose time does not change meanwhile."""
    with clock.freeze(NOON) as outer:
        with clock.freeze(NOON - DAY) as inner:
            inner.tick(60)
            clock.advance(minutes=1)
            assert _everywhere(clock) == NOON - DAY + datetime.timedelta(minutes=2)
        assert _everywhere(clock) == NOON
        clock.advance(minutes=1)
        outer.tick(60)
        assert _everywhere(clock) == NOON + datetime.timedelta(minutes=2)
    assert clock.now() < NOON


def test_a_freeze_within_freezegun(clock):
    """Without a time, ``freeze`` stops at the clock's present time, advanced time included."""
    with freezegun.freeze_time(NOON):
        clock.advance(DAY)
        with clock.freeze():
            assert _everywhere(clock) == NOON + DAY
        assert (_now(), clock.now()) == (NOON, NOON + DAY)


def test_an_error_in_a_freeze(clock, monkeypatch):
    """After an error in a freeze, time continues and freezegun has its settings back."""
    monkeypatch.setattr(api, "call_stack_inspection_limit", 7)
    with pytest.raises(RuntimeError), clock.freeze(NOON):
        raise RuntimeError
    clock.advance(DAY)
    assert DAY <= clock.now() - _now() + datetime.timedelta(seconds=1) < 2 * DAY
    assert api.call_stack_inspection_limit == 7


def test_reset_and_snapshot_leave_a_freeze_alone(clock):
    """Resetting or restoring the clock does not change the frozen time."""
    clock.advance(DAY)
    restore = clock.snapshot()
    with clock.freeze(NOON):
        clock.reset()
        assert _everywhere(clock) == NOON
        restore()
        assert _everywhere(clock) == NOON
    assert clock.now() > _now()


@pytest.mark.usefixtures("at_noon")
def test_asyncio_keeps_running():
    """In a freeze, asyncio's sleeps and timeouts end, and the time stays frozen."""

    async def poll():
        for _ in range(5):
            await asyncio.sleep(0)
        await asyncio.wait_for(asyncio.sleep(0.001), timeout=60)
        return _now()

    assert asyncio.run(poll()) == NOON


@pytest.mark.usefixtures("at_noon")
def test_threads_see_frozen_time():
    """A thread sees the frozen time, while ``threading`` waits in real time."""
    seen = []
    thread = threading.Thread(target=lambda: seen.append((time.time(), _now())))
    thread.start()
    thread.join(timeout=60)
    assert seen == [(NOON.timestamp(), NOON)]
    assert not threading.Event().wait(timeout=0.001)


@given(st.integers(0, 3))
@settings(max_examples=5, deadline=None)
def test_freezing_in_an_example(hours):
    """A Hypothesis example can freeze time."""
    clock = Clock()
    with clock.freeze(NOON) as frozen:
        assert _everywhere(clock) == NOON
        frozen.tick(hours=hours)
        assert time.time() == NOON.timestamp() + hours * 3600


def test_freezing_around_hypothesis(clock):
    """Hypothesis does not count days advanced in an example towards its deadline."""

    @given(st.integers(1, 3))
    @settings(max_examples=5)
    def examples(days):
        before = time.time()
        clock.advance(days=days)
        assert time.time() - before == days * 86400

    with clock.freeze(NOON):
        examples()


def test_durations_are_real(pytester, run_pytest):
    """Pytest reports real durations for a test and fixtures that freeze and advance time."""
    pytester.makepyfile(
        """
        import pytest
        from pytest_deadline_sessions import Clock

        @pytest.fixture
        def frozen():
            clock = Clock()
            with clock.freeze("2030-01-01"):
                clock.advance(days=1)
                yield clock

        def test_long(frozen):
            frozen.advance(days=1)
        """
    )
    result = run_pytest("--durations=0", "-vv")
    result.assert_outcomes(passed=1)
    fields = [
        line.split("s ")[0] for line in result.outlines if "test_long" in line and "s " in line
    ]
    durations = [float(text) for text in fields if text.replace(".", "").isdigit()]
    assert len(durations) == 3
    assert all(0 <= duration < 60 for duration in durations)
    result.stdout.re_match_lines([r"=+ 1 passed in \d\d?\.\d\ds =+"])


def test_a_snapshot_while_frozen():
    """A snapshot restores the frozen time, and has no effect after the freeze."""
    clock = Clock()
    with clock.freeze("2030-01-01") as frozen:
        frozen.tick(hours=1)
        restore, at = clock.snapshot(), clock.now()
        for _ in range(2):
            clock.advance(hours=25)
            assert clock.now() > at
            restore()
            assert clock.now() == at
    restore()
    assert clock.now() < at


@pytest.mark.parametrize("freeze", [Clock().freeze, freezegun.freeze_time])
@pytest.mark.parametrize("fast", [True, False])
def test_timestamps_in_responses_are_plain(fast, freeze):
    """A client in a freeze gets datetimes of the standard library, not of freezegun."""
    fake = FakeDeadline()
    client = fake.client(fast_timestamps=fast)
    given = {**next(iter(Listing(page_sizes=(1,)))), "startedAt": NOON}
    job = fake.add_job([given])
    with freeze("2030-01-01"):
        (session,) = client.list_sessions(**job)["sessions"]
    assert type(session["startedAt"]) is datetime.datetime
    assert session == given


def _refuses(*_, **__):
    raise RuntimeError("no sockets here")


def test_no_socket_is_needed(clock, monkeypatch):
    """Freezing works with sockets blocked, and restores everything afterwards."""
    before = state()
    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", _refuses)
        patch.setattr(socket, "socketpair", _refuses)
        with clock.freeze(NOON):
            assert _everywhere(clock) == NOON
            with pytest.raises(RuntimeError, match="no sockets here"):
                socket.socketpair()
    assert not unlike(before, state())


class _Derived(asyncio.SelectorEventLoop):
    """An event loop like those of libraries, whose clock is ``time.monotonic``."""

    def time(self):
        return time.monotonic()


class _Both(_Derived, asyncio.SelectorEventLoop):
    """An event loop class with two paths to asyncio's class."""


class _OwnTime(asyncio.SelectorEventLoop):
    """An event loop with its own time, such as one for tests."""

    def time(self):
        return 7.0


@pytest.mark.parametrize("inner", [Clock().freeze, freezegun.freeze_time])
@pytest.mark.parametrize("outer", [Clock().freeze, freezegun.freeze_time])
def test_event_loops_keep_real_time(clock, outer, inner):
    """Event loops keep real time in nested freezes, whenever they were created.

    A loop with its own time keeps that.
    """
    before = state()

    async def sleep():
        await asyncio.wait_for(asyncio.sleep(0.001), timeout=60)
        return _now()

    loops = [_Derived(), _Both()]
    own = _OwnTime()
    with outer(NOON), clock.freeze(NOON + DAY), inner(NOON + 2 * DAY):
        loops.append(asyncio.new_event_loop())
        for loop in loops:
            assert loop.run_until_complete(sleep()) == NOON + 2 * DAY
            first = loop.time()
            while loop.time() == first:
                pass
        assert own.time() == 7.0
    for loop in (*loops, own):
        loop.close()
    assert not unlike(before, state())
    assert "time" not in vars(_Both)


@pytest.mark.parametrize("around", [contextlib.nullcontext(), freezegun.freeze_time(NOON - DAY)])
def test_an_error_while_freezing(clock, monkeypatch, around):
    """An error while a freeze starts is raised as it is, and everything is restored."""
    start = api._freeze_time.start

    def fails(freezer):
        start(freezer)
        raise RuntimeError("half-way")

    with around:
        before = state()
        with monkeypatch.context() as patch:
            patch.setattr(api._freeze_time, "start", fails)
            with pytest.raises(RuntimeError, match="half-way"), clock.freeze(NOON):
                pass
        assert not unlike(before, state())


@pytest.mark.parametrize(
    ("at", "error", "shown"),
    [
        ("some day", ValueError, "'some day'"),
        ("2030-13-01", ValueError, "'2030-13-01'"),
        ("x" * 5_000, ValueError, f"'{'x' * 78}…"),
        (3, TypeError, "3"),
        (DAY, TypeError, repr(DAY)),
    ],
)
def test_a_refused_time_leaves_no_trace(clock, at, error, shown):
    """A time that freezegun cannot parse raises an error, and everything is restored."""
    message = f"at={shown} (expected a datetime, a date, or text such as '2030-01-01 12:00')"
    before = state()
    with pytest.raises(error) as caught, clock.freeze(at):
        pass
    assert str(caught.value) == message
    assert not unlike(before, state())
    with clock.freeze(NOON) as frozen:
        with pytest.raises(error) as caught:
            frozen.move_to(at)
        assert str(caught.value) == message
        assert _everywhere(clock) == NOON


@pytest.mark.usefixtures("at_noon")
@pytest.mark.parametrize("library", ["trio", "anyio"])
def test_trio_keeps_running(library):
    """In a freeze, trio's sleeps and timeouts end, and the time stays frozen."""
    trio = pytest.importorskip("trio")
    sleep = pytest.importorskip(library).sleep

    async def poll():
        with trio.fail_after(60):
            await sleep(0.001)
        with trio.move_on_after(0.001):
            await trio.sleep_forever()
        return _now()

    assert trio.run(poll) == NOON


def test_trio_imported_in_a_freeze(pytester, run_pytest):
    """Trio imported in a freeze runs in real time, and keeps nothing of freezegun afterwards."""
    pytest.importorskip("trio")
    pytester.makepyfile(
        """
        import sys
        import time

        def test_late(deadline_sessions):
            with deadline_sessions.clock.freeze("2030-01-01"):
                import trio
                trio.run(trio.sleep, 0.001)
            bound = [
                value
                for name, module in list(sys.modules.items())
                if name.startswith("trio.")
                for value in vars(module).values()
                if getattr(value, "__module__", "") == "freezegun.api"
            ]
            assert not bound
            assert trio._core._run.perf_counter is time.perf_counter
        """
    )
    run_pytest().assert_outcomes(passed=1)


def test_with_pytest_socket(pytester, run_pytest):
    """With sockets disabled by pytest-socket, time can be frozen and continues afterwards."""
    pytest.importorskip("pytest_socket")
    pytester.makepyfile(
        """
        import datetime

        def test_freeze(deadline_sessions):
            with deadline_sessions.clock.freeze("2031-01-01"):
                assert datetime.datetime.now().year == 2031

        def test_after():
            assert datetime.datetime.now().year != 2031
        """
    )
    result = run_pytest("-p", "pytest_socket", "--disable-socket")
    result.assert_outcomes(passed=2)
