"""The collections: every wrong collector is caught, under its rule, and no right one is."""

from __future__ import annotations

import pytest
from collectors.right import RIGHT
from collectors.wrong import WRONG

from pytest_deadline_sessions import PaginationViolation, check_pagination
from pytest_deadline_sessions.checking import RULES


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name):
    """A wrong collector is caught at default settings, under a rule that it breaks."""
    collect, rules, options = WRONG[name]
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, **options)
    assert caught.value.rule in rules


@pytest.mark.parametrize("name", RIGHT)
def test_right(name):
    """A right collector passes, however it is written.

    The benchmarks try them at default settings, and over many seeds.
    """
    collect, options = RIGHT[name]
    check_pagination(collect, max_examples=5, **options)


def test_collections_are_worth_their_name():
    """Every rule has several wrong collectors, and there are enough of both kinds."""
    assert len(RIGHT) >= 20
    assert len(WRONG) >= 40
    counts = {rule: sum(rules == {rule} for _, rules, _ in WRONG.values()) for rule in RULES}
    assert min(counts.values()) >= 5, counts
