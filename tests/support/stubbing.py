"""Helpers for tests of ``ListSessionsStubber``."""

from __future__ import annotations

from pytest_deadline_sessions import Listing, ListSessionsStubber
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._transport import client_factory

FARM = {"farmId": model.make_id("FarmId", 7)}
OTHER_JOB = {
    **FARM,
    "queueId": model.make_id("QueueId", 8),
    "jobId": model.make_id("JobId", 9),
}
JOB_TEXT = "farmId=farm-0000…0001, queueId=queue-0000…0001, jobId=job-0000…0001"
LISTED = "Error getting response stub for operation ListSessions: "
NO_CALL = """\
           expected  received
≠ farmId   no call   'farm-00000000000000000000000000000001'
≠ queueId  no call   'queue-00000000000000000000000000000001'
≠ jobId    no call   'job-00000000000000000000000000000001'

"""
EVERY = (
    "Every call needs its own response: "
    "add_pages, add_listing, add_fault, add_expired_token or add_response."
)


def summaries(count, first=1):
    """Make valid summaries."""
    return list(Listing(page_sizes=(count,), first=first))


def first_token():
    """The token that every stubber issues first."""
    other = ListSessionsStubber(client_factory.client())
    other.add_pages([[]], more=True)
    assert other.next_token is not None
    return other.next_token


def text_of(error):
    """The message of a caught failure."""
    return str(error.value)
