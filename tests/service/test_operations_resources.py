"""Farms, queues, jobs and storage profiles, and ``describe``."""

from __future__ import annotations

import datetime

import pytest

from pytest_deadline_sessions import Listing
from pytest_deadline_sessions._api import model, validation
from pytest_deadline_sessions._api.placeholders import item, result

PROFILE = model.make_id("StorageProfileId", 1)
HOUR = datetime.timedelta(hours=1)
KINDS = (
    "an id of one of these kinds: FarmId, QueueId, JobId, StepId, TaskId, SessionActionId, "
    "StorageProfileId"
)
TOLD = "GetStorageProfileForQueue: " + ", ".join(
    name
    for name in model.operation_model("GetStorageProfileForQueue").output_shape.members
    if name != "storageProfileId"
)
SYSTEMS = ", ".join(map(repr, model.enum("StorageProfileOperatingSystemFamily")))
# Results of these have required members with a pattern, which cannot be invented.
NOT_INVENTED = {"GetFarm", "GetFleet", "GetMonitor", "GetSessionAction", "GetTask"}
GETTERS = {
    "get_farm": "farmId",
    "get_queue": "queueId",
    "get_job": "jobId",
    "get_storage_profile_for_queue": "storageProfileId",
    "assume_queue_role_for_user": "queueId",
    "assume_queue_role_for_read": "queueId",
}


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
    """Each result fits the service model and has the ids of the request."""
    fake.describe(PROFILE)
    ids = {**fake.add_job(sessions=1), "storageProfileId": PROFILE}
    response = _get(client, method, ids)
    operation = client.meta.method_to_api_mapping[method]
    assert validation.check_response(response, operation) == []
    names = [name for name in ids if name in response]
    assert {name: response[name] for name in names} == {name: ids[name] for name in names}


@pytest.mark.parametrize("method", GETTERS)
def test_unknown_resources(fake, client, method):
    """The error for an unknown id has that id and the kind of resource."""
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
    """An added fault fails the next call of its operation; both attempts are recorded."""
    fake.describe(PROFILE)
    operation = client.meta.method_to_api_mapping[method]
    fake.fail_next("ThrottlingException", operation=operation)
    _get(client, method, {**fake.add_job(), "storageProfileId": PROFILE})
    assert [(call.operation, call.error) for call in fake.calls] == [
        (operation, "ThrottlingException"),
        (operation, None),
    ]


def test_a_queue_of_another_farm(fake, client):
    """A queue is not found in another farm, described or not."""
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
    """A described farm and queue exist without a job, created before the test."""
    ids = {"farmId": "farm-" + "a" * 32, "queueId": "queue-" + "a" * 32}
    fake.describe(ids["farmId"], description="Small")
    fake.describe(ids["queueId"])
    farm, queue = client.get_farm(farmId=ids["farmId"]), client.get_queue(**ids)
    assert farm["description"] == "Small"
    assert farm["createdAt"] == queue["createdAt"] < fake.clock.now()


def test_described_members(fake, client):
    """Described members are merged, and replace those of the service."""
    job = fake.add_job()
    fake.describe(job["jobId"], name="Shot 10", priority=7)
    fake.describe(job["jobId"], priority=8, description="Second try")
    details = client.get_job(**job)
    assert (details["name"], details["priority"], details["description"]) == (
        "Shot 10",
        8,
        "Second try",
    )
    other = client.get_job(**fake.add_job())
    assert other["name"] != "Shot 10"


def test_descriptions_are_forgotten_on_reset(fake, client):
    """``reset`` clears descriptions, and a snapshot restores them."""
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
            f"identifier='session-{'0' * 32}' (expected {KINDS})",
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
def test_invalid_descriptions(fake, identifier, members, refusal):
    """An invalid description raises an error and changes nothing."""
    with pytest.raises(ValueError, match=r"expected") as caught:
        fake.describe(identifier, **members)
    assert str(caught.value) == refusal
    assert fake._service.state.described == {}


@pytest.mark.parametrize(
    "members",
    [{"x" * 5000: 1}, {"fileSystemLocations": [3] * 5000}, {"displayName": "x" * 5000}],
)
def test_long_descriptions_are_shortened(fake, members):
    """The error stays short, whatever the names, values and number of wrong members."""
    with pytest.raises(ValueError, match="expected") as caught:
        fake.describe(PROFILE, **members)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("identifier", [7, None, [PROFILE]])
def test_only_ids_can_be_described(fake, identifier):
    """An id that is not a string is refused as a wrong type."""
    with pytest.raises(TypeError) as caught:
        fake.describe(identifier)
    assert str(caught.value) == f"identifier={identifier!r} (expected {KINDS})"


@pytest.mark.parametrize("method", ["assume_queue_role_for_user", "assume_queue_role_for_read"])
def test_credentials_of_a_queue_role(fake, client, method):
    """Queue credentials are valid for an hour of the fake's clock, and are not real keys."""
    job = fake.add_job()
    now = fake.clock.now()
    issued = [_get(client, method, job)["credentials"]]
    fake.clock.advance(hours=5)
    issued.append(_get(client, method, job)["credentials"])
    first, second = (credentials["expiration"] - now for credentials in issued)
    assert HOUR <= first < 2 * HOUR
    assert 6 * HOUR <= second < 7 * HOUR
    assert all("example" in credentials["secretAccessKey"] for credentials in issued)


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
    """The status and times of a job without steps follow from its sessions."""
    listing = Listing(runs=runs, order="newest-first")
    job = fake.add_job(list(listing) if given else listing)
    details = fake.client().get_job(**job)
    assert details["taskRunStatus"] == status
    assert set(details["taskRunStatusCounts"]) == set(model.enum("TaskRunStatus"))
    assert [name for name in ("startedAt", "endedAt") if name in details] == times
    for name, choose in zip(times, (min, max), strict=False):
        assert details[name] == choose(summary[name] for summary in listing)
    assert details["createdAt"] <= min(
        [fake.clock.now(), *(summary["startedAt"] for summary in listing)]
    )


def test_a_job_follows_later_sessions(fake, client):
    """A job's status and times follow sessions that start and end later."""
    job = fake.add_job()
    session = job.start_session()
    assert client.get_job(**job)["startedAt"] == session.summary["startedAt"]
    session.end()
    details = client.get_job(**job)
    assert (details["taskRunStatus"], details["endedAt"]) == (
        "SUCCEEDED",
        session.summary["endedAt"],
    )


@pytest.mark.parametrize("operation", sorted({*model.operation_names()} - NOT_INVENTED))
def test_required_members_are_made_from_the_service_model(operation):
    """Required members of every result are invented if unknown, and fit the model."""
    assert validation.check_response(result(operation, {}), operation) == []


def test_results_have_no_other_members_than_the_service_model():
    """Members that the service model lacks are left out of results, nested ones too."""
    known = {"farmId": model.make_id("FarmId", 1), "colour": "red"}
    assert "colour" not in item("ListFarms", "farms", known)
    credentials = {"accessKeyId": "a", "colour": "red"}
    made = result("AssumeQueueRoleForRead", {"credentials": credentials})["credentials"]
    assert made["accessKeyId"] == "a"
    assert set(made) == set(model.required("AwsCredentials"))
