"""Beside responses, which answers what requests sends."""

from __future__ import annotations

import farm
import pytest
import requests
import responses

URL = "https://renders.example/api"


def both_answer(fake):
    """Each answers its own."""
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
    """All that requests sends is answered by hand."""
    with responses.RequestsMock() as mock:
        mock.get(URL, json={"ok": True})
        yield mock


def test_fixture(mocked, deadline_sessions):
    """A fixture may come first."""
    assert requests.get(URL, timeout=1).json() == {"ok": True}
    assert len(farm.first_page(farm.CLIENT, **deadline_sessions.add_job(sessions=2))) == 2
    assert len(mocked.calls) == 1
