"""Strategies never leave their contract, refuse what cannot be, and reach every corner."""

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
    """Whether a few hundred draws have none that is like that."""
    try:
        find(strategy, condition, settings=settings(max_examples=300, database=None))
    except NoSuchExample:
        return True
    return False


@pytest.mark.parametrize("shape", IDS)
def test_ids(shape):
    """Every id matches its pattern, and the smallest is that of zero."""

    @given(IDS[shape]())
    def check(drawn):
        assert validation.check_shape(drawn, shape) == []

    check()
    assert smallest(IDS[shape]()) == model.make_id(shape, 0)


@pytest.mark.parametrize("status", STATUSES)
def test_statuses(status):
    """Each of the service model is drawn."""
    assert find_one(ds.lifecycle_statuses(), lambda drawn: drawn == status) == status


@many
@given(ds.session_summaries())
def test_summaries_are_valid(summary):
    """Botocore, the service model and every rule of the lifecycle agree."""
    assert is_valid(summary)


@pytest.mark.at_length
@many
@given(ds.session_summaries(consistent=False))
def test_inconsistent_summaries_still_fit_the_schema(summary):
    """They are what the service model allows, and no more."""
    assert validation.check_shape(summary, "SessionSummary") == []
    assert botocore_takes(summary)


@many
@given(ds.session_summaries(now=NOW))
def test_nothing_lies_in_the_future(summary):
    """With ``now=``, every time is before it."""
    times = [value for value in summary.values() if isinstance(value, datetime.datetime)]
    assert max(times) <= NOW
    assert is_valid(summary)


def test_members_may_be_strategies():
    """A strategy for a member is drawn from."""
    started = st.sampled_from([NOW, NOW + datetime.timedelta(1)])
    strategy = ds.session_summaries(startedAt=started, lifecycleStatus=st.sampled_from(STATUSES))
    for wanted in (NOW, NOW + datetime.timedelta(1)):
        assert is_valid(find_one(strategy, lambda one, wanted=wanted: one["startedAt"] == wanted))


def _seconds(summary, name="startedAt"):
    return (NOW - summary[name]).total_seconds()


CORNERS = {
    "just started": lambda one: one["lifecycleStatus"] == "STARTED" and _seconds(one) == 0,
    "running since weeks": lambda one: "endedAt" not in one and _seconds(one) > 14 * 86400,
    "ended just now": lambda one: "endedAt" in one and _seconds(one, "endedAt") == 0,
    "ended as it started": lambda one: one.get("endedAt") == one["startedAt"],
    "over a day long": lambda one: (
        "endedAt" in one and (one["endedAt"] - one["startedAt"]).days >= 1
    ),
    "a fraction of a second": lambda one: one["startedAt"].microsecond > 0,
    "east of Greenwich": lambda one: one["startedAt"].utcoffset() > datetime.timedelta(0),
    "west of Greenwich": lambda one: one["startedAt"].utcoffset() < datetime.timedelta(0),
    "two offsets": lambda one: (
        "endedAt" in one and one["endedAt"].utcoffset() != one["startedAt"].utcoffset()
    ),
    "ended exactly an hour ago": lambda one: "endedAt" in one and _seconds(one, "endedAt") == 3600,
    "hardly more than an hour": lambda one: "endedAt" not in one and 3600 < _seconds(one) < 3601,
    "ended after an update": lambda one: "endedAt" in one and "updatedAt" in one,
    "ended without one": lambda one: "endedAt" in one and "updatedAt" not in one,
    "updated by nobody": lambda one: "updatedAt" in one and "updatedBy" not in one,
    "updated by an empty name": lambda one: one.get("updatedBy") == "",
    **{status: lambda one, status=status: one["lifecycleStatus"] == status for status in STATUSES},
}


@pytest.mark.at_length
@pytest.mark.parametrize("corner", CORNERS)
def test_summaries_reach_every_corner(corner):
    """Each kind of session that code must cope with is among them."""
    found = find_one(ds.session_summaries(now=NOW), CORNERS[corner])
    assert CORNERS[corner](found)


