"""Arguments of a Listing: refusals, repr and equality."""

from __future__ import annotations

import datetime
import itertools
import re

import pytest

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._api.placeholders import EPOCH
from pytest_deadline_sessions._domain.listing import GAP, Listing
from pytest_deadline_sessions._domain.summaries import check_summaries, duplicates

NAIVE = datetime.datetime(2030, 1, 1)  # noqa: DTZ001
LATE = datetime.datetime(9999, 12, 31, 23, tzinfo=datetime.timezone.utc)
LONG = 30 * GAP
END = (
    "expected an earlier start, a smaller gap or fewer sessions: the last one must end before the "
    "year 10000"
)
GAPS = "expected a timedelta of 0 or more; order='newest-first' lists later starts first"
STATUSES = model.enum("SessionLifecycleStatus")
PAIRS = f"expected a pair of a status and a count; a status is one of {', '.join(STATUSES)}"
ONE, TWO = Listing(page_sizes=(2,))


def _message(error, function, *arguments, **named):
    with pytest.raises(error) as caught:
        function(*arguments, **named)
    assert type(caught.value) is error
    return str(caught.value)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"page_sizes": 3}, "page_sizes=3 (expected a tuple)"),
        ({"page_sizes": "12"}, "page_sizes='12' (expected a tuple)"),
        ({"page_sizes": (1, "2")}, "page_sizes[1]='2' (expected a whole number, 0..100)"),
        ({"page_sizes": (1, 2.0)}, "page_sizes[1]=2.0 (expected a whole number, 0..100)"),
        ({"page_sizes": (True,)}, "page_sizes[0]=True (expected a whole number, 0..100)"),
        ({"runs": 3}, "runs=3 (expected a tuple)"),
        ({"runs": ("ENDED", 3)}, f"runs[0]='ENDED' ({PAIRS})"),
        ({"runs": (("ENDED", "3"),)}, "runs[0][1]='3' (expected a whole number, 0 or more)"),
        ({"first": "1"}, f"first='1' (expected a whole number, 0..{16**32 - 1})"),
        ({"workers": None}, "workers=None (expected a whole number, 1 or more)"),
        ({"given": (1,)}, "given[0]=1 (expected a session summary, a dict)"),
        ({"started_at": "2030"}, "started_at='2030' (expected a timezone-aware datetime)"),
        ({"gap": 60}, f"gap=60 ({GAPS})"),
    ],
)
def test_arguments_of_the_wrong_type(argument, message):
    """The error names the argument, the value and what is allowed."""
    assert _message(TypeError, Listing, **argument) == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"page_sizes": ()},
            "page_sizes=() (expected at least one page; an empty listing is (0,))",
        ),
        ({"page_sizes": (1, 101)}, "page_sizes[1]=101 (expected 0..100)"),
        ({"page_sizes": (-1,)}, "page_sizes[0]=-1 (expected 0..100)"),
        ({"runs": (("ENDED",),)}, f"runs[0]=('ENDED',) ({PAIRS})"),
        ({"runs": (("ENDED", 1, 2),)}, f"runs[0]=('ENDED', 1, 2) ({PAIRS})"),
        ({"runs": (("RUNNING", 1),)}, f"runs[0]=('RUNNING', 1) ({PAIRS})"),
        ({"runs": (("ENDED", -1),)}, "runs[0][1]=-1 (expected 0 or more)"),
        (
            {"page_sizes": (1, 2), "runs": (("ENDED", 2),)},
            "page_sizes=(1, 2) hold 3 sessions (expected 2)",
        ),
        (
            {"page_sizes": (1,), "runs": (("ENDED", 2), ("STARTED", 0))},
            "page_sizes=(1,) hold 1 session (expected 2)",
        ),
        ({"first": -1}, f"first=-1 (expected 0..{16**32 - 1})"),
        ({"first": 16**32}, f"first={16**32} (expected 0..{16**32 - 1})"),
        (
            {"first": 16**32 - 2, "page_sizes": (3,)},
            f"first={16**32 - 2} (expected 0..{16**32 - 3})",
        ),
        (
            {"given": (), "runs": (("STARTED", 2),)},
            "runs=(('STARTED', 2),) (expected none, since summaries are given)",
        ),
        ({"workers": 0}, "workers=0 (expected 1 or more)"),
        ({"started_at": NAIVE}, f"started_at={NAIVE!r} (expected a timezone-aware datetime)"),
        ({"gap": -GAP}, f"gap={-GAP!r} ({GAPS})"),
        (
            {"order": "oldest"},
            "order='oldest' (expected one of oldest-first, newest-first, mixed)",
        ),
        (
            {"started_at": LATE, "gap": LONG, "page_sizes": (2,)},
            f"started_at={LATE!r} ({END})",
        ),
        ({"runs": (("STARTED", 10**11),)}, f"started_at={EPOCH!r} ({END})"),
    ],
)
def test_arguments_of_the_wrong_value(arguments, message):
    """The error names the argument, the value and what is allowed."""
    assert _message(ValueError, Listing, **arguments) == message


