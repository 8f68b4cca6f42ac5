"""SearchJobs: filters, orders and pages."""

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
    """A fake with four jobs: they have run, run, run and wait."""
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


@pytest.fixture
def client(fake):
    """A client of it."""
    return fake.client()


def _search(client, *filters, combined="AND", **arguments):
    """The response, which the service model must allow."""
    if filters:
        arguments["filterExpressions"] = {"filters": list(filters), "operator": combined}
    given = {
        "farmId": model.make_id("FarmId", 1),
        "queueIds": [model.make_id("QueueId", 1)],
        "itemOffset": 0,
        **arguments,
    }
    response = client.search_jobs(**given)
    assert validation.check_response(response, "SearchJobs") == []
    return response


def _found(client, *filters, **arguments):
    """Which of the four jobs, in the order of the result."""
    jobs = _search(client, *filters, **arguments)["jobs"]
    return [int(job["jobId"][-1]) for job in jobs]


def test_without_filters_all_jobs_in_the_order_of_their_adding(fake, client):
    """Each with what GetJob tells of it, as far as a summary has it."""
    response = _search(client)
    assert [job["jobId"] for job in response["jobs"]] == [job["jobId"] for job in fake.jobs]
    assert response["totalResults"] == 4
    for job, summary in zip(fake.jobs, response["jobs"], strict=True):
        got = client.get_job(**job)
        assert summary.pop("queueId") == job["queueId"]
        assert summary.pop("jobParameters", {}) == got["parameters"]
        assert summary == {name: got[name] for name in summary}


@pytest.mark.parametrize("name", model.enum("ComparisonOperator"))
def test_dates_are_compared(client, name):
    """Every operator of the service model, and a job without that date is only unequal."""
    wanted = {"name": "CREATED_AT", "dateTime": MORNING + 2 * HOUR, "operator": name}
    assert _found(client, {"dateTimeFilter": wanted}) == [
        number + 1 for number in range(4) if OPERATORS[name](number, 2)
    ]
    ended = {**wanted, "name": "ENDED_AT", "dateTime": MORNING}
    unequal = [3, 4] if "NOT" in name else []
    later = [1, 2] if name.startswith(("GREATER", "NOT", "ALL")) else []
    assert _found(client, {"dateTimeFilter": ended}) == later + unequal


def test_all_operators_of_the_service_model_are_tried():
    """Those above are all that there are."""
    assert set(model.enum("ComparisonOperator")) <= set(OPERATORS)


@pytest.mark.parametrize("name", model.enum("ComparisonOperator"))
def test_strings_and_numbers_are_compared(client, name):
    """Text by its characters, and numbers by their value, though both come as text."""
    by_name = {"name": "NAME", "value": "Shot 20 Beauty", "operator": name}
    names = ["Shot 10 beauty", "Shot 20 Beauty", "shot 10 depth", "Lookdev"]
    assert _found(client, {"stringFilter": by_name}) == [
        place for place, one in enumerate(names, 1) if OPERATORS[name](one, "Shot 20 Beauty")
    ]
    by_priority = {"name": "PRIORITY", "value": "9", "operator": name}
    assert _found(client, {"stringFilter": by_priority}) == [
        place for place, one in enumerate((0, 10, 20, 30), 1) if OPERATORS[name](one, 9)
    ]


@pytest.mark.parametrize("name", model.enum("ComparisonOperator"))
def test_parameters_are_compared(client, name):
    """By their type, and a job without that parameter is only unequal."""
    unequal = [4] if "NOT" in name else []
    frames = {"name": "Frames", "value": "10", "operator": name}
    assert (
        _found(client, {"parameterFilter": frames})
        == [place for place, one in enumerate((10, 9, 10), 1) if OPERATORS[name](one, 10)] + unequal
    )
    camera = {"name": "Camera", "value": "main", "operator": name}
    assert (
        _found(client, {"parameterFilter": camera})
        == [
            place
            for place, one in enumerate(("main", "side", "main"), 1)
            if OPERATORS[name](one, "main")
        ]
        + unequal
    )


@pytest.mark.skipif(LACKS_LISTS, reason="the installed botocore has no stringListFilter")
@pytest.mark.parametrize(("name", "expected"), [("ANY_EQUALS", [1, 2, 3]), ("ALL_NOT_EQUALS", [4])])
def test_lists_of_strings(client, name, expected):
    """Any of them, or none of them."""
    wanted = {"name": "TASK_RUN_STATUS", "operator": name, "values": ["RUNNING", "SUCCEEDED"]}
    assert _found(client, {"stringListFilter": wanted}) == expected


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
    """They are looked for in names, whatever the case; a fuzzy match takes words in any order."""
    wanted = {"searchTerm": term}
    if match is not None and "matchType" in model.members("SearchTermFilterExpression"):
        wanted["matchType"] = match
    elif match == "CONTAINS":
        pytest.skip("the installed botocore has no matchType")
    assert _found(client, {"searchTermFilter": wanted}) == expected


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [("AND", "AND", []), ("AND", "OR", [1]), ("OR", "AND", [1]), ("OR", "OR", [1, 2])],
)
def test_groups(client, outer, inner, expected):
    """Filters hold together or one of them is enough, at both levels."""

    def named(name):
        return {"stringFilter": {"name": "NAME", "value": name, "operator": "EQUAL"}}

    group = {"filters": [named("Shot 10 beauty"), named("Shot 20 Beauty")], "operator": inner}
    filters = [named("Shot 10 beauty"), {"groupFilter": group}]
    assert _found(client, *filters, combined=outer) == expected


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
def test_orders(client, sorts, expected):
    """What lacks the value comes last either way."""
    assert _found(client, sortExpressions=sorts) == expected


