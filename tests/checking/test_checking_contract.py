"""The rules of the contract, one by one, and the causes that a report names."""

from __future__ import annotations

import datetime
import functools
import itertools
import time

import pytest
from botocore.exceptions import ClientError
from collectors import right, wrong
from collectors.judged import found, passes
from collectors.wrong import every

from pytest_deadline_sessions import Listing, check_pagination
from pytest_deadline_sessions.checking import RULES, Case, Lapse

ONE = Listing(page_sizes=(1,))
TWO = Listing(page_sizes=(1, 1))
THREE = Listing(page_sizes=(1, 1, 1))


def test_every_rule_has_its_reason():
    """A rule is a name and a sentence."""
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
    ("collect", "listing", "what", "cause"),
    [
        (
            wrong.first_page,
            TWO,
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
            "It stopped after 10 pages, though the last one had a token.",
        ),
        (
            wrong.drops_the_last_page_unless_it_is_the_only_one,
            THREE,
            "for a listing of 3: 1 missing",
            "It drops the last page, the one without a token.",
        ),
        (wrong.drops_the_first_page, THREE, "1 missing", "It drops the first page."),
        (wrong.keeps_the_last_page, THREE, "2 missing", "It keeps only the last page."),
        (
            wrong.one_by_worker_and_start,
            Listing(page_sizes=(2,), gap=datetime.timedelta(0)),
            "1 missing",
            "It treats sessions that differ only in sessionId as duplicates.",
        ),
        (
            wrong.first_page_twice,
            ONE,
            "It returned 2 sessions for a listing of 1: 1 duplicated",
            "",
        ),
        (wrong.running_only, Listing(page_sizes=(2,), runs=(("ENDED", 2),)), "2 missing", ""),
        (lambda *_, **__: [], ONE, "for a listing of 1: 1 missing", "It made no calls."),
        (lambda *_, **__: ["me"], ONE, "1 missing, 1 unexpected", "It made no calls."),
        (
            wrong.last_page_first,
            TWO,
            "but not in the service's order",
            "It reverses or sorts the listing.",
        ),
        (
            wrong.sorted_by_start,
            Listing(page_sizes=(3,), order="mixed"),
            "but not in the service's order",
            "It sorts by startedAt.",
        ),
        (
            lambda client, **job: sorted(every(client, **job), key=lambda one: one["workerId"]),
            Listing(page_sizes=(3,), workers=2),
            "but not in the service's order (pass ordered=False if order does not matter)",
            "",
        ),
        (wrong.every_session_has_ended, ONE, "It raised KeyError: 'endedAt', though no call ", ""),
        (wrong.nothing_is_returned, ONE, "It returned None (expected summaries, session ids", ""),
        (wrong.lists_in_a_list, ONE, "It returned [[{'", ""),
        (lambda *_, **__: "session-1", ONE, "It returned 'session-1' (expected summ", ""),
        (lambda *_, **__: {"items": []}, ONE, "It returned {'items': []} (expected summ", ""),
    ],
)
def test_complete(collect, listing, what, cause):
    """Whatever is not the listing, once, in order, is told as what it is, with a cause if clear."""
    finding = found(collect, listing)
    assert finding.rule == "complete"
    assert what in finding.what
    assert finding.cause.endswith(cause)
    assert bool(finding.cause) == bool(cause)


def test_an_error_without_words():
    """Its name is all there is to tell."""

    def collect(*_, **__):
        raise KeyError

    assert found(collect, ONE).what == "It raised KeyError, though no call had failed"


@pytest.mark.at_length
def test_the_expected_and_the_returned_sessions():
    """Sessions are shown by their place, and long lists are cut."""
    finding = found(lambda c, **job: [*every(c, **job), "x"], Listing(page_sizes=(13,)))
    assert finding.expected == "13 sessions: #0, #1, #2, #3, #4, #5, … 4 more …, #10, #11, #12"
    assert finding.came == (
        "14 sessions: #0, #1, #2, #3, #4, #5, … 5 more …, #11, #12, x (not in the listing)"
    )
    finding = found(lambda *_, **__: [], ONE)
    assert (finding.expected, finding.came) == ("1 session: #0", "no sessions")
    long = found(lambda *_, **__: {"x": "y" * 400}, ONE)
    assert f"It returned {{'x': '{'y' * 292}… (expected" in long.what


