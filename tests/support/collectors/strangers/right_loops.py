"""Right collectors: plain loops and paginators."""

from __future__ import annotations

import base64
import collections
import contextlib
import copy
import dataclasses
import datetime as dt
import functools
import itertools
import json
import operator
import pickle
import types
import urllib.parse

import jmespath
from collectors.strangers.right import (
    RIGHT,
    SessionPages,
    generator_of_ids,
    log,
    paginator,
    right,
    small_pages,
)

# plain loops and paginators


@right
def paginator_page_size(client, farmId, queueId, jobId):
    pages = client.get_paginator("list_sessions").paginate(
        farmId=farmId, queueId=queueId, jobId=jobId, PaginationConfig={"PageSize": 37}
    )
    return tuple(s["sessionId"] for page in pages for s in page["sessions"])


@right
def jmespath_search(client, **job):
    return client.get_paginator("list_sessions").paginate(**job).search("sessions[]")


@right
def jmespath_ids(client, **job):
    return list(
        client.get_paginator("list_sessions").paginate(**job).search("sessions[*].sessionId")
    )


@right
def jmespath_by_page(client, **job):
    ids = jmespath.compile("sessions[].sessionId")
    return [
        i
        for page in client.get_paginator("list_sessions").paginate(**job)
        for i in ids.search(page)
    ]


@right
def result_key_iters(client, **job):
    (sessions,) = client.get_paginator("list_sessions").paginate(**job).result_key_iters()
    return list(sessions)


@right
def max_items_and_starting_token(client, **job):
    out, token = [], None
    while True:
        result = (
            client.get_paginator("list_sessions")
            .paginate(
                **job, PaginationConfig={"MaxItems": 7, "PageSize": 20, "StartingToken": token}
            )
            .build_full_result()
        )
        out += result["sessions"]
        token = result.get("NextToken")
        if token is None:
            return out


@right
def resume_token_in_chunks(client, **job):
    out = []
    pages = client.get_paginator("list_sessions").paginate(**job, PaginationConfig={"MaxItems": 50})
    while True:
        for page in pages:
            out.extend(page["sessions"])
        if not pages.resume_token:
            return out
        pages = client.get_paginator("list_sessions").paginate(
            **job, PaginationConfig={"MaxItems": 50, "StartingToken": pages.resume_token}
        )


@right
def walrus(client, **job):
    kw = dict(job)
    page = client.list_sessions(**kw)
    out = [*page["sessions"]]
    while (token := page.get("nextToken")) is not None:
        page = client.list_sessions(**job, nextToken=token)
        out += page["sessions"]
    return out


@right
def do_while_with_max_results(client, farmId, queueId, jobId):
    request = {"farmId": farmId, "queueId": queueId, "jobId": jobId, "maxResults": 100}
    ids = []
    while True:
        response = client.list_sessions(**request)
        ids.extend(map(operator.itemgetter("sessionId"), response["sessions"]))
        if not response.get("nextToken"):
            return ids
        request["nextToken"] = response["nextToken"]


@right
def trampoline(client, **job):
    def visit(token, done):
        page = client.list_sessions(**job, **({"nextToken": token} if token else {}))
        done = done + page["sessions"]
        if page.get("nextToken"):
            return lambda: visit(page["nextToken"], done)
        return done

    step = visit(None, [])
    while callable(step):
        step = step()
    return step


@right
def reduce_over_pages(client, **job):
    pages = client.get_paginator("list_sessions").paginate(**job)
    return functools.reduce(lambda out, page: out + page["sessions"], pages, [])


@right
def chain_from_iterable(client, **job):
    pages = client.get_paginator("list_sessions").paginate(**job)
    return itertools.chain.from_iterable(map(operator.itemgetter("sessions"), pages))


@right
def iter_with_private_sentinel(client, **job):
    end = object()
    state = {"kw": {}, "done": False}

    def fetch():
        if state["done"]:
            return end
        page = client.list_sessions(**job, **state["kw"])
        state["done"] = not page.get("nextToken")
        state["kw"] = {"nextToken": page.get("nextToken")}
        return page["sessions"]

    return [s for rows in iter(fetch, end) for s in rows]


