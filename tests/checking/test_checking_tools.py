"""Runaways are stopped beside other tools that trace, measure, limit or run the test."""

from __future__ import annotations

import bdb
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from collectors import runaway
from collectors.judged import MAY_STOP_COLLECTORS
from collectors.wrong import every

from pytest_deadline_sessions import Listing, PaginationViolation, check_pagination
from pytest_deadline_sessions.checking import VARIATIONS, Case

pytestmark = MAY_STOP_COLLECTORS

RUNAWAYS = [
    runaway.waits_for_ever,
    runaway.works_for_ever,
    runaway.works_for_ever_whatever_comes,
    runaway.a_thread_works_for_ever,
]


def _paces_itself(client, **job):
    threading.Event().wait(600)
    time.sleep(600)
    return every(client, **job)


def _check_all():
    """Check a correct collector, and some that never end."""
    options = {"examples": [Case(Listing(page_sizes=(0,)))], "max_examples": 0}
    for collect in RUNAWAYS:
        with pytest.raises(PaginationViolation) as caught:
            check_pagination(collect, **options, patience=0.4)
        assert caught.value.rule == "terminates"
    check_pagination(_paces_itself, **options, without=VARIATIONS)


# These walk through all modules.
_SLOW = ["pytest_deadline_sessions._rebinding", "pytest_deadline_sessions._domain*", "typing"]


class _Debugger(bdb.Bdb):
    """Steps through the test and what it calls, but not into libraries."""

    def __init__(self):
        super().__init__(skip=[*_SLOW, "botocore*", "freezegun*", "hypothesis*", "json*", "re*"])
        self.lines = 0

    def user_line(self, _frame):
        self.lines += 1


@pytest.mark.at_length
def test_beside_a_debugger():
    """Runaways are stopped while a debugger steps through them, and it is not lost."""
    before = sys.gettrace()
    debugger = _Debugger()
    debugger.reset()
    sys.settrace(debugger.trace_dispatch)
    try:
        _check_all()
        after = sys.gettrace()
    finally:
        sys.settrace(before)
    assert after == debugger.trace_dispatch
    assert debugger.lines > 0


@pytest.mark.at_length
def test_outside_of_the_main_thread():
    """Runaways are stopped in any thread."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(_check_all).result()


@pytest.mark.at_length
@pytest.mark.skipif(sys.version_info < (3, 12), reason="there is no sys.monitoring")
def test_beside_a_monitoring_tool():
    """Runaways are stopped while a tool of ``sys.monitoring`` listens, and it goes on listening."""
    monitoring = sys.monitoring
    lines = []
    tool = next(each for each in range(6) if monitoring.get_tool(each) is None)
    monitoring.use_tool_id(tool, "counts")
    try:
        monitoring.register_callback(tool, monitoring.events.PY_START, lambda *_: lines.append(1))
        monitoring.set_events(tool, monitoring.events.PY_START)
        _check_all()
        heard = len(lines)
        runaway.nothing()
        assert len(lines) > heard
        assert monitoring.get_events(tool) == monitoring.events.PY_START
    finally:
        monitoring.set_events(tool, 0)
        monitoring.register_callback(tool, monitoring.events.PY_START, None)
        monitoring.free_tool_id(tool)


SUITE = """
    import threading
    import time

    import pytest

    from pytest_deadline_sessions import PaginationViolation, check_pagination
    from pytest_deadline_sessions.checking import VARIATIONS


    def right(client, **job):
        time.sleep(600)
        threading.Event().wait(600)
        pages = client.get_paginator("list_sessions").paginate(**job)
        return [session for page in pages for session in page["sessions"]]


    def works(client, **job):
        while True:
            try:
                len("")
            except BaseException:
                pass


    def works_in_a_thread(client, **job):
        thread = threading.Thread(target=works, args=[client], kwargs=job)
        thread.start()
        thread.join()


    def waits(client, **job):
        threading.Event().wait()


    def test_right():
        check_pagination(right, max_examples=0, without=VARIATIONS)


    @pytest.mark.parametrize("collect", [works, works_in_a_thread, waits])
    def test_runaway(collect):
        with pytest.raises(PaginationViolation) as caught:
            check_pagination(collect, patience=0.4)
        assert caught.value.rule == "terminates"
"""


@pytest.mark.at_length
@pytest.mark.parametrize("method", ["signal", "thread"])
def test_beside_a_timeout(every_plugin, method):
    """Runaways are stopped before a time limit of pytest-timeout has passed."""
    pytest.importorskip("pytest_timeout")
    every_plugin.makepyfile(textwrap.dedent(SUITE))
    options = ("--timeout=60", f"--timeout-method={method}", "-p", "no:randomly")
    every_plugin.runpytest_subprocess(*options).assert_outcomes(passed=4)


@pytest.mark.at_length
@pytest.mark.parametrize("core", ["ctrace", "pytrace", "sysmon"])
def test_beside_coverage(every_plugin, monkeypatch, core):
    """Runaways are stopped while coverage is measured, by each of its ways to trace."""
    if core == "sysmon" and sys.version_info < (3, 12):
        pytest.skip("there is no sys.monitoring")
    monkeypatch.setenv("COVERAGE_CORE", core)
    for name in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    every_plugin.makepyfile(textwrap.dedent(SUITE))
    every_plugin.makefile(".ini", measured="[run]\nsource = .\n")
    options = ["--rcfile=measured.ini", "-m", "pytest", "-p", "no:randomly"]
    every_plugin.run(sys.executable, "-m", "coverage", "run", *options).assert_outcomes(passed=4)
    report = every_plugin.run(sys.executable, "-m", "coverage", "report", "--rcfile=measured.ini")
    report.stdout.fnmatch_lines(["TOTAL*"])
