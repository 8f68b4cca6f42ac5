"""The options of ``check_pagination``."""

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
    """Return the violation that ``check_pagination`` raises."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, **{"max_examples": 1, **options})
    return caught.value


def recorded(collect):
    """Return a collector that records each result, and the list of its results."""
    results = []

    def recording(client, **job):
        results.append(collect(client, **job))
        return list(results[-1])

    return recording, results


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"collect": None}, TypeError, r"collect=None \(expected a function of client, farmId, "),
        ({"max_examples": -1}, ValueError, r"max_examples=-1 \(expected 0 or more\)"),
        ({"max_examples": True}, TypeError, r"max_examples=True \(expected a whole number, 0 or m"),
        ({"max_examples": "9"}, TypeError, r"max_examples='9' \(expected a whole number, 0 or m"),
        ({"patience": 0}, ValueError, r"patience=0 \(expected a number of seconds above 0\)"),
        ({"patience": float("nan")}, ValueError, r"patience=nan \(expected a number of seconds"),
        ({"patience": float("inf")}, ValueError, r"patience=inf \(expected a number of seconds"),
        ({"expected": "all"}, TypeError, r"expected='all' \(expected a function of the complete"),
        ({"ordered": "no"}, TypeError, r"ordered='no' \(expected True or False\)"),
        ({"empty_final_token": None}, TypeError, r"empty_final_token=None \(expected True or"),
        ({"patience": "1"}, TypeError, r"patience='1' \(expected a number of seconds above 0\)"),
        ({"without": "faults"}, TypeError, r"without='faults' \(expected names among page-sizes"),
        ({"without": ["fault"]}, ValueError, r"without\[0\]='fault' \(expected names among"),
        ({"without": [1]}, TypeError, r"without\[0\]=1 \(expected names among"),
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
    """A wrong option is refused with its name, its value and what is allowed."""
    arguments = {"collect": paginator, **options}
    with pytest.raises(error, match=f"^{message}"):
        check_pagination(**arguments)


@pytest.mark.parametrize(
    ("make", "fields", "error", "message"),
    [
        (Case, {"listing": (1, 1)}, TypeError, r"listing=\(1, 1\) \(expected a Listing\)"),
        (Case, {"behavior": None}, TypeError, r"behavior=None \(expected a Behavior\)"),
        (Case, {"lapses": Lapse("ThrottlingException")}, TypeError, r"lapses=Lapse.*a tuple\)"),
        (Case, {"lapses": ("x",)}, TypeError, r"lapses\[0\]='x' \(expected a Lapse\)"),
        (Case, {"expiries": 1}, TypeError, r"expiries=1 \(expected a tuple\)"),
        (Case, {"expiries": (1, "x")}, TypeError, r"expiries\[1\]='x' \(expected a whole number"),
        (Case, {"expiries": (0,)}, ValueError, r"expiries\[0\]=0 \(expected 1 or more\)"),
        (Case, {"always_expired": 1}, TypeError, r"always_expired=1 \(expected True or False\)"),
        (Case, {"drift": "start"}, TypeError, r"drift='start' \(expected a tuple\)"),
        (Case, {"drift": (1, "start")}, TypeError, r"drift\[0\]=1 \(expected a number of answered"),
        (
            Case,
            {"drift": ((1,),)},
            ValueError,
            r"drift\[0\]=\(1,\) \(expected a number of answer",
        ),
        (Case, {"drift": ((1, "end", -2),)}, ValueError, r"drift\[0\]\[2\]=-2 \(expected -1"),
        (Case, {"drift": ((0, "end"),)}, ValueError, r"drift\[0\]\[0\]=0 \(expected 1 or more\)"),
        (
            Case,
            {"drift": ((1, "stop"),)},
            ValueError,
            r"drift\[0\]\[1\]='stop' \(expected one of s",
        ),
        (Case, {"sequence": "thrice"}, ValueError, r"sequence='thrice' \(expected one of once, t"),
        (Case, {"sequence": 2}, TypeError, r"sequence=2 \(expected one of once, twice"),
        (Lapse, {"fault": "Nope"}, ValueError, r"fault='Nope' \(expected one of AccessDenied"),
        (Lapse, {"fault": 429}, TypeError, r"fault=429 \(expected one of AccessDenied"),
        (Lapse, {"operation": "ListSession"}, ValueError, r"operation='ListSession' \(expected an"),
        (
            Lapse,
            {"fault": "ConflictException"},
            ValueError,
            r"fault='ConflictException' \(expected one of AccessDenied",
        ),
        (Lapse, {"after": -1}, ValueError, r"after=-1 \(expected 0 or more\)"),
        (Lapse, {"times": 0}, ValueError, r"times=0 \(expected 1 or more\)"),
        (Lapse, {"times": "1"}, TypeError, r"times='1' \(expected a whole number, 1 or more\)"),
    ],
)
def test_impossible_cases_are_refused(make, fields, error, message):
    """A case or lapse with an impossible value is refused when it is made."""
    possible = {"fault": "ThrottlingException"} if make is Lapse else {}
    with pytest.raises(error, match=f"^{message}"):
        make(**{**possible, **fields})


def test_cases_take_lists():
    """A case keeps lists of events as tuples, so that it can be hashed."""
    case = Case(lapses=[Lapse("ThrottlingException")], expiries=[1], drift=[[1, "end"]])
    assert case == Case(lapses=(Lapse("ThrottlingException"),), expiries=(1,), drift=((1, "end"),))
    assert hash(case) == hash(eval(repr(case)))


@pytest.mark.at_length
def test_examples_come_first():
    """Examples are tried first, in order; the first one that fails is reported as it is."""
    collect, results = recorded(every)
    examples = [Listing(page_sizes=(3,)), Case(Listing(page_sizes=(0, 2)), sequence="twice")]
    check_pagination(collect, examples=examples, without=VARIATIONS, max_examples=1)
    assert [len(sessions) for sessions in results[:3]] == [3, 2, 2]
    big = Listing(page_sizes=(2, 2))
    assert violation_of(first_page, examples=[Listing(page_sizes=(2,)), big]).listing is big
    assert violation_of(first_page).listing == Listing(page_sizes=(1, 1))


def test_the_attributes_of_a_violation():
    """A violation has the rule, case, listing, behavior and calls as attributes."""
    case = Case(Listing(page_sizes=(0, 1)), Behavior(token_length=100))
    violation = violation_of(stops_at_an_empty_page, examples=[case])
    assert isinstance(violation, AssertionError)
    assert (violation.rule, violation.case) == ("complete", case)
    assert (violation.listing, violation.behavior) == (case.listing, case.behavior)
    assert [len(call.sessions) for call in violation.calls] == [0]
    assert len(violation.calls[0].next_token) == 100


@pytest.mark.at_length
def test_expected_gets_the_complete_listing():
    """The result must equal ``expected()`` of the complete listing."""
    check_pagination(
        running,
        expected=lambda sessions: [session for session in sessions if "endedAt" not in session],
        without=set(VARIATIONS) - {"page-sizes", "data"},
    )
    violation = violation_of(every, expected=lambda sessions: sessions[:1])
    assert violation.rule == "complete"
    assert "differs from what expected() returns for the complete listing" in str(violation)


@pytest.mark.at_length
def test_expected_may_return_an_iterator_or_a_tuple():
    """``expected`` may return an iterator or a tuple; either is compared item by item."""

    def ids(client, **job):
        for session in every(client, **job):
            yield session["sessionId"]

    for kind in (iter, tuple):
        check_pagination(
            ids,
            expected=lambda sessions, kind=kind: kind(
                [session["sessionId"] for session in sessions]
            ),
            without=VARIATIONS,
            max_examples=1,
        )


def test_expected_after_a_fault():
    """A result that differs from ``expected`` after a fault violates *surfaces-faults*."""

    def count(client, **job):
        try:
            return len(every(client, **job))
        except Exception:  # noqa: BLE001 (the mistake)
            return 0

    violation = violation_of(count, expected=len)
    assert violation.rule == "surfaces-faults"
    assert violation.finding.expected == "1"
    assert violation.finding.returned == "0"


def test_the_order_of_expected_items():
    """With ``expected=``, order matters unless ``ordered=False``."""
    violation = violation_of(sorted_by_start, expected=list)
    assert "but not in expected()'s order (pass ordered=False" in str(violation)
    check_pagination(
        sorted_by_start,
        expected=list,
        ordered=False,
        without=set(VARIATIONS) - {"data"},
        max_examples=1,
    )


@pytest.mark.at_length
def test_items_that_are_equal_but_look_different():
    """With ``ordered=False``, items are compared by equality, not by repr, and counted."""

    def ones(client, **job):
        return [1.0 if index else True for index, _ in enumerate(every(client, **job))]

    check_pagination(
        ones,
        expected=lambda sessions: [1] * len(sessions),
        ordered=False,
        without=VARIATIONS,
        max_examples=1,
    )
    mixed = violation_of(
        ones,
        expected=lambda sessions: [1] * (len(sessions) - 1) + [2] * bool(sessions),
        ordered=False,
    )
    assert mixed.rule == "complete"
    short = violation_of(ones, expected=lambda sessions: [1] * (len(sessions) + 1), ordered=False)
    assert short.rule == "complete"


@pytest.mark.at_length
def test_order_can_be_ignored():
    """``ordered=False`` allows a sorted listing, but not an incomplete one."""
    assert violation_of(sorted_by_start).rule == "complete"
    without = set(VARIATIONS) - {"data", "drift"}
    check_pagination(sorted_by_start, ordered=False, without=without, max_examples=1)
    assert violation_of(first_page, ordered=False).rule == "complete"


@pytest.mark.at_length
def test_an_empty_final_token():
    """Empty final tokens are served only with ``empty_final_token=True``."""
    check_pagination(every, without=VARIATIONS, max_examples=1)
    violation = violation_of(every, empty_final_token=True)
    assert violation.rule == "valid-requests"
    assert violation.finding.cause == "It treats an empty token as a real one."
    check_pagination(as_ids, empty_final_token=True, without=VARIATIONS, max_examples=1)


def varied(case):
    """Return the variations that a case visibly shows."""
    sizes = case.listing.page_sizes
    plain = Listing(page_sizes=sizes, runs=(("STARTED", len(case.listing)),))
    variations = {
        "empty-pages": sizes is not None and len(sizes) > 1 and 0 in sizes,
        "data": [*case.listing] != [*plain],
        "tokens": case.behavior.token_length != 80
        or case.behavior.token_shape != Behavior().token_shape
        or case.behavior.spaces_around_tokens
        or case.behavior.tokens_shared_by_jobs
        or case.behavior.null_final_token,
        "drift": bool(case.drift),
        "faults": bool(case.lapses) or "fail" in case.sequence,
        "expiry": bool(case.expiries) or case.always_expired,
        "sequences": case.sequence != "once",
    }
    return {variation for variation, shown in variations.items() if shown}


@pytest.mark.at_length
@pytest.mark.parametrize("variation", VARIATIONS)
def test_a_variation_can_be_left_out(variation):
    """``without=`` removes a variation from the simple cases and from those that are drawn."""

    def check(case):
        assert variation not in varied(case)
        if variation == "page-sizes":
            assert case.behavior.page_size == 100

    simple = list(simplest({variation}))
    assert len(simple) < len(list(simplest()))
    for case in simple:
        check(case)
    settings(database=None, deadline=None, max_examples=60)(given(cases({variation}))(check))()


def test_listings_that_are_not_cut_keep_their_sessions():
    """Removing the page sizes of a listing keeps its sessions."""

    @settings(database=None, max_examples=60)
    @given(listings(page_sizes=True))
    def check(listing):
        uncut = _uncut(listing)
        assert uncut.page_sizes is None
        assert list(uncut) == list(listing)

    check()


def test_without_any_variation():
    """Without any variation, four plain listings are left."""
    shown = [varied(case) for case in simplest(VARIATIONS)]
    assert shown == [set()] * 4


def test_every_variation_is_shown():
    """The simple cases cover every variation, every sequence and every kind of drift."""
    shown = set().union(*(varied(case) for case in simplest()))
    assert shown == set(VARIATIONS) - {"page-sizes", "volume"}
    assert {case.sequence for case in simplest()} == set(Sequence.__args__)
    assert {drift[1] for case in simplest() for drift in case.drift} == set(Change.__args__)
    assert max(len(case.listing) for case in simplest()) > 1000
    assert max(len(case.listing.page_sizes or ()) for case in simplest()) > 300


@pytest.mark.at_length
def test_a_collector_passes_without_the_variation_that_breaks_it():
    """A collector that breaks only with empty pages passes without that variation."""
    assert violation_of(stops_at_an_empty_page).rule == "complete"
    without = set(VARIATIONS) - {"page-sizes", "tokens", "data"}
    check_pagination(stops_at_an_empty_page, without=without, max_examples=20)


@pytest.mark.at_length
def test_a_check_does_not_touch_a_surrounding_service():
    """A surrounding ``FakeDeadline`` sees no calls of a check, and its clock does not advance."""
    with FakeDeadline() as outside:
        before = outside.clock.now()
        check_pagination(paginator, max_examples=1)
        assert not outside.calls
        assert (outside.clock.now() - before).total_seconds() < 60


def test_the_repr_of_a_case_can_be_pasted():
    """The repr of a case omits defaults and evaluates to the same case."""
    case = Case(Listing(page_sizes=(1,)), lapses=(Lapse("ReadTimeoutError", times=2),), drift=())
    assert (
        repr(case) == "Case(Listing(page_sizes=(1,)), lapses=(Lapse('ReadTimeoutError', times=2),))"
    )
    assert eval(repr(case)) == case


def test_every_option_is_explained():
    """The docstring of ``check_pagination`` describes every parameter."""
    explained = inspect.getdoc(check_pagination)
    for name in inspect.signature(check_pagination).parameters:
        assert f"\n    {name}: " in explained
