"""Strategies draw only valid data, reach every corner, and refuse impossible options."""

from __future__ import annotations

import datetime
import itertools

import botocore.model
import pytest
from drawn import NOW, UTC, botocore_takes, find_one, is_valid, many, smallest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument, NoSuchExample

from pytest_deadline_sessions import Fault, Listing, lifecycle
from pytest_deadline_sessions import strategies as ds
from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions._domain.faults import BROKEN_CONNECTIONS
from pytest_deadline_sessions.strategies import _histories
from pytest_deadline_sessions.strategies._summaries import of_shape

STATUSES = model.enum("SessionLifecycleStatus")
IDS = {
    "FarmId": ds.farm_ids,
    "QueueId": ds.queue_ids,
    "JobId": ds.job_ids,
    "FleetId": ds.fleet_ids,
    "WorkerId": ds.worker_ids,
    "SessionId": ds.session_ids,
}


def _never(strategy, condition):
    """Return whether a few hundred draws have no value that meets the condition."""
    try:
        find(strategy, condition, settings=settings(max_examples=300, database=None))
    except NoSuchExample:
        return True
    return False


@pytest.mark.parametrize("shape", IDS)
def test_ids(shape):
    """Every id matches its pattern, and the smallest id is all zeros."""

    @given(IDS[shape]())
    def check(drawn):
        assert validation.check_shape(drawn, shape) == []

    check()
    assert smallest(IDS[shape]()) == model.make_id(shape, 0)


@pytest.mark.parametrize("status", STATUSES)
def test_statuses(status):
    """Every status of the service model is drawn."""
    assert find_one(ds.lifecycle_statuses(), lambda drawn: drawn == status) == status


@many
@given(ds.session_summaries())
def test_summaries_are_valid(summary):
    """A drawn summary obeys the service model and the lifecycle rules."""
    assert is_valid(summary)


@pytest.mark.at_length
@many
@given(ds.session_summaries(consistent=False))
def test_inconsistent_summaries_still_fit_the_schema(summary):
    """With ``consistent=False``, a summary still matches the service model."""
    assert validation.check_shape(summary, "SessionSummary") == []
    assert botocore_takes(summary)


@many
@given(ds.session_summaries(now=NOW))
def test_nothing_lies_in_the_future(summary):
    """No time of a summary is later than ``now``."""
    times = [value for value in summary.values() if isinstance(value, datetime.datetime)]
    assert max(times) <= NOW
    assert is_valid(summary)


def test_members_may_be_strategies():
    """A member may be a strategy, and all its values are drawn."""
    started = st.sampled_from([NOW, NOW + datetime.timedelta(1)])
    strategy = ds.session_summaries(startedAt=started, lifecycleStatus=st.sampled_from(STATUSES))
    for start in (NOW, NOW + datetime.timedelta(1)):
        assert is_valid(
            find_one(strategy, lambda summary, start=start: summary["startedAt"] == start)
        )


def _seconds(summary, name="startedAt"):
    return (NOW - summary[name]).total_seconds()


CORNERS = {
    "just started": lambda summary: (
        summary["lifecycleStatus"] == "STARTED" and _seconds(summary) == 0
    ),
    "running for weeks": lambda summary: (
        "endedAt" not in summary and _seconds(summary) > 14 * 86400
    ),
    "ended just now": lambda summary: "endedAt" in summary and _seconds(summary, "endedAt") == 0,
    "ended as it started": lambda summary: summary.get("endedAt") == summary["startedAt"],
    "longer than a day": lambda summary: (
        "endedAt" in summary and (summary["endedAt"] - summary["startedAt"]).days >= 1
    ),
    "a fraction of a second": lambda summary: summary["startedAt"].microsecond > 0,
    "east of Greenwich": lambda summary: summary["startedAt"].utcoffset() > datetime.timedelta(0),
    "west of Greenwich": lambda summary: summary["startedAt"].utcoffset() < datetime.timedelta(0),
    "two offsets": lambda summary: (
        "endedAt" in summary and summary["endedAt"].utcoffset() != summary["startedAt"].utcoffset()
    ),
    "ended exactly an hour ago": lambda summary: (
        "endedAt" in summary and _seconds(summary, "endedAt") == 3600
    ),
    "running for just over an hour": lambda summary: (
        "endedAt" not in summary and 3600 < _seconds(summary) < 3601
    ),
    "ended after an update": lambda summary: "endedAt" in summary and "updatedAt" in summary,
    "ended without an update": lambda summary: "endedAt" in summary and "updatedAt" not in summary,
    "updated by nobody": lambda summary: "updatedAt" in summary and "updatedBy" not in summary,
    "updated by an empty name": lambda summary: summary.get("updatedBy") == "",
    **{
        status: lambda summary, status=status: summary["lifecycleStatus"] == status
        for status in STATUSES
    },
}


