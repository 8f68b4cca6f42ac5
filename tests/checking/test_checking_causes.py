"""A cause is named only if the collector does what it must do then, in cases that would show it."""

# Written the way people write them.

from __future__ import annotations

import datetime
import functools
import itertools
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from collectors import wrong
from collectors.judged import found
from collectors.wrong import every, pages_of

from pytest_deadline_sessions import (
    Behavior,
    Call,
    Listing,
)
from pytest_deadline_sessions.checking import Case, Lapse
from pytest_deadline_sessions.checking._attempt import Attempt
from pytest_deadline_sessions.checking._diagnosis import of_own_failure

ONE_PAGE = Listing(page_sizes=(1,))
TWO_PAGES = Listing(page_sizes=(1, 1))
SHUFFLED = Listing(page_sizes=(2, 3), order="mixed", workers=3)


def stopping(stops):
    """Make a collector that stops once ``stops`` is true for the pages so far."""

    def collect(client, **job):
        pages = []
        for page in pages_of(client, **job):
            pages.append(page)
            if stops(pages):
                break
        return [session for page in pages for session in page]

    return collect


def pages_kept(change):
    """Make a collector that requests every page, and then changes the list of pages."""

    def collect(client, **job):
        pages = change(list(pages_of(client, **job)))
        return [session for page in pages for session in page]

    return collect


def kept(change):
    """Make a collector that lists every session, and then changes the list."""
    return lambda client, **job: change(every(client, **job))


def without_duplicates(*members):
    """Make a collector that keeps one session for each value of the members."""

    def unique(sessions):
        return list({str([each[name] for name in members]): each for each in sessions}.values())

    return kept(unique)


def sorting(member, **options):
    """Make a collector that sorts by a member."""
    return kept(lambda sessions: sorted(sessions, key=lambda each: str(each[member]), **options))


@pytest.mark.parametrize(
    ("stops", "sizes", "cause"),
    [
        (lambda pages: not pages[-1], (0, 1), "It stopped at an empty page that had a token."),
        (lambda pages: not pages[0], (0, 1), "It stops if the first page is empty."),
        (
            lambda pages: not pages[-1] and not pages[-2:][0] and len(pages) > 1,
            (1, 0, 0, 1),
            "It stopped at the second empty page in a row, which had a token.",
        ),
        (
            lambda pages: len(pages) > 6 and not any(pages[-6:]),
            (1, 0, 0, 0, 0, 0, 0, 1),
            "It stopped at the 6th empty page in a row, which had a token.",
        ),
        # An empty page is where it stops, but not why.
        (lambda pages: len(pages) == 1, (0, 1), "It returned only the first page."),
        (lambda pages: len(pages) == 2, (1, 0, 1), "It requests at most 2 pages."),
        # A page that is not full is where it stops, but not why.
        (lambda pages: len(pages) == 1, (1, 1), "It returned only the first page."),
        (lambda pages: len(pages) == 3, (2, 2, 1, 1), "It requests at most 3 pages."),
        (
            lambda pages: len(pages[-1]) < 100,
            (1, 1),
            "It stopped at a page that was not full but had a token.",
        ),
        (
            lambda pages: len(pages[-1]) < len(pages[0]),
            (2, 1, 1),
            "It stopped at a page that was smaller than the one before.",
        ),
        (
            lambda pages: sum(map(len, pages)) >= 5,
            (1, 4, 1),
            "It stops once it has 5 sessions.",
        ),
        (lambda pages: sum(map(len, pages)) >= 1, (1, 1), "It stops once it has 1 session."),
        # Nothing that is suspected explains these.
        (lambda pages: len(pages[-1]) == 7, (7, 1), ""),
        (lambda pages: len(pages[-1]) == 0 and len(pages) == 3, (1, 1, 0, 1), ""),
        (lambda pages: [len(page) for page in pages] == [0, 0], (0, 0, 1), ""),
    ],
)
def test_why_it_stops(stops, sizes, cause):
    """Where a collector stopped says why only if it stops there for that reason alone."""
    assert found(stopping(stops), Listing(page_sizes=sizes)).cause == cause


