"""Collectors by somebody who had not seen the checker: each is judged as its author says."""

from __future__ import annotations

import os

import pytest
from collectors import strangers
from collectors.judged import MAY_STOP_COLLECTORS

from pytest_deadline_sessions import PaginationViolation, check_pagination

pytestmark = [
    pytest.mark.at_length,
    *MAY_STOP_COLLECTORS,
    # Some forget to await, and the threads of some die.
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]

# `nox -s thorough` tries every one.
STEP = int(os.environ.get("DEADLINE_SESSIONS_STEP", "24"))
WRONG = {
    name: collect
    for name, (collect, _) in strangers.wrong().items()
    if name not in strangers.OUT_OF_REACH
}
RIGHT = strangers.right()


def some(collectors):
    """Return only some of the collectors, as parameters of a test."""
    names = list(collectors)[::STEP]
    return [pytest.param(collectors[name], id=name) for name in names]


@pytest.mark.parametrize("collect", some(WRONG))
def test_a_wrong_collector_is_found(collect):
    """A collector that its author calls wrong breaks a rule."""
    with pytest.raises(PaginationViolation):
        check_pagination(collect)


@pytest.mark.usefixtures("some_cases")
@pytest.mark.parametrize("collect", some(RIGHT))
def test_a_right_collector_passes(collect):
    """A collector that its author calls right passes."""
    check_pagination(collect, max_examples=0)


def test_there_are_many():
    """The collections are large enough to mean something."""
    assert len(WRONG) > 250
    assert len(RIGHT) > 110
