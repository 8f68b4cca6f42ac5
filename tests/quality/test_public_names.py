"""The public modules and names are exactly those listed in ``PUBLIC``."""

from __future__ import annotations

import importlib
import inspect
import os
import pickle
import pkgutil
import subprocess
import sys
import traceback
import typing

import pytest

import pytest_deadline_sessions
from pytest_deadline_sessions import (
    Behavior,
    Call,
    Clock,
    Fault,
    Listing,
    Page,
    PaginationViolation,
    checking,
)
from pytest_deadline_sessions import strategies as ds

ROOT = "pytest_deadline_sessions"

PUBLIC = {
    ROOT: """
        Behavior Call Clock Endpoint FakeDeadline Fault Job ListSessionsRequest
        ListSessionsResponse ListSessionsStubber Listing Page PaginationViolation Service Session
        SessionSummary Transcript assert_complete_listing assert_follows_tokens assert_lifecycle
        assert_session_summary assert_token_expired assert_transition check_pagination
    """,
    f"{ROOT}.checking": "Case Lapse PaginationViolation RULES VARIATIONS check_pagination",
    f"{ROOT}.lifecycle": """
        ASSUMPTION Broken CHRONOLOGY ENDED ENDED_AT ENDED_IS_FINAL MODEL NOT_ASKED REFERENCE RULES
        Rule SAME_SESSION SCHEMA STARTED TRANSITION TRANSITIONS UPDATES_GO_ON UPDATE_FAILED
        UPDATE_IN_PROGRESS UPDATE_MEMBERS UPDATE_SUCCEEDED advance reachable violations
    """,
    f"{ROOT}.plugin": """
        deadline_sessions deadline_sessions_client deadline_sessions_endpoint list_sessions_stubber
    """,
    f"{ROOT}.provider": "DeadlineProvider NOW Provider",
    f"{ROOT}.strategies": """
        SessionsMachine farm_ids faults fleet_ids invalid_session_summaries job_contents job_ids
        lifecycle_statuses list_sessions_requests list_sessions_responses listings queue_ids
        register_boto3_types session_histories session_ids session_lists session_summaries
        worker_ids
    """,
}
NAMES = {module: names.split() for module, names in PUBLIC.items()}
OBJECTS = [
    pytest.param(module, name, id=f"{module}.{name}")
    for module, names in NAMES.items()
    for name in names
]


def _is_private(module):
    return any(part.startswith("_") for part in module.split(".")[1:])


def _is_ours(function):
    return ROOT in function.__code__.co_filename


def test_every_other_module_is_private():
    """Every module that ``PUBLIC`` does not list has an underscore in its path."""
    walked = pkgutil.walk_packages(pytest_deadline_sessions.__path__, f"{ROOT}.")
    public = {info.name for info in walked if not _is_private(info.name)}
    assert {ROOT, *public} == NAMES.keys()


@pytest.mark.parametrize("module", NAMES)
def test_all_lists_the_public_names(module):
    """``__all__`` of a module has exactly the names in ``PUBLIC``, and each exists."""
    loaded = importlib.import_module(module)
    assert sorted(loaded.__all__) == sorted(NAMES[module])
    assert set(NAMES[module]) <= set(dir(loaded))


@pytest.mark.parametrize(("module", "name"), OBJECTS)
def test_public_objects_name_their_public_module(module, name):
    """``__module__`` of a public class or function is a public module that exports it."""
    value = getattr(importlib.import_module(module), name)
    if inspect.isclass(value) or inspect.isfunction(value):
        home = value.__module__
        assert value.__name__ in NAMES[home]
        assert getattr(importlib.import_module(home), value.__name__) is value
        methods = [method for method in vars(value).values() if inspect.isfunction(method)]
        assert {method.__module__ for method in methods if _is_ours(method)} <= {home}


@pytest.mark.parametrize("module", NAMES)
def test_unknown_names_are_refused(module):
    """An unknown name raises the usual ``AttributeError``."""
    with pytest.raises(AttributeError, match=f"module '{module}' has no attribute 'Lisitng'"):
        _ = importlib.import_module(module).Lisitng


@pytest.mark.parametrize("name", ["SessionSummary", "Listing", "Behavior", "Call", "Page"])
def test_annotations_can_be_looked_up(name):
    """``typing.get_type_hints`` resolves the annotations of a public type."""
    assert typing.get_type_hints(getattr(pytest_deadline_sessions, name))


@pytest.mark.parametrize(
    "value",
    [
        Behavior(page_size=3),
        Fault("ThrottlingException", retryAfterSeconds=3),
        Listing(page_sizes=(1, 0)),
        Page(()),
        Call("ListSessions", {"jobId": "job"}, Clock().now()),
        checking.Case(Listing()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_pickles_are_equal(value):
    """Pickling and unpickling gives an equal value."""
    assert pickle.loads(pickle.dumps(value)) == value


def test_pickles_load_in_a_fresh_process():
    """A process that has not imported the package can load a pickle."""
    program = (
        "import pickle, sys\n"
        "print(pickle.load(sys.stdin.buffer), 'pytest_deadline_sessions._domain' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(
        [sys.executable, "-c", program],
        input=pickle.dumps(Listing(page_sizes=(1, 0))),
        capture_output=True,
        check=True,
        env=environment,
    )
    assert run.stdout.decode().split() == ["Listing(page_sizes=(1,", "0))", "True"]


def test_tracebacks_show_the_public_name():
    """The last line of a traceback names the exception by its public module."""

    def collect_one_page(client, **job):
        return client.list_sessions(**job)["sessions"]

    with pytest.raises(PaginationViolation) as caught:
        checking.check_pagination(collect_one_page)
    last = traceback.format_exception_only(caught.type, caught.value)[0]
    assert last.startswith(f"{ROOT}.PaginationViolation: ")


def test_reprs_of_strategies_stay_short():
    """The repr of a strategy does not name its module."""
    assert "pytest_deadline_sessions." not in repr(ds.session_lists())
