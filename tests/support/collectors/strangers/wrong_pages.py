"""Wrong collectors: page sizes and arguments and duplicates."""

from __future__ import annotations

import itertools
import operator
import os
import time

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
)
from collectors.strangers.wrong import code_of, wrong

# page sizes and arguments


@wrong("Computes positions as page number * page length, so uneven pages overwrite each other.")
def positions_by_page_number(client, **job):
    slots, kw = {}, {}
    for number in itertools.count():
        page = client.list_sessions(**job, **kw)
        size = len(page["sessions"])
        for i, s in enumerate(page["sessions"]):
            slots[number * size + i] = s
        if not page.get("nextToken"):
            return [slots[k] for k in sorted(slots)]
        kw["nextToken"] = page["nextToken"]


@wrong("maxResults=1000 is out of range.")
def max_results_1000(client, **job):
    out, kw = [], dict(job, maxResults=1000)
    while True:
        page = client.list_sessions(**kw)
        out.extend(page["sessions"])
        if not page.get("nextToken"):
            return out
        kw["nextToken"] = page["nextToken"]


@wrong("maxResults=0 is out of range.")
def max_results_zero(client, **job):
    pages = client.get_paginator("list_sessions").paginate(**job, maxResults=0)
    return [s for p in pages for s in p["sessions"]]


@wrong("PageSize 500 becomes maxResults=500, out of range.")
def page_size_500(client, **job):
    it = client.get_paginator("list_sessions").paginate(**job, PaginationConfig={"PageSize": 500})
    return it.build_full_result()["sessions"]


@wrong("Asks for `limit - got` sessions, so maxResults changes from call to call.")
def max_results_remaining(client, **job):
    LIMIT = 100
    out, kw = [], {}
    while True:
        want = max(1, LIMIT - len(out))
        page = client.list_sessions(**job, maxResults=want, **kw)
        out += page["sessions"]
        if not page.get("nextToken"):
            return out
        kw = {"nextToken": page["nextToken"]}


@wrong("Starts with a small first page and then asks for big ones: maxResults changes.")
def small_first_page(client, **job):
    page = client.list_sessions(**job, maxResults=10)
    out = page["sessions"][:]
    while token := page.get("nextToken"):
        page = client.list_sessions(**job, maxResults=100, nextToken=token)
        out += page["sessions"]
    return out


@wrong("Leaves maxResults out of the follow-up calls.")
def max_results_first_call_only(client, **job):
    page = client.list_sessions(**job, maxResults=25)
    out = list(page["sessions"])
    while "nextToken" in page:
        page = client.list_sessions(**job, nextToken=page["nextToken"])
        out.extend(page["sessions"])
    return out


@wrong("Doubles maxResults after each page.")
def max_results_doubles(client, **job):
    out, size, kw = [], 1, {}
    while True:
        page = client.list_sessions(**job, maxResults=min(size, 100), **kw)
        out.extend(page["sessions"])
        size *= 2
        if page.get("nextToken") is None:
            return out
        kw["nextToken"] = page["nextToken"]


@wrong("Halves maxResults after a timeout or throttling in the middle of the listing.")
def max_results_halved_on_fault(client, **job):
    out, size, kw = [], 100, {}
    while True:
        try:
            page = client.list_sessions(**job, maxResults=size, **kw)
        except (ClientError, BotoCoreError):
            if size == 1:
                raise
            size //= 2
            continue
        out.extend(page["sessions"])
        if not page.get("nextToken"):
            return out
        kw["nextToken"] = page["nextToken"]


@wrong("Swaps queueId and jobId in follow-up calls.")
def swapped_ids(client, farmId, queueId, jobId):
    def fetch(farm, job, queue, **more):
        return client.list_sessions(farmId=farm, queueId=queue, jobId=job, **more)

    page = fetch(farmId, jobId, queueId)
    out = page["sessions"]
    while page.get("nextToken"):
        page = fetch(farmId, queueId, jobId, nextToken=page["nextToken"])
        out = out + page["sessions"]
    return out


STUDIO_FARM = "farm-" + "5" * 32


@wrong("Ignores farmId and uses the studio's own farm.")
def hard_coded_farm(client, farmId, queueId, jobId):
    pages = client.get_paginator("list_sessions").paginate(
        farmId=os.environ.get("STUDIO_FARM_ID", STUDIO_FARM), queueId=queueId, jobId=jobId
    )
    return [s for p in pages for s in p["sessions"]]


@wrong("Uses the studio's own farm only in follow-up calls.")
def hard_coded_farm_later(client, farmId, queueId, jobId):
    page = client.list_sessions(farmId=farmId, queueId=queueId, jobId=jobId)
    out = list(page["sessions"])
    while "nextToken" in page:
        page = client.list_sessions(
            farmId=STUDIO_FARM, queueId=queueId, jobId=jobId, nextToken=page["nextToken"]
        )
        out += page["sessions"]
    return out


@wrong("Sends a member that ListSessions does not have.")
def filters_by_unknown_member(client, **job):
    out = []
    for page in client.get_paginator("list_sessions").paginate(**job, lifecycleStatus="STARTED"):
        out.extend(page["sessions"])
    return out


@wrong("Sends the token as NextToken, which botocore rejects.")
def wrong_member_for_token(client, **job):
    page = client.list_sessions(**job)
    out = page["sessions"]
    while page.get("nextToken"):
        page = client.list_sessions(**job, NextToken=page["nextToken"])
        out += page["sessions"]
    return out


@wrong("maxResults from an environment variable is a string, which botocore rejects.")
def max_results_string(client, **job):
    size = os.environ.get("DEADLINE_PAGE_SIZE", "100")
    return [
        s
        for page in client.get_paginator("list_sessions").paginate(**job, maxResults=size)
        for s in page["sessions"]
    ]


