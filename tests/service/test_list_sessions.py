"""ListSessions, called with a client of the fake."""

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
    """Return all pages of a listing."""
    pages = [client.list_sessions(**arguments)]
    while "nextToken" in pages[-1]:
        pages.append(client.list_sessions(**arguments, nextToken=pages[-1]["nextToken"]))
    return pages


def _refusal(client, **arguments):
    """Return the error response to a call."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        client.list_sessions(**arguments)
    return caught.value.response


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 201])
def test_pages_of_a_hundred_by_default(fake, client, count):
    """Without maxResults a page has up to 100 sessions; the last page has no token."""
    pages = _pages(client, **fake.add_job(sessions=count))
    assert [len(page["sessions"]) for page in pages] == (
        [100] * (count // 100) + [count % 100] * (count % 100 > 0) or [0]
    )


@pytest.mark.at_length
@given(count=st.integers(0, 30), max_results=st.integers(1, 12), page_size=st.integers(1, 12))
def test_page_sizes(count, max_results, page_size):
    """A page has at most ``maxResults`` and ``Behavior.page_size`` sessions.

    Every session is listed once.
    """
    fake = FakeDeadline(Behavior(page_size=page_size))
    job = fake.add_job(sessions=count)
    pages = _pages(fake.client(), **job, maxResults=max_results)
    size = min(max_results, page_size)
    assert len(pages) == max(math.ceil(count / size), 1)
    assert all(len(page["sessions"]) <= size for page in pages)
    assert _ids(session for page in pages for session in page["sessions"]) == _ids(job.listing)


@pytest.mark.parametrize(
    "sizes", [(0,), (1,), (0, 1), (1, 0), (0, 0), (2, 0, 0, 1), (100, 0, 100), (1,) * 12]
)
def test_page_sizes_of_a_listing(fake, client, sizes):
    """Pages have the sizes of the listing, empty pages included."""
    job = fake.add_job(Listing(page_sizes=sizes))
    pages = _pages(client, **job)
    assert tuple(len(page["sessions"]) for page in pages) == sizes
    assert _ids(session for page in pages for session in page["sessions"]) == _ids(job.listing)


def test_max_results_cuts_the_pages_of_a_listing_further(fake, client):
    """``maxResults`` splits the pages of a listing, and never joins them."""
    job = fake.add_job(Listing(page_sizes=(3, 0, 2)))
    pages = _pages(client, **job, maxResults=2)
    assert [len(page["sessions"]) for page in pages] == [2, 1, 0, 2]


@pytest.mark.parametrize("size", [1, 7, 100])
def test_the_paginator_gets_everything(fake, client, size):
    """Botocore's paginator gets the complete listing, whatever the page size."""
    job = fake.add_job(sessions=120)
    pages = client.get_paginator("list_sessions").paginate(
        **job, PaginationConfig={"PageSize": size}
    )
    assert _ids(pages.build_full_result()["sessions"]) == _ids(job.listing)


def test_resuming_the_paginator(fake, client):
    """Botocore's StartingToken continues where MaxItems stopped, in the middle of a page."""
    job = fake.add_job(Listing(page_sizes=(3, 3)))
    paginator = client.get_paginator("list_sessions")
    first = paginator.paginate(**job, PaginationConfig={"MaxItems": 4}).build_full_result()
    rest = paginator.paginate(
        **job, PaginationConfig={"StartingToken": first["NextToken"]}
    ).build_full_result()
    assert _ids([*first["sessions"], *rest["sessions"]]) == _ids(job.listing)


@pytest.mark.at_length
@given(listing=ds.listings(max_sessions=40))
def test_a_client_gets_the_summaries_of_a_listing(listing):
    """A client gets exactly the summaries of a listing, and they fit the service model."""
    fake = FakeDeadline()
    pages = _pages(fake.client(), **fake.add_job(listing))
    sessions = [session for page in pages for session in page["sessions"]]
    assert sessions == list(listing)
    assert validation.check_response({"sessions": sessions}) == []


@pytest.mark.at_length
@given(sessions=ds.session_lists())
def test_a_client_gets_given_summaries(sessions):
    """A client gets given summaries unchanged: times, fractions of a second, optional members."""
    fake = FakeDeadline(Behavior(order="given"))
    job = fake.add_job(sessions)
    assert fake.client().list_sessions(**job)["sessions"] == sessions


