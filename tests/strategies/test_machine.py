"""``SessionsMachine`` finds what is wrong with code that lists again and again."""

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
    """A machine of small pages that says what happened in all of its runs."""

    behavior = Behavior(page_size=2)
    seen: set[str]

    def teardown(self):
        """Note statuses, outcomes and what was asked."""
        super().teardown()
        self.seen |= {one["lifecycleStatus"] for _, listed in self.versions for one in listed}
        self.seen |= {call.error or "answered" for call in self.fake.calls}
        self.seen |= {"token" for call in self.fake.calls if call.token}
        steps = zip(self.versions, self.versions[1:], strict=False)
        for (_, before), (_, after) in steps:
            for old, new in zip(before, after, strict=False):
                assert lifecycle.violations(old, new) == []


@pytest.mark.at_length
def test_a_right_collector_passes_and_everything_happens():
    """Every status, faults and tokens occur, along legal transitions."""

    class Machine(Recorded):
        seen = set()  # noqa: RUF012 (shared by the runs of this test)

    for _ in range(5):
        run_state_machine_as_test(Machine, settings=LIGHT)
        if set(model.enum("SessionLifecycleStatus")) < Machine.seen:
            break
    assert set(model.enum("SessionLifecycleStatus")) < Machine.seen
    faults = {*model.error_shapes(), *BROKEN_CONNECTIONS}
    assert len(faults & Machine.seen) > 3
    assert {"answered", "token"} < Machine.seen


def test_somebody_else_comes_back_after_a_day():
    """A kept token leads on for a day, and to a refusal that the machine survives after that."""
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
    """After the runs clients are as they were."""
    before = dict(vars(botocore.client.BaseClient))
    _run(ds.SessionsMachine)
    assert dict(vars(botocore.client.BaseClient)) == before


def test_an_iterator_is_a_result_too():
    """A generator is run to its end before it is judged."""

    class Machine(ds.SessionsMachine):
        def collect(self, client, **job):
            for page in client.get_paginator("list_sessions").paginate(**job):
                yield from page["sessions"]

    run_state_machine_as_test(Machine, settings=settings(LIGHT, max_examples=5))


@pytest.mark.parametrize(
    ("succeeds", "status"), [(True, "UPDATE_SUCCEEDED"), (False, "UPDATE_FAILED")]
)
def test_an_update_succeeds_or_fails(succeeds, status):
    """If one is in progress; otherwise the session stays as it is."""
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


def test_the_first_page_for_all():
    """A collector that stops early is found."""

    class Machine(ds.SessionsMachine):
        behavior = Behavior(page_size=1)

        def collect(self, client, **job):
            return client.list_sessions(**job)["sessions"]

    with pytest.raises(AssertionError, match="missing"):
        _run(Machine)


def test_what_was_listed_before():
    """A collector that keeps its first answer is found."""

    class Machine(ds.SessionsMachine):
        kept = None

        def collect(self, client, **job):
            self.kept = self.kept or super().collect(client, **job)
            return self.kept

    with pytest.raises(AssertionError):
        _run(Machine)


def test_faults_swallowed():
    """A collector that takes a fault for the end is found."""

    class Machine(ds.SessionsMachine):
        def collect(self, client, **job):
            try:
                return super().collect(client, **job)
            except client.exceptions.ClientError:
                return []

    with pytest.raises(AssertionError):
        _run(Machine)


def test_errors_without_a_fault():
    """An exception while all calls succeed is the collector's own."""

    class Machine(ds.SessionsMachine):
        def collect(self, client, **job):
            return max(one["startedAt"] for one in super().collect(client, **job)) and []

    with pytest.raises(ValueError, match="empty"):
        _run(Machine)


def test_only_the_machine_is_loaded_late():
    """The strategies have no other late name."""
    with pytest.raises(AttributeError, match="has no attribute 'SessionMachine'"):
        ds.SessionMachine  # noqa: B018 (an attribute that is not there)
