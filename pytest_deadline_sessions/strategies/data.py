"""Ids, summaries, and lists of summaries."""

from __future__ import annotations

import datetime
import itertools
from typing import Any, cast

from hypothesis import strategies as st

from pytest_deadline_sessions import model
from pytest_deadline_sessions.lifecycle import ENDED, STARTED
from pytest_deadline_sessions.model import SessionSummary
from pytest_deadline_sessions.strategies.options import as_strategy, check_sizes, deferred, refuse

UTC = datetime.timezone.utc
EARLIEST = datetime.datetime(2024, 4, 2, tzinfo=UTC)
LATEST = datetime.datetime(2035, 1, 1, tzinfo=UTC)
_SOME_TIME = datetime.datetime(2025, 1, 1, tzinfo=UTC)
_MOST = 16**32 - 1
_BY = (
    "arn:aws:iam::111122223333:user/alex",
    "arn:aws:sts::111122223333:assumed-role/Wrangler/sam",
    "",
)
_UPDATE = ("targetLifecycleStatus", "updatedAt", "updatedBy")


def _ids(shape: str) -> st.SearchStrategy[str]:
    return st.integers(0, _MOST).map(lambda number: model.make_id(shape, number))


def farm_ids() -> st.SearchStrategy[str]:
    """Farm ids, of the pattern in the service model."""
    return deferred(lambda: _ids("FarmId"))


def queue_ids() -> st.SearchStrategy[str]:
    """Queue ids, of the pattern in the service model."""
    return deferred(lambda: _ids("QueueId"))


def job_ids() -> st.SearchStrategy[str]:
    """Job ids, of the pattern in the service model."""
    return deferred(lambda: _ids("JobId"))


def fleet_ids() -> st.SearchStrategy[str]:
    """Fleet ids, of the pattern in the service model."""
    return deferred(lambda: _ids("FleetId"))


def worker_ids() -> st.SearchStrategy[str]:
    """Worker ids, of the pattern in the service model."""
    return deferred(lambda: _ids("WorkerId"))


def session_ids() -> st.SearchStrategy[str]:
    """Session ids, of the pattern in the service model."""
    return deferred(lambda: _ids("SessionId"))


def lifecycle_statuses() -> st.SearchStrategy[str]:
    """Every ``lifecycleStatus`` of the service model; shrinks to its first."""
    return deferred(lambda: st.sampled_from(model.enum("SessionLifecycleStatus")))


def _zones() -> st.SearchStrategy[datetime.timezone]:
    minutes = st.sampled_from([0, 60, -480, 330, 840, -720])
    return minutes.map(lambda offset: datetime.timezone(datetime.timedelta(minutes=offset)))


def _moments(now: datetime.datetime | None) -> st.SearchStrategy[datetime.datetime]:
    """Instants with offsets and fractions of a second; before ``now`` if it is given."""
    if now is not None:
        return st.builds(lambda ago, zone: (now - ago).astimezone(zone), durations(), _zones())
    shift = st.one_of(
        durations(),
        st.timedeltas(EARLIEST - _SOME_TIME, LATEST - _SOME_TIME),
    )
    return st.builds(lambda moved, zone: (_SOME_TIME + moved).astimezone(zone), shift, _zones())


def durations() -> st.SearchStrategy[datetime.timedelta]:
    """From nothing at all to weeks; the turns of a second, an hour and a day among them."""
    some = [
        datetime.timedelta(0),
        datetime.timedelta(microseconds=1),
        datetime.timedelta(seconds=1),
        datetime.timedelta(minutes=1),
        datetime.timedelta(hours=1),
        datetime.timedelta(days=1),
        datetime.timedelta(days=1, seconds=1),
        datetime.timedelta(days=30),
    ]
    return st.one_of(
        st.sampled_from(some),
        st.timedeltas(datetime.timedelta(0), datetime.timedelta(days=40)),
    )


