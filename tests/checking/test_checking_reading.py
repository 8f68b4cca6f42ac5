"""Results of every kind: where their session ids are, and what is said if they have none."""

from __future__ import annotations

import dataclasses
import operator
from typing import NamedTuple

import pydantic
import pytest
from collectors.judged import found, passes
from collectors.wrong import every, first_page, lists_in_a_list, nothing_is_returned

from pytest_deadline_sessions import Listing, PaginationViolation, check_pagination
from pytest_deadline_sessions.checking import VARIATIONS, Case, Lapse

ONE_PAGE = Listing(page_sizes=(1,))
TWO_PAGES = Listing(page_sizes=(1, 1))


@dataclasses.dataclass
class Row:
    """A session as a dataclass, with a name of its own for the id."""

    id: str


@dataclasses.dataclass
class Snake:
    """A session as a dataclass."""

    session_id: str


class Pair(NamedTuple):
    """A session as a namedtuple."""

    place: int
    sessionId: str  # noqa: N815 (the API's name)


class Model(pydantic.BaseModel):
    """A session as a model."""

    session_id: str = pydantic.Field(alias="sessionId")


class Sessions(pydantic.BaseModel):
    """Sessions in a model."""

    sessions: list[Model]


class Frame:
    """A table, as pandas has it: iterating it gives the names of its columns."""

    def __init__(self, rows):
        self.rows = rows
        self.columns = sorted({name for row in rows for name in row})

    def __iter__(self):
        return iter(self.columns)

    def __len__(self):
        return len(self.rows)

    def __contains__(self, name):
        return name in self.columns

    def to_dict(self, orient="dict"):
        """Return the rows."""
        assert orient == "records"
        return [dict(row) for row in self.rows]


def returning(make):
    """Return a collector that makes its result from the list of all summaries."""
    return lambda client, **job: make(every(client, **job))


def ids(sessions):
    """Return the ids of summaries."""
    return [session["sessionId"] for session in sessions]


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (ids, None),
        (lambda sessions: [Snake(each) for each in ids(sessions)], None),
        (lambda sessions: [Pair(*pair) for pair in enumerate(ids(sessions))], None),
        (lambda sessions: [Model(**session) for session in sessions], None),
        (lambda sessions: Sessions(sessions=sessions), None),
        (lambda sessions: {session["sessionId"]: session for session in sessions}, None),
        (lambda sessions: {"sessions": [Row(each) for each in ids(sessions)]}, "id"),
        (lambda sessions: [Row(each) for each in ids(sessions)], "id"),
        (lambda sessions: [{"id": each, "sessionId": 3} for each in ids(sessions)], "id"),
        (lambda sessions: [(3, each) for each in ids(sessions)], operator.itemgetter(1)),
        (lambda sessions: (Row(each) for each in ids(sessions)), lambda row: row.id),
        (lambda sessions: Frame([{"sessionId": each} for each in ids(sessions)]), None),
        (lambda sessions: Frame([{"id": each, "n": 1} for each in ids(sessions)]), "id"),
        (lambda sessions: "".join(f"* {each}: running\n" for each in ids(sessions)), None),
    ],
)
def test_where_ids_are(make, key):
    """The ids are found in items and results of many kinds, and where ``key=`` says."""
    passes(returning(make), Listing(page_sizes=(2, 0, 1)), key=key)
    finding = found(lambda client, **job: make(first_page(client, **job)), TWO_PAGES, key=key)
    assert "It returned 1 session for a listing of 2: 1 missing" in finding.what


@pytest.mark.parametrize(
    ("collect", "key", "lead", "what"),
    [
        (
            nothing_is_returned,
            None,
            "It returned None, in",
            "A function that prints its result can return the printed text in call=. If None is",
        ),
        (
            lists_in_a_list,
            None,
            "It returned [[{'",
            "text with session ids, or a dict with 'sessions'. Say where an item such as [{'",
        ),
        (
            returning(lambda sessions: [Row(each) for each in ids(sessions)]),
            None,
            "It returned [Row(id='session-",
            "has its session id, with key='id', or compare the whole result with expected=",
        ),
        (
            returning(lambda sessions: [{"n": 1, "of": each} for each in ids(sessions)]),
            None,
            "It returned [{'n': 1, 'of': 'session-",
            "has its session id, with key='of', or",
        ),
        (
            returning(lambda sessions: [(1, each) for each in ids(sessions)]),
            None,
            "It returned [(1, 'session-",
            "has its session id, with key=lambda item: …, or",
        ),
        (
            returning(lambda sessions: [Row(each) for each in ids(sessions)]),
            "name",
            "It returned [Row(id='session-",
            "key='name' finds no session id in the item Row(id='session-",
        ),
        (
            returning(lambda sessions: [Row(each) for each in ids(sessions)]),
            lambda _: None,
            "It returned [Row(id='session-",
            "key= finds no session id in the item Row(id='session-",
        ),
        (
            returning(lambda sessions: [*ids(sessions), 5]),
            None,
            "It returned ['session-",
            "Say where an item such as 5 has its session id, with key=lambda item: …, or",
        ),
        (returning(len), None, "It returned 1, in", "Expected summaries, session ids, text with"),
        (
            returning(lambda _: {"items": []}),
            None,
            "It returned {'items': []}, in",
            "such as call=lambda col",
        ),
        (
            returning(lambda _: "none"),
            None,
            "It returned 'none', in",
            "or compare it whole with expected=",
        ),
    ],
)
def test_results_without_ids(collect, key, lead, what):
    """A result without ids breaks *complete*; the report begins with it, and says what to do."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, examples=[ONE_PAGE], key=key, without=VARIATIONS)
    violation = caught.value
    assert violation.rule == "complete"
    assert str(violation).startswith(f"collector violates 'complete': {lead}")
    assert "in which no session ids were found.\n\n" in str(violation)
    assert what in violation.finding.what


def test_a_text_without_ids_for_an_empty_listing():
    """A text without ids is right for a listing without sessions."""
    passes(
        returning(lambda sessions: "\n".join(ids(sessions)) or "no sessions"),
        Listing(page_sizes=(0, 0)),
    )


def test_nothing_to_read_after_a_fault():
    """A result without ids that hides a fault is reported as hiding it."""

    def collect(client, **job):
        try:
            return every(client, **job)
        except Exception:  # noqa: BLE001 (the mistake)
            return None

    finding = found(collect, Case(ONE_PAGE, lapses=(Lapse("AccessDeniedException"),)))
    assert finding.rule == "surfaces-faults"
    assert finding.what.startswith("A call failed permanently, yet it returned normally. It retur")
    assert not finding.lead


def test_an_id_that_is_a_member_of_nothing():
    """An object whose members cannot be listed is named, and so is an item without members."""
    finding = found(returning(lambda sessions: [object() for _ in sessions]), ONE_PAGE)
    assert "Say where an item such as <object object at " in finding.what
