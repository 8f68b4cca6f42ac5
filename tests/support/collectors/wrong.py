"""Wrong collectors, each with the rules it may be reported under."""

# Written the way people write them, so the linter's complaints are often right.
# ruff: noqa: B006, BLE001, D103, DTZ005, E722, N803, PERF203

from __future__ import annotations

import datetime
import functools
import itertools
import logging
import threading
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import BotoCoreError, ClientError

logger = logging.getLogger(__name__)

WRONG = {}
"""By name: the collector, the rules it may be reported under, and options for the check."""


def wrong(*rules, **options):
    """Register a collector with the rules it may be reported under."""

    def enter(collect):
        WRONG[collect.__name__] = (collect, set(rules), options)
        return collect

    return enter


def pages_of(client, **job):
    """Yield all pages correctly, for collectors whose mistake lies elsewhere."""
    response = client.list_sessions(**job)
    yield response["sessions"]
    while "nextToken" in response:
        response = client.list_sessions(**job, nextToken=response["nextToken"])
        yield response["sessions"]


def every(client, **job):
    """List all sessions correctly."""
    return [session for page in pages_of(client, **job) for session in page]


# complete: where a page and a listing end


@wrong("complete")
def first_page(client, **job):
    return client.list_sessions(**job)["sessions"]


@wrong("complete")
def stops_at_an_empty_page(client, **job):
    sessions, token = [], {}
    while True:
        response = client.list_sessions(**job, **token)
        if not response["sessions"]:
            return sessions
        sessions += response["sessions"]
        if "nextToken" not in response:
            return sessions
        token = {"nextToken": response["nextToken"]}


@wrong("complete")
def stops_at_a_second_empty_page(client, **job):
    sessions, empty = [], 0
    for page in pages_of(client, **job):
        empty = 0 if page else empty + 1
        if empty == 2:
            break
        sessions += page
    return sessions


@wrong("complete")
def stops_at_a_page_that_is_not_full(client, **job):
    response = client.list_sessions(**job, maxResults=100)
    sessions = response["sessions"]
    while len(response["sessions"]) == 100 and "nextToken" in response:
        token = response["nextToken"]
        response = client.list_sessions(**job, maxResults=100, nextToken=token)
        sessions = sessions + response["sessions"]
    return sessions


@wrong("complete")
def drops_the_last_page(client, **job):
    sessions = []
    response = client.list_sessions(**job)
    while "nextToken" in response:
        sessions += response["sessions"]
        response = client.list_sessions(**job, nextToken=response["nextToken"])
    return sessions


@wrong("complete")
def drops_the_last_page_unless_it_is_the_only_one(client, **job):
    pages = list(pages_of(client, **job))
    return pages[0] if len(pages) == 1 else list(itertools.chain(*pages[:-1]))


@wrong("complete")
def drops_the_first_page(client, **job):
    sessions = []
    response = client.list_sessions(**job)
    while response.get("nextToken"):
        response = client.list_sessions(**job, nextToken=response["nextToken"])
        sessions.extend(response["sessions"])
    return sessions or response["sessions"]


@wrong("complete")
def keeps_the_last_page(client, **job):
    for page in client.get_paginator("list_sessions").paginate(**job):
        sessions = page["sessions"]
    return sessions


@wrong("complete")
def first_page_twice(client, **job):
    sessions = client.list_sessions(**job)["sessions"]
    for page in pages_of(client, **job):
        sessions.extend(page)
    return sessions


@wrong("complete")
def two_pages(client, **job):
    response = client.list_sessions(**job)
    sessions = response["sessions"]
    if "nextToken" in response:
        sessions += client.list_sessions(**job, nextToken=response["nextToken"])["sessions"]
    return sessions


@wrong("complete")
def ten_pages_at_most(client, **job):
    return [session for page in itertools.islice(pages_of(client, **job), 10) for session in page]


@wrong("complete")
def a_thousand_at_most(client, **job):
    sessions = []
    for page in pages_of(client, **job):
        sessions += page
        if len(sessions) >= 1000:
            break
    return sessions


