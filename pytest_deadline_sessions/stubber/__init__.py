"""Botocore's ``Stubber``, for ``ListSessions``: pages chained and checked."""

from pytest_deadline_sessions.stubber.stubber import ListSessionsStubber

__all__ = ["ListSessionsStubber"]
