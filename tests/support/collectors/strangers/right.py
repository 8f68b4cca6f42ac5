"""What the modules with right collectors share, and all of them by name."""

from __future__ import annotations

import asyncio
import logging

from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger(__name__)


RIGHT: dict = {}


def right(function):
    assert function.__name__ not in RIGHT, function.__name__
    RIGHT[function.__name__] = function
    return function


def code_of(error):
    return getattr(error, "response", {}).get("Error", {}).get("Code", "")


FAULTS = (ClientError, BotoCoreError)


REGION = "us-west-2"


@right
def paginator(client, **job):
    pages = client.get_paginator("list_sessions").paginate(**job)
    return [s for page in pages for s in page["sessions"]]


@right
def full_result(client, **job):
    return client.get_paginator("list_sessions").paginate(**job).build_full_result()


@right
def while_loop(client, **job):
    page = client.list_sessions(**job)
    out = list(page["sessions"])
    while page.get("nextToken"):
        page = client.list_sessions(**job, nextToken=page["nextToken"])
        out.extend(page["sessions"])
    return out


@right
def small_pages(client, **job):
    for page in client.get_paginator("list_sessions").paginate(**job, maxResults=3):
        yield from page["sessions"]


@right
def generator_of_ids(client, **job):
    kw: dict = {}
    while True:
        page = client.list_sessions(**job, **kw)
        for s in page["sessions"]:
            yield s["sessionId"]
        if "nextToken" not in page:
            return
        kw = {"nextToken": page["nextToken"]}


class SessionPages:
    def __init__(self, client, job):
        self._client, self._job = client, job

    def __iter__(self):
        kw = {}
        while True:
            page = self._client.list_sessions(**self._job, **kw)
            yield page
            token = page.get("nextToken")
            if not token:
                break
            kw = {"nextToken": token}


@right
async def async_to_thread(client, **job):
    out, kw = [], {}
    while True:
        page = await asyncio.to_thread(client.list_sessions, **job, **kw)
        out += page["sessions"]
        if not page.get("nextToken"):
            return out
        kw = {"nextToken": page["nextToken"]}
