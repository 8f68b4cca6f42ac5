"""Wrong status helpers: most work on the two sessions their authors tried them with."""

# Written the way people write them, so the linter's complaints are often right.
# ruff: noqa: D103, FURB192, RUF024

from __future__ import annotations

import collections
import datetime
import itertools
import operator

HOUR = datetime.timedelta(hours=1)
STATUSES = ("STARTED", "UPDATE_IN_PROGRESS", "UPDATE_SUCCEEDED", "UPDATE_FAILED", "ENDED")

WRONG = {}
"""By name: the helper, and its kind."""


def wrong(about):
    """Register a helper with its kind."""

    def enter(helper):
        WRONG[helper.__name__] = (helper, about)
        return helper

    return enter


@wrong("active")
def only_started_is_active(sessions):
    return [session for session in sessions if session["lifecycleStatus"] == "STARTED"]


@wrong("active")
def a_failed_update_has_ended(sessions):
    return [
        session
        for session in sessions
        if session["lifecycleStatus"] not in {"ENDED", "UPDATE_FAILED"}
    ]


@wrong("active")
def a_successful_update_has_ended(sessions):
    return [
        session
        for session in sessions
        if session["lifecycleStatus"] not in {"ENDED", "UPDATE_SUCCEEDED"}
    ]


@wrong("active")
def an_update_in_progress_has_ended(sessions):
    idle = ["ENDED", "UPDATE_IN_PROGRESS"]
    return [session for session in sessions if session["lifecycleStatus"] not in idle]


@wrong("active")
def the_target_is_the_status(sessions):
    return [
        session
        for session in sessions
        if session.get("targetLifecycleStatus", session["lifecycleStatus"]) != "ENDED"
    ]


@wrong("active")
def every_session_has_a_target(sessions):
    return [
        session
        for session in sessions
        if session["lifecycleStatus"] != "ENDED" or session["targetLifecycleStatus"] != "ENDED"
    ]


@wrong("active")
def a_status_that_does_not_exist(sessions):
    return [
        session
        for session in sessions
        if session["lifecycleStatus"] in {"STARTED", "RUNNING", "UPDATING"}
    ]


@wrong("active")
def what_has_ended_is_removed(sessions):
    for session in sessions:
        if session["lifecycleStatus"] == "ENDED":
            sessions.remove(session)
    return sessions


@wrong("active")
def ended_at_is_always_there(sessions):
    return [session for session in sessions if session["endedAt"] is None]


@wrong("active")
def whoever_was_updated_has_ended(sessions):
    return [
        session for session in sessions if "updatedAt" not in session and "endedAt" not in session
    ]


@wrong("active")
def one_session_for_each_worker(sessions):
    result = {
        session["workerId"]: session
        for session in sessions
        if session["lifecycleStatus"] != "ENDED"
    }
    return list(result.values())


@wrong("latest")
def the_last_one_listed(sessions):
    return sessions[-1] if sessions else None


@wrong("latest")
def the_first_one_listed(sessions):
    return next(iter(sessions), None)


@wrong("latest")
def there_is_always_one(sessions):
    return max(sessions, key=lambda session: session["startedAt"])


@wrong("latest")
def the_earliest(sessions):
    return sorted(sessions, key=lambda session: session["startedAt"])[0] if sessions else None


@wrong("latest")
def by_the_text_of_the_time(sessions):
    return max(sessions, key=lambda session: session["startedAt"].isoformat(), default=None)


@wrong("latest")
def by_the_wall_clock(sessions):
    return max(
        sessions, key=lambda session: session["startedAt"].replace(tzinfo=None), default=None
    )


@wrong("latest")
def by_the_day(sessions):
    return max(sessions, key=lambda session: session["startedAt"].date(), default=None)


@wrong("latest")
def by_the_second(sessions):
    return max(sessions, key=lambda session: int(session["startedAt"].timestamp()), default=None)


@wrong("latest")
def by_the_millisecond(sessions):
    return max(
        sessions, key=lambda session: int(session["startedAt"].timestamp() * 1000), default=None
    )


@wrong("latest")
def by_the_id(sessions):
    return max(sessions, key=lambda session: session["sessionId"], default=None)


@wrong("latest")
def nothing_starts_at_the_same_time(sessions):
    ordered = sorted((session["startedAt"], session) for session in sessions)
    return ordered[-1][1] if ordered else None


@wrong("latest")
def the_latest_that_has_ended(sessions):
    return max(sessions, key=lambda session: session["endedAt"], default=None)


@wrong("latest")
def the_latest_to_change(sessions):
    key = operator.itemgetter
    return max(
        sessions,
        key=lambda session: session.get("endedAt", key("startedAt")(session)),
        default=None,
    )


