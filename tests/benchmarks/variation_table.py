"""Which variation finds what: ``python tests/benchmarks/variation_table.py``.

Prints, for each rule, how many of its wrong collectors are found with one variation alone, as the
table of docs/check_pagination.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import hypothesis
from collectors.wrong import WRONG

from pytest_deadline_sessions import PaginationViolation, check_pagination
from pytest_deadline_sessions.checking import RULES, VARIATIONS


def found(name, without):
    """Whether a wrong collector is found without those variations."""
    collect, _, options = WRONG[name]
    try:
        check_pagination(collect, without=without, max_examples=50, **options)
    except PaginationViolation:
        return True
    return False


def rule_of(name):
    """The rule that a wrong collector is entered under, the first of several."""
    return next(rule for rule in RULES if rule in WRONG[name][1])


def table():
    """The lines of the table."""
    kinds = [None, *VARIATIONS]
    yield f"| rule | collectors | none | {' | '.join(VARIATIONS)} |"
    yield f"| --- |{' --- |' * (len(kinds) + 1)}"
    totals = dict.fromkeys(kinds, 0)
    for rule in RULES:
        names = [name for name in WRONG if rule_of(name) == rule]
        counts = {
            kind: sum(found(name, set(VARIATIONS) - {kind}) for name in names) for kind in kinds
        }
        for kind, count in counts.items():
            totals[kind] += count
        yield f"| {rule} | {len(names)} | {' | '.join(map(str, counts.values()))} |"
    yield f"| all | {len(WRONG)} | {' | '.join(map(str, totals.values()))} |"


if __name__ == "__main__":
    hypothesis.settings.register_profile("table", derandomize=True)
    hypothesis.settings.load_profile("table")
    for line in table():
        print(line, file=sys.__stdout__, flush=True)
