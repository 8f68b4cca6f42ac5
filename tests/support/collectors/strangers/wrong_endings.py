"""Wrong collectors: end of the list and limits."""

from __future__ import annotations

import collections
import functools
import itertools

from collectors.strangers.wrong import log, wrong

# end of the list


@wrong("Indexes page['nextToken'] without a guard: KeyError on the last page.")
def unguarded_next_token(client, **job):
    page = client.list_sessions(**job)
    sessions = list(page["sessions"])
    while page["nextToken"]:
        page = client.list_sessions(**job, nextToken=page["nextToken"])
        sessions.extend(page["sessions"])
    return sessions


@wrong("Takes an empty page for the end even if it has a token.")
def empty_page_is_end(client, **job):
    out, kw = [], dict(job)
    while True:
        page = client.list_sessions(**kw)
        if not page["sessions"]:
            break
        out += page["sessions"]
        if "nextToken" not in page:
            break
        kw["nextToken"] = page["nextToken"]
    return out


@wrong("Stops at a page with fewer sessions than maxResults, even if it has a token.")
def short_page_is_end(client, farmId, queueId, jobId, page_size=100):
    sessions, token = [], None
    while True:
        extra = {"nextToken": token} if token else {}
        page = client.list_sessions(
            farmId=farmId, queueId=queueId, jobId=jobId, maxResults=page_size, **extra
        )
        sessions.extend(page["sessions"])
        if len(page["sessions"]) < page_size:
            return sessions
        token = page.get("nextToken")
        if token is None:
            return sessions


@wrong("Stops at the first page that is shorter than the first one.")
def shorter_than_first_is_end(client, **job):
    page = client.list_sessions(**job)
    size = len(page["sessions"])
    rows = page["sessions"]
    while page.get("nextToken") and len(page["sessions"]) >= size:
        page = client.list_sessions(nextToken=page["nextToken"], **job)
        rows = rows + page["sessions"]
    return rows


@wrong("Sends nextToken=None in the first call, which botocore rejects.")
def none_token_first(client, **job):
    token, out = None, []
    while True:
        page = client.list_sessions(**job, nextToken=token)
        out.extend(page["sessions"])
        token = page.get("nextToken")
        if not token:
            return out


@wrong("Sends an empty token in the first call.")
def empty_token_first(client, **job):
    token, out = "", []
    while token is not None:
        page = client.list_sessions(**job, nextToken=token)
        out.extend(page["sessions"])
        token = page.get("nextToken")
    return out


@wrong("Appends only pages that have a token, so the last page is lost.")
def last_page_lost(client, **job):
    sessions = []
    page = client.list_sessions(**job)
    while page.get("nextToken"):
        sessions.extend(page["sessions"])
        page = client.list_sessions(**job, nextToken=page["nextToken"])
    return sessions


@wrong("Reads the first page only.")
def first_page_only(client, **job):
    return client.list_sessions(**job, maxResults=100)["sessions"]


@wrong("Uses `if` where it needs `while`: reads at most two pages.")
def two_pages(client, **job):
    page = client.list_sessions(**job)
    result = page["sessions"]
    if "nextToken" in page:
        result += client.list_sessions(**job, nextToken=page["nextToken"])["sessions"]
    return result


@wrong("Gives up after three empty pages in a row although there is a token.")
def three_empty_pages_are_end(client, **job):
    out, empties, kw = [], 0, {}
    while empties < 3:
        page = client.list_sessions(**job, **kw)
        empties = 0 if page["sessions"] else empties + 1
        out.extend(page["sessions"])
        if not page.get("nextToken"):
            break
        kw = {"nextToken": page["nextToken"]}
    return out


@wrong("Keeps the old token when a page has none, so it requests the last page for ever.")
def token_never_cleared(client, **job):
    out, kw, seen = [], dict(job), set()
    while True:
        page = client.list_sessions(**kw)
        for s in page["sessions"]:
            if s["sessionId"] not in seen:
                seen.add(s["sessionId"])
                out.append(s)
        if page.get("nextToken", kw.get("nextToken")) is None:
            return out
        kw["nextToken"] = page.get("nextToken", kw.get("nextToken"))


