"""Beside Datadog's tracer."""

from __future__ import annotations

import asyncio

import ddtrace
import pytest
from ddtrace.trace import TraceFilter, tracer
from tracing import Tracer, aiobotocore_calls, botocore_calls, other_service

SPANS = []


class _Kept(TraceFilter):
    """Collects spans instead of sending them."""

    def process_trace(self, trace):
        """Keep the spans."""
        SPANS.extend(one.resource for one in trace)


tracer.configure(trace_processors=[_Kept()])
TRACER = Tracer(lambda: ddtrace.patch(botocore=True, aiobotocore=True))


@pytest.fixture
def traced(deadline_sessions):
    """The service, and a function that returns the resource of each span."""
    TRACER.start()
    SPANS.clear()
    return deadline_sessions, lambda: SPANS


@pytest.mark.parametrize("attempt", [1, 2])
def test_botocore(traced, attempt):  # noqa: ARG001 (the second attempt finds the tracer installed)
    """Each call is answered and traced once, to Deadline Cloud and to another service."""
    fake, spans = traced
    botocore_calls(fake)
    assert spans() == ["deadline.listsessions"] * 3 + ["sts.getcalleridentity"]


def test_aiobotocore(traced):
    """The same holds for aiobotocore."""
    fake, spans = traced
    asyncio.run(aiobotocore_calls(fake))
    assert spans() == ["deadline.listsessions"] * 2 + ["sts.getcalleridentity"]


def test_without_the_service():
    """Tests that do not use our service are traced as usual."""
    TRACER.start()
    SPANS.clear()
    other_service()
    assert SPANS == ["sts.getcalleridentity"]
