"""ListSessions, as a client of the fake sees it."""

from __future__ import annotations

import datetime
import math

import botocore.exceptions
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_deadline_sessions import Behavior, FakeDeadline, Listing
from pytest_deadline_sessions import strategies as ds
from pytest_deadline_sessions._api import model, validation

DAY = datetime.timedelta(hours=24)
INSTANT = datetime.timedelta(microseconds=1)


def _ids(sessions):
    return [session["sessionId"] for session in sessions]


def _pages(client, **arguments):
    """Every response, by a loop of our own."""
    pages = [client.list_sessions(**arguments)]
    while "nextToken" in pages[-1]:
        pages.append(client.list_sessions(**arguments, nextToken=pages[-1]["nextToken"]))
    return pages


def _refusal(client, **arguments):
    """The error that a call gets."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        client.list_sessions(**arguments)
    return caught.value.response


@pytest.fixture
def fake():
    """A fake that intercepts nothing."""
    return FakeDeadline()


@pytest.fixture
def client(fake):
    """A client of it."""
    return fake.client()


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 201])
def test_pages_of_a_hundred_by_default(fake, client, count):
    """Without maxResults the default page size cuts; the last page has no token."""
    pages = _pages(client, **fake.add_job(sessions=count))
    assert [len(page["sessions"]) for page in pages] == (
        [100] * (count // 100) + [count % 100] * (count % 100 > 0) or [0]
    )


@pytest.mark.at_length
@given(count=st.integers(0, 30), max_results=st.integers(1, 12), page_size=st.integers(1, 12))
def test_pages_hold_what_was_asked_for_and_what_the_service_gives(count, max_results, page_size):
    """The smaller of maxResults and ``Behavior.page_size`` cuts, and every session comes once."""
    fake = FakeDeadline(Behavior(page_size=page_size))
    job = fake.add_job(sessions=count)
    pages = _pages(fake.client(), **job, maxResults=max_results)
    size = min(max_results, page_size)
    assert len(pages) == max(math.ceil(count / size), 1)
    assert all(len(page["sessions"]) <= size for page in pages)
    assert _ids(one for page in pages for one in page["sessions"]) == _ids(job.listing)


@pytest.mark.parametrize(
    "sizes", [(0,), (1,), (0, 1), (1, 0), (0, 0), (2, 0, 0, 1), (100, 0, 100), (1,) * 12]
)
def test_pages_as_a_listing_says(fake, client, sizes):
    """Empty pages stand where the listing has them, each with a token unless it is the last."""
    job = fake.add_job(Listing(page_sizes=sizes))
    pages = _pages(client, **job)
    assert tuple(len(page["sessions"]) for page in pages) == sizes
    assert _ids(one for page in pages for one in page["sessions"]) == _ids(job.listing)


def test_max_results_cuts_the_pages_of_a_listing_further(fake, client):
    """A page is never larger than was asked for, nor joined with the next."""
    job = fake.add_job(Listing(page_sizes=(3, 0, 2)))
    pages = _pages(client, **job, maxResults=2)
    assert [len(page["sessions"]) for page in pages] == [2, 1, 0, 2]


@pytest.mark.parametrize("size", [1, 7, 100])
def test_the_paginator_gets_everything(fake, client, size):
    """Botocore's paginator follows the tokens, whatever the page size."""
    job = fake.add_job(sessions=120)
    pages = client.get_paginator("list_sessions").paginate(
        **job, PaginationConfig={"PageSize": size}
    )
    assert _ids(pages.build_full_result()["sessions"]) == _ids(job.listing)


def test_resuming_in_the_middle_of_a_page(fake, client):
    """MaxItems and StartingToken of botocore's paginator lead on where it stopped."""
    job = fake.add_job(Listing(page_sizes=(3, 3)))
    paginator = client.get_paginator("list_sessions")
    first = paginator.paginate(**job, PaginationConfig={"MaxItems": 4}).build_full_result()
    rest = paginator.paginate(
        **job, PaginationConfig={"StartingToken": first["NextToken"]}
    ).build_full_result()
    assert _ids([*first["sessions"], *rest["sessions"]]) == _ids(job.listing)


@pytest.mark.at_length
@given(listing=ds.listings(max_sessions=40))
def test_summaries_arrive_as_they_are(listing):
    """What a client parses equals what was put in, and is what the service model allows."""
    fake = FakeDeadline()
    got = [
        one for page in _pages(fake.client(), **fake.add_job(listing)) for one in page["sessions"]
    ]
    assert got == list(listing)
    assert validation.check_response({"sessions": got}) == []