@wrong("Sends only the token in follow-up calls, since 'the token knows the rest'.")
def token_only(client, **job):
    page = client.list_sessions(**job)
    out = [*page["sessions"]]
    while page.get("nextToken"):
        page = client.list_sessions(nextToken=page["nextToken"])
        out += page["sessions"]
    return out


@wrong("Uses the first eight digits of the jobId in follow-up calls, as shown in the UI.")
def shortened_job_id(client, farmId, queueId, jobId):
    short = jobId.removeprefix("job-")[:8]
    page = client.list_sessions(farmId=farmId, queueId=queueId, jobId=jobId)
    out = list(page["sessions"])
    while page.get("nextToken"):
        page = client.list_sessions(
            farmId=farmId,
            queueId=queueId,
            jobId="job-" + short,
            nextToken=page["nextToken"],
        )
        out.extend(page["sessions"])
    return out


# duplicates


@wrong("One session per worker: later sessions of the same worker replace earlier ones.")
def by_worker(client, **job):
    latest = {}
    for page in client.get_paginator("list_sessions").paginate(**job):
        for s in page["sessions"]:
            latest[s["workerId"]] = s
    return list(latest.values())


@wrong("Deduplicates by startedAt: two sessions that start together become one.")
def by_start_time(client, **job):
    seen, out = set(), []
    for page in client.get_paginator("list_sessions").paginate(**job):
        for s in page["sessions"]:
            if s["startedAt"] not in seen:
                seen.add(s["startedAt"])
                out.append(s)
    return out


@wrong("Deduplicates by (fleet, worker, startedAt), which two sessions can share.")
def by_worker_and_time(client, **job):
    table = {}
    for page in client.get_paginator("list_sessions").paginate(**job):
        for s in page["sessions"]:
            table.setdefault((s["fleetId"], s["workerId"], s["startedAt"]), s)
    return [*table.values()]


@wrong("Deduplicates by a shortened sessionId.")
def by_short_id(client, **job):
    table = {}
    for page in client.get_paginator("list_sessions").paginate(**job):
        for s in page["sessions"]:
            short = s["sessionId"].removeprefix("session-")[:4]
            table.setdefault(short, s["sessionId"])
    return list(table.values())


@wrong("Collects ids in a set: the service's order is lost.")
def set_of_ids(client, **job):
    ids = set()
    for page in client.get_paginator("list_sessions").paginate(**job):
        ids.update(s["sessionId"] for s in page["sessions"])
    return list(ids)


@wrong("Collapses neighbours with the same worker and status (groupby).")
def groupby_neighbours(client, **job):
    rows = client.get_paginator("list_sessions").paginate(**job).search("sessions[]")
    key = operator.itemgetter("workerId", "lifecycleStatus")
    return [next(group) for _, group in itertools.groupby(rows, key)]


@wrong("Deduplicates summaries without their ids, so sessions that differ only in sessionId merge.")
def dedup_ignoring_ids(client, **job):
    seen, out = set(), []
    for page in client.get_paginator("list_sessions").paginate(**job):
        for s in page["sessions"]:
            sig = tuple(sorted((k, str(v)) for k, v in s.items() if k != "sessionId"))
            if sig in seen:
                continue
            seen.add(sig)
            out.append(s)
    return out


@wrong("Adds the first page twice: before the loop and in it.")
def first_page_twice(client, **job):
    first = client.list_sessions(**job)
    out = list(first["sessions"])
    for page in client.get_paginator("list_sessions").paginate(**job):
        out.extend(page["sessions"])
    return out


@wrong("Restarts after an expired token but keeps what it had: sessions twice.")
def restart_keeps(client, **job):
    out, kw, tries = [], {}, 0
    while True:
        try:
            page = client.list_sessions(**job, **kw)
        except ClientError as e:
            if code_of(e) != "ValidationException" or tries == 3:
                raise
            tries, kw = tries + 1, {}
            continue
        out += page["sessions"]
        if not page.get("nextToken"):
            return out
        kw = {"nextToken": page["nextToken"]}


@wrong(
    "Restarts and deduplicates by whole summary: a session that changed meanwhile appears twice."
)
def restart_dedup_by_summary(client, **job):
    out, kw, tries = [], {}, 0
    while True:
        try:
            page = client.list_sessions(**job, **kw)
        except ClientError:
            tries += 1
            if tries > 5:
                raise
            kw = {}
            continue
        out += [s for s in page["sessions"] if s not in out]
        if not page.get("nextToken"):
            return out
        kw = {"nextToken": page["nextToken"]}


@wrong(
    "Restarts and deduplicates by (sessionId, status): a session that ended meanwhile appears twice."
)
def restart_dedup_by_status(client, **job):
    seen = {}
    for attempt in range(4):
        try:
            for page in client.get_paginator("list_sessions").paginate(**job):
                for s in page["sessions"]:
                    seen.setdefault((s["sessionId"], s["lifecycleStatus"]), s)
            return list(seen.values())
        except (ClientError, BotoCoreError):
            if attempt == 3:
                raise
            time.sleep(2**attempt)


@wrong(
    "Restarts after a fault and skips the pages it had; after a failure on the first page it skips that one too."
)
def restart_skips_pages(client, **job):
    out, done = [], 0
    for attempt in range(4):
        try:
            for number, page in enumerate(client.get_paginator("list_sessions").paginate(**job)):
                if number <= done and attempt:
                    continue
                out.extend(page["sessions"])
                done = number
            return out
        except (ClientError, BotoCoreError):
            if attempt == 3:
                raise
            time.sleep(1)
