"""Beside the X-Ray SDK."""

from __future__ import annotations

import asyncio

import pytest
from aws_xray_sdk.core import patch, xray_recorder
from tracing import Tracer, aiobotocore_calls, botocore_calls, other_service


class _Nowhere:
    """Drops segments instead of sending them."""

    def send_entity(self, entity):
        """Drop the segment."""

    def set_daemon_address(self, address):
        """Ignore the address."""


xray_recorder.configure(
    service="farm", sampling=False, context_missing="IGNORE_ERROR", emitter=_Nowhere()
)
TRACER = Tracer(lambda: patch(["botocore", "aiobotocore"]))


@pytest.fixture
def traced(deadline_sessions):
    """The service, and a function that returns the name and operation of each segment."""
    TRACER.start()
    segment = xray_recorder.begin_segment("test")
    yield (
        deadline_sessions,
        lambda: [(one.name, one.aws["operation"]) for one in segment.subsegments],
    )
    xray_recorder.end_segment()


@pytest.mark.parametrize("attempt", [1, 2])
def test_botocore(traced, attempt):  # noqa: ARG001 (the second attempt finds the tracer installed)
    """Each call is answered and traced once, to Deadline Cloud and to another service."""
    fake, spans = traced
    botocore_calls(fake)
    assert spans() == [("deadline", "ListSessions")] * 3 + [("sts", "GetCallerIdentity")]


def test_aiobotocore(traced):
    """The same holds for aiobotocore."""
    fake, spans = traced
    asyncio.run(aiobotocore_calls(fake))
    assert spans() == [("deadline", "ListSessions")] * 2 + [("sts", "GetCallerIdentity")]


def test_without_the_service():
    """Tests that do not use our service are traced as usual."""
    TRACER.start()
    with xray_recorder.in_segment("test") as segment:
        other_service()
    assert [one.name for one in segment.subsegments] == ["sts"]
