"""The service's clock, which tests can advance and freeze."""

from __future__ import annotations

import contextlib
import copyreg
import datetime
import functools
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pytest_deadline_sessions._arguments import check_kind, wrong_value
from pytest_deadline_sessions._domain.thawing import Thawing
from pytest_deadline_sessions._patching import Patches, assign, set_global
from pytest_deadline_sessions._public import public
from pytest_deadline_sessions._text import shown

# The callers for which freezegun does not fake time. Pytest times its tests and Hypothesis its
# examples, and neither may see a clock that stops or jumps. If Trio's clock stopped as well, its
# sleeping tasks would never wake.
_REAL_TIME = (
    "_pytest.timing",
    "_pytest.runner",
    "_pytest.terminal",
    "hypothesis",
    "trio.",
    "xdist",
)

_MONOTONIC = {"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"}
_FREEZEGUN_LISTS = ("freeze_factories", "ignore_lists", "tick_flags", "tz_offsets")


_BEFORE_YEAR_10000 = "an end before the year 10000"
_MOMENT = "a datetime, a date, or text such as '2030-01-01 12:00'"


@functools.cache
def plain_datetime() -> type[datetime.datetime]:
    """The ``datetime`` class of the standard library, even while freezegun replaces it."""
    bases = reversed(datetime.datetime.__mro__)
    plain: type[datetime.datetime] = next(base for base in bases if "astimezone" in vars(base))
    return plain


def to_plain(moment: datetime.datetime) -> datetime.datetime:
    """``moment`` as a ``datetime`` of the standard library, in UTC."""
    utc = moment.astimezone(datetime.timezone.utc)
    return plain_datetime()(
        utc.year,
        utc.month,
        utc.day,
        utc.hour,
        utc.minute,
        utc.second,
        utc.microsecond,
        tzinfo=datetime.timezone.utc,
    )


@public
class Clock:
    """``datetime.now(timezone.utc)``, plus whatever a test has advanced it by.

    It follows freezegun and time-machine, because it calls ``datetime.now`` on every reading.

    Example:
        >>> import datetime
        >>> clock = Clock()
        >>> before = clock.now()
        >>> clock.advance(hours=25)
        >>> clock.now() - before >= datetime.timedelta(hours=25)
        True
    """

    def __init__(self) -> None:
        self._offset = datetime.timedelta(0)
        self._frozen: list[Frozen] = []

    def now(self) -> datetime.datetime:
        """The service's time: a plain, timezone-aware ``datetime`` in UTC."""
        now = to_plain(datetime.datetime.now(datetime.timezone.utc))
        return now if self._frozen else now + self._offset

    def advance(
        self,
        delta: datetime.timedelta | None = None,
        *,
        weeks: float = 0,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
    ) -> None:
        """Advance the service's time without waiting.

        Inside ``freeze`` the time of the code under test advances too.

        Args:
            delta: A ``timedelta``; or pass the parts of one by name.
            weeks: Added to ``delta``, as are the other parts.
            days: 24 hours each.
            hours: 60 minutes each.
            minutes: 60 seconds each.
            seconds: May have a fraction.

        Raises:
            TypeError: ``delta`` is not a ``timedelta``, or a part is not a number.
            ValueError: The total is negative (use ``freeze(at)`` to go back), or the clock would
                pass the year 9999.
        """
        if delta is not None:
            expected = "a timedelta, or hours=…, minutes=…, seconds=…"
            check_kind("delta", delta, datetime.timedelta, expected)
        passed = _length(
            delta, weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds
        )
        if passed < datetime.timedelta(0):
            length = f"{passed.total_seconds():g} s"
            msg = f"advance by {length} (expected 0 or more; freeze(at) goes back)"
            raise ValueError(msg)
        try:
            _ = self.now() + passed
        except OverflowError:
            msg = f"advance by {passed} (expected {_BEFORE_YEAR_10000})"
            raise ValueError(msg) from None
        if self._frozen:
            self._frozen[-1].tick(passed)
        else:
            self._offset += passed

    def reset(self) -> None:
        """Forget what ``advance`` added."""
        self._offset = datetime.timedelta(0)

    def snapshot(self) -> Callable[[], None]:
        """Save the clock's advances and its frozen time; calling the result restores them."""
        offset = self._offset
        stopped = [(frozen, self.now()) for frozen in self._frozen[-1:]]

        def restore() -> None:
            self._offset = offset
            for frozen, at in stopped:
                if frozen in self._frozen:
                    frozen.move_to(at)

        return restore

    @contextlib.contextmanager
    def freeze(self, at: datetime.datetime | datetime.date | str | None = None) -> Iterator[Frozen]:
        """Freeze time at ``at``, both for the service and for the code under test.

        A thin layer over freezegun: ``datetime``, ``time.time`` and related functions are frozen,
        except in Hypothesis, xdist and the modules of pytest that time tests. asyncio and trio keep
        running. The context manager yields a handle with freezegun's ``tick`` and ``move_to``.

        Args:
            at: A datetime (UTC if naive), a date, or text such as ``"2030-01-01 12:00"``; by
                default the service's current time.

        Raises:
            TypeError: ``at`` has another type.
            ValueError: ``at`` cannot be read as a time.

        Example:
            >>> import datetime
            >>> clock = Clock()
            >>> with clock.freeze("2030-01-01") as frozen:
            ...     frozen.tick(hours=1)
            ...     print(clock.now(), datetime.datetime.now(datetime.timezone.utc) == clock.now())
            2030-01-01 01:00:00+00:00 True
        """
        import freezegun

        at = self.now() if at is None else at
        with _reading(at):
            freeze = _Freeze(freezegun.freeze_time(at, ignore=list(_REAL_TIME)))
        frozen = Frozen(freeze)
        try:
            try:
                freeze.begin()
                self._frozen.append(frozen)
                yield frozen
            finally:
                self._thaw(frozen, freeze)
        finally:
            # Once more, because an interrupt may have cut the first call short.
            self._thaw(frozen, freeze)

    def _thaw(self, frozen: Frozen, freeze: _Freeze) -> None:
        freeze.end()
        if frozen in self._frozen:
            self._frozen.remove(frozen)


