"""Beside OpenTelemetry's instrumentation of botocore."""

from __future__ import annotations

import asyncio

import pytest
from opentelemetry.instrumentation.botocore import AiobotocoreInstrumentor, BotocoreInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tracing import Tracer, aiobotocore_calls, botocore_calls, other_service

SPANS = InMemorySpanExporter()
PROVIDER = TracerProvider()
PROVIDER.add_span_processor(SimpleSpanProcessor(SPANS))


def start():
    """Instrument both kinds of clients."""
    BotocoreInstrumentor().instrument(tracer_provider=PROVIDER)
    AiobotocoreInstrumentor().instrument(tracer_provider=PROVIDER)


TRACER = Tracer(start)


@pytest.fixture
def traced(deadline_sessions):
    """The names of the spans that calls leave."""
    TRACER.start()
    SPANS.clear()
    return deadline_sessions, lambda: [one.name.lower() for one in SPANS.get_finished_spans()]


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
    assert len(SPANS.get_finished_spans()) == 1
