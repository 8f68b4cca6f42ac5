"""Public functions refuse what they cannot use: at once, naming the argument, in a few words."""

from __future__ import annotations

import asyncio
import datetime
import inspect
import traceback
from pathlib import Path

import hypothesis
import pytest
import typing_extensions
from botocore.exceptions import ParamValidationError
from faker import Faker
from hypothesis import strategies as st

import pytest_deadline_sessions
from pytest_deadline_sessions import (
    Behavior,
    Clock,
    FakeDeadline,
    Fault,
    FaultError,
    Listing,
    ListSessionsStubber,
    Page,
    assert_complete_listing,
    assert_follows_tokens,
    assert_lifecycle,
    assert_session_summary,
    assert_transition,
    check_pagination,
    lifecycle,
)
from pytest_deadline_sessions import strategies as ds
from pytest_deadline_sessions.checking import Case, Lapse, Program
from pytest_deadline_sessions.provider import DeadlineProvider

NOON = datetime.datetime(2030, 1, 1, 12, tzinfo=datetime.timezone.utc)
PACKAGE = Path(inspect.getfile(lifecycle)).parent
LIST = Path(__file__).with_name("public_names.txt").read_text("utf-8").splitlines()
LONGEST = 600
ONE = hypothesis.settings(max_examples=1, database=None, phases=[hypothesis.Phase.generate])

(SUMMARY,) = Listing(page_sizes=(1,))
ENDED = lifecycle.advance(SUMMARY, "ENDED", NOON)

# Hardly any argument takes one of these, and no message should repeat the last one.
VALUES = [object(), b"x", 2.5, float("nan"), float("inf"), -(10**30), ["x"], {"x": 1}, "x" * 5_000]


def _session():
    return FakeDeadline().add_job(sessions=1).sessions[0]


def _stubber():
    return ListSessionsStubber(FakeDeadline().client())


def _faker():
    faker = Faker()
    faker.add_provider(DeadlineProvider)
    return faker


async def _enter(manager):
    async with manager:
        pass


def _call(function, arguments):
    """Call a function; if it returns a context manager, enter and leave it."""
    result = function(**arguments)
    if hasattr(result, "__aenter__"):
        asyncio.run(_enter(result))
    elif hasattr(result, "__enter__"):
        with result:
            pass
    elif isinstance(result, st.SearchStrategy):
        # Some options are looked at when a value is drawn.
        result.validate()
        hypothesis.find(result, lambda _: True, settings=ONE)


# For each public function with arguments: how to get it, and the arguments that it needs.
FUNCTIONS = {
    "Behavior": (lambda: Behavior, {}),
    "Clock.advance": (lambda: Clock().advance, {}),
    "Clock.freeze": (lambda: Clock().freeze, {}),
    "FakeDeadline": (lambda: FakeDeadline, {}),
    "FakeDeadline.add_job": (lambda: FakeDeadline().add_job, {}),
    "FakeDeadline.async_client": (lambda: FakeDeadline().async_client, {}),
    "FakeDeadline.attach": (lambda: FakeDeadline().attach, {"client": FakeDeadline().client()}),
    "FakeDeadline.client": (lambda: FakeDeadline().client, {}),
    "FakeDeadline.describe": (lambda: FakeDeadline().describe, {"identifier": "farm-" + "0" * 32}),
    "FakeDeadline.fail_next": (lambda: FakeDeadline().fail_next, {"fault": "ThrottlingException"}),
    "FakeDeadline.on_call": (lambda: FakeDeadline().on_call, {"listener": print}),
    "FakeDeadline.operation": (lambda: FakeDeadline().operation, {"name": "GetJob"}),
    "FakeDeadline.pause": (lambda: FakeDeadline().pause, {"why": "lunch"}),
    "FakeDeadline.reset": (lambda: FakeDeadline().reset, {}),
    "FakeDeadline.serve": (lambda: FakeDeadline().serve, {}),
    "Fault": (lambda: Fault, {"code": "ThrottlingException"}),
    "FaultError": (lambda: FaultError, {"fault": Fault("ThrottlingException")}),
    "Job.session": (lambda: FakeDeadline().add_job().session, {"session_id": "session-1"}),
    "ListSessionsStubber": (lambda: ListSessionsStubber, {"client": FakeDeadline().client()}),
    "ListSessionsStubber.add_client_error": (
        lambda: _stubber().add_client_error,
        {"method": "list_sessions"},
    ),
    "ListSessionsStubber.add_expired_token": (
        lambda: _stubber().add_expired_token,
        {"nextToken": "t"},
    ),
    "ListSessionsStubber.add_fault": (
        lambda: _stubber().add_fault,
        {"fault": "ThrottlingException"},
    ),
    "ListSessionsStubber.add_listing": (
        lambda: _stubber().add_listing,
        {"listing": Listing(page_sizes=(1,))},
    ),
    "ListSessionsStubber.add_pages": (lambda: _stubber().add_pages, {"pages": [[SUMMARY]]}),
    "ListSessionsStubber.add_response": (
        lambda: _stubber().add_response,
        {"method": "list_sessions", "service_response": {"sessions": []}},
    ),
    "Listing": (lambda: Listing, {}),
    "Listing.of": (lambda: Listing.of, {"summaries": [SUMMARY]}),
    "Listing.pages": (lambda: Listing(page_sizes=(1,)).pages, {}),
    "Page": (lambda: Page, {}),
    "Session.request_end": (lambda: _session().request_end, {}),
    "assert_complete_listing": (
        lambda: assert_complete_listing,
        {"got": [SUMMARY], "listing": Listing(page_sizes=(1,))},
    ),
    "assert_follows_tokens": (lambda: assert_follows_tokens, {"calls": FakeDeadline().calls}),
    "assert_lifecycle": (lambda: assert_lifecycle, {"snapshots": [SUMMARY, ENDED]}),
    "assert_session_summary": (lambda: assert_session_summary, {"summary": SUMMARY}),
    "assert_transition": (lambda: assert_transition, {"before": SUMMARY, "after": ENDED}),
    "check_pagination": (lambda: check_pagination, {"collect": lambda _client, **_job: []}),
    "checking.Case": (lambda: Case, {}),
    "checking.Lapse": (lambda: Lapse, {"fault": "ThrottlingException"}),
    "checking.Program": (lambda: Program, {"command": ["true"]}),
    "lifecycle.advance": (
        lambda: lifecycle.advance,
        {"summary": SUMMARY, "status": "ENDED", "at": NOON},
    ),
    "lifecycle.reachable": (lambda: lifecycle.reachable, {"status": "ENDED"}),
    "lifecycle.violations": (lambda: lifecycle.violations, {"summary": SUMMARY}),
    "provider.DeadlineProvider.session_history": (lambda: _faker().session_history, {}),
    "provider.DeadlineProvider.session_summary": (lambda: _faker().session_summary, {}),
    "provider.DeadlineProvider.sessions": (lambda: _faker().sessions, {}),
    "strategies.faults": (lambda: ds.faults, {}),
    "strategies.job_contents": (lambda: ds.job_contents, {}),
    "strategies.list_sessions_requests": (lambda: ds.list_sessions_requests, {}),
    "strategies.list_sessions_responses": (lambda: ds.list_sessions_responses, {}),
    "strategies.listings": (lambda: ds.listings, {}),
    "strategies.session_histories": (lambda: ds.session_histories, {}),
    "strategies.session_lists": (lambda: ds.session_lists, {}),
    "strategies.session_summaries": (lambda: ds.session_summaries, {}),
}

