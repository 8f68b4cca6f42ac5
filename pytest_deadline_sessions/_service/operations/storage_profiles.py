"""The operations on storage profiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api.placeholders import result
from pytest_deadline_sessions._domain.faults import not_found
from pytest_deadline_sessions._service.operations.queues import queue
from pytest_deadline_sessions._service.registry import operation

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.service import Service


@operation("GetStorageProfileForQueue")
def get_storage_profile_for_queue(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """One storage profile; only profiles that were described exist."""
    queue(service, params)
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
