"""Right collectors: rate limits and threads."""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures as cf
import functools
import multiprocessing.pool
import operator
import queue
import threading
import time

from collectors.strangers.right import SessionPages, log, paginator, right, while_loop

# rate limits


@right
def sleeps_between_pages(client, **job):
    out = []
    for n, page in enumerate(client.get_paginator("list_sessions").paginate(**job)):
        out += page["sessions"]
        if page.get("nextToken"):
            time.sleep(0.2)
    return out


class TokenBucket:
    def __init__(self, rate, burst, clock=time.monotonic):
        self.rate, self.burst, self.level = rate, burst, burst
        self.clock = clock
        self.at = clock()

    def take(self):
        while True:
            now = self.clock()
            self.level = min(self.burst, self.level + max(0.0, now - self.at) * self.rate)
            self.at = now
            if self.level >= 1:
                self.level -= 1
                return
            time.sleep((1 - self.level) / self.rate + 1e-3)


@right
def token_bucket(client, **job):
    bucket = TokenBucket(rate=10, burst=5, clock=lambda: time.monotonic())
    out, kw = [], {}
    while True:
        bucket.take()
        page = client.list_sessions(**job, **kw)
        out.extend(page["sessions"])
        if not page.get("nextToken"):
            return out
        kw = {"nextToken": page["nextToken"]}


@right
def event_wait_rate_limit(client, **job):
    stop = threading.Event()  # nobody sets it here; a GUI would
    out, kw = [], {}
    while True:
        page = client.list_sessions(**job, **kw)
        out += page["sessions"]
        if not page.get("nextToken"):
            return out
        kw = {"nextToken": page["nextToken"]}
        if stop.wait(0.002):
            raise InterruptedError("cancelled")


@right
def condition_rate_limit(client, **job):
    cond = threading.Condition()
    out, kw = [], {}
    while True:
        page = client.list_sessions(**job, **kw)
        out += page["sessions"]
        if not page.get("nextToken"):
            return out
        kw = {"nextToken": page["nextToken"]}
        with cond:
            cond.wait(timeout=0.001)


@right
def queue_timeout_rate_limit(client, **job):
    commands: queue.Queue = queue.Queue()
    for page in client.get_paginator("list_sessions").paginate(**job):
        yield from page["sessions"]
        if page.get("nextToken"):
            try:
                if commands.get(timeout=0.001) == "cancel":
                    raise InterruptedError
            except queue.Empty:
                pass


@right
def loop_time_rate_limit(client, **job):
    async def main():
        loop = asyncio.get_running_loop()
        out, kw, due = [], {}, loop.time()
        while True:
            wait = due - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            due = loop.time() + 0.1
            page = await loop.run_in_executor(
                None, functools.partial(client.list_sessions, **job, **kw)
            )
            out += page["sessions"]
            if not page.get("nextToken"):
                return out
            kw = {"nextToken": page["nextToken"]}

    return asyncio.run(main())


@right
def adaptive_pause(client, **job):
    pause, out, kw, failures = 0.0, [], {}, 0
    while True:
        if pause:
            time.sleep(pause)
        try:
            page = client.list_sessions(**job, **kw)
        except client.exceptions.ThrottlingException:
            failures += 1
            if failures > 8:
                raise
            pause = min(10.0, pause * 2 or 0.5)
            continue
        pause = pause / 2 if pause > 0.01 else 0.0
        out.extend(page["sessions"])
        if not page.get("nextToken"):
            return out
        kw = {"nextToken": page["nextToken"]}


# threads


@right
def prefetches_next_page(client, **job):
    with cf.ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(client.list_sessions, **job)
        out = []
        while ahead is not None:
            page = ahead.result()
            token = page.get("nextToken")
            ahead = pool.submit(client.list_sessions, **job, nextToken=token) if token else None
            out.extend(page["sessions"])
        return out


