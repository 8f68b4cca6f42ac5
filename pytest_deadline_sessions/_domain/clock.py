"""What time the service thinks it is."""

from __future__ import annotations

import contextlib
import copyreg
import datetime
import functools
import sys
import uuid
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._arguments import check_kind
from pytest_deadline_sessions._patching import Patches, assign, set_global
from pytest_deadline_sessions._public import public

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# freezegun fakes time for every caller but these modules: pytest times its tests and Hypothesis its
# examples, and neither may see a clock that stands still or leaps.
# Trio's clock would stand still as well, and nobody who sleeps by it would ever wake.
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


@functools.cache
def plain_datetime() -> type[datetime.datetime]:
    """The ``datetime`` class of the standard library, also while freezegun stands in for it."""
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

    It follows freezegun and time-machine by itself, since it asks ``datetime`` anew each time.

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
        """Let that much time pass at the service, in no time.

        Inside ``freeze`` the code under test sees it pass too.

        Args:
            delta: A ``timedelta``; or give the parts of one by name.
            weeks: Added to ``delta``, as are the other parts.
            days: 24 hours each.
            hours: 60 minutes each.
            minutes: 60 seconds each.
            seconds: May have a fraction.

        Raises:
            TypeError: ``delta`` is no ``timedelta``.
            ValueError: The time is negative (use ``freeze(at)`` to go back), or the clock would
                pass the year 9999.
        """
        if delta is not None:
            expected = "a timedelta, or hours=…, minutes=…, seconds=…"
            check_kind("delta", delta, datetime.timedelta, expected)
        passed = (delta or datetime.timedelta(0)) + datetime.timedelta(
            weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds
        )
        if passed < datetime.timedelta(0):
            length = f"{passed.total_seconds():g} s"
            msg = f"advance by {length} (expected 0 or more; freeze(at) goes back)"
            raise ValueError(msg)
        try:
            _ = self.now() + passed
        except OverflowError:
            msg = f"advance by {passed} (expected an end before the year 10000)"
            raise ValueError(msg) from None
        if self._frozen:
            self._frozen[-1].tick(passed)
        else:
            self._offset += passed

    def reset(self) -> None:
        """Forget what ``advance`` added."""
        self._offset = datetime.timedelta(0)

    def snapshot(self) -> Callable[[], None]:
        """Remember what ``advance`` added so far; calling the result brings it back."""
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
        """Stop time at ``at`` for the service and for the code under test alike.

        A thin layer over freezegun: ``datetime``, ``time.time`` and their kin stand still in every
        module but those of pytest and Hypothesis, and asyncio and trio keep running. The handle
        that it yields has freezegun's ``tick`` and ``move_to``.

        Args:
            at: A datetime (a naive one is UTC), a date, or text such as ``"2030-01-01 12:00"``;
                by default the time that the service's clock shows.

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
        stop = _Stop(freezegun.freeze_time(at, ignore=list(_REAL_TIME)))
        frozen = Frozen(stop)
        try:
            try:
                stop.begin()
                self._frozen.append(frozen)
                yield frozen
            finally:
                self._thaw(frozen, stop)
        finally:
            # An interrupt may have broken that off.
            self._thaw(frozen, stop)

    def _thaw(self, frozen: Frozen, stop: _Stop) -> None:
        stop.end()
        if frozen in self._frozen:
            self._frozen.remove(frozen)


class _Stop:
    """Time stopped by freezegun, and going on however far that has come.

    Args:
        freezer: What ``freezegun.freeze_time`` gives.
    """

    def __init__(self, freezer: Any) -> None:
        from freezegun import api

        self.factory: Any = None
        self._freezer = freezer
        self._ending = self._ended = False
        self._depths = {name: len(getattr(api, name)) for name in _FREEZEGUN_LISTS}
        self._modules = set(sys.modules)
        self._patches = Patches()
        generator = api.uuid_generate_time_attr
        self._uuid = {name: getattr(uuid, name, None) for name in (generator, "_UuidCreate")}

    def begin(self) -> None:
        """Stop time, but for event loops: whoever sleeps in one has to wake."""
        from freezegun import api

        self.factory = self._freezer.start()
        for loop in _loops_by_the_clock():
            self._patches.put(loop, "time", _real_time_of_loops)
        # Looking five callers up, freezegun takes a test that Hypothesis calls for Hypothesis.
        self._patches.put(api, "call_stack_inspection_limit", 1)

    def end(self) -> None:
        """Let time go on; once is enough, and another time does what the first has left."""
        from freezegun import api

        if self._ended:
            return
        self._patches.undo()
        if self.factory is not None and not self._ending:
            self._ending = True
            self._freezer.stop()
        else:
            self._repair()
        if not api.freeze_factories:
            # Freezegun leaves alone what it has ignored, though a module that was imported
            # meanwhile took the fake for the real one.
            late = sys.modules.keys() - self._modules
            _give_back(sys.modules[name] for name in late if name.startswith(_REAL_TIME))
        self._ended = True

    def _repair(self) -> None:
        """Undo what freezegun has done half-way, which it cannot undo itself."""
        from freezegun import api

        for name, depth in self._depths.items():
            del getattr(api, name)[depth:]
        if self._depths["freeze_factories"]:
            # It was frozen before, and stays so.
            return
        _give_back(sys.modules.values())
        for name, value in self._uuid.items():
            assign(uuid, name, value)
        for kind in (api.real_datetime, api.real_date):
            copyreg.dispatch_table.pop(kind, None)


def _give_back(modules: Iterable[Any]) -> None:
    """Have the real thing wherever a module has a name for one of freezegun's."""
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
    """The classes of event loops that ask ``time`` for the time.

    Others are left alone: what is written in C meets no fake, and a loop may have a time of its
    own.
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
    """Time, stopped: what ``Clock.freeze`` yields."""

    def __init__(self, stop: _Stop) -> None:
        self._stop = stop

    def tick(self, delta: datetime.timedelta | float | None = None, **parts: float) -> None:
        """Let time pass for service and code alike.

        Args:
            delta: A ``timedelta`` or a number of seconds; 1 second if nothing is given.
            **parts: The parts of a ``timedelta``, such as ``hours=25``.
        """
        if isinstance(delta, datetime.timedelta):
            passed = delta
        else:
            default = 0 if parts else 1
            passed = datetime.timedelta(seconds=default if delta is None else delta)
        self._stop.factory.tick(passed + datetime.timedelta(**parts))

    def move_to(self, at: datetime.datetime | datetime.date | str) -> None:
        """Set the time for service and code alike; backwards is allowed."""
        self._stop.factory.move_to(at)