def test_inconsistent_summaries_reach_beyond_the_lifecycle():
    """Each assumption of the lifecycle is broken by some of them."""
    for name in ("ended-at", "update-members", "not-asked", "chronology"):
        summary = find_one(
            ds.session_summaries(consistent=False),
            lambda one, name=name: name in {b.rule.name for b in lifecycle.violations(one)},
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
def test_members_that_a_newer_service_model_brings(shape):
    """A value of whatever simple shape is what that shape allows."""

    @given(of_shape(shape))
    def check(value):
        assert list(validation._check(value, shape, "")) == []

    check()


def test_the_smallest_summary():
    """A person would write just that."""
    assert smallest(ds.session_summaries()) == {
        "sessionId": "session-" + "0" * 32,
        "fleetId": "fleet-" + "0" * 32,
        "workerId": "worker-" + "0" * 32,
        "startedAt": datetime.datetime(2025, 1, 1, tzinfo=UTC),
        "lifecycleStatus": "STARTED",
    }


@given(ds.session_lists(max_size=4, now=NOW))
def test_nothing_of_a_list_lies_in_the_future(sessions):
    """With ``now=``, that of sessions that are like others included."""
    assert all(value <= NOW for one in sessions for key, value in one.items() if key[-2:] == "At")


LISTS = {
    "none": lambda some: not some,
    "one": lambda some: len(some) == 1,
    "many": lambda some: len(some) >= 8,
    "several on one worker": lambda some: len({one["workerId"] for one in some}) < len(some),
    "on several workers": lambda some: len({one["workerId"] for one in some}) > 1,
    "several workers of one fleet": lambda some: (
        1 < len({one["fleetId"] for one in some}) < len({one["workerId"] for one in some})
    ),
    "one right after another": lambda some: any(
        datetime.timedelta(0) < b["startedAt"] - a["startedAt"] < datetime.timedelta(milliseconds=1)
        for a, b in itertools.pairwise(some)
    ),
    "one right before another": lambda some: any(
        datetime.timedelta(0) < a["startedAt"] - b["startedAt"] < datetime.timedelta(milliseconds=1)
        for a, b in itertools.pairwise(some)
    ),
    "a tie": lambda some: len({one["startedAt"] for one in some}) < len(some),
    "out of order": lambda some: any(
        a["startedAt"] > b["startedAt"] for a, b in itertools.pairwise(some)
    ),
    "ids out of order": lambda some: any(
        a["sessionId"] > b["sessionId"] for a, b in itertools.pairwise(some)
    ),
    "different offsets": lambda some: len({one["startedAt"].utcoffset() for one in some}) > 1,
    "one instant, two offsets": lambda some: any(
        a["startedAt"] == b["startedAt"]
        and a["startedAt"].utcoffset() != b["startedAt"].utcoffset()
        for a, b in itertools.pairwise(some)
    ),
    "all statuses": lambda some: {one["lifecycleStatus"] for one in some} == set(STATUSES),
    "twins but for the id": lambda some: any(
        {**a, "sessionId": ""} == {**b, "sessionId": ""} for a, b in itertools.pairwise(some)
    ),
    "only ended": lambda some: (
        len(some) > 1 and {one["lifecycleStatus"] for one in some} == {"ENDED"}
    ),
}


@pytest.mark.at_length
@pytest.mark.parametrize("corner", LISTS)
def test_lists_reach_every_corner(corner):
    """Ties, several sessions on one worker, any order, all statuses side by side."""
    assert LISTS[corner](find_one(ds.session_lists(), LISTS[corner]))


@given(ds.session_lists(min_size=2, max_size=3, now=NOW, startedAt=NOW))
def test_twins_keep_what_is_fixed(sessions):
    """Sessions that are like another start when all were told to, and never in the future."""
    assert {one["startedAt"] for one in sessions} == {NOW}


@given(ds.session_lists(workerId=ds.worker_ids(), sessionId=ds.session_ids()))
def test_ids_of_a_list_may_be_strategies(sessions):
    """They are drawn as they are, and still differ."""
    assert all(map(is_valid, sessions))
    assert len({one["sessionId"] for one in sessions}) == len(sessions)


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
    """Naming the option, its value and what is allowed, once something is drawn."""
    with pytest.raises(InvalidArgument) as caught:
        find(strategy, lambda _: True)
    assert str(caught.value).startswith(message)


@pytest.mark.at_length
@many
@given(ds.session_histories())
def test_histories_are_lives(history):
    """Every snapshot is valid, and each follows from the one before; the first is STARTED."""
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
def test_snapshots_are_dicts_of_their_own(history):
    """Changing one changes no other."""
    assert len({id(snapshot) for snapshot in history}) == len(history)


MOMENTS = st.datetimes(
    NOW.replace(tzinfo=None) - datetime.timedelta(hours=1),
    NOW.replace(tzinfo=None) + datetime.timedelta(hours=1),
    timezones=st.sampled_from([datetime.timezone.utc, None]),
)
WORKERS = st.sampled_from(["x", model.make_id("WorkerId", 3)])


@pytest.mark.at_length
@pytest.mark.parametrize("now", [None, NOW])
def test_strategies_for_members_give_what_goes_together(now):
    """Values that cannot be, alone or with the others, are left out."""

    @many
    @given(ds.session_summaries(startedAt=MOMENTS, endedAt=MOMENTS, workerId=WORKERS, now=now))
    def check(summary):
        assert lifecycle.violations(summary) == []
        assert now is None or summary["endedAt"] <= now

    check()


def test_strategies_for_members_that_need_not_go_together():
    """They still keep to the past and to what the service model allows."""

    @settings(max_examples=20, deadline=None)
    @given(ds.session_summaries(endedAt=MOMENTS, workerId=WORKERS, now=NOW, consistent=False))
    def check(summary):
        assert summary["endedAt"] <= NOW
        assert summary["workerId"] == model.make_id("WorkerId", 3)

    check()


def test_histories_that_must_not_end_do_not():
    """``ended=False`` leaves ENDED out."""
    assert _never(
        ds.session_histories(ended=False),
        lambda history: any(one["lifecycleStatus"] == "ENDED" for one in history),
    )


@pytest.mark.at_length
@many
@given(ds.invalid_session_summaries())
def test_invalid_summaries_break_one_rule(drawn):
    """Exactly the one that is named."""
    summary, rule = drawn
    assert {broken.rule.name for broken in lifecycle.violations(summary)} == {rule}


@pytest.mark.parametrize(
    "rule", [name for name, rule in lifecycle.RULES.items() if not rule.of_pair]
)
def test_every_rule_is_broken_by_some(rule):
    """No rule of a single summary is left out."""
    assert find_one(ds.invalid_session_summaries(), lambda drawn: drawn[1] == rule)[1] == rule


@pytest.mark.at_length
@many
@given(ds.faults())
def test_faults_are_those_of_the_operation(fault):
    """With members that the service model allows."""
    assert fault.broken or validation.check_shape(fault.members, fault.code) == []
    assert eval(repr(fault), {"Fault": Fault}) == fault


def test_faults_reach_every_code():
    """Each modelled error, each broken connection; none of the latter where they are not wanted."""
    codes = [*model.error_shapes(), *BROKEN_CONNECTIONS]
    for code in codes:
        assert find_one(ds.faults(), lambda one, code=code: one.code == code).code == code
    assert _never(ds.faults(broken_connections=False), lambda one: one.broken)
    conflict = find_one(
        ds.faults(operation="UpdateSession"), lambda one: one.code == "ConflictException"
    )
    assert conflict.status == 409


def test_faults_have_their_optional_members():
    """``retryAfterSeconds``, ``context`` and a ``fieldList`` are among them."""
    for code, name in (
        ("ThrottlingException", "retryAfterSeconds"),
        ("AccessDeniedException", "context"),
        ("ValidationException", "fieldList"),
    ):
        found = find_one(
            ds.faults(), lambda one, c=code, n=name: one.code == c and n in one.members
        )
        assert found.members[name] is not None


def test_a_listing_is_the_default_of_nothing():
    """The smallest listing of each kind is what a person would write."""
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
    """It gets its end in place of the snapshots for which there is no room."""
    first = smallest(ds.session_summaries(lifecycleStatus="STARTED", startedAt=NOW))
    history = [{**first, **updated, "lifecycleStatus": status} for status in statuses]
    ended = _histories._ended(history, 2)
    assert [snapshot["lifecycleStatus"] for snapshot in ended] == expected


def test_what_is_given_is_kept():
    """Times in their order, and who asked for the update."""
    given = {"startedAt": NOW - datetime.timedelta(1), "endedAt": NOW, "updatedBy": "somebody"}
    summary = smallest(ds.session_summaries(**given))
    assert {name: summary[name] for name in given} == given
