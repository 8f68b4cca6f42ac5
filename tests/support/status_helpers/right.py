"""Right status helpers, in every style people use, and an oracle for each kind."""

# Written the way people write them.
# ruff: noqa: D103

from __future__ import annotations

import collections
import datetime
import itertools
import operator

HOUR = datetime.timedelta(hours=1)
STATUSES = ("STARTED", "UPDATE_IN_PROGRESS", "UPDATE_SUCCEEDED", "UPDATE_FAILED", "ENDED")

ORACLES = {}
"""By kind of helper: a function that tells whether a result is right."""

RIGHT = {}
"""By name: the helper, and its kind."""


def oracle(check):
    """Register an oracle under its name."""
    ORACLES[check.__name__] = check
    return check


def right(about):
    """Register a helper with its kind."""

    def enter(helper):
        RIGHT[helper.__name__] = (helper, about)
        return helper

    return enter


@oracle
def active(got, sessions, _now):
    """The sessions that have not ended, in listing order."""
    return got == [one for one in sessions if one["lifecycleStatus"] != "ENDED"]


@oracle
def latest(got, sessions, _now):
    """Any of the sessions with the latest start; ``None`` for no sessions."""
    if not sessions:
        return got is None
    return got in sessions and all(one["startedAt"] <= got["startedAt"] for one in sessions)


@oracle
def durations(got, sessions, now):
    """By id: how long each session took, or has been running."""
    return got == {one["sessionId"]: one.get("endedAt", now) - one["startedAt"] for one in sessions}


@oracle
def being_stopped(got, sessions, _now):
    """The ids of sessions that have an end request and have not ended."""
    return got == {
        one["sessionId"]
        for one in sessions
        if "targetLifecycleStatus" in one and one["lifecycleStatus"] != "ENDED"
    }


@oracle
def per_worker(got, sessions, _now):
    """By worker: its sessions, in listing order."""
    return got == {
        worker: [one for one in sessions if one["workerId"] == worker]
        for worker in {one["workerId"] for one in sessions}
    }


@oracle
def stale(got, sessions, now):
    """The ids of sessions that have run for more than an hour and have not ended."""
    return got == {
        one["sessionId"]
        for one in sessions
        if "endedAt" not in one and now - one["startedAt"] > HOUR
    }


@oracle
def counts(got, sessions, _now):
    """By status: the number of sessions, even if it is 0."""
    return got == {
        status: len([one for one in sessions if one["lifecycleStatus"] == status])
        for status in STATUSES
    }


@oracle
def timeline(got, sessions, _now):
    """Every session once, ordered by start."""
    starts = [one["startedAt"] for one in got]
    return starts == sorted(starts) and all(
        got.count(one) == sessions.count(one) for one in [*got, *sessions]
    )


@oracle
def last_change(got, sessions, _now):
    """By id: the latest time in each session."""
    return got == {
        one["sessionId"]: max(one[name] for name in one if name.endswith("At")) for one in sessions
    }


@right("active")
def by_comprehension(sessions):
    return [one for one in sessions if one["lifecycleStatus"] != "ENDED"]


@right("active")
def by_filter(sessions):
    return list(filter(lambda one: "endedAt" not in one, sessions))


@right("latest")
def by_max(sessions):
    return max(sessions, key=operator.itemgetter("startedAt"), default=None)


@right("latest")
def by_sorting(sessions):
    ordered = sorted(sessions, key=lambda one: one["startedAt"], reverse=True)
    return ordered[0] if ordered else None


@right("latest")
def by_timestamp(sessions):
    best = None
    for one in sessions:
        if best is None or one["startedAt"].timestamp() > best["startedAt"].timestamp():
            best = one
    return best


@right("durations")
def by_get(sessions, now):
    return {one["sessionId"]: (one.get("endedAt") or now) - one["startedAt"] for one in sessions}


@right("durations")
def by_status(sessions, now):
    found = {}
    for one in sessions:
        end = one["endedAt"] if one["lifecycleStatus"] == "ENDED" else now
        found[one["sessionId"]] = end - one["startedAt"]
    return found


@right("durations")
def in_utc(sessions, now):
    utc = datetime.timezone.utc
    return {
        one["sessionId"]: one.get("endedAt", now).astimezone(utc) - one["startedAt"].astimezone(utc)
        for one in sessions
    }


@right("being_stopped")
def by_target(sessions):
    return {
        one["sessionId"]
        for one in sessions
        if one.get("targetLifecycleStatus") == "ENDED" and one["lifecycleStatus"] != "ENDED"
    }


@right("being_stopped")
def by_update(sessions):
    return {one["sessionId"] for one in sessions if one["lifecycleStatus"].startswith("UPDATE_")}


@right("per_worker")
def by_defaultdict(sessions):
    found = collections.defaultdict(list)
    for one in sessions:
        found[one["workerId"]].append(one)
    return dict(found)


@right("per_worker")
def by_sorted_groupby(sessions):
    key = operator.itemgetter("workerId")
    return {worker: list(of) for worker, of in itertools.groupby(sorted(sessions, key=key), key)}


@right("stale")
def by_age(sessions, now):
    return {
        one["sessionId"]
        for one in sessions
        if one["lifecycleStatus"] != "ENDED" and now - one["startedAt"] > HOUR
    }


@right("stale")
def by_seconds(sessions, now):
    running = [one for one in sessions if "endedAt" not in one]
    return {
        one["sessionId"]
        for one in running
        if (now - one["startedAt"]).total_seconds() > HOUR.total_seconds()
    }


@right("counts")
def by_counter(sessions):
    found = collections.Counter(one["lifecycleStatus"] for one in sessions)
    return {status: found[status] for status in STATUSES}


@right("timeline")
def by_start(sessions):
    return sorted(sessions, key=lambda one: one["startedAt"])


@right("timeline")
def by_start_and_id(sessions):
    return sorted(sessions, key=lambda one: (one["startedAt"], one["sessionId"]))


@right("last_change")
def by_chain(sessions):
    return {
        one["sessionId"]: one.get("endedAt") or one.get("updatedAt") or one["startedAt"]
        for one in sessions
    }
