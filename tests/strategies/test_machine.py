"""``SessionsMachine`` finds mistakes in code that lists sessions repeatedly."""

from __future__ import annotations

import datetime

import botocore.client
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from pytest_deadline_sessions import Behavior, lifecycle
from pytest_deadline_sessions import strategies as ds
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.faults import BROKEN_CONNECTIONS

LIGHT = settings(
    max_examples=200,
    stateful_step_count=25,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def _run(machine):
    run_state_machine_as_test(machine, settings=LIGHT)


class Recorded(ds.SessionsMachine):
    """A machine with small pages that records what happens in its runs."""

    behavior = Behavior(page_size=2)
    events: set[str]

    def teardown(self):
        """Record statuses and outcomes as events, and assert that every transition was legal."""
        super().teardown()
        self.events |= {
            session["lifecycleStatus"] for _, listed in self.versions for session in listed
        }
        self.events |= {call.error or "answered" for call in self.fake.calls}
        self.events |= {"token" for call in self.fake.calls if call.token}
        steps = zip(self.versions, self.versions[1:], strict=False)
        for (_, before), (_, after) in steps:
            for old, new in zip(before, after, strict=False):
                assert lifecycle.violations(old, new) == []


@pytest.mark.at_length
def test_a_right_collector_passes():
    """A correct collector passes, and its runs have every status, faults and tokens."""

    class Machine(Recorded):
        events = set()  # noqa: RUF012 (shared by the runs of this test)

    for _ in range(20):
        run_state_machine_as_test(Machine, settings=settings(LIGHT, max_examples=50))
        if set(model.enum("SessionLifecycleStatus")) < Machine.events:
            break
    assert set(model.enum("SessionLifecycleStatus")) < Machine.events
    faults = {*model.error_shapes(), *BROKEN_CONNECTIONS}
    assert len(faults & Machine.events) > 3
    assert {"answered", "token"} < Machine.events


def test_a_saved_token_expires():
    """A saved token expires after a day, and the machine survives the refused call."""
    machine = ds.SessionsMachine()
    try:
        for _ in range(2):
            machine.start()
        token = machine.list_first_page(1)
        machine.list_next_page(token, 1)
        machine.let_time_pass(datetime.timedelta(hours=25))
        machine.list_next_page(token, 1)
        machine.break_something("AccessDeniedException")
        machine.list_first_page(1)
        assert [call.status for call in machine.fake.calls] == [200, 200, 400, 403]
        assert "expired" in machine.fake.calls[2].message
    finally:
        machine.teardown()


@pytest.mark.at_length
def test_nothing_is_left_intercepted():
    """After its runs, the machine has restored botocore's client class."""
    before = dict(vars(botocore.client.BaseClient))
    run_state_machine_as_test(ds.SessionsMachine, settings=settings(LIGHT, max_examples=20))
    assert dict(vars(botocore.client.BaseClient)) == before


def test_a_generator_as_collector():
    """``collect`` may be a generator."""

    class Machine(ds.SessionsMachine):
        def collect(self, client, **job):
            for page in client.get_paginator("list_sessions").paginate(**job):
                yield from page["sessions"]

    run_state_machine_as_test(Machine, settings=settings(LIGHT, max_examples=5))


@pytest.mark.parametrize(
    ("succeeds", "status"), [(True, "UPDATE_SUCCEEDED"), (False, "UPDATE_FAILED")]
)
def test_an_update_succeeds_or_fails(succeeds, status):
    """``finish_update`` changes only a session whose update is in progress."""
    machine = ds.SessionsMachine()
    try:
        session = machine.start()
        machine.finish_update(session, succeeds)
        assert session.status == "STARTED"
        machine.request_end(session)
        machine.finish_update(session, succeeds)
        assert session.status == status
    finally:
        machine.teardown()


def test_a_collector_of_the_first_page():
    """The machine finds a collector that returns only the first page."""

    class Machine(ds.SessionsMachine):
        behavior = Behavior(page_size=1)

        def collect(self, client, **job):
            return client.list_sessions(**job)["sessions"]

    with pytest.raises(AssertionError, match="missing"):
        _run(Machine)


def test_a_collector_with_a_cache():
    """The machine finds a collector that caches its first result."""

    class Machine(ds.SessionsMachine):
        cached = None

        def collect(self, client, **job):
            self.cached = self.cached or super().collect(client, **job)
            return self.cached

    with pytest.raises(AssertionError):
        _run(Machine)


def test_a_collector_that_swallows_faults():
    """The machine finds a collector that returns an empty list after a fault."""

    class Machine(ds.SessionsMachine):
        def collect(self, client, **job):
            try:
                return super().collect(client, **job)
            except client.exceptions.ClientError:
                return []

    with pytest.raises(AssertionError):
        _run(Machine)


def test_errors_without_a_fault():
    """An error that the collector raises while all calls succeed is raised by the machine."""

    class Machine(ds.SessionsMachine):
        def collect(self, client, **job):
            return max(session["startedAt"] for session in super().collect(client, **job)) and []

    with pytest.raises(ValueError, match="empty"):
        _run(Machine)


def test_a_misspelt_name():
    """Misspelling ``SessionsMachine`` raises a plain ``AttributeError``."""
    with pytest.raises(AttributeError, match="has no attribute 'SessionMachine'"):
        ds.SessionMachine  # noqa: B018 (the attribute does not exist)
