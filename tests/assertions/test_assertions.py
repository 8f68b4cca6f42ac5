"""Assertions about summaries, transitions and listings: what passes, and the messages."""

from __future__ import annotations

import datetime
import itertools

import pytest
from hypothesis import given

from pytest_deadline_sessions import (
    FakeDeadline,
    Listing,
    assert_complete_listing,
    assert_lifecycle,
    assert_session_summary,
    assert_transition,
    lifecycle,
)
from pytest_deadline_sessions import strategies as ds
from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._contract.rules import COMPLETE

SESSION = "session-" + "0" * 31
START = datetime.datetime(2025, 1, 1, 9, tzinfo=datetime.timezone.utc)
MINUTE = datetime.timedelta(minutes=1)
STARTED, ASKED, SUCCEEDED, FAILED, ENDED = (
    Listing(runs=((status, 1),))[0] for status in lifecycle.TRANSITIONS
)
LIFE = [
    STARTED,
    ASKED,
    {**ASKED, "lifecycleStatus": "UPDATE_SUCCEEDED", "updatedAt": ASKED["updatedAt"] + MINUTE},
    {**ASKED, "lifecycleStatus": "ENDED", "endedAt": ASKED["updatedAt"] + MINUTE},
]


def message_of(assertion, *args, **kwargs):
    """Return the message of an assertion that fails."""
    with pytest.raises(AssertionError) as error:
        assertion(*args, **kwargs)
    return str(error.value)


@given(ds.session_summaries())
def test_summaries_that_the_service_could_send(summary):
    """Every valid summary passes."""
    assert_session_summary(summary)


@given(ds.invalid_session_summaries())
def test_summaries_that_break_one_rule(drawn):
    """The message names the broken rule and its source; ignoring the rule makes it pass."""
    summary, name = drawn
    text = message_of(assert_session_summary, summary)
    rule = lifecycle.RULES[name]
    assert text.startswith(f'The summary breaks "{name}": {rule.reason}\n  source: {rule.source}; ')
    assert text.count("breaks") == 1
    assert_session_summary(summary, ignore=[name])


def test_a_summary_that_breaks_several_rules():
    """The message has a paragraph per rule and a line per member."""
    summary = {**STARTED, "sessionId": "session-1", "endedAt": START, "updatedBy": "alex"}
    del summary["workerId"]
    assert message_of(assert_session_summary, summary) == (
        'The summary breaks "schema": '
        "A summary has the members, types, patterns and values of the shape SessionSummary.\n"
        '  source: service model; ignore=["schema"] turns the rule off\n'
        "  sessionId: 'session-1' (expected to match session-[0-9a-f]{32})\n"
        "  workerId: missing (expected a value, it is required)\n"
        'The summary breaks "ended-at": endedAt is present exactly when the status is ENDED.\n'
        "  source: assumption: the API does not document it; "
        'ignore=["ended-at"] turns the rule off\n'
        "  endedAt: 2025-01-01 09:00:00+00:00 (expected none, since lifecycleStatus is STARTED)\n"
        'The summary breaks "not-asked": '
        "A STARTED session has no updatedAt, updatedBy or targetLifecycleStatus.\n"
        "  source: assumption: the API does not document it; "
        'ignore=["not-asked"] turns the rule off\n'
        "  updatedBy: alex (expected none, since lifecycleStatus is STARTED)"
    )
    assert_session_summary(summary, ignore=("schema", "ended-at", "not-asked"))


def test_ignore_a_single_rule():
    """``ignore`` may be a string with the name of one rule."""
    assert_session_summary({**STARTED, "endedAt": START}, ignore="ended-at")


@given(ds.session_histories())
def test_histories_that_the_service_could_send(history):
    """Every valid history passes, and so does each of its transitions."""
    assert_lifecycle(history)
    for before, after in itertools.pairwise(history):
        assert_transition(before, after)


@given(ds.session_histories(min_size=3))
def test_histories_with_gaps(history):
    """With ``skipping=True`` a history with missed summaries passes."""
    assert_lifecycle(history[::2], skipping=True)
    assert_transition(history[0], history[-1], skipping=True)