@pytest.mark.parametrize(
    "arguments",
    [
        {"page_sizes": (0,)},
        {"page_sizes": (100,)},
        {"runs": (("ENDED", 0),)},
        {"first": 0},
        {"first": 16**32 - 1},
        {"first": 16**32 - 3, "page_sizes": (3,)},
        {"workers": 1},
        {"gap": datetime.timedelta(0)},
        {"started_at": LATE, "gap": 29 * GAP, "page_sizes": (2,)},
    ],
)
def test_arguments_at_the_limits(arguments):
    """Values at the limits are accepted, and the listed summaries are valid."""
    listing = Listing(**arguments)
    assert Listing.of(listing).given == tuple(listing)


def test_lists_instead_of_tuples():
    """Lists are accepted in place of tuples, and are stored as tuples."""
    listing = Listing(page_sizes=[1, 1], runs=[["ENDED", 2]])
    assert listing == Listing(page_sizes=(1, 1), runs=(("ENDED", 2),))
    assert hash(listing) == hash(Listing(page_sizes=(1, 1), runs=(("ENDED", 2),)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3,), "sessions=3 (expected a sequence of session summaries)"),
        (("abc",), "sessions='abc' (expected a sequence of session summaries)"),
        (([ONE, "s"],), "sessions[1]='s' (expected a session summary, a dict)"),
        (([ONE], 1), "page_sizes=1 (expected a tuple)"),
    ],
)
def test_given_summaries_of_the_wrong_type(arguments, message):
    """Values of the wrong type are refused, strict or not."""
    assert _message(TypeError, Listing.of, *arguments) == message
    assert _message(TypeError, Listing.of, *arguments, strict=False) == message


@pytest.mark.parametrize("strict", [True, False])
def test_sizes_of_given_summaries_add_up(strict):
    """Page sizes that do not add up to the summaries are refused, strict or not."""
    message = "page_sizes=(1, 2) hold 3 sessions (expected 2)"
    assert _message(ValueError, Listing.of, [ONE, TWO], (1, 2), strict=strict) == message


IMPOSSIBLE = [
    (
        [{**ONE, "lifecycleStatus": "ENDED"}, {**TWO, "fleetId": "f"}],
        """\
sessions[0] breaks ended-at: endedAt: missing (expected a datetime, since lifecycleStatus is ENDED)
sessions[1] breaks schema: fleetId: 'f' (expected to match fleet-[0-9a-f]{32})""",
    ),
    (
        [ONE, TWO, ONE],
        (
            f"sessions[2].sessionId: '{ONE['sessionId']}' "
            "(expected unique ids; sessions[0] has this one)"
        ),
    ),
    (
        [{**ONE, "sessionId": []}, {**TWO, "sessionId": []}],
        """\
sessions[0] breaks schema: sessionId: [] (expected a string)
sessions[1] breaks schema: sessionId: [] (expected a string)""",
    ),
]


@pytest.mark.parametrize(("summaries", "message"), IMPOSSIBLE)
def test_impossible_summaries(summaries, message):
    """The error names each summary that the service could not send, with member and rule.

    With ``strict=False`` they are accepted.
    """
    assert _message(ValueError, Listing.of, summaries) == message
    listing = Listing.of(summaries, strict=False)
    assert list(listing) == summaries


@pytest.mark.parametrize(
    ("count", "rest"), [(10, []), (11, ["… and 1 more"]), (12, ["… and 2 more"])]
)
def test_at_most_ten_are_named(count, rest):
    """At most ten impossible summaries are named, then the number of others."""
    summaries = [{**summary, "fleetId": "f"} for summary in Listing(page_sizes=(count,))]
    lines = _message(ValueError, check_summaries, summaries).split("\n")
    assert [line.split(" ")[0] for line in lines[:10]] == [f"sessions[{n}]" for n in range(10)]
    assert lines[10:] == rest


def test_the_name_of_checked_summaries():
    """The error uses the given name of the sequence."""
    message = _message(ValueError, check_summaries, [ONE, ONE], "page 2")
    assert message == (
        f"page 2[1].sessionId: '{ONE['sessionId']}' (expected unique ids; page 2[0] has this one)"
    )
    assert check_summaries([ONE, TWO]) is None


