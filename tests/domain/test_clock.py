from __future__ import annotations

import datetime

import freezegun
import pytest
import time_machine
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_deadline_sessions._domain.clock import Clock, plain_datetime, to_plain

UTC = datetime.timezone.utc
EAST = datetime.timezone(datetime.timedelta(hours=2))
NOON = datetime.datetime(2030, 1, 1, 12, tzinfo=UTC)
DAY = datetime.timedelta(days=1)
# freezegun replaces datetime.datetime in module globals, but not inside a tuple.
PLAIN = (datetime.datetime,)


@pytest.fixture
def clock():
    """A new clock for each test."""
    return Clock()


def _now():
    return datetime.datetime.now(UTC)


def test_a_clock_tells_the_time(clock):
    """A clock that is left alone shows the present time in UTC."""
    before, shown, after = _now(), clock.now(), _now()
    assert before <= shown <= after
    assert shown.tzinfo is UTC


@pytest.mark.parametrize("at", ["2030-01-01 12:00", NOON, NOON.astimezone(EAST)])
def test_the_clock_follows_freezegun(clock, at):
    """The clock shows freezegun's time, also after a tick and a move."""
    with freezegun.freeze_time(at) as frozen:
        assert clock.now() == NOON
        frozen.tick(DAY)
        assert clock.now() == NOON + DAY
        frozen.move_to(NOON - DAY)
        assert clock.now() == NOON - DAY
    assert clock.now() < NOON


def test_the_clock_follows_time_machine(clock):
    """The clock shows time-machine's time, also after a shift and a move."""
    with time_machine.travel(NOON, tick=False) as traveller:
        assert clock.now() == NOON
        traveller.shift(DAY)
        assert clock.now() == NOON + DAY
        traveller.move_to(NOON - DAY)
        assert clock.now() == NOON - DAY
    assert clock.now() < NOON


@pytest.mark.parametrize(
    "stop",
    [lambda: freezegun.freeze_time(NOON), lambda: time_machine.travel(NOON, tick=False)],
    ids=["freezegun", "time-machine"],
)
def test_advancing_adds_to_frozen_time(clock, stop):
    """Advanced time is added to the time that freezegun or time-machine shows."""
    clock.advance(hours=1)
    with stop():
        assert clock.now() == NOON + datetime.timedelta(hours=1)
        clock.advance(hours=1)
        assert clock.now() == NOON + datetime.timedelta(hours=2)
        assert _now() == NOON


@pytest.mark.parametrize(
    ("delta", "parts", "seconds"),
    [
        (None, {}, 0),
        (datetime.timedelta(0), {}, 0),
        (DAY, {}, 86400),
        (DAY, {"seconds": 1}, 86401),
        (None, {"weeks": 1}, 604800),
        (None, {"days": 1}, 86400),
        (None, {"hours": 1}, 3600),
        (None, {"minutes": 1}, 60),
        (None, {"seconds": 0.5}, 0.5),
        (None, {"weeks": 1, "days": 1, "hours": 1, "minutes": 1, "seconds": 1}, 694861),
        (DAY, {"hours": -24}, 0),
    ],
)
def test_advance(clock, delta, parts, seconds):
    """``advance`` adds the timedelta and the named parts, each time it is called."""
    with freezegun.freeze_time(NOON):
        clock.advance(delta, **parts)
        assert (clock.now() - NOON).total_seconds() == seconds
        clock.advance(delta, **parts)
        assert (clock.now() - NOON).total_seconds() == 2 * seconds


def test_advance_beyond_the_calendar(clock):
    """Advancing beyond the year 9999 raises an error at once, and no time passes."""
    with freezegun.freeze_time(NOON):
        with pytest.raises(ValueError, match="expected an end before the year 10000"):
            clock.advance(days=3_000_000)
        assert clock.now() == NOON