@wrong("complete")
def max_items(client, **job):
    config = {"MaxItems": 100, "PageSize": 100}
    pages = client.get_paginator("list_sessions").paginate(**job, PaginationConfig=config)
    return pages.build_full_result().get("sessions", [])


@wrong("complete")
def one_by_worker(client, **job):
    return list({session["workerId"]: session for session in every(client, **job)}.values())


@wrong("complete")
def one_by_worker_and_start(client, **job):
    seen, sessions = set(), []
    for session in every(client, **job):
        key = (session["workerId"], session["startedAt"])
        if key not in seen:
            seen.add(key)
            sessions.append(session)
    return sessions


@wrong("complete")
def running_only(client, **job):
    return [session for session in every(client, **job) if "endedAt" not in session]


@wrong("complete")
def without_those_asked_to_end(client, **job):
    return [
        session
        for session in every(client, **job)
        if session["lifecycleStatus"] in {"STARTED", "ENDED"}
    ]


@wrong("complete")
def sorted_by_start(client, **job):
    return sorted(every(client, **job), key=lambda session: session["startedAt"])


@wrong("complete")
def last_page_first(client, **job):
    sessions = []
    for page in pages_of(client, **job):
        sessions = page + sessions
    return sessions


@wrong("complete")
def ids_in_any_order(client, **job):
    return list({session["sessionId"] for session in every(client, **job)})


@wrong("complete")
def lists_in_a_list(client, **job):
    return list(pages_of(client, **job))


@wrong("complete")
def members_of_the_response(client, **job):
    sessions = []
    for page in client.get_paginator("list_sessions").paginate(**job):
        sessions.extend(page)
    return sessions


@wrong("complete")
def every_session_has_ended(client, **job):
    return sorted(every(client, **job), key=lambda session: session["endedAt"])


@wrong("complete")
def naive_times(client, **job):
    now = datetime.datetime.now()
    return [session for session in every(client, **job) if session["startedAt"] < now]


@wrong("complete")
def a_job_has_sessions(client, **job):
    sessions = every(client, **job)
    logger.info("first started at %s", sessions[0]["startedAt"])
    return sessions


@wrong("complete")
def nothing_is_returned(client, **job):
    sessions = []
    for page in pages_of(client, **job):
        sessions.extend(page)


@wrong("complete")
def too_deep(client, **job):
    def rest(pages):
        page = next(pages, None)
        return [] if page is None else merged(page, pages)

    def merged(page, pages):
        return [*page, *others(pages)]

    # Each page takes ten frames, so the recursion limit is reached after a hundred pages.
    def others(pages, frames=7):
        return others(pages, frames - 1) if frames else list(rest(pages))

    return rest(pages_of(client, **job))


@wrong(
    "complete",
    expected=lambda sessions: [session for session in sessions if "endedAt" not in session],
)
def running_of_the_first_page(client, **job):
    return [
        session for session in client.list_sessions(**job)["sessions"] if "endedAt" not in session
    ]


@wrong(
    "complete",
    expected=lambda sessions: max((session["startedAt"] for session in sessions), default=0),
)
def the_last_is_the_latest(client, **job):
    sessions = every(client, **job)
    return sessions[-1]["startedAt"] if sessions else 0


# terminates


@wrong("terminates")
def starts_over(client, **job):
    sessions, token = [], None
    while True:
        extra = {"nextToken": token} if token else {}
        response = client.list_sessions(**job, **extra)
        if not response["sessions"] and not response.get("nextToken"):
            return sessions
        sessions += response["sessions"]
        token = response.get("nextToken")


@wrong("terminates")
def waits_for_an_empty_token(client, **job):
    sessions, token = [], None
    while token != "":
        extra = {"nextToken": token} if token else {}
        response = client.list_sessions(**job, **extra)
        sessions += response["sessions"]
        token = response.get("nextToken")
    return sessions


@wrong("terminates")
def asks_for_every_page_twice(client, **job):
    sessions, arguments = [], dict(job)
    while True:
        count = len(client.list_sessions(**arguments)["sessions"])
        response = client.list_sessions(**arguments)
        assert len(response["sessions"]) == count
        sessions += response["sessions"]
        if "nextToken" not in response:
            return sessions
        arguments["nextToken"] = response["nextToken"]


