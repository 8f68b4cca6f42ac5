"""Fixtures of the tests of the service."""

from __future__ import annotations

import pytest

from pytest_deadline_sessions import FakeDeadline


@pytest.fixture
def fake():
    """A fake that intercepts nothing."""
    return FakeDeadline()


@pytest.fixture
def client(fake):
    """A client of the fake."""
    return fake.client()
