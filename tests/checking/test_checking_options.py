"""What ``check_pagination`` can be told."""

from __future__ import annotations

import inspect

import pytest
from collectors.right import as_ids, paginator, running
from collectors.wrong import every, first_page, sorted_by_start, stops_at_an_empty_page
from hypothesis import given, settings

from pytest_deadline_sessions import (
    Behavior,
    FakeDeadline,
    Listing,
    PaginationViolation,
    check_pagination,
)
from pytest_deadline_sessions.checking import VARIATIONS, Case, Lapse
from pytest_deadline_sessions.checking._case import Change, Sequence
from pytest_deadline_sessions.checking._edge_cases import simplest
from pytest_deadline_sessions.checking._strategies import _uncut, cases
from pytest_deadline_sessions.strategies import listings


def violation_of(collect, **options):
    """What ``check_pagination`` finds."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, **{"max_examples": 1, **options})
    return caught.value


def remembered(collect):
    """A collector that writes down what it returns, and what it wrote."""
    seen = []

    def remembering(client, **job):
        seen.append(collect(client, **job))
        return list(seen[-1])

    return remembering, seen


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"collect": None}, TypeError, r"collect=None \(expected a function of client, farmId, "),
        ({"max_examples": 0}, ValueError, r"max_examples=0 \(expected 1 or more\)"),
        ({"max_examples": True}, TypeError, r"max_examples=True \(expected a whole number, 1 or m"),
        ({"max_examples": "9"}, TypeError, r"max_examples='9' \(expected a whole number, 1 or m"),
        ({"patience": 0}, ValueError, r"patience=0 \(expected a number of seconds above 0\)"),
        ({"patience": float("nan")}, ValueError, r"patience=nan \(expected a number of seconds"),
        ({"patience": float("inf")}, ValueError, r"patience=inf \(expected a number of seconds"),
        ({"expected": "all"}, TypeError, r"expected='all' \(expected a function of the complete"),
        ({"ordered": "no"}, TypeError, r"ordered='no' \(expected True or False\)"),
        ({"empty_final_token": None}, TypeError, r"empty_final_token=None \(expected True or"),
        ({"patience": "1"}, TypeError, r"patience='1' \(expected a number of seconds above 0\)"),
        ({"without": "faults"}, TypeError, r"without='faults' \(expected names among page-sizes"),
        ({"without": ["fault"]}, ValueError, r"without=\['fault'\] \(expected names among"),
        ({"without": [1]}, ValueError, r"without=\[1\] \(expected names among"),
        ({"without": None}, TypeError, r"without=None \(expected names among"),
        ({"examples": [Case(), (1, 1)]}, TypeError, r"examples\[1\]=\(1, 1\) \(expected a Listing"),
        ({"examples": Case()}, TypeError, r"examples=Case.* \(expected a list of Listings and Cas"),
        (
            {"examples": Listing()},
            TypeError,
            r"examples=Listing\(\) \(expected a list of Listings ",
        ),
    ],
)
def test_wrong_options_are_refused(options, error, message):
    """Before the collector is called, with the option, its value and what is allowed."""
    arguments = {"collect": paginator, **options}
    with pytest.raises(error, match=f"^{message}"):
        check_pagination(**arguments)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Case(sequence="thrice"), r"sequence='thrice' \(expected one of once, twice"),
        (lambda: Case(drift=((1, "stop"),)), r"drift\[0\]='stop' \(expected one of start, end"),
    ],
)
def test_cases_that_cannot_be_are_refused(make, message):
    """When they are made."""
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.at_length
def test_examples_come_first():
    """In the given order, as listings or as whole cases; the first that breaks is reported."""
    collect, seen = remembered(every)
    examples = [Listing(page_sizes=(3,)), Case(Listing(page_sizes=(0, 2)), sequence="twice")]
    check_pagination(collect, examples=examples, without=VARIATIONS, max_examples=1)
    assert [len(sessions) for sessions in seen[:3]] == [3, 2, 2]
    big = Listing(page_sizes=(2, 2))
    assert violation_of(first_page, examples=[Listing(page_sizes=(2,)), big]).listing is big
    assert violation_of(first_page).listing == Listing(page_sizes=(1, 1))


def test_a_violation_tells_what_it_was_up_against():
    """Listing, behaviour, calls and rule are there to be asserted."""
    case = Case(Listing(page_sizes=(0, 1)), Behavior(token_length=100))
    found = violation_of(stops_at_an_empty_page, examples=[case])
    assert isinstance(found, AssertionError)
    assert (found.rule, found.case) == ("complete", case)
    assert (found.listing, found.behavior) == (case.listing, case.behavior)
    assert [len(call.sessions) for call in found.calls] == [0]
    assert len(found.calls[0].next_token) == 100


@pytest.mark.at_length
def test_expected_is_held_against_the_complete_listing():
    """So that filters and the like can be checked; a result that fits only by page is wrong."""
    check_pagination(
        running,
        expected=lambda all_: [one for one in all_ if "endedAt" not in one],
        without=["faults", "sequences", "volume"],
    )
    found = violation_of(every, expected=lambda all_: all_[:1])
    assert found.rule == "complete"
    assert "differs from what expected() returns for the complete listing" in str(found)


@pytest.mark.at_length
def test_expected_may_be_lazy_and_a_tuple_is_as_good_as_a_list():
    """What counts is what comes out, one after the other."""

    def ids(client, **job):
        for session in every(client, **job):
            yield session["sessionId"]

    for kind in (iter, tuple):
        check_pagination(
            ids,
            expected=lambda all_, kind=kind: kind([s["sessionId"] for s in all_]),
            without=VARIATIONS,
            max_examples=1,
        )


def test_expected_after_a_fault():
    """What does not fit after a fault was passed off as the whole."""

    def count(client, **job):
        try:
            return len(every(client, **job))
        except Exception:  # noqa: BLE001 (the mistake)
            return 0

    found = violation_of(count, expected=len)
    assert found.rule == "surfaces-faults"
    assert found.finding.expected == "1"
    assert found.finding.came == "0"


def test_the_order_of_what_is_expected():
    """It matters unless told otherwise, and is called the order."""
    found = violation_of(sorted_by_start, expected=list)
    assert "but not in expected()'s order (pass ordered=False" in str(found)
    check_pagination(
        sorted_by_start, expected=list, ordered=False, without=["faults", "volume"], max_examples=1
    )


@pytest.mark.at_length
def test_things_of_which_some_are_equal_but_look_different():
    """Without order, what is equal counts, not how it looks; and each thing counts once."""

    def ones(client, **job):
        return [1.0 if index else True for index, _ in enumerate(every(client, **job))]

    check_pagination(
        ones,
        expected=lambda all_: [1] * len(all_),
        ordered=False,
        without=VARIATIONS,
        max_examples=1,
    )
    mixed = violation_of(
        ones,
        expected=lambda all_: [1] * (len(all_) - 1) + [2] * bool(all_),
        ordered=False,
    )
    assert mixed.rule == "complete"
    short = violation_of(ones, expected=lambda all_: [1] * (len(all_) + 1), ordered=False)
    assert short.rule == "complete"


@pytest.mark.at_length
def test_order_can_be_left_aside():
    """Then a sorted listing is complete, while a short one still is not."""
    assert violation_of(sorted_by_start).rule == "complete"
    check_pagination(sorted_by_start, ordered=False, without=["faults", "volume"], max_examples=1)
    assert violation_of(first_page, ordered=False).rule == "complete"


@pytest.mark.at_length
def test_an_empty_final_token():
    """Only who asks for it is held to it."""
    check_pagination(every, without=VARIATIONS, max_examples=1)
    found = violation_of(every, empty_final_token=True)
    assert found.rule == "valid-requests"
    assert found.finding.cause == "It treats an empty token as a real one."
    check_pagination(as_ids, empty_final_token=True, without=VARIATIONS, max_examples=1)


def varied(case):
    """The variations that a case shows, as far as one can tell from outside."""
    sizes = case.listing.page_sizes
    plain = Listing(page_sizes=sizes, runs=(("STARTED", len(case.listing)),))
    kinds = {
        "empty-pages": sizes is not None and len(sizes) > 1 and 0 in sizes,
        "data": [*case.listing] != [*plain],
        "tokens": case.behavior.token_length != 80
        or case.behavior.spaces_around_tokens
        or case.behavior.tokens_shared_by_jobs
        or case.behavior.null_final_token,
        "drift": bool(case.drift),
        "faults": bool(case.lapses) or "fail" in case.sequence,
        "expiry": bool(case.expiries) or case.always_expired,
        "sequences": case.sequence != "once",
    }
    return {kind for kind, shown in kinds.items() if shown}


@pytest.mark.parametrize("variation", VARIATIONS)
def test_a_variation_can_be_left_out(variation):
    """Then no case shows it, neither the simple ones nor those that are drawn."""

    def check(case):
        assert variation not in varied(case)
        if variation == "page-sizes":
            assert case.behavior.page_size == 100

    several = list(simplest({variation}))
    assert len(several) < len(list(simplest()))
    for case in several:
        check(case)
    settings(database=None, deadline=None, max_examples=60)(given(cases({variation}))(check))()


def test_listings_that_are_not_cut_keep_their_sessions():
    """Without page sizes there are as many sessions as with them."""

    @settings(database=None, max_examples=60)
    @given(listings(page_sizes=True))
    def check(listing):
        uncut = _uncut(listing)
        assert uncut.page_sizes is None
        assert list(uncut) == list(listing)

    check()


def test_without_any_variation():
    """A few plain listings are left, and nothing ever fails."""
    shown = [varied(case) for case in simplest(VARIATIONS)]
    assert shown == [set()] * 4


def test_every_variation_is_shown():
    """By the simple cases already, as far as one can tell from outside."""
    shown = set().union(*(varied(case) for case in simplest()))
    assert shown == set(VARIATIONS) - {"page-sizes", "volume"}
    assert {case.sequence for case in simplest()} == set(Sequence.__args__)
    assert {change for case in simplest() for _, change in case.drift} == set(Change.__args__)
    assert max(len(case.listing) for case in simplest()) > 1000
    assert max(len(case.listing.page_sizes or ()) for case in simplest()) > 300


@pytest.mark.at_length
def test_without_a_variation_what_it_would_find_passes():
    """Whoever leaves it out has decided that it does not matter."""
    assert violation_of(stops_at_an_empty_page).rule == "complete"
    check_pagination(stops_at_an_empty_page, without=["empty-pages"], max_examples=20)


@pytest.mark.at_length
def test_the_collector_meets_this_service_alone():
    """Whatever is intercepted outside sees nothing of it, and its time stays."""
    with FakeDeadline() as outside:
        before = outside.clock.now()
        check_pagination(paginator, max_examples=1)
        assert not outside.calls
        assert (outside.clock.now() - before).total_seconds() < 60


def test_cases_look_as_they_are_written():
    """What a report shows can be pasted back."""
    case = Case(Listing(page_sizes=(1,)), lapses=(Lapse("ReadTimeoutError", times=2),), drift=())
    assert (
        repr(case) == "Case(Listing(page_sizes=(1,)), lapses=(Lapse('ReadTimeoutError', times=2),))"
    )
    assert eval(repr(case)) == case


def test_every_option_is_explained():
    """Each parameter stands in the docstring."""
    explained = inspect.getdoc(check_pagination)
    for name in inspect.signature(check_pagination).parameters:
        assert f"\n    {name}: " in explained
