"""What contributors and CI run: ``nox -s NAME``; CONTRIBUTING.md tells which is for what."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["ci"]
# Tests start hundreds of interpreters. Where this is set, each compiles all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
PROJECT = nox.project.load_toml("pyproject.toml")
DIRECT = [
    *PROJECT["project"]["dependencies"],
    *(each for extra in PROJECT["project"]["optional-dependencies"].values() for each in extra),
]
EVERYTHING = ".[async,server]"
# Measuring doubles the time that a test takes. This marks what takes long and reaches nothing that
# other tests do not, and all of tests/quality.
UNMEASURED = "at_length"
WORKERS = "2"
# Of the types of public names, the percentage that pyright must know.
COMPLETE_TYPES = 99.0


def _install(
    session: nox.Session, *groups: str, package: tuple[str, ...] = ("-e", EVERYTHING)
) -> None:
    # What is never imported need not be compiled, and moto alone has thousands of files.
    wanted = nox.project.dependency_groups(PROJECT, *groups)
    session.install("--no-compile", *package, *wanted)


def _lint(session: nox.Session) -> None:
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    workflows = sorted(map(str, Path(".github", "workflows").glob("*.yaml")))
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
    session.run("pre-commit", "validate-config")


def _typing(session: nox.Session) -> None:
    session.run("mypy")
    session.run("pyright")
    command = ("pyright", "--verifytypes", "pytest_deadline_sessions", "--ignoreexternal")
    # It also fails on types that botocore lacks, which the floor leaves room for.
    report = str(session.run(*command, silent=True, success_codes=[0, 1]))
    score = re.search(r"Type completeness score: ([\d.]+)%", report)
    if score is None or float(score[1]) < COMPLETE_TYPES:
        session.error(f"types of public names: {COMPLETE_TYPES} % must be known\n{report}")
    session.log(f"types of public names: {score[1]} % known (at least {COMPLETE_TYPES})")


def _coverage(session: nox.Session, *arguments: str) -> None:
    session.run("coverage", "erase")
    # Hypothesis draws the same each time, so that no branch is left to luck.
    selected = ("-m", f"not {UNMEASURED}", "--hypothesis-seed=0")
    session.run("coverage", "run", "-m", "pytest", *selected, *arguments)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def ci(session: nox.Session) -> None:
    """Run every check but the examples: the tests in random order, then what others wrote."""
    _install(session, "ci")
    _lint(session)
    _typing(session)
    # On two cores this takes no longer than one run after the other with two workers of
    # pytest-xdist. It takes a tenth less CPU, since each worker imports and collects everything.
    with ThreadPoolExecutor() as pool:
        unmeasured = pool.submit(session.run, "pytest", "-m", UNMEASURED, silent=True)
        try:
            _coverage(session)
        finally:
            session.log(unmeasured.result())
    # The AWS CLI pins a botocore of its own, and so does each neighbour what it likes.
    session.notify("clients")
    session.notify("neighbours", ["--quick"])


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the test suite on one Python."""
    _install(session, "test")
    session.run("pytest", *session.posargs)


@nox.session(python=PYTHONS[0])
def lowest(session: nox.Session) -> None:
    """Run the test suite with the lowest supported version of each direct dependency."""
    pins = [requirement.replace(">=", "==") for requirement in DIRECT]
    _install(session, "test", package=("-e", EVERYTHING, *pins))
    session.run("pytest", *session.posargs)


@nox.session(python=PYTHONS[-1])
def newest(session: nox.Session) -> None:
    """Run the test suite with the newest botocore, which aiobotocore would hold back."""
    _install(session, "test", package=("-e", ".[server]"))
    session.run("pytest", *session.posargs)


@nox.session
def clients(session: nox.Session) -> None:
    """Run other people's programs: the AWS CLI, ``deadline``, the vendor's test fixtures."""
    _install(session, "clients", package=("-e", ".[server]"))
    session.run("pytest", "-n", WORKERS, *(session.posargs or ["tests/clients"]))


@nox.session
def neighbours(session: nox.Session) -> None:
    """Run a small downstream suite beside other people's plugins, one at a time."""
    _install(session, "neighbours")
    session.run("python", "tests/quality/neighbours/neighbours.py", *session.posargs)


@nox.session
def javascript(session: nox.Session) -> None:
    """Run the SDK for JavaScript against the fake; needs node and npm."""
    _install(session, "test", package=("-e", ".[server]"))
    folder = session.create_tmp()
    session.run(
        *("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder),
        "@aws-sdk/client-deadline",
        external=True,
    )
    session.env["DEADLINE_SESSIONS_NODE_MODULES"] = str(Path(folder, "node_modules").resolve())
    session.run("pytest", "tests/clients/test_javascript.py")


@nox.session
def soak(session: nox.Session) -> None:
    """Run ten thousand tests below a guard, and compare the process before and after."""
    _install(session, "test")
    session.run("python", "tests/quality/soak/soak.py", *session.posargs)


@nox.session
def thorough(session: nox.Session) -> None:
    """Run the tests that take long, with ten times as many examples, at every line."""
    _install(session, "test")
    session.env |= {"DEADLINE_SESSIONS_EXAMPLES": "10", "DEADLINE_SESSIONS_STEP": "1"}
    session.run("pytest", "-n", WORKERS, "-m", UNMEASURED, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    _lint(session)


@nox.session
def typing(session: nox.Session) -> None:
    """Check types."""
    _install(session, "typing", "test")
    _typing(session)


@nox.session
def coverage(session: nox.Session) -> None:
    """Measure the branch coverage of the tests, subprocesses included, a few large ones aside."""
    _install(session, "test")
    _coverage(session, *session.posargs)


@nox.session
def examples(session: nox.Session) -> None:
    """Run the examples as a user would, on the package installed from this checkout."""
    _install(session, "examples", package=(EVERYTHING,))
    session.run("pytest", "examples", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed; the budgets stand in CONTRIBUTING.md."""
    _install(session, "bench", package=(EVERYTHING,))
    session.run("pytest", "tests/benchmarks", *session.posargs)
    session.run("python", "tests/benchmarks/load.py")


@nox.session
def mutants(session: nox.Session) -> None:
    """Check mutants of the right collectors; docs/check_pagination.md shows what came of it."""
    _install(session, "mutants")
    session.run("python", "tests/benchmarks/mutation_campaign.py", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Build the wheel and the source distribution into ``dist``."""
    session.install("build")
    session.run("python", "-m", "build")
