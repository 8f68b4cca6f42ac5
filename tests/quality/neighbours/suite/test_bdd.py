"""Steps request the service by name; the test's own arguments do not show it."""

from __future__ import annotations

import farm
from pytest_bdd import given, parsers, scenario, then, when


@scenario("sessions.feature", "A step requests the service")
def test_step_takes_the_service():
    """A service that only a step requests answers."""


@scenario("sessions.feature", "A scenario starts with an empty service")
def test_outline():
    """Each example of an outline starts empty."""


@scenario("sessions.feature", "The test requests the service")
def test_takes_the_service(deadline_sessions):
    """The test and its steps share one service."""
    assert len(deadline_sessions.calls) == 1


@given("there is no job")
def no_job(deadline_sessions):
    """No job has been added."""
    assert deadline_sessions.jobs == []


@given(parsers.parse("a job with {count:d} sessions"), target_fixture="job")
def job(deadline_sessions, count):
    """Add a job."""
    return deadline_sessions.add_job(sessions=count)


@when("I list its sessions", target_fixture="found")
def found(job):
    """Run the code under test."""
    return farm.sessions_of(farm.CLIENT, **job)


@then(parsers.parse("there are {count:d} sessions"))
def there_are(found, count):
    """Every session was listed."""
    assert len(found) == count
