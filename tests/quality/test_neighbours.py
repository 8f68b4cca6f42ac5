"""What is said of the plugins beside which ours runs; ``nox -s neighbours`` runs them."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEIGHBOURS = Path(__file__).parent / "neighbours" / "neighbours.py"
RUNNER = runpy.run_path(str(NEIGHBOURS), run_name="neighbours")
NAMES = list(RUNNER["NEIGHBOURS"])
HERE = {one.rpartition(" ")[0] for one in RUNNER["KNOWN_RED"]} - {""}
TABLE = re.findall(
    r"^\| (.+?) \|.*\| (green|red) \|",
    (ROOT / "docs" / "neighbours.md").read_text("utf-8"),
    re.MULTILINE,
)


def test_the_table():
    """The document has each neighbour that is run, in order, and says which of them are red."""
    assert [(name, "red" if name in HERE else "green") for name in NAMES] == TABLE


def test_names():
    """Those that are run quickly, or known to be red, are there."""
    assert {*RUNNER["QUICK"], *HERE} <= set(NAMES)


def test_known_red_exists():
    """What is known to be red is a test, a file of tests, or the guard."""
    for one in RUNNER["KNOWN_RED"]:
        file, _, test = one.rpartition(" ")[2].partition("::")
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
            (True, "green, but for what is red everywhere: test_e::test_b"),
        ),
        (
            {"test_k::test_b": "why", "test_a::test_b": "x" * 300, "test_a::test_c": "why"},
            (False, f"red: test_a::test_b: {'x' * 200} (and 1 more)"),
        ),
    ],
)
def test_verdict(monkeypatch, wrong, expected):
    """A line is red, and fails the run, only if what is wrong is not known."""
    verdict = RUNNER["verdict"]
    monkeypatch.setitem(verdict.__globals__, "KNOWN_RED", {"other test_k", "test_e"})
    assert verdict("other" if "test_k::test_b" in wrong else "name", wrong) == expected


def test_what_is_known_and_green(monkeypatch):
    """A line that is green against all knowledge says so."""
    verdict = RUNNER["verdict"]
    monkeypatch.setitem(verdict.__globals__, "KNOWN_RED", {"name test_k"})
    assert verdict("name", {}) == (True, "green, though KNOWN_RED tells otherwise")
