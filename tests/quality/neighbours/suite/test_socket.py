"""pytest-socket forbids sockets in every test without a mark."""

from __future__ import annotations

import socket

import boto3
import farm
import pytest
from pytest_socket import SocketBlockedError


def test_blocked(deadline_sessions):
    """The service answers botocore without sockets."""
    with pytest.raises(SocketBlockedError):
        socket.socket()
    job = deadline_sessions.add_job(sessions=2)
    assert len(farm.first_page(farm.CLIENT, **job)) == 2
    assert len(farm.first_page(boto3.client("deadline"), **job)) == 2


def test_freeze_later(deadline_sessions):
    """A first ``clock.freeze`` works without sockets, and calls inside it do too."""
    with deadline_sessions.clock.freeze("2030-01-01"):
        assert len(farm.first_page(farm.CLIENT, **deadline_sessions.add_job(sessions=2))) == 2