def test_the_order_of_sessions(fake, client):
    """Sessions are listed by ``startedAt``, or in the order given, as Behavior says."""
    newest_first = list(Listing(page_sizes=(3,), order="newest-first"))
    job = fake.add_job(newest_first)
    assert client.list_sessions(**job)["sessions"] == newest_first[::-1]
    fake.reset(Behavior(order="given"))
    job = fake.add_job(newest_first)
    assert client.list_sessions(**job)["sessions"] == newest_first


def test_tokens_of_two_pages_differ_and_stay_within_the_model(fake, client):
    """Each page has its own token, with characters that must be escaped in a URL."""
    tokens = [
        page["nextToken"]
        for page in _pages(client, **fake.add_job(Listing(page_sizes=(1,) * 20)))[:-1]
    ]
    assert len(set(tokens)) == 19
    assert {len(token) for token in tokens} == {80}
    assert all(set("+/%& =?#") <= set(token) for token in tokens)


@pytest.mark.parametrize("length", [48, 4096])
def test_tokens_of_any_length(length):
    """Tokens are as long as Behavior says, and lead to the next page."""
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
    """A token that differs from the one received gets a 400 ValidationException."""
    job = fake.add_job(Listing(page_sizes=(1, 1)))
    token = client.list_sessions(**job)["nextToken"]
    response = _refusal(client, **job, nextToken=spoil(token))
    assert response["Error"]["Code"] == "ValidationException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["reason"] == "FIELD_VALIDATION_FAILED"
    assert [field["name"] for field in response["fieldList"]] == ["nextToken"]


def test_tokens_of_other_jobs_are_refused(fake, client):
    """A token issued for one job is refused for another job."""
    job, other = (fake.add_job(Listing(page_sizes=(1, 1), first=first)) for first in (1, 10))
    token = client.list_sessions(**job)["nextToken"]
    assert _refusal(client, **other, nextToken=token)["Error"]["Code"] == "ValidationException"


def test_tokens_of_other_fakes_are_refused(client, fake):
    """A token issued by one fake is refused by another fake."""
    token = client.list_sessions(**fake.add_job(Listing(page_sizes=(1, 1))))["nextToken"]
    other = FakeDeadline()
    job = other.add_job(Listing(page_sizes=(1, 1)))
    response = _refusal(other.client(), **job, nextToken=token)
    assert response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize(("first", "then"), [(None, 1), (1, None), (1, 2)])
def test_changed_arguments_are_refused(fake, client, first, then):
    """A token with a different ``maxResults`` is refused, unless Behavior allows it."""
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
    """A token can be used twice, unless Behavior makes tokens single-use."""
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
    """A token of exactly 24 hours is accepted; one a microsecond older is refused."""
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
    """``Behavior.token_lifetime`` sets the age at which tokens expire."""
    fake = FakeDeadline(Behavior(token_lifetime=datetime.timedelta(minutes=5)))
    client = fake.client()
    job = fake.add_job(Listing(page_sizes=(1, 1)))
    token = client.list_sessions(**job)["nextToken"]
    fake.clock.advance(minutes=6)
    assert _refusal(client, **job, nextToken=token)["Error"]["Message"].endswith("expired.")


def test_expire_tokens(fake, client):
    """``expire_tokens`` expires the tokens issued so far, and none issued later."""
    job = fake.add_job(Listing(page_sizes=(1, 1)))
    token = client.list_sessions(**job)["nextToken"]
    fake.expire_tokens()
    assert _refusal(client, **job, nextToken=token)["Error"]["Message"].endswith("expired.")
    token = client.list_sessions(**job)["nextToken"]
    assert len(client.list_sessions(**job, nextToken=token)["sessions"]) == 1


def test_two_jobs_may_have_the_same_token():
    """With ``tokens_shared_by_jobs`` two jobs have the same token, and each gets its own page."""
    fake = FakeDeadline(Behavior(tokens_shared_by_jobs=True))
    client = fake.client()
    jobs = [fake.add_job(Listing(page_sizes=(1, 1), first=first)) for first in (1, 10)]
    tokens = [client.list_sessions(**job)["nextToken"] for job in jobs]
    assert tokens[0] == tokens[1]
    for job, token in zip(jobs, tokens, strict=True):
        page = client.list_sessions(**job, nextToken=token)
        assert page["sessions"] == [job.listing[1]]


