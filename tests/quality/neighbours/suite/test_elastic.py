"""Beside Elastic's agent."""

from __future__ import annotations

import asyncio

import elasticapm
import pytest
from elasticapm.transport.base import Transport
from tracing import Tracer, aiobotocore_calls, botocore_calls, other_service

SPANS = []


class Kept(Transport):
    """Collects spans instead of sending them."""

    def queue(self, event_type, data, flush=False):  # noqa: ARG002 (the agent's signature)
        """Keep spans."""
        if event_type == "span":
            SPANS.append(data["name"])

    def start_thread(self, pid=None):
        """Start no thread."""


CLIENT = elasticapm.Client(
    service_name="farm",
    transport_class="test_elastic.Kept",
    central_config=False,
    cloud_provider="none",
    metrics_interval="0ms",
    # Otherwise the agent merges several calls into one span.
    span_compression_enabled=False,
)
TRACER = Tracer(elasticapm.instrument)


@pytest.fixture
def traced(deadline_sessions):
    """The service, and a function that returns the names of the spans."""
    TRACER.start()
    SPANS.clear()
    CLIENT.begin_transaction("test")
    yield deadline_sessions, lambda: SPANS
    CLIENT.end_transaction("test")


@pytest.mark.parametrize("attempt", [1, 2])
def test_botocore(traced, attempt):  # noqa: ARG001 (the second attempt finds the tracer installed)
    """Each call is answered and traced once, to Deadline Cloud and to another service."""
    fake, spans = traced
    botocore_calls(fake)
    assert spans() == ["deadline:ListSessions"] * 3 + ["STS:GetCallerIdentity"]


def test_aiobotocore(traced):
    """The same holds for aiobotocore."""
    fake, spans = traced
    asyncio.run(aiobotocore_calls(fake))
    assert spans() == ["deadline:ListSessions"] * 2 + ["STS:GetCallerIdentity"]


def test_without_the_service():
    """Tests that do not use our service are traced as usual."""
    TRACER.start()
    SPANS.clear()
    CLIENT.begin_transaction("test")
    other_service()
    CLIENT.end_transaction("test")
    assert SPANS == ["STS:GetCallerIdentity"]