@pytest.mark.parametrize(
    "stops", [lambda token, _: not token.isalnum(), lambda token, last: len(token) == len(last)]
)
def test_a_token_that_makes_it_stop(stops):
    """A collector that stops because of the text of a token is not said to count pages."""

    def collect(client, **job):
        sessions, token = [], ""
        while True:
            response = client.list_sessions(**job, **({"nextToken": token} if token else {}))
            sessions += response["sessions"]
            last, token = token, response.get("nextToken")
            if token is None or stops(token, last):
                return sessions

    assert found(collect, Listing(page_sizes=(1, 1, 1))).cause == ""


def test_small_pages():
    """What a full page is depends on ``maxResults``."""

    def collect(client, **job):
        sessions, arguments = [], {**job, "maxResults": 1}
        for page in pages_of(client, **arguments):
            sessions += page
            if len(sessions) == 3:
                break
        return sessions

    cause = found(collect, Listing(page_sizes=(4,))).cause
    assert cause == "It stops once it has 3 sessions."


@pytest.mark.parametrize(
    ("change", "sizes", "cause"),
    [
        (lambda pages: pages[:-1], (1,), "It drops the last page, the one without a token."),
        (lambda pages: pages[1:], (1, 1), "It drops the first page."),
        # With two pages, these two come to the same.
        (lambda pages: pages[-1:], (1, 1), "It keeps only the last page."),
        (lambda pages: pages[:1], (1, 1), "It keeps only the first page."),
        (
            lambda pages: [page[:1] for page in pages],
            (2,),
            "It keeps only one session of each page, the first.",
        ),
        (
            lambda pages: [page[-1:] for page in pages],
            (2,),
            "It keeps only one session of each page, the last.",
        ),
        (
            lambda pages: [[*itertools.chain(*pages)][:3]],
            (1, 1, 1, 1),
            "It keeps no more than 3 sessions.",
        ),
        (lambda pages: [[*itertools.chain(*pages)][:1]], (2,), "It keeps no more than 1 session."),
        (lambda pages: [*pages[:1], *pages], (1, 1), ""),
        (lambda pages: pages if len(pages) != 2 else pages[1:], (1, 1), ""),
    ],
)
def test_pages_that_are_left_out(change, sizes, cause):
    """Which pages a collector leaves out is tried with three different ones."""
    assert found(pages_kept(change), Listing(page_sizes=sizes)).cause == cause


@pytest.mark.parametrize(
    ("collect", "listing", "cause", "members"),
    [
        (
            without_duplicates("workerId"),
            Listing(page_sizes=(2,)),
            "It treats sessions with the same workerId as duplicates.",
            ("workerId",),
        ),
        (
            without_duplicates("startedAt"),
            Listing(page_sizes=(2,), gap=datetime.timedelta(0)),
            "It treats sessions with the same startedAt as duplicates.",
            ("startedAt",),
        ),
        (
            without_duplicates("startedAt", "workerId"),
            Listing(page_sizes=(2,), gap=datetime.timedelta(0)),
            "It treats sessions with the same workerId and startedAt as duplicates.",
            ("workerId", "startedAt"),
        ),
        (
            without_duplicates("fleetId"),
            Listing(page_sizes=(2,)),
            "It treats sessions with the same fleetId as duplicates.",
            ("fleetId",),
        ),
        (
            without_duplicates("lifecycleStatus"),
            Listing(page_sizes=(2,)),
            "It treats sessions with the same lifecycleStatus as duplicates.",
            ("lifecycleStatus",),
        ),
        (
            kept(lambda sessions: [each for each in sessions if "updatedAt" not in each]),
            Listing(page_sizes=(1,), runs=(("UPDATE_FAILED", 1),)),
            (
                "It leaves out sessions whose lifecycleStatus is UPDATE_IN_PROGRESS or "
                "UPDATE_SUCCEEDED or UPDATE_FAILED."
            ),
            ("lifecycleStatus",),
        ),
        (
            kept(
                lambda sessions: [each for each in sessions if each["lifecycleStatus"] == "ENDED"]
            ),
            ONE_PAGE,
            "It keeps only sessions whose lifecycleStatus is ENDED.",
            ("lifecycleStatus",),
        ),
        (kept(lambda sessions: sessions if len(sessions) != 2 else []), TWO_PAGES, "", ()),
        (kept(lambda _: []), TWO_PAGES, "", ()),
    ],
)
def test_sessions_that_are_left_out(collect, listing, cause, members):
    """Which sessions a collector leaves out is tried with others; the report shows the members."""
    finding = found(collect, listing)
    assert (finding.cause, finding.members) == (cause, members)


