"""Each rule of the contract, and the likely causes that a report names."""

from __future__ import annotations

import datetime
import functools
import itertools
import socket
import subprocess
import sys
import time

import pytest
from botocore.exceptions import ClientError
from collectors import right, wrong
from collectors.judged import found, passes
from collectors.wrong import every

from pytest_deadline_sessions import Listing, check_pagination
from pytest_deadline_sessions.checking import RULES, Case, Lapse

ONE_PAGE = Listing(page_sizes=(1,))
TWO_PAGES = Listing(page_sizes=(1, 1))
THREE_PAGES = Listing(page_sizes=(1, 1, 1))


def test_every_rule_has_its_reason():
    """The contract has seven rules; each has a reason that is a sentence about the collector."""
    assert all(reason.startswith("It ") and reason.endswith(".") for reason in RULES.values())
    assert list(RULES) == [
        "complete",
        "terminates",
        "follows-tokens",
        "keeps-arguments",
        "valid-requests",
        "surfaces-faults",
        "stateless",
    ]


@pytest.mark.parametrize(
    ("collect", "listing", "text", "cause"),
    [
        (
            wrong.first_page,
            TWO_PAGES,
            "It returned 1 session for a listing of 2: 1 missing",
            "It returned only the first page.",
        ),
        (
            wrong.stops_at_an_empty_page,
            Listing(page_sizes=(1, 0, 1)),
            "for a listing of 2: 1 missing",
            "It stopped at an empty page that had a token.",
        ),
        (
            wrong.stops_at_a_page_that_is_not_full,
            Listing(page_sizes=(100, 7, 1)),
            "for a listing of 108: 1 missing",
            "It stopped at a page that was not full but had a token.",
        ),
        (
            wrong.a_thousand_at_most,
            Listing(runs=(("STARTED", 1001),)),
            "for a listing of 1001: 1 missing",
            "It stops once it has 1000 sessions.",
        ),
        (
            wrong.drops_the_last_page_unless_it_is_the_only_one,
            THREE_PAGES,
            "for a listing of 3: 1 missing",
            "It drops the last page, the one without a token.",
        ),
        (wrong.drops_the_first_page, THREE_PAGES, "1 missing", "It drops the first page."),
        (wrong.keeps_the_last_page, THREE_PAGES, "2 missing", "It keeps only the last page."),
        (
            wrong.one_by_worker_and_start,
            Listing(page_sizes=(2,), gap=datetime.timedelta(0)),
            "1 missing",
            "It treats sessions with the same workerId and startedAt as duplicates.",
        ),
        (
            wrong.first_page_twice,
            ONE_PAGE,
            "It returned 2 sessions for a listing of 1: 1 duplicated",
            "It requests a page again, and keeps its sessions twice.",
        ),
        (
            wrong.running_only,
            Listing(page_sizes=(2,), runs=(("ENDED", 2),)),
            "2 missing",
            "It leaves out sessions whose lifecycleStatus is ENDED.",
        ),
        (lambda *_, **__: [], ONE_PAGE, "for a listing of 1: 1 missing", "It made no calls."),
        (lambda *_, **__: ["me"], ONE_PAGE, "1 missing, 1 unexpected", "It made no calls."),
        (
            wrong.last_page_first,
            TWO_PAGES,
            "but not in the service's order",
            "It puts later pages before earlier ones.",
        ),
        (
            wrong.sorted_by_start,
            Listing(page_sizes=(3,), order="mixed"),
            "but not in the service's order",
            "It sorts by startedAt.",
        ),
        (
            lambda client, **job: sorted(
                every(client, **job), key=lambda session: session["workerId"]
            ),
            Listing(page_sizes=(3,), workers=2),
            "but not in the service's order (pass ordered=False if order does not matter)",
            "It sorts by workerId.",
        ),
        (
            wrong.every_session_has_ended,
            ONE_PAGE,
            "It raised KeyError: 'endedAt', though no call ",
            "",
        ),
    ],
)
def test_complete(collect, listing, text, cause):
    """A result that is not the complete listing is reported, with a cause if that is clear."""
    finding = found(collect, listing)
    assert finding.rule == "complete"
    assert text in finding.what
    assert finding.cause.endswith(cause)
    assert bool(finding.cause) == bool(cause)


def starts_a_process(_client, **_job):
    """List sessions with a command."""
    command = [sys.executable, "-S", "-c", "raise SystemExit(3)"]
    return subprocess.run(command, check=True).stdout


def looks_up_a_host(_client, **_job):
    """List sessions on a host of its own."""
    socket.getaddrinfo("deadline.invalid", 443)


