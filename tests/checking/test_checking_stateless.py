"""What a collector keeps from one call to the next is called that."""

from __future__ import annotations

import functools
import itertools

import pytest
from botocore.exceptions import ClientError
from collectors import right, wrong
from collectors.judged import found, passes
from collectors.wrong import every

from pytest_deadline_sessions import Behavior, Listing, PaginationViolation, check_pagination
from pytest_deadline_sessions.checking import Case, Lapse

ONE = Listing(page_sizes=(1,))
TWO = Listing(page_sizes=(1, 1))
THREE = Listing(page_sizes=(1, 1, 1))


@pytest.mark.parametrize(
    ("collect", "sequence", "what"),
    [
        # Its list is one of this test's own: others may have filled the default before.
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
def test_stateless(collect, sequence, what):
    """What goes wrong only when called again is told as that, with what came before."""
    lapses = (Lapse("AccessDeniedException", 1),) if sequence == "after-failure" else ()
    finding = found(collect, Case(TWO, lapses=lapses, sequence=sequence))
    assert finding.rule == "stateless"
    assert what in finding.what
    assert " gives the right answer. " in finding.what


def test_a_case_is_run_again_with_its_own_ids():
    """A cache that goes wrong in that case each time does so when the case is run again."""
    finding = found(wrong.cached_for_ever, Case(TWO, sequence="sessions-added"))
    assert finding.what.startswith("Called again after another session had started, it no longer")


def test_what_is_wrong_after_a_failed_call_and_without_one_is_not_called_state():
    """The failed call has not shown yet what the collector does with that listing."""
    lapses = (Lapse("AccessDeniedException"),)
    case = Case(TWO, lapses=lapses, sequence="after-failure")
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(wrong.first_page, examples=[case])
    assert (caught.value.rule, caught.value.case) == ("complete", Case(TWO))


def test_what_a_failed_call_has_left_is_state_though_alone_it_goes_wrong_too():
    """It is wrong by more each time."""
    collect = functools.partial(wrong.mutable_default, sessions=[])
    case = Case(TWO, lapses=(Lapse("AccessDeniedException", 1),), sequence="twice")
    assert found(collect, case).rule == "stateless"


def test_two_jobs_in_turn():
    """What is kept of one job must not come out for the other, whichever is asked for."""
    kept = {}

    def of_the_first_job(client, **job):
        return every(client, **kept.setdefault("job", job))

    def whatever_was_listed_first(client, **job):
        if "sessions" not in kept:
            kept["sessions"] = every(client, **job)
        return list(kept["sessions"])

    case = Case(ONE, sequence="two-jobs")
    for collect in (of_the_first_job, whatever_was_listed_first):
        kept.clear()
        finding = found(collect, case)
        assert finding.rule == "stateless"
        assert finding.what.startswith("Called for two jobs in turn, it no longer gives the right")
    tokens = Case(TWO, Behavior(tokens_shared_by_jobs=True), sequence="two-jobs")
    assert found(wrong.pages_kept_by_token, tokens).rule == "stateless"


def test_what_goes_wrong_with_the_other_listing_alone_is_not_called_state():
    """A collector that drops what has ended does so when first called, too."""
    case = Case(ONE, sequence="two-jobs")
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(wrong.running_only, examples=[case], max_examples=1)
    assert caught.value.rule == "complete"
    assert caught.value.case.sequence == "once"


def test_what_is_wrong_at_once_is_shown_without_calling_again():
    """The simpler case is reported."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(wrong.first_page, examples=[Case(TWO, sequence="twice")])
    assert caught.value.case == Case(TWO)


def test_a_caller_may_change_all_that_it_got():
    """The list, the dicts in it, and a dict around it."""

    def kept_summaries(client, **job):
        if job["jobId"] not in kept:
            kept[job["jobId"]] = every(client, **job)
        return {"sessions": list(kept[job["jobId"]])}

    kept = {}
    case = Case(TWO, sequence="changed-result")
    assert found(kept_summaries, case).rule == "stateless"
    passes(right.as_a_dict, case)
    passes(right.as_ids, case)
    passes(lambda *args, **job: list(right.as_ids(*args, **job)), case)


def test_a_cache_that_forgets_what_it_was_asked():
    """Also where it asks the service each time."""

    def collect(client, **job):
        return cache.setdefault("sessions", every(client, **job))

    cache = {}
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect)
    assert caught.value.rule == "stateless"


def test_a_collector_that_is_wrong_now_and_then():
    """In one and the same case it must always come to the same."""

    def at_times(client, **job):
        return every(client, **job)[: next(counter) % 3 or None]

    counter = itertools.count()
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(at_times)
    assert caught.value.rule == "stateless"
    assert "Its result differs between identical runs" in str(caught.value)


def test_a_breaker_that_never_closes_again():
    """Who raises without a call, having made some before, does so for something that it kept."""

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
