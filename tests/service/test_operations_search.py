"""SearchJobs: filters, sort orders and pages."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_deadline_sessions import FakeDeadline, Listing
from pytest_deadline_sessions._api import model, validation

MORNING = datetime.datetime(2025, 1, 1, 9, tzinfo=datetime.timezone.utc)
HOUR = datetime.timedelta(hours=1)
OPERATORS = {
    "EQUAL": lambda value, other: value == other,
    "NOT_EQUAL": lambda value, other: value != other,
    "GREATER_THAN_EQUAL_TO": lambda value, other: value >= other,
    "GREATER_THAN": lambda value, other: value > other,
    "LESS_THAN_EQUAL_TO": lambda value, other: value <= other,
    "LESS_THAN": lambda value, other: value < other,
    "ANY_EQUALS": lambda value, other: value == other,
    "ALL_NOT_EQUALS": lambda value, other: value != other,
}
LACKS_ORDERS = model.bounds("SearchSortExpressions")[1] == 1
LACKS_LISTS = "stringListFilter" not in model.members("SearchFilterExpression")


@pytest.fixture
def fake():
    """A fake with four jobs: two succeeded, one is running and one has not started."""
    fake = FakeDeadline()
    for number, (name, status, count, frames, camera) in enumerate(
        [
            ("Shot 10 beauty", "ENDED", 2, "10", "main"),
            ("Shot 20 Beauty", "ENDED", 1, "9", "side"),
            ("shot 10 depth", "STARTED", 1, "10", "main"),
            ("Lookdev", "STARTED", 0, None, None),
        ]
    ):
        listing = Listing(
            runs=((status, count),), first=10 * number + 1, started_at=MORNING + number * HOUR
        )
        parameters = {"Frames": {"int": frames}, "Camera": {"string": camera}} if frames else {}
        details = {"name": name, "priority": 10 * number, "createdAt": MORNING + number * HOUR}
        fake.add_job(listing, details={**details, "parameters": parameters})
    return fake


def _search(client, *filters, combined="AND", **arguments):
    """Call SearchJobs, and check the response against the service model."""
    if filters:
        arguments["filterExpressions"] = {"filters": list(filters), "operator": combined}
    params = {
        "farmId": model.make_id("FarmId", 1),
        "queueIds": [model.make_id("QueueId", 1)],
        "itemOffset": 0,
        **arguments,
    }
    response = client.search_jobs(**params)
    assert validation.check_response(response, "SearchJobs") == []
    return response


def _job_numbers(client, *filters, **arguments):
    """Return the numbers of the jobs found, in the order of the result."""
    jobs = _search(client, *filters, **arguments)["jobs"]
    return [int(job["jobId"][-1]) for job in jobs]


def test_without_filters(fake, client):
    """Without filters all jobs are found, in order, with the members that GetJob gives."""
    response = _search(client)
    assert [job["jobId"] for job in response["jobs"]] == [job["jobId"] for job in fake.jobs]
    assert response["totalResults"] == 4
    for job, summary in zip(fake.jobs, response["jobs"], strict=True):
        details = client.get_job(**job)
        assert summary.pop("queueId") == job["queueId"]
        assert summary.pop("jobParameters", {}) == details["parameters"]
        assert summary == {name: details[name] for name in summary}


@pytest.mark.parametrize("name", model.enum("ComparisonOperator"))
def test_dates_are_compared(client, name):
    """Each operator compares dates; a job without the date matches only "not equal"."""
    wanted = {"name": "CREATED_AT", "dateTime": MORNING + 2 * HOUR, "operator": name}
    assert _job_numbers(client, {"dateTimeFilter": wanted}) == [
        number + 1 for number in range(4) if OPERATORS[name](number, 2)
    ]
    ended = {**wanted, "name": "ENDED_AT", "dateTime": MORNING}
    unequal = [3, 4] if "NOT" in name else []
    later = [1, 2] if name.startswith(("GREATER", "NOT", "ALL")) else []
    assert _job_numbers(client, {"dateTimeFilter": ended}) == later + unequal


def test_all_operators_of_the_service_model_are_tried():
    """OPERATORS has every operator of the service model."""
    assert set(model.enum("ComparisonOperator")) <= set(OPERATORS)


@pytest.mark.parametrize("name", model.enum("ComparisonOperator"))
def test_strings_and_numbers_are_compared(client, name):
    """Each operator compares names as text and priorities as numbers."""
    by_name = {"name": "NAME", "value": "Shot 20 Beauty", "operator": name}
    names = ["Shot 10 beauty", "Shot 20 Beauty", "shot 10 depth", "Lookdev"]
    assert _job_numbers(client, {"stringFilter": by_name}) == [
        place for place, text in enumerate(names, 1) if OPERATORS[name](text, "Shot 20 Beauty")
    ]
    by_priority = {"name": "PRIORITY", "value": "9", "operator": name}
    assert _job_numbers(client, {"stringFilter": by_priority}) == [
        place for place, number in enumerate((0, 10, 20, 30), 1) if OPERATORS[name](number, 9)
    ]


@pytest.mark.parametrize("name", model.enum("ComparisonOperator"))
def test_parameters_are_compared(client, name):
    """Each operator compares parameters by type; a job without one matches only "not equal"."""
    unequal = [4] if "NOT" in name else []
    frames = {"name": "Frames", "value": "10", "operator": name}
    assert (
        _job_numbers(client, {"parameterFilter": frames})
        == [place for place, value in enumerate((10, 9, 10), 1) if OPERATORS[name](value, 10)]
        + unequal
    )
    camera = {"name": "Camera", "value": "main", "operator": name}
    assert (
        _job_numbers(client, {"parameterFilter": camera})
        == [
            place
            for place, value in enumerate(("main", "side", "main"), 1)
            if OPERATORS[name](value, "main")
        ]
        + unequal
    )


@pytest.mark.skipif(LACKS_LISTS, reason="the installed botocore has no stringListFilter")
@pytest.mark.parametrize(("name", "expected"), [("ANY_EQUALS", [1, 2, 3]), ("ALL_NOT_EQUALS", [4])])
def test_lists_of_strings(client, name, expected):
    """A list filter matches any of its values, or none of them."""
    wanted = {"name": "TASK_RUN_STATUS", "operator": name, "values": ["RUNNING", "SUCCEEDED"]}
    assert _job_numbers(client, {"stringListFilter": wanted}) == expected


@pytest.mark.parametrize(
    ("term", "match", "expected"),
    [
        ("beauty", "CONTAINS", [1, 2]),
        ("Shot 10", "CONTAINS", [1, 3]),
        ("10 Shot", "CONTAINS", []),
        ("10 Shot", "FUZZY_MATCH", [1, 3]),
        ("10 Shot", None, [1, 3]),
        ("comp", None, []),
    ],
)
def test_search_terms(client, term, match, expected):
    """A search term is found in names in any case; a fuzzy match takes words in any order."""
    wanted = {"searchTerm": term}
    if match is not None and "matchType" in model.members("SearchTermFilterExpression"):
        wanted["matchType"] = match
    elif match == "CONTAINS":
        pytest.skip("the installed botocore has no matchType")
    assert _job_numbers(client, {"searchTermFilter": wanted}) == expected


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [("AND", "AND", []), ("AND", "OR", [1]), ("OR", "AND", [1]), ("OR", "OR", [1, 2])],
)
def test_groups(client, outer, inner, expected):
    """AND needs all filters and OR one of them, at the top and in a group."""

    def named(name):
        return {"stringFilter": {"name": "NAME", "value": name, "operator": "EQUAL"}}

    group = {"filters": [named("Shot 10 beauty"), named("Shot 20 Beauty")], "operator": inner}
    filters = [named("Shot 10 beauty"), {"groupFilter": group}]
    assert _job_numbers(client, *filters, combined=outer) == expected


@pytest.mark.parametrize(
    ("sorts", "expected"),
    [
        ([{"fieldSort": {"name": "CREATED_AT", "sortOrder": "DESCENDING"}}], [4, 3, 2, 1]),
        ([{"fieldSort": {"name": "NAME", "sortOrder": "ASCENDING"}}], [4, 1, 2, 3]),
        ([{"fieldSort": {"name": "ENDED_AT", "sortOrder": "ASCENDING"}}], [1, 2, 3, 4]),
        ([{"fieldSort": {"name": "ENDED_AT", "sortOrder": "DESCENDING"}}], [2, 1, 3, 4]),
        ([{"parameterSort": {"name": "Frames", "sortOrder": "ASCENDING"}}], [2, 1, 3, 4]),
        ([{"parameterSort": {"name": "Camera", "sortOrder": "DESCENDING"}}], [2, 1, 3, 4]),
    ],
)
def test_sort_orders(client, sorts, expected):
    """Jobs without the sorted value come last, ascending or descending."""
    assert _job_numbers(client, sortExpressions=sorts) == expected


@pytest.mark.skipif(LACKS_ORDERS, reason="the installed botocore takes one sort expression")
def test_several_sort_expressions(client):
    """Later sort expressions order jobs that are equal by the first."""
    sorts = [
        {"parameterSort": {"name": "Frames", "sortOrder": "DESCENDING"}},
        {"fieldSort": {"name": "PRIORITY", "sortOrder": "DESCENDING"}},
    ]
    assert _job_numbers(client, sortExpressions=sorts) == [3, 1, 2, 4]


def test_jobs_of_a_user_first(fake, client):
    """``userJobsFirst`` moves a user's jobs to the front and keeps the order otherwise."""
    fake.describe(fake.jobs[2]["jobId"], createdBy="sam")
    sorts = [{"userJobsFirst": {"userIdentityId": "sam"}}]
    assert _job_numbers(client, sortExpressions=sorts) == [3, 1, 2, 4]


