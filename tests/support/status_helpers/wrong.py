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
    return [one for one in sessions if one["lifecycleStatus"] == "STARTED"]


@wrong("active")
def a_failed_update_has_ended(sessions):
    return [one for one in sessions if one["lifecycleStatus"] not in {"ENDED", "UPDATE_FAILED"}]


@wrong("active")
def a_successful_update_has_ended(sessions):
    return [one for one in sessions if one["lifecycleStatus"] not in {"ENDED", "UPDATE_SUCCEEDED"}]


@wrong("active")
def an_update_in_progress_has_ended(sessions):
    idle = ["ENDED", "UPDATE_IN_PROGRESS"]
    return [one for one in sessions if one["lifecycleStatus"] not in idle]


@wrong("active")
def the_target_is_the_status(sessions):
    return [
        one
        for one in sessions
        if one.get("targetLifecycleStatus", one["lifecycleStatus"]) != "ENDED"
    ]


@wrong("active")
def every_session_has_a_target(sessions):
    return [
        one
        for one in sessions
        if one["lifecycleStatus"] != "ENDED" or one["targetLifecycleStatus"] != "ENDED"
    ]


@wrong("active")
def a_status_that_does_not_exist(sessions):
    return [one for one in sessions if one["lifecycleStatus"] in {"STARTED", "RUNNING", "UPDATING"}]


@wrong("active")
def what_has_ended_is_removed(sessions):
    for one in sessions:
        if one["lifecycleStatus"] == "ENDED":
            sessions.remove(one)
    return sessions


@wrong("active")
def ended_at_is_always_there(sessions):
    return [one for one in sessions if one["endedAt"] is None]


@wrong("active")
def whoever_was_updated_has_ended(sessions):
    return [one for one in sessions if "updatedAt" not in one and "endedAt" not in one]


@wrong("active")
def one_session_for_each_worker(sessions):
    found = {one["workerId"]: one for one in sessions if one["lifecycleStatus"] != "ENDED"}
    return list(found.values())


@wrong("latest")
def the_last_one_listed(sessions):
    return sessions[-1] if sessions else None


@wrong("latest")
def the_first_one_listed(sessions):
    return next(iter(sessions), None)


@wrong("latest")
def there_is_always_one(sessions):
    return max(sessions, key=lambda one: one["startedAt"])


@wrong("latest")
def the_earliest(sessions):
    return sorted(sessions, key=lambda one: one["startedAt"])[0] if sessions else None


@wrong("latest")
def by_the_text_of_the_time(sessions):
    return max(sessions, key=lambda one: one["startedAt"].isoformat(), default=None)


@wrong("latest")
def by_the_wall_clock(sessions):
    return max(sessions, key=lambda one: one["startedAt"].replace(tzinfo=None), default=None)


@wrong("latest")
def by_the_day(sessions):
    return max(sessions, key=lambda one: one["startedAt"].date(), default=None)


@wrong("latest")
def by_the_second(sessions):
    return max(sessions, key=lambda one: int(one["startedAt"].timestamp()), default=None)


@wrong("latest")
def by_the_millisecond(sessions):
    return max(sessions, key=lambda one: int(one["startedAt"].timestamp() * 1000), default=None)


@wrong("latest")
def by_the_id(sessions):
    return max(sessions, key=lambda one: one["sessionId"], default=None)


@wrong("latest")
def nothing_starts_at_the_same_time(sessions):
    ordered = sorted((one["startedAt"], one) for one in sessions)
    return ordered[-1][1] if ordered else None


@wrong("latest")
def the_latest_that_has_ended(sessions):
    return max(sessions, key=lambda one: one["endedAt"], default=None)


@wrong("latest")
def the_latest_to_change(sessions):
    key = operator.itemgetter
    return max(sessions, key=lambda one: one.get("endedAt", key("startedAt")(one)), default=None)


@wrong("latest")
def the_latest_that_is_active(sessions):
    running = [one for one in sessions if one["lifecycleStatus"] != "ENDED"]
    return max(running, key=lambda one: one["startedAt"], default=None)


@wrong("durations")
def ended_at_is_read_unguarded(sessions, _now):
    return {one["sessionId"]: one["endedAt"] - one["startedAt"] for one in sessions}


