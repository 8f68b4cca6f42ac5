"""Collectors that find jobs by themselves, and fakes that are prepared for a collector."""

from __future__ import annotations

import itertools

import pytest
from collectors.judged import found, passes, run_again
from collectors.wrong import every

from pytest_deadline_sessions import Behavior, Listing, PaginationViolation, check_pagination
from pytest_deadline_sessions.checking import Case

ONE_PAGE = Listing(page_sizes=(1,))
TWO_PAGES = Listing(page_sizes=(1, 1))


def of_queue(client, **queue):
    """List the sessions of all jobs of a queue."""
    pages = client.get_paginator("list_jobs").paginate(**queue)
    return [
        session
        for page in pages
        for job in page["jobs"]
        for session in every(client, **queue, jobId=job["jobId"])
    ]


def in_turn(client, **queue):
    """List the sessions of all jobs of a queue, a page of each job in turn."""
    pages = client.get_paginator("list_jobs").paginate(**queue)
    jobs = [job["jobId"] for page in pages for job in page["jobs"]]
    listings = [
        client.get_paginator("list_sessions").paginate(**queue, jobId=job_id) for job_id in jobs
    ]
    rounds = itertools.zip_longest(*listings, fillvalue={"sessions": []})
    return [session for pages in rounds for page in pages for session in page["sessions"]]


def first_page_of_jobs(client, **queue):
    """Overlook that jobs have pages too."""
    jobs = client.list_jobs(**queue)["jobs"]
    return [session for job in jobs for session in every(client, **queue, jobId=job["jobId"])]


def one_token_for_all(client, **queue):
    """Pass the token of one job's first page for the next job."""
    sessions, token = [], {}
    for job in client.list_jobs(**queue)["jobs"]:
        page = client.list_sessions(**queue, **token, jobId=job["jobId"])
        sessions += page["sessions"]
        token = {"nextToken": page["nextToken"]} if "nextToken" in page else {}
    return sessions


def until_a_job_without_sessions(client, **queue):
    """Stop at a job without sessions."""
    sessions = []
    for job in client.list_jobs(**queue)["jobs"]:
        found_sessions = every(client, **queue, jobId=job["jobId"])
        if not found_sessions:
            break
        sessions += found_sessions
    return sessions


def another_job(client, **queue):
    """List the sessions of a job that is not in the queue."""
    return every(client, **queue, jobId="job-" + "f" * 32)


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_all_jobs_of_a_queue(jobs):
    """A collector that lists the sessions of all jobs of a queue is checked with ``jobs=``."""
    passes(of_queue, TWO_PAGES, Case(ONE_PAGE, sequence="two-jobs"), jobs=jobs)


def test_jobs_that_are_listed_in_turn():
    """The tokens of several jobs may be passed in turn, even if their text is the same."""
    shared = Case(TWO_PAGES, Behavior(tokens_shared_by_jobs=True))
    passes(in_turn, shared, Listing(page_sizes=(1, 0, 1)), jobs=3, ordered=False)


@pytest.mark.parametrize(
    ("collect", "case", "rule", "what"),
    [
        (
            first_page_of_jobs,
            Case(ONE_PAGE, Behavior(page_size=1)),
            "complete",
            "It returned 1 session for a listing of 5: 4 missing",
        ),
        (one_token_for_all, Case(TWO_PAGES), "keeps-arguments", "It changed arguments between"),
        (
            until_a_job_without_sessions,
            Case(Listing()),
            "complete",
            "0 sessions for a listing of 4",
        ),
        (another_job, Case(ONE_PAGE), "keeps-arguments", "(expected a job of the queue)"),
        (
            lambda client, **queue: every(client, **queue, jobId=3),
            Case(ONE_PAGE),
            "keeps-arguments",
            "It sent an invalid request: jobId",
        ),
    ],
)
def test_mistakes_with_several_jobs(collect, case, rule, what):
    """A mistake with one of several jobs is found, under the rule that it breaks."""
    finding = found(collect, case, jobs=3)
    assert finding.rule == rule
    assert what in finding.what


def test_a_collector_that_lists_one_job_again():
    """With several jobs a collector is stopped when it makes more calls than all of them need."""

    def collect(client, **queue):
        (job, *_) = client.list_jobs(**queue)["jobs"]
        while True:
            client.list_sessions(**queue, jobId=job["jobId"])

    finding = found(collect, ONE_PAGE, jobs=2)
    assert finding.rule == "terminates"
    assert "(expected at most 5)" in finding.what
    assert finding.cause == "After the last page, it starts over from the first one."