@right
def producer_with_errors_in_queue(client, **job):
    q: queue.Queue = queue.Queue(maxsize=4)

    def produce():
        try:
            for page in client.get_paginator("list_sessions").paginate(**job):
                q.put(("page", page["sessions"]))
        except BaseException as error:
            q.put(("error", error))
        else:
            q.put(("end", None))

    worker = threading.Thread(target=produce, daemon=True)
    worker.start()
    out = []
    while True:
        kind, value = q.get()
        if kind == "page":
            out += value
        elif kind == "error":
            worker.join()
            raise value
        else:
            worker.join()
            return out


@right
def whole_listing_in_thread(client, **job):
    with cf.ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(paginator, client, **job).result()


@right
def thread_map_details_in_order(client, **job):
    rows = paginator(client, **job)

    def detail(s):
        return client.get_session(**job, sessionId=s["sessionId"])["sessionId"]

    with cf.ThreadPoolExecutor(4) as pool:
        return list(pool.map(detail, rows))


@right
def thread_pool_imap(client, **job):
    with multiprocessing.pool.ThreadPool(3) as pool:
        pages = client.get_paginator("list_sessions").paginate(**job)
        return [s for rows in pool.imap(lambda p: list(p["sessions"]), pages) for s in rows]


@right
def threads_write_to_slots(client, **job):
    rows = while_loop(client, **job)
    slots = [None] * len(rows)

    def store(n):
        slots[n] = rows[n]["sessionId"]

    size = 64
    for first in range(0, len(rows), size):
        group = [
            threading.Thread(target=store, args=(n,))
            for n in range(first, min(first + size, len(rows)))
        ]
        for t in group:
            t.start()
        for t in group:
            t.join()
    return slots


@right
def as_completed_by_position(client, **job):
    rows = paginator(client, **job)
    place = {}
    with cf.ThreadPoolExecutor(3) as pool:
        futures = {pool.submit(operator.itemgetter("sessionId"), s): n for n, s in enumerate(rows)}
        for f in cf.as_completed(futures):
            place[futures[f]] = f.result()
    return [place[n] for n in range(len(rows))]


@right
def event_set_in_finally(client, **job):
    done, box = threading.Event(), {}

    def work():
        try:
            box["rows"] = paginator(client, **job)
        except BaseException as error:
            box["error"] = error
        finally:
            done.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not done.wait(0.5):
        log.debug("still listing")
    thread.join()
    if "error" in box:
        raise box["error"]
    return box["rows"]


@right
def condition_with_predicate(client, **job):
    cond, pages, state = threading.Condition(), collections.deque(), {"end": False, "error": None}

    def work():
        try:
            for page in SessionPages(client, job):
                with cond:
                    pages.append(page["sessions"])
                    cond.notify()
        except BaseException as error:
            state["error"] = error
        finally:
            with cond:
                state["end"] = True
                cond.notify_all()

    thread = threading.Thread(target=work)
    thread.start()
    out = []
    while True:
        with cond:
            cond.wait_for(lambda: pages or state["end"])
            while pages:
                out += pages.popleft()
            if state["end"]:
                break
    thread.join()
    if state["error"] is not None:
        raise state["error"]
    return out


@right
def generator_from_thread(client, **job):
    q: queue.SimpleQueue = queue.SimpleQueue()
    end = object()

    def work():
        try:
            for page in client.get_paginator("list_sessions").paginate(**job):
                for s in page["sessions"]:
                    q.put(s)
            q.put(end)
        except BaseException as error:
            q.put(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while True:
        item = q.get()
        if item is end:
            thread.join()
            return
        if isinstance(item, BaseException):
            thread.join()
            raise item
        yield item


_LOCK = threading.Lock()


@right
def one_at_a_time(client, **job):
    with _LOCK:
        return paginator(client, **job)


_SLOTS = threading.BoundedSemaphore(2)


@right
def semaphore_released_on_failure(client, **job):
    with _SLOTS:
        return while_loop(client, **job)