@pytest.mark.parametrize(
    ("collect", "listing", "cause"),
    [
        (
            kept(lambda sessions: sessions[::-1]),
            Listing(page_sizes=(2,)),
            "It reverses the listing.",
        ),
        (
            pages_kept(lambda pages: pages[::-1]),
            TWO_PAGES,
            "It puts later pages before earlier ones.",
        ),
        (
            pages_kept(lambda pages: [page[::-1] for page in pages]),
            Listing(page_sizes=(2,)),
            "It reverses the sessions of each page.",
        ),
        (
            sorting("startedAt"),
            Listing(page_sizes=(2,), order="newest-first"),
            "It sorts by startedAt.",
        ),
        (
            sorting("startedAt", reverse=True),
            Listing(page_sizes=(2,)),
            "It sorts by startedAt, the largest first.",
        ),
        (
            sorting("sessionId", reverse=True),
            Listing(page_sizes=(2,)),
            "It sorts by sessionId, the largest first.",
        ),
        (sorting("workerId"), SHUFFLED, "It sorts by workerId."),
        (
            sorting("lifecycleStatus"),
            Listing(page_sizes=(2,), runs=(("STARTED", 1), ("ENDED", 1))),
            "It sorts by lifecycleStatus.",
        ),
        (kept(lambda sessions: sessions[1:] + sessions[:1]), TWO_PAGES, ""),
    ],
)
def test_another_order(collect, listing, cause):
    """How a collector orders sessions is tried with a shuffled listing."""
    assert found(collect, listing).cause == cause


def catching(errors, result):
    """Make a collector that returns ``result`` of the sessions so far once a call fails."""

    def collect(client, **job):
        sessions = []
        try:
            for page in pages_of(client, **job):
                sessions.extend(page)
        except errors as error:
            if result == "ResourceNotFoundException" and result not in str(error):
                raise
            return {"none": None, "empty": [], "other": sessions[:1] * 3}.get(result, sessions)
        return sessions

    return collect


@pytest.mark.parametrize(
    ("errors", "result", "code", "cause"),
    [
        (Exception, "all", "AccessDeniedException", "It treats any failed call as the end of"),
        (ClientError, "all", "AccessDeniedException", "It treats any error response (ClientError)"),
        (
            BotoCoreError,
            "all",
            "ReadTimeoutError",
            "It treats any broken connection (BotoCoreError)",
        ),
        (
            ClientError,
            "ResourceNotFoundException",
            "ResourceNotFoundException",
            "It treats ResourceNotFoundException as the end",
        ),
        (Exception, "empty", "AccessDeniedException", "It returns no sessions at all after any"),
        (Exception, "none", "AccessDeniedException", "It returns None after any failed call."),
        (Exception, "other", "AccessDeniedException", "It catches any failed call and returns as"),
        (
            (wrong.BotoCoreError, ClientError),
            "all",
            "ThrottlingException",
            "It treats any failed call as the end of",
        ),
    ],
)
def test_failed_calls(errors, result, code, cause):
    """Which failures a collector swallows is tried with every fault."""
    case = Case(TWO_PAGES, lapses=(Lapse(code, after=1),))
    assert found(catching(errors, result), case).cause.startswith(cause)


