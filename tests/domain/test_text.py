"""Functions that shorten, count and show texts."""

from __future__ import annotations

import dataclasses
import datetime

import pytest

from pytest_deadline_sessions._text import abbreviate, concise, first_of, plural, shorten

TOKEN = "0123456789abcdef"


@dataclasses.dataclass(repr=False)
class Room:
    """A dataclass with one field of every kind."""

    name: str
    floor: int = 0
    opened: datetime.timedelta = datetime.timedelta(0)
    within: Room | None = None
    tags: list[str] = dataclasses.field(default_factory=list)
    size: int = dataclasses.field(init=False, default=3)

    def __repr__(self) -> str:
        return concise(self)


class Cellar(Room):
    """A subclass without a dataclass decorator of its own."""


@pytest.mark.parametrize(
    ("room", "text"),
    [
        (Room("hall"), "Room(name='hall', tags=[])"),
        (Room("hall", 0), "Room(name='hall', tags=[])"),
        (Room("hall", -1), "Room(name='hall', floor=-1, tags=[])"),
        (
            Room("hall", opened=datetime.timedelta(1)),
            "Room(name='hall', opened=datetime.timedelta(days=1), tags=[])",
        ),
        (
            Room("box", within=Room("hall"), tags=["dark"]),
            "Room(name='box', within=Room(name='hall', tags=[]), tags=['dark'])",
        ),
        (Cellar("cellar", 0), "Cellar(name='cellar', tags=[])"),
    ],
)
def test_concise(room, text):
    """``concise`` shows the call that makes an equal instance, without defaults.

    A field with a default factory is always shown.
    """
    assert concise(room) == text
    assert eval(text) == room


@pytest.mark.parametrize(
    ("positional", "text"),
    [
        (0, "Room(name='hall', floor=1, tags=[])"),
        (1, "Room('hall', floor=1, tags=[])"),
        (2, "Room('hall', 1, tags=[])"),
        (3, "Room('hall', 1, datetime.timedelta(0), tags=[])"),
    ],
)
def test_concise_with_positional_fields(positional, text):
    """Positional fields are shown without their names, and even if they have their defaults."""
    room = Room("hall", 1)
    assert concise(room, positional) == text
    assert eval(text) == room


@pytest.mark.parametrize(
    ("text", "shown"), [("", ""), ("abcd", "abcd"), ("abcde", "abc…"), ("a" * 100, "aaa…")]
)
def test_shorten(text, shown):
    """A text longer than the width is cut, and ends in an ellipsis within that width."""
    assert shorten(text, 4) == shown


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        ("", "''"),
        ("012345678901", "'012345678901'"),
        ("0123456789012", "'012345678901'…(13)"),
        ("it's", '"it\'s"'),
    ],
)
def test_abbreviate(token, shown):
    """A token of up to 12 characters is shown whole, a longer one by its start and its length."""
    assert abbreviate(token) == shown


def test_abbreviate_to_a_width():
    """``abbreviate`` shows as many characters as requested."""
    assert abbreviate(TOKEN, 15) == "'0123456789abcde'…(16)"
    assert abbreviate(TOKEN, 16) == f"'{TOKEN}'"


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, []), (2, ["0", "1"]), (3, ["0", "1", "… and 1 more"]), (9, ["0", "1", "… and 7 more"])],
)
def test_first_of(count, shown):
    """``first_of`` shows the first items and the number of the others."""
    assert first_of(map(str, range(count)), 2) == shown


@pytest.mark.parametrize(("count", "shown"), [(0, "0 pages"), (1, "1 page"), (2, "2 pages")])
def test_plural(count, shown):
    """``plural`` uses the singular for exactly one."""
    assert plural(count, "page") == shown
