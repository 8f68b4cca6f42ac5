"""Interception together with moto: each answers its own services."""

from __future__ import annotations

import os
import unittest.mock

import boto3
import pytest

from pytest_deadline_sessions import FakeDeadline

moto = pytest.importorskip("moto")


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch):
    """Outside an interception, clients read no configuration file of this machine."""
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)


def _both_answer(fake):
    job = fake.add_job(sessions=2)
    assert len(boto3.client("deadline").list_sessions(**job)["sessions"]) == 2
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="renders")
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["renders"]
    assert [call.operation for call in fake.calls] == ["ListSessions"]


def test_moto_inside():
    """With moto started inside an interception, each answers its own services."""
    with FakeDeadline() as fake, moto.mock_aws():
        _both_answer(fake)


def test_moto_outside():
    """With moto started before an interception, each answers its own services."""
    with moto.mock_aws(), FakeDeadline() as fake:
        _both_answer(fake)


def test_moto_as_a_decorator(deadline_sessions):
    """A test may use the fixture and moto's decorator together."""
    moto.mock_aws(_both_answer)(deadline_sessions)


def test_an_attached_client_under_moto():
    """The fake answers its own client while moto is active."""
    fake = FakeDeadline()
    with moto.mock_aws():
        assert fake.client().list_sessions(**fake.add_job())["sessions"] == []


def test_moto_outlives_the_interception():
    """Moto started inside an interception keeps answering after the interception has ended."""
    mock = moto.mock_aws()
    # Moto ends later, and restores the environment that it found when it started.
    with unittest.mock.patch.dict(os.environ):
        with FakeDeadline():
            mock.start()
        assert boto3.client("s3", region_name="us-east-1").list_buckets()["Buckets"] == []
        mock.stop()


def test_moto_ends_first_and_last():
    """Moto and the interception may end in either order; the other one keeps answering."""
    mock = moto.mock_aws()
    with FakeDeadline() as fake:
        mock.start()
        _both_answer(fake)
        mock.stop()
        boto3.client("deadline").list_sessions(**fake.add_job())
    mock.start()
    with FakeDeadline() as fake:
        _both_answer(fake)
    assert boto3.client("s3", region_name="us-east-1").list_buckets()["Buckets"]
    mock.stop()
