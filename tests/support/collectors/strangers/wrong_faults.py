"""Wrong collectors: faults swallowed."""

from __future__ import annotations

import concurrent.futures as cf
import contextlib
import functools
import io
import warnings

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from collectors.strangers.wrong import _all, code_of, log, wrong

# faults swallowed


@wrong("Throttling ends the listing: returns what it has.")
def swallows_throttling(client, **job):
    out = []
    try:
        for page in client.get_paginator("list_sessions").paginate(**job):
            out += page["sessions"]
    except client.exceptions.ThrottlingException:
        log.warning("throttled")
    return out


@wrong("Connection errors end the listing.")
def swallows_connection_errors(client, **job):
    out, kw = [], {}
    while True:
        try:
            page = client.list_sessions(**job, **kw)
        except (ConnectionClosedError, EndpointConnectionError, ConnectTimeoutError):
            return out
        out += page["sessions"]
        if not page.get("nextToken"):
            return out
        kw = {"nextToken": page["nextToken"]}


@wrong("Read timeouts end the listing.")
def swallows_read_timeouts(client, **job):
    out = []
    try:
        out.extend(_all(client, job))
    except ReadTimeoutError as e:
        log.error("partial listing: %s", e)
    return out


@wrong("Endpoint errors on the first page mean 'no network, no sessions'.")
def swallows_no_network(client, **job):
    try:
        page = client.list_sessions(**job)
    except EndpointConnectionError:
        return []
    out = page["sessions"]
    while page.get("nextToken"):
        page = client.list_sessions(**job, nextToken=page["nextToken"])
        out += page["sessions"]
    return out


@wrong("A ValidationException on a follow-up call is taken for the end: an expired token.")
def expiry_is_end(client, **job):
    page = client.list_sessions(**job)
    out = page["sessions"]
    while page.get("nextToken"):
        try:
            page = client.list_sessions(**job, nextToken=page["nextToken"])
        except client.exceptions.ValidationException:
            break
        out += page["sessions"]
    return out


@wrong("An error message with 'expired' in it ends the listing.")
def expired_message_is_end(client, **job):
    out = []
    try:
        for page in client.get_paginator("list_sessions").paginate(**job):
            out += page["sessions"]
    except ClientError as error:
        if "expired" not in str(error):
            raise
    return out


@wrong("Access denied means an empty list.")
def denied_is_empty(client, **job):
    try:
        return list(_all(client, job))
    except ClientError as error:
        if code_of(error) == "AccessDeniedException":
            return []
        raise


@wrong("Access denied on a later page returns the pages so far.")
def denied_later_is_end(client, **job):
    out = []
    pages = iter(client.get_paginator("list_sessions").paginate(**job))
    while True:
        try:
            page = next(pages)
        except StopIteration:
            return out
        except ClientError as error:
            if out and code_of(error) == "AccessDeniedException":
                return out
            raise
        out += page["sessions"]


@wrong("A ResourceNotFoundException means an empty list.")
def not_found_is_empty(client, **job):
    try:
        return [s["sessionId"] for s in _all(client, job)]
    except client.exceptions.ResourceNotFoundException:
        return []


@wrong(
    "A ResourceNotFoundException on a later page means the job was archived: returns the pages so far."
)
def not_found_later_is_end(client, **job):
    out, kw = [], {}
    while True:
        try:
            page = client.list_sessions(**job, **kw)
        except ClientError as e:
            if kw and code_of(e) == "ResourceNotFoundException":
                return out
            raise
        out.extend(page["sessions"])
        if page.get("nextToken") is None:
            return out
        kw["nextToken"] = page["nextToken"]


@wrong("suppress(ClientError) around the loop.")
def suppress_client_errors(client, **job):
    out = []
    with contextlib.suppress(ClientError):
        for page in client.get_paginator("list_sessions").paginate(**job):
            out.extend(page["sessions"])
    return out


@wrong("`return` in `finally` swallows every exception.")
def return_in_finally(client, **job):
    out = []
    try:
        for page in client.get_paginator("list_sessions").paginate(**job):
            out.extend(page["sessions"])
    finally:
        return out  # noqa: B012


