"""Other operations than ``ListSessions``, answered with items that are made of a job's sessions."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._api.placeholders import fill
from pytest_deadline_sessions._api.validation import page_limit
from pytest_deadline_sessions._contract.target import Target
from pytest_deadline_sessions._domain.faults import not_found
from pytest_deadline_sessions._domain.layout import Cut
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._service import pagination
from pytest_deadline_sessions._service.state import JobIds, JobState

if TYPE_CHECKING:
    from botocore.model import Shape, StructureShape

    from pytest_deadline_sessions._fake import FakeDeadline
    from pytest_deadline_sessions._service.jobs import Job
    from pytest_deadline_sessions._service.service import Service

_PAGING = ("nextToken", "maxResults")
# These items are the fake's own sessions and jobs.
_REAL = ("sessionId", "jobId")


def ids_of(target: Target, job: Mapping[str, str], number: int) -> dict[str, str]:
    """The ids to call a collector with, so that it lists what is made of a job's sessions.

    Args:
        target: The operation.
        job: The ids of the job, which count as far as the operation has such ids.
        number: Makes the other ids.
    """
    members = model.input_shape(target.operation).members
    return {
        name: job[name] if name in job else model.make_id(members[name].name, number)
        for name in target.ids
    }


def items_of(target: Target, listing: Iterable[Any], known: Mapping[str, str]) -> list[Any]:
    """The items that are made of sessions.

    Args:
        target: The operation.
        listing: The summaries.
        known: The ids of the job and of the call.
    """
    if target.operation == model.OPERATION:
        return list(listing)
    shape, every = target.item, enumerate(listing)
    return [_record(target, shape, summary, place, known) for place, summary in every]


def most_statuses(target: Target) -> int:
    """How many items, made of sessions of one status, have each value of each enumeration."""
    return max(len(shape.metadata.get("enum", ())) for shape in target.item.members.values())


class Content:
    """Answers an operation during a check, with items that are made of the sessions of jobs.

    So its pages, its tokens and its items change as those of ``ListSessions`` do. The id of an item
    has the digits of the session's id. Members that a session has too are the session's. A status
    depends on that of the session and on the place of the item.

    Args:
        fake: Answers the operation from now on, until its next reset.
        target: The operation.
    """

    def __init__(self, fake: FakeDeadline, target: Target) -> None:
        self._target = target
        self._jobs: dict[tuple[str, ...], dict[str, str]] = {}
        fake.operation(target.operation)(self._page)
        if target.getter in model.operation_names() and target.key not in _REAL:
            self._original = fake._service.operations.get(target.getter)  # noqa: SLF001
            fake.operation(target.getter)(self._one)

    def add(self, job: Job, ids: Mapping[str, str]) -> None:
        """Answer calls with these ids by items that are made of a job's sessions."""
        self._jobs[tuple(ids.values())] = {**ids, **job}

    def _known(self, params: Mapping[str, Any]) -> dict[str, str]:
        """The ids of the job that a call is about, and of the call.

        Raises:
            FaultError: There is no such job: ``ResourceNotFoundException``.
        """
        given = [params.get(name) for name in self._target.ids]
        for ids, known in self._jobs.items():
            # An operation that gets one item may need fewer ids.
            if all(one in {None, other} for one, other in zip(given, ids, strict=True)):
                return known
        name = self._target.ids[-1]
        raise not_found(name.removesuffix("Id"), str(params.get(name)))

    def _page(self, service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
        target, known = self._target, self._known(params)
        job = service.job(known)
        scope = (target.operation, *known.values())
        begin = pagination.begin(service, scope, params)
        own = {*_PAGING, *target.ids}
        wanted = [(name, value) for name, value in params.items() if name not in own]
        if wanted:
            passing = _from(target, job, known, begin.offset, wanted)
            items, following = pagination.cut(service, params, passing)
        else:
            limit, size = page_limit(params), service.behavior.page_size
            start, stop, following = job.cut(begin, limit, size)
            placed = itertools.islice(_from(target, job, known, start), stop - start)
            items = [item for _, item in placed]
        if target.key == "jobId":
            _add_jobs(service, known, items)
        return pagination.finish(service, scope, params, {target.result_key: items}, following)

    def _one(self, service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
        target, known = self._target, self._known(params)
        job, item_id = service.job(known), params[target.key]
        place = job.position(target.session_id_of(item_id))
        if place is not None:
            shape = model.output_shape(target.getter)
            return _record(target, shape, job.summary(place), place, known)
        if self._original is not None:
            return self._original(service, params)  # type: ignore[return-value]
        raise not_found(target.key.removesuffix("Id"), item_id)


def _from(
    target: Target,
    job: JobState,
    known: Mapping[str, str],
    start: int,
    wanted: Collection[tuple[str, Any]] = (),
) -> Iterator[tuple[Cut, dict[str, Any]]]:
    """Yield the items from one place on that pass a filter, each with its place.

    A filter counts if the item has its member, or the session that the item is made of.
    """
    shape = target.item
    for place, summary in enumerate(job.between(start, len(job)), start):
        item = _record(target, shape, summary, place, known)
        values: dict[str, Any] = {**summary, **item}
        if all(values.get(name, value) == value for name, value in wanted):
            yield Cut(0, place), item


def _add_jobs(
    service: Service, known: Mapping[str, str], items: Iterable[Mapping[str, Any]]
) -> None:
    """Make the listed jobs exist, for collectors that ask for more about each."""
    for item in items:
        ids = JobIds(known["farmId"], known["queueId"], item["jobId"])
        empty = JobState(ids, Listing(page_sizes=(0,)), service.clock.now())
        service.state.jobs.setdefault(ids, empty)


def _record(
    target: Target,
    shape: StructureShape,
    summary: Mapping[str, Any],
    place: int,
    known: Mapping[str, str],
) -> dict[str, Any]:
    """A structure that is made of a session.

    Args:
        target: The operation.
        shape: The shape of the structure.
        summary: The session.
        place: Its place in the listing.
        known: The ids of the job and of the call.
    """
    own, values = model.members("SessionSummary"), {**known, **summary}
    values[target.key] = target.id_of(summary["sessionId"])
    record = {}
    for name, member in shape.members.items():
        if name in values and (name not in own or own[name].name == member.name):
            record[name] = values[name]
        elif name not in own or name in shape.required_members:
            record.update(_made(name, member, shape, summary, place))
    return fill(shape, record)


def _made(
    name: str, member: Shape, shape: StructureShape, summary: Mapping[str, Any], place: int
) -> dict[str, Any]:
    """A value for a member that sessions do not have: for each enumeration, and required times."""
    every = member.metadata.get("enum")
    if every:
        status = model.enum("SessionLifecycleStatus").index(summary["lifecycleStatus"])
        # Items made of STARTED sessions differ in their ids alone.
        return {name: every[status * (place + 1) % len(every)]}
    if member.type_name == "timestamp" and name in shape.required_members:
        return {name: summary["startedAt"]}
    return {}
