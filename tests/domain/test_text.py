from __future__ import annotations

import dataclasses
import datetime

import pytest

from pytest_deadline_sessions._text import concise


@dataclasses.dataclass(repr=False)
class Room:
    """A dataclass with a field of every kind."""

    name: str
    floor: int = 0
    opened: datetime.timedelta = datetime.timedelta(0)
    within: Room | None = None
    tags: list[str] = dataclasses.field(default_factory=list)
    size: int = dataclasses.field(init=False, default=3)

    def __repr__(self) -> str:
        return concise(self)


class Cellar(Room):
    """A dataclass by inheritance alone."""


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
def test_what_differs_from_the_defaults_is_shown(room, text):
    """It is the call that makes an equal instance; what has no simple default is always there."""
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
def test_leading_fields_may_go_without_their_names(positional, text):
    """They are shown always, also at their defaults, so that each keeps its place."""
    room = Room("hall", 1)
    assert concise(room, positional) == text
    assert eval(text) == room
