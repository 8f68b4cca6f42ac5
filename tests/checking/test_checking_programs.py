"""Programs as collectors: any command, run as a process against the loopback server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from collectors.judged import found, passes

from pytest_deadline_sessions import Listing, PaginationViolation, check_pagination
from pytest_deadline_sessions.checking import VARIATIONS, Case, Lapse, Program, _processes
from pytest_deadline_sessions.checking._options import checked_options
from pytest_deadline_sessions.checking._program_cases import program_cases

pytest.importorskip("h11")

TWO_PAGES = Listing(page_sizes=(1, 1))
IDS = ("{farmId}", "{queueId}", "{jobId}")

BEGINNING = """
import http.client, json, os, sys, time, urllib.parse
server = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL_DEADLINE"])
client = http.client.HTTPConnection(server.hostname, server.port)

def get(path, **query):
    client.request("GET", f"/2023-10-12/{path}?" + urllib.parse.urlencode(query))
    response = client.getresponse()
    return response.status, json.loads(response.read())

def ids(page):
    return [session["sessionId"] for session in page["sessions"]]

farm, queue, *job = sys.argv[1:]
jobs = f"farms/{farm}/queues/{queue}/jobs"
"""
RIGHT = """
token = {}
while token is not None:
    status, page = get(f"{jobs}/{job[0]}/sessions", **token)
    if status != 200:
        sys.exit(f"{status}: {page['message']}")
    print(*ids(page), sep="\\n")
    token = {"nextToken": page["nextToken"]} if page.get("nextToken") else None
"""
FIRST_PAGE = """
print(ids(get(f"{jobs}/{job[0]}/sessions")[1]))
"""
AS_JSON = """
print(json.dumps({"found": ids(get(f"{jobs}/{job[0]}/sessions")[1])}))
"""
IGNORES_ERRORS = RIGHT.replace("sys.exit", "sys.exit(0) #")
FAILS = """
sys.exit("no luck")
"""
FAILS_SILENTLY = """
sys.exit(3)
"""
CALLS_FOREVER = """
while True:
    get(f"{jobs}/{job[0]}/sessions")
"""
WAITS = """
time.sleep(60)
"""
PRINTS_FOREVER = """
while True:
    print("x" * 100_000)
"""
OF_QUEUE = """
for job in get(jobs)[1]["jobs"]:
    print(*ids(get(f"{jobs}/{job['jobId']}/sessions")[1]))
"""


def every_job(collect, client, job):
    """Call a collector."""
    return collect(client, **job)


def program(code, *arguments, **options):
    """Return a program in Python."""
    return Program([sys.executable, "-S", "-c", BEGINNING + code, *(arguments or IDS)], **options)


def test_a_program_that_is_right():
    """A program that prints all ids passes."""
    passes(program(RIGHT), Case(Listing(page_sizes=(1, 0, 1)), sequence="two-jobs"))


@pytest.mark.at_length
def test_a_program_that_is_right_in_every_case():
    """A program that handles errors passes all cases for programs, and some that are drawn."""
    check_pagination(program(RIGHT), max_examples=3)


@pytest.mark.parametrize(
    ("code", "case", "rule", "what"),
    [
        (FIRST_PAGE, Case(TWO_PAGES), "complete", "It returned 1 session for a listing of 2"),
        (
            IGNORES_ERRORS,
            Case(TWO_PAGES, lapses=(Lapse("AccessDeniedException", 1),)),
            "surfaces-faults",
            "A call failed permanently, yet it returned normally. It returned 1 session",
        ),
        (
            FAILS,
            Case(TWO_PAGES),
            "complete",
            "It raised ExitStatusError: 1, and printed to stderr: no luck, though no call had",
        ),
        (FAILS_SILENTLY, Case(TWO_PAGES), "complete", "ExitStatusError: 3, though"),
        (CALLS_FOREVER, Case(TWO_PAGES), "terminates", "it made 4 calls (expected at most 3)"),
    ],
)
def test_programs_that_are_wrong(code, case, rule, what):
    """A mistake of a program is found, under the rule that it breaks."""
    finding = found(program(code), case)
    assert finding.rule == rule
    assert what in finding.what


def test_a_program_that_waits():
    """A program that runs without a call for longer than ``patience=`` is killed."""
    finding = found(program(WAITS), TWO_PAGES, patience=0.2)
    assert finding.rule == "terminates"
    assert finding.what == "It was stopped: it ran for 0.2 s without making a call"


def test_a_program_that_prints_forever(monkeypatch):
    """A program that prints too much is killed."""
    monkeypatch.setattr(_processes, "MOST_OUTPUT", 1_000_000)
    finding = found(program(PRINTS_FOREVER), TWO_PAGES)
    assert finding.what == "It was stopped: it printed more than 1,000,000 bytes"


def test_what_a_program_leaves_behind(tmp_path):
    """A process that the program has started is killed when the program ends."""
    code = (
        f"{RIGHT}\nimport subprocess\n"
        "left = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)'])\n"
        "open('left', 'a').write(f'{left.pid} ')\n"
    )
    passes(program(code, directory=str(tmp_path)), TWO_PAGES)
    for pid in (tmp_path / "left").read_text().split():
        shown = subprocess.run(
            ["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, check=False
        )
        assert shown.stdout.strip()[:1] in {"", "Z"}


def test_a_process_that_leaves_the_group(monkeypatch, tmp_path):
    """A process that the program has started apart, and that holds its output, holds up nothing."""
    monkeypatch.setattr(_processes, "LINGER", 0.05)
    code = (
        f"{RIGHT}\nsys.stdout.flush()\nimport subprocess\n"
        "sleep = [sys.executable, '-S', '-c', 'import time; time.sleep(60)']\n"
        "left = subprocess.Popen(sleep, start_new_session=True)\n"
        "open('left', 'a').write(f'{left.pid} ')\n"
    )
    passes(program(code, directory=str(tmp_path)), patience=5)
    for pid in (tmp_path / "left").read_text().split():
        os.kill(int(pid), signal.SIGKILL)


def test_a_request_after_the_end():
    """A request that comes too late finds no program to kill."""
    processes = _processes.Processes(1)
    processes.stop("it had ended")
    assert processes.stopped == "it had ended"


def test_parsing_the_output():
    """``parse=`` makes a result of the output, and its errors are the program's."""
    parsing = program(AS_JSON, parse=lambda text: json.loads(text)["found"])
    finding = found(parsing, TWO_PAGES)
    assert "It returned 1 session for a listing of 2: 1 missing" in finding.what
    finding = found(program(FIRST_PAGE, parse=json.loads), TWO_PAGES)
    assert finding.what.startswith("It raised JSONDecodeError: ")