def test_parameters_of_several_types_are_ordered(fake, client):
    """Numbers are sorted before text."""
    for job, value in zip(
        fake.jobs, ({"string": "a"}, {"float": "2.5"}, {"int": "3"}), strict=False
    ):
        fake.describe(job["jobId"], parameters={"Value": value})
    sorts = [{"parameterSort": {"name": "Value", "sortOrder": "ASCENDING"}}]
    assert _job_numbers(client, sortExpressions=sorts) == [2, 3, 1, 4]


@settings(deadline=None)
@given(count=st.integers(0, 9), size=st.integers(1, 4))
def test_pages_of_results(count, size):
    """``nextItemOffset`` leads through all jobs once; ``totalResults`` is the same on each page."""
    fake = FakeDeadline()
    jobs = [fake.add_job() for _ in range(count)]
    client = fake.client()
    if not jobs:
        fake.describe(model.make_id("FarmId", 1))
        fake.describe(model.make_id("QueueId", 1))
    offset, jobs_found = 0, []
    while offset is not None:
        page = _search(client, itemOffset=offset, pageSize=size)
        assert page["totalResults"] == count
        assert len(page["jobs"]) <= size
        jobs_found += page["jobs"]
        offset = page.get("nextItemOffset")
    assert len(fake.calls) == max(-(-count // size), 1)
    assert [job["jobId"] for job in jobs_found] == [job["jobId"] for job in jobs]


def test_a_page_has_a_hundred_jobs(client, fake):
    """Without ``pageSize`` a page has up to 100 jobs."""
    for _ in range(98):
        fake.add_job()
    page = _search(client)
    assert (len(page["jobs"]), page["nextItemOffset"], page["totalResults"]) == (100, 100, 102)


def test_queues_and_farms(fake, client):
    """Only jobs of the given farm and queues are found; an unknown farm or queue is an error."""
    ids = {"farmId": "farm-" + "a" * 32, "queueId": "queue-" + "a" * 32}
    other = fake.add_job(**ids)
    same_farm = fake.add_job(queueId="queue-" + "b" * 32)
    jobs = _search(client, farmId=ids["farmId"], queueIds=[ids["queueId"]])["jobs"]
    assert [job["jobId"] for job in jobs] == [other["jobId"]]
    queues = [same_farm["queueId"], fake.jobs[0]["queueId"]]
    fake.add_job(farmId=ids["farmId"], queueId=queues[1])
    assert len(_search(client, queueIds=queues)["jobs"]) == 5
    for changes, kind in [({"farmId": "farm-" + "f" * 32}, "farm"), ({}, "queue")]:
        with pytest.raises(client.exceptions.ResourceNotFoundException) as caught:
            _search(client, queueIds=[ids["queueId"]], **changes)
        assert caught.value.response["resourceType"] == kind


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (
            {"filters": [{"stringFilter": {"name": "COLOUR", "operator": "EQUAL", "value": "x"}}]},
            r"the field COLOUR \(expected one of .*\bTASK_RUN_STATUS\b.*\)$",
        ),
        (
            {
                "filters": [
                    {"dateTimeFilter": {"name": "NAME", "operator": "EQUAL", "dateTime": MORNING}}
                ]
            },
            r"the field NAME \(expected one of .*\bCREATED_AT\b.*\)$",
        ),
        (
            {"sorts": [{"fieldSort": {"name": "JOB_PARAMETERS", "sortOrder": "ASCENDING"}}]},
            r"the field JOB_PARAMETERS \(expected one of .*\bNAME\b.*\)$",
        ),
    ],
)
def test_unknown_search_fields(client, arguments, refusal):
    """A field that the fake cannot search by raises an error that lists those it can."""
    sorting = {"sortExpressions": arguments["sorts"]} if "sorts" in arguments else {}
    expected = f"^FakeDeadline cannot search jobs with {refusal}"
    with pytest.raises(NotImplementedError, match=expected):
        _search(client, *arguments.get("filters", ()), **sorting)


