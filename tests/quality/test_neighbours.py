"""The document about neighbours agrees with the program that tests them (``nox -s neighbours``)."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEIGHBOURS = Path(__file__).parent / "neighbours" / "neighbours.py"
RUNNER = runpy.run_path(str(NEIGHBOURS), run_name="neighbours")
NAMES = list(RUNNER["NEIGHBOURS"])
HERE = {failure.rpartition(" ")[0] for failure in RUNNER["KNOWN_RED"]} - {""}
TABLE = re.findall(
    r"^\| (.+?) \|.*\| (green|red) \|",
    (ROOT / "docs" / "neighbours.md").read_text("utf-8"),
    re.MULTILINE,
)


def test_the_table():
    """The document lists every neighbour, in order, and says which are red."""
    assert [(name, "red" if name in HERE else "green") for name in NAMES] == TABLE


def test_names():
    """Neighbours named in ``QUICK`` or ``KNOWN_RED`` exist."""
    assert {*RUNNER["QUICK"], *HERE} <= set(NAMES)


def test_known_red_exists():
    """An entry of ``KNOWN_RED`` names a test, a file of tests, or the guard."""
    for failure in RUNNER["KNOWN_RED"]:
        file, _, test = failure.rpartition(" ")[2].partition("::")
        if file != "guard":
            (source,) = RUNNER["HERE"].parents[1].rglob(f"{file}.py")
            assert f"def {test}" in source.read_text("utf-8")


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({}, (True, "green")),
        ({"test_a::test_b": "why"}, (False, "red: test_a::test_b: why")),
        ({"test_k::test_b": "why"}, (True, "known red: test_k::test_b: why")),
        (
            {"test_e::test_b": "why"},
            (True, "green, except for tests that are red everywhere: test_e::test_b"),
        ),
        (
            {"test_k::test_b": "why", "test_a::test_b": "x" * 300, "test_a::test_c": "why"},
            (False, f"red: test_a::test_b: {'x' * 200} (and 1 more)"),
        ),
    ],
)
def test_verdict(monkeypatch, wrong, expected):
    """Only a failure that is not in ``KNOWN_RED`` makes a neighbour red and fails the run."""
    verdict = RUNNER["verdict"]
    monkeypatch.setitem(verdict.__globals__, "KNOWN_RED", {"other test_k", "test_e"})
    assert verdict("other" if "test_k::test_b" in wrong else "name", wrong) == expected


def test_known_red_that_is_green(monkeypatch):
    """A neighbour that is green although ``KNOWN_RED`` lists it is reported as such."""
    verdict = RUNNER["verdict"]
    monkeypatch.setitem(verdict.__globals__, "KNOWN_RED", {"name test_k"})
    assert verdict("name", {}) == (True, "green, although KNOWN_RED lists it")
