"""Searching jobs: filters, sort orders, and one page of the jobs that pass.

Filters and sort orders are barely documented. We assume:

- A job without the member or parameter that a filter names passes only "not equal" filters.
- Such a job comes last in any sort order.
- A search term is looked for in the job's name, ignoring case. For a fuzzy match the name must
  contain each word of the term.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._api.placeholders import item, result
from pytest_deadline_sessions._domain.faults import Fault, FaultError
from pytest_deadline_sessions._service.operations.jobs import job_record
from pytest_deadline_sessions._service.operations.queues import queue
from pytest_deadline_sessions._service.registry import operation
from pytest_deadline_sessions._text import plain, shown

if TYPE_CHECKING:
    from pytest_deadline_sessions._service.service import Service

_Job = Mapping[str, Any]
_Filter = Callable[[_Job, Mapping[str, Any]], bool]

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "GREATER_THAN_EQUAL_TO": operator.ge,
    "GREATER_THAN": operator.gt,
    "LESS_THAN_EQUAL_TO": operator.le,
    "LESS_THAN": operator.lt,
}
_ANY = ("EQUAL", "ANY_EQUALS")
_NONE = ("NOT_EQUAL", "ALL_NOT_EQUALS")


@operation("SearchJobs")
def search_jobs(service: Service, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """One page of the jobs in the given queues that pass the filters."""
    for queue_id in params["queueIds"]:
        queue(service, params, queue_id)
    group = params.get("filterExpressions")
    jobs = [job for job in _summaries(service, params) if group is None or _group(job, group)]
    for expression in reversed(params.get("sortExpressions", ())):
        jobs = _sorted(jobs, expression)
    start = params["itemOffset"]
    largest_page = model.input_shape("SearchJobs").members["pageSize"].metadata["max"]
    stop = start + params.get("pageSize", largest_page)
    most_results = model.output_shape("SearchJobs").members["totalResults"].metadata["max"]
    known = {"jobs": jobs[start:stop], "totalResults": min(len(jobs), most_results)}
    if stop < known["totalResults"]:
        known["nextItemOffset"] = stop
    return result("SearchJobs", known)


def _summaries(service: Service, params: Mapping[str, Any]) -> list[_Job]:
    summaries: list[_Job] = []
    for ids, state in service.state.jobs.items():
        if ids.farmId == params["farmId"] and ids.queueId in params["queueIds"]:
            job = job_record(service, state)
            known = {"jobParameters": job.get("parameters", {}), **job}
            summaries.append(item("SearchJobs", "jobs", known))
    return summaries


def _group(job: _Job, group: Mapping[str, Any]) -> bool:
    combine = {"AND": all, "OR": any}[group["operator"]]
    return combine([_passes(job, expression) for expression in group["filters"]])


def _passes(job: _Job, expression: Mapping[str, Any]) -> bool:
    ((name, condition),) = expression.items()
    return bool(_known(_FILTERS, "the filter", name)(job, condition))


def _known(table: Mapping[str, Any], what: str, name: str) -> Any:
    if name not in table:
        expected = f"one of {', '.join(table)}"
        msg = f"FakeDeadline cannot search jobs with {what} {plain(name)} (expected {expected})"
        raise NotImplementedError(msg)
    return table[name]


def _by_date(job: _Job, condition: Mapping[str, Any]) -> bool:
    return _compare(condition, _field(job, condition["name"], "timestamp"), [condition["dateTime"]])


def _by_string(job: _Job, condition: Mapping[str, Any]) -> bool:
    return _by_strings(job, {**condition, "values": [condition["value"]]})


def _by_strings(job: _Job, condition: Mapping[str, Any]) -> bool:
    value = _field(job, condition["name"], "string", "integer")
    return _compare(condition, value, [_alike(value, text) for text in condition["values"]])


def _by_parameter(job: _Job, condition: Mapping[str, Any]) -> bool:
    value = _parameter(job, condition["name"])
    return _compare(condition, value, [_alike(value, condition["value"])])


def _by_term(job: _Job, condition: Mapping[str, Any]) -> bool:
    term, text = condition["searchTerm"].casefold(), job["name"].casefold()
    parts = [term] if condition.get("matchType") == "CONTAINS" else term.split()
    return all(part in text for part in parts)


_FILTERS: dict[str, _Filter] = {
    "dateTimeFilter": _by_date,
    "groupFilter": _group,
    "parameterFilter": _by_parameter,
    "searchTermFilter": _by_term,
    "stringFilter": _by_string,
    "stringListFilter": _by_strings,
}


def _compare(condition: Mapping[str, Any], value: Any, values: Sequence[Any]) -> bool:
    name = condition["operator"]
    if name in _ANY or name in _NONE:
        return (value in values) is (name in _ANY)
    if len(values) != 1:
        _known(dict.fromkeys((*_ANY, *_NONE)), "the operator for several values", name)
    compare = _known(_ORDERS, "the operator", name)
    return value is not None and bool(compare(value, values[0]))


def _alike(value: Any, text: str) -> Any:
    """The text of a filter, converted to the type of the value it is compared with."""
    if value is None or isinstance(value, str):
        return text
    try:
        return float(text)
    except ValueError:
        wording = f"{shown(text)} (expected a number)"
        raise FaultError(
            Fault(
                "ValidationException",
                wording,
                reason="FIELD_VALIDATION_FAILED",
                fieldList=[{"name": "filterExpressions", "message": wording}],
            )
        ) from None


def _field(job: _Job, name: str, *types: str) -> Any:
    """The value of a member that a filter or sort order names in capitals."""
    members = {
        re.sub("(?=[A-Z])", "_", member).upper(): member
        for member, of_type in model.item_shape("SearchJobs", "jobs").members.items()
        if of_type.type_name in types
    }
    return job.get(_known(members, "the field", name))


def _parameter(job: _Job, name: str) -> Any:
    """The value of a parameter of a job; a number if its type is numeric."""
    for kind, text in job["jobParameters"].get(name, {}).items():
        return _known(_PARAMETERS, "a parameter of type", kind)(text)
    return None


_PARAMETERS: dict[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "string": str,
    "path": str,
    "bool": str,
    "rangeExpr": str,
}


def _sorted(jobs: list[_Job], expression: Mapping[str, Any]) -> list[_Job]:
    ((kind, order),) = expression.items()
    key = _known(_KEYS, "the sort expression", kind)
    keyed = [(key(job, order), job) for job in jobs]
    present = [pair for pair in keyed if pair[0] is not None]
    present.sort(key=_first, reverse=order.get("sortOrder") == "DESCENDING")
    return [job for _, job in present] + [job for value, job in keyed if value is None]


def _first(pair: tuple[Any, Any]) -> tuple[bool, Any]:
    return isinstance(pair[0], str), pair[0]


_KEYS: dict[str, Callable[[_Job, Mapping[str, Any]], Any]] = {
    "fieldSort": lambda job, order: _field(job, order["name"], "timestamp", "string", "integer"),
    "parameterSort": lambda job, order: _parameter(job, order["name"]),
    "userJobsFirst": lambda job, order: job.get("createdBy") != order["userIdentityId"],
}