@pytest.mark.parametrize("delta", [60, 1.5, "1h", NOON])
def test_advance_by_what_is_no_timedelta(clock, delta):
    """A ``delta`` that is no timedelta raises an error that says what to pass; no time passes."""
    with freezegun.freeze_time(NOON):
        with pytest.raises(TypeError) as caught:
            clock.advance(delta)
        assert clock.now() == NOON
    assert str(caught.value) == (
        f"delta={delta!r} (expected a timedelta, or hours=…, minutes=…, seconds=…)"
    )


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 10**30, -(10**400)])
def test_advance_by_what_no_timedelta_holds(clock, number):
    """A part that no timedelta can hold raises an error that names the part; no time passes."""
    with freezegun.freeze_time(NOON):
        with pytest.raises(ValueError, match=r"^advance by weeks=.* before the year 10000\)$"):
            clock.advance(weeks=number)
        with pytest.raises(TypeError, match=r"^hours='2' \(expected a number\)$"):
            clock.advance(hours="2")
        assert clock.now() == NOON


@pytest.mark.parametrize(
    ("arguments", "parts", "shown"),
    [
        ((-DAY,), {}, "-86400"),
        ((), {"seconds": -0.5}, "-0.5"),
        ((DAY,), {"hours": -25}, "-3600"),
    ],
)
def test_time_does_not_go_back(clock, arguments, parts, shown):
    """Advancing by less than zero raises an error, and no time passes."""
    message = f"advance by {shown} s (expected 0 or more; freeze(at) goes back)"
    with freezegun.freeze_time(NOON):
        with pytest.raises(ValueError, match="advance by") as caught:
            clock.advance(*arguments, **parts)
        assert str(caught.value) == message
        with clock.freeze(), pytest.raises(ValueError, match="advance by"):
            clock.advance(*arguments, **parts)
        assert clock.now() == NOON


def test_clocks_are_independent(clock):
    """Advancing one clock does not advance another."""
    with freezegun.freeze_time(NOON):
        clock.advance(DAY)
        assert Clock().now() == NOON


def test_reset(clock):
    """``reset`` forgets the advanced time."""
    with freezegun.freeze_time(NOON):
        clock.advance(DAY)
        clock.reset()
        assert clock.now() == NOON
        clock.advance(DAY)
        assert clock.now() == NOON + DAY


def test_snapshot(clock):
    """A snapshot restores the advanced time, more than once and also after a reset."""
    with freezegun.freeze_time(NOON):
        clock.advance(DAY)
        restore = clock.snapshot()
        clock.advance(DAY)
        later = clock.snapshot()
        restore()
        assert clock.now() == NOON + DAY
        clock.reset()
        restore()
        assert clock.now() == NOON + DAY
        later()
        assert clock.now() == NOON + 2 * DAY


@pytest.mark.parametrize(
    "stop",
    [
        lambda _: freezegun.freeze_time(NOON),
        lambda _: time_machine.travel(NOON, tick=False),
        lambda clock: clock.freeze(NOON),
    ],
    ids=["freezegun", "time-machine", "freeze"],
)
def test_datetimes_are_plain(clock, stop):
    """The clock shows datetimes of the standard library, whichever tool has frozen time."""
    with stop(clock):
        assert type(clock.now()) is PLAIN[0]
        assert plain_datetime() is PLAIN[0]
        assert type(to_plain(_now())) is PLAIN[0]
        assert type(clock.now() + DAY) is PLAIN[0]
    assert plain_datetime() is PLAIN[0]


@given(
    st.datetimes(
        datetime.datetime(2, 1, 1),  # noqa: DTZ001 (Hypothesis adds the zones)
        datetime.datetime(9998, 1, 1),  # noqa: DTZ001
        timezones=st.sampled_from([UTC, EAST]),
    )
)
@example(datetime.datetime(2030, 1, 2, 3, 4, 5, 6, tzinfo=EAST))
def test_to_plain_keeps_the_instant(moment):
    """``to_plain`` keeps the instant to the microsecond, and converts it to UTC."""
    plain = to_plain(moment)
    assert plain == moment
    assert plain.tzinfo is UTC
