"""Wrong collectors: asyncio, details and drift."""

from __future__ import annotations

import asyncio
import concurrent.futures as cf
import datetime as dt
import time

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
)
from collectors.strangers.wrong import _all, log, wrong

# asyncio


async def _fetch(client, job, **kw):
    return await asyncio.to_thread(client.list_sessions, **job, **kw)


@wrong("Forgets to await: the pages are coroutines.")
async def not_awaited(client, **job):
    page = await _fetch(client, job)
    out = list(page["sessions"])
    if page.get("nextToken"):
        rest = _fetch(client, job, nextToken=page["nextToken"])
        out += rest["sessions"]
    return out


@wrong(
    "create_task for the rest of the pages is never awaited, so only the first page is returned."
)
async def task_not_awaited(client, **job):
    out = []

    async def walk(**kw):
        page = await asyncio.to_thread(client.list_sessions, **job, **kw)
        out.extend(page["sessions"])
        if page.get("nextToken"):
            asyncio.create_task(walk(nextToken=page["nextToken"]))

    await walk()
    await asyncio.sleep(0)
    return list(out)


@wrong("asyncio.as_completed for details: order of completion.")
def async_completion_order(client, **job):
    async def detail(i, s):
        await asyncio.sleep(0.2 if i % 3 == 0 else 0.05)
        return s

    async def main():
        rows = await asyncio.to_thread(lambda: list(_all(client, job)))
        return [await f for f in asyncio.as_completed([detail(i, s) for i, s in enumerate(rows)])]

    return asyncio.run(main())


@wrong("An asyncio queue whose producer failed: get() waits for ever.")
def async_queue_hangs(client, **job):
    async def main():
        q = asyncio.Queue()

        async def produce():
            kw = {}
            while True:
                page = await asyncio.to_thread(client.list_sessions, **job, **kw)
                await q.put(page)
                if not page.get("nextToken"):
                    return
                kw = {"nextToken": page["nextToken"]}

        task = asyncio.create_task(produce())
        out = []
        while True:
            page = await q.get()
            out += page["sessions"]
            if not page.get("nextToken"):
                await task
                return out

    return asyncio.run(main())


@wrong("gather(return_exceptions=True) and only the successful results are kept.")
def gather_exceptions_dropped(client, **job):
    async def walk():
        rows, kw = [], {}
        while True:
            (result,) = await asyncio.gather(
                asyncio.to_thread(client.list_sessions, **job, **kw), return_exceptions=True
            )
            if isinstance(result, BaseException):
                return rows
            rows += result["sessions"]
            if not result.get("nextToken"):
                return rows
            kw = {"nextToken": result["nextToken"]}

    return asyncio.run(walk())


@wrong("The task is cancelled at the end of the runner: the paging task was only started.")
def runner_cancels(client, **job):
    out = []

    async def walk():
        kw = {}
        while True:
            page = await asyncio.to_thread(client.list_sessions, **job, **kw)
            out.extend(page["sessions"])
            if not page.get("nextToken"):
                return
            kw = {"nextToken": page["nextToken"]}

    async def main():
        task = asyncio.ensure_future(walk())
        await asyncio.wait([task], timeout=0.3)

    asyncio.run(main())
    return out


# details


@wrong("A session whose GetSession fails is left out.")
def details_drop_session(client, **job):
    out = []
    for s in _all(client, job):
        try:
            detail = client.get_session(**job, sessionId=s["sessionId"])
        except (ClientError, BotoCoreError):
            continue
        out.append({**s, "log": detail.get("log")})
    return out


@wrong("Calls GetJob first, and if that fails says there are no sessions.")
def get_job_first(client, **job):
    try:
        client.get_job(**job)
    except (ClientError, BotoCoreError):
        return []
    return list(_all(client, job))


@wrong("A failing ListSessionActions ends the whole listing.")
def actions_end_listing(client, **job):
    out = []
    try:
        for s in _all(client, job):
            actions = client.list_session_actions(**job, sessionId=s["sessionId"])
            out.append({**s, "actions": len(actions["sessionActions"])})
    except (ClientError, BotoCoreError) as e:
        log.warning("no actions: %s", e)
    return out


@wrong("Leaves out sessions without session actions.")
def without_actions_dropped(client, **job):
    return [
        s
        for s in _all(client, job)
        if client.list_session_actions(**job, sessionId=s["sessionId"])["sessionActions"]
    ]