@wrong("Uses iter(callable, []) and so ends at the first empty page.")
def sentinel_iteration(client, **job):
    state = dict(job)

    def fetch():
        if state is None:
            return []
        page = client.list_sessions(**state)
        if page.get("nextToken"):
            state["nextToken"] = page["nextToken"]
        else:
            state.pop("nextToken", None)
            fetch.done = True
        return page["sessions"]

    fetch.done = False
    out = []
    for rows in iter(fetch, []):
        out.extend(rows)
        if fetch.done:
            break
    return out


@wrong("takewhile(bool) over the pages' sessions stops at an empty page.")
def takewhile_nonempty(client, **job):
    pages = client.get_paginator("list_sessions").paginate(**job)
    groups = itertools.takewhile(bool, (page["sessions"] for page in pages))
    return list(itertools.chain.from_iterable(groups))


@wrong("A generator that `return`s the last page instead of yielding it.")
def generator_returns_last_page(client, **job):
    kw = {}
    while True:
        page = client.list_sessions(**job, **kw)
        if not page.get("nextToken"):
            return page["sessions"]
        yield from page["sessions"]
        kw = {"nextToken": page["nextToken"]}


@wrong("Recursion whose base case forgets the page's own sessions.")
def recursion_base_case(client, nextToken=None, **job):
    kw = dict(job, nextToken=nextToken) if nextToken else job
    page = client.list_sessions(**kw)
    if not page.get("nextToken"):
        return []
    return page["sessions"] + recursion_base_case(client, nextToken=page["nextToken"], **job)


@wrong("Copied from S3: looks for isTruncated, which the answer never has.")
def s3_is_truncated(client, **job):
    page = client.list_sessions(**job)
    found = page["sessions"]
    while page.get("isTruncated", False):
        page = client.list_sessions(**job, nextToken=page["nextToken"])
        found += page["sessions"]
    return found


@wrong("Looks for 'NextToken' with a capital N, so it stops after one page.")
def capital_next_token(client, **job):
    out = []
    kwargs = dict(job)
    while True:
        resp = client.list_sessions(**kwargs)
        out.extend(resp.get("sessions", []))
        token = resp.get("NextToken")
        if not token:
            return out
        kwargs["nextToken"] = token


@wrong("Starts from the beginning when the last page has no token, until a page is empty.")
def until_a_page_is_empty(client, **job):
    out, token, ids = [], None, set()
    while True:
        page = client.list_sessions(**job, **({"nextToken": token} if token else {}))
        if not page["sessions"]:
            return out
        out += [s for s in page["sessions"] if s["sessionId"] not in ids]
        ids |= {s["sessionId"] for s in page["sessions"]}
        token = page.get("nextToken")


@wrong("Stops when a page brings no session it has not yet seen; an empty page brings none.")
def no_progress_is_end(client, **job):
    by_id, kw = {}, {}
    while True:
        before = len(by_id)
        page = client.list_sessions(**job, **kw)
        for s in page["sessions"]:
            by_id.setdefault(s["sessionId"], s)
        if len(by_id) == before or not page.get("nextToken"):
            return list(by_id.values())
        kw["nextToken"] = page["nextToken"]


@wrong("Raises an error when the first page is empty although it has a token.")
def first_page_must_have_sessions(client, **job):
    page = client.list_sessions(**job)
    first = page["sessions"]
    if not first and page.get("nextToken"):
        raise RuntimeError("Deadline Cloud returned no sessions")
    out = list(first)
    while page.get("nextToken"):
        page = client.list_sessions(**job, nextToken=page["nextToken"])
        out.extend(page["sessions"])
    return out


@wrong("Reads page['sessions'][-1] for a log line: IndexError on an empty page.")
def logs_last_session(client, **job):
    out = []
    for page in client.get_paginator("list_sessions").paginate(**job):
        log.debug("up to %s", page["sessions"][-1]["sessionId"])
        out += page["sessions"]
    return out