@wrong("durations")
def seconds_of_the_day(sessions, now):
    return {
        one["sessionId"]: datetime.timedelta(
            seconds=(one.get("endedAt", now) - one["startedAt"]).seconds
        )
        for one in sessions
    }


@wrong("durations")
def whole_seconds(sessions, now):
    return {
        one["sessionId"]: datetime.timedelta(
            seconds=int((one.get("endedAt", now) - one["startedAt"]).total_seconds())
        )
        for one in sessions
    }


@wrong("durations")
def without_timezones(sessions, now):
    return {
        one["sessionId"]: one.get("endedAt", now).replace(tzinfo=None)
        - one["startedAt"].replace(tzinfo=None)
        for one in sessions
    }


@wrong("durations")
def without_timezones_once_ended(sessions, now):
    return {
        one["sessionId"]: (
            one["endedAt"].replace(tzinfo=None) - one["startedAt"].replace(tzinfo=None)
            if "endedAt" in one
            else now - one["startedAt"]
        )
        for one in sessions
    }


@wrong("durations")
def against_a_naive_now(sessions, now):
    now = now.replace(tzinfo=None)
    return {one["sessionId"]: one.get("endedAt", now) - one["startedAt"] for one in sessions}


@wrong("durations")
def any_offset_is_taken_for_utc(sessions, now):
    utc = datetime.timezone.utc
    return {
        one["sessionId"]: one.get("endedAt", now) - one["startedAt"].replace(tzinfo=utc)
        for one in sessions
    }


@wrong("durations")
def up_to_the_last_update(sessions, now):
    return {
        one["sessionId"]: one.get("endedAt", one.get("updatedAt", now)) - one["startedAt"]
        for one in sessions
    }


@wrong("durations")
def nothing_while_it_runs(sessions, _now):
    return {
        one["sessionId"]: one.get("endedAt", one["startedAt"]) - one["startedAt"]
        for one in sessions
    }


@wrong("durations")
def only_of_those_that_ended(sessions, _now):
    return {
        one["sessionId"]: one["endedAt"] - one["startedAt"] for one in sessions if "endedAt" in one
    }


@wrong("durations")
def from_the_update_on(sessions, now):
    return {
        one["sessionId"]: one.get("endedAt", now) - one.get("updatedAt", one["startedAt"])
        for one in sessions
    }


@wrong("durations")
def by_worker(sessions, now):
    return {one["workerId"]: one.get("endedAt", now) - one["startedAt"] for one in sessions}


@wrong("being_stopped")
def whoever_has_a_target(sessions):
    return {one["sessionId"] for one in sessions if "targetLifecycleStatus" in one}


@wrong("being_stopped")
def only_while_in_progress(sessions):
    return {one["sessionId"] for one in sessions if one["lifecycleStatus"] == "UPDATE_IN_PROGRESS"}


@wrong("being_stopped")
def every_target_is_there(sessions):
    return {
        one["sessionId"]
        for one in sessions
        if one["lifecycleStatus"] != "ENDED" and one["targetLifecycleStatus"] == "ENDED"
    }


@wrong("being_stopped")
def whoever_was_updated_by_somebody(sessions):
    return {
        one["sessionId"]
        for one in sessions
        if one.get("updatedBy") and one["lifecycleStatus"] != "ENDED"
    }


@wrong("being_stopped")
def the_target_differs_from_the_status(sessions):
    return {
        one["sessionId"]
        for one in sessions
        if one.get("targetLifecycleStatus") != one["lifecycleStatus"]
    }


@wrong("per_worker")
def groupby_without_sorting(sessions):
    key = operator.itemgetter("workerId")
    return {worker: list(of) for worker, of in itertools.groupby(sessions, key)}


@wrong("per_worker")
def the_last_session_alone(sessions):
    return {one["workerId"]: [one] for one in sessions}


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
    found = collections.defaultdict(list)
    for one in sessions:
        found[one["workerId"]].insert(0, one)
    return dict(found)


@wrong("per_worker")
def one_list_for_all(sessions):
    found = dict.fromkeys((one["workerId"] for one in sessions), [])
    for one in sessions:
        found[one["workerId"]].append(one)
    return found


@wrong("per_worker")
def ids_are_taken_out(sessions):
    found = collections.defaultdict(list)
    for one in sessions:
        found[one.pop("workerId")].append(one)
    return dict(found)


