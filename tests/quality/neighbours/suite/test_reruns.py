"""Each test fails once, and must pass when it is rerun."""

from __future__ import annotations

import collections

import boto3
import farm
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_deadline_sessions import Listing

JOB = {"farmId": "farm-" + "1" * 32, "queueId": "queue-" + "2" * 32, "jobId": "job-" + "3" * 32}
SESSIONS = Listing(page_sizes=(2,))
ATTEMPTS = collections.Counter()


def second_attempt(name):
    """Whether this is not the first attempt of a test."""
    ATTEMPTS[name] += 1
    return ATTEMPTS[name] > 1


def test_client_at_import(deadline_sessions):
    """The rerun starts with an empty service that answers."""
    assert deadline_sessions.jobs == []
    assert len(farm.first_page(farm.CLIENT, **deadline_sessions.add_job(SESSIONS))) == 2
    assert len(deadline_sessions.calls) == 1
    assert second_attempt("import")


def test_new_client(deadline_sessions):
    """The service answers a new client too."""
    job = deadline_sessions.add_job(SESSIONS)
    assert len(farm.first_page(boto3.client("deadline"), **job)) == 2
    assert second_attempt("new")


def test_client_fixture(deadline_sessions, deadline_sessions_client):
    """The service answers the client of a fixture too."""
    job = deadline_sessions.add_job(SESSIONS)
    assert len(farm.first_page(deadline_sessions_client, **job)) == 2
    assert second_attempt("fixture")


@pytest.mark.deadline_sessions(page_size=1)
def test_marker(deadline_sessions):
    """The marker takes effect again."""
    assert len(farm.first_page(farm.CLIENT, **deadline_sessions.add_job(sessions=2))) == 1
    assert second_attempt("marker")


def test_stubber(list_sessions_stubber):
    """The stubber starts with no responses."""
    list_sessions_stubber.add_pages([[]], **JOB)
    assert farm.sessions_of(list_sessions_stubber.client, **JOB) == []
    assert second_attempt("stubber")


@given(st.integers())
def test_given(deadline_sessions, number):  # noqa: ARG001 (many examples)
    """Every example starts empty in every attempt."""
    assert deadline_sessions.jobs == []
    assert len(farm.first_page(farm.CLIENT, **deadline_sessions.add_job(SESSIONS))) == 2
    assert second_attempt("given")


@pytest.fixture
def breaks_once():
    """A fixture that fails the first time."""
    assert second_attempt("setup")


def test_setup(deadline_sessions, breaks_once):  # noqa: ARG001 (its set-up fails)
    """A test whose set-up failed gets a working service once set-up succeeds."""
    assert len(farm.first_page(farm.CLIENT, **deadline_sessions.add_job(SESSIONS))) == 2