@right
def iterable_class(client, **job):
    return [s for page in SessionPages(client, job) for s in page["sessions"]]


class Cursor:
    """An iterator with its own state."""

    def __init__(self, fetch):
        self.fetch, self.buffer, self.token, self.started = fetch, collections.deque(), None, False

    def __iter__(self):
        return self

    def __next__(self):
        while not self.buffer:
            if self.started and not self.token:
                raise StopIteration
            page = self.fetch(**({"nextToken": self.token} if self.token else {}))
            self.started, self.token = True, page.get("nextToken")
            self.buffer.extend(page["sessions"])
        return self.buffer.popleft()


@right
def cursor_object(client, **job):
    return Cursor(functools.partial(client.list_sessions, **job))


class Farm:
    def __init__(self, client, farmId):
        self.client, self.farmId = client, farmId

    def sessions(self, queueId, jobId):
        found = []
        token = None
        while True:
            extra = {} if token is None else {"nextToken": token}
            r = self.client.list_sessions(farmId=self.farmId, queueId=queueId, jobId=jobId, **extra)
            found += r["sessions"]
            token = r.get("nextToken")
            if token is None:
                return found


@right
def object_per_farm(client, farmId, queueId, jobId):
    return Farm(client, farmId).sessions(queueId, jobId)


class StaticLister:
    @staticmethod
    def collect(client, **job):
        return {
            "sessions": list(
                client.get_paginator("list_sessions").paginate(**job).search("sessions")
            )
        }


RIGHT["static_method"] = StaticLister.collect


class ResettingLister:
    def __init__(self):
        self.sessions = []

    def __call__(self, client, **job):
        self.sessions = []  # a new list: earlier results stay as they are
        for page in client.get_paginator("list_sessions").paginate(**job):
            self.sessions.extend(page["sessions"])
        return self.sessions


RIGHT["instance_reset_each_call"] = ResettingLister().__call__


@dataclasses.dataclass(frozen=True)
class Session:
    sessionId: str
    workerId: str
    startedAt: dt.datetime
    status: str
    endedAt: dt.datetime | None = None

    @classmethod
    def parse(cls, s):
        return cls(
            s["sessionId"], s["workerId"], s["startedAt"], s["lifecycleStatus"], s.get("endedAt")
        )


@right
def dataclass_rows(client, **job):
    rows = []
    for page in client.get_paginator("list_sessions").paginate(**job):
        rows.extend(Session.parse(s) for s in page["sessions"])
    return [r.sessionId for r in rows]


@right
def typed_dict_copies(client, **job):
    return [
        dict(types.MappingProxyType(s))
        for page in SessionPages(client, job)
        for s in copy.deepcopy(page["sessions"])
    ]


@right
def stable_sort_by_constant(client, **job):
    rows = paginator(client, **job)
    rows.sort(key=lambda s: 0)
    return rows


@right
def sorted_by_position(client, **job):
    table = {}
    for s in small_pages(client, **job):
        table[len(table)] = s
    return [table[n] for n in sorted(table)]


@right
def groups_by_worker_restored(client, **job):
    groups = collections.defaultdict(list)
    for n, s in enumerate(generator_of_ids(client, **job)):
        groups[hash(s) % 5].append((n, s))
    return [s for _, s in sorted(itertools.chain.from_iterable(groups.values()))]


@right
def deque_of_work(client, **job):
    todo = collections.deque([{}])
    out = []
    while todo:
        page = client.list_sessions(**job, **todo.popleft())
        out.extend(page["sessions"])
        if page.get("nextToken"):
            todo.append({"nextToken": page["nextToken"]})
    return out


@right
def send_based_coroutine(client, **job):
    out = []

    def sink():
        while True:
            out.extend((yield)["sessions"])

    s = sink()
    next(s)
    for page in client.get_paginator("list_sessions").paginate(**job):
        s.send(page)
    s.close()
    return out


