"""Realistic sessions for Faker, reproducible from a seed.

Example:
    >>> from faker import Faker
    >>> fake = Faker()
    >>> fake.add_provider(DeadlineProvider)
    >>> fake.seed_instance(1)
    >>> fake.session_id()
    'session-cd613e30d8f16adf91b7584a2265b1f5'

The name of this module works too: ``Faker(includes=["pytest_deadline_sessions.provider"])``.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any, cast

from faker.providers import BaseProvider

from pytest_deadline_sessions import _arguments, lifecycle
from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions._api.placeholders import requester
from pytest_deadline_sessions._api.types import SessionSummary
from pytest_deadline_sessions.lifecycle import ENDED, STARTED, TRANSITIONS, UPDATE_IN_PROGRESS

__all__ = ["NOW", "DeadlineProvider", "Provider"]

NOW = datetime.datetime(2025, 1, 1, 18, tzinfo=datetime.timezone.utc)
"""The default for ``now``."""

# Durations in milliseconds.
_MINUTE = 60_000
_HOUR = 60 * _MINUTE
_AGO = (0, 12 * _HOUR)
_RUN = (2 * _MINUTE, 3 * _HOUR)
_STEP = (_MINUTE // 2, 20 * _MINUTE)
_SESSIONS_PER_WORKER = 8

_TIMES = ("startedAt", "updatedAt", "endedAt")
_UPDATE = ("targetLifecycleStatus", "updatedAt", "updatedBy")
_ACTIVE = tuple(status for status in TRANSITIONS if status != ENDED)
_WEIGHTS = {**dict.fromkeys(TRANSITIONS, 1), STARTED: 4, ENDED: 12}
_PEOPLE = ("alex", "jo", "kim", "robin", "sam")
_ROLES = ("Artist", "RenderAdmin", "Wrangler")


class DeadlineProvider(BaseProvider):
    """Ids, summaries and histories of sessions that ``ListSessions`` could return.

    Everything is drawn from the generator's own ``random``, and nothing depends on the current
    date, so a seed gives the same data on any day.

    Example:
        >>> from faker import Faker
        >>> fake = Faker()
        >>> fake.add_provider(DeadlineProvider)
        >>> [session["lifecycleStatus"] for session in fake.sessions(2, lifecycleStatus="STARTED")]
        ['STARTED', 'STARTED']
    """

    def farm_id(self) -> str:
        """A farm id."""
        return self._id("FarmId")

    def queue_id(self) -> str:
        """A queue id."""
        return self._id("QueueId")

    def job_id(self) -> str:
        """A job id."""
        return self._id("JobId")

    def fleet_id(self) -> str:
        """A fleet id."""
        return self._id("FleetId")

    def worker_id(self) -> str:
        """A worker id."""
        return self._id("WorkerId")

    def session_id(self) -> str:
        """A session id."""
        return self._id("SessionId")

    def session_summary(
        self, *, now: datetime.datetime | None = None, **fixed: Any
    ) -> SessionSummary:
        """One summary, most likely of a session that has ended.

        Args:
            now: The current time (timezone-aware). No time in the summary is later. By default
                ``NOW``, unless you fix a time.
            **fixed: Members to fix, such as ``lifecycleStatus="STARTED"``. The other members are
                consistent with them.

        Raises:
            TypeError: ``now`` is not a datetime.
            ValueError: A member is unknown, has a value that the service model does not allow, or
                contradicts another. The message names it.
        """
        _check_fixed(fixed)
        return self._summary(_present(now, fixed), fixed)

    def session_history(self, *, now: datetime.datetime | None = None) -> list[SessionSummary]:
        """Successive summaries of one session, each a legal step from the previous one.

        Args:
            now: The current time (timezone-aware), by default ``NOW``. No time of the session is
                later.

        Raises:
            TypeError: ``now`` is not a datetime.
            ValueError: ``now`` is naive.
        """
        present = _present(now, {}) or NOW
        statuses = [STARTED]
        while TRANSITIONS[statuses[-1]] and self._chance(9):
            statuses.append(self._random.choice(TRANSITIONS[statuses[-1]]))
        steps = [self._span(_STEP) for _ in statuses]
        at = present - sum(steps, datetime.timedelta())
        start = {**self._ids(), "startedAt": at, "lifecycleStatus": STARTED}
        history = [cast("SessionSummary", start)]
        for status, step in zip(statuses[1:], steps, strict=False):
            at += step
            by = self._requester() if status == UPDATE_IN_PROGRESS else None
            history.append(lifecycle.advance(history[-1], status, at, by=by))
        return history

    def sessions(
        self, n: int = 10, *, now: datetime.datetime | None = None, **fixed: Any
    ) -> list[SessionSummary]:
        """The sessions of one job, sorted by start time, in one fleet, on a few workers.

        The ids are unique. Each worker runs one session after another, and only its last session
        may be active. If you fix statuses, times or update members, this does not hold.

        Args:
            n: The number of sessions.
            now: The same as for ``session_summary``.
            **fixed: The same as for ``session_summary``, without ``sessionId``.

        Raises:
            TypeError: ``n`` is not a whole number, or ``now`` is not a datetime.
            ValueError: ``n`` is negative, or the same as for ``session_summary``.
        """
        _arguments.check_whole("n", n)
        if "sessionId" in fixed:
            session_id = fixed["sessionId"]
            raise _arguments.wrong_value("sessionId", session_id, "none, since the ids differ")
        _check_fixed(fixed)
        present = _present(now, fixed)
        planned = not {"lifecycleStatus", *_TIMES, *_UPDATE} & fixed.keys()
        fleet = self.fleet_id()
        summaries: list[SessionSummary] = []
        for worker, count in enumerate(_shares(n)):
            same = {"fleetId": fleet, "workerId": self._numbered("WorkerId", worker)}
            plans = self._plans(present or NOW, count) if planned else [{}] * count
            for plan in plans:
                session_id = self._numbered("SessionId", len(summaries))
                members = {**same, "sessionId": session_id, **plan, **fixed}
                summaries.append(self._summary(present, members))
        return sorted(summaries, key=lambda summary: summary["startedAt"])

    @property
    def _random(self) -> Any:
        return self.generator.random

    def _id(self, shape: str) -> str:
        return model.make_id(shape, self._random.getrandbits(128))

    def _numbered(self, shape: str, number: int) -> str:
        """A random id that differs from the ids made with other numbers."""
        return model.make_id(shape, self._random.getrandbits(96) << 32 | number)

    def _ids(self) -> dict[str, Any]:
        return {
            "sessionId": self.session_id(),
            "fleetId": self.fleet_id(),
            "workerId": self.worker_id(),
        }

    def _chance(self, in_ten: int) -> bool:
        return bool(self._random.randrange(10) < in_ten)

    def _span(self, bounds: tuple[int, int]) -> datetime.timedelta:
        """A duration; short ones are more likely than long ones."""
        drawn = min(self._random.randint(*bounds), self._random.randint(*bounds))
        return datetime.timedelta(milliseconds=drawn)

    def _requester(self) -> str:
        account = self._random.randrange(10**11, 10**12)
        role, name = self._random.choice(_ROLES), self._random.choice(_PEOPLE)
        return requester(role, name, str(account))

    def _status(self, statuses: Sequence[str]) -> str:
        weights = [_WEIGHTS[status] for status in statuses]
        return str(self._random.choices(statuses, weights)[0])

    def _summary(self, now: datetime.datetime | None, fixed: dict[str, Any]) -> SessionSummary:
        status = fixed.get("lifecycleStatus") or self._status(_statuses_for(fixed))
        is_update = status not in {STARTED, ENDED} or any(name in fixed for name in _UPDATE)
        if status == ENDED and not is_update:
            is_update = self._chance(3)
        names = [
            "startedAt",
            *(["updatedAt"] if is_update else []),
            *(["endedAt"] if status == ENDED else []),
        ]
        summary = {**self._ids(), "lifecycleStatus": status, **self._moments(names, now, fixed)}
        if is_update:
            summary.update(targetLifecycleStatus=ENDED, updatedBy=self._requester())
        summary.update(fixed)
        broken = lifecycle.violations(summary)
        if broken:
            raise ValueError("; ".join(map(str, broken)))
        return cast("SessionSummary", summary)

    def _moments(
        self, names: Sequence[str], now: datetime.datetime | None, fixed: dict[str, Any]
    ) -> dict[str, Any]:
        """A time for each name, in the order of the names; drawn times fit around fixed ones."""
        times = {name: fixed[name] for name in names if name in fixed}
        if not times:
            times[names[-1]] = (now or NOW) - self._span(_AGO)
        spans = {name: _RUN if name == "startedAt" else _STEP for name in names}
        first = min(names.index(name) for name in times)
        for index in range(first, 0, -1):
            earlier = names[index - 1]
            times[earlier] = times[names[index]] - self._span(spans[earlier])
        for index in range(first + 1, len(names)):
            before, name = names[index - 1], names[index]
            if name not in times:
                bounds = [times[later] for later in names[index:] if later in times]
                latest = min([*bounds, *([] if now is None else [now])], default=None)
                moved = times[before] + self._span(spans[before])
                times[name] = moved if latest is None else min(moved, max(times[before], latest))
        return times

    def _plans(self, now: datetime.datetime, count: int) -> list[dict[str, Any]]:
        """Times and statuses of the sessions that one worker ran, latest first."""
        at = now - self._span(_AGO)
        plans: list[dict[str, Any]] = []
        for _ in range(count):
            if not plans and self._chance(5):
                plans.append({"lifecycleStatus": self._status(_ACTIVE), "startedAt": at})
            else:
                ended, at = at, at - self._span(_RUN)
                plans.append({"lifecycleStatus": ENDED, "startedAt": at, "endedAt": ended})
            at -= self._span(_STEP)
        return plans


Provider = DeadlineProvider
"""The name that Faker looks for in a module."""


def _shares(n: int) -> list[int]:
    """The number of sessions that each worker runs."""
    workers = n // _SESSIONS_PER_WORKER + 1
    return [n // workers + (number < n % workers) for number in range(workers)]


def _statuses_for(fixed: dict[str, Any]) -> list[str]:
    """The statuses that are consistent with the fixed members."""
    if "endedAt" in fixed:
        return [ENDED]
    is_update = any(name in fixed for name in _UPDATE)
    return [status for status in TRANSITIONS if not is_update or status != STARTED]


def _check_fixed(fixed: dict[str, Any]) -> None:
    shapes = model.members("SessionSummary")
    for name, value in fixed.items():
        if name not in shapes:
            raise _arguments.wrong_value(name, value, f"a member among {', '.join(shapes)}")
        for broken in validation.check_shape(value, shapes[name].name):
            raise _arguments.wrong_value(name, value, broken.allowed)


def _present(now: object, fixed: dict[str, Any]) -> datetime.datetime | None:
    """The latest allowed time; ``None`` if times are fixed but ``now`` is not given."""
    if now is None:
        return None if fixed.keys() & {*_TIMES} else NOW
    present = _arguments.check_aware("now", now)
    for name in _TIMES:
        if name in fixed and fixed[name] > present:
            msg = f"{name}={fixed[name]} (expected not after now, {present})"
            raise ValueError(msg)
    return present
