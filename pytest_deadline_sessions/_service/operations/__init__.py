"""The operations, one file per resource."""

from pytest_deadline_sessions._api import model

# Importing a file of operations registers them.
from pytest_deadline_sessions._service.operations import (  # noqa: F401
    farms,
    job_search,
    jobs,
    queues,
    session_actions,
    sessions,
    steps,
    storage_profiles,
    tasks,
    workers,
)
from pytest_deadline_sessions._service.registry import OPERATIONS
from pytest_deadline_sessions._service.service import Operation


def offered() -> dict[str, Operation]:
    """The operations that the installed service model has; an older one has fewer."""
    known = model.operation_names()
    return {name: function for name, function in OPERATIONS.items() if name in known}
