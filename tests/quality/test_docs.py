"""The documents agree with the code, and their examples run."""

from __future__ import annotations

import difflib
import doctest
import importlib.util
import pkgutil
import re
from pathlib import Path

import documents
import pytest
from documents import COMMAND, GENERATED

import pytest_deadline_sessions
from pytest_deadline_sessions._service.registry import OPERATIONS as REGISTERED

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = [
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md"),
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")),
]
MODULES = [
    pytest_deadline_sessions.__name__,
    *(
        info.name
        for info in pkgutil.walk_packages(
            pytest_deadline_sessions.__path__, f"{pytest_deadline_sessions.__name__}."
        )
        if not info.name.endswith("__main__")
    ),
]


def _blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


NEEDS = {"test_collect_awaiting": "aiobotocore"}
IMPOSSIBLE = [name for name, package in NEEDS.items() if not importlib.util.find_spec(package)]


@pytest.mark.parametrize("document", ["README.md", "docs/check_pagination.md"])
def test_every_block_runs(pytester, run_pytest, document):
    """The Python blocks of a document form one test module; every test in it passes."""
    pytest.importorskip("moto")
    pytest.importorskip("h11")
    source = "\n".join(_blocks((ROOT / document).read_text("utf-8"), "python"))
    tests = re.findall(r"^(?:def (?=test_)|(?=Test))(\w+)", source, re.MULTILINE)
    assert len(set(tests)) == len(tests)
    # Deadlines depend on the machine, and few examples are enough here.
    pytester.makeconftest(
        "import hypothesis\n"
        "hypothesis.settings.register_profile('docs', deadline=None, max_examples=20)\n"
        "hypothesis.settings.load_profile('docs')\n"
    )
    pytester.makepyfile(source)
    left_out = [name for name in tests if name in IMPOSSIBLE]
    deselected = [f"--deselect=test_every_block_runs.py::{name}" for name in left_out]
    faker = ("-p", "faker.contrib.pytest.plugin")
    result = run_pytest(*faker, "-W", "error", *deselected)
    result.assert_outcomes(passed=len(tests) - len(left_out), deselected=len(left_out))


@pytest.mark.parametrize("name", MODULES)
def test_every_docstring_runs(name):
    """The examples in the docstrings of a module pass.

    Public names are loaded first, since doctest does not find those that are imported lazily.
    """
    module = importlib.import_module(name)
    for public in getattr(module, "__all__", ()):
        getattr(module, public)
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.testmod(module, optionflags=options).failed == 0


def test_public_docstrings_have_an_example():
    """Every public class and function has an example in its docstring."""
    public = [getattr(pytest_deadline_sessions, name) for name in pytest_deadline_sessions.__all__]
    exempt = {
        *("ListSessionsRequest", "ListSessionsResponse", "SessionSummary"),  # shapes of the API
        *("Call", "Page", "PaginationViolation"),  # users only read these
    }
    assert [
        item.__name__
        for item in public
        if ">>>" not in (item.__doc__ or "") and item.__name__ not in exempt
    ] == []


@pytest.mark.parametrize("name", GENERATED)
def test_documents_follow_the_code(name):
    """Generated tables and trees in the documents are up to date."""
    text = (ROOT / name).read_text("utf-8")
    changed = difflib.unified_diff(
        text.splitlines(), GENERATED[name](text).splitlines(), name, "the code", n=0, lineterm=""
    )
    difference = "\n".join(changed)
    assert not difference, f"run {COMMAND} to change this:\n{difference}"


@pytest.mark.parametrize("name", GENERATED)
def test_nothing_is_left_to_be_written(name):
    """No generated row or line still has the placeholder for its description."""
    lines = (ROOT / name).read_text("utf-8").splitlines()
    assert [line for line in lines if re.search(r"\| \? \||  \?$", line)] == []


def test_rows_keep_what_people_wrote():
    """Regenerating a table keeps the description of existing rows and marks new ones."""
    before = "a\n\n| x | y | z |\n| --- | --- | --- |\n| 1 | old | why |\n| 2 | gone | no |\n\nb\n"
    after = "a\n\n| x | y | z |\n| --- | --- | --- |\n| 3 | new | ? |\n| 1 | new | why |\n\nb\n"
    assert documents.table(before, "| x | y | z |", [("3", "new"), ("1", "new")]) == after


def test_the_list_of_operations():
    """The README lists exactly the operations that the fake answers."""
    paragraph = README.split("## Operations")[1].split("\n\n")[1]
    named = set(re.findall(r"`(\w+)`", paragraph))
    assert named == {"ListSessions", *REGISTERED}


def test_ci_runs_the_commands_of_the_readme():
    """CI runs exactly the nox commands in the README."""
    commands = [
        line.removeprefix("$ ") for line in "".join(_blocks(README, "console")).splitlines()
    ]
    script = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert [line for line in script if "nox" in line] == [
        command for command in commands if "nox" in command
    ]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document):
    """Every relative link leads to a file of the project, or a heading in the same document."""
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
            assert (ROOT / document).parent.joinpath(target).exists(), target


def test_every_document_is_linked():
    """Every document except the README is linked from a document."""
    linked = set()
    for document in DOCUMENTS:
        folder = (ROOT / document).parent
        for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / document).read_text("utf-8")):
            path = folder / target
            linked.add((path / "README.md" if path.is_dir() else path).resolve())
    assert [name for name in DOCUMENTS if (ROOT / name).resolve() not in linked] == ["README.md"]
