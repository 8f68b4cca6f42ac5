"""The operations that every service has."""

from __future__ import annotations

from collections.abc import Callable

from pytest_deadline_sessions._service.service import Operation

OPERATIONS: dict[str, Operation] = {}
"""The operations by their API name."""


def operation(name: str) -> Callable[[Operation], Operation]:
    """Register a function, which takes the service and the parameters, as an operation."""

    def register(function: Operation) -> Operation:
        OPERATIONS[name] = function
        return function

    return register