@wrong("terminates")
def makes_sure(client, **job):
    before, now = None, every(client, **job)
    while before != now:
        before, now = now, every(client, **job)
    return now


@wrong("terminates")
def waits_for_the_end(client, **job):
    while True:
        sessions = every(client, **job)
        if all(session["lifecycleStatus"] == "ENDED" for session in sessions):
            return sessions
        time.sleep(30)


@wrong("terminates")
def never_gives_up(client, **job):
    sessions, arguments = [], dict(job)
    while True:
        try:
            response = client.list_sessions(**arguments)
        except ClientError:
            time.sleep(1)
            continue
        sessions += response["sessions"]
        if "nextToken" not in response:
            return sessions
        arguments["nextToken"] = response["nextToken"]


@wrong("terminates")
def never_gives_up_when_throttled(client, **job):
    while True:
        try:
            return every(client, **job)
        except ClientError as error:
            if "Throttling" not in str(error):
                raise


@wrong("terminates")
def restarts_for_ever(client, **job):
    while True:
        try:
            return every(client, **job)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationException":
                raise


@wrong("terminates")
def catches_everything(client, **job):
    while True:
        try:
            return every(client, **job)
        except:
            time.sleep(5)


@wrong("terminates")
def endless_generator(client, **job):
    while True:
        for page in pages_of(client, **job):
            yield from page


@wrong("terminates", "follows-tokens")
def keeps_the_first_token(client, **job):
    sessions, token = [], None
    while True:
        extra = {"nextToken": token} if token else {}
        response = client.list_sessions(**job, **extra)
        sessions += response["sessions"]
        if "nextToken" not in response:
            return sessions
        token = token or response["nextToken"]


# follows-tokens


def changing_tokens(change):
    """Make a collector that changes each token."""

    def collect(client, **job):
        response = client.list_sessions(**job)
        sessions = response["sessions"]
        while "nextToken" in response:
            token = change(response["nextToken"])
            response = client.list_sessions(**job, nextToken=token)
            sessions += response["sessions"]
        return sessions

    return collect


for _name, _change in {
    "strips_the_padding": lambda token: token.rstrip("="),
    "escapes_the_token": urllib.parse.quote,
    "unescapes_the_token": urllib.parse.unquote,
    "form_decodes_the_token": lambda token: urllib.parse.parse_qs(f"t={token}")["t"][0],
    "lowers_the_token": str.lower,
    "takes_the_first_word": lambda token: token.split()[0],
    "keeps_the_token_in_a_short_column": lambda token: token[:1024],
}.items():
    WRONG[_name] = (changing_tokens(_change), {"follows-tokens"}, {})


@wrong("follows-tokens")
def takes_the_last_id_for_the_token(client, **job):
    response = client.list_sessions(**job)
    sessions = response["sessions"]
    while "nextToken" in response and sessions:
        response = client.list_sessions(**job, nextToken=sessions[-1]["sessionId"])
        sessions = sessions + response["sessions"]
    return sessions


@wrong("follows-tokens")
def counts_pages(client, **job):
    response = client.list_sessions(**job)
    sessions, page = response["sessions"], 1
    while "nextToken" in response:
        page += 1
        response = client.list_sessions(**job, nextToken=str(page))
        sessions += response["sessions"]
    return sessions


@wrong("follows-tokens", "complete")
def one_token_behind(client, **job):
    tokens, sessions = [{}], []
    response = client.list_sessions(**job)
    while True:
        sessions += response["sessions"]
        if "nextToken" not in response:
            return sessions
        tokens.append({"nextToken": response["nextToken"]})
        response = client.list_sessions(**job, **tokens[max(len(tokens) - 2, 1)])


# keeps-arguments


@wrong("keeps-arguments")
def max_results_once(client, **job):
    response = client.list_sessions(**job, maxResults=50)
    sessions = response["sessions"]
    while "nextToken" in response:
        response = client.list_sessions(**job, nextToken=response["nextToken"])
        sessions += response["sessions"]
    return sessions


