from __future__ import annotations

import copy
import datetime
import pickle
import threading

import pytest

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain import transcript
from pytest_deadline_sessions._domain.transcript import Call, Transcript, render
from pytest_deadline_sessions._state import journal

NOON = datetime.datetime(2030, 1, 1, 12, 30, 59, 999999, tzinfo=datetime.timezone.utc)
AT = "  at 2030-01-01 12:30:59"
JOB = {
    "farmId": "farm-00010000000000000000000000000002",
    "queueId": "queue-" + "0" * 32,
    "jobId": "job-abcdef0123456789abcdef0123456789",
}
SHOWN = "farmId=farm-0001…0002, queueId=queue-0000…0000, jobId=job-abcd…6789"
TOKEN = "0123456789abcdef"
SUMMARY = {"sessionId": model.make_id("SessionId", 1)}


def _call(number=0, operation="ListSessions", **options):
    """A call like another, told apart by its ``maxResults``."""
    options = {"response": {"sessions": []}, "status": 200, **options}
    return Call(operation, {**JOB, "maxResults": number}, NOON, **options)


@pytest.fixture(autouse=True)
def quiet():
    """Leaves nothing in the journal, for whoever looks into it next."""
    yield
    journal.clear()


@pytest.mark.parametrize(
    ("options", "outcome"),
    [
        ({"response": {"sessions": []}, "status": 200}, "200, 0 sessions, no token"),
        ({"response": {"sessions": [SUMMARY]}, "status": 200}, "200, 1 session, no token"),
        (
            {"response": {"sessions": [SUMMARY] * 2, "nextToken": TOKEN}, "status": 200},
            "200, 2 sessions, token '0123456789ab'…(16)",
        ),
        (
            {"response": {"sessions": [], "nextToken": None}, "status": 200},
            "200, 0 sessions, no token",
        ),
        (
            {"response": {"sessions": [], "nextToken": ""}, "status": 200},
            "200, 0 sessions, token ''",
        ),
        ({"response": {"sessions": []}}, "answered, 0 sessions, no token"),
        ({"response": SUMMARY, "status": 200}, "200"),
        ({"response": {}, "status": 200}, "200"),
        ({}, "answered"),
        (
            {"response": {"a": 1, "b": 2, "c": 3, "d": 4, "jobs": [1], "farms": []}, "status": 200},
            "200, 1 job, 0 farms, no token",
        ),
        ({"error": "ReadTimeoutError"}, "ReadTimeoutError"),
        (
            {"error": "ThrottlingException", "status": 429, "message": "Rate exceeded."},
            "429 ThrottlingException: Rate exceeded.",
        ),
        (
            {
                "error": "ValidationException",
                "status": 400,
                "message": "One.\nTwo.",
                "reason": "OTHER",
            },
            "400 ValidationException (OTHER): One.; Two.",
        ),
        ({"error": "ValidationException", "reason": "OTHER"}, "ValidationException (OTHER)"),
        (
            {"message": "Missing required parameter\nand another", "sent": False},
            "never sent: Missing required parameter; and another",
        ),
    ],
)
def test_outcomes(options, outcome):
    """One line tells what came of a call: what it gave, or why it gave nothing."""
    assert str(Call("ListSessions", {}, NOON, **options)) == f"ListSessions() → {outcome}{AT}"


@pytest.mark.parametrize(
    ("params", "shown"),
    [
        ({}, ""),
        (JOB, SHOWN),
        ({"maxResults": 5}, "maxResults=5"),
        ({"nextToken": TOKEN}, "nextToken='0123456789ab'…(16)"),
        ({"nextToken": JOB["jobId"]}, "nextToken='job-abcdef01'…(36)"),
        ({"nextToken": None}, "nextToken=None"),
        ({"jobId": "job-1"}, "jobId='job-1'"),
        ({"jobId": JOB["jobId"] + "0"}, f"jobId='{JOB['jobId']}0'"),
        ({"jobId": JOB["jobId"].upper()}, f"jobId='{JOB['jobId'].upper()}'"),
        ({"jobId": 5, "other": [JOB["jobId"]]}, f"jobId=5, other=['{JOB['jobId']}']"),
    ],
)
def test_arguments(params, shown):
    """Arguments are shown as they were given, ids and tokens by their ends."""
    assert str(Call("ListSessions", params, NOON)) == f"ListSessions({shown}) → answered{AT}"


