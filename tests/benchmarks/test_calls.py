"""What one call costs: the fake beside botocore's Stubber and beside a bare canned handler."""

from __future__ import annotations

import io
import json

import botocore.awsrequest
import pytest
from botocore.stub import Stubber

from pytest_deadline_sessions import FakeDeadline, Listing
from pytest_deadline_sessions._transport import client_factory

JOB = dict(FakeDeadline().add_job())
SIZES = [0, 10, 100]


def _summaries(size):
    return list(Listing(page_sizes=(size,)))


def _canned(size, *, fast_timestamps):
    """A client whose every request gets the same bytes, and nothing is checked."""
    client = client_factory.client(fast_timestamps=fast_timestamps)
    body = json.dumps({"sessions": _summaries(size)}, default=lambda at: f"{at:%FT%TZ}").encode()

    class Raw(io.BytesIO):
        def stream(self):
            yield self.read()

    def answer(request, **_):
        return botocore.awsrequest.AWSResponse(request.url, 200, {}, Raw(body))

    client.meta.events.register("before-send.deadline", answer)
    return client


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("way", ["Stubber", "fake", "canned", "canned, dateutil"])
def test_one_page(benchmark, way, size):
    """One call of ``list_sessions``."""
    benchmark.group = f"a page of {size} sessions"
    if way == "Stubber":
        client = client_factory.client()
        response = {"sessions": _summaries(size)}
        stubber = Stubber(client)
        stubber.activate()

        def call():
            stubber.add_response("list_sessions", response, JOB)
            return client.list_sessions(**JOB)

    elif way == "fake":
        fake = FakeDeadline()
        job = dict(fake.add_job(Listing(page_sizes=(size,))))
        client = fake.client()

        def call():
            return client.list_sessions(**job)

    else:
        client = _canned(size, fast_timestamps=way == "canned")

        def call():
            return client.list_sessions(**JOB)

    assert len(benchmark(call)["sessions"]) == size


@pytest.mark.parametrize("count", [10, 1000, 100_000])
def test_a_whole_listing(benchmark, count):
    """Paging through it; divide by the number of sessions for the cost of one."""
    benchmark.group = "a listing, per session: see extra_info"
    fake = FakeDeadline()
    job = fake.add_job(Listing(runs=(("ENDED", count),)))
    client = fake.client()

    def collect():
        fake.calls.clear()
        pages = client.get_paginator("list_sessions").paginate(**job)
        return sum(len(page["sessions"]) for page in pages)

    rounds = 1 if count > 10_000 else 10
    assert benchmark.pedantic(collect, rounds=rounds, warmup_rounds=1) == count
    per_session = benchmark.stats.stats.min / count
    benchmark.extra_info["microseconds per session"] = round(per_session * 1e6, 2)
    print(f"\n{count} sessions: {per_session * 1e6:.2f} µs per session")