@pytest.mark.parametrize(
    ("collect", "cause"),
    [
        (starts_a_process, "It starts a process, which cannot reach the fake: ['"),
        (
            lambda *_, **__: subprocess.Popen(args=[sys.executable, "-S", "-c", ""]).wait(),
            "It starts a process, which cannot reach the fake: ['",
        ),
        (
            lambda *_, **__: subprocess.call([sys.executable, "-S", "-c", ""]) or [],
            "It starts a process, which cannot reach the fake: ['",
        ),
        (
            looks_up_a_host,
            "It connects to the host 'deadline.invalid', which is not the fake.",
        ),
    ],
)
def test_collectors_that_turn_elsewhere(collect, cause, monkeypatch):
    """A collector that uses a process or a host in place of the client is told which one."""

    def no_network(*_):
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    assert found(collect, ONE_PAGE).cause.startswith(cause)
    assert socket.getaddrinfo is no_network


def test_a_process_that_waits():
    """A collector that waits for a process is stopped, and told which one."""
    finding = found(
        lambda *_, **__: subprocess.call(
            [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
        ),
        ONE_PAGE,
        patience=0.2,
    )
    assert finding.rule == "terminates"
    assert finding.cause.startswith("It starts a process, which cannot reach the fake: ['")


def test_an_error_without_a_message():
    """An error without a message is reported by the name of its type."""

    def collect(*_, **__):
        raise KeyError

    assert found(collect, ONE_PAGE).what == "It raised KeyError, though no call had failed"


@pytest.mark.at_length
def test_the_expected_and_the_returned_sessions():
    """A report shows sessions by their index in the listing, and shortens long lists."""
    finding = found(lambda c, **job: [*every(c, **job), "x"], Listing(page_sizes=(13,)))
    assert finding.expected == "13 sessions: #0, #1, #2, #3, #4, #5, … 4 more …, #10, #11, #12"
    assert finding.returned == (
        "14 sessions: #0, #1, #2, #3, #4, #5, … 5 more …, #11, #12, x (not in the listing)"
    )
    finding = found(lambda *_, **__: [], ONE_PAGE)
    assert (finding.expected, finding.returned) == ("1 session: #0", "no sessions")
    long_finding = found(lambda *_, **__: {"x": "y" * 400}, ONE_PAGE)
    assert f"It returned {{'x': '{'y' * 292}…, in which no" in long_finding.lead


@pytest.mark.at_length
def test_sessions_that_start_during_paging_are_optional():
    """A session that started during paging is optional; sessions that were there before are not."""
    case = Case(TWO_PAGES, drift=((1, "start"), (1, "start")))
    passes(every, case)

    def without_the_two(client, **job):
        sessions = every(client, **job)
        return sessions[:2] if len(sessions) == 4 else sessions

    passes(without_the_two, case)
    assert found(lambda client, **job: every(client, **job)[1:], case).what == (
        "It returned 3 sessions for a listing of 2 (and 2 started during paging): 1 missing"
    )


@pytest.mark.at_length
@pytest.mark.parametrize("change", ["start", "end", "request-end"])
@pytest.mark.parametrize("status", ["STARTED", "ENDED"])
def test_sessions_that_change_during_paging(change, status):
    """A correct collector passes when a session starts, is asked to end, or ends between pages."""
    passes(every, Case(Listing(page_sizes=(1, 1), runs=((status, 2),)), drift=((1, change),)))


@pytest.mark.at_length
@pytest.mark.parametrize(
    ("collect", "case", "calls", "cause"),
    [
        (
            wrong.waits_for_an_empty_token,
            Case(ONE_PAGE),
            "3 calls (expected at most 2)",
            "After the last page, it starts over from the first one.",
        ),
        (
            wrong.keeps_the_first_token,
            Case(THREE_PAGES),
            "5 calls (expected at most 4)",
            "It keeps passing the same token, not the one of the latest page.",
        ),
        (
            wrong.asks_for_every_page_twice,
            Case(TWO_PAGES),
            "4 calls (expected at most 3)",
            "It requests pages more than once.",
        ),
        (
            wrong.restarts_for_ever,
            Case(TWO_PAGES, always_expired=True),
            "it kept going after 1000 failed requests",
            "It starts over each time its token has expired, without a limit.",
        ),
    ],
)
def test_terminates(collect, case, calls, cause):
    """Surplus calls are counted, and how they repeat earlier ones is named as the cause."""
    finding = found(collect, case)
    assert finding.rule == "terminates"
    assert calls in finding.what
    assert finding.cause == cause


@pytest.mark.at_length
def test_one_extra_call_is_allowed():
    """One call more than there are pages is allowed; a second one violates *terminates*."""

    def looking(client, count, **job):
        for _ in range(count):
            client.list_sessions(**job)
        return every(client, **job)

    passes(functools.partial(looking, count=1))
    finding = found(functools.partial(looking, count=2), Listing(page_sizes=(0,)))
    assert finding.rule == "terminates"


@pytest.mark.at_length
@pytest.mark.parametrize("size", [1, 2, 3, 10])
def test_a_page_may_be_taken_in_parts(size):
    """A collector may request a page again to take it in parts, as ``PaginationConfig`` does."""

    def collect(client, **job):
        paginator = client.get_paginator("list_sessions")
        sessions, token = [], None
        while True:
            config = {"MaxItems": size, "StartingToken": token}
            pages = paginator.paginate(**job, PaginationConfig=config)
            sessions += pages.build_full_result().get("sessions", [])
            token = pages.resume_token
            if token is None:
                return sessions

    examples = [Listing(page_sizes=sizes) for sizes in [(7, 3), (0, 7, 0, 3), (100,), (3, 100, 1)]]
    passes(collect, *examples)


def test_one_restart_per_fault_is_allowed():
    """A collector may start over once for each fault."""

    def collect(client, **job):
        for _ in range(5):
            try:
                return every(client, **job)
            except ClientError:  # noqa: PERF203 (a restart)
                time.sleep(1)
        return every(client, **job)

    case = Case(
        THREE_PAGES, lapses=tuple(Lapse("AccessDeniedException", 2, times=1) for _ in range(5))
    )
    passes(collect, case)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda token: token.rstrip("="), "It strips the '=' padding from the token. Pass"),
        (lambda token: token.replace("/", "%2F"), ""),
        (wrong.urllib.parse.quote, "It percent-encodes the token, except '/'."),
        (lambda token: wrong.urllib.parse.quote(token, safe=""), "It percent-encodes the token."),
        (wrong.urllib.parse.quote_plus, "It form-encodes the token"),
        (wrong.urllib.parse.unquote, "It percent-decodes the token"),
        (wrong.urllib.parse.unquote_plus, "It form-decodes the token"),
        (str.lower, "It lowercases the token"),
        (lambda token: token[:20], "It cuts the token off at 20 characters."),
        (lambda _token: "page 2", ""),
    ],
)
def test_follows_tokens(change, cause):
    """An altered token is reported, with the way the collector altered it if that is clear."""

    def collect(client, **job):
        response = client.list_sessions(**job)
        if "nextToken" in response:
            client.list_sessions(**job, nextToken=change(response["nextToken"]))

    finding = found(collect, TWO_PAGES)
    assert finding.rule == "follows-tokens"
    assert "which no page of this listing returned" in finding.what
    assert finding.cause.startswith(cause)
    assert bool(finding.cause) == bool(cause)
    assert isinstance(finding.error, ClientError)


