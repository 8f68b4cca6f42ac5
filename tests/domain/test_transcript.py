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
    """Make a call that differs from others only in its ``maxResults``."""
    options = {"response": {"sessions": []}, "status": 200, **options}
    return Call(operation, {**JOB, "maxResults": number}, NOON, **options)


@pytest.fixture(autouse=True)
def quiet():
    """Clear the journal after each test."""
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
    """A call is shown in one line with its outcome: the results, or the error."""
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
    """Arguments are shown as given; ids and tokens are shortened."""
    assert str(Call("ListSessions", params, NOON)) == f"ListSessions({shown}) → answered{AT}"


def test_only_changed_arguments_are_shown():
    """After the first call only new, changed and removed arguments are shown, and the token."""
    params = [
        {**JOB, "maxResults": 5},
        {**JOB, "maxResults": 5, "nextToken": TOKEN},
        {**JOB, "maxResults": 6, "nextToken": TOKEN},
        JOB,
        {"jobId": "job-" + "1" * 32},
        {},
        {},
    ]
    calls = [Call("ListSessions", arguments, NOON, status=200) for arguments in params]
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
    """Retries are shown indented below their call, numbered and without arguments."""
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
    """An empty transcript is shown as "no calls"."""
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
    """Of a long transcript the first and last calls are shown, and the number left out."""
    lines = render([_call(number) for number in range(count)], longest=longest).splitlines()
    numbers = [
        line if "left out" in line else int(line.split("maxResults=")[1][0]) for line in lines
    ]
    assert numbers == shown


def test_sixty_calls_are_shown_by_default():
    """By default up to 60 calls are shown, of a longer transcript 30 at each end."""
    assert len(render([_call(number) for number in range(60)]).splitlines()) == 60
    lines = render([_call(number) for number in range(61)]).splitlines()
    assert len(lines) == 61
    assert lines[30] == "  … 1 call left out …"


def test_changes_within_left_out_calls():
    """A call after a gap shows what differs from the last call shown before the gap."""
    calls = [_call(1), _call(2), _call(2), _call(2)]
    assert render(calls, longest=2).splitlines()[2] == (
        f"ListSessions(maxResults=2) → 200, 0 sessions, no token{AT}"
    )


def test_attributes_of_a_call():
    """A call has its tokens, its summaries, and whether it was a retry."""
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
    """The repr of a call has the arguments but not the response."""
    assert "sessions" not in repr(_call())
    assert "maxResults" in repr(_call())


@pytest.fixture
def three():
    """A transcript of three calls."""
    calls = Transcript()
    for number in range(3):
        calls.add(_call(number))
    return calls


def test_a_transcript_is_a_sequence(three):
    """A transcript is a sequence of calls in order, and its slices are lists."""
    calls = [_call(number) for number in range(3)]
    assert list(three) == calls
    assert len(three) == 3
    assert (three[0], three[-1]) == (calls[0], calls[2])
    assert (three[1:], type(three[1:])) == (calls[1:], list)
    assert list(reversed(three)) == calls[::-1]
    assert calls[1] in three
    assert three.index(calls[1]) == 1
    with pytest.raises(IndexError):
        three[3]


def test_a_transcript_shows_itself(three):
    """The text of a transcript shows its calls; the repr shows their number."""
    assert str(three) == render(list(three))
    assert repr(three) == "<Transcript of 3 calls>"


def test_a_transcript_equals_the_list_of_its_calls(three):
    """A transcript equals the list of its calls, and another transcript only if identical."""
    assert three == [_call(0), _call(1), _call(2)]
    assert three != [_call(0)]
    assert three == three  # noqa: PLR0124
    assert Transcript(three) != three
    assert {three: "found"}[three] == "found"


def test_iterating_while_a_transcript_grows(three):
    """Iterating over a transcript gives only the calls it had at the start."""
    for call in three:
        three.add(call)
    assert len(three) == 6


def test_clear_and_replace(three):
    """The calls of a transcript can be cleared, or replaced."""
    three.replace(call for call in three if call != _call(1))
    assert three == [_call(0), _call(2)]
    three.replace(three)
    assert three == [_call(0), _call(2)]
    three.replace([])
    assert three == []
    three.add(_call(5))
    three.clear()
    assert three == []


def test_the_journal_has_transcripts_with_calls():
    """The journal has each transcript that has calls, once, in order of first calls."""
    first, second, empty = Transcript(), Transcript(), Transcript()
    for recorded in (first, second, first):
        recorded.add(_call())
    assert [*journal] == [first, second]
    assert empty not in journal
    second.clear()
    assert [*journal] == [first]
    first.replace([_call(1)])
    assert [*journal] == [first]
    first.replace([])
    empty.clear()
    assert [*journal] == []


def test_the_journal_after_it_was_cleared():
    """After the journal is cleared, an old transcript returns with its next call."""
    old = Transcript()
    old.add(_call())
    journal.clear()
    assert old not in journal
    old.add(_call())
    assert [*journal] == [old]


def test_the_journal_keeps_the_last_four():
    """The journal keeps the four transcripts that were added last."""
    transcripts = [Transcript() for _ in range(6)]
    for recorded in transcripts:
        recorded.add(_call())
    assert [*journal] == transcripts[2:]
    transcripts[0].add(_call())
    assert [*journal] == [*transcripts[3:], transcripts[0]]


def test_threads_add_calls_concurrently():
    """When threads add calls concurrently, none is lost and each thread's order is kept."""
    shared, separate = Transcript(), [Transcript() for _ in range(8)]

    def add_calls(number):
        for attempt in range(200):
            shared.add(_call(number, attempt=attempt))
            separate[number].add(_call(number))
            separate[number].clear()

    threads = [threading.Thread(target=add_calls, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(shared) == 8 * 200
    for number in range(8):
        own = [call.attempt for call in shared if call.params["maxResults"] == number]
        assert own == list(range(200))


@pytest.mark.parametrize("again", [copy.deepcopy, lambda calls: pickle.loads(pickle.dumps(calls))])
def test_transcripts_can_be_copied(three, again):
    """A copied transcript has the same calls, and new calls are added to it alone."""
    other = again(three)
    other.add(_call(3))
    assert (len(other), len(three)) == (4, 3)
    assert other[:3] == list(three)


def test_arguments_of_a_first_call_are_shown_in_full():
    """Without a previous call, ``render_arguments`` shows all arguments."""
    assert transcript.render_arguments(JOB, {}) == SHOWN


def test_a_transcript_can_be_a_key():
    """Two transcripts are different keys, even if their calls are the same."""
    first, second = Transcript(), Transcript()
    numbers = {first: 1, second: 2}
    assert (numbers[first], numbers[second]) == (1, 2)
