"""Beside responses, which answers the requests library."""

from __future__ import annotations

import farm
import pytest
import requests
import responses

URL = "https://renders.example/api"


def both_answer(fake):
    """Each answers its own calls."""
    responses.get(URL, json={"ok": True})
    assert requests.get(URL, timeout=1).json() == {"ok": True}
    assert len(farm.first_page(farm.CLIENT, **fake.add_job(sessions=2))) == 2
    assert [call.request.url for call in responses.calls] == [URL]


@responses.activate
def test_decorator(deadline_sessions):
    """A test may be decorated."""
    both_answer(deadline_sessions)


@pytest.fixture
def mocked():
    """Answer everything that requests sends."""
    with responses.RequestsMock() as mock:
        mock.get(URL, json={"ok": True})
        yield mock


def test_fixture(mocked, deadline_sessions):
    """The fixture of responses may be set up first."""
    assert requests.get(URL, timeout=1).json() == {"ok": True}
    assert len(farm.first_page(farm.CLIENT, **deadline_sessions.add_job(sessions=2))) == 2
    assert len(mocked.calls) == 1
