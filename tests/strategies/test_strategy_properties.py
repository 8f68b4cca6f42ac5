"""Strategies keep any combination of options, and shrink to simple values."""

from __future__ import annotations

import datetime
import itertools

import pytest
from drawn import NOW, find_one, is_valid, many, smallest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from pytest_deadline_sessions import lifecycle
from pytest_deadline_sessions import strategies as ds


@pytest.mark.at_length
@many
@given(st.data())
def test_fixed_members_are_kept(data):
    """Any consistent set of fixed members is kept, and the summary is valid."""
    fixed = data.draw(
        st.fixed_dictionaries(
            {},
            optional={
                "sessionId": ds.session_ids(),
                "workerId": ds.worker_ids(),
                "startedAt": st.just(NOW),
                "endedAt": st.just(NOW + datetime.timedelta(hours=1)),
                "updatedAt": st.just(NOW + datetime.timedelta(minutes=1)),
                "updatedBy": st.text(max_size=3),
                "targetLifecycleStatus": st.just("ENDED"),
                "lifecycleStatus": ds.lifecycle_statuses(),
            },
        )
    )
    try:
        summary = data.draw(ds.session_summaries(**fixed))
    except InvalidArgument:
        assume(False)
    assert {**summary, **fixed} == summary
    assert is_valid(summary)


@pytest.mark.at_length
@many
@given(ds.session_lists(max_size=6))
def test_lists_have_unique_ids_and_valid_sessions(sessions):
    """A drawn list has valid summaries with unique ids, and each worker has one fleet."""
    assert len({session["sessionId"] for session in sessions}) == len(sessions) <= 6
    fleets = {(session["workerId"], session["fleetId"]) for session in sessions}
    assert len(fleets) == len({session["workerId"] for session in sessions})
    assert all(map(is_valid, sessions))


@pytest.mark.at_length
def test_the_smallest_list_with_two_statuses():
    """The smallest list with two statuses has two sessions on the same worker."""
    statuses = {"STARTED", "ENDED"}
    shrunk = smallest(
        ds.session_lists(),
        lambda sessions: {session["lifecycleStatus"] for session in sessions} == statuses,
    )
    assert [session["sessionId"][-4:] for session in shrunk] in (["0000", "0001"], ["0001", "0000"])
    assert len({session["workerId"] for session in shrunk}) == 1


@pytest.mark.at_length
@many
@given(st.data(), st.integers(0, 5), st.integers(0, 5))
def test_sizes_are_kept(data, low, more):
    """A drawn list is no shorter than ``min_size`` and no longer than ``max_size``."""
    drawn = data.draw(ds.session_lists(min_size=low, max_size=low + more))
    assert low <= len(drawn) <= low + more


@pytest.mark.at_length
@many
@given(st.data(), st.integers(1, 5), st.integers(0, 4), st.sampled_from([None, True, False]))
def test_histories_keep_their_options(data, low, more, ended):
    """A drawn history keeps ``min_size``, ``max_size`` and ``ended``."""
    assume(not (ended and low + more < 2))
    history = data.draw(ds.session_histories(min_size=low, max_size=low + more, ended=ended))
    assert low <= len(history) <= low + more
    assert ended in {None, history[-1]["lifecycleStatus"] == "ENDED"}


@pytest.mark.at_length
@pytest.mark.parametrize(
    "step",
    [
        (before, after)
        for before, following in lifecycle.TRANSITIONS.items()
        for after in (before, *following)
    ],
    ids="-".join,
)
def test_histories_take_every_step(step):
    """Histories take every allowed transition, and repeat every status."""

    def taken(history):
        statuses = [session["lifecycleStatus"] for session in history]
        return step in itertools.pairwise(statuses)

    assert taken(find_one(ds.session_histories(), taken))
