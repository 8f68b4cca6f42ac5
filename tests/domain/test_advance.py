"""``lifecycle.advance``: a session's summary after a transition."""

from __future__ import annotations

import datetime
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_deadline_sessions import lifecycle
from pytest_deadline_sessions import strategies as ds
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions.lifecycle import TRANSITIONS, advance, violations

NINE = datetime.datetime(2030, 1, 1, 9, tzinfo=datetime.timezone.utc)
EIGHT, TEN, ELEVEN = (NINE + datetime.timedelta(hours=hours) for hours in (-1, 1, 2))
STATUSES = model.enum("SessionLifecycleStatus")
SESSION = model.make_id("SessionId", 1)
STARTED = {
    "sessionId": SESSION,
    "fleetId": model.make_id("FleetId", 1),
    "workerId": model.make_id("WorkerId", 1),
    "startedAt": NINE,
    "lifecycleStatus": "STARTED",
}
REQUESTED = {
    **STARTED,
    "lifecycleStatus": "UPDATE_IN_PROGRESS",
    "targetLifecycleStatus": "ENDED",
    "updatedAt": TEN,
    "updatedBy": "alex",
}


@pytest.mark.parametrize(
    ("summary", "status", "changes"),
    [
        (STARTED, "ENDED", {"endedAt": ELEVEN}),
        (
            STARTED,
            "UPDATE_IN_PROGRESS",
            {"targetLifecycleStatus": "ENDED", "updatedAt": ELEVEN, "updatedBy": "jo"},
        ),
        (REQUESTED, "UPDATE_FAILED", {"updatedAt": ELEVEN, "updatedBy": "jo"}),
        (
            {**REQUESTED, "lifecycleStatus": "UPDATE_FAILED"},
            "UPDATE_IN_PROGRESS",
            {"updatedAt": ELEVEN, "updatedBy": "jo"},
        ),
        ({**REQUESTED, "lifecycleStatus": "UPDATE_SUCCEEDED"}, "ENDED", {"endedAt": ELEVEN}),
    ],
)
def test_a_transition_sets_its_members(summary, status, changes):
    """A transition sets the status and its members in a new summary."""
    before = dict(summary)
    after = advance(summary, status, ELEVEN, by="jo")
    assert after == {**before, "lifecycleStatus": status, **changes}
    assert summary == before


def test_updated_by_is_kept():
    """Without ``by`` a transition neither adds nor changes ``updatedBy``."""
    assert "updatedBy" not in advance(STARTED, "UPDATE_IN_PROGRESS", TEN)
    assert advance(REQUESTED, "UPDATE_SUCCEEDED", ELEVEN)["updatedBy"] == "alex"


@pytest.mark.parametrize(
    ("summary", "status", "member", "moment"),
    [
        (STARTED, "ENDED", "endedAt", NINE),
        (STARTED, "UPDATE_IN_PROGRESS", "updatedAt", NINE),
        (REQUESTED, "UPDATE_FAILED", "updatedAt", TEN),
        ({**REQUESTED, "lifecycleStatus": "UPDATE_FAILED"}, "ENDED", "endedAt", TEN),
    ],
)
def test_no_transition_goes_back_in_time(summary, status, member, moment):
    """A time before the start or the last update is replaced by that start or update."""
    assert advance(summary, status, EIGHT)[member] == moment


@pytest.mark.parametrize(("before", "after"), list(itertools.product(STATUSES, STATUSES)))
def test_impossible_transitions(before, after):
    """A transition that is not allowed raises an error that names those that are."""
    summary = {**STARTED, "lifecycleStatus": before}
    if after in TRANSITIONS[before]:
        assert advance(summary, after, TEN)["lifecycleStatus"] == after
        return
    with pytest.raises(ValueError, match="cannot become") as caught:
        advance(summary, after, TEN)
    choice = " or ".join(TRANSITIONS[before]) or "no other status"
    assert (
        str(caught.value) == f"{SESSION} cannot become {after} (expected {choice} after {before})"
    )


