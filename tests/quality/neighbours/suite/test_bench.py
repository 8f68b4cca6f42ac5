"""pytest-benchmark calls the code repeatedly."""

from __future__ import annotations

import farm


def test_page(benchmark, deadline_sessions):
    """Each round is answered and recorded."""
    job = deadline_sessions.add_job(sessions=2)
    found = benchmark.pedantic(farm.first_page, (farm.CLIENT,), dict(job), rounds=10)
    assert len(found) == 2
    assert len(deadline_sessions.calls) == 10


def test_listing(benchmark, deadline_sessions):
    """A benchmark that chooses its own number of rounds works too."""
    job = deadline_sessions.add_job(sessions=2)
    assert len(benchmark(farm.sessions_of, farm.CLIENT, **job)) == 2
