"""The situations that are always tried: every two values meet, and no option takes others away."""

from __future__ import annotations

import functools
import itertools
import threading
import time

import pytest
from collectors.judged import found, passes
from collectors.right import paginator
from collectors.wrong import every, pages_of
from hypothesis import Phase, find, settings

from pytest_deadline_sessions import Behavior, Listing, PaginationViolation, check_pagination
from pytest_deadline_sessions._domain.faults import fault_codes
from pytest_deadline_sessions.checking import VARIATIONS, Case, Lapse
from pytest_deadline_sessions.checking._case import Seen
from pytest_deadline_sessions.checking._dimensions import (
    EXPIRIES,
    Scope,
    allowed,
    calm,
    case_of,
    disturbed,
    rows,
)
from pytest_deadline_sessions.checking._edge_cases import simplest
from pytest_deadline_sessions.checking._strategies import cases

TWO = Listing(page_sizes=(1, 1))
THREE = Listing(page_sizes=(1, 1, 1))
SCOPES = [
    Scope(),
    Scope(empty_final_token=True),
    Scope(operations=(None, "GetSession")),
    Scope(limit=1),
    Scope(frozenset({"tokens", "data"})),
]


def drawn(strategy, shows):
    """Return a case that shows something; it is not shrunk."""
    phases = settings(database=None, phases=[Phase.generate], max_examples=1000)
    return find(strategy, shows, settings=phases)


def only(*variations):
    """Return the variations to leave out so that these remain."""
    return set(VARIATIONS) - set(variations)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("dimensions_of", [calm, disturbed])
def test_every_two_values_meet(dimensions_of, scope):
    """Every two values of two dimensions stand together in a row, unless they never can."""
    dimensions = dimensions_of(scope)
    made = list(rows(dimensions))
    met = {pair for row in made for pair in itertools.combinations(sorted(row.items(), key=str), 2)}
    for (name, values), (other, others) in itertools.combinations(dimensions.items(), 2):
        for value, another in itertools.product(values, others):
            pair = tuple(sorted([(name, value), (other, another)], key=str))
            assert pair in met or not allowed(dict(pair)), pair


@pytest.mark.parametrize("dimensions_of", [calm, disturbed])
def test_a_row_becomes_its_case(dimensions_of):
    """A case has what its row says: pages, tokens, faults, drift and the sequence."""
    for row in rows(dimensions_of(Scope(empty_final_token=True))):
        case = case_of(row)
        sizes = case.listing.page_sizes
        assert tuple(size for size in sizes if size) == row["cuts"]
        zeros = {"none": 0, "first": 1, "middle": 1, "last": 1, "two": 2}[row["empty_pages"]]
        assert sizes.count(0) == zeros
        assert (sizes[0] == 0) == (row["empty_pages"] == "first")
        assert case.behavior.token_shape == row["shape"]
        assert case.behavior.empty_final_token == (row["ending"] == "empty")
        assert bool(case.lapses) == (row.get("trouble", "none") not in EXPIRIES)
        assert bool(case.drift) == (row["change"] != "none")
        assert case.sequence == row["sequence"]


def test_few_cases_are_enough():
    """The rows are few: hardly more than the two largest dimensions need."""
    dimensions = disturbed(Scope())
    largest, next_largest = sorted(map(len, dimensions.values()))[-2:][::-1]
    assert len(list(rows(dimensions))) < 1.3 * largest * next_largest


def test_an_option_adds_and_never_replaces():
    """With empty final tokens, pages without any final token are still among the cases."""
    tried = list(simplest(empty_final_token=True))
    assert {case.behavior.empty_final_token for case in tried} == {True, False}
    assert [case for case in tried if case.behavior == Behavior()][:4] == [*simplest()][:4]
    for value in (True, False):
        assert drawn(
            cases(empty_final_token=True),
            lambda case, value=value: case.behavior.empty_final_token is value,
        )


@pytest.mark.parametrize(
    "name",
    [
        "page_size",
        "token_shape",
        "token_length",
        "spaces_around_tokens",
        "tokens_shared_by_jobs",
        "null_final_token",
        "expired_token_reason",
    ],
)
def test_the_default_of_a_behavior_stays(name):
    """Each member of Behavior that varies keeps its default too, in both kinds of cases."""
    default = getattr(Behavior(), name)
    for is_default in (True, False):

        def shows(case, is_default=is_default):
            return (getattr(case.behavior, name) == default) is is_default

        assert any(map(shows, simplest()))
        assert drawn(cases(), shows)


