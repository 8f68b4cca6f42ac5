"""What the distribution contains, and that the plugin is cheap for test runs that do not use it."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DISTRIBUTION = "pytest-deadline-sessions"
PLUGIN = "pytest_deadline_sessions"
SLOW = ["aiobotocore", "boto3", "botocore", "h11", "faker", "freezegun", "hypothesis"]


def test_changelog_has_the_version():
    """The changelog starts with Unreleased, followed by the installed version."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    unreleased, newest, *_ = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)
    assert unreleased == "Unreleased"
    assert newest == importlib.metadata.version(DISTRIBUTION)


def test_entry_points():
    """The distribution registers the pytest plugin and the types for Hypothesis."""
    entry_points = importlib.metadata.distribution(DISTRIBUTION).entry_points
    assert {(point.group, point.name, point.value) for point in entry_points} == {
        ("pytest11", PLUGIN, f"{PLUGIN}.plugin"),
        ("hypothesis", PLUGIN, f"{PLUGIN}._hypothesis_entry:register"),
    }


def test_wheel_is_complete(tmp_path):
    """The wheel holds every module and the marker of a typed package, and nothing else."""
    pytest.importorskip("hatchling")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    package = ROOT / PLUGIN
    modules = {path.relative_to(ROOT).as_posix() for path in package.rglob("*.py")}
    shipped = {name for name in names if ".dist-info/" not in name}
    assert shipped == modules | {f"{PLUGIN}/py.typed"}


@pytest.mark.usefixtures("every_plugin")
def test_active_without_a_conftest(pytester):
    """Installing the package activates the plugin."""
    pytester.makepyfile("def test(deadline_sessions): pass")
    result = pytester.runpytest_subprocess("-p", "no:randomly")
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("name", [PLUGIN, "deadline_sessions"])
@pytest.mark.usefixtures("every_plugin")
def test_switched_off(pytester, name):
    """``-p no:`` with the long or the short name removes the fixtures."""
    pytester.makepyfile("def test(deadline_sessions): pass")
    result = pytester.runpytest_subprocess("-p", f"no:{name}", "-p", "no:randomly")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'deadline_sessions' not found"])


def test_loading_the_plugin_is_cheap(pytester, monkeypatch):
    """A test run that does not use the plugin loads none of its slow dependencies."""
    monkeypatch.setenv("PYTEST_PLUGINS", f"{PLUGIN}.plugin")
    pytester.makepyfile(
        f"""
        import sys

        def test_nothing_slow_is_loaded():
            assert {PLUGIN + ".plugin"!r} in sys.modules
            assert [name for name in {SLOW} if name in sys.modules] == []
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1)
