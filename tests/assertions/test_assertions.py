"""Assertions about summaries and listings: what passes, and all of what they say of the rest."""

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


def said(assertion, *args, **kwargs):
    """What an assertion says of what does not hold."""
    with pytest.raises(AssertionError) as error:
        assertion(*args, **kwargs)
    return str(error.value)


@given(ds.session_summaries())
def test_summaries_that_the_service_could_send(summary):
    """Every consistent summary passes."""
    assert_session_summary(summary)


@given(ds.invalid_session_summaries())
def test_summaries_that_break_one_rule(drawn):
    """The rule that a summary breaks is named, with its source; without that rule it passes."""
    summary, name = drawn
    text = said(assert_session_summary, summary)
    rule = lifecycle.RULES[name]
    assert text.startswith(f'The summary breaks "{name}": {rule.reason}\n  source: {rule.source}; ')
    assert text.count("breaks") == 1
    assert_session_summary(summary, ignore=[name])


def test_a_summary_that_breaks_several_rules():
    """There is a paragraph for each rule, with a line for each member, and nothing is left out."""
    summary = {**STARTED, "sessionId": "session-1", "endedAt": START, "updatedBy": "alex"}
    del summary["workerId"]
    assert said(assert_session_summary, summary) == (
        'The summary breaks "schema": '
        "A summary has the members, types, patterns and values of the shape SessionSummary.\n"
        '  source: service model; ignore=["schema"] leaves it out\n'
        "  sessionId: 'session-1' (expected to match session-[0-9a-f]{32})\n"
        "  workerId: missing (expected a value, it is required)\n"
        'The summary breaks "ended-at": endedAt is there exactly when the session is ENDED.\n'
        '  source: assumption, the API does not document it; ignore=["ended-at"] leaves it out\n'
        "  endedAt: 2025-01-01 09:00:00+00:00 (expected none, since lifecycleStatus is STARTED)\n"
        'The summary breaks "not-asked": '
        "A STARTED session was not asked to change: it has no updatedAt, updatedBy or target.\n"
        '  source: assumption, the API does not document it; ignore=["not-asked"] leaves it out\n'
        "  updatedBy: alex (expected none, since lifecycleStatus is STARTED)"
    )
    assert_session_summary(summary, ignore=("schema", "ended-at", "not-asked"))


def test_one_rule_can_be_left_out_by_its_name_alone():
    """A string is one name."""
    assert_session_summary({**STARTED, "endedAt": START}, ignore="ended-at")


@given(ds.session_histories())
def test_histories_that_the_service_could_send(history):
    """Every history along legal transitions passes, and so does each of its steps."""
    assert_lifecycle(history)
    for before, after in itertools.pairwise(history):
        assert_transition(before, after)


@given(ds.session_histories(min_size=3))
def test_histories_with_gaps(history):
    """What was missed between two polls does not matter, if one says so."""
    assert_lifecycle(history[::2], skipping=True)
    assert_transition(history[0], history[-1], skipping=True)


@pytest.mark.parametrize("skipping", [False, True])
def test_a_missed_status(skipping):
    """From being asked to ENDED is a step only if statuses may have been missed."""
    before, after = LIFE[1], LIFE[3]
    if skipping:
        assert_transition(before, after, skipping=True)
        assert_lifecycle([before, after], skipping=True)
        return
    assert said(assert_transition, before, after) == (
        'The step from before to after breaks "transition": '
        "A status is followed by itself or by one that may come next.\n"
        '  source: assumption, the API does not document it; ignore=["transition"] leaves it out\n'
        "  lifecycleStatus: ENDED (expected UPDATE_IN_PROGRESS, UPDATE_SUCCEEDED, UPDATE_FAILED "
        "after UPDATE_IN_PROGRESS)"
    )


