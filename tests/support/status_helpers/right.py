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
    return got == [session for session in sessions if session["lifecycleStatus"] != "ENDED"]


@oracle
def latest(got, sessions, _now):
    """Any of the sessions with the latest start; ``None`` for no sessions."""
    if not sessions:
        return got is None
    return got in sessions and all(session["startedAt"] <= got["startedAt"] for session in sessions)


@oracle
def durations(got, sessions, now):
    """By id: how long each session took, or has been running."""
    return got == {
        session["sessionId"]: session.get("endedAt", now) - session["startedAt"]
        for session in sessions
    }


@oracle
def being_stopped(got, sessions, _now):
    """The ids of sessions that have an end request and have not ended."""
    return got == {
        session["sessionId"]
        for session in sessions
        if "targetLifecycleStatus" in session and session["lifecycleStatus"] != "ENDED"
    }


@oracle
def per_worker(got, sessions, _now):
    """By worker: its sessions, in listing order."""
    return got == {
        worker: [session for session in sessions if session["workerId"] == worker]
        for worker in {session["workerId"] for session in sessions}
    }


@oracle
def stale(got, sessions, now):
    """The ids of sessions that have run for more than an hour and have not ended."""
    return got == {
        session["sessionId"]
        for session in sessions
        if "endedAt" not in session and now - session["startedAt"] > HOUR
    }


@oracle
def counts(got, sessions, _now):
    """By status: the number of sessions, even if it is 0."""
    return got == {
        status: len([session for session in sessions if session["lifecycleStatus"] == status])
        for status in STATUSES
    }


@oracle
def timeline(got, sessions, _now):
    """Every session once, ordered by start."""
    starts = [session["startedAt"] for session in got]
    return starts == sorted(starts) and all(
        got.count(session) == sessions.count(session) for session in [*got, *sessions]
    )


@oracle
def last_change(got, sessions, _now):
    """By id: the latest time in each session."""
    return got == {
        session["sessionId"]: max(session[name] for name in session if name.endswith("At"))
        for session in sessions
    }


@right("active")
def by_comprehension(sessions):
    return [session for session in sessions if session["lifecycleStatus"] != "ENDED"]


@right("active")
def by_filter(sessions):
    return list(filter(lambda session: "endedAt" not in session, sessions))


@right("latest")
def by_max(sessions):
    return max(sessions, key=operator.itemgetter("startedAt"), default=None)


@right("latest")
def by_sorting(sessions):
    ordered = sorted(sessions, key=lambda session: session["startedAt"], reverse=True)
    return ordered[0] if ordered else None


@right("latest")
def by_timestamp(sessions):
    best = None
    for session in sessions:
        if best is None or session["startedAt"].timestamp() > best["startedAt"].timestamp():
            best = session
    return best


@right("durations")
def by_get(sessions, now):
    return {
        session["sessionId"]: (session.get("endedAt") or now) - session["startedAt"]
        for session in sessions
    }


@right("durations")
def by_status(sessions, now):
    result = {}
    for session in sessions:
        end = session["endedAt"] if session["lifecycleStatus"] == "ENDED" else now
        result[session["sessionId"]] = end - session["startedAt"]
    return result


@right("durations")
def in_utc(sessions, now):
    utc = datetime.timezone.utc
    return {
        session["sessionId"]: session.get("endedAt", now).astimezone(utc)
        - session["startedAt"].astimezone(utc)
        for session in sessions
    }


@right("being_stopped")
def by_target(sessions):
    return {
        session["sessionId"]
        for session in sessions
        if session.get("targetLifecycleStatus") == "ENDED" and session["lifecycleStatus"] != "ENDED"
    }


@right("being_stopped")
def by_update(sessions):
    return {
        session["sessionId"]
        for session in sessions
        if session["lifecycleStatus"].startswith("UPDATE_")
    }


@right("per_worker")
def by_defaultdict(sessions):
    result = collections.defaultdict(list)
    for session in sessions:
        result[session["workerId"]].append(session)
    return dict(result)


@right("per_worker")
def by_sorted_groupby(sessions):
    key = operator.itemgetter("workerId")
    return {worker: list(of) for worker, of in itertools.groupby(sorted(sessions, key=key), key)}


@right("stale")
def by_age(sessions, now):
    return {
        session["sessionId"]
        for session in sessions
        if session["lifecycleStatus"] != "ENDED" and now - session["startedAt"] > HOUR
    }


@right("stale")
def by_seconds(sessions, now):
    running = [session for session in sessions if "endedAt" not in session]
    return {
        session["sessionId"]
        for session in running
        if (now - session["startedAt"]).total_seconds() > HOUR.total_seconds()
    }


@right("counts")
def by_counter(sessions):
    result = collections.Counter(session["lifecycleStatus"] for session in sessions)
    return {status: result[status] for status in STATUSES}


@right("timeline")
def by_start(sessions):
    return sorted(sessions, key=lambda session: session["startedAt"])


@right("timeline")
def by_start_and_id(sessions):
    return sorted(sessions, key=lambda session: (session["startedAt"], session["sessionId"]))


@right("last_change")
def by_chain(sessions):
    return {
        session["sessionId"]: session.get("endedAt")
        or session.get("updatedAt")
        or session["startedAt"]
        for session in sessions
    }