@pytest.mark.at_length
@given(sessions=ds.session_lists())
def test_given_summaries_arrive_as_they_are(sessions):
    """Offsets, fractions of a second and optional members survive the wire."""
    fake = FakeDeadline(Behavior(order="given"))
    job = fake.add_job(sessions)
    assert fake.client().list_sessions(**job)["sessions"] == sessions


def test_sessions_are_listed_by_their_start(fake, client):
    """The default order is that of startedAt; ``Behavior`` can keep the given one."""
    newest_first = list(Listing(page_sizes=(3,), order="newest-first"))
    job = fake.add_job(newest_first)
    assert client.list_sessions(**job)["sessions"] == newest_first[::-1]
    fake.reset(Behavior(order="given"))
    job = fake.add_job(newest_first)
    assert client.list_sessions(**job)["sessions"] == newest_first


def test_tokens_of_two_pages_differ_and_stay_within_the_model(fake, client):
    """Each page has a token of its own, in characters that careless escaping breaks."""
    tokens = [
        page["nextToken"]
        for page in _pages(client, **fake.add_job(Listing(page_sizes=(1,) * 20)))[:-1]
    ]
    assert len(set(tokens)) == 19
    assert {len(token) for token in tokens} == {80}
    assert all(set("+/%& =?#") <= set(token) for token in tokens)


@pytest.mark.parametrize("length", [48, 4096])
def test_tokens_of_any_length(length):
    """Tokens are as long as ``Behavior`` says, and lead on."""
    fake = FakeDeadline(Behavior(token_length=length))
    pages = _pages(fake.client(), **fake.add_job(Listing(page_sizes=(1, 1))))
    assert len(pages[0]["nextToken"]) == length
    assert len(pages) == 2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _token: "",
        lambda _token: "garbled",
        lambda token: token.strip("="),
        lambda token: token[:-1],
        lambda token: token.lower(),
        lambda token: token.replace(" ", "+"),
        lambda token: token.replace("%2B", "+"),
    ],
)
def test_garbled_tokens_are_refused(fake, client, spoil):
    """A token that is not exactly as it came is an HTTP 400 ValidationException."""
    job = fake.add_job(Listing(page_sizes=(1, 1)))
    token = client.list_sessions(**job)["nextToken"]
    response = _refusal(client, **job, nextToken=spoil(token))
    assert response["Error"]["Code"] == "ValidationException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["reason"] == "FIELD_VALIDATION_FAILED"
    assert [one["name"] for one in response["fieldList"]] == ["nextToken"]


def test_tokens_of_other_jobs_are_refused(fake, client):
    """A token leads on only in the listing that it came from."""
    job, other = (fake.add_job(Listing(page_sizes=(1, 1), first=first)) for first in (1, 10))
    token = client.list_sessions(**job)["nextToken"]
    assert _refusal(client, **other, nextToken=token)["Error"]["Code"] == "ValidationException"


def test_tokens_of_other_fakes_are_refused(client, fake):
    """Two fakes do not know each other's tokens."""
    token = client.list_sessions(**fake.add_job(Listing(page_sizes=(1, 1))))["nextToken"]
    other = FakeDeadline()
    job = other.add_job(Listing(page_sizes=(1, 1)))
    response = _refusal(other.client(), **job, nextToken=token)
    assert response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize(("first", "then"), [(None, 1), (1, None), (1, 2)])
def test_changed_arguments_are_refused(fake, client, first, then):
    """All other arguments are to be kept; ``Behavior`` can be more lenient."""
    sizes = [{} if size is None else {"maxResults": size} for size in (first, then)]
    job = fake.add_job(Listing(page_sizes=(1, 1)))
    token = client.list_sessions(**job, **sizes[0])["nextToken"]
    response = _refusal(client, **job, **sizes[1], nextToken=token)
    assert response["Error"] == {
        "Code": "ValidationException",
        "Message": "The nextToken was issued for other arguments.",
    }
    fake.reset(Behavior(tokens_bound_to_arguments=False))
    job = fake.add_job(Listing(page_sizes=(1, 1)))
    token = client.list_sessions(**job, **sizes[0])["nextToken"]
    assert len(client.list_sessions(**job, **sizes[1], nextToken=token)["sessions"]) == 1