# The package or pytest makes and calls these, or they take anything.
LEFT_OUT = {
    *(
        "Call",
        "Checked",
        "checking.Checked",
        "Endpoint.environment",
        "Job",
        "PaginationViolation",
        "Session",
    ),
    *("FakeDeadline.endpoint_environment", "assert_token_expired", "checking.PaginationViolation"),
    *("Listing.between", "Listing.cut", "Listing.cuts", "Listing.overlap", "Listing.position"),
    *("lifecycle.Broken", "lifecycle.Rule", "provider.DeadlineProvider", "provider.Provider"),
}
LEFT_OUT_WHOLE = ("Service", "Transcript", "plugin", "strategies.SessionsMachine")

# What the message has instead of the name of the argument.
CALLED = {
    ("FakeDeadline.add_job", "details"): "x=1",
    ("FakeDeadline.operation", "name"): "operation",
    ("Listing.of", "summaries"): "sessions",
    ("lifecycle.advance", "status"): "cannot become",
}

ARGUMENTS = [
    pytest.param(name, parameter.name, id=f"{name}-{parameter.name}")
    for name, (function, _) in FUNCTIONS.items()
    for parameter in inspect.signature(function()).parameters.values()
    if parameter.kind is not parameter.VAR_KEYWORD
]


def _refusal(name, argument, value):
    """Return the error for a value in place of an argument; ``None`` if it is taken."""
    function, arguments = FUNCTIONS[name]
    try:
        _call(function(), {**arguments, argument: value})
    except (AssertionError, ParamValidationError):
        # It was taken, and then something is wrong with it: a listing, say, is not complete.
        return None
    except (TypeError, ValueError) as error:
        return error
    else:
        return None


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_a_bad_argument_is_refused(name, argument):
    """A value is taken or refused: by this package, naming the argument, in a few words."""
    for value in VALUES:
        error = _refusal(name, argument, value)
        if error is not None:
            message = str(error)
            assert argument in message or CALLED[name, argument] in message
            assert len(message) <= LONGEST
            assert traceback.extract_tb(error.__traceback__)[-1].filename.startswith(str(PACKAGE))


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_no_argument_takes_everything(name, argument):
    """An object of an unknown class is refused, except by the function that judges anything."""
    assert _refusal(name, argument, object()) or name == "lifecycle.violations"


def test_every_function_is_tried():
    """Every public function, method and class with named arguments is in the table."""
    names = [line.removeprefix(f"{PACKAGE.name}.") for line in LIST if line.startswith("pytest")]
    callables = {name for name in names if _has_arguments(_public(name))}
    theirs = {name for name in callables if name.startswith(LEFT_OUT_WHOLE)}
    assert callables - theirs - LEFT_OUT == {*FUNCTIONS, "checking.check_pagination"}


def _public(name):
    value = pytest_deadline_sessions
    for part in name.split("."):
        value = getattr(value, part, None)
    return value


def _has_arguments(value):
    # The types of requests and responses are classes for type checkers.
    if not callable(value) or typing_extensions.is_typeddict(value):
        return False
    try:
        parameters = inspect.signature(value).parameters.values()
    except ValueError:
        return False
    named = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
    return any(each.kind in named and each.name != "self" for each in parameters)
