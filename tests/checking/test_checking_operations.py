"""Collectors of other operations than ``ListSessions``."""

from __future__ import annotations

import operator
import re

import botocore
import pytest
from collectors.judged import found, passes, run_again
from collectors.operations import collector, pages
from collectors.wrong import every

from pytest_deadline_sessions import Listing, PaginationViolation, check_pagination
from pytest_deadline_sessions._contract.target import target_of, targets
from pytest_deadline_sessions._domain.faults import fault_codes
from pytest_deadline_sessions._service.jobs import Job
from pytest_deadline_sessions.checking import Case, Lapse

ACTIONS, OF_WORKER = "ListSessionActions", "ListSessionsForWorker"
SOME = [ACTIONS, OF_WORKER, "ListJobs", "ListWorkers", "ListFarms"]
TWO_PAGES = Listing(page_sizes=(1, 1))
SLOW = ["drift", "expiry", "faults", "tokens", "volume"]


def first_page(operation):
    """Return a collector of the first page alone."""
    target = target_of(operation)
    name = botocore.xform_name(operation)
    return lambda client, **ids: getattr(client, name)(**ids)[target.result_key]


def until_an_empty_page(operation):
    """Return a collector that stops at an empty page."""
    key = target_of(operation).result_key

    def collect(client, **ids):
        items = []
        for page in pages(operation, client, ids):
            if not page[key]:
                break
            items += page[key]
        return items

    return collect


def swallowing(operation):
    """Return a collector that returns what it has when a call fails."""
    key = target_of(operation).result_key

    def collect(client, **ids):
        items = []
        try:
            for page in pages(operation, client, ids):
                items += page[key]
        except Exception:  # noqa: BLE001 (this is the mistake)
            return items
        return items

    return collect


def sorted_by_id(operation):
    """Return a collector that sorts by the id."""
    collect, key = collector(operation), target_of(operation).key
    return lambda client, **ids: sorted(collect(client, **ids), key=operator.itemgetter(key))


def keeping_everything(operation):
    """Return a collector that keeps the items of its first call."""
    collect, items = collector(operation), []

    def collecting(client, **ids):
        items.extend(collect(client, **ids))
        return list(items)

    return collecting


def keeping_by_farm(operation):
    """Return a collector that lists each farm only once."""
    collect, items = collector(operation), {}

    def collecting(client, **ids):
        farm = ids.get("farmId")
        if farm not in items:
            items[farm] = collect(client, **ids)
        return list(items[farm])

    return collecting


WRONG = {
    "complete": [first_page, until_an_empty_page, sorted_by_id],
    "surfaces-faults": [swallowing],
    "stateless": [keeping_everything],
}


@pytest.mark.parametrize("operation", list(targets()))
def test_every_operation_can_be_checked(operation):
    """A paginator of every operation passes, whole items and changed, failing listings included."""
    options = {"operation": operation, "expected": lambda items: items}
    statuses = Listing(runs=(("UPDATE_IN_PROGRESS", 12),))
    failing = Case(TWO_PAGES, lapses=(Lapse("ThrottlingException", 1, times=1),))
    passes(collector(operation), TWO_PAGES, statuses, failing, **options)
    drift = ((1, "start"), (1, "end", 0), (1, "request-end"))
    drifting = Case(TWO_PAGES, drift=drift, expiries=(1,))
    in_turn = Case(TWO_PAGES, sequence="two-jobs")
    passes(collector(operation), drifting, in_turn, operation=operation)


@pytest.mark.at_length
def test_every_situation_is_tried():
    """A right collector passes in every situation, and all variations are tried."""
    checked = check_pagination(collector(ACTIONS), operation=ACTIONS, max_examples=5)
    assert all(checked.variations.values())


@pytest.mark.at_length
@pytest.mark.usefixtures("some_cases")
@pytest.mark.parametrize("operation", SOME)
def test_right_collectors_pass(operation):
    """A right collector passes with every operation, whatever varies."""
    checked = check_pagination(collector(operation), operation=operation, max_examples=5)
    # Only some of the few large listings are tried.
    assert all(count for name, count in checked.variations.items() if name != "volume")


@pytest.mark.parametrize(
    ("rule", "make"), [(rule, make) for rule, makes in WRONG.items() for make in makes]
)
@pytest.mark.parametrize("operation", SOME)
def test_wrong_collectors_are_found(operation, rule, make):
    """The usual mistakes are found with every operation, and under the same rules."""
    without = [name for name in SLOW if rule != "surfaces-faults" or name != "faults"]
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(make(operation), operation=operation, without=without, max_examples=0)
    assert caught.value.rule == rule
    assert operation in str(caught.value)


