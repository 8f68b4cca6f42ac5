"""The functions of the vendor's ``deadline`` package that list sessions, with their signatures."""

from __future__ import annotations

import datetime

import pytest

from pytest_deadline_sessions import PaginationViolation, check_pagination

pytest.importorskip("deadline.client.cli._groups._batch_get", reason="needs deadline>=0.60")

from deadline.client.api import _mcp, _session
from deadline.client.cli._groups import _trace_schedule
from deadline.client.cli._incremental_download import (
    _retrieve_sessions_for_job,
)

LONG_AGO = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """Keep the package from the user's files and from clients of other tests; no telemetry."""
    for name, value in {
        "HOME": tmp_path,
        "DEADLINE_CONFIG_FILE_PATH": tmp_path / "config",
        "DEADLINE_CLOUD_TELEMETRY_OPT_OUT": "true",
        "AWS_DEFAULT_REGION": "us-west-2",
    }.items():
        monkeypatch.setenv(name, str(value))
    _forget()
    yield
    _forget()


def _forget():
    _session.invalidate_boto3_session_cache()
    _session.get_session_client.cache_clear()


def by_ids(collect, client, job):
    """Call a function that takes the ids by position."""
    return collect(client, job["farmId"], job["queueId"], job["jobId"])


def ids_alone(collect, _client, job):
    """Call a function that makes its own client."""
    return collect(**job)


def into_a_dict(collect, client, job):
    """Call a function that puts the sessions of a job into a dict."""
    found = {}
    collect(client, job["farmId"], job["queueId"], job["jobId"], LONG_AGO, found)
    return found.get(job["jobId"], [])


@pytest.mark.parametrize(
    ("collect", "options"),
    [
        (_mcp.list_sessions, {"call": ids_alone}),
        (_retrieve_sessions_for_job, {"call": into_a_dict}),
        # It sorts the sessions by their start.
        (_trace_schedule._get_all_sessions, {"call": by_ids, "ordered": False}),
    ],
)
def test_the_collectors_of_the_vendor(collect, options):
    """A function of the vendor keeps the contract, called with its own signature."""
    check_pagination(collect, **options, without=["volume"], max_examples=5)


def test_the_signature_of_a_vendors_function():
    """A function with the vendor's signature is refused, with a ``call=`` that suits it."""
    with pytest.raises(TypeError) as caught:
        check_pagination(_trace_schedule._get_all_sessions)
    assert str(caught.value).endswith(
        "pass call=lambda collect, client, job: "
        'collect(client, job["farmId"], job["queueId"], job["jobId"]))'
    )


def test_an_order_of_its_own():
    """The report says how to allow the order in which the vendor's function sorts."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(_trace_schedule._get_all_sessions, call=by_ids)
    assert "pass ordered=False if order does not matter" in caught.value.finding.what
    assert "sorts" in caught.value.finding.cause