def stopping_at(swallows):
    """Make a collector that takes an error for the end if ``swallows`` says so of its text."""

    def collect(client, **job):
        sessions = []
        try:
            for page in pages_of(client, **job):
                sessions.extend(page)
        except ClientError as error:
            if not swallows(str(error)):
                raise
        return sessions

    return collect


def test_two_kinds_of_faults():
    """A fault that is swallowed among some others is named together with them."""
    collect = stopping_at(lambda text: "AccessDenied" in text or "NotFound" in text)
    case = Case(TWO_PAGES, lapses=(Lapse("AccessDeniedException", after=1),))
    assert found(collect, case).cause == (
        "It treats AccessDeniedException, among other errors, as the end of the listing."
    )


def test_an_expired_token():
    """A collector that stops at an expired token is told apart from one that stops at any."""
    collect = stopping_at(lambda text: "expired" in text)
    case = Case(TWO_PAGES, expiries=(1,))
    assert found(collect, case).cause == "It treats an expired token as the end of the listing."
    assert found(wrong.an_expired_token_is_the_end, case).cause == (
        "It treats ValidationException as the end of the listing."
    )


def test_a_fault_that_is_not_the_cause():
    """If a collector is wrong without the fault too, the fault is not named."""

    def collect(client, **job):
        sessions = []
        try:
            for number, page in enumerate(pages_of(client, **job)):
                sessions.extend(page)
                if number == 1:
                    client.list_sessions(**job)
        except ClientError:
            return sessions if len(sessions) == 3 else every(client, **job)
        return sessions

    case = Case(Listing(page_sizes=(2, 1, 1)), lapses=(Lapse("AccessDeniedException", after=2),))
    assert found(collect, case).cause == ""


def test_sleeping_too_long():
    """A collector whose token expires while it sleeps is told so; it must sleep a day for that."""

    def sleeping(client, **job):
        sessions = []
        for page in pages_of(client, **job):
            sessions += page
            time.sleep(90_000)
        return sessions

    assert found(sleeping, TWO_PAGES).cause == "It sleeps until its token has expired."


def test_a_failure_of_another_kind():
    """A call that fails through the collector's own fault need not have an expired token."""
    now = datetime.datetime.now(datetime.timezone.utc)
    refused = Call("ListSessions", {}, now, error="ReadTimeoutError")
    assert of_own_failure(Attempt(ONE_PAGE, 100, {}, requests=[refused])) == ()
    assert of_own_failure(Attempt(ONE_PAGE, 100, {})) == ()


def test_a_restart_that_keeps_what_came_before():
    """Sessions that are there twice after a restart are explained by it."""
    case = Case(TWO_PAGES, lapses=(Lapse("AccessDeniedException", after=1, times=1),))
    assert found(wrong.starts_over_without_clearing, case).cause == (
        "It starts over after a failed call, but keeps the sessions that it already has."
    )


def test_restarting_for_ever():
    """A collector that starts over each time its token has expired is told so."""
    assert found(wrong.restarts_for_ever, Case(TWO_PAGES, always_expired=True)).cause == (
        "It starts over each time its token has expired, without a limit."
    )


def test_an_empty_token_after_an_empty_token():
    """An empty token that a page had, and that is passed on, is told apart from others."""
    finding = found(
        wrong.an_empty_token_leads_on, Case(TWO_PAGES, Behavior(empty_final_token=True))
    )
    assert finding.cause == "It treats an empty token as a real one."


@pytest.mark.parametrize(
    ("collect", "sizes", "cause"),
    [
        (wrong.starts_over, (1,), "After the last page, it starts over from the first one."),
        (wrong.asks_for_every_page_twice, (1, 1), "It requests pages more than once."),
        (
            wrong.keeps_the_first_token,
            (1, 1, 1),
            "It keeps passing the same token, not the one of the latest page.",
        ),
        (lambda *_, **__: [each for each in itertools.count() if each < 0], (1,), ""),
    ],
)
def test_surplus_calls(collect, sizes, cause):
    """How surplus calls repeat earlier ones is named."""
    assert found(collect, Listing(page_sizes=sizes), patience=0.1).cause == cause