def unguarded(client, **job):
    """Read the token of every page, also of the last one."""
    sessions, token = [], {}
    while True:
        page = client.list_sessions(**job, **token)
        sessions += page["sessions"]
        if not page["nextToken"]:
            return sessions
        token = {"nextToken": page["nextToken"]}


@pytest.mark.parametrize("options", [{}, {"empty_final_token": True}])
def test_an_unguarded_token(options):
    """A collector that reads a token which is not there is found, whatever the options are."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(unguarded, **options)
    assert caught.value.rule == "complete"


def restarting(client, *, same, **job):
    """Start over when a token has expired, and drop what is the ``same`` as something before."""
    kept = []
    for _ in range(3):
        try:
            for page in pages_of(client, **job):
                kept += [session for session in page if not any(same(session, old) for old in kept)]
        except client.exceptions.ValidationException:
            continue
        return kept
    raise RuntimeError("expired three times")


def test_drift_of_sessions_that_were_served():
    """Sessions change after they were served, and before a restart lists them again."""
    same = {"same": lambda session, old: session == old}
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(functools.partial(restarting, **same), without=only("drift", "expiry"))
    assert caught.value.rule == "surfaces-faults"
    assert "1 duplicated" in str(caught.value)
    by_id = {"same": lambda session, old: session["sessionId"] == old["sessionId"]}
    passes(functools.partial(restarting, **by_id), Case(TWO, expiries=(1,), drift=((1, "end", 0),)))


@pytest.mark.parametrize(
    ("place", "changed"), [(0, [0]), (1, [1]), (-1, [2]), (7, [2]), (None, [2])]
)
def test_the_place_of_a_change(place, changed):
    """The place of a change counts the sessions that are still STARTED; the last is the default."""
    statuses = []

    def collect(client, **job):
        client.list_sessions(**job)
        statuses[:] = [session["lifecycleStatus"] for session in every(client, **job)]
        return every(client, **job)

    change = (1, "end") if place is None else (1, "end", place)
    with pytest.raises(PaginationViolation):
        # It makes more calls than it may.
        check_pagination(collect, examples=[Case(Listing(page_sizes=(3,)), drift=(change,))])
    assert [index for index, status in enumerate(statuses) if status == "ENDED"] == changed


@pytest.mark.parametrize(
    ("change", "order"),
    [("start", [0, 1, 2]), ("start-same-time", [0, 1, 1]), ("start-earlier", [1, 2, 0])],
)
@pytest.mark.parametrize("place", ["drift", "sequence"])
def test_the_start_time_of_a_new_session(change, order, place):
    """A session may appear with the latest start time so far, or with an earlier one."""
    orders = []

    def collect(client, **job):
        sessions = every(client, **job)
        times = [session["startedAt"] for session in sessions]
        orders.append([sorted(set(times)).index(at) for at in times])
        return sessions[:1] if len(times) > len(TWO) else sessions

    sequence = f"sessions-added{change.removeprefix('start')}"
    case = Case(TWO, drift=((1, change),)) if place == "drift" else Case(TWO, sequence=sequence)
    with pytest.raises(PaginationViolation):
        check_pagination(collect, examples=[case])
    # Suspected causes are tried with other listings.
    assert order in orders


def watermark():
    """Return a collector that lists only what started after the last session it has seen."""
    seen = {}

    def collect(client, **job):
        kept = seen.setdefault(job["jobId"], [])
        last = max((session["startedAt"] for session in kept), default=None)
        kept += [
            session
            for session in every(client, **job)
            if last is None or session["startedAt"] > last
        ]
        return [dict(session) for session in kept]

    return collect


def test_a_watermark():
    """A watermark loses sessions that appear with the same start time, or an earlier one."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(watermark())
    assert caught.value.rule == "stateless"
    assert caught.value.case.sequence in {"sessions-added-same-time", "sessions-added-earlier"}


def within(seconds, *, raises):
    """Return a collector with a time limit, which raises or returns what it has."""

    def collect(client, **job):
        end, sessions = time.monotonic() + seconds, []
        for page in pages_of(client, **job):
            sessions += page
            if time.monotonic() > end:
                if raises:
                    raise TimeoutError("too slow")
                break
        return sessions

    return collect


def test_slow_success():
    """Retries that succeed take time: a collector that gives up must say so."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(within(2, raises=False), without=only("faults"))
    assert caught.value.rule == "complete"
    check_pagination(within(2, raises=True), without=only("faults"), max_examples=5)


def details(swallow):
    """Return a collector that gets every session, and leaves out those that fail that way."""

    def collect(client, **job):
        sessions = []
        for session in every(client, **job):
            try:
                client.get_session(**job, sessionId=session["sessionId"])
            except swallow:
                continue
            sessions.append(session)
        return sessions

    return collect


@pytest.mark.at_length
def test_faults_of_other_operations():
    """A collector that loses the sessions whose details fail is found; one that raises passes."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(details(Exception), without=only("faults"))
    assert caught.value.rule == "surfaces-faults"
    assert [lapse.operation for lapse in caught.value.case.lapses] == ["GetSession"]
    check_pagination(details(()), without=only("faults"), max_examples=5)


