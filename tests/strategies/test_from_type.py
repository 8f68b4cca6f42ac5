"""Types that Hypothesis knows by itself, and those that it is told of on request."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from typing import TypedDict

import pytest
from drawn import smallest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from pytest_deadline_sessions import (
    Fault,
    Listing,
    ListSessionsRequest,
    ListSessionsResponse,
    SessionSummary,
    assert_session_summary,
)
from pytest_deadline_sessions import strategies as ds
from pytest_deadline_sessions._api import model, validation

STUBS = ["mypy_boto3_deadline", "types_boto3_deadline"]


def python(source, **environment):
    """What a fresh interpreter prints."""
    command = [sys.executable, "-c", source]
    env = {**os.environ, **environment}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    return done.stdout.split()


@given(st.from_type(SessionSummary))
def test_summaries(summary):
    """A summary is one that the service could send."""
    assert_session_summary(summary)


@given(...)
def test_annotations(summary: SessionSummary, others: list[SessionSummary]):
    """An annotation is enough, also inside another."""
    for one in (summary, *others):
        assert_session_summary(one)


@given(...)
def test_requests(request_: ListSessionsRequest):
    """A request is one that the service model allows."""
    assert validation.check_request(request_) == []


@pytest.mark.at_length
@given(...)
def test_responses(response: ListSessionsResponse):
    """A response is a page, of summaries that the service could send."""
    assert validation.check_response(response) == []
    for one in response["sessions"]:
        assert_session_summary(one)


@settings(max_examples=20)
@given(...)
def test_listings_and_faults(listing: Listing, fault: Fault):
    """Both are drawn as the strategies of their names do, not from their constructors."""
    assert sum(map(len, listing.pages())) == len(listing)
    assert fault.broken or fault.code in model.error_shapes()


@pytest.mark.at_length
@pytest.mark.parametrize(
    ("kind", "condition"),
    [
        (SessionSummary, lambda one: one["lifecycleStatus"] == "UPDATE_FAILED"),
        (ListSessionsRequest, lambda one: "nextToken" in one and "maxResults" in one),
        (ListSessionsResponse, lambda one: "nextToken" in one and len(one["sessions"]) > 1),
        (ListSessionsResponse, lambda one: "nextToken" not in one and len(one["sessions"]) > 1),
        (Listing, lambda one: len(one) > 500),
        (Fault, lambda one: one.broken),
    ],
)
def test_corners_are_reached(kind, condition):
    """What is registered is the whole strategy."""
    assert condition(smallest(st.from_type(kind), condition))


@pytest.mark.at_length
def test_hypothesis_alone_loads_nothing_heavy():
    """Importing Hypothesis costs neither botocore nor our strategies, until a type is asked for."""
    heavy = """
        import sys
        import hypothesis
        from importlib.metadata import entry_points
        # Those of other people's that Hypothesis loads, such as trio's, which loads pytest.
        others = [one for one in entry_points(group="hypothesis") if "deadline" not in one.name]
        [one.load()() for one in others]
        heavy = ["botocore", "boto3", "faker", "freezegun", "pytest", "http.client", "ssl"]
        print([name for name in heavy if name in sys.modules])
    """
    ours = """
        print("pytest_deadline_sessions._hypothesis_entry" in sys.modules)
        print("pytest_deadline_sessions.strategies" in sys.modules)
        from hypothesis import strategies as st
        from pytest_deadline_sessions import SessionSummary
        print("pytest_deadline_sessions.strategies" in sys.modules)
        st.from_type(SessionSummary).validate()
        print("pytest_deadline_sessions.strategies" in sys.modules)
    """
    without = python(_unindented(heavy), HYPOTHESIS_NO_PLUGINS="1")
    assert python(_unindented(heavy + ours)) == [*without, "True", "False", "False", "True"]


def _unindented(source):
    return "\n".join(line.strip() for line in source.splitlines())


def test_hypothesis_without_plugins():
    """Who switches Hypothesis's plugins off has nothing of ours loaded."""
    source = "import sys, hypothesis; print('pytest_deadline_sessions' in sys.modules)"
    assert python(source, HYPOTHESIS_NO_PLUGINS="1") == ["False"]