@wrong("latest")
def the_latest_that_is_active(sessions):
    running = [session for session in sessions if session["lifecycleStatus"] != "ENDED"]
    return max(running, key=lambda session: session["startedAt"], default=None)


@wrong("durations")
def ended_at_is_read_unguarded(sessions, _now):
    return {session["sessionId"]: session["endedAt"] - session["startedAt"] for session in sessions}


@wrong("durations")
def seconds_of_the_day(sessions, now):
    return {
        session["sessionId"]: datetime.timedelta(
            seconds=(session.get("endedAt", now) - session["startedAt"]).seconds
        )
        for session in sessions
    }


@wrong("durations")
def whole_seconds(sessions, now):
    return {
        session["sessionId"]: datetime.timedelta(
            seconds=int((session.get("endedAt", now) - session["startedAt"]).total_seconds())
        )
        for session in sessions
    }


@wrong("durations")
def without_timezones(sessions, now):
    return {
        session["sessionId"]: session.get("endedAt", now).replace(tzinfo=None)
        - session["startedAt"].replace(tzinfo=None)
        for session in sessions
    }


@wrong("durations")
def without_timezones_once_ended(sessions, now):
    return {
        session["sessionId"]: (
            session["endedAt"].replace(tzinfo=None) - session["startedAt"].replace(tzinfo=None)
            if "endedAt" in session
            else now - session["startedAt"]
        )
        for session in sessions
    }


@wrong("durations")
def against_a_naive_now(sessions, now):
    now = now.replace(tzinfo=None)
    return {
        session["sessionId"]: session.get("endedAt", now) - session["startedAt"]
        for session in sessions
    }


@wrong("durations")
def any_offset_is_taken_for_utc(sessions, now):
    utc = datetime.timezone.utc
    return {
        session["sessionId"]: session.get("endedAt", now) - session["startedAt"].replace(tzinfo=utc)
        for session in sessions
    }


@wrong("durations")
def up_to_the_last_update(sessions, now):
    return {
        session["sessionId"]: session.get("endedAt", session.get("updatedAt", now))
        - session["startedAt"]
        for session in sessions
    }


@wrong("durations")
def nothing_while_it_runs(sessions, _now):
    return {
        session["sessionId"]: session.get("endedAt", session["startedAt"]) - session["startedAt"]
        for session in sessions
    }


@wrong("durations")
def only_of_those_that_ended(sessions, _now):
    return {
        session["sessionId"]: session["endedAt"] - session["startedAt"]
        for session in sessions
        if "endedAt" in session
    }


@wrong("durations")
def from_the_update_on(sessions, now):
    return {
        session["sessionId"]: session.get("endedAt", now)
        - session.get("updatedAt", session["startedAt"])
        for session in sessions
    }


@wrong("durations")
def by_worker(sessions, now):
    return {
        session["workerId"]: session.get("endedAt", now) - session["startedAt"]
        for session in sessions
    }


@wrong("being_stopped")
def whoever_has_a_target(sessions):
    return {session["sessionId"] for session in sessions if "targetLifecycleStatus" in session}


@wrong("being_stopped")
def only_while_in_progress(sessions):
    return {
        session["sessionId"]
        for session in sessions
        if session["lifecycleStatus"] == "UPDATE_IN_PROGRESS"
    }


@wrong("being_stopped")
def every_target_is_there(sessions):
    return {
        session["sessionId"]
        for session in sessions
        if session["lifecycleStatus"] != "ENDED" and session["targetLifecycleStatus"] == "ENDED"
    }


@wrong("being_stopped")
def whoever_was_updated_by_somebody(sessions):
    return {
        session["sessionId"]
        for session in sessions
        if session.get("updatedBy") and session["lifecycleStatus"] != "ENDED"
    }


@wrong("being_stopped")
def the_target_differs_from_the_status(sessions):
    return {
        session["sessionId"]
        for session in sessions
        if session.get("targetLifecycleStatus") != session["lifecycleStatus"]
    }


@wrong("per_worker")
def groupby_without_sorting(sessions):
    key = operator.itemgetter("workerId")
    return {worker: list(of) for worker, of in itertools.groupby(sessions, key)}


@wrong("per_worker")
def the_last_session_alone(sessions):
    return {session["workerId"]: [session] for session in sessions}


@wrong("per_worker")
def groups_that_are_gone_when_read(sessions):
    key = operator.itemgetter("workerId")
    groups = dict(itertools.groupby(sorted(sessions, key=key), key))
    return {worker: list(of) for worker, of in groups.items()}


@wrong("per_worker")
def sorted_in_place(sessions):
    sessions.sort(key=operator.itemgetter("workerId"))
    key = operator.itemgetter("workerId")
    return {worker: list(of) for worker, of in itertools.groupby(sessions, key)}


