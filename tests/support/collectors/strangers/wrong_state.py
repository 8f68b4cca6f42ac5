"""Wrong collectors: state between calls."""

from __future__ import annotations

import functools
import threading
import time

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
)
from collectors.strangers.wrong import WRONG, _all, wrong

# state between calls


_RESUME: dict = {}


@wrong(
    "Keeps one token for all jobs after a failure: the next job starts with another job's token."
)
def resume_any_job(client, **job):
    out = []
    token = _RESUME.pop("token", None)
    while True:
        page = client.list_sessions(**job, **({"nextToken": token} if token else {}))
        out += page["sessions"]
        token = page.get("nextToken")
        if not token:
            _RESUME.clear()
            return out
        _RESUME["token"] = token


_CHECKPOINTS: dict = {}


@wrong("Resumes at the token where the last call failed, without the sessions it already had.")
def resume_without_sessions(client, **job):
    key = tuple(sorted(job.items()))
    token, out = _CHECKPOINTS.get(key), []
    while True:
        page = client.list_sessions(**job, **({"nextToken": token} if token else {}))
        out += page["sessions"]
        token = page.get("nextToken")
        if not token:
            _CHECKPOINTS.pop(key, None)
            return out
        _CHECKPOINTS[key] = token


class JobLister:
    token = None  # class attribute: shared
    last: list = []

    def __init__(self, client):
        self.client = client

    def __call__(self, **job):
        found = []
        while True:
            more = {"nextToken": JobLister.token} if JobLister.token else {}
            page = self.client.list_sessions(**job, **more)
            found.extend(page["sessions"])
            JobLister.token = page.get("nextToken")
            if JobLister.token is None:
                return found


@wrong("The token is a class attribute: after a failure the next call starts in the middle.")
def token_as_class_attribute(client, **job):
    return JobLister(client)(**job)


@wrong("Default list argument: the second call returns the first one's sessions too.")
def default_list(client, farmId, queueId, jobId, sessions=[]):  # noqa: B006
    for page in client.get_paginator("list_sessions").paginate(
        farmId=farmId, queueId=queueId, jobId=jobId
    ):
        sessions.extend(page["sessions"])
    return list(sessions)


@wrong("Default set argument for deduplication: the second call finds nothing new.")
def default_seen(client, *, seen=set(), **job):  # noqa: B006
    out = []
    for s in _all(client, job):
        if s["sessionId"] not in seen:
            seen.add(s["sessionId"])
            out.append(s)
    return out


@wrong("Default dict of parameters: the token of a failed call stays in it.")
def default_parameters(client, _params={}, **job):  # noqa: B006
    _params.update(job)
    out = []
    while True:
        page = client.list_sessions(**_params)
        out += page["sessions"]
        token = page.get("nextToken")
        if token is None:
            _params.pop("nextToken", None)
            return out
        _params["nextToken"] = token


@wrong("Default cursor from function attributes, reset only at the end of a complete listing.")
def function_attribute_cursor(client, **job):
    me = function_attribute_cursor
    if getattr(me, "job", None) != job:
        me.job, me.token, me.rows = job, None, []
    while True:
        page = client.list_sessions(**job, **({"nextToken": me.token} if me.token else {}))
        me.rows.extend(page["sessions"])
        me.token = page.get("nextToken")
        if me.token is None:
            return [s["sessionId"] for s in me.rows]


@functools.lru_cache(maxsize=128)
def _cached_sessions(client, farmId, queueId, jobId):
    rows = []
    for page in client.get_paginator("list_sessions").paginate(
        farmId=farmId, queueId=queueId, jobId=jobId
    ):
        rows += page["sessions"]
    return tuple(rows)


@wrong("lru_cache: new sessions are not seen in later calls.")
def lru_cached(client, **job):
    return _cached_sessions(client, **job)


_BY_JOB: dict = {}


@wrong("A cache by jobId that is never invalidated.")
def cached_by_job(client, farmId, queueId, jobId):
    if jobId not in _BY_JOB:
        _BY_JOB[jobId] = list(_all(client, dict(farmId=farmId, queueId=queueId, jobId=jobId)))
    return _BY_JOB[jobId]


_TTL: dict = {}


@wrong("A cache that is valid for 30 seconds: a session that started since is missing.")
def cached_for_30_seconds(client, **job):
    key = tuple(job.values())
    entry = _TTL.get(key)
    if entry and time.monotonic() - entry[0] < 30:
        return list(entry[1])
    rows = list(_all(client, job))
    _TTL[key] = (time.monotonic(), rows)
    return list(rows)


_PAGES_BY_TOKEN: dict = {}


@wrong("Caches pages by token alone: the first page has none, and two jobs can have equal tokens.")
def pages_cached_by_token(client, **job):
    out, token = [], None
    while True:
        if token is None or token not in _PAGES_BY_TOKEN:
            _PAGES_BY_TOKEN[token] = client.list_sessions(
                **job, **({"nextToken": token} if token else {})
            )
        page = _PAGES_BY_TOKEN[token]
        out += page["sessions"]
        token = page.get("nextToken")
        if token is None:
            return out


_FINISHED: dict = {}


@wrong("Caches a job's sessions once all have ended, but a requeued task starts new ones.")
def cached_when_all_ended(client, **job):
    key = (job["farmId"], job["queueId"], job["jobId"])
    if key in _FINISHED:
        return _FINISHED[key]
    rows = list(_all(client, job))
    if all(s["lifecycleStatus"] == "ENDED" for s in rows):
        _FINISHED[key] = rows
    return rows