@pytest.mark.at_length
def test_sessions_that_start_meanwhile_may_be_there_or_not():
    """Nobody can know; the others have to be there."""
    case = Case(TWO, drift=((1, "start"), (1, "start")))
    passes(every, case)

    def without_the_two(client, **job):
        sessions = every(client, **job)
        return sessions[:2] if len(sessions) == 4 else sessions

    passes(without_the_two, case)
    assert found(lambda client, **job: every(client, **job)[1:], case).what == (
        "It returned 3 sessions for a listing of 2 (and 2 started meanwhile): 1 missing"
    )


@pytest.mark.at_length
@pytest.mark.parametrize("change", ["start", "end", "request-end"])
@pytest.mark.parametrize("status", ["STARTED", "ENDED"])
def test_sessions_that_change_meanwhile_are_still_the_same(change, status):
    """Whether there is one that can change or not."""
    passes(every, Case(Listing(page_sizes=(1, 1), runs=((status, 2),)), drift=((1, change),)))


@pytest.mark.at_length
@pytest.mark.parametrize(
    ("collect", "case", "calls", "cause"),
    [
        (wrong.waits_for_an_empty_token, Case(ONE), "3 calls (expected at most 2)", ""),
        (
            wrong.keeps_the_first_token,
            Case(THREE),
            "5 calls (expected at most 4)",
            "requesting the same page",
        ),
        (wrong.asks_for_every_page_twice, Case(TWO), "4 calls (expected at most 3)", ""),
        (
            wrong.restarts_for_ever,
            Case(TWO, always_expired=True),
            "it kept going after 1000 failed requests",
            "",
        ),
    ],
)
def test_terminates(collect, case, calls, cause):
    """The calls are counted, and it is told when one page is asked for over and over."""
    finding = found(collect, case)
    assert finding.rule == "terminates"
    assert calls in finding.what
    assert cause in finding.cause


@pytest.mark.at_length
def test_one_call_more_than_there_are_pages_is_allowed():
    """Someone may look before, or after; a second one is too much."""

    def looking(client, count, **job):
        for _ in range(count):
            client.list_sessions(**job)
        return every(client, **job)

    passes(functools.partial(looking, count=1))
    finding = found(functools.partial(looking, count=2), Listing(page_sizes=(0,)))
    assert finding.rule == "terminates"


@pytest.mark.at_length
@pytest.mark.parametrize("size", [1, 2, 3, 10])
def test_taking_a_page_in_parts_takes_as_many_calls(size):
    """``PaginationConfig`` asks for the page again to go on in the middle of it."""

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


def test_restarts_are_allowed_as_often_as_something_failed():
    """Each fault is worth another pass."""

    def collect(client, **job):
        for _ in range(5):
            try:
                return every(client, **job)
            except ClientError:  # noqa: PERF203 (a restart)
                time.sleep(1)
        return every(client, **job)

    case = Case(THREE, lapses=tuple(Lapse("AccessDeniedException", 2, times=1) for _ in range(5)))
    passes(collect, case)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda token: token.rstrip("="), "It strips the '=' padding from the token. Pass"),
        (lambda token: token.replace("/", "%2F"), ""),
        (wrong.urllib.parse.quote, "It percent-encodes the token"),
        (
            lambda token: wrong.urllib.parse.quote(token, safe=""),
            "It percent-encodes every reserved",
        ),
        (wrong.urllib.parse.quote_plus, "It form-encodes the token"),
        (wrong.urllib.parse.unquote, "It percent-decodes the token"),
        (wrong.urllib.parse.unquote_plus, "It form-decodes the token"),
        (str.lower, "It lowercases the token"),
        (lambda token: token[:20], "It truncates the token."),
        (lambda _token: "page 2", ""),
    ],
)
def test_follows_tokens(change, cause):
    """A token that was altered is reported, with how it was altered."""

    def collect(client, **job):
        response = client.list_sessions(**job)
        if "nextToken" in response:
            client.list_sessions(**job, nextToken=change(response["nextToken"]))

    finding = found(collect, TWO)
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


def test_a_token_is_not_to_be_passed_a_second_time():
    """Only that of the page before leads on."""
    finding = found(_back_to_the_first_token, THREE)
    assert finding.rule == "follows-tokens"
    assert "which was already passed" in finding.what


@pytest.mark.at_length
def test_after_a_fault_one_may_go_back():
    """To a page that one was sure of; what comes out in the end tells whether that was right."""

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

    case = Case(THREE, lapses=(Lapse("AccessDeniedException", 2, times=1),))
    check_pagination(collect, examples=[case], max_examples=1)