@pytest.mark.at_length
@pytest.mark.parametrize("corner", CORNERS)
def test_summaries_reach_every_corner(corner):
    """``session_summaries`` draws each kind of session that code must handle."""
    summary = find_one(ds.session_summaries(now=NOW), CORNERS[corner])
    assert CORNERS[corner](summary)


def test_inconsistent_summaries_break_lifecycle_rules():
    """With ``consistent=False``, each of these lifecycle rules is broken by some summary."""
    for name in ("ended-at", "update-members", "not-asked", "chronology"):
        summary = find_one(
            ds.session_summaries(consistent=False),
            lambda summary, name=name: (
                name in {broken.rule.name for broken in lifecycle.violations(summary)}
            ),
        )
        assert validation.check_shape(summary, "SessionSummary") == []


@pytest.mark.parametrize(
    "shape",
    [
        *map(model.shape, ["FarmId", "StartedAt", "MaxResults", "SessionLifecycleStatus"]),
        botocore.model.Shape("Flag", {"type": "boolean"}),
        botocore.model.Shape("Text", {"type": "string", "min": 2, "max": 3}),
    ],
    ids=lambda shape: shape.name,
)
def test_values_of_any_simple_shape(shape):
    """``of_shape`` draws valid values for any simple shape."""

    @given(of_shape(shape))
    def check(value):
        assert list(validation._check(value, shape, "")) == []

    check()


def test_the_smallest_summary():
    """The smallest summary has zero ids and only the required members."""
    assert smallest(ds.session_summaries()) == {
        "sessionId": "session-" + "0" * 32,
        "fleetId": "fleet-" + "0" * 32,
        "workerId": "worker-" + "0" * 32,
        "startedAt": datetime.datetime(2025, 1, 1, tzinfo=UTC),
        "lifecycleStatus": "STARTED",
    }


@given(ds.session_lists(max_size=4, now=NOW))
def test_nothing_of_a_list_lies_in_the_future(sessions):
    """No time in a list is later than ``now``."""
    assert all(
        value <= NOW for session in sessions for key, value in session.items() if key[-2:] == "At"
    )


LISTS = {
    "no sessions": lambda sessions: not sessions,
    "one session": lambda sessions: len(sessions) == 1,
    "many sessions": lambda sessions: len(sessions) >= 8,
    "several on one worker": lambda sessions: (
        len({session["workerId"] for session in sessions}) < len(sessions)
    ),
    "on several workers": lambda sessions: len({session["workerId"] for session in sessions}) > 1,
    "several workers of one fleet": lambda sessions: (
        1
        < len({session["fleetId"] for session in sessions})
        < len({session["workerId"] for session in sessions})
    ),
    "one right after another": lambda sessions: any(
        datetime.timedelta(0) < b["startedAt"] - a["startedAt"] < datetime.timedelta(milliseconds=1)
        for a, b in itertools.pairwise(sessions)
    ),
    "one right before another": lambda sessions: any(
        datetime.timedelta(0) < a["startedAt"] - b["startedAt"] < datetime.timedelta(milliseconds=1)
        for a, b in itertools.pairwise(sessions)
    ),
    "equal start times": lambda sessions: (
        len({session["startedAt"] for session in sessions}) < len(sessions)
    ),
    "out of order": lambda sessions: any(
        a["startedAt"] > b["startedAt"] for a, b in itertools.pairwise(sessions)
    ),
    "ids out of order": lambda sessions: any(
        a["sessionId"] > b["sessionId"] for a, b in itertools.pairwise(sessions)
    ),
    "different offsets": lambda sessions: (
        len({session["startedAt"].utcoffset() for session in sessions}) > 1
    ),
    "one instant, two offsets": lambda sessions: any(
        a["startedAt"] == b["startedAt"]
        and a["startedAt"].utcoffset() != b["startedAt"].utcoffset()
        for a, b in itertools.pairwise(sessions)
    ),
    "all statuses": lambda sessions: (
        {session["lifecycleStatus"] for session in sessions} == set(STATUSES)
    ),
    "equal but for the id": lambda sessions: any(
        {**a, "sessionId": ""} == {**b, "sessionId": ""} for a, b in itertools.pairwise(sessions)
    ),
    "only ended": lambda sessions: (
        len(sessions) > 1 and {session["lifecycleStatus"] for session in sessions} == {"ENDED"}
    ),
}


