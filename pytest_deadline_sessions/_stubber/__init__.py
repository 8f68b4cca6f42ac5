"""Botocore's ``Stubber``, for ``ListSessions``: pages chained and checked."""
