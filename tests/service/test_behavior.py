from __future__ import annotations

import dataclasses
import datetime
import itertools
from typing import get_args

import pytest

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.token_shapes import TokenShape
from pytest_deadline_sessions._domain.tokens import TokenPolicy
from pytest_deadline_sessions._service import pagination
from pytest_deadline_sessions._service.behavior import Behavior

MEMBERS = [member.name for member in dataclasses.fields(Behavior)]
SWITCHES = [name for name in MEMBERS if isinstance(getattr(Behavior(), name), bool)]
REASONS = "UNKNOWN_OPERATION, CANNOT_PARSE, FIELD_VALIDATION_FAILED, OTHER"
DAY = datetime.timedelta(hours=24)
NONE = datetime.timedelta(0)

# Every member with values that it takes, the default first.
ALLOWED = {
    "page_size": [100, 1, 99],
    "order": ["startedAt", "given"],
    "token_lifetime": [DAY, NONE, datetime.timedelta(microseconds=1), 1000 * DAY],
    "token_shape": list(get_args(TokenShape)),
    "token_length": [80, 48, 4096],
    "expired_token_reason": ["OTHER", "CANNOT_PARSE"],
    "garbled_token_reason": ["FIELD_VALIDATION_FAILED", "OTHER", "UNKNOWN_OPERATION"],
    "retry_after_seconds": [None, 0, 1, 86400],
    "tokens_bound_to_arguments": [True, False],
    "unknown_job_is_not_found": [True, False],
    "update_of_ended_conflicts": [True, False],
    "update_of_asked_conflicts": [False, True],
    "spaces_around_tokens": [False, True],
    "tokens_shared_by_jobs": [False, True],
    "single_use_tokens": [False, True],
    "empty_token_is_start": [False, True],
    "null_final_token": [False, True],
    "empty_final_token": [False, True],
}
PAIRS = [(name, value) for name, values in ALLOWED.items() for value in values]


def test_every_member_is_tested_here():
    """ALLOWED lists every member of Behavior."""
    assert sorted(ALLOWED) == sorted(MEMBERS)


@pytest.mark.parametrize("name", MEMBERS)
def test_every_member_has_its_reason(name):
    """Each member has a reason of its own, in whole sentences."""
    reasons = Behavior.reasons()
    assert reasons[name][0].isupper()
    assert reasons[name].endswith(".")
    assert list(reasons.values()).count(reasons[name]) == 1
    assert list(reasons) == MEMBERS


@pytest.mark.parametrize("name", MEMBERS)
def test_defaults(name):
    """Each member has the default that ALLOWED lists first."""
    assert getattr(Behavior(), name) == ALLOWED[name][0]


@pytest.mark.parametrize(("name", "value"), PAIRS)
def test_allowed_values(name, value):
    """A member accepts each allowed value, limits included; the others keep their defaults."""
    behavior = Behavior(**{name: value})
    assert getattr(behavior, name) == value
    others = [other for other in MEMBERS if other != name]
    assert all(getattr(behavior, other) == getattr(Behavior(), other) for other in others)


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize("value", [0, 1, None, "yes"])
def test_switches_are_on_or_off(name, value):
    """A switch accepts only True and False, not other truthy or falsy values."""
    with pytest.raises(TypeError) as caught:
        Behavior(**{name: value})
    assert str(caught.value) == f"{name}={value!r} (expected True or False)"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("page_size", "100", "a whole number, 1..100"),
        ("page_size", 10.0, "a whole number, 1..100"),
        ("page_size", True, "a whole number, 1..100"),
        ("page_size", None, "a whole number, 1..100"),
        ("token_length", None, "a whole number, 48..4096"),
        ("token_length", "80", "a whole number, 48..4096"),
        ("retry_after_seconds", 1.5, "a whole number, 0 or more"),
        ("retry_after_seconds", False, "a whole number, 0 or more"),
        ("token_lifetime", 24, "a timedelta"),
        ("token_lifetime", None, "a timedelta"),
        ("order", None, "one of startedAt, given"),
        ("order", ["given"], "one of startedAt, given"),
        ("garbled_token_reason", None, f"one of {REASONS}"),
    ],
)
def test_values_of_the_wrong_type(name, value, expected):
    """The error names the member, the value and what is allowed."""
    with pytest.raises(TypeError) as caught:
        Behavior(**{name: value})
    assert str(caught.value) == f"{name}={value!r} (expected {expected})"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("page_size", 0, "1..100"),
        ("page_size", 101, "1..100"),
        ("token_length", 47, "48..4096"),
        ("token_length", 4097, "48..4096"),
        ("retry_after_seconds", -1, "0 or more"),
        ("token_lifetime", -datetime.timedelta(microseconds=1), "0 or more"),
        ("order", "startedat", "one of startedAt, given"),
        ("expired_token_reason", "EXPIRED", f"one of {REASONS}"),
    ],
)
def test_values_outside_what_is_allowed(name, value, expected):
    """The error names the member, the value and what is allowed."""
    with pytest.raises(ValueError, match=name) as caught:
        Behavior(**{name: value})
    assert str(caught.value) == f"{name}={value!r} (expected {expected})"


def test_token_reasons_are_those_of_the_model():
    """The reasons for refusing a token are those of the service model."""
    allowed = model.members("ValidationException")["reason"].metadata["enum"]
    for reason, name in itertools.product(
        allowed, ["expired_token_reason", "garbled_token_reason"]
    ):
        assert getattr(Behavior(**{name: reason}), name) == reason
    assert ", ".join(allowed) == REASONS


@pytest.mark.parametrize(
    ("behavior", "text"),
    [
        (Behavior(), "Behavior()"),
        (Behavior(page_size=100, order="startedAt"), "Behavior()"),
        (
            Behavior(token_lifetime=NONE, page_size=2),
            "Behavior(page_size=2, token_lifetime=datetime.timedelta(0))",
        ),
        (Behavior(retry_after_seconds=0), "Behavior(retry_after_seconds=0)"),
    ],
)
def test_representation(behavior, text):
    """The repr shows the members that differ from the defaults."""
    assert repr(behavior) == text


@pytest.mark.parametrize(("name", "value"), PAIRS)
def test_the_representation_can_be_evaluated(name, value):
    """Evaluating the repr gives an equal Behavior, with the same hash."""
    behavior = Behavior(**{name: value})
    assert eval(repr(behavior)) == behavior
    assert hash(eval(repr(behavior))) == hash(behavior)
    assert (behavior == Behavior()) == (value == ALLOWED[name][0])


def test_behavior_is_immutable():
    """A member cannot be set; ``dataclasses.replace`` makes a changed copy."""
    with pytest.raises(AttributeError, match="cannot assign to field 'page_size'"):
        Behavior().page_size = 2
    assert dataclasses.replace(Behavior(page_size=2), order="given") == Behavior(
        page_size=2, order="given"
    )


def test_a_replacement_is_checked_too():
    """``dataclasses.replace`` checks the new values."""
    with pytest.raises(ValueError, match=r"page_size=0 \(expected 1\.\.100\)"):
        dataclasses.replace(Behavior(), page_size=0)


def test_the_default_token_policy():
    """The default TokenPolicy of stubber and strategies is that of the default Behavior."""
    assert pagination.token_policy(Behavior()) == TokenPolicy()
