"""The items that other operations than ``ListSessions`` list during a check."""

from __future__ import annotations

import re

import botocore
import pytest
from collectors.judged import found, passes
from collectors.operations import collector, pages
from collectors.wrong import every

from pytest_deadline_sessions import FakeDeadline, Listing, PaginationViolation, check_pagination
from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions._contract.target import Target, _target, target_of, targets
from pytest_deadline_sessions.checking import Case, Lapse
from pytest_deadline_sessions.checking._content import (
    Content,
    _record,
    ids_of,
    items_of,
    most_statuses,
)

ACTIONS, OF_WORKER = "ListSessionActions", "ListSessionsForWorker"
TWO_PAGES = Listing(page_sizes=(1, 1))
SLOW = ["drift", "expiry", "faults", "tokens", "volume"]


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
