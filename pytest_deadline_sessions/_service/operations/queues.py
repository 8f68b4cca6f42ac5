"""The operations on queues."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api.placeholders import Record, result
from pytest_deadline_sessions._domain.faults import not_found
from pytest_deadline_sessions._service.operations.creation import created
from pytest_deadline_sessions._service.operations.farms import farm
from pytest_deadline_sessions._service.registry import operation

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.service import Service

_ROLE_LIFETIME = datetime.timedelta(hours=1)


@operation("GetQueue")
def get_queue(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """One queue."""
    return result("GetQueue", queue(service, params))


@operation("AssumeQueueRoleForUser")
def assume_queue_role_for_user(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Credentials that give access to nothing."""
    queue(service, params)
    return result("AssumeQueueRoleForUser", {"credentials": _credentials(service)})


@operation("AssumeQueueRoleForRead")
def assume_queue_role_for_read(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Credentials that give access to nothing."""
    queue(service, params)
    return result("AssumeQueueRoleForRead", {"credentials": _credentials(service)})


def queue(service: Service, params: Mapping[str, Any], queue_id: str | None = None) -> Record:
    """The queue that the parameters name, which must have a job or have been described.

    Args:
        service: The service that has the queue.
        params: The parameters of the call.
        queue_id: The id of the queue, if the parameters name several.

    Raises:
        FaultError: There is no such queue, or no such farm: ``ResourceNotFoundException``.
    """
    farm(service, params)
    farm_id = params["farmId"]
    queue_id = queue_id or str(params["queueId"])
    described = service.state.described
    farms = {ids.farmId for ids in service.state.jobs if ids.queueId == queue_id}
    if farm_id not in farms and (farms or queue_id not in described):
        raise not_found("queue", queue_id)
    return {
        "farmId": farm_id,
        "queueId": queue_id,
        "displayName": "Queue",
        **created(service.state.jobs.values()),
        **described.get(queue_id, {}),
    }


def _credentials(service: Service) -> Record:
    return {
        "accessKeyId": "ASIAEXAMPLE",
        "secretAccessKey": "example-secret-of-the-queue-role",
        "sessionToken": "example-token-of-the-queue-role",
        "expiration": service.clock.now() + _ROLE_LIFETIME,
    }