def test_a_way_back_is_none_even_with_gaps():
    """An ended session does not start again, whatever was missed."""
    text = said(assert_transition, LIFE[3], STARTED, skipping=True)
    assert "  lifecycleStatus: STARTED (expected ENDED after ENDED)" in text.splitlines()
    assert '"ended-is-final"' in text


@pytest.mark.parametrize("member", ["sessionId", "fleetId", "workerId"])
def test_another_session(member):
    """Two summaries of one session have the same ids."""
    shape = model.members("SessionSummary")[member].name
    other = {**STARTED, member: model.make_id(shape, 7)}
    assert said(assert_transition, STARTED, other) == (
        'The step from before to after breaks "same-session": '
        "sessionId, fleetId, workerId and startedAt stay as they were.\n"
        "  source: assumption, the API does not document it; "
        'ignore=["same-session"] leaves it out\n'
        f"  {member}: {other[member]} (expected {STARTED[member]})"
    )
    assert_transition(STARTED, other, ignore=["same-session"])


@pytest.mark.parametrize("change", [{"updatedAt": START}, {"updatedAt": None}, {}])
def test_an_update_that_goes_away(change):
    """The time of an update goes neither back nor away, nor does it become malformed."""
    after = {name: value for name, value in ASKED.items() if name != "updatedAt"}
    text = said(assert_transition, ASKED, {**after, **change})
    assert 'breaks "updates-go-on": updatedAt never goes back or away.' in text
    assert text.endswith(f"(expected {ASKED['updatedAt']} or later)")


@given(ds.session_summaries(), ds.invalid_session_summaries())
def test_steps_from_and_to_what_is_malformed(summary, drawn):
    """A step says what it has to say, whatever the summaries at its ends are."""
    broken, _ = drawn
    for before, after in ((summary, broken), (broken, summary), (broken, broken)):
        every = [*lifecycle.RULES]
        assert_transition(before, after, ignore=every)
        assert_lifecycle([before, after], ignore=every)
    assert_transition(broken, broken, ignore=["transition", "updates-go-on"])


@pytest.mark.parametrize("member", model.required("SessionSummary"))
def test_steps_with_members_missing(member):
    """What is not there cannot have changed: that is a matter of the summary alone."""
    without = {name: value for name, value in STARTED.items() if name != member}
    assert_transition(without, STARTED)
    assert_transition(STARTED, without)
    assert_transition(without, without)


def test_a_life_that_breaks_rules():
    """Each snapshot is judged by itself, then each step, by their places."""
    history = [LIFE[0], {**LIFE[3], "updatedBy": 3}, LIFE[2]]
    assert said(assert_lifecycle, history, ignore=["ended-is-final"]) == (
        'snapshots[1] breaks "schema": '
        "A summary has the members, types, patterns and values of the shape SessionSummary.\n"
        '  source: service model; ignore=["schema"] leaves it out\n'
        "  updatedBy: 3 (expected a string)\n"
        'The step from snapshots[1] to snapshots[2] breaks "transition": '
        "A status is followed by itself or by one that may come next.\n"
        '  source: assumption, the API does not document it; ignore=["transition"] leaves it out\n'
        "  lifecycleStatus: UPDATE_SUCCEEDED (expected ENDED after ENDED)"
    )


def test_a_long_life_is_shortened():
    """Ten paragraphs are shown, and how many more there are."""
    history = [{**STARTED, "endedAt": START}] * 15
    text = said(assert_lifecycle, history)
    assert text.count('breaks "ended-at"') == 10
    assert text.endswith("\n… and 5 more")
    assert "more" not in said(assert_lifecycle, history[:10])


def test_no_life_at_all():
    """Nobody has shown anything with no snapshots."""
    assert said(assert_lifecycle, []) == "There are no snapshots (expected one or more)"


