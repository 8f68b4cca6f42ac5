"""Right collectors: own clients and retries and restarts."""

from __future__ import annotations

import concurrent.futures as cf
import contextlib
import dataclasses
import functools
import itertools
import random
import threading
import time
import weakref

import boto3
import botocore.config
import botocore.session
from botocore.exceptions import BotoCoreError, ClientError
from collectors.strangers.right import (
    FAULTS,
    REGION,
    RIGHT,
    code_of,
    full_result,
    log,
    paginator,
    right,
    small_pages,
    while_loop,
)

# own clients


@right
def own_client_standard(client, **job):
    own = boto3.client(
        "deadline",
        region_name=REGION,
        config=botocore.config.Config(retries={"mode": "standard", "max_attempts": 4}),
    )
    return paginator(own, **job)


@right
def own_client_adaptive(client, **job):
    session = boto3.session.Session(region_name=REGION)
    own = session.client(
        "deadline",
        config=botocore.config.Config(retries={"mode": "adaptive", "total_max_attempts": 3}),
    )
    return while_loop(own, **job)


@right
def own_client_without_retries(client, **job):
    own = boto3.client(
        "deadline",
        region_name=REGION,
        config=botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=10),
    )
    rows, kw = [], {}
    while True:
        for attempt in range(4):
            try:
                page = own.list_sessions(**job, **kw)
                break
            except FAULTS:
                if attempt == 3:
                    raise
                time.sleep(random.random() * 2**attempt)
        rows += page["sessions"]
        if not page.get("nextToken"):
            return rows
        kw = {"nextToken": page["nextToken"]}


@right
def botocore_client_of_its_own(client, **job):
    own = botocore.session.get_session().create_client("deadline", region_name=REGION)
    with contextlib.closing(own):
        return full_result(own, **job)["sessions"]


@right
def new_client_after_connection_error(client, **job):
    out, kw, rebuilt = [], {}, 0
    while True:
        try:
            page = client.list_sessions(**job, **kw)
        except BotoCoreError:
            if rebuilt == 2:
                raise
            rebuilt += 1
            client = boto3.client("deadline", region_name=REGION)
            continue  # with the same token
        out += page["sessions"]
        if not page.get("nextToken"):
            return out
        kw = {"nextToken": page["nextToken"]}


_local = threading.local()


@right
def client_per_thread(client, **job):
    def work():
        if not hasattr(_local, "client"):
            _local.client = boto3.session.Session().client("deadline", region_name=REGION)
        return paginator(_local.client, **job)

    with cf.ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


@right
def event_hooks(client, **job):
    seen = []

    def note(http_response, parsed, model, **kwargs):
        seen.append(http_response.status_code)

    client.meta.events.register("after-call.deadline.ListSessions", note, unique_id="note")
    try:
        return paginator(client, **job)
    finally:
        client.meta.events.unregister("after-call.deadline.ListSessions", unique_id="note")


# retries and restarts


@right
def retries_each_page(client, **job):
    def fetch(**kw):
        for attempt in itertools.count(1):
            try:
                return client.list_sessions(**job, **kw)
            except client.exceptions.ThrottlingException:
                if attempt >= 5:
                    raise
                time.sleep(min(0.2 * 2**attempt, 5))

    page = fetch()
    out = page["sessions"]
    while page.get("nextToken"):
        page = fetch(nextToken=page["nextToken"])
        out = out + page["sessions"]
    return out


def retry(times, kinds=FAULTS, base=0.1, cap=3.0):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            delay = base
            for left in range(times, 0, -1):
                try:
                    return function(*args, **kwargs)
                except kinds as error:
                    if left == 1:
                        raise
                    log.warning("%s: %s; %d attempts left", function.__name__, error, left - 1)
                    time.sleep(delay * random.uniform(0.5, 1.5))
                    delay = min(delay * 2, cap)
            raise AssertionError("unreachable")

        return wrapper

    return decorate


@right
@retry(3)
def restarts_whole_listing(client, **job):
    return paginator(client, **job)


@right
def decorated_page_fetcher(client, **job):
    @retry(4)
    def fetch(**kw):
        return client.list_sessions(**job, **kw)

    rows, kw = [], {}
    while True:
        page = fetch(**kw)
        rows.extend(page["sessions"])
        if page.get("nextToken") is None:
            return rows
        kw["nextToken"] = page["nextToken"]


@right
def restarts_after_expiry(client, **job):
    for attempt in range(3):
        out, kw = [], {}
        try:
            while True:
                page = client.list_sessions(**job, **kw)
                out += page["sessions"]
                if not page.get("nextToken"):
                    return out
                kw = {"nextToken": page["nextToken"]}
        except client.exceptions.ValidationException:
            if attempt == 2 or not kw:
                raise
            log.info("token refused; starting again")


@right
def restart_with_dedup(client, **job):
    rows, kw, restarts = {}, {}, 0
    while True:
        try:
            page = client.list_sessions(**job, **kw)
        except ClientError as e:
            if code_of(e) != "ValidationException" or not kw or restarts == 3:
                raise
            restarts, kw = restarts + 1, {}
            continue
        for s in page["sessions"]:
            rows.setdefault(s["sessionId"], s)
        if not page.get("nextToken"):
            return list(rows.values())
        kw = {"nextToken": page["nextToken"]}