def _length(delta: datetime.timedelta | None, **parts: float) -> datetime.timedelta:
    """A length of time, given as a ``timedelta`` and its parts.

    Raises:
        TypeError: A part is not a number.
        ValueError: The length is more than a ``timedelta`` can hold.
    """
    for name, number in parts.items():
        check_kind(name, number, (int, float), "a number")
    try:
        return (delta or datetime.timedelta(0)) + datetime.timedelta(**parts)
    # For NaN it is a ValueError.
    except (OverflowError, ValueError):
        given = ", ".join(f"{name}={shown(number)}" for name, number in parts.items() if number)
        msg = f"advance by {given} (expected {_BEFORE_YEAR_10000})"
        raise ValueError(msg) from None


@contextlib.contextmanager
def _reading(at: object) -> Iterator[None]:
    """Refuse a value that freezegun, called inside the block, cannot read as a time."""
    check_kind("at", at, (datetime.date, str), _MOMENT)
    try:
        yield
    except (OverflowError, ValueError):
        raise wrong_value("at", at, _MOMENT) from None


class _Freeze:
    """One freeze by freezegun, which can be ended even if it was interrupted halfway.

    Args:
        freezer: The return value of ``freezegun.freeze_time``.
    """

    def __init__(self, freezer: Any) -> None:
        from freezegun import api

        self.factory: Any = None
        self._freezer = freezer
        self._ending = self._ended = False
        self._depths = {name: len(getattr(api, name)) for name in _FREEZEGUN_LISTS}
        self._modules = set(sys.modules)
        self._patches = Patches()
        # Inside another freeze, that one takes care of it.
        self._thawing = None if api.freeze_factories else Thawing(freezer.ignore)
        generator = api.uuid_generate_time_attr
        self._uuid = {name: getattr(uuid, name, None) for name in (generator, "_UuidCreate")}

    def begin(self) -> None:
        """Freeze time, except for event loops, whose sleepers must still wake."""
        from freezegun import api

        self.factory = self._freezer.start()
        if self._thawing is not None:
            self._thawing.begin()
        for loop in _loops_by_the_clock():
            self._patches.put(loop, "time", _real_time_of_loops)
        # By default freezegun inspects five callers, and mistakes a test that Hypothesis calls for
        # Hypothesis itself.
        self._patches.put(api, "call_stack_inspection_limit", 1)

    def end(self) -> None:
        """Unfreeze time; a second call finishes what an interrupted first one left."""
        from freezegun import api

        if self._ended:
            return
        if self._thawing is not None:
            self._thawing.end()
        self._patches.undo()
        if self.factory is not None and not self._ending:
            self._ending = True
            self._freezer.stop()
        else:
            self._repair()
        if not api.freeze_factories:
            # Freezegun does not restore the modules that it ignores, but those imported meanwhile
            # have picked up its fakes.
            new = sys.modules.keys() - self._modules
            _restore_real(sys.modules[name] for name in new if name.startswith(_REAL_TIME))
        self._ended = True

    def _repair(self) -> None:
        """Undo an interrupted start or stop, which freezegun itself cannot do."""
        from freezegun import api

        for name, depth in self._depths.items():
            del getattr(api, name)[depth:]
        if self._depths["freeze_factories"]:
            # Time was frozen before this freeze, and stays frozen.
            return
        _restore_real(sys.modules.values())
        for name, value in self._uuid.items():
            assign(uuid, name, value)
        for kind in (api.real_datetime, api.real_date):
            copyreg.dispatch_table.pop(kind, None)


