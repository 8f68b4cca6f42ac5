"""Right collectors: asyncio, details and caches that stay right."""

from __future__ import annotations

import asyncio
import concurrent.futures as cf
import contextlib
import functools
import threading
import types
import weakref

from botocore.exceptions import BotoCoreError, ClientError
from collectors.strangers.right import (
    FAULTS,
    RIGHT,
    SessionPages,
    async_to_thread,
    generator_of_ids,
    log,
    paginator,
    right,
    while_loop,
)

# asyncio


@right
def asyncio_run_inside(client, **job):
    async def pages():
        kw = {}
        while True:
            page = await asyncio.to_thread(client.list_sessions, **job, **kw)
            yield page
            if not page.get("nextToken"):
                return
            kw = {"nextToken": page["nextToken"]}

    async def main():
        return [s async for page in pages() for s in page["sessions"]]

    return asyncio.run(main())


@right
def gather_details(client, **job):
    """gather keeps the order of its arguments."""

    async def main():
        rows = await asyncio.to_thread(paginator, client, **job)
        gate = asyncio.Semaphore(4)

        async def detail(s):
            async with gate:
                full = await asyncio.to_thread(client.get_session, **job, sessionId=s["sessionId"])
                return {**s, "fleetId": full["fleetId"]}

        return await asyncio.gather(*map(detail, rows))

    return asyncio.run(main())


@right
def gather_with_different_delays(client, **job):
    async def main():
        rows = await asyncio.to_thread(paginator, client, **job)

        async def late(n, s):
            await asyncio.sleep(0.3 if n % 2 == 0 else 0.1)
            return s

        return await asyncio.gather(*(late(n, s) for n, s in enumerate(rows)))

    return asyncio.run(main())


@right
async def async_retry(client, **job):
    out, kw = [], {}
    while True:
        for attempt in range(4):
            try:
                page = await asyncio.to_thread(client.list_sessions, **job, **kw)
                break
            except FAULTS:
                if attempt == 3:
                    raise
                await asyncio.sleep(0.5 * 2**attempt)
        out += page["sessions"]
        if not page.get("nextToken"):
            return out
        kw = {"nextToken": page["nextToken"]}


@right
def async_queue_with_errors(client, **job):
    async def main():
        q: asyncio.Queue = asyncio.Queue(maxsize=2)

        async def produce():
            try:
                kw = {}
                while True:
                    page = await asyncio.to_thread(client.list_sessions, **job, **kw)
                    await q.put(page)
                    if not page.get("nextToken"):
                        return
                    kw = {"nextToken": page["nextToken"]}
            finally:
                await q.put(None)

        task = asyncio.create_task(produce())
        out = []
        while (page := await q.get()) is not None:
            out.extend(page["sessions"])
        await task  # raises what the producer raised
        return out

    return asyncio.run(main())