@pytest.mark.at_length
@pytest.mark.parametrize("first", ["hypothesis", "pytest_deadline_sessions.strategies"])
def test_whoever_is_imported_first(first):
    """The order of imports does not matter."""
    source = f"""
        import {first}
        from hypothesis import strategies as st
        from pytest_deadline_sessions import SessionSummary
        from hypothesis import find
        print(find(st.from_type(SessionSummary), lambda _: True)["sessionId"])
    """
    lines = "\n".join(line.strip() for line in source.splitlines())
    assert python(lines) == [model.make_id("SessionId", 0)]


def _stubs(monkeypatch, package, names):
    """The type definitions of a package that is not installed, as other packages would see it."""
    module = types.ModuleType(f"{package}.type_defs")
    for name in names:
        setattr(module, name, TypedDict(name, {"nothing": int}))
    for other in STUBS:
        monkeypatch.setitem(sys.modules, other, None)
        monkeypatch.setitem(sys.modules, f"{other}.type_defs", None)
    monkeypatch.setitem(sys.modules, package, types.ModuleType(package))
    monkeypatch.setitem(sys.modules, f"{package}.type_defs", module)
    return module


NAMES = {
    "SessionSummaryTypeDef": "SessionSummary",
    "ListSessionsRequestTypeDef": "ListSessionsRequest",
    "ListSessionsRequestRequestTypeDef": "ListSessionsRequest",
    "ListSessionsResponseTypeDef": "ListSessionsResponse",
    "ListSessionsRequestPaginateTypeDef": "ListSessionsRequest",
    "ListSessionsRequestListSessionsPaginateTypeDef": "ListSessionsRequest",
}


@pytest.mark.parametrize("package", STUBS)
@pytest.mark.parametrize("name", NAMES)
def test_types_of_boto3(monkeypatch, package, name):
    """Each type of either package gives what its name says, whatever else the package has."""
    module = _stubs(monkeypatch, package, [name, "FarmSummaryTypeDef"])
    ds.register_boto3_types()
    drawn = []

    @settings(max_examples=20, database=None)
    @given(st.from_type(getattr(module, name)))
    def draw(one):
        drawn.append(one)

    draw()
    for one in drawn:
        value = {key: of for key, of in one.items() if key != "ResponseMetadata"}
        if NAMES[name] == "SessionSummary":
            assert_session_summary(value)
        elif NAMES[name] == "ListSessionsResponse":
            assert validation.check_response(value) == []
            assert {*one["ResponseMetadata"]} == {
                *("RequestId", "HTTPStatusCode", "HTTPHeaders", "RetryAttempts")
            }
        else:
            assert validation.check_request(value) == []
    if "Paginate" in name:
        assert all({*one} == {"farmId", "queueId", "jobId"} for one in drawn)


def test_types_of_boto3_that_are_installed():
    """The package of today has the types, and Hypothesis gives valid data for them."""
    definitions = pytest.importorskip("mypy_boto3_deadline.type_defs")
    ds.register_boto3_types()
    drawn = find(st.from_type(list[definitions.SessionSummaryTypeDef]), lambda many: len(many) > 1)
    for one in drawn:
        assert_session_summary(one)
    page = find(st.from_type(definitions.ListSessionsResponseTypeDef), lambda _: True)
    assert {*page} == {*definitions.ListSessionsResponseTypeDef.__annotations__} - {"nextToken"}


def test_no_types_of_boto3(monkeypatch):
    """Who asks for types that are not installed is told."""
    for package in STUBS:
        monkeypatch.setitem(sys.modules, package, None)
        monkeypatch.setitem(sys.modules, f"{package}.type_defs", None)
    with pytest.raises(ModuleNotFoundError) as error:
        ds.register_boto3_types()
    assert str(error.value) == (
        "no types to register "
        "(expected mypy_boto3_deadline or types_boto3_deadline to be installed)"
    )