def _restore_real(modules: Iterable[Any]) -> None:
    """Replace freezegun's fakes by the real functions and classes in the modules' globals."""
    from freezegun import api

    fakes = {"FakeDatetime": api.real_datetime, "FakeDate": api.real_date}
    for name, real in vars(api).items():
        if name.startswith("real_") and hasattr(api, name.replace("real_", "fake_")):
            fakes[name.replace("real_", "fake_")] = real
    by_id = {id(getattr(api, name)): (name, real) for name, real in fakes.items()}
    for module in list(modules):
        namespace = getattr(module, "__dict__", {})
        for name, value in list(namespace.items()):
            fake, real = by_id.get(id(value), (name, None))
            if name != fake:
                set_global(module, name, real)


def _loops_by_the_clock() -> Iterator[type]:
    """Yield the event loop classes whose ``time`` method reads a clock of the ``time`` module.

    Others are left alone: a loop written in C does not see the fakes, and a loop may define a time
    of its own.
    """
    import asyncio

    waiting: list[type] = [asyncio.AbstractEventLoop]
    while waiting:
        loop = waiting.pop()
        waiting += loop.__subclasses__()
        code = getattr(vars(loop).get("time"), "__code__", None)
        if code is not None and not _MONOTONIC.isdisjoint(code.co_names):
            yield loop


def _real_time_of_loops(_loop: Any) -> float:
    from freezegun import api

    now: float = api.real_monotonic()
    return now


class Frozen:
    """A handle on frozen time, which ``Clock.freeze`` yields."""

    def __init__(self, freeze: _Freeze) -> None:
        self._freeze = freeze

    def tick(self, delta: datetime.timedelta | float | None = None, **parts: float) -> None:
        """Advance the frozen time, both for the service and for the code under test.

        Args:
            delta: A ``timedelta`` or a number of seconds; 1 second if no argument is given.
            **parts: The parts of a ``timedelta``, such as ``hours=25``.

        Raises:
            TypeError: ``delta`` has another type, or a part is not a number.
            ValueError: The clock would leave the years 1 to 9999.
        """
        if delta is None and not parts:
            delta = 1
        expected = "a timedelta, or a number of seconds"
        check_kind("delta", delta, (datetime.timedelta, int, float, type(None)), expected)
        if delta is not None and not isinstance(delta, datetime.timedelta):
            delta = _length(None, seconds=delta)
        passed = _length(delta, **parts)
        try:
            self._freeze.factory.tick(passed)
        except OverflowError:
            msg = f"tick by {passed} (expected an end in the years 1 to 9999)"
            raise ValueError(msg) from None

    def move_to(self, at: datetime.datetime | datetime.date | str) -> None:
        """Set the frozen time for the service and the code under test; it may go back.

        Args:
            at: The same as for ``Clock.freeze``.

        Raises:
            TypeError: ``at`` has another type.
            ValueError: ``at`` cannot be read as a time.
        """
        with _reading(at):
            self._freeze.factory.move_to(at)
