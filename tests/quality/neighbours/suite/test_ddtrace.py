"""Beside Datadog's tracer."""

from __future__ import annotations

import asyncio

import ddtrace
import pytest
from ddtrace.trace import TraceFilter, tracer
from tracing import Tracer, aiobotocore_calls, botocore_calls, other_service

SPANS = []


class _Kept(TraceFilter):
    """Keeps what is to be sent, and sends nothing."""

    def process_trace(self, trace):
        """Keep it."""
        SPANS.extend(one.resource for one in trace)


tracer.configure(trace_processors=[_Kept()])
TRACER = Tracer(lambda: ddtrace.patch(botocore=True, aiobotocore=True))


@pytest.fixture
def traced(deadline_sessions):
    """What the spans name that calls leave."""
    TRACER.start()
    SPANS.clear()
    return deadline_sessions, lambda: SPANS


@pytest.mark.parametrize("attempt", [1, 2])
def test_botocore(traced, attempt):  # noqa: ARG001 (the second finds the tracer there)
    """Each call is answered and traced once, of Deadline Cloud and of another service."""
    fake, spans = traced
    botocore_calls(fake)
    assert spans() == ["deadline.listsessions"] * 3 + ["sts.getcalleridentity"]


def test_aiobotocore(traced):
    """So it is with aiobotocore."""
    fake, spans = traced
    asyncio.run(aiobotocore_calls(fake))
    assert spans() == ["deadline.listsessions"] * 2 + ["sts.getcalleridentity"]


def test_without_the_service():
    """Tests that do without the service are traced as before."""
    TRACER.start()
    SPANS.clear()
    other_service()
    assert SPANS == ["sts.getcalleridentity"]