@pytest.mark.at_length
@pytest.mark.parametrize("corner", LISTS)
def test_lists_reach_every_corner(corner):
    """``session_lists`` draws each kind of list that code must handle."""
    assert LISTS[corner](find_one(ds.session_lists(), LISTS[corner]))


@given(ds.session_lists(min_size=2, max_size=3, now=NOW, startedAt=NOW))
def test_similar_sessions_keep_a_fixed_start(sessions):
    """In a list with a fixed ``startedAt``, every session has exactly that time."""
    assert {session["startedAt"] for session in sessions} == {NOW}


@given(ds.session_lists(workerId=ds.worker_ids(), sessionId=ds.session_ids()))
def test_ids_of_a_list_may_be_strategies(sessions):
    """Ids in a list stay unique if they are drawn from a given strategy."""
    assert all(map(is_valid, sessions))
    assert len({session["sessionId"] for session in sessions}) == len(sessions)


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (
            ds.session_summaries(status="ENDED"),
            "status=… (expected a member among ",
        ),
        (ds.session_summaries(workerId="me"), "workerId='me' (expected to match worker-"),
        (ds.session_summaries(now=datetime.datetime(2030, 1, 1)), "now=datetime.datetime(2030,"),  # noqa: DTZ001
        (ds.session_summaries(now=5), "now=5 (expected a timezone-aware datetime)"),
        (
            ds.session_summaries(lifecycleStatus="STARTED", endedAt=NOW),
            "lifecycleStatus='STARTED' with endedAt (expected one of ENDED)",
        ),
        (
            ds.session_summaries(lifecycleStatus="STARTED", updatedBy="me"),
            "lifecycleStatus='STARTED' with updatedBy (expected one of UPDATE_IN_PROGRESS, ",
        ),
        (
            ds.session_summaries(startedAt=NOW, endedAt=NOW - datetime.timedelta(1)),
            "endedAt=2029-12-31 12:00:00+00:00 (expected not before startedAt, 2030-01-01 12",
        ),
        (
            ds.session_summaries(startedAt=NOW, now=NOW - datetime.timedelta(1)),
            "startedAt=2030-01-01 12:00:00+00:00 (expected not after now, 2029-12-31 12:00",
        ),
        (
            ds.session_summaries(consistent=False, startedAt=NOW, now=NOW - datetime.timedelta(1)),
            "startedAt=2030-01-01 12:00:00+00:00 (expected not after now, 2029-12-31 12:00",
        ),
        (
            ds.session_summaries(endedAt=datetime.datetime.max.replace(tzinfo=UTC)),
            "endedAt=9999-12-31 23:59:59.999999+00:00 (expected a year in 2..9998)",
        ),
        (
            ds.session_summaries(now=datetime.datetime.min.replace(tzinfo=UTC)),
            "now=0001-01-01 00:00:00+00:00 (expected a year in 2..9998)",
        ),
        (ds.session_summaries(consistent=None), "consistent=None (expected True or False)"),
        (ds.session_lists(min_size=3, max_size=2), "min_size=3, max_size=2 (expected min_size <="),
        (ds.session_lists(min_size=101, max_size=200), "min_size=101 (expected 0..100; listings()"),
        (ds.session_lists(min_size=-1), "min_size=-1 (expected 0 or more)"),
        (ds.session_lists(max_size=True), "max_size=True (expected a whole number, 0 or more)"),
        (
            ds.session_lists(sessionId=model.make_id("SessionId", 1)),
            "sessionId='session-00000000000000000000000000000001' (expected a strategy, since the",
        ),
        (ds.listings(min_sessions=5, max_sessions=4), "min_sessions=5, max_sessions=4 (expected"),
        (ds.listings(max_results=0), "max_results=0 (expected 1..100)"),
        (ds.listings(max_results=101), "max_results=101 (expected 1..100)"),
        (ds.listings(statuses=["RUNNING"]), "statuses=['RUNNING'] (expected some of STARTED, "),
        (ds.listings(statuses=3), "statuses=3 (expected some of STARTED, "),
        (ds.listings(statuses="ENDED"), "statuses='ENDED' (expected some of STARTED, "),
        (ds.listings(page_sizes=(1, 2)), "page_sizes=(1, 2) (expected True or False or None)"),
        (ds.listings(empty_pages=None), "empty_pages=None (expected True or False)"),
        (ds.list_sessions_requests(max_results=50), "max_results=50 (expected True or False)"),
        (ds.list_sessions_responses(listing=5), "listing=5 (expected a Listing, or a strategy"),
        (ds.list_sessions_responses(listing=st.just(5)), "listing=5 (expected a Listing, or a st"),
        (ds.faults(broken_connections="no"), "broken_connections='no' (expected True or False)"),
        (ds.session_histories(ended="yes"), "ended='yes' (expected True or False or None)"),
        (ds.listings(statuses=[]), "statuses=[] (expected some of STARTED, "),
        (ds.list_sessions_responses(max_results=0), "max_results=0 (expected 1..100)"),
        (ds.faults(operation="ListFaults"), "operation='ListFaults' (expected an operation of"),
        (ds.session_histories(min_size=0, max_size=0), "max_size=0 (expected 1 or more)"),
        (ds.session_histories(ended=True, max_size=1), "max_size=1 (expected 2 or more)"),
        (ds.session_histories(min_size=9), "min_size=9, max_size=8 (expected min_size <= max_siz"),
    ],
)
def test_impossible_options_are_refused(strategy, message):
    """Drawing with an impossible option raises an error that names the option and its value."""
    with pytest.raises(InvalidArgument) as caught:
        find(strategy, lambda _: True)
    assert str(caught.value).startswith(message)