@wrong("zip of pages with a range of ten: reads at most ten pages (and one for nothing).")
def ten_pages_by_zip(client, **job):
    pages = client.get_paginator("list_sessions").paginate(**job)
    return [s for page, _ in zip(pages, range(10)) for s in page["sessions"]]


# limits


@wrong("A safety limit of ten pages ends the listing silently.")
def limit_ten_pages(client, **job):
    out, kw = [], {}
    for _ in range(10):
        page = client.list_sessions(**job, **kw)
        out += page["sessions"]
        if "nextToken" not in page:
            break
        kw = {"nextToken": page["nextToken"]}
    return out


@wrong("A safety limit of a hundred pages ends the listing silently.")
def limit_hundred_pages(client, **job):
    MAX_PAGES = 100
    pages = client.get_paginator("list_sessions").paginate(**job)
    return [s for p in itertools.islice(pages, MAX_PAGES) for s in p["sessions"]]


@wrong("MaxItems=250 cuts the listing.")
def limit_250_sessions(client, **job):
    paginator = client.get_paginator("list_sessions")
    return paginator.paginate(**job, PaginationConfig={"MaxItems": 250}).build_full_result()[
        "sessions"
    ]


@wrong("Stops as soon as it has 500 sessions.")
def limit_500_sessions(client, **job):
    def walk():
        for page in client.get_paginator("list_sessions").paginate(**job):
            yield from page["sessions"]

    return list(itertools.islice(walk(), 500))


@wrong("A deque(maxlen=900) keeps only the newest 900 sessions.")
def deque_maxlen(client, **job):
    keep = collections.deque(maxlen=900)
    for page in client.get_paginator("list_sessions").paginate(**job):
        keep.extend(page["sessions"])
    return list(keep)


@wrong("Stops once it has a thousand sessions, even if there is a token (shows above 1000).")
def limit_1000_sessions(client, **job):
    out, token = [], None
    while len(out) < 1000:
        page = client.list_sessions(**job, **({"nextToken": token} if token else {}))
        out += page["sessions"]
        token = page.get("nextToken")
        if not token:
            break
    return out[:1000]


@wrong("Cuts at 10,000 sessions (shows above 10,000).")
def limit_10000_sessions(client, **job):
    it = client.get_paginator("list_sessions").paginate(
        **job, PaginationConfig={"MaxItems": 10_000}
    )
    return [s for page in it for s in page["sessions"]]


def traced(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        log.debug("-> %s", function.__name__)
        try:
            return function(*args, **kwargs)
        finally:
            log.debug("<- %s", function.__name__)

    return wrapper


@wrong(
    "Recursion with a decorator and a helper, several frames per page: RecursionError for hundreds of pages."
)
def recursion_many_frames(client, **job):
    @traced
    def first(**kw):
        return rest(client.list_sessions(**job, **kw))

    @traced
    def rest(page):
        more = page.get("nextToken")
        return page["sessions"] + (follow(more) if more else [])

    @traced
    def follow(token):
        return first(nextToken=token)

    return first()


@wrong("Swallows the RecursionError and returns what it has so far, for hundreds of pages.")
def recursion_swallowed(client, **job):
    out = []

    @traced
    def visit(token=None):
        @traced
        def fetch():
            return client.list_sessions(**job, **({"nextToken": token} if token else {}))

        page = fetch()
        out.extend(page["sessions"])
        if page.get("nextToken"):
            step(page["nextToken"])

    @traced
    def step(token):
        visit(token)

    try:
        visit()
    except RecursionError:
        log.warning("very many sessions; listing cut at %d", len(out))
    return out


@wrong(
    "Nested generators (`yield from` recursion): fails with RecursionError for hundreds of pages."
)
def recursive_generators(client, **job):
    def outer(token):
        def inner():
            page = client.list_sessions(**job, **({"nextToken": token} if token else {}))
            yield from page["sessions"]
            if page.get("nextToken"):
                yield from outer(page["nextToken"])

        def labelled():
            yield from inner()

        def counted():
            yield from labelled()

        yield from counted()

    return list(outer(None))
