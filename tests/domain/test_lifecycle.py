from __future__ import annotations

import datetime
import itertools

import pytest

from pytest_deadline_sessions import lifecycle
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions.lifecycle import RULES, TRANSITIONS, violations

NINE = datetime.datetime(2030, 1, 1, 9, tzinfo=datetime.timezone.utc)
TEN, ELEVEN = (NINE + datetime.timedelta(hours=hours) for hours in (1, 2))
INSTANT = datetime.timedelta(microseconds=1)
STATUSES = model.enum("SessionLifecycleStatus")

STARTED = {
    "sessionId": model.make_id("SessionId", 1),
    "fleetId": model.make_id("FleetId", 1),
    "workerId": model.make_id("WorkerId", 1),
    "startedAt": NINE,
    "lifecycleStatus": "STARTED",
}
ASKED = {
    **STARTED,
    "lifecycleStatus": "UPDATE_IN_PROGRESS",
    "targetLifecycleStatus": "ENDED",
    "updatedAt": TEN,
    "updatedBy": "alex",
}
SUCCEEDED = {**ASKED, "lifecycleStatus": "UPDATE_SUCCEEDED"}
FAILED = {**ASKED, "lifecycleStatus": "UPDATE_FAILED"}
ENDED = {**STARTED, "lifecycleStatus": "ENDED", "endedAt": ELEVEN}
ENDED_AFTER_ASKING = {**SUCCEEDED, **ENDED}
GOOD = [STARTED, ASKED, SUCCEEDED, FAILED, ENDED, ENDED_AFTER_ASKING]
BY_STATUS = {summary["lifecycleStatus"]: summary for summary in GOOD}


def _without(summary, *names):
    return {name: value for name, value in summary.items() if name not in names}


def _texts(*arguments, **options):
    return [str(violation) for violation in violations(*arguments, **options)]


@pytest.mark.parametrize("summary", GOOD, ids=[summary["lifecycleStatus"] for summary in GOOD])
def test_valid_summaries(summary):
    """A valid summary breaks no rule, also without ``updatedBy`` and with all times equal."""
    assert violations(summary) == []
    assert violations(_without(summary, "updatedBy")) == []
    equal_times = {name: NINE if name.endswith("At") else value for name, value in summary.items()}
    assert violations(equal_times) == []


BROKEN = [
    (
        "ended-at",
        _without(ENDED, "endedAt"),
        "endedAt: missing (expected a datetime, since lifecycleStatus is ENDED)",
    ),
    *(
        (
            "ended-at",
            {**BY_STATUS[status], "endedAt": ELEVEN},
            f"endedAt: {ELEVEN} (expected none, since lifecycleStatus is {status})",
        )
        for status in STATUSES
        if status != "ENDED"
    ),
    *(
        (
            "update-members",
            _without(BY_STATUS[status], member),
            f"{member}: missing (expected a value, since lifecycleStatus is {status})",
        )
        for status in STATUSES
        if status.startswith("UPDATE")
        for member in ("targetLifecycleStatus", "updatedAt")
    ),
    *(
        (
            "not-asked",
            {**STARTED, member: value},
            f"{member}: {value} (expected none, since lifecycleStatus is STARTED)",
        )
        for member, value in (
            ("targetLifecycleStatus", "ENDED"),
            ("updatedAt", TEN),
            ("updatedBy", "alex"),
        )
    ),
    (
        "chronology",
        {**ASKED, "updatedAt": NINE - INSTANT},
        f"updatedAt: {NINE - INSTANT} (expected not before startedAt, {NINE})",
    ),
    (
        "chronology",
        {**ENDED, "endedAt": NINE - INSTANT},
        f"endedAt: {NINE - INSTANT} (expected not before startedAt, {NINE})",
    ),
    (
        "chronology",
        {**ENDED_AFTER_ASKING, "endedAt": TEN - INSTANT},
        f"endedAt: {TEN - INSTANT} (expected not before updatedAt, {TEN})",
    ),
    (
        "schema",
        {**STARTED, "fleetId": "fleet-1"},
        "fleetId: 'fleet-1' (expected to match fleet-[0-9a-f]{32})",
    ),
    (
        "schema",
        _without(STARTED, "workerId"),
        "workerId: missing (expected a value, it is required)",
    ),
]


