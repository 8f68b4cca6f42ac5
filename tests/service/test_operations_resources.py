"""Farms, queues, jobs and storage profiles, and what a test can say of them."""

from __future__ import annotations

import datetime

import pytest

from pytest_deadline_sessions import FakeDeadline, Listing
from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions._api.placeholders import item, result

PROFILE = model.make_id("StorageProfileId", 1)
HOUR = datetime.timedelta(hours=1)
KINDS = "FarmId, QueueId, JobId, StepId, TaskId, SessionActionId, StorageProfileId"
TOLD = "GetStorageProfileForQueue: " + ", ".join(
    name
    for name in model.operation_model("GetStorageProfileForQueue").output_shape.members
    if name != "storageProfileId"
)
SYSTEMS = ", ".join(map(repr, model.enum("StorageProfileOperatingSystemFamily")))
# What a structure of these needs has a pattern of its own, and so must be known.
NOT_INVENTED = {"GetFarm", "GetFleet", "GetMonitor", "GetSessionAction", "GetTask"}
GETTERS = {
    "get_farm": "farmId",
    "get_queue": "queueId",
    "get_job": "jobId",
    "get_storage_profile_for_queue": "storageProfileId",
    "assume_queue_role_for_user": "queueId",
    "assume_queue_role_for_read": "queueId",
}


@pytest.fixture
def fake():
    """A fake that intercepts nothing."""
    return FakeDeadline()


@pytest.fixture
def client(fake):
    """A client of it."""
    return fake.client()


def _arguments(operation, ids):
    members = model.operation_model(operation).input_shape.members
    return {name: value for name, value in ids.items() if name in members}


def _get(client, method, ids):
    operation = client.meta.method_to_api_mapping[method]
    response = getattr(client, method)(**_arguments(operation, ids))
    del response["ResponseMetadata"]
    return response


@pytest.mark.parametrize("method", GETTERS)
def test_results_are_what_the_service_model_allows(fake, client, method):
    """The resources of every job can be got, and name themselves."""
    fake.describe(PROFILE)
    ids = {**fake.add_job(sessions=1), "storageProfileId": PROFILE}
    response = _get(client, method, ids)
    operation = client.meta.method_to_api_mapping[method]
    assert validation.check_response(response, operation) == []
    named = [name for name in ids if name in response]
    assert {name: response[name] for name in named} == {name: ids[name] for name in named}


@pytest.mark.parametrize("method", GETTERS)
def test_unknown_resources(fake, client, method):
    """The id that names nothing is in the error, with its kind."""
    fake.describe(PROFILE)
    member = GETTERS[method]
    ids = {**fake.add_job(), "storageProfileId": PROFILE}
    ids[member] = model.make_id(member[0].upper() + member[1:], 9)
    with pytest.raises(client.exceptions.ResourceNotFoundException) as caught:
        _get(client, method, ids)
    response = caught.value.response
    assert (response["resourceId"], response["resourceType"]) == (ids[member], member[:-2])


@pytest.mark.parametrize("method", GETTERS)
def test_faults_can_be_planned_for_each(fake, client, method):
    """The planned fault comes first, and the transcript has both calls."""
    fake.describe(PROFILE)
    operation = client.meta.method_to_api_mapping[method]
    fake.fail_next("ThrottlingException", operation=operation)
    _get(client, method, {**fake.add_job(), "storageProfileId": PROFILE})
    assert [(call.operation, call.error) for call in fake.calls] == [
        (operation, "ThrottlingException"),
        (operation, None),
    ]


def test_a_queue_of_another_farm(fake, client):
    """Is not found in this one, whether or not it was described."""
    job, other = (
        fake.add_job(),
        fake.add_job(farmId="farm-" + "a" * 32, queueId="queue-" + "a" * 32),
    )
    mixed = {"farmId": job["farmId"], "queueId": other["queueId"]}
    for _ in range(2):
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.get_queue(**mixed)
        fake.describe(other["queueId"])
    assert client.get_queue(farmId=other["farmId"], queueId=other["queueId"])


def test_resources_without_a_job(fake, client):
    """A farm and a queue exist once they are described, and were created before any test."""
    ids = {"farmId": "farm-" + "a" * 32, "queueId": "queue-" + "a" * 32}
    fake.describe(ids["farmId"], description="Small")
    fake.describe(ids["queueId"])
    farm, queue = client.get_farm(farmId=ids["farmId"]), client.get_queue(**ids)
    assert farm["description"] == "Small"
    assert farm["createdAt"] == queue["createdAt"] < fake.clock.now()


def test_what_was_described_is_told(fake, client):
    """Members are merged one by one, over those that the service has."""
    job = fake.add_job()
    fake.describe(job["jobId"], name="Shot 10", priority=7)
    fake.describe(job["jobId"], priority=8, description="Second try")
    got = client.get_job(**job)
    assert (got["name"], got["priority"], got["description"]) == ("Shot 10", 8, "Second try")
    other = client.get_job(**fake.add_job())
    assert other["name"] != "Shot 10"


