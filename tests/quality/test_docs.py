"""What the documents show is what happens."""

from __future__ import annotations

import dataclasses
import doctest
import importlib.util
import pkgutil
import re
from pathlib import Path

import pytest

import pytest_deadline_sessions
from pytest_deadline_sessions import Behavior
from pytest_deadline_sessions._service.registry import OPERATIONS as REGISTERED

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
MODULES = [
    info.name
    for info in pkgutil.walk_packages(
        pytest_deadline_sessions.__path__, f"{pytest_deadline_sessions.__name__}."
    )
    if not info.name.endswith(("__main__", "wire.aio"))
]


def _blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


_CAN = {
    "test_collect_awaiting": importlib.util.find_spec("aiobotocore") is not None,
}
_BEYOND = [name for name, can in _CAN.items() if not can]


@pytest.mark.parametrize("document", ["README.md", "docs/check_pagination.md"])
def test_every_block_runs(pytester, document):
    """The blocks of a document, in order, are one test module that passes, and no test is lost."""
    pytest.importorskip("moto")
    pytest.importorskip("h11")
    source = "\n".join(_blocks((ROOT / document).read_text("utf-8"), "python"))
    tests = re.findall(r"^(?:def (?=test_)|(?=Test))(\w+)", source, re.MULTILINE)
    assert len(set(tests)) == len(tests)
    # A loaded machine must not fail a reader's test, and few examples are enough.
    pytester.makeconftest(
        "import hypothesis\n"
        "hypothesis.settings.register_profile('docs', deadline=None, max_examples=20)\n"
        "hypothesis.settings.load_profile('docs')\n"
    )
    pytester.makepyfile(source)
    left_out = [name for name in tests if name in _BEYOND]
    deselected = [f"--deselect=test_every_block_runs.py::{name}" for name in left_out]
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-W", "error", *deselected)
    result.assert_outcomes(passed=len(tests) - len(left_out), deselected=len(left_out))


@pytest.mark.parametrize("name", MODULES)
def test_every_docstring_runs(name):
    """The examples in docstrings give what they say they give."""
    module = importlib.import_module(name)
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.testmod(module, optionflags=options).failed == 0


def test_public_docstrings_have_an_example():
    """Every public class and function shows itself at work."""
    public = [getattr(pytest_deadline_sessions, name) for name in pytest_deadline_sessions.__all__]
    exempt = {
        *("ListSessionsRequest", "ListSessionsResponse", "SessionSummary"),  # shapes of the API
        *("Call", "Page", "PaginationViolation"),  # made by us, for users to look into
    }
    assert [
        one.__name__
        for one in public
        if ">>>" not in (one.__doc__ or "") and one.__name__ not in exempt
    ] == []


def test_the_table_of_behavior():
    """The README has each member of ``Behavior`` with its default and its reason, in order."""
    table = README.split("## Behavior")[1]
    rows = re.findall(r"^\| `(\w+)` \| `(.+?)` \| (.+) \|$", table, re.MULTILINE)
    assert rows == [
        (
            member.name,
            str(member.default) if member.name == "token_lifetime" else repr(member.default),
            Behavior.reasons()[member.name],
        )
        for member in dataclasses.fields(Behavior)
    ]


def test_the_list_of_operations():
    """The README names every operation that the fake has, and no other."""
    paragraph = README.split("## Operations")[1].split("\n\n")[1]
    named = set(re.findall(r"`(\w+)`", paragraph))
    assert named == {"ListSessions", *REGISTERED}


def test_ci_runs_the_commands_of_the_readme():
    """Nothing cleverer than what a reader runs."""
    commands = [
        line.removeprefix("$ ") for line in "".join(_blocks(README, "console")).splitlines()
    ]
    script = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert [line for line in script if "nox" in line] == [
        command for command in commands if "nox" in command
    ]


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "docs/check_pagination.md",
        "docs/neighbours.md",
    ],
)
def test_links_lead_somewhere(document):
    """Every relative link is a file of the project, or a heading of the same document."""
    text = (ROOT / document).read_text("utf-8")
    headings = {
        re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("#")
    }
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in headings
        elif not target.startswith("http"):
            assert (ROOT / target).exists(), target
