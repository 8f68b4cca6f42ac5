"""Fixtures of a wider scope than a test, and which of them have the service."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

SERVICE = "deadline_sessions"
ENDPOINT = "deadline_sessions_endpoint"


class WideFixtures:
    """Tracks fixtures that outlive tests, and which of them have the service.

    Attributes:
        requesting: The names of fixtures that requested the service by ``getfixturevalue``, which
            pytest does not list among their arguments.
        under_way: The fixtures being set up, the innermost last, each with a stack that is closed
            when its set-up ends.
    """

    def __init__(self) -> None:
        self.requesting: set[str] = set()
        self.under_way: list[tuple[pytest.FixtureDef[Any], contextlib.ExitStack]] = []
        self._names = {SERVICE}

    def has_service(self, fixturedef: pytest.FixtureDef[Any]) -> bool:
        """Whether a fixture has the service, directly or through another wide fixture."""
        names = self._names | self.requesting
        if fixturedef.argname not in names and names.isdisjoint(fixturedef.argnames):
            return False
        self._names.add(fixturedef.argname)
        return True


_key = pytest.StashKey[WideFixtures]()


def of_run(config: pytest.Config) -> WideFixtures:
    """The wide fixtures of this run of pytest."""
    return config.stash.setdefault(_key, WideFixtures())
