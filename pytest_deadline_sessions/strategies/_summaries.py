"""Ids, summaries, and lists of summaries."""

from __future__ import annotations

import datetime
import functools
import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from hypothesis import strategies as st

from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions._api.placeholders import OTHER_REQUESTERS
from pytest_deadline_sessions._api.types import SessionSummary
from pytest_deadline_sessions.lifecycle import ENDED, STARTED
from pytest_deadline_sessions.strategies._instants import MICROSECOND, draw_in_order, moments
from pytest_deadline_sessions.strategies._options import (
    check_sizes,
    check_switches,
    deferred,
    refuse,
    refuse_value,
)

if TYPE_CHECKING:
    from botocore.model import Shape

_MOST = 16**32 - 1
_UPDATE = ("targetLifecycleStatus", "updatedAt", "updatedBy")
# Hypothesis cannot draw longer lists session by session.
_MOST_LISTED = 100
_NONE = datetime.timedelta(0)
# Start offset from the previous session when this one is otherwise its copy; None for an
# independent session (most).
_TWINS: tuple[datetime.timedelta | None, ...] = (
    *[None] * 10,
    _NONE,
    _NONE,
    MICROSECOND,
    -MICROSECOND,
)
_TIMES = ("startedAt", "updatedAt", "endedAt")
_LATE = (*_TIMES, "updatedBy")


def _ids(shape: str) -> st.SearchStrategy[str]:
    return st.integers(0, _MOST).map(lambda number: model.make_id(shape, number))


def farm_ids() -> st.SearchStrategy[str]:
    """Farm ids that match the pattern in the service model."""
    return deferred(lambda: _ids("FarmId"))


def queue_ids() -> st.SearchStrategy[str]:
    """Queue ids that match the pattern in the service model."""
    return deferred(lambda: _ids("QueueId"))


def job_ids() -> st.SearchStrategy[str]:
    """Job ids that match the pattern in the service model."""
    return deferred(lambda: _ids("JobId"))


def fleet_ids() -> st.SearchStrategy[str]:
    """Fleet ids that match the pattern in the service model."""
    return deferred(lambda: _ids("FleetId"))


def worker_ids() -> st.SearchStrategy[str]:
    """Worker ids that match the pattern in the service model."""
    return deferred(lambda: _ids("WorkerId"))


def session_ids() -> st.SearchStrategy[str]:
    """Session ids that match the pattern in the service model."""
    return deferred(lambda: _ids("SessionId"))


def lifecycle_statuses() -> st.SearchStrategy[str]:
    """Every ``lifecycleStatus`` of the service model; shrinks to its first."""
    return deferred(lambda: st.sampled_from(model.enum("SessionLifecycleStatus")))


def session_summaries(
    *, consistent: bool = True, now: datetime.datetime | None = None, **members: Any
) -> st.SearchStrategy[SessionSummary]:
    """Session summaries that the service could send.

    Args:
        consistent: Whether the members obey ``lifecycle.RULES``; ``False`` gives anything that the
            service model allows.
        now: The current time (timezone-aware). No time in a summary is later; some sessions have
            just started or ended, others have been running for a long time.
        **members: Members to fix: a value, or a strategy for it. Impossible values of a strategy
            are skipped.

    Raises:
        hypothesis.errors.InvalidArgument: When something is drawn: an unknown member, a value that
            the model does not allow, or members that do not go together.

    Example:
        >>> from hypothesis import find
        >>> find(session_summaries(lifecycleStatus="ENDED"), lambda summary: True)[
        ...     "lifecycleStatus"
        ... ]
        'ENDED'
    """
    return deferred(lambda: _summaries(consistent, now, members))


def _summaries(
    consistent: bool, now: datetime.datetime | None, members: dict[str, Any]
) -> st.SearchStrategy[SessionSummary]:
    ids = {"sessionId": session_ids(), "fleetId": fleet_ids(), "workerId": worker_ids()}
    return _checked(consistent, now, members, ids)


def _checked(
    consistent: bool,
    now: datetime.datetime | None,
    members: dict[str, Any],
    ids: dict[str, st.SearchStrategy[Any]],
) -> st.SearchStrategy[SessionSummary]:
    """Summaries with the given members. All strategies that they use are made once, here."""
    check_switches(consistent=consistent)
    check_members(members)
    check_now(now)
    given = {**ids, **{name: _valid(name, value) for name, value in members.items()}}
    if not consistent:
        return _anything(now, members, given)
    allowed = _statuses_for(members)
    status = members.get("lifecycleStatus")
    if status is None:
        # Sessions that have ended vary in more members than others.
        given["lifecycleStatus"] = st.sampled_from([*allowed, ENDED])
    elif isinstance(status, st.SearchStrategy):
        given["lifecycleStatus"] = status.filter(lambda drawn: drawn in allowed)
    elif status not in allowed:
        names = ", ".join(sorted({*members} & {*_UPDATE, "endedAt"}))
        raise refuse(f"lifecycleStatus={status!r} with {names}", f"one of {', '.join(allowed)}")
    _check_times(members)
    _check_past(members, now)
    updated = any(name in members for name in _UPDATE)
    drawn = _drawn(given, now, moments(now), updated)
    if any(isinstance(members.get(name), st.SearchStrategy) for name in _TIMES):
        return drawn.filter(lambda summary: _is_in_order(summary, now))
    return drawn


