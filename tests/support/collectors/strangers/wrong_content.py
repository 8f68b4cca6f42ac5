"""Wrong collectors: order, filters by accident and watermarks."""

from __future__ import annotations

import bisect
import collections
import dataclasses
import datetime as dt
import heapq
import itertools
import operator
import sys

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
)
from collectors.strangers.wrong import WRONG, _all, log, wrong

# order


@wrong("Sorts by startedAt.")
def sorted_by_start(client, **job):
    return sorted(_all(client, job), key=lambda s: s["startedAt"])


@wrong("Sorts by worker, for a report.")
def sorted_by_worker(client, **job):
    return sorted(_all(client, job), key=operator.itemgetter("workerId"))


@wrong("Sorts by sessionId.")
def sorted_by_id(client, **job):
    return sorted(s["sessionId"] for s in _all(client, job))


@wrong("Puts running sessions first.")
def running_first(client, **job):
    return sorted(_all(client, job), key=lambda s: s["lifecycleStatus"] == "ENDED")


@wrong("Newest first: reverses the listing.")
def reversed_listing(client, **job):
    rows = list(_all(client, job))
    rows.reverse()
    return rows


@wrong("Prepends each page: pages in reverse order.")
def prepends_pages(client, **job):
    out, kw = [], {}
    while True:
        page = client.list_sessions(**job, **kw)
        out = page["sessions"] + out
        if not page.get("nextToken"):
            return out
        kw["nextToken"] = page["nextToken"]


@wrong("Merges pages by start time with heapq.merge.")
def heap_merge(client, **job):
    pages = [p["sessions"] for p in client.get_paginator("list_sessions").paginate(**job)]
    return list(heapq.merge(*pages, key=lambda s: s["startedAt"]))


@wrong("insort by endedAt, with running sessions last.")
def insort_by_end(client, **job):
    far = dt.datetime.max.replace(tzinfo=dt.timezone.utc)
    out = []
    for s in _all(client, job):
        bisect.insort(out, s, key=lambda x: x.get("endedAt", far))
    return out


@wrong("extendleft reverses everything.")
def extendleft(client, **job):
    box = collections.deque()
    for page in client.get_paginator("list_sessions").paginate(**job):
        box.extendleft(page["sessions"])
    return list(box)


@wrong("Groups by worker and flattens the groups: order changes when workers alternate.")
def grouped_by_worker(client, **job):
    groups = collections.defaultdict(list)
    for s in _all(client, job):
        groups[s["workerId"]].append(s)
    return [s for group in groups.values() for s in group]


@wrong("Keeps running and other sessions in two lists and joins them.")
def two_lists(client, **job):
    running, rest = [], []
    for s in _all(client, job):
        (running if s["lifecycleStatus"] == "STARTED" else rest).append(s)
    return running + rest


@wrong("A retried page is appended after the pages that followed it (failed pages are queued).")
def failed_pages_last(client, **job):
    todo, parts = collections.deque([(0, None)]), []
    tries = collections.Counter()
    while todo:
        n, token = todo.popleft()
        try:
            page = client.list_sessions(**job, **({"nextToken": token} if token else {}))
        except (ClientError, BotoCoreError):
            tries[n] += 1
            if tries[n] > 3:
                continue  # bug as well: dropped
            todo.append((n, token))
            continue
        parts.append(page["sessions"])
        if page.get("nextToken"):
            todo.append((n + 1, page["nextToken"]))
    return list(itertools.chain(*parts))


# filters by accident


@wrong("Returns only STARTED sessions.")
def only_started(client, **job):
    return [s for s in _all(client, job) if s["lifecycleStatus"] == "STARTED"]


@wrong("Drops ENDED sessions with a jmespath filter.")
def drops_ended(client, **job):
    it = client.get_paginator("list_sessions").paginate(**job)
    return list(it.search("sessions[?lifecycleStatus!='ENDED']"))


@wrong("Drops sessions that were asked to end.")
def drops_stopping(client, **job):
    return [s for s in _all(client, job) if not s.get("targetLifecycleStatus")]


@wrong("Reads s['endedAt'] of every session: KeyError for a running one.")
def needs_ended_at(client, **job):
    rows = []
    for s in _all(client, job):
        rows.append({**s, "seconds": (s["endedAt"] - s["startedAt"]).total_seconds()})
    return rows


@wrong("Drops sessions of zero length, where endedAt equals startedAt.")
def drops_zero_length(client, **job):
    return [
        s for s in _all(client, job) if s.get("endedAt") is None or s["endedAt"] > s["startedAt"]
    ]


@wrong("Knows only two statuses: a session whose update is in progress is left out.")
def known_statuses(client, **job):
    buckets = {"STARTED": [], "ENDED": []}
    ids = []
    for s in _all(client, job):
        bucket = buckets.get(s["lifecycleStatus"])
        if bucket is not None:
            bucket.append(s)
            ids.append(s["sessionId"])
    return ids