@pytest.mark.at_length
def test_expectations_of_a_program():
    """``expected=`` and ``key=`` apply to what ``parse=`` returns."""
    counting = program(RIGHT, parse=lambda text: len(text.split()))
    passes(counting, TWO_PAGES, expected=len)
    keyed = program(RIGHT, parse=lambda text: [[each] for each in text.split()])
    passes(keyed, TWO_PAGES, key=lambda row: row[0])


@pytest.mark.at_length
def test_jobs_of_a_program():
    """With ``jobs=`` a program gets the ids of the farm and the queue."""
    one_page_each = program(OF_QUEUE, "{farmId}", "{queueId}")
    finding = found(one_page_each, Listing(page_sizes=(1,)), jobs=2)
    assert "It returned 2 sessions for a listing of 3: 1 missing" in finding.what


def test_the_environment_of_a_program(tmp_path):
    """A program gets the environment and the directory that it is given, and makes no retries."""
    code = (
        "colour, attempts = os.environ['COLOUR'], os.environ['AWS_MAX_ATTEMPTS']\n"
        "sys.exit(f'{colour} {attempts} {os.getcwd()}')"
    )
    shown = program(code, environment={"COLOUR": "red"}, directory=str(tmp_path))
    finding = found(shown, TWO_PAGES)
    assert f"red 1 {tmp_path}" in finding.what


def test_a_program_that_cannot_be_started():
    """A program that does not exist is the test's mistake."""
    with pytest.raises(RuntimeError, match=r"^cannot start 'no-such-program': .*\(expected a prog"):
        check_pagination(Program(["no-such-program"]))


@pytest.mark.at_length
def test_the_report_of_a_program():
    """The code in a report has the whole program."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(program(FIRST_PAGE))
    violation = caught.value
    code = str(violation).partition("to rerun this case:\n")[2]
    assert "from pytest_deadline_sessions.checking import Program\n" in code
    with pytest.raises(PaginationViolation) as again:
        exec("\n".join(map(str.strip, code.splitlines())), {"check_pagination": check_pagination})
    assert again.value.case == violation.case == Case(TWO_PAGES)


@pytest.mark.at_length
def test_drawn_cases_are_shrunk():
    """A case that Hypothesis drew is shrunk, in few steps."""
    four = RIGHT.replace("print(", "if len(ids(page)) > 3: break\n    print(")
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(program(four), without=VARIATIONS, max_examples=30)
    assert len(caught.value.listing) < 10


def test_few_cases_are_tried():
    """A program is tried in few cases, some of each variation, and in none that is drawn."""
    cases = list(program_cases())
    assert len(cases) == 22
    for variation in VARIATIONS:
        assert len(list(program_cases({variation}))) < len(cases)
    assert len(list(program_cases(VARIATIONS))) == 3
    defaults = dict.fromkeys(("call", "key", "jobs", "setup", "client", "expected"))
    switches = {"ordered": True, "examples": (), "without": (), "empty_final_token": False}
    switches["operation"] = "ListSessions"
    options = checked_options(
        collect=program(RIGHT), **defaults, **switches, max_examples=None, patience=None
    )
    assert (options.max_examples, options.patience) == (0, 30)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"command": "aws"}, TypeError, r"command='aws' \(expected a list of strings: a program"),
        ({"command": []}, ValueError, r"command=\[\] \(expected a list of strings: a program"),
        ({"command": ["aws", 3]}, TypeError, r"command=3 \(expected a list of strings: a program"),
        ({"parse": "json"}, TypeError, r"parse='json' \(expected a function of the standard outp"),
        ({"parse": every_job}, TypeError, r"parse=.* called as parse\(output\), but it takes"),
        ({"environment": ["x"]}, TypeError, r"environment=\['x'\] \(expected a dict of strings"),
        ({"environment": {"x": 1}}, TypeError, r"environment={'x': 1} \(expected a dict of stri"),
        ({"directory": 3}, TypeError, r"directory=3 \(expected the path of a directory"),
    ],
)
def test_programs_that_are_refused(arguments, error, words):
    """A wrong argument of a program is refused with its name and what is allowed."""
    with pytest.raises(error, match=f"^{words}"):
        Program(**{"command": ["aws"], **arguments})


@pytest.mark.parametrize("option", [{"client": "plain"}, {"call": every_job}])
def test_options_that_no_program_has(option):
    """``client=`` and ``call=`` are refused for a program."""
    (name,) = option
    with pytest.raises(ValueError, match=rf"no {name}= for a Program, which makes its own clients"):
        check_pagination(program(RIGHT), **option)
