"""Right collectors, in every style people use."""

# Written the way people write them; their names say enough.
# ruff: noqa: BLE001, D102, D103, N803, PERF203

from __future__ import annotations

import asyncio
import collections
import functools
import itertools
import queue
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

RIGHT = {}
"""By name: the collector, and the arguments that ``check_pagination`` needs for it."""


def right(**options):
    """Register a collector."""

    def enter(collect):
        RIGHT[collect.__name__] = (collect, options)
        return collect

    return enter


def code_of(error):
    """The code of a service error."""
    return error.response["Error"]["Code"]


@right(empty_final_token=True)
def paginator(client, **job):
    sessions = []
    for page in client.get_paginator("list_sessions").paginate(**job):
        sessions.extend(page["sessions"])
    return sessions


@right(empty_final_token=True)
def paginator_search(client, **job):
    return list(client.get_paginator("list_sessions").paginate(**job).search("sessions[]"))


@right(empty_final_token=True)
def full_result(client, **job):
    return client.get_paginator("list_sessions").paginate(**job).build_full_result()


@right()
def page_size(client, **job):
    pages = client.get_paginator("list_sessions").paginate(**job, PaginationConfig={"PageSize": 7})
    return [session for page in pages for session in page["sessions"]]


@right()
def in_portions(client, **job):
    paginator = client.get_paginator("list_sessions")
    sessions, token = [], None
    while True:
        config = {"MaxItems": 30, "StartingToken": token}
        pages = paginator.paginate(**job, PaginationConfig=config)
        sessions += pages.build_full_result().get("sessions", [])
        token = pages.resume_token
        if token is None:
            return sessions


@right()
def in_small_portions_of_small_pages(client, **job):
    def portion(token):
        config = {"MaxItems": 5, "PageSize": 8, "StartingToken": token}
        pages = client.get_paginator("list_sessions").paginate(**job, PaginationConfig=config)
        return pages.build_full_result().get("sessions", []), pages.resume_token

    sessions, token = portion(None)
    while token:
        more, token = portion(token)
        sessions += more
    return sessions


@right()
def endless_loop_with_break(client, **job):
    sessions = []
    arguments = dict(job)
    while True:
        response = client.list_sessions(**arguments)
        sessions.extend(response["sessions"])
        if "nextToken" not in response:
            break
        arguments["nextToken"] = response["nextToken"]
    return sessions


@right(empty_final_token=True)
def loop_while_there_is_a_token(client, **job):
    response = client.list_sessions(**job)
    sessions = response["sessions"]
    while response.get("nextToken"):
        response = client.list_sessions(**job, nextToken=response["nextToken"])
        sessions += response["sessions"]
    return sessions


@right(empty_final_token=True)
def walrus(client, **job):
    response = client.list_sessions(**job, maxResults=25)
    sessions = list(response["sessions"])
    while token := response.get("nextToken"):
        response = client.list_sessions(**job, maxResults=25, nextToken=token)
        sessions.extend(response["sessions"])
    return sessions


@right()
def until_a_sentinel(client, **job):
    following = [{}]

    def fetch():
        if not following:
            return None
        response = client.list_sessions(**job, **following.pop())
        if "nextToken" in response:
            following.append({"nextToken": response["nextToken"]})
        return response["sessions"]

    return list(itertools.chain.from_iterable(iter(fetch, None)))


@right()
def generator(client, **job):
    token = None
    while True:
        extra = {"nextToken": token} if token else {}
        response = client.list_sessions(maxResults=100, **job, **extra)
        yield from response["sessions"]
        token = response.get("nextToken")
        if not token:
            return


@right()
def recursive(client, **job):
    response = client.list_sessions(**job)
    sessions = response["sessions"]
    if "nextToken" in response:
        sessions += recursive(client, **{**job, "nextToken": response["nextToken"]})
    return sessions


@right()
def pool_over_jobs(client, **job):
    def sessions_of(ids):
        pages = client.get_paginator("list_sessions").paginate(**ids)
        return [session for page in pages for session in page["sessions"]]

    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(itertools.chain.from_iterable(pool.map(sessions_of, [job])))


@right()
def restart_when_the_token_has_expired(client, **job):
    for attempt in range(4):
        try:
            return paginator(client, **job)
        except ClientError as error:
            if code_of(error) != "ValidationException" or attempt == 3:
                raise
    raise AssertionError


@right()
def own_backoff(client, **job):
    sessions, arguments, delay = [], dict(job), 1
    while True:
        try:
            response = client.list_sessions(**arguments)
        except ClientError as error:
            if code_of(error) != "ThrottlingException" or delay > 60:
                raise
            time.sleep(delay)
            delay *= 2
            continue
        delay = 1
        sessions += response["sessions"]
        if not response.get("nextToken"):
            return sessions
        arguments["nextToken"] = response["nextToken"]


@right()
def until_a_deadline(client, **job):
    give_up = time.monotonic() + 60
    while True:
        try:
            return paginator(client, **job)
        except ClientError:
            if time.monotonic() > give_up:
                raise
            time.sleep(5)


@right()
def own_client(_client, **job):
    client = boto3.client("deadline", region_name="us-west-2")
    return paginator(client, **job)


class Dashboard:
    """A class whose method is the collector."""

    def __init__(self, page_size):
        self.page_size = page_size

    def sessions(self, client, farmId, queueId, jobId):
        arguments = {"farmId": farmId, "queueId": queueId, "jobId": jobId}
        response = client.list_sessions(**arguments, maxResults=self.page_size)
        yield from response["sessions"]
        while "nextToken" in response:
            arguments["nextToken"] = response["nextToken"]
            response = client.list_sessions(**arguments, maxResults=self.page_size)
            yield from response["sessions"]

    def __call__(self, client, **job):
        return list(self.sessions(client, **job))


