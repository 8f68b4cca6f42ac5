"""Types that Hypothesis can draw: those registered by the plugin, and boto3's on request."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from typing import TypedDict

import pytest
from drawn import find_one, smallest
from hypothesis import given, settings
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
    """Return the words that a fresh interpreter prints."""
    command = [sys.executable, "-c", source]
    env = {**os.environ, **environment}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    return done.stdout.split()


@given(st.from_type(SessionSummary))
def test_summaries(summary):
    """``st.from_type(SessionSummary)`` draws summaries that the service could send."""
    assert_session_summary(summary)


@pytest.mark.at_length
@given(...)
def test_annotations(summary: SessionSummary, others: list[SessionSummary]):
    """``@given(...)`` draws for the annotation ``SessionSummary``, also inside ``list``."""
    for drawn in (summary, *others):
        assert_session_summary(drawn)


@given(...)
def test_requests(request_: ListSessionsRequest):
    """``@given(...)`` draws requests that the service model allows."""
    assert validation.check_request(request_) == []


@pytest.mark.at_length
@given(...)
def test_responses(response: ListSessionsResponse):
    """``@given(...)`` draws responses that the service could send."""
    assert validation.check_response(response) == []
    for summary in response["sessions"]:
        assert_session_summary(summary)


@settings(max_examples=20)
@given(...)
def test_listings_and_faults(listing: Listing, fault: Fault):
    """``Listing`` and ``Fault`` are drawn by our strategies, not from their constructors."""
    assert sum(map(len, listing.pages())) == len(listing)
    assert fault.broken or fault.code in model.error_shapes()


@pytest.mark.at_length
@pytest.mark.parametrize(
    ("kind", "condition"),
    [
        (SessionSummary, lambda value: value["lifecycleStatus"] == "UPDATE_FAILED"),
        (ListSessionsRequest, lambda value: "nextToken" in value and "maxResults" in value),
        (ListSessionsResponse, lambda value: "nextToken" in value and len(value["sessions"]) > 1),
        (
            ListSessionsResponse,
            lambda value: "nextToken" not in value and len(value["sessions"]) > 1,
        ),
        (Listing, lambda value: len(value) > 500),
        (Fault, lambda value: value.broken),
    ],
)
def test_corners_are_reached(kind, condition):
    """A registered type draws from the whole strategy."""
    assert condition(smallest(st.from_type(kind), condition))


@pytest.mark.at_length
def test_hypothesis_alone_loads_nothing_heavy():
    """Importing Hypothesis loads neither botocore nor our strategies until a type is drawn."""
    heavy = """
        import sys
        import hypothesis
        from importlib.metadata import entry_points
        # Other plugins that Hypothesis loads, such as trio's, which imports pytest.
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
    """With ``HYPOTHESIS_NO_PLUGINS`` set, importing Hypothesis loads nothing of ours."""
    source = "import sys, hypothesis; print('pytest_deadline_sessions' in sys.modules)"
    assert python(source, HYPOTHESIS_NO_PLUGINS="1") == ["False"]


@pytest.mark.at_length
@pytest.mark.parametrize("first", ["hypothesis", "pytest_deadline_sessions.strategies"])
def test_the_order_of_imports_does_not_matter(first):
    """``from_type`` works whether Hypothesis or our strategies are imported first."""
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
    """Install a fake stub package with these type definitions, and return its module."""
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
    """Each boto3 type draws valid data, even if the stub package lacks the other types."""
    module = _stubs(monkeypatch, package, [name, "FarmSummaryTypeDef"])
    ds.register_boto3_types()
    examples = []

    @settings(max_examples=20, database=None)
    @given(st.from_type(getattr(module, name)))
    def draw(example):
        examples.append(example)

    draw()
    for example in examples:
        value = {key: item for key, item in example.items() if key != "ResponseMetadata"}
        if NAMES[name] == "SessionSummary":
            assert_session_summary(value)
        elif NAMES[name] == "ListSessionsResponse":
            assert validation.check_response(value) == []
            assert {*example["ResponseMetadata"]} == {
                *("RequestId", "HTTPStatusCode", "HTTPHeaders", "RetryAttempts")
            }
        else:
            assert validation.check_request(value) == []
    if "Paginate" in name:
        assert all({*example} == {"farmId", "queueId", "jobId"} for example in examples)


@pytest.mark.at_length
@pytest.mark.parametrize("package", STUBS)
def test_types_of_boto3_that_are_installed(package):
    """The types of the installed stub packages draw valid data."""
    definitions = pytest.importorskip(f"{package}.type_defs")
    ds.register_boto3_types()
    summaries = find_one(
        st.from_type(list[definitions.SessionSummaryTypeDef]), lambda summaries: len(summaries) > 1
    )
    for summary in summaries:
        assert_session_summary(summary)
    page = find_one(st.from_type(definitions.ListSessionsResponseTypeDef), lambda _: True)
    assert {*page} == {*definitions.ListSessionsResponseTypeDef.__annotations__} - {"nextToken"}


def test_no_types_of_boto3_installed(monkeypatch):
    """``register_boto3_types`` raises a clear error if no stub package is installed."""
    for package in STUBS:
        monkeypatch.setitem(sys.modules, package, None)
        monkeypatch.setitem(sys.modules, f"{package}.type_defs", None)
    with pytest.raises(ModuleNotFoundError) as error:
        ds.register_boto3_types()
    assert str(error.value) == (
        "no types to register "
        "(expected mypy_boto3_deadline or types_boto3_deadline to be installed)"
    )
