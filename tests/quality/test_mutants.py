"""The mutation campaign judges mutants as it should, and its explanations fit the collectors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import mutants
import pytest

TESTS = Path(__file__).parents[1]
DEFINITIONS = {
    f"{module}:{definition.name}": definition
    for module in mutants.modules()
    for definition in mutants.definitions(module)
}
PAGES = "collectors.strangers.right:SessionPages"
RETRY = "collectors.strangers.right_retries:retry"
MUTANTS = {
    (PAGES, "if not token", "if token"): "valid-requests",
    (PAGES, "yield page", "raise SystemExit(1)"): "complete",
    (PAGES, "yield page", "__import__('os').kill(__import__('os').getpid(), 9)"): "no answer",
    (RETRY, "(times, 0, -1)", "(times, 0, -2)"): "survived",
    ("collectors.right:code_of", "(error)", "(error=missing)"): "an exception",
}
"""What becomes of mutants, with plain listings alone."""
PROGRAM = f"""
import json, sys

sys.path[:0] = {[str(TESTS / "benchmarks"), str(TESTS / "support"), str(TESTS.parent)]}
import mutants
from mutation_campaign import judged
from pytest_deadline_sessions.checking import VARIATIONS

definitions = [each for module in mutants.modules() for each in mutants.definitions(module)]
several = []
for name, before, after in {list(MUTANTS)}:
    (definition,) = [each for each in definitions if f"{{each.module}}:{{each.name}}" == name]
    source = definition.text().replace(before, after)
    several.append(mutants.Mutant(definition, "by hand", before, after, source))
quick = {{"without": VARIATIONS, "max_examples": 0}}
options = {{(each.module, name): quick for each in definitions for name in mutants.users(each)}}
outcomes = [[*mutant.key, outcome] for mutant, outcome, _ in judged(several, options)]
print(json.dumps(outcomes))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each mutant has a process that is forked")
def test_mutants_are_judged_by_the_collectors_that_use_them():
    """A mutant, also of what collectors share, is killed or survives; it may end its process."""
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert {tuple(key): outcome for *key, outcome in json.loads(done.stdout)} == MUTANTS


@pytest.mark.parametrize("module", [*mutants.modules()])
def test_every_definition_is_used(module):
    """Each definition of a module with collectors belongs to a collector."""
    unused = [each.name for each in mutants.definitions(module) if not mutants.users(each)]
    assert unused == []


def test_explanations_fit_the_collectors():
    """Each explained survivor replaces lines that its definition has, and its kind is described."""
    explained = mutants.explained()
    assert set(explained.values()) == set(mutants.campaign()["kinds"])
    lines = {
        name: [line.strip() for line in definition.text().splitlines()]
        for name, definition in DEFINITIONS.items()
    }
    assert [
        key
        for key in explained
        if any(line not in lines.get(key[0], ()) for line in key[1].splitlines())
    ] == []


def test_every_survivor_that_was_counted_is_explained():
    """The last campaign counted as many survivors of all kinds as survivors of all operators."""
    campaign = mutants.campaign()
    survived = sum(each.get("survived", 0) for each in campaign["counts"].values())
    assert sum(campaign["survived"].values()) == survived
    assert survived <= len(mutants.explained())
