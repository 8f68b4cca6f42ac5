"""``ds.session_lists()`` with a simple oracle finds every wrong status helper of the collection."""

from __future__ import annotations

import copy
import datetime
import inspect

import pytest
from hypothesis import Phase, given, settings
from hypothesis.errors import HypothesisException
from status_helpers.right import ORACLES, RIGHT
from status_helpers.wrong import WRONG

from pytest_deadline_sessions import strategies as ds

NOW = datetime.datetime(2030, 1, 1, 12, tzinfo=datetime.timezone.utc)


def check(helper, question):
    """Check a helper as a user would: any list of sessions, and an oracle."""
    oracle = ORACLES[question]
    arguments = [NOW] if "now" in str(inspect.signature(helper)) else []

    # Shrinking takes time and does not change whether a mistake is found, so it is left out. With 6
    # of 200 seeds a mistake of less than a millisecond is missed, so the seed is always the same.
    @settings(database=None, deadline=None, derandomize=True, phases=[Phase.generate])
    @given(ds.session_lists(now=NOW))
    def holds(sessions):
        before = copy.deepcopy(sessions)
        assert oracle(helper(sessions, *arguments), before, NOW)
        assert sessions == before

    holds()


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name):
    """Each wrong helper fails at Hypothesis's default settings."""
    with pytest.raises(Exception) as killed:  # noqa: PT011 (however it fails)
        check(*WRONG[name])
    assert not isinstance(killed.value, HypothesisException)


@pytest.mark.parametrize("name", RIGHT)
def test_right(name):
    """Each right helper passes."""
    check(*RIGHT[name])


def test_the_collections_are_large_enough():
    """There are enough wrong helpers, and every oracle has wrong and right ones."""
    assert len(WRONG) >= 50
    for collection in (WRONG, RIGHT):
        assert {question for _, question in collection.values()} == set(ORACLES)
