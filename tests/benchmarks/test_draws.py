"""What drawing costs: the strategies beside the plain ones that a user would write instead.

Each run lets Hypothesis draw 100 examples, so a run's time over 100 is the time of a draw.
"""

from __future__ import annotations

import datetime

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from pytest_deadline_sessions import strategies as ds

STATUSES = ["STARTED", "UPDATE_IN_PROGRESS", "UPDATE_SUCCEEDED", "UPDATE_FAILED", "ENDED"]


def _by_pattern(kind):
    return st.from_regex(rf"\A{kind}-[0-9a-f]{{32}}\Z")


def _by_uuid(kind):
    return st.uuids().map(lambda drawn: f"{kind}-{drawn.hex}")


_TIMES = st.datetimes(timezones=st.just(datetime.timezone.utc))


def _plain(ids):
    return st.fixed_dictionaries(
        {
            "sessionId": ids("session"),
            "fleetId": ids("fleet"),
            "workerId": ids("worker"),
            "startedAt": _TIMES,
            "lifecycleStatus": st.sampled_from(STATUSES),
        },
        optional={
            "endedAt": _TIMES,
            "updatedAt": _TIMES,
            "updatedBy": st.text(min_size=1),
            "targetLifecycleStatus": st.just("ENDED"),
        },
    )


def _plain_list(ids, low, high):
    return st.lists(
        _plain(ids), min_size=low, max_size=high, unique_by=lambda one: one["sessionId"]
    )


@st.composite
def _plain_pages(draw, ids):
    *before, last = draw(st.lists(_plain_list(ids, 0, 3), min_size=1, max_size=3))
    pages = [{"sessions": page, "nextToken": draw(st.text(min_size=1))} for page in before]
    return [*pages, {"sessions": last}]


_FEW = ds.listings(max_sessions=9)
PLAIN = {"plain, by pattern": _by_pattern, "plain, by uuid": _by_uuid}
WAYS = {
    "an id": {
        **{way: ids("session") for way, ids in PLAIN.items()},
        "ours": ds.session_ids(),
    },
    "a summary": {
        **{way: _plain(ids) for way, ids in PLAIN.items()},
        "ours": ds.session_summaries(),
        "ours, inconsistent": ds.session_summaries(consistent=False),
    },
    "a list of up to 5": {
        **{way: _plain_list(ids, 0, 5) for way, ids in PLAIN.items()},
        "ours": ds.session_lists(max_size=5),
        "a listing": ds.listings(max_sessions=5).map(list),
    },
    "a list of 20": {
        **{way: _plain_list(ids, 20, 20) for way, ids in PLAIN.items()},
        "ours": ds.session_lists(min_size=20, max_size=20),
        "a listing": ds.listings(min_sessions=20, max_sessions=20).map(list),
    },
    "the pages of a chain": {
        **{way: _plain_pages(ids) for way, ids in PLAIN.items()},
        "ours": ds.list_sessions_responses(listing=_FEW),
    },
}


@pytest.mark.parametrize(
    ("what", "way"), [(what, way) for what, ways in WAYS.items() for way in ways]
)
def test_draws(benchmark, what, way):
    """A hundred examples of it."""
    benchmark.group = f"100 draws of {what}"
    drawn = []

    @seed(1)
    @settings(
        max_examples=100,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(WAYS[what][way])
    def draw(value):
        drawn.append(value)

    benchmark.pedantic(draw, rounds=3)
    drawn.clear()
    draw()
    benchmark.extra_info["examples"] = len(drawn)
    assert drawn
