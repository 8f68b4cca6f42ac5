"""pytest-mock patches the same attributes as our interception."""

from __future__ import annotations

import botocore.client
import farm
import pytest

CALL = "_make_api_call"
ORIGINAL = vars(botocore.client.BaseClient)[CALL]


@pytest.fixture
def calls(mocker):
    """Spy on every call of botocore."""
    return mocker.spy(botocore.client.BaseClient, CALL)


def test_spy_last(deadline_sessions, calls):
    """A spy installed after the service sees the call, and the service answers it."""
    assert len(farm.first_page(farm.CLIENT, **deadline_sessions.add_job(sessions=2))) == 2
    assert calls.call_args.args[1] == "ListSessions"


def test_spy_first(calls, deadline_sessions):
    """So does a spy whose fixture is set up first."""
    assert len(farm.first_page(farm.CLIENT, **deadline_sessions.add_job(sessions=2))) == 2
    assert calls.call_args.args[1] == "ListSessions"


def test_nothing_is_left():
    """Both are gone when the test is over."""
    assert vars(botocore.client.BaseClient)[CALL] is ORIGINAL


def test_replaced(deadline_sessions, mocker):
    """A test that replaces the call gets the replacement's result."""
    job = deadline_sessions.add_job(sessions=2)
    mocker.patch.object(botocore.client.BaseClient, CALL, return_value={"sessions": []})
    assert farm.first_page(farm.CLIENT, **job) == []
    mocker.stopall()
    assert len(farm.first_page(farm.CLIENT, **job)) == 2


def test_patched_client(deadline_sessions, mocker):
    """A method of the client may be spied on."""
    spy = mocker.spy(farm.CLIENT, "list_sessions")
    farm.first_page(farm.CLIENT, **deadline_sessions.add_job(sessions=2))
    assert spy.spy_return["sessions"]


def test_patched_sleep(deadline_sessions, mocker):
    """A mock of ``time.sleep`` sees retries wait for 0 s."""
    sleep = mocker.patch("time.sleep")
    job = deadline_sessions.add_job(sessions=2)
    deadline_sessions.fail_next("ThrottlingException")
    assert len(farm.first_page(farm.CLIENT, **job)) == 2
    sleep.assert_called_once_with(0)