@right
def restart_with_seen_ids_generator(client, **job):
    seen = set()
    for attempt in range(4):
        try:
            for page in client.get_paginator("list_sessions").paginate(**job):
                for s in page["sessions"]:
                    if s["sessionId"] not in seen:
                        seen.add(s["sessionId"])
                        yield s
            return
        except FAULTS:
            if attempt == 3:
                raise
            time.sleep(2**attempt)


@right
def steps_back_one_token(client, **job):
    """After a refused token tries the one before, then the start; duplicates go by id."""
    rows, tokens, refused = {}, [None], 0
    while True:
        token = tokens[-1]
        try:
            page = client.list_sessions(**job, **({} if token is None else {"nextToken": token}))
        except ClientError as e:
            refused += 1
            if code_of(e) != "ValidationException" or token is None or refused > 4:
                raise
            tokens = tokens[:-1] if refused == 1 else [None]
            continue
        for s in page["sessions"]:
            rows.setdefault(s["sessionId"], s)
        if not page.get("nextToken"):
            return list(rows)
        tokens.append(page["nextToken"])


@dataclasses.dataclass
class Progress:
    rows: list = dataclasses.field(default_factory=list)
    token: str | None = None


class Resumer:
    """After a failed call, the next call for the same job goes on where it was, or starts again."""

    def __init__(self):
        self._progress = {}

    def __call__(self, client, **job):
        # kept by client: another client may be another account
        key = (id(client), *sorted(job.items()))
        before = self._progress.pop(key, None)
        if before is not None and before[0]() is client:
            try:
                return self._run(client, job, key, before[1])
            except ClientError as e:
                if code_of(e) != "ValidationException":
                    raise
                self._progress.pop(key, None)
        return self._run(client, job, key, Progress())

    def _run(self, client, job, key, progress):
        while True:
            kw = {"nextToken": progress.token} if progress.token else {}
            try:
                page = client.list_sessions(**job, **kw)
            except Exception:
                if progress.token:
                    self._progress[key] = (weakref.ref(client), progress)
                raise
            progress.rows.extend(page["sessions"])
            progress.token = page.get("nextToken")
            if not progress.token:
                return progress.rows


RIGHT["resumes_after_failed_call"] = Resumer().__call__


@right
def gives_up_at_a_deadline_after_faults(client, **job):
    deadline = time.monotonic() + 60
    out, kw = [], {}
    while True:
        try:
            page = client.list_sessions(**job, **kw)
        except FAULTS:
            if time.monotonic() >= deadline:
                raise
            time.sleep(7)
            continue
        out += page["sessions"]
        if not page.get("nextToken"):
            return out
        kw = {"nextToken": page["nextToken"]}


@right
def time_budget_raises(client, **job):
    end = time.monotonic() + 6 * 86_400
    out, kw = [], {}
    while True:
        page = client.list_sessions(**job, **kw)
        out += page["sessions"]
        if not page.get("nextToken"):
            return out
        if time.monotonic() > end:
            raise TimeoutError(f"no complete listing in time; {len(out)} sessions so far")
        kw = {"nextToken": page["nextToken"]}


@right
def retry_budget_for_whole_listing(client, **job):
    left = 6
    page, out = None, []
    while page is None or page.get("nextToken"):
        kw = {} if page is None else {"nextToken": page["nextToken"]}
        try:
            page = client.list_sessions(**job, **kw)
        except FAULTS:
            left -= 1
            if left < 0:
                raise
            time.sleep(1.5)
            continue
        out += page["sessions"]
    return out


@right
def only_some_errors_are_retried(client, **job):
    retryable = {"ThrottlingException", "InternalServerErrorException"}
    rows, kw, tries = [], {}, 0
    while True:
        try:
            page = client.list_sessions(**job, **kw)
        except ClientError as e:
            tries += 1
            if code_of(e) not in retryable or tries > 3:
                raise
            time.sleep(float(e.response["Error"].get("retryAfterSeconds", 0.5)))
            continue
        tries = 0
        rows.extend(page["sessions"])
        if not page.get("nextToken"):
            return rows
        kw = {"nextToken": page["nextToken"]}


class ListingFailed(Exception):
    def __init__(self, so_far):
        super().__init__(f"listing failed after {len(so_far)} sessions")
        self.so_far = so_far


@right
def wraps_the_error(client, **job):
    out = []
    try:
        for page in client.get_paginator("list_sessions").paginate(**job):
            out.extend(page["sessions"])
    except FAULTS as error:
        raise ListingFailed(out) from error
    return out


@right
def exits_on_error(client, **job):
    try:
        return paginator(client, **job)
    except FAULTS as error:
        raise SystemExit(f"cannot list sessions: {error}") from None


class Attempt:
    """Like tenacity's `for attempt in Retrying(): with attempt:`."""

    def __init__(self, number, last):
        self.number, self.last, self.ok = number, last, False

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.ok = kind is None
        return isinstance(error, FAULTS) and not self.last


def attempts(count, wait):
    for number in range(1, count + 1):
        attempt = Attempt(number, number == count)
        yield attempt
        if attempt.ok:
            return
        time.sleep(wait * number)


@right
def tenacity_like(client, **job):
    rows, kw = [], {}
    while True:
        for attempt in attempts(4, 0.3):
            with attempt:
                page = client.list_sessions(**job, **kw)
        rows += page["sessions"]
        if not page.get("nextToken"):
            return rows
        kw = {"nextToken": page["nextToken"]}


@right
def tenacity_like_whole(client, **job):
    for attempt in attempts(3, 1.0):
        with attempt:
            result = [s["sessionId"] for s in small_pages(client, **job)]
    return result