@wrong("keeps-arguments")
def max_results_from_the_second_page_on(client, **job):
    response = client.list_sessions(**job)
    yield from response["sessions"]
    while "nextToken" in response:
        token = response["nextToken"]
        response = client.list_sessions(**job, nextToken=token, maxResults=100)
        yield from response["sessions"]


@wrong("keeps-arguments")
def small_pages_first(client, **job):
    sizes = itertools.chain([10], itertools.repeat(100))
    response = client.list_sessions(**job, maxResults=next(sizes))
    sessions = response["sessions"]
    while token := response.get("nextToken"):
        response = client.list_sessions(**job, maxResults=next(sizes), nextToken=token)
        sessions += response["sessions"]
    return sessions


@wrong("keeps-arguments", expected=lambda sessions: sessions[:150])
def only_as_many_as_are_left(client, **job):
    sessions, token = [], {}
    while len(sessions) < 150:
        left = min(100, 150 - len(sessions))
        response = client.list_sessions(**job, **token, maxResults=left)
        sessions += response["sessions"]
        if "nextToken" not in response:
            break
        token = {"nextToken": response["nextToken"]}
    return sessions


@wrong("keeps-arguments")
def the_token_says_it_all(client, **job):
    response = client.list_sessions(**job)
    sessions = response["sessions"]
    while "nextToken" in response:
        response = client.list_sessions(nextToken=response["nextToken"])
        sessions += response["sessions"]
    return sessions


@wrong("keeps-arguments")
def farm_for_queue(client, farmId, queueId, jobId):
    return every(client, farmId=queueId, queueId=farmId, jobId=jobId)


@wrong("keeps-arguments")
def capital_ids(client, farmId, queueId, jobId):
    return every(client, farmId=farmId.upper(), queueId=queueId.upper(), jobId=jobId.upper())


# valid-requests


@wrong("valid-requests")
def a_thousand_at_once(client, **job):
    return client.list_sessions(**job, maxResults=1000)["sessions"]


@wrong("valid-requests")
def one_more_than_a_hundred(client, **job):
    return every(client, **job, maxResults=101)


@wrong("valid-requests")
def no_limit_is_zero(client, **job):
    return every(client, **job, maxResults=0)


@wrong("valid-requests")
def limit_from_the_command_line(client, **job):
    return every(client, **job, maxResults="100")


@wrong("valid-requests")
def token_is_none_at_first(client, **job):
    sessions, token = [], None
    while True:
        response = client.list_sessions(**job, nextToken=token)
        sessions += response["sessions"]
        token = response.get("nextToken")
        if token is None:
            return sessions


@wrong("valid-requests")
def token_is_empty_at_first(client, **job):
    sessions, token, more = [], "", True
    while more:
        response = client.list_sessions(**job, nextToken=token)
        sessions += response["sessions"]
        token = response.get("nextToken", "")
        more = bool(token)
    return sessions


@wrong("valid-requests")
def filters_that_do_not_exist(client, **job):
    return every(client, **job, lifecycleStatus="STARTED")


@wrong("valid-requests", empty_final_token=True)
def an_empty_token_leads_on(client, **job):
    return every(client, **job)


# surfaces-faults


@wrong("surfaces-faults")
def what_there_is_so_far(client, **job):
    sessions = []
    try:
        for page in pages_of(client, **job):
            sessions += page
    except ClientError:
        pass
    return sessions


@wrong("surfaces-faults")
def nothing_after_an_error(client, **job):
    try:
        return every(client, **job)
    except Exception:
        return []


@wrong("surfaces-faults")
def none_after_an_error(client, **job):
    try:
        return every(client, **job)
    except Exception as error:
        logger.warning("could not list sessions: %s", error)
        return None


@wrong("surfaces-faults")
def an_expired_token_is_the_end(client, **job):
    sessions = []
    try:
        for page in pages_of(client, **job):
            sessions.extend(page)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
    return sessions


@wrong("surfaces-faults")
def no_access_no_sessions(client, **job):
    try:
        yield from every(client, **job)
    except ClientError as error:
        if "AccessDenied" not in str(error):
            raise