def test_the_report_names_the_items():
    """A report speaks of the items of the operation, and its line to run again has the option."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(first_page(ACTIONS), operation=ACTIONS)
    report = str(caught.value)
    assert "It returns every session action exactly once, in service order" in report
    assert "It returned 1 session action for a listing of 2: 1 missing." in report
    assert "returned: 1 session action: #0" in report
    assert "operation='ListSessionActions'" in report
    assert str(run_again(caught.value).finding) == str(caught.value.finding)


def test_the_report_names_what_differs_between_calls():
    """Where no job is named, a report says which ids differ between two calls."""
    twice = Case(Listing(page_sizes=(1,)), sequence="two-jobs")
    what = found(keeping_by_farm("ListWorkers"), twice, operation="ListWorkers").what
    assert what.startswith("Called for two values of fleetId in turn, it no longer")


def test_a_result_that_is_kept_without_ids():
    """A collector that is told no ids is found too if it keeps its first result."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(keeping_by_farm("ListFarms"), operation="ListFarms")
    assert caught.value.rule == "stateless"


@pytest.mark.parametrize("status", ["FAILED", "CANCELED", "NEVER_ATTEMPTED"])
def test_all_values_of_an_enumeration_are_tried(status):
    """A collector that leaves out items of one status is found, whichever status that is."""
    collect = collector(ACTIONS)

    def without_status(client, **ids):
        return [each for each in collect(client, **ids) if each["status"] != status]

    with pytest.raises(PaginationViolation) as caught:
        check_pagination(without_status, operation=ACTIONS, without=["faults"], max_examples=0)
    assert caught.value.rule == "complete"


@pytest.mark.parametrize("key", [None, "sessionActionId", lambda each: each["sessionActionId"]])
def test_results_of_all_kinds_are_read(key):
    """Ids are found where the service has them, where ``key=`` says, and in text."""
    collect = collector(ACTIONS)
    passes(collect, TWO_PAGES, operation=ACTIONS, key=key)
    readings = [
        lambda items: {"sessionActions": items},
        lambda items: [each["sessionActionId"] for each in items],
        lambda items: " ".join(each["sessionActionId"] for each in items),
        lambda items: {each["sessionActionId"]: each for each in items},
        lambda items: [{"session_action_id": each["sessionActionId"]} for each in items],
    ]
    for read in readings if key is None else ():
        passes(
            collect,
            TWO_PAGES,
            operation=ACTIONS,
            call=lambda collect, client, job, read=read: read(collect(client, **job)),
        )


def test_a_result_that_cannot_be_read():
    """Advice names the list in the response, and the member that has an id."""
    finding = found(lambda *_, **__: {"items": []}, TWO_PAGES, operation=ACTIONS)
    assert "or a dict with 'sessionActions'" in finding.what
    named = found(
        lambda client, **ids: [
            {"name": each["sessionActionId"]} for each in collector(ACTIONS)(client, **ids)
        ],
        TWO_PAGES,
        operation=ACTIONS,
    )
    assert "with key='name'" in named.what


def test_emptied_results():
    """A collector that returns the list that it keeps is found once its caller empties that."""
    kept = {}

    def collect(client, **ids):
        key = ids["jobId"]
        if key not in kept:
            kept[key] = {"sessionActions": collector(ACTIONS)(client, **ids)}
        else:
            client.list_session_actions(**ids)
        return kept[key]

    changed = Case(TWO_PAGES, sequence="changed-result")
    assert found(collect, changed, operation=ACTIONS).rule == "stateless"


def test_all_jobs_of_a_queue():
    """With ``jobs=``, a collector may list the items of all jobs of a queue."""

    def of_queue(client, **queue):
        jobs = client.list_jobs(**queue)["jobs"]
        return [
            action
            for job in jobs
            for action in collector(ACTIONS)(client, **queue, jobId=job["jobId"])
        ]

    in_turn = Case(TWO_PAGES, sequence="two-jobs")
    passes(of_queue, TWO_PAGES, in_turn, operation=ACTIONS, jobs=3)
    whole = {"expected": lambda items: items}
    passes(of_queue, TWO_PAGES, operation=ACTIONS, jobs=2, **whole)
    refused = "jobs=2 (expected no jobs= for ListSessionsForWorker, which is not told a job)"
    with pytest.raises(ValueError, match=re.escape(refused)):
        check_pagination(of_queue, operation=OF_WORKER, jobs=2)