def test_the_same_token_may_be_passed_again_after_a_fault():
    """That is what a retry is."""
    passes(right.own_backoff, Case(THREE, lapses=(Lapse("ThrottlingException", 1, times=6),)))


@pytest.mark.parametrize(
    ("collect", "what"),
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
def test_keeps_arguments(collect, what):
    """Ids and maxResults are those of the first call, and of the page that gave the token."""
    finding = found(collect, TWO)
    assert finding.rule == "keeps-arguments"
    assert what in finding.what


def test_another_max_results_after_a_restart():
    """A new chain of pages may have it."""

    def collect(client, **job):
        try:
            return every(client, **job, maxResults=100)
        except ClientError:
            return every(client, **job, maxResults=10)

    passes(collect, Case(TWO, lapses=(Lapse("AccessDeniedException", 1, times=1),)))


@pytest.mark.parametrize(
    ("arguments", "what", "cause"),
    [
        ({"maxResults": 101}, "maxResults: 101 (expected 1..100)", ""),
        ({"maxResults": 0}, "maxResults: 0 (expected 1..100)", ""),
        ({"maxResults": "9"}, "maxResults: '9' (expected an integer", ""),
        ({"nextToken": ""}, "nextToken: '' (expected a token", "It treats an empty token as"),
        ({"nextToken": None}, "nextToken: None (expected", "Leave nextToken out of the first"),
        ({"status": "ENDED"}, "status", ""),
    ],
)
def test_valid_requests(arguments, what, cause):
    """What the service does not take is told as it was sent, whether botocore sends it or not."""

    def collect(client, **job):
        return client.list_sessions(**job, **arguments)["sessions"]

    finding = found(collect, ONE)
    assert finding.rule == "valid-requests"
    assert what in finding.what
    assert cause in finding.cause
    assert bool(finding.cause) == bool(cause)
    assert finding.error is not None


@pytest.mark.at_length
@pytest.mark.parametrize(
    ("collect", "lapse", "what", "cause"),
    [
        (
            wrong.what_there_is_so_far,
            Lapse("AccessDeniedException", after=1),
            "yet it returned normally. It returned 1 session for a listing of 2: 1 missing",
            "It treats AccessDeniedException as the end of the listing.",
        ),
        (
            wrong.none_after_an_error,
            Lapse("ReadTimeoutError"),
            "A call failed permanently, yet it returned normally. It returned None (expected",
            "",
        ),
        (
            wrong.starts_over_without_clearing,
            Lapse("ThrottlingException", after=1, times=5),
            "yet it returned normally. It returned 3 sessions for a listing of 2: 1 duplicated",
            "",
        ),
    ],
)
def test_surfaces_faults(collect, lapse, what, cause):
    """What comes out after a fault is the whole, or an error."""
    finding = found(collect, Case(TWO, lapses=(lapse,)))
    assert finding.rule == "surfaces-faults"
    assert what in finding.what
    assert finding.cause == cause


@pytest.mark.at_length
def test_what_botocore_overcomes_is_no_fault():
    """A collector that is wrong all the same is incomplete, and one that raises is too."""
    healing = Case(TWO, lapses=(Lapse("ThrottlingException", times=4),))
    assert found(wrong.first_page, healing).rule == "complete"
    lasting = Case(TWO, lapses=(Lapse("ThrottlingException", times=5),))
    passes(every, lasting, healing)

    def touchy(client, **job):
        sessions = every(client, **job)
        assert client.list_sessions(**job)["ResponseMetadata"]["RetryAttempts"] == 0
        return sessions if len(sessions) != 2 else [][1]  # noqa: PLE0643

    assert "though no call had failed" in found(touchy, healing).what


def test_other_operations_are_not_judged():
    """A collector may ask for each session by itself, as often as it likes."""

    def collect(client, **job):
        for session in every(client, **job):
            for _ in range(5):
                client.get_session(**job, sessionId=session["sessionId"])
            yield session["sessionId"]

    passes(collect, THREE)


def test_what_the_service_cannot_parse():
    """It went past botocore's own validation, and is the collector's doing."""

    def collect(client, **job):
        def spoil(request, **_):
            request.url += "?maxResults=many"

        client.meta.events.register("before-sign.deadline.ListSessions", spoil)
        return client.list_sessions(**job)["sessions"]

    finding = found(collect, Case(ONE))
    assert finding.rule == "valid-requests"
    assert (
        "the service refused it: maxResults cannot be parsed (expected an integer)" in finding.what
    )
