"""Every shape of token: what it looks like, how long it is, and that no two are the same."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import html
import json
import os.path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_deadline_sessions import Behavior, FakeDeadline, Listing
from pytest_deadline_sessions._domain.token_shapes import (
    LONGEST,
    SHORTEST,
    Seed,
    TokenShape,
    text,
)

SHAPES = get_args(TokenShape)
SEEDS = st.builds(Seed, st.sampled_from(["a", "b"]), st.integers(0, 50), st.sampled_from("xy"))
LENGTHS = st.sampled_from([SHORTEST, SHORTEST + 1, 80, 256, LONGEST - 1, LONGEST])

# What the text of each shape is not equal to after a careless conversion and back.
CHANGED_BY = {
    "special-characters": html.unescape,
    "leading-dash": lambda token: token.lstrip("-"),
    "digits": lambda token: str(int(token)),
    "number": lambda token: str(float(token)),
    "date": lambda token: datetime.datetime.fromisoformat(token[:26]).isoformat(),
    "json": lambda token: json.dumps(json.loads(token)),
    "quoted": json.loads,
    "path": os.path.normpath,
    "base64": lambda token: base64.urlsafe_b64encode(base64.b64decode(token)).decode(),
    "base64url": lambda token: base64.b64encode(base64.urlsafe_b64decode(token)).decode(),
    "case-twins": str.lower,
}


@pytest.mark.parametrize("shape", SHAPES)
@given(seed=SEEDS, length=LENGTHS, spaced=st.booleans())
def test_length(shape, seed, length, spaced):
    """A token has the given length; a growing one grows, up to the longest that is allowed."""
    grown = min(length + 3 * seed.number, LONGEST) if shape == "growing" else length
    if shape == "counter":
        grown = len(str(seed.number)) + 2 * spaced
    token = text(shape, seed, length, spaced=spaced)
    assert len(token) == grown
    assert spaced == (token != token.strip())


@pytest.mark.parametrize("shape", SHAPES)
@given(seed=SEEDS, other=SEEDS)
def test_unique(shape, seed, other):
    """Other seeds give other tokens, and the same seed gives the same token."""
    if shape == "counter":
        # Only the numbers of one scope differ.
        other = dataclasses.replace(seed, number=other.number)
    assert (text(shape, seed, SHORTEST) == text(shape, other, SHORTEST)) == (seed == other)


@pytest.mark.parametrize(("shape", "change"), CHANGED_BY.items())
@given(seed=SEEDS)
def test_a_careless_conversion_changes_it(shape, change, seed):
    """A token that looks like a number, a date, JSON … is another text once it was converted."""
    token = text(shape, seed, 80)
    assert change(token) != token


def test_plain_ones():
    """A plain token has neither blanks nor quotes nor anything else that needs care."""
    assert text("alphanumeric", Seed("a", 0, ""), 80).isalnum()


def test_alike():
    """Two tokens begin alike in the shape that is called so."""
    first, second = (text("alike", Seed("a", number, ""), 80) for number in range(2))
    assert first[:68] == second[:68]
    assert first != second


def test_twins():
    """Two tokens in a row are twins: only the case of their letters differs."""
    first, second, third = (text("case-twins", Seed("a", number, ""), 80) for number in range(3))
    assert first != second
    assert first.lower() == second.lower() != third.lower()


@given(seed=SEEDS)
def test_base64_of_json(seed):
    """A token in base64 holds JSON, ends with padding, and uses all of its alphabet."""
    assert json.loads(base64.b64decode(text("base64", seed, 80)))
    assert {"+", "/", "="} <= set(text("base64", seed, 80))
    assert {"-", "_", "="} <= set(text("base64url", seed, 80))


@pytest.mark.parametrize("spaced", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_service_accepts_what_it_issued(shape, spaced):
    """Tokens of every shape lead through a listing, by the whole stack."""
    behavior = Behavior(token_shape=shape, spaces_around_tokens=spaced)
    fake = FakeDeadline(behavior)
    job = fake.add_job(Listing(page_sizes=(1, 0, 1, 1)))
    pages = list(fake.client().get_paginator("list_sessions").paginate(**job))
    assert [len(page["sessions"]) for page in pages] == [1, 0, 1, 1]
    tokens = [page["nextToken"] for page in pages[:-1]]
    assert all((token == f" {token.strip()} ") == spaced for token in tokens)
