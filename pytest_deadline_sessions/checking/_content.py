"""Other operations than ``ListSessions``, answered with items that are made of a job's sessions."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._api.placeholders import example, fill
from pytest_deadline_sessions._api.validation import page_limit
from pytest_deadline_sessions._contract.target import Target
from pytest_deadline_sessions._domain.faults import Fault, FaultError, not_found
from pytest_deadline_sessions._domain.layout import Layout
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._service import pagination
from pytest_deadline_sessions._service.operations.batching import batch
from pytest_deadline_sessions._service.state import JobIds, JobState

if TYPE_CHECKING:
    from botocore.model import Shape, StructureShape

    from pytest_deadline_sessions._fake import FakeDeadline
    from pytest_deadline_sessions._service.jobs import Job
    from pytest_deadline_sessions._service.service import Operation, Service

_PAGING = ("nextToken", "maxResults")


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


def items_of(
    target: Target, listing: Iterable[Any], known: Mapping[str, str], start: int = 0
) -> list[Any]:
    """The items that are made of sessions.

    Args:
        target: The operation.
        listing: The summaries.
        known: The ids of the job and of the call.
        start: The place of the first of these sessions.
    """
    if target.operation == model.OPERATION:
        return list(listing)
    shape, every = target.item, enumerate(listing, start)
    return [_record(target, shape, summary, place, known) for place, summary in every]


def varied(target: Target) -> list[str]:
    """The members of an item that are enumerations, other than those that sessions have."""
    own = model.members("SessionSummary")
    return [
        name
        for name, shape in target.item.members.items()
        if shape.metadata.get("enum") and (name not in own or own[name].name != shape.name)
    ]


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
        # Listed sessions are the fake's own.
        for name in target.getters if target.key != "sessionId" else ():
            original = fake._service.operations.get(name)  # noqa: SLF001 (it is replaced here)
            fake.operation(name)(functools.partial(self._one, name, original))
        for name in target.batch_getters if target.key != "sessionId" else ():
            fake.operation(name)(functools.partial(self._several, name))

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
        limit, size = page_limit(params), service.behavior.page_size
        if wanted:
            passing = _passing(target, job, known, wanted)
            start, stop, following = _cuts(job, len(passing)).cut(begin, limit, size, len(passing))
            items = passing[start:stop]
        else:
            start, stop, following = job.cut(begin, limit, size)
            items = items_of(target, job.between(start, stop), known, start)
        if target.key == "jobId":
            _add_jobs(service, known, items)
        return pagination.finish(service, scope, params, {target.result_key: items}, following)

    def _one(
        self, name: str, original: Operation | None, service: Service, params: Mapping[str, Any]
    ) -> Mapping[str, Any] | Fault:
        try:
            return self._record(service, params, model.output_shape(name))
        except FaultError:
            if original is None:
                raise
        return original(service, params)

    def _several(self, name: str, service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
        member = self._target.result_key
        shape = model.item_shape(name, member)

        def get(service: Service, ids: Mapping[str, Any]) -> dict[str, Any]:
            return self._record(service, ids, shape)

        return batch(service, params, name, member, get)

    def _record(
        self, service: Service, ids: Mapping[str, Any], shape: StructureShape
    ) -> dict[str, Any]:
        """Make a structure of the session whose digits an item's id has.

        Raises:
            FaultError: There is no such item: ``ResourceNotFoundException``.
        """
        target, known = self._target, self._known(ids)
        job, item_id = service.job(known), ids[target.key]
        place = job.position(target.session_id_of(item_id))
        if place is None:
            raise not_found(target.key.removesuffix("Id"), item_id)
        return _record(target, shape, job.summary(place), place, known)


def _passing(
    target: Target,
    job: JobState,
    known: Mapping[str, str],
    wanted: Iterable[tuple[str, Any]],
) -> list[dict[str, Any]]:
    """The items that pass a filter.

    A filter counts if the item has its member, or the session that the item is made of.
    """
    sessions = {name: value for name, value in wanted if name == "sessionId"}
    place = job.position(sessions["sessionId"]) if sessions else None
    places = range(len(job)) if place is None else range(place, place + 1)
    passing = []
    for place, summary in enumerate(job.between(places.start, places.stop), places.start):
        item = _record(target, target.item, summary, place, known)
        values: dict[str, Any] = {**summary, **item}
        if all(values.get(name, value) == value for name, value in wanted):
            passing.append(item)
    return passing


def _cuts(job: JobState, count: int) -> Layout:
    """Where fewer items are cut: as the first ones are, with the empty pages that follow."""
    layout = job.layout or Layout(job.listing.page_sizes or ())
    sizes: list[int] = []
    for size in layout.sizes:
        if size and sum(sizes) >= count:
            break
        sizes.append(size)
    return Layout(tuple(sizes))


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
    if "startedAt" not in shape.required_members and _number(summary, place) % 2:
        # What has a status has not always started.
        record.pop("startedAt", None)
    return fill(shape, record)


def _made(
    name: str, member: Shape, shape: StructureShape, summary: Mapping[str, Any], place: int
) -> dict[str, Any]:
    """A value for a member that sessions do not have, if it varies from item to item.

    These are enumerations, unions and required times.
    """
    every = member.metadata.get("enum")
    if every:
        return {name: every[_number(summary, place) % len(every)]}
    if model.is_structure(member) and member.metadata.get("union"):
        kinds = list(member.members)
        kind = kinds[_number(summary, place) % len(kinds)]
        return {name: {kind: example(member.members[kind])}}
    if member.type_name == "timestamp" and name in shape.required_members:
        return {name: summary["startedAt"]}
    return {}


def _number(summary: Mapping[str, Any], place: int) -> int:
    """Which of several values an item has: the first one if its session has just started."""
    return model.enum("SessionLifecycleStatus").index(summary["lifecycleStatus"]) * (place + 1)
