"""The operations on farms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api.placeholders import ACCOUNT, Record, result
from pytest_deadline_sessions._domain.faults import not_found
from pytest_deadline_sessions._service.operations.creation import created
from pytest_deadline_sessions._service.registry import operation

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.service import Service


@operation("GetFarm")
def get_farm(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """One farm."""
    return result("GetFarm", farm(service, params))


def farm(service: Service, params: Mapping[str, Any]) -> Record:
    """The farm that the parameters name, which must have a job or have been described.

    Raises:
        FaultError: There is no such farm: ``ResourceNotFoundException``.
    """
    farm_id = params["farmId"]
    described = service.state.described
    if farm_id not in described and all(ids.farmId != farm_id for ids in service.state.jobs):
        raise not_found("farm", farm_id)
    return {
        "farmId": farm_id,
        "displayName": "Farm",
        "kmsKeyArn": f"arn:aws:kms:us-west-2:{ACCOUNT}:key/farm",
        "costScaleFactor": 1.0,
        **created(service.state.jobs.values()),
        **described.get(farm_id, {}),
    }