def test_a_token_may_be_used_again(fake, client):
    """Tokens are not single-use, unless ``Behavior`` says so."""
    job = fake.add_job(Listing(page_sizes=(1, 1)))
    token = client.list_sessions(**job)["nextToken"]
    pages = [client.list_sessions(**job, nextToken=token)["sessions"] for _ in range(2)]
    assert pages[0] == pages[1]
    fake.reset(Behavior(single_use_tokens=True))
    job = fake.add_job(Listing(page_sizes=(1, 1)))
    token = client.list_sessions(**job)["nextToken"]
    client.list_sessions(**job, nextToken=token)
    assert _refusal(client, **job, nextToken=token)["Error"] == {
        "Code": "ValidationException",
        "Message": "The nextToken was used before.",
    }


@pytest.mark.parametrize(
    ("age", "good"), [(DAY - INSTANT, True), (DAY, True), (DAY + INSTANT, False)]
)
def test_tokens_expire_after_a_day(fake, client, age, good):
    """A token is taken until it is exactly 24 hours old, and not a microsecond longer."""
    with fake.clock.freeze("2030-01-01"):
        job = fake.add_job(Listing(page_sizes=(1, 1)))
        token = client.list_sessions(**job)["nextToken"]
        fake.clock.advance(age)
        if good:
            assert len(client.list_sessions(**job, nextToken=token)["sessions"]) == 1
        else:
            response = _refusal(client, **job, nextToken=token)
            assert response["Error"] == {
                "Code": "ValidationException",
                "Message": "The nextToken has expired.",
            }
            assert response["reason"] == "OTHER"


def test_the_lifetime_of_tokens_can_be_set():
    """``Behavior.token_lifetime`` is what a token may reach in age."""
    fake = FakeDeadline(Behavior(token_lifetime=datetime.timedelta(minutes=5)))
    client = fake.client()
    job = fake.add_job(Listing(page_sizes=(1, 1)))
    token = client.list_sessions(**job)["nextToken"]
    fake.clock.advance(minutes=6)
    assert _refusal(client, **job, nextToken=token)["Error"]["Message"].endswith("expired.")


def test_tokens_expire_at_will(fake, client):
    """``expire_tokens`` ages those issued so far, and none issued later."""
    job = fake.add_job(Listing(page_sizes=(1, 1)))
    token = client.list_sessions(**job)["nextToken"]
    fake.expire_tokens()
    assert _refusal(client, **job, nextToken=token)["Error"]["Message"].endswith("expired.")
    token = client.list_sessions(**job)["nextToken"]
    assert len(client.list_sessions(**job, nextToken=token)["sessions"]) == 1


def test_two_jobs_may_have_the_same_token():
    """With ``tokens_shared_by_jobs`` the same text leads to a page of each job."""
    fake = FakeDeadline(Behavior(tokens_shared_by_jobs=True))
    client = fake.client()
    jobs = [fake.add_job(Listing(page_sizes=(1, 1), first=first)) for first in (1, 10)]
    tokens = [client.list_sessions(**job)["nextToken"] for job in jobs]
    assert tokens[0] == tokens[1]
    for job, token in zip(jobs, tokens, strict=True):
        page = client.list_sessions(**job, nextToken=token)
        assert page["sessions"] == [job.listing[1]]


def test_the_end_of_a_listing(fake, client):
    """The last page has no token, also where it is null on the wire; ``""`` is to be asked for."""
    assert "nextToken" not in client.list_sessions(**fake.add_job(sessions=1))
    fake.reset(Behavior(null_final_token=True))
    assert "nextToken" not in client.list_sessions(**fake.add_job(sessions=1))
    assert fake.calls[0].response["nextToken"] is None
    fake.reset(Behavior(empty_final_token=True))
    assert client.list_sessions(**fake.add_job(sessions=1))["nextToken"] == ""


def test_an_empty_token_may_be_the_start():
    """``Behavior.empty_token_is_start`` takes a request with an empty token for a first call."""
    fake = FakeDeadline(Behavior(empty_token_is_start=True))
    job = fake.add_job(sessions=1)
    assert len(fake.client().list_sessions(**job, nextToken="")["sessions"]) == 1


@pytest.mark.parametrize("max_results", [101, 1000])
def test_max_results_over_a_hundred_is_refused_by_the_service(fake, client, max_results):
    """Botocore lets it through; the service names the member and what it allows."""
    response = _refusal(client, **fake.add_job(), maxResults=max_results)
    assert response["reason"] == "FIELD_VALIDATION_FAILED"
    assert response["fieldList"] == [
        {"name": "maxResults", "message": f"{max_results} (expected 1..100)"}
    ]