@wrong("stale")
def what_has_ended_is_stale_too(sessions, now):
    return {one["sessionId"] for one in sessions if now - one["startedAt"] > HOUR}


@wrong("stale")
def days_are_forgotten(sessions, now):
    return {
        one["sessionId"]
        for one in sessions
        if "endedAt" not in one and (now - one["startedAt"]).seconds > HOUR.seconds
    }


@wrong("stale")
def an_hour_is_enough(sessions, now):
    return {
        one["sessionId"]
        for one in sessions
        if "endedAt" not in one and now - one["startedAt"] >= HOUR
    }


@wrong("stale")
def more_than_an_hour_in_whole_seconds(sessions, now):
    return {
        one["sessionId"]
        for one in sessions
        if "endedAt" not in one and int((now - one["startedAt"]).total_seconds()) > HOUR.seconds
    }


@wrong("stale")
def hours_of_the_clock(sessions, now):
    return {
        one["sessionId"]
        for one in sessions
        if "endedAt" not in one and now.hour - one["startedAt"].hour > 1
    }


@wrong("stale")
def only_started_is_stale(sessions, now):
    return {
        one["sessionId"]
        for one in sessions
        if one["lifecycleStatus"] == "STARTED" and now - one["startedAt"] > HOUR
    }


@wrong("stale")
def the_newer_are_all_fresh(sessions, now):
    found = set()
    for one in sessions:
        if now - one["startedAt"] <= HOUR:
            break
        if "endedAt" not in one:
            found.add(one["sessionId"])
    return found


@wrong("stale")
def since_the_last_update(sessions, now):
    return {
        one["sessionId"]
        for one in sessions
        if "endedAt" not in one and now - one.get("updatedAt", one["startedAt"]) > HOUR
    }


@wrong("counts")
def only_what_is_there(sessions):
    return dict(collections.Counter(one["lifecycleStatus"] for one in sessions))


@wrong("counts")
def of_three_statuses(sessions):
    found = {"STARTED": 0, "UPDATE_IN_PROGRESS": 0, "ENDED": 0}
    for one in sessions:
        found[one["lifecycleStatus"]] += 1
    return found


@wrong("counts")
def updates_are_running(sessions):
    found = dict.fromkeys(STATUSES, 0)
    for one in sessions:
        status = one["lifecycleStatus"]
        found["UPDATE_IN_PROGRESS" if status.startswith("UPDATE") else status] += 1
    return found


@wrong("counts")
def of_workers(sessions):
    found = {status: set() for status in STATUSES}
    for one in sessions:
        found[one["lifecycleStatus"]].add(one["workerId"])
    return {status: len(workers) for status, workers in found.items()}


@wrong("timeline")
def as_listed(sessions):
    return list(sessions)


@wrong("timeline")
def as_listed_reversed(sessions):
    return sessions[::-1]


@wrong("timeline")
def start_is_the_key(sessions):
    found = {one["startedAt"]: one for one in sessions}
    return [found[start] for start in sorted(found)]


@wrong("timeline")
def summaries_are_compared(sessions):
    return [one for _, one in sorted((one["startedAt"], one) for one in sessions)]


@wrong("timeline")
def texts_are_compared(sessions):
    return sorted(sessions, key=lambda one: str(one["startedAt"]))


@wrong("timeline")
def the_input_is_sorted(sessions):
    sessions.sort(key=lambda one: one["startedAt"])
    return sessions


@wrong("last_change")
def an_end_is_the_only_change(sessions):
    return {one["sessionId"]: one.get("endedAt", one["startedAt"]) for one in sessions}


@wrong("last_change")
def an_update_comes_last(sessions):
    return {
        one["sessionId"]: one.get("updatedAt") or one.get("endedAt") or one["startedAt"]
        for one in sessions
    }


@wrong("last_change")
def missing_is_none(sessions):
    names = ("startedAt", "updatedAt", "endedAt")
    return {one["sessionId"]: max(one.get(name) for name in names) for one in sessions}


@wrong("last_change")
def whoever_asked_has_a_name(sessions):
    return {
        one["sessionId"]: one["updatedAt"]
        if one.get("updatedBy")
        else one.get("endedAt", one["startedAt"])
        for one in sessions
    }
