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
    """The service, and a function that returns the names of the spans."""
    TRACER.start()
    SPANS.clear()
    return deadline_sessions, lambda: [one.name.lower() for one in SPANS.get_finished_spans()]


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
    assert len(SPANS.get_finished_spans()) == 1
