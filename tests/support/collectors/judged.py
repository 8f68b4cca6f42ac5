"""Run ``check_pagination`` on a few given cases."""

from __future__ import annotations

import pytest

from pytest_deadline_sessions import Listing, PaginationViolation, check_pagination
from pytest_deadline_sessions.checking import VARIATIONS, Case

# The marks of a module of tests. A collector that is stopped while it closes its event loop leaves
# the loop open.
MAY_STOP_COLLECTORS = [
    pytest.mark.usefixtures("stopped_are_collected"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings(
        "ignore:.*BaseEventLoop.__del__:pytest.PytestUnraisableExceptionWarning"
    ),
]


def found(collect, *examples, **options):
    """Return the finding in one of these cases; there must be one."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, examples=examples, max_examples=1, **options)
    assert caught.value.case in [
        Case(example) if isinstance(example, Listing) else example for example in examples
    ]
    return caught.value.finding


def passes(collect, *examples, **options):
    """Assert that the collector is right in these cases, and in a few plain ones."""
    check_pagination(collect, examples=examples, max_examples=1, without=VARIATIONS, **options)


def run_again(violation, **names):
    """Run the code at the end of a report, and return the violation it raises."""
    text = str(violation).partition("to rerun this case:\n")[2]
    code = "\n".join(line.strip() for line in text.splitlines())
    with pytest.raises(PaginationViolation) as caught:
        exec(code, {"check_pagination": check_pagination, **names})
    return caught.value
