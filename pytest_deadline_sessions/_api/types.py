"""The shapes of ``ListSessions`` as ``TypedDict`` types."""

import datetime
from typing import Literal

# Before Python 3.12, pydantic refuses the ``TypedDict`` of ``typing``.
from typing_extensions import TypedDict

from pytest_deadline_sessions._public import public

Status = Literal["STARTED", "UPDATE_IN_PROGRESS", "UPDATE_SUCCEEDED", "UPDATE_FAILED", "ENDED"]


class _SessionSummaryRequired(TypedDict):
    sessionId: str
    fleetId: str
    workerId: str
    startedAt: datetime.datetime
    lifecycleStatus: Status


@public
class SessionSummary(_SessionSummaryRequired, total=False):
    """One session as ``ListSessions`` reports it; datetimes are timezone-aware.

    The members and their types match the shape ``SessionSummary`` of the service model.
    """

    endedAt: datetime.datetime
    targetLifecycleStatus: Literal["ENDED"]
    updatedAt: datetime.datetime
    updatedBy: str


class _ListSessionsRequestRequired(TypedDict):
    farmId: str
    queueId: str
    jobId: str


@public
class ListSessionsRequest(_ListSessionsRequestRequired, total=False):
    """The arguments of ``client.list_sessions``."""

    nextToken: str
    maxResults: int


class _ListSessionsResponseRequired(TypedDict):
    sessions: list[SessionSummary]


@public
class ListSessionsResponse(_ListSessionsResponseRequired, total=False):
    """One page: the summaries, and a token unless it is the last page."""

    nextToken: str
