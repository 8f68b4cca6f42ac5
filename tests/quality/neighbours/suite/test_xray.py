"""Beside the X-Ray SDK."""

from __future__ import annotations

import asyncio

import pytest
from aws_xray_sdk.core import patch, xray_recorder
from tracing import Tracer, aiobotocore_calls, botocore_calls, other_service


class _Nowhere:
    """Takes segments and sends them nowhere."""

    def send_entity(self, entity):
        """Drop it."""

    def set_daemon_address(self, address):
        """There is none."""


xray_recorder.configure(
    service="farm", sampling=False, context_missing="IGNORE_ERROR", emitter=_Nowhere()
)
TRACER = Tracer(lambda: patch(["botocore", "aiobotocore"]))


@pytest.fixture
def traced(deadline_sessions):
    """The names and operations of the segments that calls leave."""
    TRACER.start()
    segment = xray_recorder.begin_segment("test")
    yield (
        deadline_sessions,
        lambda: [(one.name, one.aws["operation"]) for one in segment.subsegments],
    )
    xray_recorder.end_segment()


@pytest.mark.parametrize("attempt", [1, 2])
def test_botocore(traced, attempt):  # noqa: ARG001 (the second finds the tracer there)
    """Each call is answered and traced once, of Deadline Cloud and of another service."""
    fake, spans = traced
    botocore_calls(fake)
    assert spans() == [("deadline", "ListSessions")] * 3 + [("sts", "GetCallerIdentity")]


def test_aiobotocore(traced):
    """So it is with aiobotocore."""
    fake, spans = traced
    asyncio.run(aiobotocore_calls(fake))
    assert spans() == [("deadline", "ListSessions")] * 2 + [("sts", "GetCallerIdentity")]


def test_without_the_service():
    """Tests that do without the service are traced as before."""
    TRACER.start()
    with xray_recorder.in_segment("test") as segment:
        other_service()
    assert [one.name for one in segment.subsegments] == ["sts"]
