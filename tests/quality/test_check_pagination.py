"""``check_pagination`` finds every wrong collector and accepts every right one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from collectors.judged import run_again
from collectors.right import RIGHT
from collectors.wrong import WRONG, forget

from pytest_deadline_sessions import PaginationViolation, check_pagination
from pytest_deadline_sessions.checking import RULES, VARIATIONS


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name):
    """A wrong collector is caught at default settings, under a rule that it breaks.

    The code at the end of its report gives the same violation.
    """
    collect, rules, options = WRONG[name]
    forget()
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, **options)
    violation = caught.value
    assert violation.rule in rules
    forget()
    again = run_again(violation)
    assert again.rule == violation.rule
    if violation.rule != "stateless":
        # The depth at which a recursion fails depends on the depth of its caller.
        assert again.case == violation.case or name == "too_deep"
        assert again.finding.what.split()[:3] == violation.finding.what.split()[:3]


@pytest.mark.usefixtures("some_cases")
@pytest.mark.parametrize("name", RIGHT)
def test_right(name):
    """A right collector passes the cases that are always tried.

    The benchmarks check right collectors at default settings and with many seeds.
    """
    collect, options = RIGHT[name]
    without = {*options.get("without", ()), "volume"}
    check_pagination(collect, **{**options, "max_examples": 0, "without": without})


@pytest.mark.parametrize("name", ["paginator", "page_size", "recursive", "beside_a_task"])
def test_right_with_many_pages(name):
    """A right collector passes with hundreds of pages."""
    collect, options = RIGHT[name]
    without = set(VARIATIONS) - {"volume"}
    check_pagination(collect, **{**options, "max_examples": 5, "without": without})


def test_the_collections_are_large_enough():
    """Every rule has at least five wrong collectors, and both collections are large enough."""
    assert len(RIGHT) >= 20
    assert len(WRONG) >= 40
    counts = {rule: sum(rules == {rule} for _, rules, _ in WRONG.values()) for rule in RULES}
    assert min(counts.values()) >= 5, counts


DOCUMENT = (Path(__file__).parents[2] / "docs" / "check_pagination.md").read_text("utf-8")


def tables():
    """Return the tables of the document, as rows of cells; the first row is the header."""
    matches = re.findall(r"(?:^\|.*\n)+", DOCUMENT, re.MULTILINE)
    return [
        [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
        for table in matches
    ]


def test_the_document_names_rules_and_variations():
    """The document lists the rules and variations of the code, in order."""
    rules, _, variations, rows, *_ = tables()
    assert {row[0]: row[1] for row in rules[2:]} == RULES
    assert [row[0] for row in rules[2:]] == list(RULES)
    assert [row[0] for row in variations[2:]] == list(VARIATIONS)
    assert rows[0] == ["rule", "collectors", "none", *VARIATIONS]
    assert [row[0] for row in rows[2:]] == [*RULES, "all"]


def test_the_table_counts_this_collection():
    """The table counts the wrong collectors of the collection, and its cells are consistent."""
    _, _, _, rows, *_ = tables()
    first = [next(rule for rule in RULES if rule in rules) for _, rules, _ in WRONG.values()]
    counts = [*(first.count(rule) for rule in RULES), len(WRONG)]
    assert [int(row[1]) for row in rows[2:]] == counts
    for row in rows[2:]:
        assert all(int(cell) >= int(row[2]) for cell in row[3:])
        assert max(map(int, row[2:])) <= int(row[1])


def test_every_variation_finds_something():
    """In the table, each variation finds a wrong collector that the plain cases do not."""
    _, _, _, rows, *_ = tables()
    *_, totals = rows
    assert all(int(cell) > int(totals[2]) for cell in totals[3:])