_BY_UPDATE: dict = {}


@wrong("Caches until GetJob's updatedAt changes, which new sessions do not touch.")
def cached_until_job_updated(client, **job):
    details = client.get_job(**job)
    stamp = (job["jobId"], details.get("updatedAt"), details.get("lifecycleStatus"))
    if stamp not in _BY_UPDATE:
        _BY_UPDATE[stamp] = list(_all(client, job))
    return _BY_UPDATE[stamp]


_LAST_GOOD: dict = {}


@wrong("After a failure returns the result of the last call that worked, which may be old.")
def last_good_result(client, **job):
    key = job["jobId"]
    try:
        _LAST_GOOD[key] = list(_all(client, job))
    except (ClientError, BotoCoreError):
        if key not in _LAST_GOOD:
            raise
    return _LAST_GOOD[key]


_ERRORS: dict = {}


@wrong("Caches the error too: raises it again when the service is well.")
def cached_error(client, **job):
    key = frozenset(job.items())
    if key in _ERRORS:
        raise _ERRORS[key]
    try:
        return list(_all(client, job))
    except Exception as error:
        _ERRORS[key] = error
        raise


class Breaker:
    def __init__(self):
        self.open = False

    def __call__(self, client, **job):
        if self.open:
            return []
        try:
            return list(_all(client, job))
        except (ClientError, BotoCoreError):
            self.open = True
            raise


WRONG["circuit_breaker_returns_nothing"] = (
    Breaker().__call__,
    "After one failure an open circuit breaker returns an empty list for ever.",
)


class Breaker2:
    failures = 0

    @classmethod
    def collect(cls, client, **job):
        if cls.failures >= 1:
            raise RuntimeError("circuit open")
        try:
            return [s["sessionId"] for s in _all(client, job)]
        except Exception:
            cls.failures += 1
            raise


WRONG["circuit_breaker_never_closes"] = (
    Breaker2.collect,
    "After one failure every later call raises, although no call failed in it.",
)


class Collector:
    def __init__(self):
        self.sessions = []

    def collect(self, client, **job):
        for page in client.get_paginator("list_sessions").paginate(**job):
            self.sessions += page["sessions"]
        return self.sessions


WRONG["instance_never_reset"] = (
    Collector().collect,
    "One instance keeps the sessions of earlier calls.",
)


class Aliased:
    def __init__(self):
        self.rows = []

    def __call__(self, client, **job):
        try:
            self.rows += _all(client, job)
            return tuple(self.rows)
        finally:
            if len(self.rows) > 500:
                self.rows.clear()


WRONG["cleared_only_when_large"] = (
    Aliased().__call__,
    "Clears its buffer only when it is large, so small jobs add up.",
)


class FailsToClear:
    def __init__(self):
        self.buffer = []

    def collect(self, client, **job):
        for s in _all(client, job):
            self.buffer.append(s)
        out, self.buffer = self.buffer, []
        return out


WRONG["buffer_kept_after_failure"] = (
    FailsToClear().collect,
    "The buffer of a failed call is returned together with the next call's sessions.",
)


def _closure():
    total = {}

    def collect(client, **job):
        for s in _all(client, job):
            total[s["sessionId"]] = s
        return list(total.values())

    return collect


WRONG["closure_dict"] = (
    _closure(),
    "A closure's dict keeps all sessions it ever saw, of all jobs.",
)


_IDS: dict = {}


@wrong("Uses the ids of its first call for ever (setdefault in a module-level config).")
def first_job_for_ever(client, **job):
    for key, value in job.items():
        _IDS.setdefault(key, value)
    return list(_all(client, _IDS))


_FARM: list = []


@wrong("Remembers the farm and queue of the first call.")
def first_queue_for_ever(client, farmId, queueId, jobId):
    if not _FARM:
        _FARM.extend([farmId, queueId])
    return list(_all(client, dict(farmId=_FARM[0], queueId=_FARM[1], jobId=jobId)))


_SIZE = {"maxResults": 100}


@wrong("A module-level page size shrinks after each fault until it is zero.")
def shrinking_page_size(client, **job):
    try:
        return [
            s
            for p in client.get_paginator("list_sessions").paginate(**job, **_SIZE)
            for s in p["sessions"]
        ]
    except (ClientError, BotoCoreError):
        _SIZE["maxResults"] //= 10
        raise


_BUSY = threading.Lock()


@wrong(
    "Returns nothing while 'another call is running', but a failed call never releases the lock."
)
def lock_not_released(client, **job):
    if not _BUSY.acquire(blocking=False):
        return []
    rows = list(_all(client, job))
    _BUSY.release()
    return rows


_BUSY_HARD = threading.Lock()


@wrong("A lock that a failed call never releases: the next call waits for ever.")
def lock_waits_for_ever(client, **job):
    _BUSY_HARD.acquire()
    rows = list(_all(client, job))
    _BUSY_HARD.release()
    return rows


_SLOTS = threading.BoundedSemaphore(2)


@wrong("A semaphore slot is lost with every failure: after two failures calls return nothing.")
def semaphore_leak(client, **job):
    if not _SLOTS.acquire(timeout=1):
        return []
    rows = list(_all(client, job))
    _SLOTS.release()
    return rows