@wrong("per_worker")
def latest_first(sessions):
    result = collections.defaultdict(list)
    for session in sessions:
        result[session["workerId"]].insert(0, session)
    return dict(result)


@wrong("per_worker")
def one_list_for_all(sessions):
    result = dict.fromkeys((session["workerId"] for session in sessions), [])
    for session in sessions:
        result[session["workerId"]].append(session)
    return result


@wrong("per_worker")
def ids_are_taken_out(sessions):
    result = collections.defaultdict(list)
    for session in sessions:
        result[session.pop("workerId")].append(session)
    return dict(result)


@wrong("stale")
def what_has_ended_is_stale_too(sessions, now):
    return {session["sessionId"] for session in sessions if now - session["startedAt"] > HOUR}


@wrong("stale")
def days_are_forgotten(sessions, now):
    return {
        session["sessionId"]
        for session in sessions
        if "endedAt" not in session and (now - session["startedAt"]).seconds > HOUR.seconds
    }


@wrong("stale")
def an_hour_is_enough(sessions, now):
    return {
        session["sessionId"]
        for session in sessions
        if "endedAt" not in session and now - session["startedAt"] >= HOUR
    }


@wrong("stale")
def more_than_an_hour_in_whole_seconds(sessions, now):
    return {
        session["sessionId"]
        for session in sessions
        if "endedAt" not in session
        and int((now - session["startedAt"]).total_seconds()) > HOUR.seconds
    }


@wrong("stale")
def hours_of_the_clock(sessions, now):
    return {
        session["sessionId"]
        for session in sessions
        if "endedAt" not in session and now.hour - session["startedAt"].hour > 1
    }


@wrong("stale")
def only_started_is_stale(sessions, now):
    return {
        session["sessionId"]
        for session in sessions
        if session["lifecycleStatus"] == "STARTED" and now - session["startedAt"] > HOUR
    }


@wrong("stale")
def the_newer_are_all_fresh(sessions, now):
    result = set()
    for session in sessions:
        if now - session["startedAt"] <= HOUR:
            break
        if "endedAt" not in session:
            result.add(session["sessionId"])
    return result


@wrong("stale")
def since_the_last_update(sessions, now):
    return {
        session["sessionId"]
        for session in sessions
        if "endedAt" not in session and now - session.get("updatedAt", session["startedAt"]) > HOUR
    }


@wrong("counts")
def only_what_is_there(sessions):
    return dict(collections.Counter(session["lifecycleStatus"] for session in sessions))


@wrong("counts")
def of_three_statuses(sessions):
    result = {"STARTED": 0, "UPDATE_IN_PROGRESS": 0, "ENDED": 0}
    for session in sessions:
        result[session["lifecycleStatus"]] += 1
    return result


@wrong("counts")
def updates_are_running(sessions):
    result = dict.fromkeys(STATUSES, 0)
    for session in sessions:
        status = session["lifecycleStatus"]
        result["UPDATE_IN_PROGRESS" if status.startswith("UPDATE") else status] += 1
    return result


@wrong("counts")
def of_workers(sessions):
    result = {status: set() for status in STATUSES}
    for session in sessions:
        result[session["lifecycleStatus"]].add(session["workerId"])
    return {status: len(workers) for status, workers in result.items()}


@wrong("timeline")
def as_listed(sessions):
    return list(sessions)


@wrong("timeline")
def as_listed_reversed(sessions):
    return sessions[::-1]


@wrong("timeline")
def start_is_the_key(sessions):
    result = {session["startedAt"]: session for session in sessions}
    return [result[start] for start in sorted(result)]


@wrong("timeline")
def summaries_are_compared(sessions):
    return [
        session for _, session in sorted((session["startedAt"], session) for session in sessions)
    ]


@wrong("timeline")
def texts_are_compared(sessions):
    return sorted(sessions, key=lambda session: str(session["startedAt"]))


@wrong("timeline")
def the_input_is_sorted(sessions):
    sessions.sort(key=lambda session: session["startedAt"])
    return sessions


@wrong("last_change")
def an_end_is_the_only_change(sessions):
    return {
        session["sessionId"]: session.get("endedAt", session["startedAt"]) for session in sessions
    }


@wrong("last_change")
def an_update_comes_last(sessions):
    return {
        session["sessionId"]: session.get("updatedAt")
        or session.get("endedAt")
        or session["startedAt"]
        for session in sessions
    }


@wrong("last_change")
def missing_is_none(sessions):
    names = ("startedAt", "updatedAt", "endedAt")
    return {session["sessionId"]: max(session.get(name) for name in names) for session in sessions}


@wrong("last_change")
def whoever_asked_has_a_name(sessions):
    return {
        session["sessionId"]: session["updatedAt"]
        if session.get("updatedBy")
        else session.get("endedAt", session["startedAt"])
        for session in sessions
    }
