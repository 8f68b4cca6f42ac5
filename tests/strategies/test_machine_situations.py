"""``SessionsMachine`` draws pages, tokens, faults and expiry in each run."""

from __future__ import annotations

import contextlib
import itertools
import os

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from hypothesis import Phase, given, settings
from hypothesis.stateful import rule, run_state_machine_as_test

from pytest_deadline_sessions import Behavior, FakeDeadline, _state
from pytest_deadline_sessions import strategies as ds
from pytest_deadline_sessions._service.behavior import token_looks
from pytest_deadline_sessions.strategies import _situations

# `nox -s thorough` tries every collector with every seed, and draws as many runs as usual.
STEP = int(os.environ.get("DEADLINE_SESSIONS_STEP", "3"))
FIXED = settings(derandomize=True, database=None, deadline=None)
FIND = settings(FIXED, phases=[Phase.generate])


def first_page(client, job):
    """Only the first page."""
    return client.list_sessions(**job)["sessions"]


def pages(client, job, *, go_on=lambda _: True, token=lambda text: text):
    """All sessions, page by page."""
    sessions, more = [], {}
    while True:
        page = client.list_sessions(**job, **more)
        sessions += page["sessions"]
        if "nextToken" not in page or not go_on(page):
            return sessions
        more = {"nextToken": token(page["nextToken"])}


def until_empty(client, job):
    """All sessions before the first empty page."""
    return pages(client, job, go_on=lambda page: page["sessions"])


def until_short(client, job):
    """All sessions up to the first page that is not full."""
    return pages(client, job, go_on=lambda page: len(page["sessions"]) == 100)


def stripped(client, job):
    """Tokens without the spaces around them."""
    return pages(client, job, token=str.strip)


def truncated(client, job):
    """Tokens as long as a column of a database."""
    return pages(client, job, token=lambda text: text[:1024])


def at_most_100(client, job):
    """A hundred sessions and no more."""
    return pages(client, job)[:100]


def one_of_each_worker(client, job):
    """The last session of each worker."""
    return list({session["workerId"]: session for session in pages(client, job)}.values())


def what_there_was(client, job):
    """What was listed before a call failed."""
    sessions = []
    with contextlib.suppress(ClientError, BotoCoreError):
        for page in client.get_paginator("list_sessions").paginate(**job):
            sessions += page["sessions"]
    return sessions


def what_there_was_before_expiry(client, job):
    """What was listed before the token expired."""
    sessions = []
    with contextlib.suppress(client.exceptions.ValidationException):
        for page in client.get_paginator("list_sessions").paginate(**job):
            sessions += page["sessions"]
    return sessions


def without_those_that_fail(client, job):
    """The sessions whose details can be had."""
    sessions = []
    for session in pages(client, job):
        with contextlib.suppress(ClientError):
            client.get_session(**job, sessionId=session["sessionId"])
            sessions.append(session)
    return sessions


QUICKLY_FOUND = [first_page, until_empty, until_short, stripped, one_of_each_worker]
FOUND = [
    *QUICKLY_FOUND,
    truncated,
    at_most_100,
    what_there_was,
    what_there_was_before_expiry,
    without_those_that_fail,
]


def machine_of(collect):
    """A machine as the README shows it."""

    class Machine(ds.SessionsMachine):
        def collect(self, client, **job):
            return collect(client, job)

    return Machine


def program(error):
    """The steps of the program that Hypothesis reports, the first and the last aside."""
    lines = [line for note in error.__notes__ for line in note.splitlines()]
    steps = [line for line in lines if "state." in line]
    assert "set_up_job" in steps[0]
    assert "teardown" in steps[-1]
    return steps[1:-1]


@pytest.fixture
def machine():
    """A machine that is driven by hand."""
    made = ds.SessionsMachine()
    yield made
    made.teardown()


@pytest.mark.parametrize("collect", QUICKLY_FOUND)
def test_a_wrong_collector_is_found(collect):
    """The machine finds a collector that is wrong for some pages or tokens."""
    with pytest.raises((AssertionError, ClientError)):
        run_state_machine_as_test(machine_of(collect), settings=FIND)


@pytest.mark.at_length
@pytest.mark.parametrize(("seed", "collect"), [*itertools.product(range(3), FOUND)][::STEP])
def test_a_wrong_collector_is_found_with_any_seed(collect, seed, monkeypatch):
    """At Hypothesis's default number of examples and steps, the machine finds it."""
    monkeypatch.setattr("hypothesis.core.global_force_seed", seed)
    any_seed = settings(FIND, derandomize=False)
    with pytest.raises((AssertionError, ClientError)):
        run_state_machine_as_test(machine_of(collect), settings=any_seed)


