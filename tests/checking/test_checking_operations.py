"""Collectors of other operations than ``ListSessions``."""

from __future__ import annotations

import operator
import re

import botocore
import pytest
from collectors.judged import found, passes, run_again
from collectors.wrong import every

from pytest_deadline_sessions import FakeDeadline, Listing, PaginationViolation, check_pagination
from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions._contract.target import Target, _target, target_of, targets
from pytest_deadline_sessions._domain.faults import fault_codes
from pytest_deadline_sessions._service.jobs import Job
from pytest_deadline_sessions.checking import Case, Lapse
from pytest_deadline_sessions.checking._content import (
    Content,
    _record,
    ids_of,
    items_of,
    most_statuses,
)

ACTIONS, OF_WORKER = "ListSessionActions", "ListSessionsForWorker"
SOME = [ACTIONS, OF_WORKER, "ListJobs", "ListWorkers", "ListFarms"]
TWO_PAGES = Listing(page_sizes=(1, 1))
SLOW = ["drift", "expiry", "faults", "tokens", "volume"]


def pages(operation, client, ids, **more):
    """The pages of an operation."""
    return client.get_paginator(botocore.xform_name(operation)).paginate(**ids, **more)


def collector(operation):
    """Return a right collector of an operation."""
    key = target_of(operation).result_key
    return lambda client, **ids: [
        each for page in pages(operation, client, ids) for each in page[key]
    ]


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


def test_optional_times_may_be_absent():
    """Items of some statuses have not started; those of sessions that just started have."""
    listing = Listing(runs=(("STARTED", 2), ("UPDATE_IN_PROGRESS", 2)))
    items = items_of(target_of(ACTIONS), listing, {})
    assert ["startedAt" in each for each in items] == [True, True, False, True]
    of_worker = items_of(target_of(OF_WORKER), listing, {"queueId": "", "jobId": ""})
    assert all("startedAt" in each for each in of_worker)


def test_every_value_is_among_the_items():
    """Enough sessions of one status make items with each value of each enumeration."""
    for operation, target in targets().items():
        listing = Listing(runs=(("UPDATE_IN_PROGRESS", most_statuses(target)),))
        items = items_of(target, listing, ids_of(target, {}, 1))
        own = model.members("SessionSummary")
        for name, shape in target.item.members.items():
            values = shape.metadata.get("enum")
            if values and operation != "ListSessions" and name not in own:
                assert {each[name] for each in items} == {*values}
            if model.is_structure(shape) and shape.metadata.get("union"):
                assert {kind for each in items for kind in each[name]} == {*shape.members}


@pytest.mark.parametrize("operation", list(targets()))
def test_items_are_valid(operation):
    """Each item is one that the service model allows, with an id of its own."""
    target = target_of(operation)
    listing = Listing(runs=(("STARTED", 1), ("UPDATE_IN_PROGRESS", 12), ("ENDED", 2)))
    items = items_of(target, listing, ids_of(target, {}, 3))
    assert validation.check_response({target.result_key: items}, operation) == []
    for getter in target.getters:
        shape = model.output_shape(getter)
        one = _record(target, shape, listing[0], 0, ids_of(target, {}, 3))
        assert validation.check_response(one, getter) == []
    ids = [each[target.key] for each in items]
    assert ids == [target.id_of(each["sessionId"]) for each in listing]
    assert [target.session_id_of(each) for each in ids] == [each["sessionId"] for each in listing]
    assert all(re.fullmatch(target.pattern, each) for each in ids)


def test_one_status_of_sessions_makes_items_that_differ_in_ids_alone():
    """Items made of sessions that have just started are equal but for their ids and times."""
    at_once = Listing(page_sizes=(3,), gap=Listing().gap * 0)
    items = items_of(target_of("ListTasks"), at_once, ids_of(target_of("ListTasks"), {}, 1))
    kept = [{name: each[name] for name in each if name != "taskId"} for each in items]
    assert kept == [kept[0]] * 3


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


@pytest.mark.parametrize("operation", [ACTIONS, "ListWorkers", "ListTasks", "ListQueues"])
def test_details_of_each_item(operation):
    """A collector may get each item, and is tried with failures of that too."""
    target = target_of(operation)
    get, collect = botocore.xform_name(target.getters[0]), collector(operation)

    def details(client, **ids):
        listed = collect(client, **ids)
        return [getattr(client, get)(**ids, **{target.key: each[target.key]}) for each in listed]

    passes(details, TWO_PAGES, Case(TWO_PAGES, drift=((1, "end"),)), operation=operation)
    hidden = []

    def hiding(client, **ids):
        try:
            return details(client, **ids)
        except client.exceptions.ThrottlingException:
            return hidden

    failing = Case(TWO_PAGES, lapses=(Lapse("ThrottlingException", operation=target.getters[0]),))
    assert found(hiding, failing, operation=operation).rule == "surfaces-faults"


def test_details_of_what_is_not_listed():
    """An operation that gets an item still gets what the fake has, and refuses what nobody has."""
    fake = FakeDeadline()
    job = fake.add_job(sessions=1, tasks=1)
    client = fake.client()
    real = client.list_session_actions(**job)["sessionActions"][0]["sessionActionId"]
    for operation in (ACTIONS, "ListWorkers"):
        target = target_of(operation)
        Content(fake, target).add(fake.add_job(sessions=1), ids_of(target, job, 1))
    assert client.get_session_action(**job, sessionActionId=real)["sessionActionId"] == real
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_worker(**ids_of(target, job, 1), workerId="worker-" + "f" * 32)


