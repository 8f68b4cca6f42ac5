"""The operations on what jobs belong to, and on jobs themselves."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api.placeholders import result
from pytest_deadline_sessions._domain.faults import not_found
from pytest_deadline_sessions._service.operations import records
from pytest_deadline_sessions._service.registry import operation

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.service import Service

_ROLE_LIFETIME = datetime.timedelta(hours=1)


@operation("GetFarm")
def get_farm(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """One farm."""
    return result("GetFarm", records.farm(service, params))


@operation("GetQueue")
def get_queue(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """One queue."""
    return result("GetQueue", records.queue(service, params))


@operation("GetJob")
def get_job(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """One job."""
    return result("GetJob", records.job(service, service.job(params)))


@operation("GetStorageProfileForQueue")
def get_storage_profile_for_queue(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """A storage profile; there are those that were described."""
    records.queue(service, params)
    profile_id = params["storageProfileId"]
    described = service.state.described.get(profile_id)
    if described is None:
        raise not_found("storageProfile", profile_id)
    known = {
        "storageProfileId": profile_id,
        "displayName": "Storage profile",
        "fileSystemLocations": [],
        **described,
    }
    return result("GetStorageProfileForQueue", known)


@operation("AssumeQueueRoleForUser")
def assume_queue_role_for_user(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Credentials that open nothing."""
    records.queue(service, params)
    return result("AssumeQueueRoleForUser", {"credentials": _credentials(service)})


@operation("AssumeQueueRoleForRead")
def assume_queue_role_for_read(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Credentials that open nothing."""
    records.queue(service, params)
    return result("AssumeQueueRoleForRead", {"credentials": _credentials(service)})


def _credentials(service: Service) -> dict[str, Any]:
    return {
        "accessKeyId": "ASIAEXAMPLE",
        "secretAccessKey": "example-secret-of-the-queue-role",
        "sessionToken": "example-token-of-the-queue-role",
        "expiration": service.clock.now() + _ROLE_LIFETIME,
    }