@pytest.mark.skipif(LACKS_LISTS, reason="the installed botocore has no stringListFilter")
def test_ordering_operators_in_list_filters(client):
    """An ordering operator in a list filter is not implemented."""
    wanted = {"name": "NAME", "operator": "LESS_THAN", "values": ["a", "b"]}
    with pytest.raises(NotImplementedError) as caught:
        _search(client, {"stringListFilter": wanted})
    assert str(caught.value) == (
        "FakeDeadline cannot search jobs with the operator for several values LESS_THAN "
        "(expected one of EQUAL, ANY_EQUALS, NOT_EQUAL, ALL_NOT_EQUALS)"
    )


def test_a_number_is_compared_with_a_number(client):
    """A filter that compares a number with other text gets a ValidationException."""
    wanted = {"name": "PRIORITY", "operator": "EQUAL", "value": "high"}
    with pytest.raises(client.exceptions.ValidationException) as caught:
        _search(client, {"stringFilter": wanted})
    assert caught.value.response["fieldList"] == [
        {"name": "filterExpressions", "message": "'high' (expected a number)"}
    ]


def test_faults_of_searches(fake, client):
    """An added fault fails the next search, and the retry succeeds."""
    fake.fail_next("InternalServerErrorException", operation="SearchJobs")
    assert len(_search(client)["jobs"]) == 4
    assert [call.error for call in fake.calls] == ["InternalServerErrorException", None]