@pytest.mark.parametrize(("name", "summary", "text"), BROKEN)
def test_each_rule_is_broken_by_itself(name, summary, text):
    """One mistake breaks one rule; the violation names the member, value and what is allowed."""
    assert _texts(summary) == [f"{name}: {text}"]
    assert [violation.rule for violation in violations(summary)] == [RULES[name]]


@pytest.mark.parametrize(("name", "summary", "_text"), BROKEN)
def test_ignore(name, summary, _text):
    """``ignore`` leaves out the named rules and no others."""
    others = [other for other in RULES if other != name]
    assert violations(summary, ignore=[name]) == []
    assert violations(summary, ignore=name) == []
    assert violations(summary, ignore=iter([name])) == []
    assert violations(summary, ignore=others) == violations(summary) != []


@pytest.mark.parametrize("value", [None, "s", [], 3])
def test_a_summary_that_is_not_a_dict(value):
    """A summary that is not a dict breaks only the schema."""
    assert _texts(value) == [f"schema: summary: {value!r} (expected a dict of SessionSummary)"]


@pytest.mark.parametrize("value", ["s", [], 3])
def test_a_pair_with_a_summary_that_is_not_a_dict(value):
    """If either summary of a pair is not a dict, only the schema is broken."""
    text = f"schema: summary: {value!r} (expected a dict of SessionSummary)"
    assert [str(violation) for violation in violations(value, STARTED)] == [text]
    assert [str(violation) for violation in violations(STARTED, value)] == [text]
    assert violations(STARTED, value, ignore="schema") == []


def test_long_values_are_shortened():
    """A violation shows a long value shortened."""
    name = "x" * 10_000
    (not_asked,) = violations({**STARTED, "updatedBy": name})
    (final,) = violations({**ENDED, "updatedBy": name}, {**ENDED, "updatedBy": name[1:]})
    assert not_asked.value == final.value == "x" * 79 + "…"
    assert final.allowed == "x" * 79 + "…, as when it ended"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"lifecycleStatus": "RUNNING"}, {"lifecycleStatus"}),
        ({"lifecycleStatus": None, "endedAt": ELEVEN}, {"lifecycleStatus"}),
        ({"lifecycleStatus": [], "updatedAt": TEN}, {"lifecycleStatus"}),
        ({"endedAt": "yesterday"}, {"endedAt"}),
        ({"updatedBy": 3}, {"updatedBy"}),
        ({"startedAt": "now", "lifecycleStatus": "ENDED", "endedAt": NINE}, {"startedAt"}),
        ({"lifecycleStatus": "ENDED", "endedAt": "now"}, {"endedAt"}),
        ({"status": "ENDED"}, {"status"}),
    ],
)
def test_a_malformed_member_is_named_once(changes, expected):
    """A malformed member breaks the schema and is ignored by the other rules."""
    broken = violations({**STARTED, **changes})
    assert {(violation.rule.name, violation.path) for violation in broken} == {
        ("schema", path) for path in expected
    }


def test_a_missing_status_is_named_once():
    """A missing status breaks the schema, and no rule that depends on the status."""
    assert _texts({**_without(STARTED, "lifecycleStatus"), "endedAt": ELEVEN}) == [
        "schema: lifecycleStatus: missing (expected a value, it is required)"
    ]


def test_every_violation_is_found():
    """All violations are reported, those of the schema first."""
    summary = {
        **_without(ASKED, "targetLifecycleStatus"),
        "workerId": "w",
        "updatedAt": NINE - INSTANT,
        "endedAt": NINE - 2 * INSTANT,
    }
    assert [(violation.rule.name, violation.path) for violation in violations(summary)] == [
        ("schema", "workerId"),
        ("ended-at", "endedAt"),
        ("update-members", "targetLifecycleStatus"),
        ("chronology", "updatedAt"),
        ("chronology", "endedAt"),
        ("chronology", "endedAt"),
    ]
    assert [
        violation.path for violation in violations(summary, ignore=["chronology", "schema"])
    ] == [
        "endedAt",
        "targetLifecycleStatus",
    ]