@pytest.mark.at_length
@many
@given(ds.session_histories())
def test_histories_follow_the_lifecycle(history):
    """A history starts with STARTED, and each snapshot follows from the previous one."""
    assert history[0]["lifecycleStatus"] == "STARTED"
    assert all(map(is_valid, history))
    assert [
        broken
        for before, after in itertools.pairwise(history)
        for broken in lifecycle.violations(before, after)
    ] == []


@pytest.mark.at_length
@many
@given(ds.session_histories(ended=True, min_size=3))
def test_snapshots_are_separate_dicts(history):
    """No two snapshots of a history are the same dict."""
    assert len({id(snapshot) for snapshot in history}) == len(history)


MOMENTS = st.datetimes(
    NOW.replace(tzinfo=None) - datetime.timedelta(hours=1),
    NOW.replace(tzinfo=None) + datetime.timedelta(hours=1),
    timezones=st.sampled_from([datetime.timezone.utc, None]),
)
WORKERS = st.sampled_from(["x", model.make_id("WorkerId", 3)])


@pytest.mark.at_length
@pytest.mark.parametrize("now", [None, NOW])
def test_strategies_for_members_are_filtered(now):
    """Drawn members that are invalid, or that do not fit together, are left out."""

    @many
    @given(ds.session_summaries(startedAt=MOMENTS, endedAt=MOMENTS, workerId=WORKERS, now=now))
    def check(summary):
        assert lifecycle.violations(summary) == []
        assert now is None or summary["endedAt"] <= now

    check()