@wrong("A generator that ends quietly on any error.")
def generator_ends_on_error(client, **job):
    try:
        yield from _all(client, job)
    except Exception:
        log.exception("listing failed")
        return


@wrong("Internal server errors end the listing.")
def swallows_internal_errors(client, **job):
    out, kw = [], {}
    while True:
        try:
            page = client.list_sessions(**job, **kw)
        except client.exceptions.InternalServerErrorException:
            warnings.warn("Deadline Cloud has a bad day")
            break
        out.extend(page["sessions"])
        if page.get("nextToken") is None:
            break
        kw["nextToken"] = page["nextToken"]
    return out


@wrong("Swallows every BotoCoreError (broken connections) and lets ClientErrors through.")
def swallows_botocore_errors(client, **job):
    out = []
    it = client.get_paginator("list_sessions").paginate(**job)
    try:
        for s in it.search("sessions[]"):
            out.append(s)
    except BotoCoreError:
        print("connection lost, showing", len(out), "sessions", file=io.StringIO())
    return {"sessions": out}


def default_on_error(default):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            try:
                return function(*args, **kwargs)
            except Exception as error:
                log.warning("%s failed: %s", function.__name__, error)
                return default

        return wrapper

    return decorate


@wrong("A decorator returns [] on any error.")
@default_on_error([])
def decorated_default(client, **job):
    return list(_all(client, job))


@wrong("A decorated page fetcher returns an empty last page on any error.")
def decorated_page_default(client, **job):
    @default_on_error({"sessions": []})
    def fetch(**kw):
        return client.list_sessions(**job, **kw)

    page = fetch()
    out = list(page["sessions"])
    while page.get("nextToken"):
        page = fetch(nextToken=page["nextToken"])
        out += page["sessions"]
    return out


@wrong("Errors with HTTP status 5xx end the listing.")
def swallows_5xx(client, **job):
    out = []
    try:
        for s in _all(client, job):
            out.append(s["sessionId"])
    except ClientError as e:
        if e.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
            raise
    return out


@wrong("Errors with HTTP status 4xx end the listing.")
def swallows_4xx(client, **job):
    out = []
    try:
        for s in _all(client, job):
            out.append(s)
    except ClientError as e:
        if not 400 <= e.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
            raise
    return out


@wrong("An __exit__ that returns True for ClientErrors.")
def context_manager_swallows(client, **job):
    class Quiet:
        def __enter__(self):
            return self

        def __exit__(self, kind, error, trace):
            return isinstance(error, (ClientError, BotoCoreError))

    out = []
    with Quiet():
        for page in client.get_paginator("list_sessions").paginate(**job):
            out += page["sessions"]
    return out


@wrong("Swallows a fault once it has two pages or more.")
def nearly_done_is_done(client, **job):
    out, kw, count = [], {}, 0
    while True:
        try:
            page = client.list_sessions(**job, **kw)
        except (ClientError, BotoCoreError):
            if count >= 2:
                return out
            raise
        count += 1
        out += page["sessions"]
        if "nextToken" not in page:
            return out
        kw = {"nextToken": page["nextToken"]}


@wrong("The failure of a prefetched page is ignored, so its listing ends there.")
def prefetch_failure_ignored(client, **job):
    with cf.ThreadPoolExecutor(1) as pool:
        page = client.list_sessions(**job)
        out = []
        while True:
            token = page.get("nextToken")
            ahead = pool.submit(client.list_sessions, **job, nextToken=token) if token else None
            out += page["sessions"]
            if ahead is None or ahead.exception() is not None:
                return out
            page = ahead.result()


@wrong("Catches SystemExit-like errors too (bare except) and breaks.")
def bare_except_breaks(client, **job):
    out = []
    kwargs = job.copy()
    while True:
        try:
            r = client.list_sessions(**kwargs)
        except:  # noqa: E722
            break
        out += r["sessions"]
        if not r.get("nextToken"):
            break
        kwargs["nextToken"] = r["nextToken"]
    return out