@pytest.mark.parametrize("skipping", [False, True])
def test_a_missed_status(skipping):
    """A transition that skips a status passes only with ``skipping=True``."""
    before, after = LIFE[1], LIFE[3]
    if skipping:
        assert_transition(before, after, skipping=True)
        assert_lifecycle([before, after], skipping=True)
        return
    assert message_of(assert_transition, before, after) == (
        'The step from before to after breaks "transition": '
        "A status stays the same, or changes to one that may come next.\n"
        "  source: assumption: the API does not document it; "
        'ignore=["transition"] turns the rule off\n'
        "  lifecycleStatus: ENDED (expected UPDATE_IN_PROGRESS, UPDATE_SUCCEEDED, UPDATE_FAILED "
        "after UPDATE_IN_PROGRESS)"
    )


def test_a_transition_back():
    """An ended session that starts again fails, also with ``skipping=True``."""
    text = message_of(assert_transition, LIFE[3], STARTED, skipping=True)
    assert "  lifecycleStatus: STARTED (expected ENDED after ENDED)" in text.splitlines()
    assert '"ended-is-final"' in text


@pytest.mark.parametrize("member", ["sessionId", "fleetId", "workerId"])
def test_another_session(member):
    """Two summaries with different ids fail, unless the rule is ignored."""
    shape = model.members("SessionSummary")[member].name
    other = {**STARTED, member: model.make_id(shape, 7)}
    assert message_of(assert_transition, STARTED, other) == (
        'The step from before to after breaks "same-session": '
        "sessionId, fleetId, workerId and startedAt stay as they were.\n"
        "  source: assumption: the API does not document it; "
        'ignore=["same-session"] turns the rule off\n'
        f"  {member}: {other[member]} (expected {STARTED[member]})"
    )
    assert_transition(STARTED, other, ignore=["same-session"])


@pytest.mark.parametrize("change", [{"updatedAt": START}, {"updatedAt": None}, {}])
def test_an_update_that_goes_back(change):
    """``updatedAt`` may not go back, disappear or become malformed."""
    after = {name: value for name, value in ASKED.items() if name != "updatedAt"}
    text = message_of(assert_transition, ASKED, {**after, **change})
    assert 'breaks "updates-go-on": updatedAt never moves backwards and is never removed.' in text
    assert text.endswith(f"(expected {ASKED['updatedAt']} or later)")


@pytest.mark.at_length
@given(ds.session_summaries(), ds.invalid_session_summaries())
def test_transitions_of_malformed_summaries(summary, drawn):
    """Malformed summaries are judged without an exception, by the rules that are not ignored."""
    broken, _ = drawn
    for before, after in ((summary, broken), (broken, summary), (broken, broken)):
        all_rules = [*lifecycle.RULES]
        assert_transition(before, after, ignore=all_rules)
        assert_lifecycle([before, after], ignore=all_rules)
    assert_transition(broken, broken, ignore=["transition", "updates-go-on"])


@pytest.mark.parametrize("member", model.required("SessionSummary"))
def test_transitions_with_members_missing(member):
    """A member that one summary lacks breaks no rule of transitions."""
    without = {name: value for name, value in STARTED.items() if name != member}
    assert_transition(without, STARTED)
    assert_transition(STARTED, without)
    assert_transition(without, without)


def test_a_lifecycle_that_breaks_rules():
    """The message names broken snapshots first, then broken transitions, by their index."""
    history = [LIFE[0], {**LIFE[3], "updatedBy": 3}, LIFE[2]]
    assert message_of(assert_lifecycle, history, ignore=["ended-is-final"]) == (
        'snapshots[1] breaks "schema": '
        "A summary has the members, types, patterns and values of the shape SessionSummary.\n"
        '  source: service model; ignore=["schema"] turns the rule off\n'
        "  updatedBy: 3 (expected a string)\n"
        'The step from snapshots[1] to snapshots[2] breaks "transition": '
        "A status stays the same, or changes to one that may come next.\n"
        "  source: assumption: the API does not document it; "
        'ignore=["transition"] turns the rule off\n'
        "  lifecycleStatus: UPDATE_SUCCEEDED (expected ENDED after ENDED)"
    )


def test_a_long_lifecycle_is_shortened():
    """The message has ten paragraphs at most, and the number of others."""
    history = [{**STARTED, "endedAt": START}] * 15
    text = message_of(assert_lifecycle, history)
    assert text.count('breaks "ended-at"') == 10
    assert text.endswith("\n… and 5 more")
    assert "more" not in message_of(assert_lifecycle, history[:10])


