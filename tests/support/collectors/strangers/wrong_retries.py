"""Wrong collectors: retries and time budgets."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import itertools
import random
import time

import boto3
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
)
from collectors.strangers.wrong import _all, log, wrong

# retries


@wrong("Retries for ever, also what can never work.")
def retries_for_ever(client, **job):
    out, kw = [], {}
    while True:
        try:
            page = client.list_sessions(**job, **kw)
        except ClientError:
            time.sleep(1)
            continue
        out += page["sessions"]
        if not page.get("nextToken"):
            return out
        kw = {"nextToken": page["nextToken"]}


@wrong("Retries broken connections for ever.")
def retries_connections_for_ever(client, **job):
    def fetch(**kw):
        while True:
            try:
                return client.list_sessions(**job, **kw)
            except BotoCoreError:
                time.sleep(random.uniform(0.5, 1.5))

    page = fetch()
    out = page["sessions"]
    while page.get("nextToken"):
        page = fetch(nextToken=page["nextToken"])
        out += page["sessions"]
    return out


@wrong("Retries throttling for ever without waiting.")
def hammers_when_throttled(client, **job):
    def fetch(**kw):
        while True:
            with contextlib.suppress(client.exceptions.ThrottlingException):
                return client.list_sessions(**job, **kw)

    page = fetch()
    rows = page["sessions"]
    while page.get("nextToken"):
        page = fetch(nextToken=page["nextToken"])
        rows += page["sessions"]
    return rows


@wrong("Restarts for ever when tokens always expire.")
def restarts_for_ever(client, **job):
    while True:
        try:
            return list(_all(client, job))
        except client.exceptions.ValidationException:
            log.info("token expired, starting again")


@wrong("The retry counter is reset in the loop, so it never runs out.")
def counter_reset(client, **job):
    out, kw = [], {}
    while True:
        attempts = 0
        try:
            page = client.list_sessions(**job, **kw)
        except (ClientError, BotoCoreError):
            attempts += 1
            if attempts > 5:
                raise
            time.sleep(2**attempts)
            continue
        out.extend(page["sessions"])
        if not page.get("nextToken"):
            return out
        kw = {"nextToken": page["nextToken"]}


@wrong("Recursive restart without a limit; RecursionError or endless requests if the fault stays.")
def recursive_restart(client, **job):
    try:
        return list(_all(client, job))
    except (ClientError, BotoCoreError):
        time.sleep(5)
        return recursive_restart(client, **job)


@wrong("After its last attempt the `for` loop ends and the partial list is returned.")
def attempts_used_up(client, **job):
    out, kw = [], {}
    for attempt in range(3):
        try:
            while True:
                page = client.list_sessions(**job, **kw)
                out += page["sessions"]
                if not page.get("nextToken"):
                    return out
                kw = {"nextToken": page["nextToken"]}
        except (ClientError, BotoCoreError):
            time.sleep(attempt + 1)
    return out


@wrong("After the last attempt it goes on with the previous page, which it adds again.")
def previous_page_again(client, **job):
    out, kw, page = [], {}, {"sessions": []}
    for _ in range(100_000):
        for attempt in range(3):
            try:
                page = client.list_sessions(**job, **kw)
                break
            except (ClientError, BotoCoreError):
                time.sleep(0.5 * 2**attempt)
        out += page["sessions"]
        if not page.get("nextToken") or kw.get("nextToken") == page["nextToken"]:
            return out
        kw = {"nextToken": page["nextToken"]}
    return out


@wrong("A generator-based paginator is used again after an error: it is exhausted and ends.")
def exhausted_paginator(client, **job):
    pages = _page_generator(client, job)
    out, tries = [], 0
    while True:
        try:
            for page in pages:
                out += page["sessions"]
            return out
        except (ClientError, BotoCoreError):
            tries += 1
            if tries > 3:
                raise


def _page_generator(client, job):
    kw = {}
    while True:
        page = client.list_sessions(**job, **kw)
        yield page
        if not page.get("nextToken"):
            return
        kw = {"nextToken": page["nextToken"]}


@wrong(
    "A retrying next() around a paginator: after an error it raises StopIteration, taken for the end."
)
def retrying_next(client, **job):
    it = iter(client.get_paginator("list_sessions").paginate(**job))
    out = []
    while True:
        for attempt in range(4):
            try:
                page = next(it, None)
                break
            except (ClientError, BotoCoreError):
                if attempt == 3:
                    raise
                time.sleep(attempt)
        if page is None:
            return out
        out += page["sessions"]


@wrong("After a connection error makes a new client and starts again, keeping the sessions it had.")
def new_client_starts_again(client, **job):
    out, kw, rebuilt = [], {}, 0
    while True:
        try:
            page = client.list_sessions(**job, **kw)
        except BotoCoreError:
            if rebuilt == 2:
                raise
            rebuilt += 1
            client, kw = boto3.client("deadline", region_name="us-west-2"), {}
            continue
        out += page["sessions"]
        if not page.get("nextToken"):
            return out
        kw = {"nextToken": page["nextToken"]}


@wrong(
    "The pause between pages doubles with each page and is never reset: tokens expire meanwhile."
)
def pause_doubles(client, **job):
    out, kw, pause = [], {}, 1.0
    while True:
        page = client.list_sessions(**job, **kw)
        out += page["sessions"]
        if not page.get("nextToken"):
            return out
        kw = {"nextToken": page["nextToken"]}
        time.sleep(pause)
        pause *= 2


@wrong("Backoff in milliseconds is passed to sleep as seconds: tokens expire.")
def sleeps_milliseconds(client, **job):
    out, kw = [], {}
    for n in itertools.count():
        page = client.list_sessions(**job, **kw)
        out.extend(page["sessions"])
        if not page.get("nextToken"):
            return out
        kw = {"nextToken": page["nextToken"]}
        time.sleep(min(250 * 1000 * (n + 1), 500_000))  # milliseconds


@wrong("Throttling clears the token, and the loop then ends as if there were no more pages.")
def throttled_token_cleared(client, **job):
    out, token, first = [], None, True
    while first or token:
        try:
            page = client.list_sessions(**job, **({"nextToken": token} if token else {}))
        except (ClientError, BotoCoreError) as e:
            log.warning("retrying: %s", e)
            time.sleep(1)
            token = None if not first else token
            if first:
                raise
            continue
        first = False
        out += page["sessions"]
        token = page.get("nextToken")
    return out


@wrong("Polls until all sessions have ended before it returns.")
def waits_for_end(client, **job):
    while True:
        rows = list(_all(client, job))
        if all(s["lifecycleStatus"] == "ENDED" for s in rows):
            return rows
        time.sleep(30)


@wrong("Polls until the job has at least one session.")
def waits_for_first_session(client, **job):
    while True:
        rows = list(_all(client, job))
        if rows:
            return rows
        time.sleep(10)


@wrong("Lists until two listings are equal: twice as many calls as needed.")
def until_stable(client, **job):
    before = None
    while True:
        now = [s["sessionId"] for s in _all(client, job)]
        if now == before:
            return now
        before = now


@wrong("Counts the pages in a first pass and lists in a second one.")
def counts_first(client, **job):
    paginator = client.get_paginator("list_sessions")
    total = sum(len(p["sessions"]) for p in paginator.paginate(**job))
    log.info("%d sessions", total)
    return [s for p in paginator.paginate(**job) for s in p["sessions"]]


@wrong("Probes each page with maxResults=1 before fetching it.")
def probes_each_page(client, **job):
    out, kw = [], {}
    while True:
        probe = client.list_sessions(**job, maxResults=1, **kw)
        if not probe["sessions"] and not probe.get("nextToken"):
            return out
        page = client.list_sessions(**job, **kw)
        out += page["sessions"]
        if not page.get("nextToken"):
            return out
        kw = {"nextToken": page["nextToken"]}


@wrong("Fetches from the beginning for each page (quadratic number of calls).")
def quadratic_calls(client, **job):
    paginator = client.get_paginator("list_sessions")
    out = []
    for n in itertools.count():
        page = next(itertools.islice(paginator.paginate(**job), n, None), None)
        if page is None:
            return out
        out += page["sessions"]


# time budgets


@wrong("Returns what it has after five seconds; botocore's retries use them up.")
def budget_monotonic(client, **job):
    stop = time.monotonic() + 5
    out, kw = [], {}
    while time.monotonic() < stop:
        page = client.list_sessions(**job, **kw)
        out += page["sessions"]
        if not page.get("nextToken"):
            break
        kw = {"nextToken": page["nextToken"]}
    return out


@wrong("Returns what it has after one second, for an interactive UI.")
def budget_one_second(client, **job):
    began = time.monotonic()
    out = []
    for page in client.get_paginator("list_sessions").paginate(**job):
        out.extend(page["sessions"])
        if time.monotonic() - began > 1.0:
            log.warning("listing took too long; result is partial")
            break
    return out


@wrong("A rate limit of four calls a second and a budget of 20 seconds: partial above 80 pages.")
def budget_with_rate_limit(client, **job):
    end = time.time() + 20
    out, kw = [], {}
    while True:
        page = client.list_sessions(**job, **kw)
        out += page["sessions"]
        if not page.get("nextToken") or time.time() >= end:
            return out
        kw = {"nextToken": page["nextToken"]}
        time.sleep(0.25)


@wrong("A time budget by datetime.now: sleeps between pages use it up.")
def budget_datetime(client, **job):
    until = dt.datetime.now() + dt.timedelta(seconds=10)
    out = []
    for page in client.get_paginator("list_sessions").paginate(**job):
        out += page["sessions"]
        time.sleep(0.1)
        if dt.datetime.now() > until:
            break
    return out


@wrong(
    "wait_for with a timeout whose TimeoutError is swallowed: partial above some dozens of pages."
)
def budget_wait_for(client, **job):
    async def run():
        out = []

        async def walk():
            kw = {}
            while True:
                page = await asyncio.to_thread(client.list_sessions, **job, **kw)
                out.extend(page["sessions"])
                if not page.get("nextToken"):
                    return
                kw["nextToken"] = page["nextToken"]
                await asyncio.sleep(0.5)

        try:
            await asyncio.wait_for(walk(), timeout=15)
        except asyncio.TimeoutError:
            pass
        return out

    return asyncio.run(run())


@wrong("Retries each page for at most 10 seconds and then goes on without the rest.")
def budget_for_retries(client, **job):
    out, kw = [], {}
    while True:
        give_up = time.monotonic() + 10
        page = None
        while page is None and time.monotonic() < give_up:
            try:
                page = client.list_sessions(**job, **kw)
            except (ClientError, BotoCoreError):
                time.sleep(2)
        if page is None:
            return out
        out += page["sessions"]
        if not page.get("nextToken"):
            return out
        kw = {"nextToken": page["nextToken"]}


@wrong(
    "Ends at half of the token's life after the call began, to be safe from expiry (shows when paging takes 12 hours)."
)
def budget_token_life(client, **job):
    born = dt.datetime.now(dt.timezone.utc)
    out, kw = [], {}
    while True:
        page = client.list_sessions(**job, **kw)
        out += page["sessions"]
        age = dt.datetime.now(dt.timezone.utc) - born
        if not page.get("nextToken") or age > dt.timedelta(hours=12):
            return out
        kw = {"nextToken": page["nextToken"]}
