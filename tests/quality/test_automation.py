"""Workflows and commit hooks are valid, and run what the noxfile and the project define."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
HOOKS = ROOT / ".pre-commit-config.yaml"
NOXFILE = ast.parse((ROOT / "noxfile.py").read_text("utf-8"))


def _read(path):
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load(path.read_text("utf-8"))


def _sessions():
    """Yield the names of the nox sessions, including one for each Python."""
    (pythons,) = (
        ast.literal_eval(statement.value)
        for statement in NOXFILE.body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "PYTHONS"
    )
    for function in NOXFILE.body:
        for decorator in getattr(function, "decorator_list", []):
            if ast.unparse(decorator) == "nox.session(python=PYTHONS)":
                yield from (f"{function.name}-{python}" for python in pythons)
            elif ast.unparse(decorator).startswith("nox.session"):
                yield function.name


def _run_by(workflow):
    """Yield the nox sessions that a workflow runs."""
    for job in workflow["jobs"].values():
        matrix = job.get("strategy", {}).get("matrix", {})
        listed = [
            *matrix.get("session", []),
            *(row["session"] for row in matrix.get("include", [])),
        ]
        for step in job["steps"]:
            called = re.search(r"python -m nox -s (.+)", step.get("run", ""))
            if called:
                yield from listed if "matrix.session" in called[1] else [called[1]]


@pytest.mark.parametrize(
    "schema", ["vendor.github-workflows", "custom.github-workflows-require-timeout"]
)
def test_workflows_are_valid(schema):
    """The workflows match the public schema, and every job has a timeout."""
    pytest.importorskip("check_jsonschema")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema]
    done = subprocess.run([*command, *WORKFLOWS], capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout


def test_an_invalid_workflow_is_refused(tmp_path):
    """The schema check fails for a misspelt key."""
    pytest.importorskip("check_jsonschema")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(WORKFLOWS[0].read_text("utf-8").replace("runs-on:", "run-on:"), "utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    done = subprocess.run(
        [*command, "vendor.github-workflows", wrong], capture_output=True, check=False, text=True
    )
    assert done.returncode == 1
    assert "'runs-on' is a required property" in done.stdout


def test_hooks_are_valid():
    """Pre-commit accepts the configuration."""
    pytest.importorskip("pre_commit")
    command = [sys.executable, "-m", "pre_commit", "validate-config", HOOKS]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout


def test_workflows_run_sessions_that_exist():
    """A workflow names no session that the noxfile lacks."""
    run = [name for path in WORKFLOWS for name in _run_by(_read(path))]
    assert sorted(set(run) - set(_sessions())) == []


def test_every_push_is_checked_on_every_python():
    """The workflow for each push runs the checks, the examples and the tests on each Python."""
    tests = {name for name in _sessions() if name.startswith("tests-")}
    classifiers = re.findall(r"Python :: (3\.\d+)\"", (ROOT / "pyproject.toml").read_text("utf-8"))
    assert tests == {f"tests-{python}" for python in classifiers}
    run = set(_run_by(_read(ROOT / ".github" / "workflows" / "checks.yaml")))
    assert {*tests, "ci", "examples", "lowest", "newest", "build"} <= run


def test_the_built_wheel_is_tested():
    """A job tests the wheel that another job built, without a checkout."""
    jobs = _read(ROOT / ".github" / "workflows" / "checks.yaml")["jobs"]
    uses = {
        name: [step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step]
        for name, job in jobs.items()
    }
    assert "actions/upload-artifact" in uses["build"]
    assert jobs["built"]["needs"] == "build"
    assert "actions/download-artifact" in uses["built"]
    assert "actions/checkout" not in uses["built"]


def test_hooks_run_what_ci_runs():
    """Each hook runs a tool from the noxfile that is already installed."""
    (local,) = _read(HOOKS)["repos"]
    assert local["repo"] == "local"
    for hook in local["hooks"]:
        assert hook["language"] == "system"
        tool = hook["entry"].split()[2].replace("_", "-")
        assert f"session.run('{tool}'" in ast.unparse(NOXFILE)