def test_the_expectation_has_all_jobs():
    """``expected=`` gets the sessions of all jobs, and a collector may order them as it likes."""
    passes(lambda client, **queue: len(of_queue(client, **queue)), ONE_PAGE, jobs=3, expected=len)


def test_the_report_names_the_jobs():
    """The report says how many jobs the queue has, and its code reruns the case with them."""

    def prepare(fake, job):
        fake.describe(job["jobId"], name="shot")

    with pytest.raises(PaginationViolation) as caught:
        check_pagination(one_token_for_all, jobs=2, setup=prepare)
    violation = caught.value
    assert "jobs:     2 in the queue; each but the first has two pages of one" in str(violation)
    assert str(violation).endswith("jobs=2, setup=<your setup>)")
    again = run_again(violation)
    assert again.case == violation.case


def by_name(client, farm_id, queue_id, name):
    """List the sessions of the job of that name."""
    response = client.search_jobs(
        farmId=farm_id,
        queueIds=[queue_id],
        itemOffset=0,
        filterExpressions={
            "filters": [{"stringFilter": {"name": "NAME", "operator": "EQUAL", "value": name}}],
            "operator": "AND",
        },
    )
    (job,) = response["jobs"]
    return every(client, farmId=farm_id, queueId=queue_id, jobId=job["jobId"])


def alone(fake):
    """Prepare a fake, but for no job."""


def raises(_fake, _job):
    """Fail to prepare the fake."""
    raise ZeroDivisionError


def named(fake, job):
    """Name a job after its id."""
    fake.describe(job["jobId"], name=f"Shot {job['jobId']}")


def test_a_fake_that_is_prepared():
    """``setup=`` prepares the fake in every case, for each job, before the collector is called."""
    passes(
        by_name,
        Case(TWO_PAGES, sequence="two-jobs"),
        setup=named,
        call=lambda collect, client, job: collect(
            client, job["farmId"], job["queueId"], f"Shot {job['jobId']}"
        ),
    )


def test_calls_while_the_fake_is_prepared():
    """Calls that ``setup=`` makes are not the collector's."""

    def prepare(fake, job):
        assert every(fake.client(), **job) == [*job.listing]
        job.start_session()

    passes(every, TWO_PAGES, Case(TWO_PAGES, sequence="two-jobs"), setup=prepare)
    finding = found(lambda client, **job: every(client, **job)[1:], ONE_PAGE, setup=prepare)
    assert "It returned 1 session for a listing of 2: 1 missing" in finding.what


def test_a_setup_that_raises():
    """An error in ``setup=`` is the test's, not the collector's."""
    with pytest.raises(RuntimeError, match=r"^setup\(\) raised ZeroDivisionError for <Job job-"):
        check_pagination(every, setup=raises)


def looks_up_the_queue(client, **job):
    """Get the queue first, and let its errors through."""
    client.get_queue(farmId=job["farmId"], queueId=job["queueId"])
    return every(client, **job)


def test_faults_that_a_setup_plans():
    """A collector may raise after a fault that ``setup=`` planned, of any operation."""

    def fails(operation):
        return lambda fake, _job: fake.fail_next(
            "AccessDeniedException", operation=operation, times=None
        )

    passes(looks_up_the_queue, ONE_PAGE, setup=fails("GetQueue"))
    passes(looks_up_the_queue, ONE_PAGE, setup=fails("ListSessions"))

    def hides(client, **job):
        try:
            return looks_up_the_queue(client, **job)
        except client.exceptions.AccessDeniedException:
            return []

    finding = found(hides, ONE_PAGE, setup=fails("GetQueue"))
    assert finding.rule == "surfaces-faults"


def test_a_failure_that_the_collector_caused_itself():
    """Asking for a queue that does not exist is no excuse for raising."""

    def collect(client, **job):
        client.get_queue(farmId=job["farmId"], queueId="queue-" + "f" * 32)
        return every(client, **job)

    finding = found(collect, ONE_PAGE)
    assert "though it had caused every failed call itself" in finding.what
    assert not finding.cause


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"jobs": 0}, ValueError, r"jobs=0 \(expected 1..100\)"),
        ({"jobs": "3"}, TypeError, r"jobs='3' \(expected a whole number, 1..100\)"),
        ({"jobs": 2, "collect": by_name}, TypeError, "collect=.*queueId=…"),
        ({"setup": "fake"}, TypeError, r"setup='fake' \(expected a function of the fake and a job"),
        ({"setup": alone}, TypeError, r"setup=.* called as setup\(fake, job\), but"),
    ],
)
def test_options_for_jobs(options, error, words):
    """A wrong option is refused with its name and what is allowed."""
    with pytest.raises(error, match=f"^{words}"):
        check_pagination(**{"collect": every, **options})
