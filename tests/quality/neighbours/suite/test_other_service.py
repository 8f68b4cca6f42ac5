"""Beside moto, which answers another service."""

from __future__ import annotations

import boto3
import farm
import pytest
from moto import mock_aws


@pytest.fixture
def mocked():
    """Moto, as a fixture."""
    with mock_aws():
        yield


def both_answer(fake):
    """Each answers its own service."""
    assert len(farm.first_page(farm.CLIENT, **fake.add_job(sessions=2))) == 2
    sts = boto3.client("sts", region_name="us-east-1")
    assert sts.get_caller_identity()["Account"] == "123456789012"
    assert [call.operation for call in fake.calls] == ["ListSessions"]


def test_moto_first(mocked, deadline_sessions):  # noqa: ARG001 (moto)
    """Moto's fixture may come before ours."""
    both_answer(deadline_sessions)


def test_moto_last(deadline_sessions, mocked):  # noqa: ARG001 (moto)
    """It may come after."""
    both_answer(deadline_sessions)


@mock_aws
def test_moto_as_a_decorator(deadline_sessions):
    """A test may be decorated."""
    both_answer(deadline_sessions)
