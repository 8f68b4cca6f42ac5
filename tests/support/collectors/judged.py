"""Run ``check_pagination`` on a few given cases."""

from __future__ import annotations

import re

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


def pasted(violation):
    """Return the code at the end of a report."""
    text = str(violation).partition("to rerun this case:\n")[2]
    return "\n".join(line.strip() for line in text.splitlines())


def run_again(violation):
    """Run the code at the end of a report, and return the violation it raises.

    It runs as it is, except that ``<your collector>``, say, is replaced by that option.
    """
    names = {"collector": violation.options.collect, **vars(violation.options)}
    code = re.sub("<your (\\w+)>", r"names['\1']", pasted(violation))
    with pytest.raises(PaginationViolation) as caught:
        exec(code, {"names": names})
    return caught.value