def test_operations_that_the_collector_calls_may_fail():
    """Faults are planned for the operations that were seen, each with the faults it may have."""
    seen = Seen(operations={"ListSessions": None, "GetJob": None})
    tried = {lapse for case in simplest(seen=seen) for lapse in case.lapses}
    assert {lapse.fault for lapse in tried if lapse.operation == "GetJob"} == set(
        fault_codes("GetJob")
    )
    assert drawn(
        cases(seen=seen), lambda case: any(lapse.operation == "GetJob" for lapse in case.lapses)
    )


def test_small_pages_get_smaller_listings():
    """A collector that asks for one session a page gets no listing that takes it too long."""
    tried = list(simplest(seen=Seen(limit=1)))
    assert max(len(case.listing) for case in tried) < max(len(case.listing) for case in simplest())
    assert sum(len(case.listing) for case in tried) < 10_000


@pytest.mark.at_length
def test_only_the_cases_that_are_always_tried():
    """With ``max_examples=0`` nothing is drawn; bugs of one situation are still found."""
    check_pagination(paginator, max_examples=0, without=only("empty-pages"))

    def wrong(client, **job):
        return every(client, **job)[:500]

    with pytest.raises(PaginationViolation):
        check_pagination(wrong, max_examples=0, without=only("volume"))


def resuming(keeps):
    """Return a collector that goes on, after a failed call, where that one stopped.

    Args:
        keeps: Returns what a token is kept for: the job, or all jobs.
    """
    left = {}

    def collect(client, **job):
        sessions, token = left.pop(keeps(job), ([], None))
        while True:
            arguments = {"nextToken": token} if token else {}
            try:
                page = client.list_sessions(**job, **arguments)
            except client.exceptions.ValidationException:
                if token is None:
                    raise
                sessions, token = [], None
                continue
            except BaseException:
                left[keeps(job)] = sessions, token
                raise
            sessions = sessions + page["sessions"]
            token = page.get("nextToken")
            if token is None:
                return sessions

    return collect


@pytest.mark.at_length
def test_resuming_after_a_failure():
    """A token that was kept for the same job after a failure may be passed in the next call."""
    check_pagination(
        resuming(lambda job: job["jobId"]), without=only("faults", "sequences"), max_examples=5
    )


def test_resuming_with_the_token_of_another_job():
    """A token that was kept from another job is still found."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(resuming(lambda _job: None), without=only("faults", "sequences"))
    assert caught.value.rule == "stateless"


def test_resuming_with_other_arguments():
    """A token that was kept from a call with other arguments is still found."""
    collect = resuming(lambda job: job["jobId"])

    def wrong(client, **job):
        limits = iter([5])
        whole = client.list_sessions

        def list_sessions(**arguments):
            first = "nextToken" not in arguments
            return whole(maxResults=100 if first else next(limits, 100), **arguments)

        class Client:
            exceptions = client.exceptions

        Client.list_sessions = staticmethod(list_sessions)
        return collect(Client, **job)

    with pytest.raises(PaginationViolation) as caught:
        check_pagination(wrong, without=only("faults", "sequences"))
    assert caught.value.rule == "keeps-arguments"


def test_state_that_outlives_a_case():
    """A plain case that fails only after others is blamed on state, with what came before it."""
    lock = threading.Lock()

    def collect(client, **job):
        if not lock.acquire(blocking=False):
            return []
        sessions = every(client, **job)
        lock.release()
        return sessions

    failing = Case(TWO, lapses=(Lapse("AccessDeniedException"),))
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, examples=[failing, THREE])
    assert caught.value.rule == "stateless"
    assert "It passed other cases before" in str(caught.value)
    assert f"examples=[{failing!r}, {THREE!r}]" in str(caught.value)
    lock.release()
    with pytest.raises(PaginationViolation) as again:
        check_pagination(collect, examples=[failing, THREE])
    assert again.value.rule == "stateless"


def test_a_plain_failure_is_not_blamed_on_state():
    """A collector that is wrong in one case, and right in others, is blamed for that case."""
    assert found(lambda client, **job: every(client, **job)[:2], TWO, THREE).rule == "complete"
