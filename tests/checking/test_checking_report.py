"""The text of a ``PaginationViolation``, whose code can be pasted and run."""

from __future__ import annotations

import copy
import pickle

import pytest
from collectors import wrong
from collectors.judged import run_again
from hypothesis import settings

from pytest_deadline_sessions import Listing, PaginationViolation, check_pagination
from pytest_deadline_sessions.checking import Case, _report, _violation

settings.register_profile("no database", database=None)


def violation_of(collect, **options):
    """Return the violation that ``check_pagination`` raises."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, **options)
    return caught.value


def shown(violation):
    """Return the report with placeholders for token, time and ids."""
    token = next((repr(call.next_token[:12]) for call in violation.calls if call.next_token), "''")
    at = f"{violation.calls[0].at:%Y-%m-%d %H:%M:%S}"
    # Older service models list the ids in another order.
    lines = str(violation).replace(token, "'TOKEN'").replace(at, "NOW").splitlines()
    for index, line in enumerate(lines):
        if "farmId=" in line:
            head, tail = line.split("(", 1)
            ids, rest = tail.split(") →", 1)
            names = [
                name for name in ids.split(", ") if not name.startswith(("farm", "queue", "job"))
            ]
            lines[index] = f"{head}({', '.join(['IDS', *names])}) →{rest}"
    return "\n".join(lines)


def test_a_violation_can_be_copied_and_pickled():
    """A copy of a violation has the same text and attributes."""
    violation = violation_of(wrong.first_page)
    for other in (copy.copy(violation), pickle.loads(pickle.dumps(violation))):
        assert type(other) is PaginationViolation
        assert str(other) == str(violation)
        assert (other.rule, other.case, other.calls) == (
            violation.rule,
            violation.case,
            violation.calls,
        )


def test_the_whole_report():
    """A report has the rule, the finding, the listing, the calls and code that reruns the case."""
    violation = violation_of(wrong.stops_at_an_empty_page)
    assert shown(violation) == (
        """\
collector violates 'complete': It returns every session exactly once, in service order, wherever \
pages are cut. An empty page with a token is not the end; a page without a token is.

  It returned 0 sessions for a listing of 1: 1 missing.
  listing:  Listing(page_sizes=(0, 1))
  expected: 1 session: #0
  returned: no sessions
  likely cause: It stopped at an empty page that had a token.

  calls:
    ListSessions(IDS) → 200, 0 sessions, token 'TOKEN'…(80)  at NOW

  to rerun this case:
    from pytest_deadline_sessions import Listing, check_pagination
    from collectors.wrong import stops_at_an_empty_page
    check_pagination(stops_at_an_empty_page, examples=[Listing(page_sizes=(0, 1))])"""
    )


def test_the_whole_report_of_a_case():
    """If a case has more than a listing, the report shows the case below the listing."""
    violation = violation_of(wrong.what_there_is_so_far)
    assert shown(violation) == (
        """\
collector violates 'surfaces-faults': It raises, or recovers and returns the complete listing. It \
never passes off a partial, empty or duplicated listing as complete.

  A call failed permanently, yet it returned normally. It returned 0 sessions for a listing \
of 1: 1 missing.
  listing:  Listing(page_sizes=(1,))
  case:     Case(Listing(page_sizes=(1,)), lapses=(Lapse('AccessDeniedException'),))
  expected: 1 session: #0
  returned: no sessions
  likely cause: It treats any error response (ClientError) as the end of the listing.

  calls:
    ListSessions(IDS) → 403 AccessDeniedException: User is not authorized to \
perform this operation.  at NOW

  to rerun this case:
    from pytest_deadline_sessions import Listing, check_pagination
    from pytest_deadline_sessions.checking import Case, Lapse
    from collectors.wrong import what_there_is_so_far
    check_pagination(what_there_is_so_far, examples=[Case(Listing(page_sizes=(1,)), \
lapses=(Lapse('AccessDeniedException'),))])"""
    )


@pytest.mark.at_length
@pytest.mark.parametrize(
    ("collect", "options"),
    [
        (wrong.first_page, {}),
        (wrong.sorted_by_start, {"expected": list}),
        (wrong.WRONG["resumes"][0], {}),
    ],
)
def test_the_report_is_written_once(monkeypatch, collect, options):
    """The report is written once, however many cases fail while shrinking."""
    reports = []

    def counting(*arguments):
        reports.append(_report.report(*arguments))
        return reports[-1]

    monkeypatch.setattr(_violation, "report", counting)
    violation = violation_of(collect, **options)
    assert reports == [str(violation)]


def test_long_transcripts_are_cut():
    """A long transcript shows only its beginning and its end."""
    violation = violation_of(wrong.a_thousand_at_most, examples=[Listing(page_sizes=(40,) * 26)])
    assert "… 5 calls left out …" in str(violation)
    assert len(violation.calls) == 25


@pytest.mark.at_length
def test_a_listing_with_added_sessions_can_be_pasted():
    """A listing given by summaries can be pasted; its times are plain ``datetime`` objects."""

    def four_at_most(client, **job):
        return wrong.every(client, **job)[:4]

    case = Case(Listing(page_sizes=(4,)), sequence="sessions-added")
    violation = violation_of(four_at_most, examples=[case])
    assert violation.rule == "complete"
    assert "Listing.of([{" in str(violation)
    assert run_again(violation).rule == "complete"


@pytest.mark.at_length
def test_the_error_of_a_collector_is_the_cause_of_the_violation():
    """If the collector raised, its error with its traceback is the violation's ``__cause__``."""
    violation = violation_of(wrong.naive_times)
    assert isinstance(violation.__cause__, TypeError)
    assert violation.__cause__.__traceback__.tb_frame.f_code.co_name == "naive_times"
    assert violation_of(wrong.first_page).__cause__ is None


@pytest.mark.at_length
@pytest.mark.parametrize("error", [KeyboardInterrupt, pytest.skip.Exception])
def test_exceptions_for_the_test_runner_pass_through(error):
    """``KeyboardInterrupt`` and ``pytest.skip`` in a collector are raised, not reported."""

    def collect(*_, **__):
        raise error

    with pytest.raises(error):
        check_pagination(collect)
