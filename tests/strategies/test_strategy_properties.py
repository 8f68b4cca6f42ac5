"""Whatever the options, the strategies keep them, and shrink to what is simple."""

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
    """Whatever members are fixed, as far as they go together, they stay and the rest fits."""
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
def test_lists_hold_valid_sessions_with_ids_of_their_own(sessions):
    """No id stands twice, a worker is of one fleet, and each summary is valid."""
    assert len({one["sessionId"] for one in sessions}) == len(sessions) <= 6
    fleets = {(one["workerId"], one["fleetId"]) for one in sessions}
    assert len(fleets) == len({one["workerId"] for one in sessions})
    assert all(map(is_valid, sessions))


def test_the_smallest_list_with_two_statuses():
    """Two sessions that differ in what matters, and in nothing else but their ids."""
    statuses = {"STARTED", "ENDED"}
    found = smallest(
        ds.session_lists(), lambda some: {one["lifecycleStatus"] for one in some} == statuses
    )
    assert [one["sessionId"][-4:] for one in found] in (["0000", "0001"], ["0001", "0000"])
    assert len({one["workerId"] for one in found}) == 1


@pytest.mark.at_length
@many
@given(st.data(), st.integers(0, 5), st.integers(0, 5))
def test_sizes_are_kept(data, low, more):
    """No list is shorter or longer than was asked for."""
    drawn = data.draw(ds.session_lists(min_size=low, max_size=low + more))
    assert low <= len(drawn) <= low + more


@pytest.mark.at_length
@many
@given(st.data(), st.integers(1, 5), st.integers(0, 4), st.sampled_from([None, True, False]))
def test_histories_keep_their_options(data, low, more, ended):
    """Length and end are as asked for."""
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
    """Every transition, and every standing still, is drawn."""

    def taken(history):
        statuses = [one["lifecycleStatus"] for one in history]
        return step in itertools.pairwise(statuses)

    assert taken(find_one(ds.session_histories(), taken))
