"""Getting many resources in one call, with an error for each missing one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api.placeholders import Record, item
from pytest_deadline_sessions._domain.faults import FaultError

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.service import Service


def batch(
    service: Service,
    params: Mapping[str, Any],
    operation: str,
    member: str,
    get: Callable[[Service, Mapping[str, Any]], Record],
) -> Mapping[str, Any]:
    """The resources that exist, and an error for each of the others.

    Args:
        service: The service that has the resources.
        params: The parameters of the call, with a list of ``identifiers``.
        operation: The API name of the operation.
        member: The member of the result that lists the resources.
        get: Gets one resource by the ids that name it; raises ``FaultError`` if it is missing.
    """
    items, errors = [], []
    for ids in params["identifiers"]:
        try:
            items.append(item(operation, member, get(service, ids)))
        except FaultError as error:  # noqa: PERF203 (each by itself may be missing)
            fault = error.fault
            known = {**ids, "code": fault.code, "message": fault.message}
            errors.append(item(operation, "errors", known))
    return {member: items, "errors": errors}