def test_no_snapshots():
    """Without snapshots the assertion fails."""
    assert message_of(assert_lifecycle, []) == "There are no snapshots (expected one or more)"


def test_accepted_forms_of_a_listing(deadline_sessions, deadline_sessions_client):
    """Pages, a full result, calls and lists are accepted as results, jobs and lists as listings."""
    job = deadline_sessions.add_job(sessions=250)
    paginator = deadline_sessions_client.get_paginator("list_sessions")
    assert_complete_listing(paginator.paginate(**job), job)
    assert_complete_listing(deadline_sessions.calls, job)
    assert_complete_listing(paginator.paginate(**job).build_full_result(), job.listing)
    assert_complete_listing(job.listing, list(job.listing))


def test_an_incomplete_listing():
    """The message counts missing, duplicated and unexpected sessions, with indices and ids."""
    listing = Listing(page_sizes=(10,))
    ids = [session["sessionId"] for session in listing]
    got = [ids[1], *ids[:3], ids[2], *ids[5:8], "session-x"]
    assert message_of(assert_complete_listing, got, listing) == (
        f'The code under test breaks "complete": {COMPLETE.reason}\n'
        "  source: API reference\n"
        "  sessions: 9 (expected 10)\n"
        f"  4 missing: #3..#4, #8..#9 ({SESSION}4, {SESSION}5, {SESSION}9, … and 1 more)\n"
        f"  2 duplicated: #1..#2 ({SESSION}2, {SESSION}3)\n"
        "  1 unexpected: session-x"
    )


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda ids: ids[1:], f"1 missing: #0 ({SESSION}1)"),
        (lambda ids: ids[:-1], f"1 missing: #2 ({SESSION}3)"),
        (lambda ids: [*ids, ids[2]], f"1 duplicated: #2 ({SESSION}3)"),
        (lambda ids: [*ids, f"{SESSION}7"], f"1 unexpected: {SESSION}7"),
        (lambda _: [], f"3 missing: #0..#2 ({SESSION}1, {SESSION}2, {SESSION}3)"),
    ],
)
def test_one_difference(change, line):
    """One missing, duplicated or unexpected session fails, ordered or not."""
    listing = Listing(page_sizes=(3,))
    got = change([session["sessionId"] for session in listing])
    for ordered in (True, False):
        lines = message_of(assert_complete_listing, got, listing, ordered=ordered).splitlines()
        assert lines[2:] == [f"  sessions: {len(got)} (expected 3)", f"  {line}"]


def test_a_large_listing_stays_readable():
    """The message about a thousand sessions has only a few lines."""
    listing = Listing(page_sizes=(100,) * 10)
    every_other = list(listing)[::2]
    text = message_of(assert_complete_listing, [*every_other, *map(str, range(500))], listing)
    assert len(text) < 600
    missing = ", ".join(f"#{place}" for place in range(1, 20, 2))
    assert f"500 missing: {missing}, … and 490 more (" in text
    assert text.endswith("500 unexpected: 0, 1, 2, … and 497 more")


def test_long_ids_are_shortened():
    """The message shortens a long value in place of an id."""
    got = ["x" * 10_000, "y"]
    for listing in (got[::-1], []):
        with pytest.raises(AssertionError) as caught:
            assert_complete_listing(got, listing)
        assert len(str(caught.value)) < 500


def test_a_different_order():
    """The message shows where the order differs and what follows; ``ordered=False`` passes."""
    listing = Listing(page_sizes=(4,))
    got = [listing[0], listing[2], listing[1], listing[3]]
    assert message_of(assert_complete_listing, got, listing) == (
        'The code under test breaks "order": '
        "It returns sessions in the order the service lists them.\n"
        "  source: assumption: the API does not document it; ordered=False turns the rule off\n"
        f"  sessions[1]: {SESSION}3 (expected {SESSION}2)\n"
        "  from there on: #2, #1, #3"
    )
    assert_complete_listing(got, listing, ordered=False)


@pytest.mark.parametrize(("count", "last"), [(10, "#0"), (11, "… and 1 more")])
def test_a_long_different_order_is_shortened(count, last):
    """The message shows ten indices of a different order at most."""
    listing = Listing(page_sizes=(count,))
    text = message_of(assert_complete_listing, list(listing)[::-1], listing)
    assert text.endswith(f", {last}")
    assert text.count("#") == 10


