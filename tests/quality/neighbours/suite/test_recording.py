"""pytest-recording watches the same calls, further down."""

from __future__ import annotations

from pathlib import Path

import farm
import pytest

HERE = Path(__file__).parent


@pytest.mark.vcr
def test_vcr(deadline_sessions, vcr):
    """Within a cassette the service answers, and nothing is recorded."""
    assert len(farm.first_page(farm.CLIENT, **deadline_sessions.add_job(sessions=2))) == 2
    assert vcr.play_count == 0
    assert len(vcr) == 0


@pytest.mark.block_network
def test_blocked(deadline_sessions):
    """With the network blocked the service answers."""
    assert len(farm.first_page(farm.CLIENT, **deadline_sessions.add_job(sessions=2))) == 2


def test_no_cassette():
    """No cassette was written."""
    assert not (HERE / "cassettes").exists()