def test_wrong_ids():
    """A call with other ids than those of the resource is found."""

    def other_worker(client, **ids):
        return collector(OF_WORKER)(client, **{**ids, "workerId": "worker-" + "f" * 32})

    finding = found(other_worker, TWO_PAGES, operation=OF_WORKER)
    assert finding.rule == "keeps-arguments"
    assert "It sent workerId='worker-ff" in finding.what

    def invalid(client, **ids):
        return collector(OF_WORKER)(client, **{**ids, "fleetId": "fleet-1"})

    assert found(invalid, TWO_PAGES, operation=OF_WORKER).rule == "keeps-arguments"


def test_signatures_that_do_not_fit():
    """A collector with another signature is refused, with an adapter that has the right ids."""

    def of_worker(fleet, worker_id, client):
        """Never called."""

    with pytest.raises(TypeError) as caught:
        check_pagination(of_worker, operation=OF_WORKER)
    assert "collect(client, farmId=…, fleetId=…, workerId=…)" in str(caught.value)
    assert 'collect(job["fleetId"], job["workerId"], client)' in str(caught.value)


@pytest.mark.parametrize("operation", ["GetSession", "ListSessionz", "ListFarmMembers"])
def test_operations_that_cannot_be_checked(operation):
    """An operation that is not paginated, or has items without ids, is refused by name."""
    with pytest.raises(ValueError, match=f"operation='{operation}' .expected one of ListBudgets"):
        check_pagination(every, operation=operation)


@pytest.mark.parametrize("operation", [None, 3, b"ListSessions"])
def test_operations_that_are_no_names(operation):
    """An operation that is no text is refused."""
    with pytest.raises(TypeError, match=r"operation=.*\(expected one of ListBudgets"):
        check_pagination(every, operation=operation)


def test_a_fault_that_an_operation_lacks():
    """Where an operation cannot fail in some way, a case with that failure is tried without it."""
    assert "ResourceNotFoundException" not in fault_codes("ListMonitors")
    lapse = Lapse("ResourceNotFoundException")
    passes(collector("ListMonitors"), Case(TWO_PAGES, lapses=(lapse,)), operation="ListMonitors")


def test_setup_for_other_ids():
    """``setup=`` gets all ids that the collector is told, or the job if these are its own."""
    told, prepared = [], []

    def tasks(client, **ids):
        told.append(ids)
        return collector("ListTasks")(client, **ids)

    def prepare(_fake, job):
        prepared.append({name: job[name] for name in target_of("ListTasks").ids})

    passes(tasks, TWO_PAGES, operation="ListTasks", setup=prepare)
    assert told[0] in prepared
    jobs = []
    passes(collector(ACTIONS), operation=ACTIONS, setup=lambda _, job: jobs.append(job))
    assert {type(job) for job in jobs} == {Job}


def test_the_cause_is_a_status():
    """Where items of some statuses are left out, the report names these and shows each item's."""
    collect = collector(ACTIONS)

    def without_failed(client, **ids):
        return [each for each in collect(client, **ids) if each["status"] != "FAILED"]

    with pytest.raises(PaginationViolation) as caught:
        check_pagination(without_failed, operation=ACTIONS, without=["faults"], max_examples=0)
    report = str(caught.value)
    assert "likely cause: It leaves out session actions whose status is FAILED." in report
    assert "status FAILED" in report


def test_the_cause_is_not_another_member_with_the_same_values():
    """Jobs sorted by their creation are not said to be sorted by their start, which is as early."""
    collect = collector("ListJobs")

    def by_creation(client, **ids):
        created = operator.itemgetter("createdAt")
        return sorted(collect(client, **ids), key=created, reverse=True)

    listing = Listing(page_sizes=(3,))
    assert "startedAt" not in found(by_creation, listing, operation="ListJobs").cause


def test_the_cause_is_not_a_status_that_other_items_have():
    """Where an item is left out that has the status of others, its status is no cause."""
    collect = collector(ACTIONS)
    finding = found(lambda client, **ids: collect(client, **ids)[1:], TWO_PAGES, operation=ACTIONS)
    assert "status" not in finding.cause