@pytest.mark.parametrize("ignore", [["ended-at", "ended"], ("ended",), "ended", {"ended"}])
def test_unknown_rules_are_refused(ignore):
    """The error for an unknown rule in ``ignore`` lists the rules, even if nothing is broken."""
    with pytest.raises(ValueError, match="ignore") as caught:
        violations(STARTED, ignore=ignore)
    assert str(caught.value) == (
        "ignore=['ended'] (expected names among schema, ended-at, update-members, not-asked, "
        "chronology, same-session, transition, ended-is-final, updates-go-on)"
    )


def test_rules():
    """Each rule has a name and a reason; only the schema is documented by AWS."""
    assert all(rule.name == name and rule.reason.endswith(".") for name, rule in RULES.items())
    assert [name for name, rule in RULES.items() if rule.documented] == ["schema"]
    assert {rule.source for rule in RULES.values()} == {
        "service model",
        "assumption: the API does not document it",
    }
    assert [name for name, rule in RULES.items() if rule.of_pair] == [
        "same-session",
        "transition",
        "ended-is-final",
        "updates-go-on",
    ]


def test_rules_of_the_reference_are_documented():
    """A rule whose source is the API reference counts as documented."""
    rule = lifecycle.Rule("follows-tokens", "A call passes the token.", lifecycle.REFERENCE)
    assert rule.documented


def test_statuses_are_those_of_the_model():
    """The transitions cover exactly the statuses of the service model."""
    assert tuple(TRANSITIONS) == STATUSES
    assert {later for after in TRANSITIONS.values() for later in after} <= set(STATUSES)


REACHABLE = {
    "STARTED": set(STATUSES),
    "UPDATE_IN_PROGRESS": set(STATUSES) - {"STARTED"},
    "UPDATE_SUCCEEDED": {"UPDATE_SUCCEEDED", "ENDED"},
    "UPDATE_FAILED": set(STATUSES) - {"STARTED"},
    "ENDED": {"ENDED"},
}
NEXT = {
    "STARTED": {"STARTED", "UPDATE_IN_PROGRESS", "ENDED"},
    "UPDATE_IN_PROGRESS": {"UPDATE_IN_PROGRESS", "UPDATE_SUCCEEDED", "UPDATE_FAILED"},
    "UPDATE_SUCCEEDED": {"UPDATE_SUCCEEDED", "ENDED"},
    "UPDATE_FAILED": {"UPDATE_FAILED", "UPDATE_IN_PROGRESS", "ENDED"},
    "ENDED": {"ENDED"},
}


@pytest.mark.parametrize("status", STATUSES)
def test_reachable(status):
    """``reachable`` gives the status itself and all later ones."""
    assert lifecycle.reachable(status) == REACHABLE[status]


@pytest.mark.parametrize(("before", "after"), list(itertools.product(STATUSES, STATUSES)))
@pytest.mark.parametrize(("skipping", "allowed"), [(False, NEXT), (True, REACHABLE)])
def test_transitions(before, after, skipping, allowed):
    """The next status is the same or an adjacent one, or with ``skipping`` any later one."""
    pair = (
        {**ENDED_AFTER_ASKING, "lifecycleStatus": before},
        {
            **ENDED_AFTER_ASKING,
            "lifecycleStatus": after,
        },
    )
    choice = ", ".join(status for status in STATUSES if status in allowed[before])
    expected = f"transition: lifecycleStatus: {after} (expected {choice} after {before})"
    assert _texts(*pair, skipping=skipping) == ([] if after in allowed[before] else [expected])