def test_pages_hold_at_least_one_session():
    """A page size below 1 is refused, since such pages would never end."""
    listing = Listing(page_sizes=(2,))
    assert _message(ValueError, listing.pages, 0) == "page_size=0 (expected 1 or more)"
    message = _message(TypeError, listing.pages, "2")
    assert message == "page_size='2' (expected a whole number, 1 or more)"


def test_strict_is_a_switch():
    """``strict`` of ``Listing.of`` must be True or False."""
    message = _message(TypeError, Listing.of, [ONE], strict="no")
    assert message == "strict='no' (expected True or False)"


def test_duplicates():
    """``duplicates`` names every repeated id and where it was first."""
    first = f"sessionId: '{ONE['sessionId']}' (expected unique ids; s[1] has this one)"
    assert duplicates(["x", ONE, TWO, ONE, {}, {}, ONE], "s") == [f"s[3].{first}", f"s[6].{first}"]
    assert duplicates([{"sessionId": "x"}] * 2) == [
        "sessions[1].sessionId: 'x' (expected unique ids; sessions[0] has this one)"
    ]


@pytest.mark.parametrize(
    ("listing", "text"),
    [
        (Listing(), "Listing()"),
        (
            Listing(page_sizes=[1, 0, 1], runs=[["STARTED", 2]]),
            "Listing(page_sizes=(1, 0, 1), runs=(('STARTED', 2),))",
        ),
        (Listing(first=1, workers=2, order="mixed"), "Listing(order='mixed', workers=2)"),
        (Listing(first=0, gap=2 * GAP), "Listing(first=0, gap=datetime.timedelta(seconds=120))"),
        (Listing(started_at=EPOCH + GAP), f"Listing(started_at={EPOCH + GAP!r})"),
        (Listing.of([]), "Listing.of([])"),
        (Listing.of([], (0,)), "Listing.of([], page_sizes=(0,))"),
        (Listing.of([{}], strict=False), "Listing.of([{}], strict=False)"),
        (Listing.of([{}], (1,), strict=False), "Listing.of([{}], page_sizes=(1,), strict=False)"),
        (Listing.of([ONE], strict=False), f"Listing.of([{ONE!r}])"),
    ],
)
def test_representation(listing, text):
    """The repr shows arguments that differ from the defaults, and evaluates to an equal listing."""
    assert repr(listing) == text
    assert eval(text) == listing


VARIANTS = [
    Listing(),
    Listing(page_sizes=(2,)),
    Listing(page_sizes=(1, 1)),
    Listing(page_sizes=(2,), runs=(("ENDED", 2),)),
    Listing(page_sizes=(2,), first=0),
    Listing(page_sizes=(2,), started_at=EPOCH + GAP),
    Listing(page_sizes=(2,), gap=2 * GAP),
    Listing(page_sizes=(2,), order="mixed"),
    Listing(page_sizes=(2,), workers=2),
    Listing.of([ONE, TWO]),
    Listing.of([TWO, ONE]),
    Listing.of([ONE, TWO], (2,)),
]


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(VARIANTS, 2)))
def test_different_listings_differ(one, other):
    """Listings that differ in any argument are unequal."""
    assert one != other


@pytest.mark.parametrize("listing", VARIANTS)
def test_equal_listings_have_equal_hashes(listing):
    """Equal listings have equal hashes, with given summaries too."""
    equal = eval(repr(listing))
    assert equal is not listing
    assert {listing: "found"}[equal] == "found"


def test_listings_are_immutable():
    """An attribute of a listing cannot be set."""
    with pytest.raises(AttributeError, match=re.escape("cannot assign to field 'first'")):
        Listing().first = 2


@pytest.mark.parametrize(
    ("sizes", "shown"),
    [
        ((1,) * 7, "(1, 1, 1, 1, 1, 1, 1)"),
        ((1,) * 400, "(1,) * 400"),
        ((2, 2, *(0,) * 9, 1), "(2, 2) + (0,) * 9 + (1,)"),
    ],
)
def test_many_page_sizes_are_shortened(sizes, shown):
    """The repr shortens repeated page sizes, and still evaluates to an equal listing."""
    for listing in (Listing(page_sizes=sizes), Listing.of(Listing(page_sizes=sizes), sizes)):
        assert f"page_sizes={shown}" in repr(listing)
    listing = Listing(page_sizes=sizes)
    assert eval(repr(listing)) == listing
