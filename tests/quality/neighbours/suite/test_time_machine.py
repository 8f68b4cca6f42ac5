"""The service follows time-machine."""

from __future__ import annotations

import datetime

import farm
import pytest
import time_machine

from pytest_deadline_sessions import Listing

NEW_YEAR = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)


@pytest.mark.time_machine(NEW_YEAR, tick=False)
def test_mark(deadline_sessions):
    """If the mark moves time, the service has that time."""
    session = deadline_sessions.add_job().start_session()
    assert session.summary["startedAt"] == NEW_YEAR


def test_fixture(deadline_sessions, time_machine):
    """A token expires when the fixture moves time."""
    time_machine.move_to(NEW_YEAR)
    job = deadline_sessions.add_job(Listing(page_sizes=(1, 1)))
    token = farm.CLIENT.list_sessions(**job)["nextToken"]
    time_machine.move_to(NEW_YEAR + datetime.timedelta(hours=25))
    with pytest.raises(farm.CLIENT.exceptions.ValidationException, match="expired"):
        farm.CLIENT.list_sessions(**job, nextToken=token)


@time_machine.travel(NEW_YEAR, tick=False)
def test_decorator(deadline_sessions):
    """A test may be decorated."""
    assert deadline_sessions.clock.now() == NEW_YEAR
    assert len(farm.first_page(farm.CLIENT, **deadline_sessions.add_job(sessions=2))) == 2