def test_descriptions_are_forgotten_on_reset(fake, client):
    """And a snapshot brings back those that were there."""
    job = fake.add_job()
    fake.describe(job["jobId"], name="before")
    restore = fake.snapshot()
    fake.describe(job["jobId"], name="after")
    restore()
    assert client.get_job(**job)["name"] == "before"
    fake.reset()
    assert client.get_job(**fake.add_job())["name"] != "before"


@pytest.mark.parametrize(
    ("identifier", "members", "refusal"),
    [
        (
            "session-" + "0" * 32,
            {},
            f"identifier='session-{'0' * 32}' (expected an id: {KINDS})",
        ),
        (
            7,
            {},
            f"identifier=7 (expected an id: {KINDS})",
        ),
        (
            PROFILE,
            {"storageProfileId": PROFILE},
            f"{PROFILE}: storageProfileId='{PROFILE}' (expected members of {TOLD})",
        ),
        (
            PROFILE,
            {"displayName": "Mine", "osFamily": "BEOS", "fileSystemLocations": 3},
            f"{PROFILE}: osFamily: 'BEOS' (expected one of {SYSTEMS})",
        ),
        (
            PROFILE,
            {"fileSystemLocations": [{"name": "", "path": "/mnt", "type": "SHARED"}]},
            f"{PROFILE}: fileSystemLocations[0].name: 0 characters (expected 1..64 characters)",
        ),
    ],
)
def test_describing_what_the_service_could_not_tell(fake, identifier, members, refusal):
    """It is refused by name, value and what is allowed, and nothing is described."""
    with pytest.raises(ValueError, match=r"expected") as caught:
        fake.describe(identifier, **members)
    assert str(caught.value) == refusal
    assert fake._service.state.described == {}


@pytest.mark.parametrize("method", ["assume_queue_role_for_user", "assume_queue_role_for_read"])
def test_credentials_of_a_queue_role(fake, client, method):
    """They are good for an hour of the service's time, and are nobody's."""
    job = fake.add_job()
    now = fake.clock.now()
    got = [_get(client, method, job)["credentials"]]
    fake.clock.advance(hours=5)
    got.append(_get(client, method, job)["credentials"])
    first, second = (one["expiration"] - now for one in got)
    assert HOUR <= first < 2 * HOUR
    assert 6 * HOUR <= second < 7 * HOUR
    assert all("example" in one["secretAccessKey"] for one in got)


@pytest.mark.parametrize(
    ("runs", "status", "times"),
    [
        ((), "READY", []),
        ((("ENDED", 2), ("STARTED", 1)), "RUNNING", ["startedAt"]),
        ((("ENDED", 3),), "SUCCEEDED", ["startedAt", "endedAt"]),
    ],
)
@pytest.mark.parametrize("given", [False, True])
def test_a_job_follows_its_sessions(fake, runs, status, times, given):
    """It starts with the first of them and ends with the last, if no more is known of its work."""
    listing = Listing(runs=runs, order="newest-first")
    job = fake.add_job(list(listing) if given else listing)
    got = fake.client().get_job(**job)
    assert got["taskRunStatus"] == status
    assert set(got["taskRunStatusCounts"]) == set(model.enum("TaskRunStatus"))
    assert [name for name in ("startedAt", "endedAt") if name in got] == times
    for name, choose in zip(times, (min, max), strict=False):
        assert got[name] == choose(one[name] for one in listing)
    assert got["createdAt"] <= min([fake.clock.now(), *(one["startedAt"] for one in listing)])


def test_a_job_sees_what_becomes_of_its_sessions(fake, client):
    """Sessions that start and end later count as those that it was added with."""
    job = fake.add_job()
    session = job.start_session()
    assert client.get_job(**job)["startedAt"] == session.summary["startedAt"]
    session.end()
    got = client.get_job(**job)
    assert (got["taskRunStatus"], got["endedAt"]) == ("SUCCEEDED", session.summary["endedAt"])


@pytest.mark.parametrize("operation", sorted({*model.operation_names()} - NOT_INVENTED))
def test_required_members_are_made_from_the_service_model(operation):
    """Whatever an operation's result must have is there, and allowed, when nothing is known."""
    assert validation.check_response(result(operation, {}), operation) == []


def test_results_have_no_other_members_than_the_service_model():
    """What is known but not modelled is left out, inside of structures too."""
    known = {"farmId": model.make_id("FarmId", 1), "colour": "red"}
    assert "colour" not in item("ListFarms", "farms", known)
    credentials = {"accessKeyId": "a", "colour": "red"}
    made = result("AssumeQueueRoleForRead", {"credentials": credentials})["credentials"]
    assert made["accessKeyId"] == "a"
    assert set(made) == set(model.required("AwsCredentials"))