def test_what_a_client_gives(deadline_sessions, deadline_sessions_client):
    """A paginator, its full result, and the calls that it made are complete listings of a job."""
    job = deadline_sessions.add_job(sessions=250)
    paginator = deadline_sessions_client.get_paginator("list_sessions")
    assert_complete_listing(paginator.paginate(**job), job)
    assert_complete_listing(deadline_sessions.calls, job)
    assert_complete_listing(paginator.paginate(**job).build_full_result(), job.listing)
    assert_complete_listing(job.listing, list(job.listing))


def test_an_incomplete_listing():
    """All that is missing, duplicated and unexpected is counted, with places and ids."""
    listing = Listing(page_sizes=(10,))
    ids = [one["sessionId"] for one in listing]
    got = [ids[1], *ids[:3], ids[2], *ids[5:8], "session-x"]
    assert said(assert_complete_listing, got, listing) == (
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
    """One difference is enough, in whatever order one takes the sessions."""
    listing = Listing(page_sizes=(3,))
    got = change([one["sessionId"] for one in listing])
    for ordered in (True, False):
        lines = said(assert_complete_listing, got, listing, ordered=ordered).splitlines()
        assert lines[2:] == [f"  sessions: {len(got)} (expected 3)", f"  {line}"]


def test_a_large_listing_stays_readable():
    """Of a thousand sessions a handful of lines tells."""
    listing = Listing(page_sizes=(100,) * 10)
    every_other = list(listing)[::2]
    text = said(assert_complete_listing, [*every_other, *map(str, range(500))], listing)
    assert len(text) < 600
    missing = ", ".join(f"#{place}" for place in range(1, 20, 2))
    assert f"500 missing: {missing}, … and 490 more (" in text
    assert text.endswith("500 unexpected: 0, 1, 2, … and 497 more")


def test_ids_that_are_none_stay_readable():
    """Whatever came in place of an id, the reason has no more of it than a line."""
    got = ["x" * 10_000, "y"]
    for listing in (got[::-1], []):
        with pytest.raises(AssertionError) as caught:
            assert_complete_listing(got, listing)
        assert len(str(caught.value)) < 500


def test_another_order():
    """Where the order first differs, and what comes from there on; unless it does not matter."""
    listing = Listing(page_sizes=(4,))
    got = [listing[0], listing[2], listing[1], listing[3]]
    assert said(assert_complete_listing, got, listing) == (
        'The code under test breaks "order": '
        "It returns sessions in the order the service lists them.\n"
        "  source: assumption, the API does not document it; ordered=False leaves it out\n"
        f"  sessions[1]: {SESSION}3 (expected {SESSION}2)\n"
        "  from there on: #2, #1, #3"
    )
    assert_complete_listing(got, listing, ordered=False)


@pytest.mark.parametrize(("count", "last"), [(10, "#0"), (11, "… and 1 more")])
def test_a_long_other_order_is_shortened(count, last):
    """Ten places are shown."""
    listing = Listing(page_sizes=(count,))
    text = said(assert_complete_listing, list(listing)[::-1], listing)
    assert text.endswith(f", {last}")
    assert text.count("#") == 10


def test_a_listing_with_a_duplicated_session():
    """Where the listing itself has a session twice, it has to come twice."""
    twice = Listing.of([STARTED, STARTED], strict=False)
    assert_complete_listing([STARTED, STARTED], twice)
    assert said(assert_complete_listing, [STARTED], twice).endswith(f"1 missing: #1 ({SESSION}1)")


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
def test_what_cannot_be_judged(assertion, args, options, text):
    """An argument of the wrong type is no failed assertion: it is refused by its name."""
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
    """A rule that does not exist cannot be left out."""
    with pytest.raises(ValueError, match=r"ignore=\['end'\] \(expected names among schema, "):
        assertion(*args, ignore=["end"])


def test_a_job_is_what_it_lists_now():
    """Sessions that have started since count."""
    job = FakeDeadline().add_job(sessions=1)
    got = list(job.listing)
    assert_complete_listing(got, job)
    job.start_session()
    assert "1 missing: #1" in said(assert_complete_listing, got, job)