def test_the_end_of_a_listing(fake, client):
    """The last page has no token, or null or an empty one if Behavior says so."""
    assert "nextToken" not in client.list_sessions(**fake.add_job(sessions=1))
    fake.reset(Behavior(null_final_token=True))
    assert "nextToken" not in client.list_sessions(**fake.add_job(sessions=1))
    assert fake.calls[0].response["nextToken"] is None
    fake.reset(Behavior(empty_final_token=True))
    assert client.list_sessions(**fake.add_job(sessions=1))["nextToken"] == ""


def test_an_empty_token_may_be_the_start():
    """With ``Behavior.empty_token_is_start`` an empty token requests the first page."""
    fake = FakeDeadline(Behavior(empty_token_is_start=True))
    job = fake.add_job(sessions=1)
    assert len(fake.client().list_sessions(**job, nextToken="")["sessions"]) == 1


@pytest.mark.parametrize("max_results", [101, 1000])
def test_max_results_over_a_hundred_is_refused_by_the_service(fake, client, max_results):
    """A ``maxResults`` over 100 passes botocore, and the service refuses it by name."""
    response = _refusal(client, **fake.add_job(), maxResults=max_results)
    assert response["reason"] == "FIELD_VALIDATION_FAILED"
    assert response["fieldList"] == [
        {"name": "maxResults", "message": f"{max_results} (expected 1..100)"}
    ]


def test_max_results_zero_is_refused_by_botocore(fake, client):
    """Botocore refuses ``maxResults=0`` without sending the call, which is recorded as not sent."""
    with pytest.raises(botocore.exceptions.ParamValidationError):
        client.list_sessions(**fake.add_job(), maxResults=0)
    (call,) = fake.calls
    assert not call.sent
    assert "valid min value: 1" in str(call)


def test_max_results_zero_is_refused_by_the_service_too(fake):
    """Without botocore's validation the service refuses ``maxResults=0``."""
    client = fake.client(parameter_validation=False)
    response = _refusal(client, **fake.add_job(), maxResults=0)
    assert response["fieldList"] == [{"name": "maxResults", "message": "0 (expected 1..100)"}]
    assert [call.sent for call in fake.calls] == [True]


@pytest.mark.parametrize("name", ["farmId", "queueId", "jobId"])
def test_malformed_ids_are_refused(fake, client, name):
    """The service refuses a malformed id, which botocore lets through."""
    job = {**fake.add_job(), name: "farm-1"}
    response = _refusal(client, **job)
    assert response["Error"]["Code"] == "ValidationException"
    assert [field["name"] for field in response["fieldList"]] == [name]


@pytest.mark.parametrize("name", ["farmId", "queueId", "jobId"])
def test_unknown_jobs_are_not_found(fake, client, name):
    """A job is not found unless all three ids match; Behavior can list no sessions instead."""
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
    """A client raises each modelled error with its code, status and members."""
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
    """``Behavior.retry_after_seconds`` adds Retry-After to the errors that the model has it for."""
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
def test_paging_while_the_listing_changes(sizes, changes, max_results):
    """Sessions that were there before paging are listed once, whatever changes meanwhile."""
    fake = FakeDeadline()
    client = fake.client()
    job = fake.add_job(Listing(page_sizes=tuple(sizes)))
    before = _ids(job.listing)
    session_ids, token, calls = [], {}, 0
    while True:
        page = client.list_sessions(**job, maxResults=max_results, **token)
        session_ids += _ids(page["sessions"])
        for number, change in changes:
            if number == calls:
                _change(job, change)
        calls += 1
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert [session_id for session_id in session_ids if session_id in before] == before
    assert len(set(session_ids)) == len(session_ids)


def _change(job, change):
    started = [session for session in job.sessions if session.status == "STARTED"]
    if change == "start":
        job.start_session()
    elif started:
        getattr(started[0], change)()


def test_large_listings_are_served_page_by_page(fake, client):
    """A client gets the first page of a listing of 100,000 sessions."""
    job = fake.add_job(Listing(runs=(("ENDED", 100_000),)))
    page = client.list_sessions(**job)
    assert len(page["sessions"]) == 100
    assert len(job.listing) == 100_000