@wrong("Drops sessions that failed to update.")
def drops_failed_updates(client, **job):
    return [s["sessionId"] for s in _all(client, job) if "FAILED" not in s["lifecycleStatus"]]


@dataclasses.dataclass
class Row:
    sessionId: str
    fleetId: str
    workerId: str
    startedAt: dt.datetime
    lifecycleStatus: str
    endedAt: dt.datetime | None = None
    targetLifecycleStatus: str | None = None


@wrong("The dataclass lacks updatedAt and updatedBy: TypeError for sessions that have them.")
def dataclass_without_updated(client, **job):
    return [Row(**s).sessionId for s in _all(client, job)]


@wrong("jmespath sessions[0] takes one session of each page.")
def jmespath_first(client, **job):
    found = client.get_paginator("list_sessions").paginate(**job).search("sessions[0]")
    return [s for s in found if s]


@wrong("Only sessions of the last 24 hours.")
def last_day_only(client, **job):
    since = dt.datetime.now(dt.timezone.utc) - dt.timedelta(hours=24)
    return [s for s in _all(client, job) if s["startedAt"] >= since]


@wrong("Compares startedAt with a naive datetime: TypeError with the first session.")
def naive_comparison(client, **job):
    now = dt.datetime.utcnow() if sys.version_info < (3, 12) else dt.datetime.now()
    return [s for s in _all(client, job) if s["startedAt"] <= now]


@wrong(
    "Asks 'is it running' by comparing endedAt with None: s['endedAt'] > now raises for running ones, which are dropped."
)
def broken_sessions_dropped(client, **job):
    out = []
    for s in _all(client, job):
        try:
            if s["endedAt"] >= s["startedAt"]:
                out.append(s)
        except KeyError:
            log.info("skipping malformed session %s", s["sessionId"])
    return out


# watermarks


_LAST_SEEN: dict = {}


@wrong("Returns only sessions that started after the newest one of the previous call.")
def watermark_between_calls(client, **job):
    key = job["jobId"]
    since = _LAST_SEEN.get(key, dt.datetime.min.replace(tzinfo=dt.timezone.utc))
    rows = [s for s in _all(client, job) if s["startedAt"] > since]
    if rows:
        _LAST_SEEN[key] = max(s["startedAt"] for s in rows)
    return rows


@wrong(
    "Within one call, skips sessions not newer than the newest so far: equal or unordered start times are lost."
)
def watermark_within_call(client, **job):
    mark, out = None, []
    for s in _all(client, job):
        if mark is None or s["startedAt"] > mark:
            mark = s["startedAt"]
            out.append(s)
    return out


@wrong("Across pages, skips sessions at or before the previous page's last startedAt.")
def watermark_between_pages(client, **job):
    out, mark = [], None
    for page in client.get_paginator("list_sessions").paginate(**job):
        fresh = [s for s in page["sessions"] if mark is None or s["startedAt"] > mark]
        out += fresh
        if page["sessions"]:
            mark = max(s["startedAt"] for s in page["sessions"])
    return out


_NEWEST_ID: dict = {}


@wrong("Assumes newest first and stops at the session it saw first in the last call.")
def stops_at_known_session(client, **job):
    out = []
    known = _NEWEST_ID.get(job["jobId"])
    for s in _all(client, job):
        if s["sessionId"] == known:
            break
        out.append(s)
    if out:
        _NEWEST_ID[job["jobId"]] = out[0]["sessionId"]
    return out


@wrong("Stops when start times go down ('the service started over').")
def stops_when_time_goes_back(client, **job):
    out = []
    for s in _all(client, job):
        if out and s["startedAt"] < out[-1]["startedAt"]:
            break
        out.append(s)
    return out


@wrong("Stops paging when a whole page has ended: 'older pages can only be older'.")
def stops_at_ended_page(client, **job):
    out = []
    for page in client.get_paginator("list_sessions").paginate(**job):
        out += page["sessions"]
        if page["sessions"] and all(s["lifecycleStatus"] == "ENDED" for s in page["sessions"]):
            break
    return out


class Poller:
    """Polls for changed sessions."""

    def __init__(self):
        self.changed = {}

    def collect(self, client, **job):
        rows = []
        for s in _all(client, job):
            stamp = (s["lifecycleStatus"], s.get("updatedAt"))
            if self.changed.get(s["sessionId"]) != stamp:
                self.changed[s["sessionId"]] = stamp
                rows.append(s)
        return rows


WRONG["only_changed_since_last_poll"] = (
    Poller().collect,
    "Returns only sessions that changed since the previous call.",
)