JUMP = "lifecycleStatus: UPDATE_SUCCEEDED"
PAIRS = [
    *(
        (
            "same-session",
            ASKED,
            {**ASKED, member: other},
            f"{member}: {other} (expected {ASKED[member]})",
        )
        for member, other in (
            ("sessionId", model.make_id("SessionId", 2)),
            ("fleetId", model.make_id("FleetId", 2)),
            ("workerId", model.make_id("WorkerId", 2)),
        )
    ),
    (
        "same-session",
        STARTED,
        {**STARTED, "startedAt": NINE + INSTANT},
        f"startedAt: {NINE + INSTANT} (expected {NINE})",
    ),
    (
        "transition",
        STARTED,
        SUCCEEDED,
        f"{JUMP} (expected STARTED, UPDATE_IN_PROGRESS, ENDED after STARTED)",
    ),
    (
        "ended-is-final",
        ENDED,
        {**ENDED, "endedAt": ELEVEN + INSTANT},
        f"endedAt: {ELEVEN + INSTANT} (expected {ELEVEN}, as when it ended)",
    ),
    (
        "ended-is-final",
        ENDED,
        {**ENDED, "updatedBy": "alex"},
        "updatedBy: alex (expected nothing, as when it ended)",
    ),
    (
        "ended-is-final",
        ENDED_AFTER_ASKING,
        _without(ENDED_AFTER_ASKING, "updatedAt"),
        f"updatedAt: nothing (expected {TEN}, as when it ended)",
    ),
    (
        "updates-go-on",
        ASKED,
        {**ASKED, "updatedAt": TEN - INSTANT},
        "updatedAt: 2030-01-01 09:59:59.999999+00:00 (expected 2030-01-01 10:00:00+00:00 or later)",
    ),
    (
        "updates-go-on",
        SUCCEEDED,
        ENDED,
        f"updatedAt: missing (expected {TEN} or later)",
    ),
]


@pytest.mark.parametrize(("name", "before", "after", "text"), PAIRS)
def test_each_rule_of_pairs_is_broken_by_itself(name, before, after, text):
    """One wrong change breaks one rule of pairs, and nothing if that rule is ignored."""
    assert _texts(before, after) == [f"{name}: {text}"]
    assert [violation.rule for violation in violations(before, after)] == [RULES[name]]
    assert violations(before, after, ignore=[name]) == []


def test_a_whole_lifecycle():
    """A whole lifecycle, with a failed and a second end request, breaks no rule."""
    summaries = [
        STARTED,
        STARTED,
        ASKED,
        FAILED,
        {**ASKED, "updatedAt": ELEVEN},
        {**SUCCEEDED, "updatedAt": ELEVEN},
        {**ENDED_AFTER_ASKING, "updatedAt": ELEVEN},
        {**ENDED_AFTER_ASKING, "updatedAt": ELEVEN},
    ]
    assert [violations(*pair) for pair in itertools.pairwise(summaries)] == [[]] * (
        len(summaries) - 1
    )


def test_a_lifecycle_in_two_polls():
    """With ``skipping``, a session may be seen started and then ended."""
    assert violations(STARTED, ENDED_AFTER_ASKING, skipping=True) == []
    assert violations(ASKED, ENDED_AFTER_ASKING, skipping=True) == []


def test_every_violation_of_a_pair_is_found():
    """Every member that changed after the end is reported, with session id and status."""
    after = {**STARTED, "sessionId": model.make_id("SessionId", 2)}
    assert [(violation.rule.name, violation.path) for violation in violations(ENDED, after)] == [
        ("same-session", "sessionId"),
        ("transition", "lifecycleStatus"),
        ("ended-is-final", "endedAt"),
        ("ended-is-final", "sessionId"),
    ]


@pytest.mark.parametrize(
    ("name", "summary", "_text"), [case for case in BROKEN if case[0] != "schema"]
)
def test_rules_of_summaries_do_not_apply_to_pairs(name, summary, _text):
    """Two equal summaries that each break a rule are no violation as a pair."""
    assert RULES[name].of_pair is False
    assert violations(summary, dict(summary)) == []


@pytest.mark.parametrize("member", ["sessionId", "startedAt", "lifecycleStatus"])
@pytest.mark.parametrize("summary", [STARTED, ENDED], ids=["STARTED", "ENDED"])
def test_malformed_members_are_not_compared(member, summary):
    """A missing or malformed member breaks no rule of pairs."""
    rules = ["same-session", "transition", "updates-go-on"]
    for bad in (_without(summary, member), {**summary, member: 3}):
        for pair in ((summary, bad), (bad, summary), (bad, bad)):
            assert not {violation.rule.name for violation in violations(*pair)} & set(rules)