def test_a_listing_with_a_duplicated_session():
    """A session that is twice in the listing must be twice in the result."""
    twice = Listing.of([STARTED, STARTED], strict=False)
    assert_complete_listing([STARTED, STARTED], twice)
    assert message_of(assert_complete_listing, [STARTED], twice).endswith(
        f"1 missing: #1 ({SESSION}1)"
    )


NO_SUMMARY = "(expected a session summary, a dict)"
NO_SESSION = "(expected a summary, a session id, or a page with its sessions)"


@pytest.mark.parametrize(
    ("assertion", "args", "options", "text"),
    [
        (assert_session_summary, [None], {}, f"summary=None {NO_SUMMARY}"),
        (assert_session_summary, [[]], {}, f"summary=[] {NO_SUMMARY}"),
        (assert_session_summary, [STARTED], {"ignore": 5}, "ignore=5 (expected names of rules)"),
        (
            assert_session_summary,
            [STARTED],
            {"ignore": [5]},
            "ignore=[5] (expected names of rules)",
        ),
        (assert_transition, ["a", STARTED], {}, f"before='a' {NO_SUMMARY}"),
        (assert_transition, [STARTED, None], {}, f"after=None {NO_SUMMARY}"),
        (
            assert_transition,
            [STARTED, STARTED],
            {"skipping": 1},
            "skipping=1 (expected True or False)",
        ),
        (
            assert_lifecycle,
            [STARTED],
            {},
            f"snapshots={str(STARTED)[:79]}… (expected session summaries, the earliest first)",
        ),
        (
            assert_lifecycle,
            [5],
            {},
            "snapshots=5 (expected session summaries, the earliest first)",
        ),
        (assert_lifecycle, [[STARTED, 5]], {}, f"snapshots[1]=5 {NO_SUMMARY}"),
        (
            assert_lifecycle,
            [[STARTED]],
            {"skipping": None},
            "skipping=None (expected True or False)",
        ),
        (
            assert_complete_listing,
            [None, []],
            {},
            "got=None (expected summaries, session ids, or pages)",
        ),
        (
            assert_complete_listing,
            ["session-1", []],
            {},
            "got='session-1' (expected summaries, session ids, or pages)",
        ),
        (assert_complete_listing, [{"a": 1}, []], {}, f"got={{'a': 1}} {NO_SESSION}"),
        (
            assert_complete_listing,
            [{"sessions": None}, []],
            {},
            f"got={{'sessions': None}} {NO_SESSION}",
        ),
        (
            assert_complete_listing,
            [[{"sessionId": 5}], []],
            {},
            f"got[0]={{'sessionId': 5}} {NO_SESSION}",
        ),
        (
            assert_complete_listing,
            [[{"sessions": [5]}], []],
            {},
            f"got[0].sessions[0]=5 {NO_SESSION}",
        ),
        (
            assert_complete_listing,
            [[], 5],
            {},
            "listing=5 (expected summaries, session ids, or pages)",
        ),
        (assert_complete_listing, [[], [[]]], {}, f"listing[0]=[] {NO_SESSION}"),
        (
            assert_complete_listing,
            [[], []],
            {"ordered": "no"},
            "ordered='no' (expected True or False)",
        ),
    ],
)
def test_arguments_of_the_wrong_type(assertion, args, options, text):
    """An argument of the wrong type raises a TypeError that names it."""
    with pytest.raises(TypeError) as error:
        assertion(*args, **options)
    assert str(error.value) == text


@pytest.mark.parametrize(
    ("assertion", "args"),
    [
        (assert_session_summary, [STARTED]),
        (assert_transition, [STARTED, STARTED]),
        (assert_lifecycle, [[STARTED]]),
    ],
)
def test_an_unknown_rule(assertion, args):
    """Ignoring an unknown rule raises a ValueError."""
    with pytest.raises(ValueError, match=r"ignore=\['end'\] \(expected names among schema, "):
        assertion(*args, ignore=["end"])


def test_a_job_that_has_changed():
    """A job counts with the sessions it has now, including those started later."""
    job = FakeDeadline().add_job(sessions=1)
    got = list(job.listing)
    assert_complete_listing(got, job)
    job.start_session()
    assert "1 missing: #1" in message_of(assert_complete_listing, got, job)
