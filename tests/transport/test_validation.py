"""Each call is validated once, and calls refused by botocore's validation are recorded."""

from __future__ import annotations

import asyncio

import boto3
import botocore.exceptions
import pytest
from botocore.validate import ParamValidator

from pytest_deadline_sessions import FakeDeadline


@pytest.fixture
def validations(monkeypatch):
    """The names of the input shapes that have been validated."""
    seen = []
    validate = ParamValidator.validate

    def counted(self, params, shape):
        seen.append(shape.name)
        return validate(self, params, shape)

    monkeypatch.setattr(ParamValidator, "validate", counted)
    return seen


@pytest.fixture
def fake():
    """A fake whose interception is active, with one job."""
    with FakeDeadline() as fake:
        fake.add_job(sessions=1)
        yield fake


@pytest.fixture(params=["attached", "intercepted"])
def client(request, fake):
    """A client of the fake, either attached or intercepted."""
    return fake.client() if request.param == "attached" else boto3.client("deadline")


def test_a_valid_call(fake, client, validations):
    """A valid call is validated once."""
    client.list_sessions(**fake.jobs[0])
    assert validations == ["ListSessionsRequest"]


@pytest.mark.parametrize(
    "act",
    [
        lambda client, job: client.list_sessions(**job, maxResults=0),
        lambda client, job: client.generate_presigned_url(
            "list_sessions", Params={**job, "maxResults": 0}
        ),
    ],
    ids=["call", "presigned URL"],
)
def test_an_invalid_call(fake, client, validations, act):
    """An invalid call is validated once, and recorded with its parameters and the error message."""
    with pytest.raises(botocore.exceptions.ParamValidationError) as caught:
        act(client, fake.jobs[0])
    assert validations == ["ListSessionsRequest"]
    (call,) = fake.calls
    assert (call.operation, call.params) == ("ListSessions", {**fake.jobs[0], "maxResults": 0})
    assert (call.sent, call.message) == (False, caught.value.kwargs["report"])


def test_an_async_client(fake, validations):
    """An async client's calls are validated once, and recorded if they are invalid."""
    pytest.importorskip("aiobotocore")

    async def act():
        async with fake.async_client() as client:
            await client.list_sessions(**fake.jobs[0])
            with pytest.raises(botocore.exceptions.ParamValidationError):
                await client.list_sessions(**fake.jobs[0], maxResults=0)

    asyncio.run(act())
    assert validations == ["ListSessionsRequest"] * 2
    assert [call.sent for call in fake.calls] == [True, False]


def test_parameters_changed_by_event_handlers(fake, client):
    """A refused call is recorded with its parameters as event handlers have changed them."""

    def spoil(params, **_):
        params["maxResults"] = 0

    client.meta.events.register("before-parameter-build.deadline.ListSessions", spoil)
    with pytest.raises(botocore.exceptions.ParamValidationError):
        client.list_sessions(**fake.jobs[0])
    (call,) = fake.calls
    assert (call.params["maxResults"], call.sent) == (0, False)


def test_a_detached_client_is_restored():
    """Detaching restores a client's events and serializer."""
    client = boto3.client("deadline", region_name="us-west-2")
    owners = (client.meta.events, client._serializer)
    before = [dict(vars(owner)) for owner in owners]
    with FakeDeadline().attach(client):
        assert [dict(vars(owner)) for owner in owners] != before
    assert [dict(vars(owner)) for owner in owners] == before