def _valid(name: str, value: object) -> st.SearchStrategy[Any]:
    """A strategy for a member, restricted to values that the service model allows."""
    if not isinstance(value, st.SearchStrategy):
        return st.just(value)
    shape = model.members("SessionSummary")[name].name
    return value.filter(lambda drawn: not validation.check_shape(drawn, shape))


def _is_in_order(summary: Mapping[str, Any], now: datetime.datetime | None) -> bool:
    times = [summary[name] for name in _TIMES if name in summary]
    present = [] if now is None else [now]
    return all(before <= after for before, after in itertools.pairwise([*times, *present]))


def check_members(members: dict[str, Any]) -> None:
    """Refuse members that a summary does not have, and values that a member cannot have."""
    shapes = model.members("SessionSummary")
    for name, value in members.items():
        if name not in shapes:
            raise refuse(f"{name}=…", f"a member among {', '.join(shapes)}")
        if not isinstance(value, st.SearchStrategy):
            broken = validation.check_shape(value, shapes[name].name, name)
            if broken:
                raise refuse_value(name, value, broken[0].allowed)


def check_now(now: datetime.datetime | None) -> None:
    """Refuse anything but ``None`` or a timezone-aware datetime."""
    if now is not None:
        if validation.check_shape(now, "StartedAt"):
            raise refuse_value("now", now, "a timezone-aware datetime")
        _check_year("now", now)


def _check_year(name: str, moment: datetime.datetime) -> None:
    """Refuse a moment in the first or last year, which leaves no room for other moments."""
    if not datetime.MINYEAR < moment.year < datetime.MAXYEAR:
        years = f"{datetime.MINYEAR + 1}..{datetime.MAXYEAR - 1}"
        raise refuse(f"{name}={moment}", f"a year in {years}")


def of_shape(shape: Shape) -> st.SearchStrategy[Any]:
    """Any value that a simple shape of the service model allows."""
    metadata = shape.metadata
    if shape.type_name == "timestamp":
        return moments(None)
    if shape.type_name == "string" and "enum" in metadata:
        return st.sampled_from(metadata["enum"])
    if shape.type_name == "string" and "pattern" in metadata:
        return st.from_regex(metadata["pattern"], fullmatch=True)
    if shape.type_name == "string":
        return st.text(min_size=metadata.get("min", 0), max_size=min(metadata.get("max", 40), 40))
    if shape.type_name == "boolean":
        return st.booleans()
    return st.integers(metadata.get("min"), metadata.get("max"))


def _anything(
    now: datetime.datetime | None,
    members: dict[str, Any],
    given: dict[str, st.SearchStrategy[Any]],
) -> st.SearchStrategy[SessionSummary]:
    _check_past(members, now)
    if now is not None:
        past = {name: given[name].filter(lambda at: at <= now) for name in _TIMES if name in given}
        given = {**given, **past}
    shapes = model.members("SessionSummary")
    drawn = {
        name: moments(now) if shape.type_name == "timestamp" else of_shape(shape)
        for name, shape in shapes.items()
        if name not in given
    }
    needed = [name for name in drawn if name in model.required("SessionSummary")]
    summaries = st.fixed_dictionaries(
        {**given, **{name: drawn[name] for name in needed}},
        optional={name: values for name, values in drawn.items() if name not in needed},
    )
    return cast("st.SearchStrategy[SessionSummary]", summaries)


def _statuses_for(members: dict[str, Any]) -> list[str]:
    """The statuses with which a summary may have all of these members."""
    allowed = list(model.enum("SessionLifecycleStatus"))
    if "endedAt" in members:
        allowed = [ENDED]
    if any(name in members for name in _UPDATE):
        allowed = [status for status in allowed if status != STARTED]
    return allowed


def _fixed_times(members: dict[str, Any]) -> dict[str, datetime.datetime]:
    return {
        name: members[name]
        for name in _TIMES
        if name in members and not isinstance(members[name], st.SearchStrategy)
    }


def _check_times(members: dict[str, Any]) -> None:
    fixed = _fixed_times(members)
    for name, value in fixed.items():
        _check_year(name, value)
    for earlier, later in itertools.pairwise(fixed):
        if fixed[later] < fixed[earlier]:
            raise refuse(f"{later}={fixed[later]}", f"not before {earlier}, {fixed[earlier]}")


def _check_past(members: dict[str, Any], now: datetime.datetime | None) -> None:
    for name, value in _fixed_times(members).items():
        if now is not None and value > now:
            raise refuse(f"{name}={value}", f"not after now, {now}")