@pytest.mark.parametrize(("before", "after"), list(itertools.product(STATUSES, STATUSES)))
def test_skipping(before, after):
    """With ``skipping`` any later status is accepted, but not the present or an earlier one."""
    summary = {**STARTED, "lifecycleStatus": before}
    if after != before and after in lifecycle.reachable(before):
        assert advance(summary, after, TEN, skipping=True)["lifecycleStatus"] == after
    else:
        with pytest.raises(ValueError, match=f"cannot become {after}"):
            advance(summary, after, TEN, skipping=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": 3}, r"^by=3 \(expected a string or None\)$"),
        ({"skipping": "no"}, r"^skipping='no' \(expected True or False\)$"),
    ],
)
def test_options_of_the_wrong_type(options, message):
    """``by`` must be a string and ``skipping`` a switch."""
    with pytest.raises(TypeError, match=message):
        advance(STARTED, "UPDATE_IN_PROGRESS", TEN, **options)


def test_an_unknown_status_is_refused():
    """A status that does not exist is refused before and after a transition."""
    with pytest.raises(ValueError, match="cannot become RUNNING"):
        advance(STARTED, "RUNNING", TEN)
    with pytest.raises(ValueError, match="expected no other status after RUNNING"):
        advance({**STARTED, "lifecycleStatus": "RUNNING"}, "ENDED", TEN)
    with pytest.raises(ValueError, match=r"expected no other status after X{79}…\)$"):
        advance({**STARTED, "lifecycleStatus": "X" * 5000}, "ENDED", TEN)


@pytest.mark.parametrize(
    ("moment", "error"), [(NINE.replace(tzinfo=None), ValueError), ("2030-01-01", TypeError)]
)
def test_the_moment_is_timezone_aware(moment, error):
    """``at`` must be a timezone-aware datetime."""
    with pytest.raises(error, match=r"^at=.* \(expected a timezone-aware datetime\)$"):
        advance(STARTED, "ENDED", moment)


def test_the_summary_has_its_required_members():
    """Anything but a summary with a status and a start is refused."""
    with pytest.raises(TypeError, match=r"^summary=3 \(expected a session summary, a dict\)$"):
        advance(3, "ENDED", TEN)
    for member in ("lifecycleStatus", "startedAt"):
        lacking = {name: value for name, value in STARTED.items() if name != member}
        with pytest.raises(ValueError, match=r"^summary=.*, with all required members\)$"):
            advance(lacking, "ENDED", TEN)


@pytest.mark.parametrize("status", [3, None, ["ENDED"]])
def test_a_status_is_a_string(status):
    """A status that is not a string is refused, even where it could not be hashed."""
    with pytest.raises(TypeError, match=r"^status=.* \(expected a status, such as 'ENDED'\)$"):
        advance(STARTED, status, TEN)
    with pytest.raises(TypeError, match=r"^status=.* \(expected a status, such as 'ENDED'\)$"):
        lifecycle.reachable(status)


@given(
    summary=ds.session_summaries(now=NINE),
    statuses=st.lists(st.sampled_from(STATUSES), max_size=6),
    hours=st.lists(st.integers(-3, 3), min_size=6, max_size=6),
    by=st.sampled_from([None, "", "alex"]),
    skipping=st.booleans(),
)
def test_no_transition_breaks_a_rule(summary, statuses, hours, by, skipping):
    """From any valid summary, each allowed transition gives a valid one and breaks no rule."""
    start = summary["startedAt"]
    for status, hour in zip(statuses, hours, strict=False):
        present = summary["lifecycleStatus"]
        allowed = lifecycle.reachable(present) if skipping else TRANSITIONS[present]
        if status == present or status not in allowed:
            continue
        at = start + datetime.timedelta(hours=hour)
        after = advance(summary, status, at, by=by, skipping=skipping)
        assert violations(after) == []
        assert violations(summary, after, skipping=skipping) == []
        summary = after
