"""Steps take the service by name, which no argument of the test tells."""

from __future__ import annotations

import farm
from pytest_bdd import given, parsers, scenario, then, when


@scenario("sessions.feature", "A step takes the service")
def test_step_takes_the_service():
    """A service that only a step takes answers."""


@scenario("sessions.feature", "A scenario starts with an empty service")
def test_outline():
    """Each example of an outline starts empty."""


@scenario("sessions.feature", "The test takes the service")
def test_takes_the_service(deadline_sessions):
    """The test and its steps share one service."""
    assert len(deadline_sessions.calls) == 1


@given("there is no job")
def no_job(deadline_sessions):
    """Nobody has added one."""
    assert deadline_sessions.jobs == []


@given(parsers.parse("a job with {count:d} sessions"), target_fixture="job")
def job(deadline_sessions, count):
    """A job."""
    return deadline_sessions.add_job(sessions=count)


@when("I list its sessions", target_fixture="found")
def found(job):
    """What the code under test finds."""
    return farm.sessions_of(farm.CLIENT, **job)


@then(parsers.parse("there are {count:d} sessions"))
def there_are(found, count):
    """All of them."""
    assert len(found) == count