@wrong("surfaces-faults")
def a_job_that_is_gone_has_no_sessions(client, **job):
    try:
        return every(client, **job)
    except client.exceptions.ResourceNotFoundException:
        return []


@wrong("surfaces-faults")
def a_broken_connection_is_the_end(client, **job):
    sessions = []
    try:
        for page in pages_of(client, **job):
            sessions += page
    except BotoCoreError:
        return sessions
    return sessions


@wrong("surfaces-faults")
def starts_over_without_clearing(client, **job):
    sessions = []
    for attempt in range(3):
        try:
            for page in pages_of(client, **job):
                sessions += page
            break
        except ClientError:
            if attempt == 2:
                raise
    return sessions


@wrong("surfaces-faults")
def gives_up_in_silence(client, **job):
    sessions, arguments = [], dict(job)
    for _page in range(1000):
        for attempt in range(3):
            try:
                response = client.list_sessions(**arguments)
                break
            except ClientError:
                time.sleep(2**attempt)
        else:
            break
        sessions += response["sessions"]
        if "nextToken" not in response:
            break
        arguments["nextToken"] = response["nextToken"]
    return sessions


@wrong("surfaces-faults")
def nobody_asks_the_future(client, **job):
    sessions = []

    def fetch():
        for page in pages_of(client, **job):
            sessions.extend(page)

    with ThreadPoolExecutor() as pool:
        pool.submit(fetch)
    return sessions


@wrong("surfaces-faults")
def an_error_in_a_thread(client, **job):
    sessions = []

    def fetch():
        try:
            sessions.extend(every(client, **job))
        except (ClientError, BotoCoreError) as error:
            sessions.clear()
            _last_error[:] = [error]

    thread = threading.Thread(target=fetch)
    thread.start()
    thread.join()
    return sessions


_last_error = []


# stateless


@wrong("stateless")
def mutable_default(client, sessions=[], **job):
    for page in pages_of(client, **job):
        sessions += page
    return sessions


@wrong("stateless")
def cached_for_ever(client, **job):
    return _cached(client, **job)


_cached = functools.cache(every)


@wrong("stateless")
def never_twice(client, **job):
    fresh = [
        session
        for session in every(client, **job)
        if (job["jobId"], session["sessionId"]) not in _seen
    ]
    _seen.update((job["jobId"], session["sessionId"]) for session in fresh)
    return fresh


_seen = set()


@wrong("stateless")
def pages_kept_by_token(client, **job):
    sessions, token = [], None
    while True:
        if token is None or token not in _pages:
            extra = {"nextToken": token} if token else {}
            response = client.list_sessions(**job, **extra)
            if token is not None:
                _pages[token] = response
        else:
            response = _pages[token]
        sessions += response["sessions"]
        token = response.get("nextToken")
        if token is None:
            return sessions


_pages = {}


class _Reader:
    token = None
    iterator = None
    last = None

    def resumes(self, client, **job):
        sessions = []
        while True:
            extra = {"nextToken": self.token} if self.token else {}
            response = client.list_sessions(**job, **extra)
            sessions += response["sessions"]
            self.token = response.get("nextToken")
            if self.token is None:
                return sessions

    def pages_of_the_first_job(self, client, **job):
        if self.iterator is None or self.last != job["jobId"]:
            self.last = job["jobId"]
            self.iterator = client.get_paginator("list_sessions").paginate(**job)
        return [session for page in self.iterator for session in page["sessions"]]

    def refreshes_when_more(self, client, **job):
        found = every(client, **job)
        kept = _kept.setdefault(job["jobId"], found)
        if len(found) > len(kept) > 0:
            _kept[job["jobId"]] = found
        return _kept[job["jobId"]]


_kept = {}
_reader = _Reader()
for _method in (_reader.resumes, _reader.pages_of_the_first_job, _reader.refreshes_when_more):
    WRONG[_method.__name__] = (_method, {"stateless"}, {})


def forget():
    """Make the collectors that keep state forget it, as in a new process."""
    _kept.clear()
    vars(_reader).clear()
