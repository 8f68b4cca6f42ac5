"""Right collectors: drift and more."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing.pool
import queue
import sched  # noqa: E402
import threading
import time

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from collectors.strangers.right import (
    FAULTS,
    REGION,
    SessionPages,
    async_to_thread,
    code_of,
    paginator,
    right,
)

# drift


@right
def listing_as_it_comes(client, **job):
    """Sessions that start while paging may or may not be in it."""
    out = []
    for page in client.get_paginator("list_sessions").paginate(**job):
        out.extend(page["sessions"])
    return out


@right
def refreshes_running_sessions(client, **job):
    """Replaces the summaries of running sessions by newer ones, in place."""
    rows = paginator(client, **job)
    for n, s in enumerate(rows):
        if s["lifecycleStatus"] == "STARTED":
            with contextlib.suppress(ClientError, BotoCoreError):
                now = client.get_session(**job, sessionId=s["sessionId"])
                rows[n] = {**s, "lifecycleStatus": now["lifecycleStatus"]}
    return rows


@right
def annotates_drift(client, **job):
    seen = {}
    for page in client.get_paginator("list_sessions").paginate(**job):
        for s in page["sessions"]:
            seen[s["sessionId"]] = {**s, "running": "endedAt" not in s}
    return list(seen.values())


# more


_IMPORT_TIME_CLIENT = boto3.client("deadline", region_name=REGION)


@right
def client_made_at_import(client, **job):
    return [s["sessionId"] for p in SessionPages(_IMPORT_TIME_CLIENT, job) for s in p["sessions"]]


@right
def scheduler_paces_pages(client, **job):
    agenda = sched.scheduler(lambda: time.monotonic(), lambda s: time.sleep(s))
    out = []

    def step(token=None):
        page = client.list_sessions(**job, **({"nextToken": token} if token else {}))
        out.extend(page["sessions"])
        if page.get("nextToken"):
            agenda.enter(0.25, 1, step, (page["nextToken"],))

    agenda.enter(0, 1, step)
    agenda.run()
    return out


@right
def timer_sets_event(client, **job):
    out, kw = [], {}
    while True:
        page = client.list_sessions(**job, **kw)
        out += page["sessions"]
        if not page.get("nextToken"):
            return out
        kw = {"nextToken": page["nextToken"]}
        ready = threading.Event()
        timer = threading.Timer(0.001, ready.set)
        timer.start()
        ready.wait()
        timer.join()


@right
def match_statement_like(client, **job):
    kw, out = {}, []
    while True:
        match client.list_sessions(**job, **kw):
            case {"sessions": rows, "nextToken": str(token)} if token:
                out += rows
                kw = {"nextToken": token}
            case {"sessions": rows}:
                return out + rows


@right
def apply_async_with_get(client, **job):
    with multiprocessing.pool.ThreadPool(1) as pool:
        out, kw = [], {}
        while True:
            page = pool.apply_async(client.list_sessions, (), {**job, **kw}).get()
            out += page["sessions"]
            if not page.get("nextToken"):
                return out
            kw = {"nextToken": page["nextToken"]}


@right
def work_queue_joined(client, **job):
    q: queue.Queue = queue.Queue()
    out: list = []

    def work():
        while True:
            rows = q.get()
            try:
                if rows is None:
                    return
                out.extend(rows)
            finally:
                q.task_done()

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    try:
        for page in client.get_paginator("list_sessions").paginate(**job):
            q.put(page["sessions"])
    finally:
        q.put(None)
        q.join()
        worker.join()
    return out


@right
def async_context_managers(client, **job):
    async def rows():
        kw = {}
        while True:
            page = await asyncio.to_thread(client.list_sessions, **job, **kw)
            for s in page["sessions"]:
                yield s
            if not page.get("nextToken"):
                return
            kw = {"nextToken": page["nextToken"]}

    async def main():
        async with contextlib.aclosing(rows()) as stream:
            return [s["sessionId"] async for s in stream]

    return asyncio.run(main())


@right
def call_later_paces(client, **job):
    async def main():
        loop = asyncio.get_running_loop()
        out, kw = [], {}
        while True:
            page = await loop.run_in_executor(None, lambda kw=kw: client.list_sessions(**job, **kw))
            out += page["sessions"]
            if not page.get("nextToken"):
                return out
            kw = {"nextToken": page["nextToken"]}
            ready = asyncio.Event()
            loop.call_later(0.001, ready.set)
            await ready.wait()

    return asyncio.run(main())


@right
def shield_and_retry(client, **job):
    async def main():
        for attempt in range(3):
            try:
                return await asyncio.shield(asyncio.ensure_future(async_to_thread(client, **job)))
            except FAULTS:
                if attempt == 2:
                    raise
                await asyncio.sleep(1 + attempt)

    return asyncio.run(main())


@right
def starting_token_kept_after_fault(client, **job):
    """Goes on from the paginator's own resume point after a fault, duplicates by id."""
    rows, token, tries = {}, None, 0
    while True:
        config = {"MaxItems": 40, "StartingToken": token}
        pages = client.get_paginator("list_sessions").paginate(**job, PaginationConfig=config)
        try:
            for page in pages:
                for s in page["sessions"]:
                    rows.setdefault(s["sessionId"], s)
        except FAULTS as e:
            tries += 1
            if tries > 3:
                raise
            if code_of(e) == "ValidationException":
                token = None
            continue
        token = pages.resume_token
        if token is None:
            return list(rows.values())
