"""Wrong collectors: threads."""

from __future__ import annotations

import concurrent.futures as cf
import multiprocessing.pool
import queue
import threading
import time

from collectors.strangers.wrong import _all, wrong

# threads


@wrong("Fetches details in a pool and appends in completion order.")
def completion_order(client, farmId, queueId, jobId):
    job = dict(farmId=farmId, queueId=queueId, jobId=jobId)
    rows = list(_all(client, job))
    out = []
    with cf.ThreadPoolExecutor(8) as pool:
        futures = {
            pool.submit(client.get_session, **job, sessionId=s["sessionId"]): s for s in rows
        }
        for done in cf.as_completed(futures):
            done.result()
            out.append(futures[done])
    return out


@wrong("imap_unordered with a pause that differs by session.")
def imap_unordered(client, **job):
    rows = list(_all(client, job))

    def annotate(pair):
        i, s = pair
        time.sleep(0.5 if i % 2 == 0 else 0.1)
        return s

    if not rows:
        return []
    with multiprocessing.pool.ThreadPool(4) as pool:
        return list(pool.imap_unordered(annotate, enumerate(rows)))


@wrong("The writer thread is not joined: sessions of the last pages can be missing.")
def writer_not_joined(client, **job):
    q, out = queue.Queue(), []

    def write():
        while True:
            rows = q.get()
            time.sleep(0.01)
            out.extend(rows)

    threading.Thread(target=write, daemon=True).start()
    for page in client.get_paginator("list_sessions").paginate(**job):
        q.put(page["sessions"])
    return list(out)


@wrong("If the producer thread fails there is no sentinel: the consumer waits for ever.")
def producer_dies(client, **job):
    q = queue.Queue()

    def produce():
        for page in client.get_paginator("list_sessions").paginate(**job):
            q.put(page["sessions"])
        q.put(None)

    threading.Thread(target=produce, daemon=True).start()
    out = []
    while (rows := q.get()) is not None:
        out += rows
    return out


@wrong("The producer's exception is lost and its sentinel sent in `finally`: a partial result.")
def producer_finally(client, **job):
    q = queue.Queue()

    def produce():
        try:
            for page in client.get_paginator("list_sessions").paginate(**job):
                q.put(page["sessions"])
        finally:
            q.put(None)

    worker = threading.Thread(target=produce, daemon=True)
    worker.start()
    out = []
    while (rows := q.get()) is not None:
        out += rows
    worker.join()
    return out


@wrong("A bounded queue that is read only after the producer was joined: deadlock above ten pages.")
def bounded_queue(client, **job):
    q = queue.Queue(maxsize=10)

    def produce():
        for page in client.get_paginator("list_sessions").paginate(**job):
            q.put(page["sessions"])

    worker = threading.Thread(target=produce, daemon=True)
    worker.start()
    worker.join()
    out = []
    while not q.empty():
        out += q.get()
    return out


@wrong("The event is set only after success: waits for ever after a fault.")
def event_only_on_success(client, **job):
    done, out = threading.Event(), []

    def work():
        out.extend(_all(client, job))
        done.set()

    threading.Thread(target=work, daemon=True).start()
    done.wait()
    return out


@wrong(
    "Waits for the event with a timeout and ignores whether it was set: partial after a fault or when slow."
)
def event_timeout_ignored(client, **job):
    done, out = threading.Event(), []

    def work():
        for page in client.get_paginator("list_sessions").paginate(**job):
            out.extend(page["sessions"])
        done.set()

    threading.Thread(target=work, daemon=True).start()
    done.wait(timeout=0.5)
    return list(out)


@wrong("The condition is notified once per page with sessions: waits for ever if there is none.")
def condition_without_sessions(client, **job):
    cond, box, state = threading.Condition(), [], {"end": False}

    def work():
        for page in client.get_paginator("list_sessions").paginate(**job):
            if page["sessions"]:
                with cond:
                    box.append(page["sessions"])
                    state["end"] = not page.get("nextToken")
                    cond.notify()

    threading.Thread(target=work, daemon=True).start()
    out = []
    while not state["end"] or box:
        with cond:
            cond.wait_for(lambda: box)
            out += box.pop(0)
    return out


@wrong("Threads started after the loop share the loop variable: the last page several times.")
def late_binding(client, **job):
    out, threads = [], []
    lock = threading.Lock()

    for page in client.get_paginator("list_sessions").paginate(**job):

        def store():
            with lock:
                out.extend(page["sessions"])

        threads.append(threading.Thread(target=store))
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return out


@wrong("One thread per page, and each waits a little before it appends: pages out of order.")
def thread_per_page(client, **job):
    out, threads, lock = [], [], threading.Lock()

    def store(rows):
        time.sleep(0.05 * (3 - len(threads) % 3))
        with lock:
            out.extend(rows)

    for page in client.get_paginator("list_sessions").paginate(**job):
        t = threading.Thread(target=store, args=(page["sessions"],))
        threads.append(t)
        t.start()
    for t in threads:
        t.join()
    return out


@wrong("Uses shutdown(cancel_futures=True): pages still waiting are dropped.")
def cancelled_futures(client, **job):
    pool, out = cf.ThreadPoolExecutor(1), []

    def store(rows):
        time.sleep(0.02)
        out.extend(rows)

    for page in client.get_paginator("list_sessions").paginate(**job):
        pool.submit(store, page["sessions"])
    pool.shutdown(wait=True, cancel_futures=True)
    return out


@wrong("Exceptions of futures are never looked at.")
def futures_not_checked(client, **job):
    out = []

    def walk():
        for page in client.get_paginator("list_sessions").paginate(**job):
            out.extend(page["sessions"])

    with cf.ThreadPoolExecutor(1) as pool:
        cf.wait([pool.submit(walk)])
    return out


@wrong("Waits at most 0.2 seconds for the next page in a queue and takes a timeout for the end.")
def queue_timeout_is_end(client, **job):
    q = queue.Queue()

    def produce():
        for page in client.get_paginator("list_sessions").paginate(**job):
            q.put(page)

    threading.Thread(target=produce, daemon=True).start()
    out = []
    while True:
        try:
            page = q.get(timeout=0.2)
        except queue.Empty:
            return out
        out += page["sessions"]
        if not page.get("nextToken"):
            return out


@wrong("A barrier for reader and writer that the reader never reaches after a fault.")
def barrier(client, **job):
    gate, out = threading.Barrier(2), []

    def read():
        out.extend(_all(client, job))
        gate.wait()

    threading.Thread(target=read, daemon=True).start()
    gate.wait()
    return out


@wrong("Two threads page with one shared token: pages twice or not at all.")
def two_threads_share_token(client, **job):
    state = {"token": None, "end": False}
    out = []

    def walk():
        while not state["end"]:
            token = state["token"]
            page = client.list_sessions(**job, **({"nextToken": token} if token else {}))
            time.sleep(0.01)
            out.extend(page["sessions"])
            state["token"] = page.get("nextToken")
            state["end"] = state["token"] is None

    threads = [threading.Thread(target=walk) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return out