def _back_to_the_first_token(client, **job):
    first = client.list_sessions(**job)
    sessions = first["sessions"]
    if "nextToken" in first:
        second = client.list_sessions(**job, nextToken=first["nextToken"])
        sessions += second["sessions"]
        if "nextToken" in second:
            third = client.list_sessions(**job, nextToken=second["nextToken"])
            client.list_sessions(**job, nextToken=first["nextToken"])
            sessions += third["sessions"]
    return sessions


def test_a_token_must_not_be_passed_twice():
    """Passing a token again, after the token of a later page, violates *follows-tokens*."""
    finding = found(_back_to_the_first_token, THREE_PAGES)
    assert finding.rule == "follows-tokens"
    assert "which was already passed" in finding.what


@pytest.mark.at_length
@pytest.mark.usefixtures("some_cases")
def test_a_collector_may_go_back_after_a_fault():
    """After a fault, a collector may go back to an earlier page and request it again."""

    def collect(client, **job):
        tokens, pages, patience = [{}], [], 3
        while True:
            try:
                response = client.list_sessions(**job, **tokens[-1])
            except ClientError:
                patience -= 1
                if not patience or len(pages) < 2:
                    raise
                del tokens[-1], pages[-1]
                continue
            pages.append(response["sessions"])
            if "nextToken" not in response:
                return list(itertools.chain(*pages))
            tokens.append({"nextToken": response["nextToken"]})

    case = Case(THREE_PAGES, lapses=(Lapse("AccessDeniedException", 2, times=1),))
    check_pagination(collect, examples=[case], max_examples=1)


def test_the_same_token_may_be_passed_again_after_a_fault():
    """A collector may pass the same token again after a fault, to retry the call."""
    passes(right.own_backoff, Case(THREE_PAGES, lapses=(Lapse("ThrottlingException", 1, times=6),)))