@wrong("Asks GetSession for the status and drops what has ended meanwhile.")
def ended_meanwhile_dropped(client, **job):
    out = []
    for s in _all(client, job):
        now = client.get_session(**job, sessionId=s["sessionId"])
        if now["lifecycleStatus"] == s["lifecycleStatus"] and "endedAt" not in now:
            out.append(s)
    return out


@wrong("Failures of details in a pool are logged, and so is the session's disappearance.")
def pool_details_drop(client, **job):
    def detail(s):
        try:
            return {**s, **client.get_session(**job, sessionId=s["sessionId"])}
        except Exception:
            log.exception("detail")
            return None

    rows = list(_all(client, job))
    with cf.ThreadPoolExecutor(4) as pool:
        return list(filter(None, pool.map(detail, rows)))


@wrong("Swallows any failure of the page or of its sessions' details: the page is dropped.")
def page_and_details(client, **job):
    out = []
    token = None
    while True:
        try:
            page = client.list_sessions(**job, **({"nextToken": token} if token else {}))
            token = page.get("nextToken")
            for s in page["sessions"]:
                client.get_session(**job, sessionId=s["sessionId"])
            out += page["sessions"]
        except (ClientError, BotoCoreError):
            if token is None:
                raise
            token = None if not out else token
            break
        if token is None:
            break
    return out


@wrong(
    "get_queue fails or get_job fails: the error handler of the header swallows the listing's errors too."
)
def one_try_for_all(client, farmId, queueId, jobId):
    report = {"sessions": []}
    try:
        report["name"] = client.get_job(farmId=farmId, queueId=queueId, jobId=jobId).get("name")
        for page in client.get_paginator("list_sessions").paginate(
            farmId=farmId, queueId=queueId, jobId=jobId
        ):
            report["sessions"] += page["sessions"]
    except ClientError:
        report["error"] = True
    return report


# drift


@wrong("Raises an error if a session's status changed between the listing and a second look.")
def refuses_change(client, **job):
    rows = list(_all(client, job))
    for s in rows:
        now = client.get_session(**job, sessionId=s["sessionId"])["lifecycleStatus"]
        if now != s["lifecycleStatus"]:
            raise RuntimeError(f"{s['sessionId']} changed while listing")
    return rows


@wrong("Lists twice and keeps only sessions with the same status in both.")
def two_passes_intersect(client, **job):
    first = {s["sessionId"]: s["lifecycleStatus"] for s in _all(client, job)}
    return [s for s in _all(client, job) if first.get(s["sessionId"]) == s["lifecycleStatus"]]


@wrong("Refuses updatedAt later than the time at which the call began ('changed while paging').")
def changed_after_start_dropped(client, **job):
    began = dt.datetime.now(dt.timezone.utc) - dt.timedelta(minutes=1)
    return [s for s in _all(client, job) if s.get("updatedAt", began) <= began]


@wrong("Drops sessions that ended since the call began.")
def ended_after_start_dropped(client, **job):
    began = dt.datetime.now(dt.timezone.utc)
    return [s for s in _all(client, job) if not (s.get("endedAt") and s["endedAt"] >= began)]


@wrong(
    "Refreshes running sessions at the end by a second listing and appends those that still run."
)
def refresh_running_at_end(client, **job):
    rows = list(_all(client, job))
    if not any(s["lifecycleStatus"] == "STARTED" for s in rows):
        return rows
    ended = [s for s in rows if s["lifecycleStatus"] != "STARTED"]
    return ended + [s for s in _all(client, job) if s["lifecycleStatus"] == "STARTED"]


@wrong(
    "Restarts and keeps the ended sessions it had, assuming the new pass returns only running ones."
)
def restart_keeps_ended(client, **job):
    ended = []
    for attempt in range(3):
        running = []
        try:
            for s in _all(client, job):
                (ended if s["lifecycleStatus"] == "ENDED" else running).append(s)
            return ended + running
        except (ClientError, BotoCoreError):
            if attempt == 2:
                raise


@wrong("Restart resumes by count, with an off-by-one: one session is lost after a fault.")
def restart_by_count_from_end(client, **job):
    out = []
    for attempt in range(3):
        try:
            rows = []
            for page in client.get_paginator("list_sessions").paginate(**job):
                rows += page["sessions"]
                if attempt == 0:
                    out = list(rows)
            return out + rows[len(out) + 1 :] if attempt else rows
        except (ClientError, BotoCoreError):
            if attempt == 2:
                raise
            time.sleep(1)
