"""A check that passes says what it has tried."""

from __future__ import annotations

import copy
import dataclasses
import functools
import pickle
import time

import hypothesis
import pytest
from collectors import right, wrong
from hypothesis import given, settings

import pytest_deadline_sessions
from pytest_deadline_sessions import (
    Behavior,
    Checked,
    Listing,
    PaginationViolation,
    _state,
    check_pagination,
    checking,
)
from pytest_deadline_sessions.checking import VARIATIONS, Case, Lapse
from pytest_deadline_sessions.checking._checked import Tally
from pytest_deadline_sessions.checking._edge_cases import simplest
from pytest_deadline_sessions.checking._strategies import cases
from pytest_deadline_sessions.checking._variations import variations_of

PLAIN = [Listing(page_sizes=sizes) for sizes in ((0,), (1,), (1, 1), (1, 1, 1))]
CHECKED = Checked(
    cases=2,
    calls=1,
    variations=dict.fromkeys(VARIATIONS, 0) | {"tokens": 2, "data": 1},
    seconds=0.25,
    sessions=1,
    pages=3,
    client="plain",
)


@pytest.fixture(autouse=True)
def no_checks():
    """Leave no checks for the report of this test."""
    yield
    _state.checks.clear()


def paginator(client, **job):
    """List sessions as the documentation of boto3 does."""
    pages = client.get_paginator("list_sessions").paginate(**job)
    return [session for page in pages for session in page["sessions"]]


async def awaiting(client, **job):
    """List sessions with an asynchronous client."""
    pages = client.get_paginator("list_sessions").paginate(**job)
    return [session async for page in pages for session in page["sessions"]]


def test_what_a_plain_check_tries():
    """A check counts its cases, the requests of the collector, and the largest listing."""
    before = time.perf_counter()
    checked = check_pagination(paginator, without=VARIATIONS, max_examples=0)
    assert (checked.cases, checked.sessions, checked.pages) == (4, 3, 3)
    # A listing has as many pages as calls.
    assert checked.calls == 1 + 2 + 3 + 1
    assert checked.variations == dict.fromkeys(VARIATIONS, 0)
    assert 0 < checked.seconds <= time.perf_counter() - before


@pytest.mark.at_length
def test_given_cases_count():
    """The cases in ``examples=`` count as well, and so do botocore's retries."""
    lapse = Lapse("ThrottlingException", times=2)
    given = [Case(Listing(page_sizes=(2, 0, 2)), lapses=(lapse,)), Listing(page_sizes=(100, 100))]
    checked = check_pagination(
        paginator, examples=given, without=["volume", *list(VARIATIONS)[3:]], max_examples=0
    )
    plain = check_pagination(paginator, without=["volume", *list(VARIATIONS)[3:]], max_examples=0)
    assert checked.cases == plain.cases + 2
    assert checked.calls == plain.calls + (3 + 2) + 2
    assert checked.variations["empty-pages"] == plain.variations["empty-pages"] + 1
    assert checked.variations["page-sizes"] == plain.variations["page-sizes"] + 2
    assert checked.variations["faults"] == 0


@pytest.mark.parametrize("variation", VARIATIONS)
def test_a_variation_that_is_left_out_counts_nothing(variation):
    """Each variation counts the cases that show it; one that is left out counts none."""
    without = set(VARIATIONS) - {variation}
    shown = [case for case in simplest(without) if variation in variations_of(case)]
    assert shown
    tally = Tally(without={variation})
    for case in shown:
        tally.add(case)
    checked = tally.checked("plain")
    assert (checked.cases, checked.variations[variation]) == (len(shown), 0)


@pytest.mark.at_length
@pytest.mark.parametrize("variation", [name for name in VARIATIONS if name != "page-sizes"])
def test_cases_show_no_variation_that_is_left_out(variation):
    """Neither simple nor drawn cases show a variation that is left out."""

    @settings(database=None, deadline=None, max_examples=40)
    @given(cases({variation}))
    def check(case):
        assert variation not in variations_of(case)

    check()
    assert not [case for case in simplest({variation}) if variation in variations_of(case)]


