"""Instants and durations in the life of a session."""

from __future__ import annotations

import datetime
import functools

from hypothesis import strategies as st

UTC = datetime.timezone.utc
EARLIEST = datetime.datetime(2024, 4, 2, tzinfo=UTC)
LATEST = datetime.datetime(2035, 1, 1, tzinfo=UTC)
_SOME_TIME = datetime.datetime(2025, 1, 1, tzinfo=UTC)

MICROSECOND = datetime.timedelta(microseconds=1)
_MILLISECOND = datetime.timedelta(milliseconds=1)
_SECOND = datetime.timedelta(seconds=1)
_MINUTE = datetime.timedelta(minutes=1)
_HOUR = datetime.timedelta(hours=1)
_DAY = datetime.timedelta(days=1)
# Zero is listed three times, since a session may be updated or end immediately.
_UNITS = (*[datetime.timedelta(0)] * 3, _SECOND, _MINUTE, _HOUR, _DAY)
_NEAR_UNITS = (
    MICROSECOND,
    _MILLISECOND,
    _SECOND - _MILLISECOND,
    _MINUTE + _MILLISECOND,
    _HOUR + _MILLISECOND,
    _DAY + _MILLISECOND,
    _DAY + _SECOND,
    30 * _DAY,
)


@functools.cache
def zones() -> st.SearchStrategy[datetime.timezone]:
    """Time zones as offsets from UTC; shrinks to UTC itself."""
    minutes = st.sampled_from([0, 60, -480, 330, 840, -720])
    return minutes.map(lambda offset: datetime.timezone(datetime.timedelta(minutes=offset)))


def _seconds(low: int, high: int) -> st.SearchStrategy[datetime.timedelta]:
    return st.integers(low, high).map(lambda drawn: datetime.timedelta(seconds=drawn))


@functools.cache
def durations() -> st.SearchStrategy[datetime.timedelta]:
    """Durations from zero to 40 days, often at or near one second, minute, hour or day."""
    return st.one_of(
        st.sampled_from(_UNITS), st.sampled_from(_NEAR_UNITS), _seconds(0, 40 * 24 * 3600)
    )


def moments(now: datetime.datetime | None) -> st.SearchStrategy[datetime.datetime]:
    """Instants with offsets and fractions of a second; not after ``now`` if it is given.

    Many are drawn from a small set, so that a list of sessions has ties.
    """
    if now is not None:
        return st.builds(lambda ago, zone: (now - ago).astimezone(zone), durations(), zones())
    span = [int((end - _SOME_TIME).total_seconds()) for end in (EARLIEST, LATEST)]
    shift = st.one_of(durations(), _seconds(*span))
    return st.builds(lambda moved, zone: (_SOME_TIME + moved).astimezone(zone), shift, zones())


def draw_in_order(
    draw: st.DrawFn,
    names: list[str],
    fixed: dict[str, datetime.datetime],
    now: datetime.datetime | None,
    instants: st.SearchStrategy[datetime.datetime],
) -> dict[str, datetime.datetime]:
    """Draw instants in the order of ``names``, around the fixed ones.

    If no instant is fixed, the first one is drawn from ``instants``. With ``now``, the last one is
    drawn instead, because what then matters is how long ago it was.
    """
    times = dict(fixed) or {names[0 if now is None else -1]: draw(instants)}
    first = min(names.index(name) for name in times)
    for index in range(first - 1, -1, -1):
        moved = times[names[index + 1]] - draw(durations())
        times[names[index]] = moved.astimezone(draw(zones()))
    for index in range(first + 1, len(names)):
        before = times[names[index - 1]]
        if names[index] in times:
            continue
        later = [times[name] for name in names[index:] if name in times]
        ceilings = [*later, *([now] if now is not None else [])]
        moved = before + draw(durations())
        moved = min([moved, max(before, min(ceilings))]) if ceilings else moved
        times[names[index]] = moved.astimezone(draw(zones()))
    return times
