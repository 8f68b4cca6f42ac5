"""pytest-recording intercepts the same calls, at a lower level."""

from __future__ import annotations

from pathlib import Path

import farm
import pytest

HERE = Path(__file__).parent


@pytest.mark.vcr
def test_vcr(deadline_sessions, vcr):
    """Inside a cassette the service answers, and nothing is recorded."""
    assert len(farm.first_page(farm.CLIENT, **deadline_sessions.add_job(sessions=2))) == 2
    assert vcr.play_count == 0
    assert len(vcr) == 0


@pytest.mark.block_network
def test_blocked(deadline_sessions):
    """The service answers while the network is blocked."""
    assert len(farm.first_page(farm.CLIENT, **deadline_sessions.add_job(sessions=2))) == 2


def test_no_cassette():
    """No cassette was written."""
    assert not (HERE / "cassettes").exists()
