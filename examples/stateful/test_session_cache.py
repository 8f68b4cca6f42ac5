"""Test the cache while sessions start and end, and time passes."""

from __future__ import annotations

import datetime
import itertools

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import invariant, run_state_machine_as_test
from session_cache import MAX_AGE, SessionCache

from pytest_deadline_sessions import strategies as ds

LIGHT = settings(max_examples=40, stateful_step_count=30, deadline=None)


class CacheMachine(ds.SessionsMachine):
    """Overrides ``collect`` with the code under test; the base class does the rest."""

    def __init__(self):
        super().__init__()
        self.frozen = self.fake.clock.freeze("2030-01-01")
        self.frozen.__enter__()
        self.cache = SessionCache(self.client)

    def collect(self, _client, **job):
        """List the sessions through the cache."""
        return self.cache.sessions(**job)

    def verify(self, result):
        """The result may be out of date, but by no more than ``MAX_AGE``."""
        now = datetime.datetime.now(datetime.timezone.utc)
        ends = [since for since, _ in self.versions[1:]] + [now]
        recent = [
            listed
            for (_, listed), end in zip(self.versions, ends, strict=True)
            if now - end <= MAX_AGE
        ]
        assert result in recent

    @invariant()
    def nothing_is_listed_twice_in_a_minute(self):
        """The cache lists each job at most once a minute."""
        listed = [
            call.at
            for call in self.fake.calls
            if call.error is None and "maxResults" not in call.params and call.token is None
        ]
        assert all(b - a > MAX_AGE for a, b in itertools.pairwise(listed))

    def teardown(self):
        """Unfreeze the clock."""
        self.frozen.__exit__(None, None, None)
        super().teardown()


class StaleMachine(CacheMachine):
    """The same machine with a cache that never expires."""

    def __init__(self):
        super().__init__()
        self.cache._listed = Forgetful()


class Forgetful(dict):
    """Claims that everything was listed just now."""

    def get(self, key):
        """The cached sessions, with the current time as the time of listing."""
        now = datetime.datetime.now(datetime.timezone.utc)
        return (now, self[key][1]) if key in self else None


def test_the_cache():
    """The cache is never stale, and never lists too often."""
    run_state_machine_as_test(CacheMachine, settings=LIGHT)


def test_a_stale_cache_is_found():
    """The machine finds a cache that never lists again."""
    generate_only = settings(LIGHT, phases=[Phase.generate])
    with pytest.raises(AssertionError):
        run_state_machine_as_test(StaleMachine, settings=generate_only)
