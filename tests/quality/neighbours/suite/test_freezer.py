"""The service follows pytest-freezer."""

from __future__ import annotations

import datetime

import farm
import pytest

from pytest_deadline_sessions import Listing


@pytest.mark.freeze_time("2030-01-01")
def test_mark(deadline_sessions):
    """If the mark freezes time, the service has that time."""
    session = deadline_sessions.add_job().start_session()
    assert session.summary["startedAt"].isoformat() == "2030-01-01T00:00:00+00:00"


def test_fixture(deadline_sessions, freezer):
    """A token expires when ``freezer`` moves time."""
    job = deadline_sessions.add_job(Listing(page_sizes=(1, 1)))
    token = farm.CLIENT.list_sessions(**job)["nextToken"]
    freezer.tick(datetime.timedelta(hours=25))
    with pytest.raises(farm.CLIENT.exceptions.ValidationException, match="expired"):
        farm.CLIENT.list_sessions(**job, nextToken=token)


def test_first(freezer, deadline_sessions):
    """``freezer`` may be requested first, and may move time back."""
    freezer.move_to("2020-01-01")
    assert deadline_sessions.clock.now().year == 2020


def test_freeze_within(freezer, deadline_sessions):
    """After an inner ``clock.freeze``, the time of ``freezer`` is back."""
    freezer.move_to("2020-01-01")
    with deadline_sessions.clock.freeze("2030-01-01"):
        assert deadline_sessions.clock.now().year == 2030
    assert deadline_sessions.clock.now().year == 2020