def session_summaries(
    *, consistent: bool = True, now: datetime.datetime | None = None, **members: Any
) -> st.SearchStrategy[SessionSummary]:
    """Session summaries that the service could send.

    Args:
        consistent: Whether the members go together as ``lifecycle.RULES`` says; ``False`` gives
            anything that the service model allows.
        now: The present (timezone-aware): then nothing lies in its future, and sessions that have
            just started, have just ended or run since long are among them.
        **members: Members to fix: a value, or a strategy for it.

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
    check_members(members)
    check_now(now)
    return _consistent(now, members) if consistent else _anything(now, members)


def check_members(members: dict[str, Any]) -> None:
    """Refuse members that a summary does not have, and values that they cannot have."""
    shapes = model.members("SessionSummary")
    for name, value in members.items():
        if name not in shapes:
            raise refuse(f"{name}=…", f"a member among {', '.join(shapes)}")
        if not isinstance(value, st.SearchStrategy):
            broken = model.check_shape(value, shapes[name].name, name)
            if broken:
                raise refuse(f"{name}={value!r}", broken[0].allowed)


def check_now(now: Any) -> None:
    """Refuse a present that is no timezone-aware datetime."""
    if now is not None and model.check_shape(now, "StartedAt"):
        raise refuse(f"now={now!r}", "a timezone-aware datetime")


def _base(name: str) -> st.SearchStrategy[Any]:
    known = {
        "sessionId": session_ids(),
        "fleetId": fleet_ids(),
        "workerId": worker_ids(),
        "lifecycleStatus": lifecycle_statuses(),
        "targetLifecycleStatus": st.just(ENDED),
        "updatedBy": st.sampled_from(_BY),
    }
    return known[name] if name in known else of_shape(model.members("SessionSummary")[name])


def of_shape(shape: Any) -> st.SearchStrategy[Any]:
    """Any value that a simple shape of the service model allows."""
    metadata = shape.metadata
    if shape.type_name == "timestamp":
        return _moments(None)
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
    now: datetime.datetime | None, members: dict[str, Any]
) -> st.SearchStrategy[SessionSummary]:
    shapes = model.members("SessionSummary")
    drawn = {
        name: as_strategy(members[name])
        if name in members
        else (_moments(now) if shape.type_name == "timestamp" else _base(name))
        for name, shape in shapes.items()
    }
    needed = [
        name for name in shapes if name in model.required("SessionSummary") or name in members
    ]
    summaries = st.fixed_dictionaries(
        {name: drawn[name] for name in needed},
        optional={name: drawn[name] for name in shapes if name not in needed},
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


def _consistent(
    now: datetime.datetime | None, members: dict[str, Any]
) -> st.SearchStrategy[SessionSummary]:
    allowed = _statuses_for(members)
    status = members.get("lifecycleStatus", st.sampled_from(allowed))
    if not isinstance(status, st.SearchStrategy) and status not in allowed:
        given = ", ".join(sorted({*members} & {*_UPDATE, "endedAt"}))
        raise refuse(f"lifecycleStatus={status!r} with {given}", f"one of {', '.join(allowed)}")
    fixed = {
        key: value for key, value in members.items() if not isinstance(value, st.SearchStrategy)
    }
    _check_times(fixed, now)
    return _drawn(now, members, allowed)


def _check_times(fixed: dict[str, Any], now: datetime.datetime | None) -> None:
    times = [name for name in ("startedAt", "updatedAt", "endedAt") if name in fixed]
    for earlier, later in itertools.pairwise(times):
        if fixed[later] < fixed[earlier]:
            raise refuse(f"{later}={fixed[later]}", f"not before {earlier}, {fixed[earlier]}")
    for name in times:
        if now is not None and fixed[name] > now:
            raise refuse(f"{name}={fixed[name]}", f"not after now, {now}")


@st.composite
def _drawn(
    draw: st.DrawFn,
    now: datetime.datetime | None,
    members: dict[str, Any],
    allowed: list[str],
) -> SessionSummary:
    status_strategy = as_strategy(members.get("lifecycleStatus", st.sampled_from(allowed)))
    status = draw(status_strategy.filter(lambda drawn: drawn in allowed))
    asked = status not in {STARTED, ENDED} or any(name in members for name in _UPDATE)
    if status == ENDED and not asked:
        asked = draw(st.booleans())
    times = [
        "startedAt",
        *(["updatedAt"] if asked else []),
        *(["endedAt"] if status == ENDED else []),
    ]
    moments = _times(draw, now, members, times)
    summary: dict[str, Any] = {
        "sessionId": draw(as_strategy(members.get("sessionId", session_ids()))),
        "fleetId": draw(as_strategy(members.get("fleetId", fleet_ids()))),
        "workerId": draw(as_strategy(members.get("workerId", worker_ids()))),
        "startedAt": moments["startedAt"],
        "lifecycleStatus": status,
    }
    if asked:
        summary["targetLifecycleStatus"] = draw(
            as_strategy(members.get("targetLifecycleStatus", st.just(ENDED)))
        )
        summary["updatedAt"] = moments["updatedAt"]
        if "updatedBy" in members or draw(st.booleans()):
            by = members.get("updatedBy", st.sampled_from(_BY))
            summary["updatedBy"] = draw(as_strategy(by))
    if status == ENDED:
        summary["endedAt"] = moments["endedAt"]
    for name, value in members.items():
        if name not in summary:
            summary[name] = draw(as_strategy(value))
    return cast("SessionSummary", summary)


def _times(
    draw: st.DrawFn,
    now: datetime.datetime | None,
    members: dict[str, Any],
    names: list[str],
) -> dict[str, datetime.datetime]:
    """Instants in the order of ``names``; fixed ones stay, the others lie around them."""
    found = {name: draw(as_strategy(members[name])) for name in names if name in members}
    if not found:
        found[names[0]] = draw(_moments(now))
    first = min(names.index(name) for name in found)
    for index in range(first - 1, -1, -1):
        found[names[index]] = _shift(found[names[index + 1]], -draw(durations()))
    for index in range(first + 1, len(names)):
        before = found[names[index - 1]]
        if names[index] in found:
            continue
        later = [found[name] for name in names[index:] if name in found]
        ceiling = min([*later, *([now] if now is not None else [])], default=None)
        moved = _shift(before, draw(durations()))
        found[names[index]] = moved if ceiling is None else min(moved, max(before, ceiling))
    return found


def _shift(moment: datetime.datetime, by: datetime.timedelta) -> datetime.datetime:
    return moment + by


def session_lists(
    *,
    min_size: int = 0,
    max_size: int = 12,
    now: datetime.datetime | None = None,
    consistent: bool = True,
    **members: Any,
) -> st.SearchStrategy[list[SessionSummary]]:
    """What one job might list, in any order: lists of summaries with unique ids.

    Several sessions share a worker, some start at the same instant, all statuses stand side by
    side. For hundreds of sessions use ``listings()``.

    Args:
        min_size: The fewest sessions.
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
    check_members(members)
    check_now(now)
    fixed = members.get("sessionId")
    if fixed is not None and not isinstance(fixed, st.SearchStrategy) and max_size > 1:
        raise refuse(f"sessionId={fixed!r}", "a strategy, since the ids of a list differ")
    return _one_list((min_size, max_size), now, consistent, members)


@st.composite
def _one_list(
    draw: st.DrawFn,
    sizes: tuple[int, int],
    now: datetime.datetime | None,
    consistent: bool,
    members: dict[str, Any],
) -> list[SessionSummary]:
    workers = draw(st.lists(worker_ids(), min_size=1, max_size=3, unique=True))
    shared: dict[str, st.SearchStrategy[Any]] = {
        "workerId": st.sampled_from(workers),
        "fleetId": st.just(draw(fleet_ids())),
    }
    if not {"startedAt", "updatedAt", "endedAt"} & members.keys():
        starts = draw(st.lists(_moments(now), min_size=1, max_size=3))
        shared["startedAt"] = st.one_of(st.sampled_from(starts), _moments(now))
    # Small numbers collide, so every list draws its own; unique_by keeps them apart.
    shared["sessionId"] = st.one_of(
        st.integers(0, 255).map(lambda number: model.make_id("SessionId", number)), session_ids()
    )
    one = session_summaries(consistent=consistent, now=now, **{**shared, **members})
    return draw(
        st.lists(
            one,
            min_size=sizes[0],
            max_size=sizes[1],
            unique_by=lambda summary: summary["sessionId"],
        )
    )