@pytest.mark.parametrize(
    ("collect", "cause"),
    [
        (
            wrong.members_of_the_response,
            "It iterates over a response, which gives the names of its",
        ),
        (wrong.lists_in_a_list, "It returns a list of pages, each a list of sessions."),
        (lambda client, **job: [[], *pages_of(client, **job), [None]], ""),
        (lambda client, **job: [*pages_of(client, **job), None], ""),
    ],
)
def test_results_of_another_kind(collect, cause):
    """A result that is no list of sessions is explained by what it holds."""
    assert found(collect, TWO_PAGES).cause.startswith(cause)
    assert bool(found(collect, TWO_PAGES).cause) == bool(cause)


@pytest.mark.parametrize(
    ("collect", "cause"),
    [
        (wrong.never_gives_up, "It repeats the call each time a call fails with AccessDeniedExc"),
        (wrong.catches_everything, "It starts over each time a call fails with AccessDeniedExc"),
    ],
)
def test_retrying_for_ever(collect, cause):
    """A collector that never gives up is told what it does after each failure."""
    case = Case(TWO_PAGES, lapses=(Lapse("AccessDeniedException", after=1),))
    assert found(collect, case).cause.startswith(cause)


def test_failures_of_several_kinds():
    """If calls fail in several ways, none is named."""
    lapses = (Lapse("AccessDeniedException", 1, 3), Lapse("ResourceNotFoundException"))
    case = Case(TWO_PAGES, lapses=lapses)
    assert found(wrong.never_gives_up, case).cause == (
        "It repeats the call each time a call fails, without a limit."
    )


def test_no_experiments_with_a_slow_collector():
    """A collector that is slow in one experiment is not tried in others."""
    counter = itertools.count()

    def collect(client, **job):
        sessions = client.list_sessions(**job)["sessions"]
        if next(counter) > 1:
            while True:
                pass
        return sessions

    finding = found(collect, TWO_PAGES, patience=0.2)
    assert finding.cause == ""
    assert next(counter) <= 4


def test_a_collector_that_raises_in_an_experiment():
    """A result that cannot be read in an experiment shows nothing."""

    class Raising(list):
        def __iter__(self):
            raise ValueError

    def collect(client, **job):
        sessions = every(client, **job)
        return sessions[:1] if len(sessions) == 2 else Raising(sessions)

    assert found(collect, TWO_PAGES).cause == ""


def _with_names(client, *, without, **job):
    try:
        name = client.get_job(**job)["name"]
    except ClientError:
        return without
    return [{**session, "name": name} for session in every(client, **job)]


@pytest.mark.parametrize(
    ("without", "cause"),
    [
        ([], "It returns no sessions at all after AccessDeniedException of GetJob."),
        (None, "It returns None after AccessDeniedException of GetJob."),
        (["?"], "It catches AccessDeniedException of GetJob and returns as if nothing had failed."),
    ],
)
def test_a_failed_call_of_another_operation(without, cause):
    """The operation whose failure a collector hides is named."""
    lapse = Lapse("AccessDeniedException", operation="GetJob")
    collect = functools.partial(_with_names, without=without)
    assert found(collect, Case(TWO_PAGES, lapses=(lapse,))).cause == cause


def test_a_failed_call_that_is_not_the_cause():
    """A collector that is wrong without that failure is not said to hide it."""
    lapse = Lapse("AccessDeniedException", operation="GetJob")
    collect = functools.partial(_with_names, without=[])

    def first_alone(client, **job):
        return collect(client, **job)[:1]

    cause = found(first_alone, Case(TWO_PAGES, lapses=(lapse,))).cause
    assert "GetJob" not in cause
