"""What time the service thinks it is."""

from __future__ import annotations

import contextlib
import datetime
import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# freezegun fakes time for every caller but these modules: pytest times its tests and Hypothesis its
# examples, and neither may see a clock that stands still or leaps.
_REAL_TIME = ["_pytest.timing", "_pytest.runner", "_pytest.terminal", "hypothesis", "xdist"]


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


class Clock:
    """``datetime.now(timezone.utc)``, plus whatever a test has advanced it by.

    It follows freezegun and time-machine by itself, since it asks ``datetime`` anew each time.

    Example:
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
            ValueError: The time to pass is negative, where ``freeze(at)`` can go back; or it leads
                beyond the year 9999.
        """
        if delta is not None and not isinstance(delta, datetime.timedelta):
            msg = f"delta={delta!r} (expected a timedelta, or hours=…, minutes=…, seconds=…)"
            raise TypeError(msg)
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
        frozen = [(one, self.now()) for one in self._frozen[-1:]]

        def restore() -> None:
            self._offset = offset
            for one, at in frozen:
                if one in self._frozen:
                    one.move_to(at)

        return restore

    @contextlib.contextmanager
    def freeze(self, at: datetime.datetime | datetime.date | str | None = None) -> Iterator[Frozen]:
        """Stop time at ``at`` for the service and for the code under test alike.

        A thin layer over freezegun: ``datetime``, ``time.time`` and their kin stand still in every
        module but those of pytest and Hypothesis, and asyncio keeps running. The handle that it
        yields has freezegun's ``tick`` and ``move_to``.

        Args:
            at: A datetime (a naive one is UTC), a date, or text such as ``"2030-01-01 12:00"``;
                by default the time that the service's clock shows.

        Example:
            >>> clock = Clock()
            >>> with clock.freeze("2030-01-01") as frozen:
            ...     frozen.tick(hours=1)
            ...     print(clock.now(), datetime.datetime.now(datetime.timezone.utc) == clock.now())
            2030-01-01 01:00:00+00:00 True
        """
        import freezegun
        from freezegun import api

        freezer = freezegun.freeze_time(
            self.now() if at is None else at, ignore=list(_REAL_TIME), real_asyncio=True
        )
        with freezer as factory:
            frozen = Frozen(factory)
            self._frozen.append(frozen)
            # Looking five callers up, freezegun takes a test that Hypothesis calls for Hypothesis.
            depth, api.call_stack_inspection_limit = api.call_stack_inspection_limit, 1
            try:
                yield frozen
            finally:
                api.call_stack_inspection_limit = depth
                self._frozen.remove(frozen)


class Frozen:
    """Time, stopped: what ``Clock.freeze`` yields."""

    def __init__(self, factory: Any) -> None:
        self._factory = factory

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
        self._factory.tick(passed + datetime.timedelta(**parts))

    def move_to(self, at: datetime.datetime | datetime.date | str) -> None:
        """Set the time for service and code alike; backwards is allowed."""
        self._factory.move_to(at)
