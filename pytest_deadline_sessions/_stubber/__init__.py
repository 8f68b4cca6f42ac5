"""Botocore's ``Stubber`` for ``ListSessions``, with pages that are chained and checked."""