def test_sessions_of_each_listed_job():
    """The jobs that are listed exist, so that a collector may ask for more about each."""

    def with_names(client, **queue):
        jobs = collector("ListJobs")(client, **queue)
        for job in jobs:
            ids = {**queue, "jobId": job["jobId"]}
            assert client.get_job(**ids)["jobId"] == job["jobId"]
            assert every(client, **ids) == []
        return jobs

    passes(with_names, TWO_PAGES, Listing(page_sizes=(3, 2)), operation="ListJobs")


def test_filters():
    """A collector may list the items with one filter after another."""
    statuses = ("ENDED", 2), ("STARTED", 1), ("UPDATE_FAILED", 3)
    listing = Listing(page_sizes=(3, 3), runs=statuses)

    def of_each_session(client, **job):
        return [
            action
            for session in every(client, **job)
            for page in pages(ACTIONS, client, job, sessionId=session["sessionId"], maxResults=1)
            for action in page["sessionActions"]
        ]

    passes(of_each_session, TWO_PAGES, listing, operation=ACTIONS)
    by_status = model.enum("FleetStatus")

    def of_each_status(client, **farm):
        return [
            fleet
            for status in by_status
            for page in pages("ListFleets", client, farm, status=status, maxResults=1)
            for fleet in page["fleets"]
        ]

    passes(of_each_status, listing, operation="ListFleets", ordered=False)


def test_filters_may_not_change_between_pages():
    """A token with another filter than before breaks a rule."""

    def changing(client, **job):
        first = client.list_session_actions(**job, maxResults=1)
        token = first.get("nextToken")
        more = {"nextToken": token, "sessionId": "session-" + "0" * 32} if token else {}
        return [*first["sessionActions"], *client.list_session_actions(**job, **more)]

    assert found(changing, TWO_PAGES, operation=ACTIONS).rule == "keeps-arguments"


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


def test_operations_come_from_botocore():
    """What can be checked is read from botocore's paginators: the tokens, the list and the ids."""
    assert target_of(OF_WORKER) == Target(
        OF_WORKER, "sessions", "sessionId", ("farmId", "fleetId", "workerId")
    )
    right = {"output_token": "nextToken", "result_key": "sessions"}
    assert _target("ListSessions", right) == target_of()
    for wrong in ({"output_token": "marker"}, {"result_key": ["sessions", "others"]}):
        assert _target("ListSessions", {**right, **wrong}) is None
    statistics = {**right, "result_key": "statistics"}
    assert _target("GetSessionsStatisticsAggregation", statistics) is None


def test_a_fault_that_an_operation_lacks():
    """Where an operation cannot fail in some way, a case with that failure is tried without it."""
    assert "ResourceNotFoundException" not in fault_codes("ListMonitors")
    lapse = Lapse("ResourceNotFoundException")
    passes(collector("ListMonitors"), Case(TWO_PAGES, lapses=(lapse,)), operation="ListMonitors")


def actions_of_sessions(client, job, *, go_on=lambda _: True, follow=True, **more):
    """List the actions of one session after another, page by page."""
    actions = []
    for session in every(client, **job):
        wanted = {"sessionId": session["sessionId"]}
        token = {}
        while True:
            page = client.list_session_actions(**job, **token, **wanted, **more)
            actions += page["sessionActions"]
            if "nextToken" not in page or not go_on(page):
                break
            token = {"nextToken": page["nextToken"]}
            wanted = wanted if follow else {}
    return actions


@pytest.mark.parametrize(
    ("rule", "options"),
    [
        ("complete", {"go_on": lambda page: page["sessionActions"]}),
        ("complete", {"go_on": lambda _: False}),
        ("keeps-arguments", {"follow": False}),
    ],
)
def test_filtered_calls_have_pages_too(rule, options):
    """What passes a filter comes in pages as the case cuts them, empty ones included."""

    def wrong(client, **job):
        return actions_of_sessions(client, job, **options)

    def right(client, **job):
        return actions_of_sessions(client, job)

    with pytest.raises(PaginationViolation) as caught:
        check_pagination(wrong, operation=ACTIONS, without=SLOW, max_examples=0)
    assert caught.value.rule == rule
    assert 0 in caught.value.listing.page_sizes
    for sizes in ((1, 0, 1), (0, 0, 2), (2, 1, 0), (3, 2)):
        passes(right, Listing(page_sizes=sizes), operation=ACTIONS)


@pytest.mark.skipif("BatchGetTask" not in model.operation_names(), reason="an older service model")
def test_items_that_are_got_in_a_batch():
    """Operations that get several items have the listed ones, and an error for each other."""

    def details(client, **ids):
        listed = collector("ListTasks")(client, **ids)
        names = [{**ids, "taskId": task["taskId"]} for task in listed]
        names.append({**ids, "taskId": f"task-{'f' * 32}-0"})
        answer = client.batch_get_task(identifiers=names)
        assert [error["code"] for error in answer["errors"]] == ["ResourceNotFoundException"]
        return answer["tasks"]

    passes(details, TWO_PAGES, operation="ListTasks")


@pytest.mark.parametrize("operation", ["ListJobs", "ListQueues", "ListStorageProfilesForQueue"])
def test_details_agree_with_the_listing(operation):
    """An operation that gets an item returns the values that the listing has."""
    target = target_of(operation)
    get = botocore.xform_name(target.getters[-1])

    def details(client, **ids):
        listed = collector(operation)(client, **ids)
        for item in listed:
            one = getattr(client, get)(**ids, **{target.key: item[target.key]})
            assert {name: one[name] for name in item if name in one}.items() <= item.items()
            assert {"ResponseMetadata"} < one.keys()
        return listed

    statuses = Listing(runs=(("STARTED", 1), ("UPDATE_IN_PROGRESS", 3)))
    passes(details, TWO_PAGES, statuses, operation=operation)


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
