"""The in-memory Deadline Cloud: state, behaviour and operations."""

# Importing a room's operations registers them.
from pytest_deadline_sessions.service import (  # noqa: F401
    actions,
    batches,
    resources,
    search,
    sessions,
    workers,
)
from pytest_deadline_sessions.service.behavior import Behavior
from pytest_deadline_sessions.service.core import Answer, Operation, Service
from pytest_deadline_sessions.service.handles import Job, Session

__all__ = ["Answer", "Behavior", "Job", "Operation", "Service", "Session"]
