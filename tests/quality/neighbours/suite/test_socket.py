"""pytest-socket takes sockets away from every test without a mark."""

from __future__ import annotations

import socket

import boto3
import farm
import pytest
from pytest_socket import SocketBlockedError


def test_blocked(deadline_sessions):
    """Botocore is answered although there are no sockets."""
    with pytest.raises(SocketBlockedError):
        socket.socket()
    job = deadline_sessions.add_job(sessions=2)
    assert len(farm.first_page(farm.CLIENT, **job)) == 2
    assert len(farm.first_page(boto3.client("deadline"), **job)) == 2


def test_freeze_later(deadline_sessions):
    """``clock.freeze`` works for the first time where there are no sockets, and calls too."""
    with deadline_sessions.clock.freeze("2030-01-01"):
        assert len(farm.first_page(farm.CLIENT, **deadline_sessions.add_job(sessions=2))) == 2