@st.composite
def _drawn(
    draw: st.DrawFn,
    given: dict[str, st.SearchStrategy[Any]],
    now: datetime.datetime | None,
    instants: st.SearchStrategy[datetime.datetime],
    updated: bool,
) -> SessionSummary:
    summary = {name: draw(values) for name, values in given.items() if name not in _LATE}
    status = summary["lifecycleStatus"]
    updated = updated or (draw(st.booleans()) if status == ENDED else status != STARTED)
    names = [
        "startedAt",
        *(["updatedAt"] if updated else []),
        *(["endedAt"] if status == ENDED else []),
    ]
    fixed = {name: draw(given[name]) for name in names if name in given}
    summary.update(draw_in_order(draw, names, fixed, now, instants))
    if updated:
        summary.setdefault("targetLifecycleStatus", ENDED)
        if "updatedBy" in given:
            summary["updatedBy"] = draw(given["updatedBy"])
        elif draw(st.booleans()):
            summary["updatedBy"] = draw(_requesters())
    return cast("SessionSummary", summary)


@functools.cache
def _requesters() -> st.SearchStrategy[str]:
    return st.sampled_from((*OTHER_REQUESTERS, ""))


def session_lists(
    *,
    min_size: int = 0,
    max_size: int = 12,
    now: datetime.datetime | None = None,
    consistent: bool = True,
    **members: Any,
) -> st.SearchStrategy[list[SessionSummary]]:
    """The sessions of one job, in any order: lists of summaries with unique ids.

    Sessions share up to three workers in two fleets. Some start at the same instant or one
    microsecond apart, some differ only in their id, and statuses are mixed. For hundreds of
    sessions, use ``listings()``.

    Args:
        min_size: The fewest sessions, 0..100.
        max_size: The most sessions.
        now: As for ``session_summaries``.
        consistent: As for ``session_summaries``.
        **members: As for ``session_summaries``; ``sessionId`` may only be a strategy.

    Raises:
        hypothesis.errors.InvalidArgument: When something is drawn: impossible sizes or members.

    Example:
        >>> from hypothesis import find
        >>> len(find(session_lists(min_size=2), lambda sessions: True))
        2
    """
    return deferred(lambda: _lists(min_size, max_size, now, consistent, members))


def _lists(
    min_size: int,
    max_size: int,
    now: datetime.datetime | None,
    consistent: bool,
    members: dict[str, Any],
) -> st.SearchStrategy[list[SessionSummary]]:
    check_sizes("min_size", min_size, "max_size", max_size)
    if min_size > _MOST_LISTED:
        raise refuse_value("min_size", min_size, f"0..{_MOST_LISTED}; listings() holds more")
    fixed = members.get("sessionId")
    if fixed is not None and not isinstance(fixed, st.SearchStrategy) and max_size > 1:
        raise refuse_value("sessionId", fixed, "a strategy, since the ids of a list differ")
    # Draw small numbers and turn them into ids once the list is drawn. They are cheap to draw and
    # to shrink, and let a worker have several sessions, and a fleet several workers.
    ids = {"sessionId": st.integers(0, 255), "fleetId": st.just(0), "workerId": st.integers(0, 2)}
    free = {name: numbers for name, numbers in ids.items() if name not in members}
    summaries = _checked(consistent, now, members, free)
    shifts = _TWINS if members.keys().isdisjoint(_TIMES) else _TWINS[:-2]
    sessions = st.lists(
        st.tuples(summaries, st.sampled_from(shifts)),
        min_size=min_size,
        max_size=max_size,
        unique_by=lambda drawn: drawn[0]["sessionId"],
    )
    bases = st.one_of(st.just(0), st.integers(0, _MOST - 255))
    return st.builds(_with_ids, sessions.map(lambda drawn: _with_twins(drawn, now)), bases)


def _with_twins(
    drawn: list[tuple[SessionSummary, datetime.timedelta | None]], now: datetime.datetime | None
) -> list[SessionSummary]:
    sessions: list[SessionSummary] = []
    for summary, later in drawn:
        twin = later is not None and bool(sessions)
        before = _moved(sessions[-1], later or _NONE, now) if twin else summary
        sessions.append({**before, "sessionId": summary["sessionId"]})
    return sessions


def _moved(
    summary: SessionSummary, later: datetime.timedelta, now: datetime.datetime | None
) -> SessionSummary:
    """The summary with all times moved by ``later``, or by less so that none is after ``now``."""
    members = cast("dict[str, Any]", summary)
    times = {name: members[name] for name in _TIMES if name in members}
    shift = later if now is None else min(later, now - max(times.values()))
    moved = {name: moment + shift for name, moment in times.items()}
    return cast("SessionSummary", {**members, **moved})


def _with_ids(sessions: list[SessionSummary], base: int) -> list[SessionSummary]:
    for summary in cast("list[dict[str, Any]]", sessions):
        if isinstance(summary["fleetId"], int) and isinstance(summary["workerId"], int):
            summary["fleetId"] = summary["workerId"] // 2
        for name in ("sessionId", "fleetId", "workerId"):
            if isinstance(summary[name], int):
                shape = model.members("SessionSummary")[name].name
                summary[name] = model.make_id(shape, base + summary[name])
    return sessions