@right
def event_loop_in_other_thread(client, **job):
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        return asyncio.run_coroutine_threadsafe(async_to_thread(client, **job), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@right
async def wait_for_with_long_timeout(client, **job):
    return await asyncio.wait_for(async_to_thread(client, **job), timeout=3 * 86_400)


# details


@right
def details_best_effort(client, **job):
    for s in paginator(client, **job):
        try:
            log_group = client.get_session(**job, sessionId=s["sessionId"]).get("log")
        except FAULTS as error:
            log.warning("no details of %s: %s", s["sessionId"], error)
            log_group = None
        yield {**s, "log": log_group}


@right
def details_required(client, **job):
    out = []
    for page in client.get_paginator("list_sessions").paginate(**job):
        for s in page["sessions"]:
            full = client.get_session(**job, sessionId=s["sessionId"])
            full.pop("ResponseMetadata", None)
            out.append(full)
    return out


@right
def job_name_best_effort(client, **job):
    try:
        name = client.get_job(**job).get("name", "?")
    except FAULTS:
        name = "?"
    rows = paginator(client, **job)
    log.info("%s: %d sessions", name, len(rows))
    return rows


@right
def job_must_exist(client, **job):
    client.get_job(**job)
    return {"sessions": while_loop(client, **job)}


@right
def actions_counted_best_effort(client, **job):
    out = []
    for s in paginator(client, **job):
        count = None
        with contextlib.suppress(ClientError, BotoCoreError):
            pages = client.get_paginator("list_session_actions").paginate(
                **job, sessionId=s["sessionId"]
            )
            count = sum(len(p["sessionActions"]) for p in pages)
        out.append(s if count is None else {**s, "actions": count})
    return out


# caches that stay right


@right
def cache_within_call(client, **job):
    @functools.lru_cache(maxsize=None)
    def fetch(token):
        return client.list_sessions(**job, **({} if token is None else {"nextToken": token}))

    out, token = [], None
    while True:
        page = fetch(token)
        out += page["sessions"]
        token = page.get("nextToken")
        if token is None:
            return out


_LAST: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


@right
def remembers_but_never_answers_from_memory(client, **job):
    """Keeps the last result to log what is new; the answer is always a fresh listing."""
    rows = paginator(client, **job)
    before = _LAST.setdefault(client, {})
    old = before.get(tuple(job.items()), frozenset())
    log.info("%d new", sum(s["sessionId"] not in old for s in rows))
    before[tuple(job.items())] = frozenset(s["sessionId"] for s in rows)
    return rows


_LOGS: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


@right
def details_of_ended_sessions_cached(client, **job):
    """What has ended does not change any more, so its details may be cached; the list may not."""
    cache = _LOGS.setdefault(client, {})
    out = []
    for s in paginator(client, **job):
        key = (job["farmId"], job["queueId"], job["jobId"], s["sessionId"])
        detail = cache.get(key)
        if detail is None:
            try:
                detail = client.get_session(**job, sessionId=s["sessionId"]).get("log")
            except FAULTS:
                detail = None
            if s["lifecycleStatus"] == "ENDED" and detail is not None:
                cache[key] = detail
        out.append({**s, "log": detail})
    return out


@right
def default_argument_not_mutated(
    client, *, options=types.MappingProxyType({"maxResults": 50}), **job
):
    kw = {**job, **options}
    out = []
    while True:
        page = client.list_sessions(**kw)
        out += page["sessions"]
        if not page.get("nextToken"):
            return out
        kw = {**kw, "nextToken": page["nextToken"]}


class Interner:
    """Interns equal ids between calls to save memory; gives out fresh lists."""

    def __init__(self):
        self.names: dict = {}

    def collect(self, client, **job):
        return [self.names.setdefault(i, i) for i in generator_of_ids(client, **job)]


RIGHT["interned_ids"] = Interner().collect


class SingleFlight:
    """Concurrent calls for one job share one listing; later calls list again."""

    def __init__(self):
        self.lock, self.flights = threading.Lock(), {}

    def __call__(self, client, **job):
        key = (id(client), *sorted(job.items()))
        with self.lock:
            flight = self.flights.get(key)
            leader = flight is None
            if leader:
                flight = self.flights[key] = cf.Future()
        if leader:
            try:
                flight.set_result(tuple(paginator(client, **job)))
            except BaseException as error:
                flight.set_exception(error)
            finally:
                with self.lock:
                    del self.flights[key]
        return list(flight.result())


RIGHT["single_flight"] = SingleFlight().__call__


class Breaker:
    """A circuit breaker that closes with the first call that works, and never answers itself."""

    failures = 0

    @classmethod
    def collect(cls, client, **job):
        try:
            rows = paginator(client, **job)
        except FAULTS:
            cls.failures += 1
            if cls.failures > 3:
                log.error("Deadline Cloud seems to be down")
            raise
        cls.failures = 0
        return rows


RIGHT["breaker_that_only_logs"] = Breaker.collect


class Buffered:
    def __init__(self):
        self.buffer = []

    def collect(self, client, **job):
        self.buffer.clear()
        for page in SessionPages(client, job):
            self.buffer += page["sessions"]
        return list(self.buffer)


RIGHT["buffer_cleared_first_and_copied"] = Buffered().collect