def test_max_results_zero_is_refused_by_botocore(fake, client):
    """The call is never sent, and the transcript says so."""
    with pytest.raises(botocore.exceptions.ParamValidationError):
        client.list_sessions(**fake.add_job(), maxResults=0)
    (call,) = fake.calls
    assert not call.sent
    assert "valid min value: 1" in str(call)


def test_max_results_zero_is_refused_by_the_service_too(fake):
    """A client that validates nothing gets the service's error."""
    client = fake.client(parameter_validation=False)
    response = _refusal(client, **fake.add_job(), maxResults=0)
    assert response["fieldList"] == [{"name": "maxResults", "message": "0 (expected 1..100)"}]
    assert [call.sent for call in fake.calls] == [True]


@pytest.mark.parametrize("name", ["farmId", "queueId", "jobId"])
def test_malformed_ids_are_refused(fake, client, name):
    """Ids have a pattern, which botocore does not check."""
    job = {**fake.add_job(), name: "farm-1"}
    response = _refusal(client, **job)
    assert response["Error"]["Code"] == "ValidationException"
    assert [one["name"] for one in response["fieldList"]] == [name]


@pytest.mark.parametrize("name", ["farmId", "queueId", "jobId"])
def test_unknown_jobs_are_not_found(fake, client, name):
    """A job is known by all three ids together; ``Behavior`` can list nothing instead."""
    shape = name[0].upper() + name[1:]
    job = {**fake.add_job(sessions=1), name: model.make_id(shape, 99)}
    response = _refusal(client, **job)
    assert response["Error"]["Code"] == "ResourceNotFoundException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert (response["resourceType"], response["resourceId"]) == ("job", job["jobId"])
    fake.reset(Behavior(unknown_job_is_not_found=False))
    assert client.list_sessions(**job)["sessions"] == []
    with pytest.raises(client.exceptions.ValidationException):
        client.list_sessions(**job, nextToken="x")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDeniedException", 403),
        ("ResourceNotFoundException", 404),
        ("ValidationException", 400),
        ("ThrottlingException", 429),
        ("InternalServerErrorException", 500),
    ],
)
def test_each_modelled_error(fake, code, status):
    """Code, status, wording and members arrive as modelled, as an exception of the client's."""
    client = fake.client(retries={"total_max_attempts": 1})
    job = fake.add_job()
    fake.fail_next(code)
    with pytest.raises(getattr(client.exceptions, code)) as caught:
        client.list_sessions(**job)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    members = {
        key: value
        for key, value in caught.value.response.items()
        if key not in {"Error", "ResponseMetadata", "message"}
    }
    assert validation.check_shape({"message": "", **members}, code) == []
    assert client.list_sessions(**job)["sessions"] == []


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerErrorException"])
def test_retry_after(code):
    """``Behavior.retry_after_seconds`` adds the header where the model has it."""
    fake = FakeDeadline(Behavior(retry_after_seconds=7))
    client = fake.client(retries={"total_max_attempts": 1})
    fake.fail_next(code)
    response = _refusal(client, **fake.add_job())
    assert response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "7"
    fake.fail_next("AccessDeniedException")
    response = _refusal(client, **fake.add_job())
    assert "retry-after" not in response["ResponseMetadata"]["HTTPHeaders"]


@pytest.mark.at_length
@given(
    sizes=st.lists(st.integers(0, 3), min_size=1, max_size=5),
    changes=st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from(["start", "request_end", "end"])), max_size=6
    ),
    max_results=st.integers(1, 4),
)
def test_no_session_that_was_there_throughout_is_lost_or_doubled(sizes, changes, max_results):
    """While somebody pages, sessions start, are asked to end and end."""
    fake = FakeDeadline()
    client = fake.client()
    job = fake.add_job(Listing(page_sizes=tuple(sizes)))
    before = _ids(job.listing)
    got, token, answered = [], {}, 0
    while True:
        page = client.list_sessions(**job, maxResults=max_results, **token)
        got += _ids(page["sessions"])
        for at, change in changes:
            if at == answered:
                _change(job, change)
        answered += 1
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert [one for one in got if one in before] == before
    assert len(set(got)) == len(got)


def _change(job, change):
    started = [session for session in job.sessions if session.status == "STARTED"]
    if change == "start":
        job.start_session()
    elif started:
        getattr(started[0], change)()


def test_large_listings_are_served_page_by_page(fake, client):
    """A listing of a hundred thousand sessions is never made as a whole."""
    job = fake.add_job(Listing(runs=(("ENDED", 100_000),)))
    page = client.list_sessions(**job)
    assert len(page["sessions"]) == 100
    assert len(job.listing) == 100_000