RIGHT["method"] = (Dashboard(50).sessions, {})
RIGHT["callable_object"] = (Dashboard(3), {})


def _with_page_size(size, client, **job):
    return Dashboard(size)(client, **job)


RIGHT["partial"] = (functools.partial(_with_page_size, 100), {})


@right()
async def coroutine(client, **job):
    sessions, token = [], {}
    while True:
        response = await asyncio.to_thread(client.list_sessions, **job, **token)
        sessions += response["sessions"]
        if "nextToken" not in response:
            return sessions
        token = {"nextToken": response["nextToken"]}
        await asyncio.sleep(0.1)


@right()
async def async_generator(client, **job):
    for page in client.get_paginator("list_sessions").paginate(**job):
        for session in page["sessions"]:
            yield session


@right()
def as_a_dict(client, **job):
    return {"job": job["jobId"], "sessions": paginator(client, **job)}


@right()
def as_ids(client, **job):
    return tuple(session["sessionId"] for session in paginator(client, **job))


@right()
def as_an_iterator(client, **job):
    pages = client.get_paginator("list_sessions").paginate(**job)
    return itertools.chain.from_iterable(page["sessions"] for page in pages)


@right()
def by_id(client, **job):
    return {session["sessionId"]: session for session in paginator(client, **job)}.values()


class Sessions:
    """An iterable that requests pages while you iterate over it."""

    def __init__(self, client, job):
        self.client, self.job = client, job

    def __iter__(self):
        return generator(self.client, **self.job)


@right()
def lazy_iterable(client, **job):
    return Sessions(client, job)


@right()
def fetched_ahead(client, **job):
    pages = queue.Queue(maxsize=2)

    def fetch():
        try:
            for page in client.get_paginator("list_sessions").paginate(**job):
                pages.put(page["sessions"])
            pages.put(None)
        except Exception as error:
            pages.put(error)

    thread = threading.Thread(target=fetch)
    thread.start()
    sessions = []
    while (page := pages.get()) is not None:
        if isinstance(page, Exception):
            thread.join()
            raise page
        sessions += page
    thread.join()
    return sessions


@right(ordered=False)
def as_a_set_of_ids(client, **job):
    return {session["sessionId"] for session in paginator(client, **job)}


def _running(sessions):
    return [session for session in sessions if session["lifecycleStatus"] != "ENDED"]


@right(expected=_running)
def running(client, **job):
    return _running(paginator(client, **job))


def _newest_first(sessions):
    return sorted(
        sessions, key=lambda session: (session["startedAt"], session["sessionId"]), reverse=True
    )


@right(expected=_newest_first)
def newest_first(client, **job):
    return _newest_first(paginator(client, **job))


@right(expected=lambda sessions: sessions[:10])
def first_ten(client, **job):
    config = {"MaxItems": 10}
    pages = client.get_paginator("list_sessions").paginate(**job, PaginationConfig=config)
    return pages.build_full_result().get("sessions", [])


def _by_status(sessions):
    return collections.Counter(session["lifecycleStatus"] for session in sessions)


@right(expected=_by_status)
def counted_by_status(client, **job):
    counts = collections.Counter()
    for page in client.get_paginator("list_sessions").paginate(**job):
        counts.update(_by_status(page["sessions"]))
    return counts


@right(
    expected=lambda sessions: max(sessions, key=lambda session: session["startedAt"], default=None)
)
def latest(client, **job):
    best = None
    for session in generator(client, **job):
        if best is None or session["startedAt"] > best["startedAt"]:
            best = session
    return best


@right()
def three_calls_a_second(client, **job):
    sessions, arguments, earliest = [], dict(job), 0.0
    while True:
        while (left := earliest - time.monotonic()) > 0:
            time.sleep(left)
        earliest = time.monotonic() + 1 / 3
        response = client.list_sessions(**arguments)
        sessions += response["sessions"]
        if "nextToken" not in response:
            return sessions
        arguments["nextToken"] = response["nextToken"]


@right()
def asks_whether_it_is_done(client, **job):
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(paginator, client, **job)
        while not future.done():
            time.sleep(0.05)
        return future.result()


@right()
def beside_a_heartbeat(client, **job):
    ended = []

    def beat():
        while not ended:
            time.sleep(60)

    threading.Thread(target=beat, daemon=True).start()
    try:
        return paginator(client, **job)
    finally:
        ended.append(True)


@right()
async def beside_a_task(client, **job):
    async def beat():
        while True:  # noqa: ASYNC110
            await asyncio.sleep(30)

    task = asyncio.create_task(beat())
    try:
        return await asyncio.to_thread(paginator, client, **job)
    finally:
        task.cancel()


def _tried(function, tries=4, sleep=time.sleep, *, clock=time.monotonic):
    give_up = clock() + 3600
    for delay in (1, 2, 4, 8)[:tries]:
        try:
            return function()
        except ClientError:
            sleep(delay)
            if clock() > give_up:
                raise
    return function()


@right()
def given_a_clock(client, **job):
    return _tried(lambda: paginator(client, **job))


@right()
def exits(client, **job):
    try:
        return paginator(client, **job)
    except ClientError as error:
        sys.exit(f"error: {error}")


@functools.cache
def _patient():
    return boto3.client(
        "deadline", region_name="us-west-2", config=Config(retries={"mode": "adaptive"})
    )


@right()
def keeps_its_client(_client, **job):
    return paginator(_patient(), **job)