@pytest.mark.parametrize(
    ("case", "variations"),
    [
        *((Case(listing), set()) for listing in PLAIN),
        (Case(Listing(page_sizes=(3,))), set()),
        (Case(Listing(page_sizes=(1, 2))), {"page-sizes"}),
        (Case(PLAIN[1], Behavior(page_size=7)), {"page-sizes"}),
        (Case(Listing(page_sizes=(1, 0))), {"empty-pages"}),
        (Case(Listing(page_sizes=(1,) * 101)), {"volume"}),
        (Case(Listing(runs=(("STARTED", 251),))), {"volume"}),
        (Case(PLAIN[1], Behavior(token_length=49)), {"tokens"}),
        (Case(PLAIN[1], Behavior(null_final_token=True)), {"tokens"}),
        (Case(Listing(page_sizes=(1,), runs=(("ENDED", 1),))), {"data"}),
        (Case(Listing(page_sizes=(1,), order="mixed")), {"data"}),
        (Case(Listing.of(PLAIN[1])), {"data"}),
        (Case(PLAIN[2], drift=((1, "end"),)), {"drift"}),
        (Case(PLAIN[2], lapses=(Lapse("ReadTimeoutError"),)), {"faults"}),
        (Case(PLAIN[2], expiries=(1,)), {"expiry"}),
        (Case(PLAIN[2], always_expired=True), {"expiry"}),
        (Case(PLAIN[2], sequence="twice"), {"sequences"}),
        (Case(PLAIN[2], sequence="failing-later"), {"sequences", "faults"}),
    ],
)
def test_variations_of_a_case(case, variations):
    """What a case varies is what differs from a plain one."""
    assert variations_of(case) == variations


def test_the_kind_of_client():
    """The kind of client is that which the collector used."""
    check = functools.partial(check_pagination, without=VARIATIONS, max_examples=0)
    assert check(paginator).client == "plain"
    assert check(right.as_ids).client == "plain"


def test_an_asynchronous_client():
    """A collector that awaits the client's calls has used an asynchronous one."""
    pytest.importorskip("aiobotocore")
    assert check_pagination(awaiting, without=VARIATIONS, max_examples=0).client == "async"


def test_one_line():
    """The text of a ``Checked`` is one line, with what was varied and what was not."""
    assert str(CHECKED) == (
        "2 cases, 1 call in 0.2 s; at most 1 session and 3 pages; plain client; varied: tokens 2, "
        "data 1; not varied: page-sizes, empty-pages, volume, drift, faults, expiry, sequences"
    )
    every = dataclasses.replace(CHECKED, variations=dict.fromkeys(VARIATIONS, 1))
    assert "not varied" not in str(every)
    none = dataclasses.replace(CHECKED, variations=dict.fromkeys(VARIATIONS, 0))
    assert "; varied" not in str(none)


def test_a_value():
    """A ``Checked`` is a frozen value, which can be hashed, copied and pickled."""
    assert pytest_deadline_sessions.Checked is checking.Checked is Checked
    with pytest.raises(dataclasses.FrozenInstanceError):
        CHECKED.cases = 3
    for other in (copy.deepcopy(CHECKED), pickle.loads(pickle.dumps(CHECKED))):
        assert other == CHECKED
        assert hash(other) == hash(CHECKED)


class Method:
    """Has a method that is a collector."""

    def collect(self, client, **job):
        """List sessions."""
        return paginator(client, **job)

    def __call__(self, client, **job):
        """List sessions."""
        return paginator(client, **job)


def _nested():
    def nested(client, **job):
        return paginator(client, **job)

    return nested


@pytest.mark.parametrize(
    ("collect", "name"),
    [
        (paginator, "paginator"),
        (functools.partial(functools.partial(paginator)), "paginator"),
        (Method().collect, "Method.collect"),
        (Method(), "Method"),
        (_nested(), "nested"),
    ],
)
def test_a_line_for_the_plugin(collect, name):
    """A check that passed leaves a line for the plugin, which begins with the collector's name."""
    _state.checks.clear()
    checked = check_pagination(collect, without=VARIATIONS, max_examples=0)
    assert list(_state.checks) == [f"{name}: {checked}"]


def test_no_line_for_a_violation():
    """A check that failed leaves no line; its report says more."""
    _state.checks.clear()
    with pytest.raises(PaginationViolation):
        check_pagination(wrong.first_page, max_examples=0)
    assert not _state.checks


def test_the_name_in_observability_reports(monkeypatch):
    """Each case that Hypothesis draws has the collector's name as a feature."""
    events = []
    monkeypatch.setattr(hypothesis, "event", lambda *event: events.append(event))
    checked = check_pagination(paginator, without=VARIATIONS, max_examples=3)
    assert set(events) == {("check_pagination", "paginator")}
    assert checked.cases == 4 + len(events)
