"""Fixtures named by parameters."""

from __future__ import annotations

import farm
import pytest
from pytest_lazy_fixtures import lf, lfc


@pytest.fixture
def small_job(deadline_sessions):
    """A fixture that requests the service and adds a job."""
    return deadline_sessions.add_job(sessions=2)


@pytest.mark.parametrize("fake", [lf("deadline_sessions")])
def test_the_service(fake):
    """The service itself may be a parameter."""
    assert len(farm.first_page(farm.CLIENT, **fake.add_job(sessions=2))) == 2


@pytest.mark.parametrize("job", [lf("small_job")])
def test_a_fixture_that_takes_it(job):
    """So may the value of a fixture that uses it."""
    assert len(farm.first_page(farm.CLIENT, **job)) == 2


@pytest.mark.parametrize("client", [lf("deadline_sessions_client")])
def test_a_client(deadline_sessions, client):
    """So may its client, while the service is an argument."""
    assert len(farm.first_page(client, **deadline_sessions.add_job(sessions=2))) == 2


@pytest.mark.parametrize("count", [lfc(len, lf("small_job"))])
def test_a_call(count):
    """So may the result of a function of a fixture."""
    assert count == 3


@pytest.fixture(params=[lf("small_job")])
def any_job(request):
    """A fixture whose parameter is a fixture."""
    return request.param


def test_a_parameter_of_a_fixture(any_job):
    """So may the parameter of a fixture."""
    assert len(farm.first_page(farm.CLIENT, **any_job)) == 2