def test_only_changed_arguments_are_shown():
    """Against the call before: what is new or other, what is gone, and the token always."""
    params = [
        {**JOB, "maxResults": 5},
        {**JOB, "maxResults": 5, "nextToken": TOKEN},
        {**JOB, "maxResults": 6, "nextToken": TOKEN},
        JOB,
        {"jobId": "job-" + "1" * 32},
        {},
        {},
    ]
    calls = [Call("ListSessions", each, NOON, status=200) for each in params]
    calls.insert(4, Call("GetSession", JOB, NOON, status=200))
    assert render(calls).splitlines() == [
        f"ListSessions({SHOWN}, maxResults=5) → 200{AT}",
        f"ListSessions(nextToken='0123456789ab'…(16)) → 200{AT}",
        f"ListSessions(maxResults=6, nextToken='0123456789ab'…(16)) → 200{AT}",
        f"ListSessions(no maxResults) → 200{AT}",
        f"GetSession({SHOWN}) → 200{AT}",
        f"ListSessions(jobId=job-1111…1111) → 200{AT}",
        f"ListSessions(no jobId) → 200{AT}",
        f"ListSessions() → 200{AT}",
    ]


def test_retries_are_indented():
    """Botocore's retries stand below their call, counted, without arguments."""
    throttled = {"error": "ThrottlingException", "status": 429, "response": None}
    calls = [
        _call(7, **throttled),
        _call(7, **throttled, attempt=2),
        _call(7, attempt=3),
        _call(7),
    ]
    assert render(calls).splitlines() == [
        f"ListSessions({SHOWN}, maxResults=7) → 429 ThrottlingException{AT}",
        f"    retry 1: 429 ThrottlingException{AT}",
        f"    retry 2: 200, 0 sessions, no token{AT}",
        f"ListSessions() → 200, 0 sessions, no token{AT}",
    ]
    assert [call.retry for call in calls] == [False, True, True, False]


def test_no_calls():
    """A transcript without calls says so."""
    assert render([]) == str(Transcript()) == "no calls"


@pytest.mark.parametrize(
    ("count", "longest", "shown"),
    [
        (4, 4, [0, 1, 2, 3]),
        (5, 4, [0, 1, "  … 1 call left out …", 3, 4]),
        (9, 4, [0, 1, "  … 5 calls left out …", 7, 8]),
        (9, 5, [0, 1, "  … 5 calls left out …", 7, 8]),
        (5, 5, [0, 1, 2, 3, 4]),
        (3, 1, ["  … 3 calls left out …"]),
        (1, 1, [0]),
    ],
)
def test_long_transcripts_are_shortened(count, longest, shown):
    """At most so many calls are shown, from the beginning and from the end, and how many not."""
    lines = render([_call(number) for number in range(count)], longest=longest).splitlines()
    found = [line if "left out" in line else int(line.split("maxResults=")[1][0]) for line in lines]
    assert found == shown


def test_sixty_calls_are_shown_by_default():
    """A longer transcript keeps thirty at each end."""
    assert len(render([_call(number) for number in range(60)]).splitlines()) == 60
    lines = render([_call(number) for number in range(61)]).splitlines()
    assert len(lines) == 61
    assert lines[30] == "  … 1 call left out …"


def test_what_changed_among_calls_left_out_is_shown():
    """The first call after a gap is shown against the last one before it."""
    calls = [_call(1), _call(2), _call(2), _call(2)]
    assert render(calls, longest=2).splitlines()[2] == (
        f"ListSessions(maxResults=2) → 200, 0 sessions, no token{AT}"
    )


def test_what_a_call_says():
    """Its tokens, its summaries and whether it was a retry can be asked for."""
    call = Call(
        "ListSessions",
        {"nextToken": "first"},
        NOON,
        response={"sessions": (SUMMARY,), "nextToken": "second"},
    )
    assert (call.token, call.next_token) == ("first", "second")
    assert (call.sessions, call.retry) == ([SUMMARY], False)
    failed = Call("ListSessions", JOB, NOON, error="ThrottlingException")
    assert (failed.token, failed.next_token, failed.sessions) == (None, None, [])
    assert Call("GetSession", JOB, NOON, response={}).sessions == []