@pytest.mark.at_length
@pytest.mark.parametrize("collect", [first_page, until_empty])
def test_a_short_program_is_reported(collect):
    """The program of a simple mistake is what a person would write."""
    unexplained = settings(FIXED, phases=[Phase.generate, Phase.shrink])
    with pytest.raises(AssertionError, match="1 missing") as raised:
        run_state_machine_as_test(machine_of(collect), settings=unexplained)
    assert program(raised.value)[-1] == "state.collect_all()"
    assert len(program(raised.value)) <= 2


def _own_client(client, job):
    del client
    own = boto3.client("deadline", config=Config(retries={"mode": "standard"}))
    return pages(own, job)


def _again(client, job):
    try:
        return pages(client, job)
    except (ClientError, BotoCoreError):
        return pages(client, job)


@pytest.mark.at_length
@pytest.mark.parametrize("collect", [pages, _own_client, _again])
def test_a_right_collector_passes(collect):
    """A correct collector passes, whether it retries, starts again or has a client of its own."""
    usual = settings.get_profile("default").max_examples
    fewer = settings(FIXED, max_examples=usual // STEP)
    run_state_machine_as_test(machine_of(collect), settings=fewer)


def test_pages_are_cut_as_drawn(machine):
    """The first pages have the drawn sizes, also once sessions have started later."""
    machine.set_up_job(2, Behavior(page_size=2), (1, 0))
    assert machine.job.listing.page_sizes == (1, 0, 1)
    for _ in range(2):
        machine.start()
    assert machine.job.listing.page_sizes == (1, 0, 2, 1)
    machine.collect_all()
    assert [len(call.sessions) for call in machine.fake.calls] == [1, 0, 2, 1]
    assert machine.fake.behavior is machine.behavior
    assert [len(listed) for _, listed in machine.versions] == [0, 2, 3, 4]


def _drawn(strategy):
    values = []

    @settings(FIND, max_examples=50)
    @given(strategy)
    def draw(value):
        values.append(value)

    draw()
    return values


def test_pages_are_no_larger_than_the_user_decided():
    """No page holds more than the page size of the class, and some are empty."""
    assert {size for sizes in _drawn(_situations.page_sizes(1)) for size in sizes} == {0, 1}


def test_what_the_user_decided_stays():
    """Members of the behavior that the class sets are not drawn, and all others may be."""
    fixed = Behavior(page_size=2, token_length=100, empty_final_token=True)
    drawn = _drawn(_situations.behaviors(fixed))
    assert {(each.page_size, each.token_length, each.empty_final_token) for each in drawn} == {
        (2, 100, True)
    }
    assert len({each.token_shape for each in drawn}) > 3


def test_every_member_about_tokens_is_drawn_or_not_about_looks():
    """A new member of Behavior that says how tokens look is drawn by the machine."""
    others = {
        "token_lifetime",
        "single_use_tokens",
        "tokens_bound_to_arguments",
        "expired_token_reason",
        "garbled_token_reason",
        "empty_token_is_start",
        "empty_final_token",
    }
    about_tokens = {name for name in Behavior.reasons() if "token" in name}
    assert about_tokens - others == set(token_looks())
    for name, values in token_looks().items():
        assert [getattr(Behavior(**{name: value}), name) for value in values] == list(values)
        assert values[0] == getattr(Behavior(), name)


def test_a_machine_that_starts_its_own_sessions():
    """A class that overrides ``start`` sees every session start; 0.1 promised that."""

    class Machine(ds.SessionsMachine):
        started = 0

        @rule(target=ds.SessionsMachine.sessions)
        def start(self):
            self.started += 1
            return super().start()

        def verify(self, result):
            super().verify(result)
            assert len(result) == self.started

    run_state_machine_as_test(Machine, settings=settings(FIND, max_examples=10))


def test_a_machine_with_rules_turned_off():
    """Rules that are set to ``None`` are off, and the behavior is that of the class."""

    class Machine(ds.SessionsMachine):
        behavior = Behavior(page_size=2)
        set_up_job = break_something = break_between_pages = expire_between_pages = None

        def teardown(self):
            super().teardown()
            assert self.fake.behavior is Machine.behavior
            assert not any(call.planned for call in self.fake.calls)

    run_state_machine_as_test(Machine, settings=settings(FIND, max_examples=10))


def _endless(client, job):
    while True:
        client.list_sessions(**job)


def _stubborn(client, job):
    try:
        _endless(client, job)
    except BaseException:  # noqa: BLE001 (it catches what stops it)
        return []


@pytest.mark.parametrize("collect", [_endless, _stubborn])
def test_a_collector_that_does_not_end(collect):
    """A collector that does not end is stopped, even if it catches every exception."""
    made = machine_of(collect)()
    try:
        with pytest.raises(
            AssertionError, match=r'breaks "terminates".*\n.*\n  calls: stopped after'
        ):
            made.collect_all()
    finally:
        made.teardown()


def test_an_outage_lasts_until_the_next_collect(machine):
    """A lasting fault makes ``collect`` fail once, and leaves faults that others planned."""
    machine.start()
    machine.break_something("AccessDeniedException", None)
    machine.list_first_page(1)
    machine.collect_all()
    machine.fake.fail_next("AccessDeniedException", times=None)
    machine.break_something("AccessDeniedException", None)
    machine.collect_all()
    machine.collect_all()
    assert [call.planned for call in machine.fake.calls] == [True] * 4


def test_a_fault_between_pages(machine):
    """The call after a page fails, an hour later."""
    machine.set_up_job(3, Behavior(page_size=1), ())
    machine.break_between_pages(2, "ThrottlingException", 1)
    machine.collect_all()
    first, second, third = machine.fake.calls
    assert (first.error, second.error, third.error) == (None, None, "ThrottlingException")
    assert (third.at - first.at).total_seconds() >= 3600


def test_a_token_expires_between_pages(machine):
    """The token of a page expires before its collector can pass it."""
    machine.set_up_job(2, Behavior(page_size=1), ())
    machine.expire_between_pages(1)
    machine.collect_all()
    assert "expired" in machine.fake.calls[-1].message
    machine.collect_all()
    assert machine.fake.calls[-1].error is None


def test_faults_of_other_operations(machine):
    """Every operation that was called can be made to fail, each with faults of its own."""
    assert machine._other_operations() == ()
    session = machine.start()
    machine.client.get_session(**machine.job, sessionId=session.session_id)
    assert machine._other_operations() == ("GetSession",)
    drawn = _drawn(_situations.disruptions(machine._other_operations()))
    assert {each.operation for each in drawn} == {"GetSession"}
    machine.break_another_operation(drawn[0])
    machine.list_first_page(1)
    with pytest.raises((ClientError, BotoCoreError)):
        machine.client.get_session(**machine.job, sessionId=session.session_id)


def test_the_machine_draws_faults_of_other_operations():
    """Runs of code that calls other operations have faults of them."""
    failed = set()

    class Machine(ds.SessionsMachine):
        def collect(self, client, **job):
            client.get_job(**job)
            return super().collect(client, **job)

        def teardown(self):
            super().teardown()
            failed.update(call.operation for call in self.fake.calls if call.planned)

    run_state_machine_as_test(Machine, settings=settings(FIND, max_examples=20))
    assert failed == {"GetJob", "ListSessions"}


def test_a_call_that_the_collector_spoiled_is_no_excuse():
    """A collector that raises because the service refuses its own token is wrong."""
    made = machine_of(lambda client, job: pages(client, job, token=str.lower))()
    try:
        made.set_up_job(2, Behavior(page_size=1), ())
        with pytest.raises(ClientError, match="isn't valid"):
            made.collect_all()
    finally:
        made.teardown()


def test_a_fault_that_a_retry_healed_is_no_excuse():
    """A collector that raises after a retry had healed the fault is wrong."""

    def collect(client, job):
        _own_client(client, job)
        raise ValueError

    made = machine_of(collect)()
    try:
        made.break_something("ThrottlingException")
        with pytest.raises(ValueError, match=r"^$"):
            made.collect_all()
        made.break_something("ThrottlingException", None)
        made.collect_all()
    finally:
        made.teardown()


def test_a_run_replaces_only_earlier_runs_in_the_report():
    """Calls of other fakes stay in the report of a failing test; those of earlier runs do not."""
    fake = FakeDeadline()
    fake.client().list_sessions(**fake.add_job())
    made = []
    for _ in range(2):
        made.append(ds.SessionsMachine())
        made[-1].collect_all()
        made[-1].teardown()
    assert list(_state.journal) == [fake.calls, made[-1].fake.calls]


def test_an_expired_token_is_an_excuse_once():
    """A collector may raise because its token expired, but must not keep that token for ever."""
    kept = {}

    def collect(client, job):
        sessions = []
        while True:
            page = client.list_sessions(**job, **kept)
            sessions += page["sessions"]
            kept.clear()
            if "nextToken" not in page:
                return sessions
            kept["nextToken"] = page["nextToken"]

    made = machine_of(collect)()
    try:
        made.set_up_job(2, Behavior(page_size=1), ())
        made.expire_between_pages(1)
        made.collect_all()
        with pytest.raises(ClientError, match="expired"):
            made.collect_all()
    finally:
        made.teardown()