@right
def exit_stack(client, **job):
    with contextlib.ExitStack() as stack:
        out = []
        stack.callback(log.debug, "listed %s", job["jobId"])
        for page in client.get_paginator("list_sessions").paginate(**job):
            out += page["sessions"]
        return out


@right
def prints_progress(client, **job):
    count, out = 0, []
    for number, page in enumerate(client.get_paginator("list_sessions").paginate(**job), 1):
        count += len(page["sessions"])
        out += page["sessions"]
        print(f"page {number}: {len(page['sessions'])} sessions, {count} in total")
    return out


@right
def counts_by_status_as_well(client, **job):
    counts = collections.Counter()
    longest = dt.timedelta(0)
    out = []
    for page in client.get_paginator("list_sessions").paginate(**job):
        for s in page["sessions"]:
            counts[s["lifecycleStatus"]] += 1
            if "endedAt" in s:
                longest = max(longest, s["endedAt"] - s["startedAt"])
            out.append(s)
    log.info("%s, longest %s", dict(counts), longest)
    return out


@right
def token_through_json_state(client, **job):
    """Keeps the state as JSON, as between two Lambda invocations."""
    state = json.dumps({"token": None})
    out = []
    while True:
        token = json.loads(state)["token"]
        page = client.list_sessions(**job, **({} if token is None else {"nextToken": token}))
        out += page["sessions"]
        if not page.get("nextToken"):
            return out
        state = json.dumps({"token": page["nextToken"]})


@right
def token_through_url(client, **job):
    out, token = [], None
    while True:
        page = client.list_sessions(**job, **({} if token is None else {"nextToken": token}))
        out += page["sessions"]
        if not page.get("nextToken"):
            return out
        query = urllib.parse.urlencode({"jobId": job["jobId"], "token": page["nextToken"]})
        token = urllib.parse.parse_qs(query, keep_blank_values=True, strict_parsing=True)["token"][
            0
        ]


@right
def token_through_base64(client, **job):
    out, cursor = [], None
    while True:
        kw = (
            {}
            if cursor is None
            else {"nextToken": base64.urlsafe_b64decode(cursor).decode("utf-8")}
        )
        page = client.list_sessions(**job, **kw)
        out.extend(s["sessionId"] for s in page["sessions"])
        if not page.get("nextToken"):
            return out
        cursor = base64.urlsafe_b64encode(page["nextToken"].encode("utf-8"))


@right
def token_through_pickle(client, **job):
    out, blob = [], pickle.dumps({})
    while True:
        page = client.list_sessions(**job, **pickle.loads(blob))
        out += page["sessions"]
        if not page.get("nextToken"):
            return out
        blob = pickle.dumps({"nextToken": page["nextToken"]})


@right
def guards_against_repeated_token(client, **job):
    seen, out, kw = set(), [], {}
    while True:
        page = client.list_sessions(**job, **kw)
        out += page["sessions"]
        token = page.get("nextToken")
        if not token:
            return out
        if token in seen:
            raise RuntimeError("the service repeats its tokens")
        seen.add(token)
        kw = {"nextToken": token}


@right
def page_limit_that_raises(client, **job):
    out = []
    for n, page in enumerate(client.get_paginator("list_sessions").paginate(**job)):
        if n > 100_000:
            raise RuntimeError("too many pages")
        out += page["sessions"]
    return out


@right
def dedup_by_id_keeps_order(client, **job):
    rows = {}
    for s in client.get_paginator("list_sessions").paginate(**job).search("sessions[]"):
        rows.setdefault(s["sessionId"], s)
    return list(rows.values())


@right
def newest_summary_first_position(client, **job):
    rows = {}
    for s in client.get_paginator("list_sessions").paginate(**job).search("sessions[]"):
        rows[s["sessionId"]] = s  # a dict keeps the position of the first insertion
    return list(rows.values())