def test_the_representation_of_a_call_is_short():
    """A page of a hundred summaries is no part of it."""
    assert "sessions" not in repr(_call())
    assert "maxResults" in repr(_call())


@pytest.fixture
def three():
    """A transcript of three calls."""
    made = Transcript()
    for number in range(3):
        made.add(_call(number))
    return made


def test_a_transcript_is_a_sequence(three):
    """Calls are there in the order in which they came; a slice is a list."""
    every = [_call(number) for number in range(3)]
    assert list(three) == every
    assert len(three) == 3
    assert (three[0], three[-1]) == (every[0], every[2])
    assert (three[1:], type(three[1:])) == (every[1:], list)
    assert list(reversed(three)) == every[::-1]
    assert every[1] in three
    assert three.index(every[1]) == 1
    with pytest.raises(IndexError):
        three[3]


def test_a_transcript_shows_itself(three):
    """As text it is its calls; its representation fits into a line."""
    assert str(three) == render(list(three))
    assert repr(three) == "<Transcript of 3 calls>"


def test_a_transcript_equals_the_list_of_its_calls(three):
    """It can be compared with a list; two transcripts are two things, and can be keys."""
    assert three == [_call(0), _call(1), _call(2)]
    assert three != [_call(0)]
    assert three == three  # noqa: PLR0124
    assert Transcript(three) != three
    assert {three: "found"}[three] == "found"


def test_going_through_a_transcript_while_it_grows(three):
    """Who goes through it sees the calls that were there when he began."""
    for call in three:
        three.add(call)
    assert len(three) == 6


def test_clear_and_replace(three):
    """All calls can be forgotten, or replaced by some of them."""
    three.replace(call for call in three if call != _call(1))
    assert three == [_call(0), _call(2)]
    three.replace(three)
    assert three == [_call(0), _call(2)]
    three.replace([])
    assert three == []
    three.add(_call(5))
    three.clear()
    assert three == []


def test_the_journal_holds_what_was_written_to():
    """A transcript is there once, from its first call on; one without calls is not."""
    one, other, silent = Transcript(), Transcript(), Transcript()
    for written in (one, other, one):
        written.add(_call())
    assert [*journal] == [one, other]
    assert silent not in journal
    other.clear()
    assert [*journal] == [one]
    one.replace([_call(1)])
    assert [*journal] == [one]
    one.replace([])
    silent.clear()
    assert [*journal] == []


def test_the_journal_of_the_next_test():
    """Once the journal was cleared for another test, an old transcript comes back if written to."""
    old = Transcript()
    old.add(_call())
    journal.clear()
    assert old not in journal
    old.add(_call())
    assert [*journal] == [old]


def test_the_journal_keeps_the_last_four():
    """A test that makes hundreds of fakes has no endless report."""
    made = [Transcript() for _ in range(6)]
    for written in made:
        written.add(_call())
    assert [*journal] == made[2:]
    made[0].add(_call())
    assert [*journal] == [*made[3:], made[0]]


def test_threads_may_write_at_once():
    """No call of any thread is lost, and each thread's calls stay in order."""
    together, alone = Transcript(), [Transcript() for _ in range(8)]

    def write(number):
        for attempt in range(200):
            together.add(_call(number, attempt=attempt))
            alone[number].add(_call(number))
            alone[number].clear()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(together) == 8 * 200
    for number in range(8):
        own = [call.attempt for call in together if call.params["maxResults"] == number]
        assert own == list(range(200))


@pytest.mark.parametrize("again", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_transcripts_can_be_copied(three, again):
    """A copy has the same calls, and grows by itself."""
    other = again(three)
    other.add(_call(3))
    assert (len(other), len(three)) == (4, 3)
    assert other[:3] == list(three)


def test_arguments_of_a_first_call_are_shown_in_full():
    """Rendered against nothing, a call shows all its arguments."""
    assert transcript.render_arguments(JOB, {}) == SHOWN


def test_a_transcript_can_be_a_key():
    """Two transcripts are different keys, even if they hold the same calls."""
    first, second = Transcript(), Transcript()
    numbers = {first: 1, second: 2}
    assert (numbers[first], numbers[second]) == (1, 2)
