"""What a collector kept between its calls, and where it was stopped, is in the report."""

# Written the way people write them.

from __future__ import annotations

import inspect
import json
from types import SimpleNamespace

import pytest
from collectors.judged import found, pasted, run_again
from collectors.wrong import every

from pytest_deadline_sessions import (
    Listing,
    PaginationViolation,
    check_pagination,
)
from pytest_deadline_sessions.checking import VARIATIONS, Case, Lapse
from pytest_deadline_sessions.checking._place import line_of

ONE_PAGE = Listing(page_sizes=(1,))
TWO_PAGES = Listing(page_sizes=(1, 1))


def adding_to_a_list():
    """Make a collector that adds to the same list each time."""
    sessions = []

    def collect(client, **job):
        sessions.extend(every(client, **job))
        return list(sessions)

    return collect


def sessions_kept(*, listing):
    """Make a collector that returns its first result for a job, whether it lists or not."""
    results = {}

    def collect(client, **job):
        if job["jobId"] in results and not listing:
            return list(results[job["jobId"]])
        found_now = every(client, **job)
        return list(results.setdefault(job["jobId"], found_now))

    return collect


def resuming():
    """Make a collector that begins with the token at which it failed."""
    tokens = {}

    def collect(client, **job):
        sessions, token = [], tokens.get(job["jobId"])
        while True:
            response = client.list_sessions(**job, **({"nextToken": token} if token else {}))
            sessions += response["sessions"]
            token = tokens[job["jobId"]] = response.get("nextToken")
            if token is None:
                return sessions

    return collect


def fresh_only():
    """Make a collector that returns no session a second time."""
    seen = set()

    def collect(client, **job):
        sessions = [each for each in every(client, **job) if str((job, each)) not in seen]
        seen.update(str((job, each)) for each in sessions)
        return sessions

    return collect


@pytest.mark.parametrize(
    ("collect", "sequence", "cause"),
    [
        (adding_to_a_list(), "twice", "It returns the sessions of the first call as well."),
        (
            sessions_kept(listing=False),
            "sessions-added",
            "It makes no calls when it is called again: it returns what it kept.",
        ),
        (sessions_kept(listing=True), "sessions-added", ""),
        (resuming(), "after-failure", "It begins with a token that an earlier call received."),
        (fresh_only(), "twice", "It leaves out sessions that an earlier call returned."),
    ],
)
def test_what_a_collector_keeps(collect, sequence, cause):
    """What a collector keeps between calls is named by what its calls show, without another."""
    lapses = (Lapse("AccessDeniedException", 1),) if sequence == "after-failure" else ()
    finding = found(collect, Case(TWO_PAGES, lapses=lapses, sequence=sequence))
    assert (finding.rule, finding.cause) == ("stateless", cause)


def test_a_result_that_its_caller_has_changed():
    """A collector that returns the object it has kept is told so."""
    kept_results = {}

    def collect(client, **job):
        sessions = every(client, **job)
        return kept_results.setdefault(job["jobId"], sessions)

    finding = found(collect, Case(ONE_PAGE, sequence="changed-result"))
    assert finding.cause == (
        "It returns the same object as before, which its caller may have changed."
    )


def test_calls_of_several_runs():
    """The requests are shown below a heading for each call of the collector."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(fresh_only(), examples=[Case(ONE_PAGE, sequence="twice")])
    lines = [line.strip().partition("(")[0] for line in str(caught.value).splitlines()]
    start = lines.index("calls:")
    assert lines[start : start + 5] == [
        "calls:",
        "call 1 of the collector:",
        "ListSessions",
        "call 2 of the collector:",
        "ListSessions",
    ]


def test_the_case_before():
    """If a collector sends what it received in another case, the report repeats that case too."""
    tokens = []

    def collect(client, **job):
        sessions, token = [], tokens.pop() if tokens else None
        while True:
            response = client.list_sessions(**job, **({"nextToken": token} if token else {}))
            sessions += response["sessions"]
            token = response.get("nextToken")
            if token is None:
                return sessions
            if len(sessions) == 2:
                tokens.append(token)

    cases = [Listing(page_sizes=(2, 1)), ONE_PAGE]
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, examples=cases, without=VARIATIONS)
    assert caught.value.rule == "stateless"
    assert pasted(caught.value).endswith(f"examples={cases}, without={list(VARIATIONS)})")
    tokens.clear()
    assert run_again(caught.value).rule == "stateless"


def endless(client, **job):
    """List the same page for ever."""
    while True:
        client.list_sessions(**job)


def test_where_it_was_stopped():
    """A report shows the line of the collector's own code where it was stopped."""
    ((label, place),) = found(endless, ONE_PAGE).details
    assert label == "stopped at"
    line = inspect.getsourcelines(endless)[1] + 3
    name = f"test_checking_kept.py:{line}, in endless: client.list_sessions(**job)"
    assert place.endswith(name)


def _raised(function, *arguments):
    """Return the error that a function raises."""
    with pytest.raises(ValueError, match=r"tool|Expecting") as caught:
        function(*arguments)
    return caught.value


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("tool.py", "tool.py:1, in <module>"),
        ("/elsewhere/tool.py", "/elsewhere/tool.py:1, in <module>"),
    ],
)
def test_the_line_of_an_error(tmp_path, monkeypatch, name, place):
    """The innermost line counts; the path of a file below the current folder is relative."""
    monkeypatch.chdir(tmp_path)
    code = compile("raise ValueError('tool')", str(tmp_path / name), "exec")
    error = _raised(exec, code, {"__name__": "tool"})
    assert line_of(error) == place
    group = SimpleNamespace(exceptions=(KeyError(), error), __traceback__=None)
    assert line_of(group) == place


def test_an_error_of_libraries_alone():
    """A traceback without a line of the collector's own has no place."""
    error = _raised(json.loads, "{")
    assert line_of(error).endswith("function(*arguments)")
    inner = error.__traceback__.tb_next.tb_next
    assert line_of(error.with_traceback(inner)) == ""
