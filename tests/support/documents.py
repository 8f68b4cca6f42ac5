"""The parts of the documents that are generated from the code.

``python tests/support/documents.py`` regenerates them; ``tests/quality/test_docs.py`` compares.
Other cells of a table, and the tree's remarks about folders of tests, are written by hand. They
are kept as long as their row exists.
"""

from __future__ import annotations

import ast
import dataclasses
import re
import runpy
from pathlib import Path

import mutants

ROOT = Path(__file__).parents[2]
PACKAGE = "pytest_deadline_sessions"
COMMAND = "python tests/support/documents.py"


def table(text, head, rows):
    """Put ``rows`` into the table that begins with the line ``head``.

    Rows may be shorter than the table. Then the cells to the right are kept, matched by the first
    cell of the row.
    """
    start = text.index(f"{head}\n") + len(head) + 1
    rule, *old = re.match(r"(?:\|.*\n)+", text[start:])[0].splitlines()
    cells = {cell[0]: cell for cell in (re.split(r" *\| *", line[1:-1].strip()) for line in old)}
    width = head.count("|") - 1
    lines = [rule]
    for row in rows:
        by_hand = cells.get(row[0], [])[len(row) :]
        missing = ["?"] * (width - len(row) - len(by_hand))
        lines.append(f"| {' | '.join([*row, *by_hand, *missing])} |".replace("|  |", "| |"))
    end = start + sum(len(line) + 1 for line in (rule, *old))
    return text[:start] + "".join(f"{line}\n" for line in lines) + text[end:]


def behavior():
    """The members of ``Behavior``: name, default and reason."""
    from pytest_deadline_sessions import Behavior

    for member in dataclasses.fields(Behavior):
        timedelta = member.name == "token_lifetime"
        default = str(member.default) if timedelta else repr(member.default)
        yield f"`{member.name}`", f"`{default}`", Behavior.reasons()[member.name]


def rules():
    """The rules of ``check_pagination``."""
    from pytest_deadline_sessions.checking import RULES

    return RULES.items()


def variations():
    """The variations of ``check_pagination``."""
    from pytest_deadline_sessions.checking import VARIATIONS

    return VARIATIONS.items()


def operators():
    """What became of the mutants of each operator, as the last campaign counted."""
    from pytest_deadline_sessions.checking import RULES

    counts = mutants.campaign()["counts"]
    outcomes = [*RULES, "an exception", "survived"]
    known = {outcome for each in counts.values() for outcome in each}
    assert known <= set(outcomes), known
    for operator, each in counts.items():
        numbers = [sum(each.values()), *(each.get(outcome, 0) for outcome in outcomes)]
        yield operator, *map(str, numbers)
    totals = [sum(each.get(outcome, 0) for each in counts.values()) for outcome in outcomes]
    yield "all", *map(str, [sum(totals), *totals])


def survivors():
    """The kinds of mutants that survive: how many there are, and why they do."""
    campaign = mutants.campaign()
    for kind, why in campaign["kinds"].items():
        yield kind, str(campaign["survived"][kind]), why


def rooms():
    """The rooms of the package, and what each may import."""
    architecture = runpy.run_path(str(ROOT / "tests" / "quality" / "test_architecture.py"))
    for room, allowed in architecture["ROOMS"].items():
        yield f"`{room}`", " ".join(f"`{name}`" for name in allowed.split())


def tree(text):
    """Update the tree of the package and its tests from the files on disk."""
    start = text.index("```text\npytest_deadline_sessions/\n") + len("```text\n")
    end = text.index("```", start)
    old = dict(re.findall(r"^ *(\S+) +(\S.*)$", text[start:end], re.MULTILINE))
    lines = [(0, f"{PACKAGE}/", ""), *_modules(ROOT / PACKAGE, 1), (0, "tests/", "")]
    lines += [
        (1, f"{folder.name}/", old.get(f"{folder.name}/", "?"))
        for folder in sorted((ROOT / "tests").iterdir())
        if folder.is_dir() and any(folder.rglob("*.py")) and folder.name[0] not in "._"
    ]
    width = max(2 * depth + len(name) for depth, name, _ in lines) + 2
    drawn = [f"{'  ' * depth + name:{width}}{about}".rstrip() for depth, name, about in lines]
    return text[:start] + "".join(f"{line}\n" for line in drawn) + text[end:]


def _modules(folder, depth):
    """Yield a line for each module below a folder; a folder has the line of its ``__init__``."""
    for path in sorted(folder.iterdir(), key=lambda path: (path.is_dir(), path.name)):
        if path.suffix == ".py" and (path.name != "__init__.py" or depth == 1):
            yield depth, path.name, _about(path)
        elif (path / "__init__.py").exists():
            yield depth, f"{path.name}/", _about(path / "__init__.py")
            yield from _modules(path, depth + 1)


def _about(path):
    """The first line of a module's docstring."""
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "?"
    return docstring.partition("\n")[0].replace("``", "").rstrip(".")


def check_pagination(text):
    """Update the tables of the document on ``check_pagination``."""
    from pytest_deadline_sessions.checking import RULES

    for head, rows in [
        ("| rule | what it says | because |", rules()),
        ("| variation | what varies |", variations()),
        (f"| operator | mutants | {' | '.join(RULES)} | an exception | survived |", operators()),
        ("| survivors | number | why they survive |", survivors()),
    ]:
        text = table(text, head, rows)
    return text


GENERATED = {
    "README.md": lambda text: table(text, "| member | default | why |", behavior()),
    "docs/check_pagination.md": check_pagination,
    "docs/architecture.md": lambda text: table(text, "| room | may import | knows |", rooms()),
    "CONTRIBUTING.md": tree,
}
"""How to update each document."""


def main():
    """Update every document."""
    for name, update in GENERATED.items():
        document = ROOT / name
        document.write_text(update(document.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