@pytest.mark.parametrize(
    ("collect", "text"),
    [
        (
            wrong.max_results_once,
            "It changed arguments between pages: maxResults: missing (expected 50, as in the call",
        ),
        (
            wrong.small_pages_first,
            "It changed arguments between pages: maxResults: 100 (expected 10, as in the call that",
        ),
        (wrong.the_token_says_it_all, "It sent an invalid request: farmId: missing"),
        (wrong.farm_for_queue, "It sent an invalid request: farmId: 'queue-"),
        (
            lambda client, **job: every(client, **{**job, "jobId": f"job-{'f' * 32}"}),
            f"It sent jobId='job-{'f' * 32}' (expected 'job-0",
        ),
    ],
)
def test_keeps_arguments(collect, text):
    """Changing an id, or changing maxResults between pages, violates *keeps-arguments*."""
    finding = found(collect, TWO_PAGES)
    assert finding.rule == "keeps-arguments"
    assert text in finding.what


def test_another_max_results_after_a_restart():
    """A collector that starts over after a fault may use another maxResults."""

    def collect(client, **job):
        try:
            return every(client, **job, maxResults=100)
        except ClientError:
            return every(client, **job, maxResults=10)

    passes(collect, Case(TWO_PAGES, lapses=(Lapse("AccessDeniedException", 1, times=1),)))


@pytest.mark.parametrize(
    ("arguments", "text", "cause"),
    [
        ({"maxResults": 101}, "maxResults: 101 (expected 1..100)", ""),
        ({"maxResults": 0}, "maxResults: 0 (expected 1..100)", ""),
        ({"maxResults": "9"}, "maxResults: '9' (expected an integer", ""),
        ({"nextToken": ""}, "nextToken: '' (expected a token", "Leave nextToken out of the first"),
        ({"nextToken": None}, "nextToken: None (expected", "Leave nextToken out of the first"),
        ({"status": "ENDED"}, "status", ""),
    ],
)
def test_valid_requests(arguments, text, cause):
    """An invalid argument is reported as sent, whether botocore or the service refuses it."""

    def collect(client, **job):
        return client.list_sessions(**job, **arguments)["sessions"]

    finding = found(collect, ONE_PAGE)
    assert finding.rule == "valid-requests"
    assert text in finding.what
    assert cause in finding.cause
    assert bool(finding.cause) == bool(cause)
    assert finding.error is not None


@pytest.mark.at_length
@pytest.mark.parametrize(
    ("collect", "lapse", "text", "cause"),
    [
        (
            wrong.what_there_is_so_far,
            Lapse("AccessDeniedException", after=1),
            "yet it returned normally. It returned 1 session for a listing of 2: 1 missing",
            "It treats any error response (ClientError) as the end of the listing.",
        ),
        (
            wrong.none_after_an_error,
            Lapse("ReadTimeoutError"),
            "A call failed permanently, yet it returned normally. It returned None, in which no",
            "It returns None after any failed call.",
        ),
        (
            wrong.starts_over_without_clearing,
            Lapse("ThrottlingException", after=1, times=5),
            "yet it returned normally. It returned 3 sessions for a listing of 2: 1 duplicated",
            "It starts over after a failed call, but keeps the sessions that it already has.",
        ),
    ],
)
def test_surfaces_faults(collect, lapse, text, cause):
    """A partial result returned after a permanent fault violates *surfaces-faults*."""
    finding = found(collect, Case(TWO_PAGES, lapses=(lapse,)))
    assert finding.rule == "surfaces-faults"
    assert text in finding.what
    assert finding.cause == cause


@pytest.mark.at_length
def test_a_fault_that_botocore_overcomes_is_no_excuse():
    """A fault that botocore's retries overcome does not excuse a partial listing."""
    healing = Case(TWO_PAGES, lapses=(Lapse("ThrottlingException", times=4),))
    assert found(wrong.first_page, healing).rule == "complete"
    lasting = Case(TWO_PAGES, lapses=(Lapse("ThrottlingException", times=5),))
    passes(every, lasting, healing)


def test_other_operations_are_not_judged():
    """A collector may call other operations, such as GetSession, as often as it likes."""

    def collect(client, **job):
        for session in every(client, **job):
            for _ in range(5):
                client.get_session(**job, sessionId=session["sessionId"])
            yield session["sessionId"]

    passes(collect, THREE_PAGES)


def test_a_request_that_the_service_cannot_parse():
    """A request that bypasses botocore's validation and that the service refuses is a violation."""

    def collect(client, **job):
        def spoil(request, **_):
            request.url += "?maxResults=many"

        client.meta.events.register("before-sign.deadline.ListSessions", spoil)
        return client.list_sessions(**job)["sessions"]

    finding = found(collect, Case(ONE_PAGE))
    assert finding.rule == "valid-requests"
    assert (
        "the service refused it: maxResults cannot be parsed (expected an integer)" in finding.what
    )