@pytest.mark.skipif(LACKS_ORDERS, reason="the installed botocore takes one sort expression")
def test_the_first_order_counts_most(client):
    """The next ones order what is equal by it."""
    sorts = [
        {"parameterSort": {"name": "Frames", "sortOrder": "DESCENDING"}},
        {"fieldSort": {"name": "PRIORITY", "sortOrder": "DESCENDING"}},
    ]
    assert _found(client, sortExpressions=sorts) == [3, 1, 2, 4]


def test_jobs_of_a_user_first(fake, client):
    """And all others as they were."""
    fake.describe(fake.jobs[2]["jobId"], createdBy="sam")
    sorts = [{"userJobsFirst": {"userIdentityId": "sam"}}]
    assert _found(client, sortExpressions=sorts) == [3, 1, 2, 4]


def test_parameters_of_several_types_are_ordered(fake, client):
    """Numbers before text."""
    for job, value in zip(
        fake.jobs, ({"string": "a"}, {"float": "2.5"}, {"int": "3"}), strict=False
    ):
        fake.describe(job["jobId"], parameters={"Value": value})
    sorts = [{"parameterSort": {"name": "Value", "sortOrder": "ASCENDING"}}]
    assert _found(client, sortExpressions=sorts) == [2, 3, 1, 4]


@settings(deadline=None)
@given(count=st.integers(0, 9), size=st.integers(1, 4))
def test_pages_of_results(count, size):
    """``nextItemOffset`` leads through all of them, each once, and ``totalResults`` stays."""
    fake = FakeDeadline()
    jobs = [fake.add_job() for _ in range(count)]
    client = fake.client()
    if not jobs:
        fake.describe(model.make_id("FarmId", 1))
        fake.describe(model.make_id("QueueId", 1))
    offset, found = 0, []
    while offset is not None:
        page = _search(client, itemOffset=offset, pageSize=size)
        assert page["totalResults"] == count
        assert len(page["jobs"]) <= size
        found += page["jobs"]
        offset = page.get("nextItemOffset")
    assert len(fake.calls) == max(-(-count // size), 1)
    assert [one["jobId"] for one in found] == [one["jobId"] for one in jobs]


def test_a_page_has_a_hundred_jobs(client, fake):
    """As many as the service model allows, unless fewer are asked for."""
    for _ in range(98):
        fake.add_job()
    page = _search(client)
    assert (len(page["jobs"]), page["nextItemOffset"], page["totalResults"]) == (100, 100, 102)


def test_queues_and_farms(fake, client):
    """Only jobs of the queues that were asked for, in that farm; unknown ones are not found."""
    ids = {"farmId": "farm-" + "a" * 32, "queueId": "queue-" + "a" * 32}
    other = fake.add_job(**ids)
    same_farm = fake.add_job(queueId="queue-" + "b" * 32)
    found = _search(client, farmId=ids["farmId"], queueIds=[ids["queueId"]])["jobs"]
    assert [one["jobId"] for one in found] == [other["jobId"]]
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
            r"^FakeDeadline cannot search jobs by the field COLOUR; it knows .*\bTASK_RUN_STATUS\b",
        ),
        (
            {
                "filters": [
                    {"dateTimeFilter": {"name": "NAME", "operator": "EQUAL", "dateTime": MORNING}}
                ]
            },
            r"^FakeDeadline cannot search jobs by the field NAME; it knows .*\bCREATED_AT\b",
        ),
        (
            {"sorts": [{"fieldSort": {"name": "JOB_PARAMETERS", "sortOrder": "ASCENDING"}}]},
            r"^FakeDeadline cannot search jobs by the field JOB_PARAMETERS; it knows .*\bNAME\b",
        ),
    ],
)
def test_what_the_fake_does_not_know_fails_by_name(client, arguments, refusal):
    """And tells what it knows."""
    given = {"sortExpressions": arguments["sorts"]} if "sorts" in arguments else {}
    with pytest.raises(NotImplementedError, match=refusal):
        _search(client, *arguments.get("filters", ()), **given)


@pytest.mark.skipif(LACKS_LISTS, reason="the installed botocore has no stringListFilter")
def test_order_among_several_values(client):
    """What it would mean is not known."""
    wanted = {"name": "NAME", "operator": "LESS_THAN", "values": ["a", "b"]}
    with pytest.raises(NotImplementedError) as caught:
        _search(client, {"stringListFilter": wanted})
    assert str(caught.value) == (
        "FakeDeadline cannot search jobs by operator of several values LESS_THAN; "
        "it knows EQUAL, ANY_EQUALS, NOT_EQUAL, ALL_NOT_EQUALS"
    )


def test_a_number_is_compared_with_a_number(client):
    """Text that is none is refused as the service refuses what is not valid."""
    wanted = {"name": "PRIORITY", "operator": "EQUAL", "value": "high"}
    with pytest.raises(client.exceptions.ValidationException) as caught:
        _search(client, {"stringFilter": wanted})
    assert caught.value.response["fieldList"] == [
        {"name": "filterExpressions", "message": "'high' (expected a number)"}
    ]


def test_faults_of_searches(fake, client):
    """Those that were planned come first."""
    fake.fail_next("InternalServerErrorException", operation="SearchJobs")
    assert len(_search(client)["jobs"]) == 4
    assert [call.error for call in fake.calls] == ["InternalServerErrorException", None]
