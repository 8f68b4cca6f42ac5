import pytest

from pytest_deadline_sessions import ListSessionsStubber
from pytest_deadline_sessions._transport import client_factory


@pytest.fixture
def stubber():
    """An active stubber."""
    with ListSessionsStubber(client_factory.client()) as active:
        yield active
