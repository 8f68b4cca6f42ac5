"""Helpers for the tests of all tracers: the calls to trace, and when tracing starts."""

from __future__ import annotations

import os
from unittest import mock

import boto3
import farm
from aiobotocore.session import get_session
from aiobotocore.stub import AioStubber
from moto import mock_aws

ORDER = os.environ["NEIGHBOURS_ORDER"]
CREDENTIALS = {
    "region_name": "us-west-2",
    "aws_access_key_id": "testing",
    "aws_secret_access_key": "testing",
}
# Some tracers read the metadata, which a Stubber does not add by itself.
STUBBED = {
    "Account": "123456789012",
    "ResponseMetadata": {
        "HTTPHeaders": {},
        "HTTPStatusCode": 200,
        "RequestId": "1",
        "RetryAttempts": 0,
    },
}


class Tracer:
    """Starts a tracer at import, before any service, or (``after``) inside the first test."""

    def __init__(self, start):
        self._start = start
        self._started = False
        if ORDER == "before":
            self.start()

    def start(self):
        """Start the tracer, unless it runs."""
        if not self._started:
            self._started = True
            self._start()


def botocore_calls(fake):
    """Call Deadline Cloud once with each kind of client, and STS once."""
    job = fake.add_job(sessions=2)
    for client in (farm.CLIENT, boto3.client("deadline"), fake.client()):
        assert len(farm.first_page(client, **job)) == 2
    with mock_aws():
        sts = boto3.client("sts", region_name="us-east-1")
        assert sts.get_caller_identity()["Account"] == "123456789012"
    assert [call.operation for call in fake.calls] == ["ListSessions"] * 3


async def aiobotocore_calls(fake):
    """The same with aiobotocore; a Stubber answers for STS."""
    job = fake.add_job(sessions=2)
    async with get_session().create_client("deadline") as client:
        assert len((await client.list_sessions(**job))["sessions"]) == 2
    async with fake.async_client() as client:
        assert len((await client.list_sessions(**job))["sessions"]) == 2
    async with get_session().create_client("sts", **CREDENTIALS) as sts:
        with AioStubber(sts) as stubber:
            stubber.add_response("get_caller_identity", STUBBED)
            assert (await sts.get_caller_identity())["Account"] == "123456789012"
    assert [call.operation for call in fake.calls] == ["ListSessions"] * 2


def other_service():
    """Call STS while our service is not active."""
    nothing = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    with mock_aws(), mock.patch.dict(os.environ, nothing):
        sts = boto3.client("sts", **CREDENTIALS)
        assert sts.get_caller_identity()["Account"] == "123456789012"
