"""The collections: every wrong collector is caught, under its rule, and no right one is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from collectors.judged import run_again
from collectors.right import RIGHT
from collectors.wrong import WRONG

from pytest_deadline_sessions import PaginationViolation, check_pagination
from pytest_deadline_sessions.checking import RULES, VARIATIONS


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name):
    """A wrong collector is caught at default settings, under a rule that it breaks.

    The lines that its report shows bring about the same, with nothing to add in a module that has
    the collector and check_pagination.
    """
    collect, rules, options = WRONG[name]
    if not name.isidentifier() or collect.__name__ != name:
        collect.__name__ = "collect"
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, **options)
    found = caught.value
    assert found.rule in rules
    again = run_again(found, **{collect.__name__: collect, "expected": options.get("expected")})
    assert again.rule == found.rule
    if found.rule != "stateless":
        # How deep a recursion may go depends on who calls.
        assert again.case == found.case or name == "too_deep"
        assert again.finding.what.split()[:3] == found.finding.what.split()[:3]


@pytest.mark.parametrize("name", RIGHT)
def test_right(name):
    """A right collector passes, however it is written.

    The benchmarks try them at default settings, and over many seeds.
    """
    collect, options = RIGHT[name]
    without = {*options.get("without", ()), "volume"}
    check_pagination(collect, **{**options, "max_examples": 5, "without": without})


@pytest.mark.parametrize("name", ["paginator", "page_size", "recursive", "beside_a_task"])
def test_right_with_many_pages(name):
    """Hundreds of pages are no reason to complain either."""
    collect, options = RIGHT[name]
    without = set(VARIATIONS) - {"volume"}
    check_pagination(collect, **{**options, "max_examples": 5, "without": without})


def test_collections_are_worth_their_name():
    """Every rule has several wrong collectors, and there are enough of both kinds."""
    assert len(RIGHT) >= 20
    assert len(WRONG) >= 40
    counts = {rule: sum(rules == {rule} for _, rules, _ in WRONG.values()) for rule in RULES}
    assert min(counts.values()) >= 5, counts


DOCUMENT = (Path(__file__).parents[2] / "docs" / "check_pagination.md").read_text("utf-8")


def tables():
    """The tables of the document: the cells of each line below the head, which comes first."""
    found = re.findall(r"(?:^\|.*\n)+", DOCUMENT, re.MULTILINE)
    return [
        [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
        for table in found
    ]


def test_the_document_names_rules_and_variations():
    """Those of the code, in their order, and no others."""
    rules, variations, found = tables()
    assert {line[0]: line[1] for line in rules[2:]} == RULES
    assert [line[0] for line in rules[2:]] == list(RULES)
    assert [line[0] for line in variations[2:]] == list(VARIATIONS)
    assert found[0] == ["rule", "collectors", "none", *VARIATIONS]
    assert [line[0] for line in found[2:]] == [*RULES, "all"]


def test_the_table_of_the_document_counts_this_collection():
    """It was made from the wrong collectors that there are, and finds each rule's by something."""
    *_, found = tables()
    first = [next(rule for rule in RULES if rule in rules) for _, rules, _ in WRONG.values()]
    counts = [*(first.count(rule) for rule in RULES), len(WRONG)]
    assert [int(line[1]) for line in found[2:]] == counts
    for line in found[2:]:
        assert all(int(cell) >= int(line[2]) for cell in line[3:])
        assert max(map(int, line[2:])) <= int(line[1])


def test_every_variation_finds_something():
    """In the table, each finds at least one wrong collector that the plain cases do not."""
    *_, found = tables()
    *_, totals = found
    assert all(int(cell) > int(totals[2]) for cell in totals[3:])
