"""What checks have tried is shown at the end of a run, if somebody wants to know."""

from __future__ import annotations

import re

import pytest

CHECKS = """
from pytest_deadline_sessions import check_pagination
from pytest_deadline_sessions.checking import VARIATIONS


def every(client, **job):
    pages = client.get_paginator("list_sessions").paginate(**job)
    return [session for page in pages for session in page["sessions"]]


def first_page(client, **job):
    return client.list_sessions(**job)["sessions"]


def check(collect):
    check_pagination(collect, without=VARIATIONS, max_examples=0)


def test_passing():
    check(every)


def test_failing():
    check(every)
    check(lambda client, **job: every(client, **job))
    check(first_page)


def test_without_a_check():
    pass
"""

LINES = {
    "test_failing: <lambda>: 4 cases",
    "test_failing: every: 4 cases",
    "test_passing: every: 4 cases",
}


def lines(result):
    """Return the beginnings of the lines in the section about checks."""
    _, _, section = result.stdout.str().rpartition(" check_pagination ====")
    return set(re.findall("^[^ ]*::(test_.*?: .*?: 4 cases)", section, re.MULTILINE))


@pytest.mark.parametrize("option", ["-v", "--hypothesis-show-statistics"])
def test_a_line_for_each_check(pytester, run_pytest, option):
    """With ``-v`` or Hypothesis's statistics, each check that passed has a line."""
    pytester.makepyfile(CHECKS)
    result = run_pytest(option)
    result.assert_outcomes(passed=2, failed=1)
    assert lines(result) == LINES


def test_no_lines(pytester, run_pytest):
    """By default nothing is shown, nor if there was no check."""
    pytester.makepyfile(CHECKS)
    assert not lines(run_pytest("-k", "passing"))
    assert " check_pagination ====" not in run_pytest("-v", "-k", "without").stdout.str()


@pytest.mark.at_length
def test_lines_of_workers(pytester, run_pytest):
    """The workers of pytest-xdist send their lines to the controller."""
    pytest.importorskip("xdist")
    pytester.makepyfile(CHECKS)
    assert lines(run_pytest("-p", "xdist", "-v", "-n", "1")) == LINES