def test_strategies_for_members_of_inconsistent_summaries():
    """Inconsistent summaries still have no time after ``now`` and only valid members."""

    @settings(max_examples=20, deadline=None)
    @given(ds.session_summaries(endedAt=MOMENTS, workerId=WORKERS, now=NOW, consistent=False))
    def check(summary):
        assert summary["endedAt"] <= NOW
        assert summary["workerId"] == model.make_id("WorkerId", 3)

    check()


def test_histories_that_must_not_end_do_not():
    """With ``ended=False``, no snapshot is ENDED."""
    assert _never(
        ds.session_histories(ended=False),
        lambda history: any(snapshot["lifecycleStatus"] == "ENDED" for snapshot in history),
    )


@pytest.mark.at_length
@many
@given(ds.invalid_session_summaries())
def test_invalid_summaries_break_one_rule(drawn):
    """An invalid summary breaks exactly the rule that is drawn with it."""
    summary, rule = drawn
    assert {broken.rule.name for broken in lifecycle.violations(summary)} == {rule}


@pytest.mark.parametrize(
    "rule", [name for name, rule in lifecycle.RULES.items() if not rule.of_pair]
)
def test_every_rule_is_broken_by_some(rule):
    """Every rule for a single summary is broken by some invalid summary."""
    assert find_one(ds.invalid_session_summaries(), lambda drawn: drawn[1] == rule)[1] == rule


@pytest.mark.at_length
@many
@given(ds.faults())
def test_faults_are_those_of_the_operation(fault):
    """A fault's members match the service model, and its repr evaluates to an equal fault."""
    assert fault.broken or validation.check_shape(fault.members, fault.code) == []
    assert eval(repr(fault), {"Fault": Fault}) == fault


def test_faults_reach_every_code():
    """Each modelled error is drawn, and each broken connection unless switched off."""
    codes = [*model.error_shapes(), *BROKEN_CONNECTIONS]
    for code in codes:
        assert find_one(ds.faults(), lambda fault, code=code: fault.code == code).code == code
    assert _never(ds.faults(broken_connections=False), lambda fault: fault.broken)
    conflict = find_one(
        ds.faults(operation="UpdateSession"), lambda fault: fault.code == "ConflictException"
    )
    assert conflict.status == 409


def test_faults_have_their_optional_members():
    """Faults are drawn with their optional members too."""
    for code, name in (
        ("ThrottlingException", "retryAfterSeconds"),
        ("AccessDeniedException", "context"),
        ("ValidationException", "fieldList"),
    ):
        drawn = find_one(
            ds.faults(),
            lambda fault, code=code, name=name: fault.code == code and name in fault.members,
        )
        assert drawn.members[name] is not None


@pytest.mark.at_length
def test_the_smallest_listing():
    """The smallest listing is empty, with one page or without page sizes."""
    assert repr(smallest(ds.listings(page_sizes=True))) == "Listing(page_sizes=(0,))"
    assert smallest(ds.listings(page_sizes=False)) == Listing()


@pytest.mark.parametrize(
    ("statuses", "updated", "expected"),
    [
        (["STARTED", "ENDED"], {}, ["STARTED", "ENDED"]),
        (["STARTED"], {}, ["STARTED", "ENDED"]),
        (["STARTED", "STARTED"], {}, ["STARTED", "ENDED"]),
        (["STARTED", "UPDATE_IN_PROGRESS"], {"updatedAt": NOW}, ["STARTED", "ENDED"]),
    ],
)
def test_a_history_that_must_end(statuses, updated, expected):
    """A history that must end gets an ENDED snapshot without exceeding its maximum size."""
    first = smallest(ds.session_summaries(lifecycleStatus="STARTED", startedAt=NOW))
    history = [{**first, **updated, "lifecycleStatus": status} for status in statuses]
    ended = _histories._ended(history, 2)
    assert [snapshot["lifecycleStatus"] for snapshot in ended] == expected


def test_fixed_times_and_requester_are_kept():
    """Fixed times and a fixed ``updatedBy`` are kept."""
    fixed = {"startedAt": NOW - datetime.timedelta(1), "endedAt": NOW, "updatedBy": "somebody"}
    summary = smallest(ds.session_summaries(**fixed))
    assert {name: summary[name] for name in fixed} == fixed
