"""Results that are wrong because the collector kept state between calls violate *stateless*."""

from __future__ import annotations

import functools
import itertools
import random
import time

import pytest
from botocore.exceptions import ClientError
from collectors import right, wrong
from collectors.judged import found, passes
from collectors.wrong import every

from pytest_deadline_sessions import Behavior, Listing, PaginationViolation, check_pagination
from pytest_deadline_sessions.checking import Case, Lapse

ONE_PAGE = Listing(page_sizes=(1,))
TWO_PAGES = Listing(page_sizes=(1, 1))
THREE_PAGES = Listing(page_sizes=(1, 1, 1))


@pytest.mark.parametrize(
    ("collect", "sequence", "text"),
    [
        # This collector gets a fresh list: other tests may have filled its default argument.
        (
            functools.partial(wrong.mutable_default, sessions=[]),
            "twice",
            "Called a second time for the same job, it no longer",
        ),
        (wrong.cached_for_ever, "changed-result", "the caller had emptied the first result, it no"),
        (wrong.cached_for_ever, "sessions-added", "Called again after another session had starte"),
        (wrong.WRONG["resumes"][0], "after-failure", "Called again after a call that failed, it"),
    ],
)
def test_stateless(collect, sequence, text):
    """A result that is wrong only on a later call is reported with what came before that call."""
    lapses = (Lapse("AccessDeniedException", 1),) if sequence == "after-failure" else ()
    finding = found(collect, Case(TWO_PAGES, lapses=lapses, sequence=sequence))
    assert finding.rule == "stateless"
    assert text in finding.what
    assert " returns the right result. " in finding.what


def test_a_case_is_run_again_with_its_own_ids():
    """A case is rerun with the same ids, so a cache that breaks it breaks it again."""
    finding = found(wrong.cached_for_ever, Case(TWO_PAGES, sequence="sessions-added"))
    assert finding.what.startswith("Called again after another session had started, it no longer")


def test_wrong_after_a_failed_call_and_without_one_is_not_state():
    """A collector that is wrong without a failed call too violates *complete*, not *stateless*."""
    lapses = (Lapse("AccessDeniedException"),)
    case = Case(TWO_PAGES, lapses=lapses, sequence="after-failure")
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(wrong.first_page, examples=[case])
    assert (caught.value.rule, caught.value.case) == ("complete", Case(TWO_PAGES))


@pytest.mark.parametrize("sequence", ["twice", "changed-result"])
def test_wrong_for_what_the_listing_became_is_not_state(sequence):
    """If the job changed during a right first call, a wrong second call violates *complete*."""

    def collect(client, **job):
        sessions = every(client, **job)
        return sessions[:-1] if len(sessions) == 101 else sessions

    listing = Listing(runs=(("STARTED", 100),))
    case = Case(listing, drift=((1, "start"),), sequence=sequence)
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, examples=[case])
    assert (caught.value.rule, len(caught.value.listing)) == ("complete", 101)


def test_leftovers_of_a_failed_call_are_state():
    """Sessions left over from a failed call are state, though that call alone is wrong too."""
    collect = functools.partial(wrong.mutable_default, sessions=[])
    case = Case(TWO_PAGES, lapses=(Lapse("AccessDeniedException", 1),), sequence="twice")
    assert found(collect, case).rule == "stateless"


def test_two_jobs_in_turn():
    """A cache that mixes up two jobs violates *stateless*, whichever job gets the wrong result."""
    cache = {}

    def of_the_first_job(client, **job):
        return every(client, **cache.setdefault("job", job))

    def whatever_was_listed_first(client, **job):
        if "sessions" not in cache:
            cache["sessions"] = every(client, **job)
        return list(cache["sessions"])

    case = Case(ONE_PAGE, sequence="two-jobs")
    for collect in (of_the_first_job, whatever_was_listed_first):
        cache.clear()
        finding = found(collect, case)
        assert finding.rule == "stateless"
        problem = "Called for two jobs in turn, it no longer returns the right result. "
        assert finding.what.startswith(problem)
    tokens = Case(TWO_PAGES, Behavior(tokens_shared_by_jobs=True), sequence="two-jobs")
    assert found(wrong.pages_kept_by_token, tokens).rule == "stateless"


def test_wrong_for_the_second_job_alone_is_not_state():
    """A collector that fails on the second job's listing alone is reported as incomplete."""
    case = Case(ONE_PAGE, sequence="two-jobs")
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(wrong.running_only, examples=[case], max_examples=1)
    assert caught.value.rule == "complete"
    assert caught.value.case.sequence == "once"


def test_wrong_on_the_first_call_is_not_state():
    """A collector that is wrong on its first call is reported with a single call."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(wrong.first_page, examples=[Case(TWO_PAGES, sequence="twice")])
    assert caught.value.case == Case(TWO_PAGES)


def test_a_caller_may_change_its_result():
    """A cache is found when the caller empties the result; a collector without a cache passes."""

    def cached_summaries(client, **job):
        if job["jobId"] not in cache:
            cache[job["jobId"]] = every(client, **job)
        return {"sessions": list(cache[job["jobId"]])}

    cache = {}
    case = Case(TWO_PAGES, sequence="changed-result")
    assert found(cached_summaries, case).rule == "stateless"
    passes(right.as_a_dict, case)
    passes(right.as_ids, case)
    passes(lambda *args, **job: list(right.as_ids(*args, **job)), case)


def test_a_cache_without_a_key():
    """A cache that ignores its arguments violates *stateless*, even if it lists each time."""

    def collect(client, **job):
        return cache.setdefault("sessions", every(client, **job))

    cache = {}
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect)
    assert caught.value.rule == "stateless"


def test_a_collector_that_is_sometimes_wrong():
    """A collector whose result differs between identical runs violates *stateless*."""

    def at_times(client, **job):
        return every(client, **job)[: next(counter) % 3 or None]

    counter = itertools.count()
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(at_times)
    assert caught.value.rule == "stateless"
    assert "Its result differs between identical runs" in str(caught.value)


def test_a_circuit_breaker_that_stays_open():
    """A circuit breaker that stays open, and so raises without a call, violates *stateless*."""

    def breaking(client, **job):
        if len(failures) > 2:
            raise RuntimeError(*failures[:1])
        try:
            return every(client, **job)
        except ClientError as error:
            failures.append(str(error))
            raise

    failures = []
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(breaking)
    assert caught.value.rule == "stateless"


@pytest.mark.parametrize("returned", [[], None, ["session-" + "0" * 32]])
def test_a_collector_that_never_calls(returned):
    """A collector that makes no calls at all is wrong from the first case on: it keeps nothing."""
    finding = found(lambda *_, **__: returned, ONE_PAGE)
    assert (finding.rule, finding.cause) == ("complete", "It made no calls.")


def test_a_time_budget():
    """What botocore waits at random is the same when a case is run again."""

    def within_six_seconds(client, **job):
        began, sessions = time.monotonic(), []
        for page in client.get_paginator("list_sessions").paginate(**job):
            sessions += page["sessions"]
            if time.monotonic() - began > 6:
                break
        return sessions

    slow = Lapse("ThrottlingException", after=1, times=4)
    case = Case(THREE_PAGES, lapses=(slow,))
    state, rules = random.getstate(), []
    for _ in range(10):
        try:
            passes(within_six_seconds, case)
        except PaginationViolation as violation:  # noqa: PERF203 (each by itself)
            rules.append(violation.rule)
    assert set(rules) == {"complete"}
    assert random.getstate() == state
