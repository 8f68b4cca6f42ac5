"""What it costs to get ready: clients, fakes, fixtures, and the plugin in somebody's test run."""

from __future__ import annotations

import subprocess
import sys

import boto3
import botocore.session
import pytest

from pytest_deadline_sessions import FakeDeadline


@pytest.mark.benchmark(group="a client")
@pytest.mark.parametrize("way", ["new botocore session", "boto3.client", "fake.client"])
def test_a_client(benchmark, way):
    """A client of the fake beside what a test would make otherwise."""
    credentials = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    options = {"region_name": "us-west-2", **credentials}
    fake = FakeDeadline()
    make = {
        "new botocore session": lambda: botocore.session.Session().create_client(
            "deadline", **options
        ),
        "boto3.client": lambda: boto3.client("deadline", **options),
        "fake.client": fake.client,
    }[way]
    benchmark(make)


@pytest.mark.benchmark(group="a test's set-up")
def test_what_the_fixture_does(benchmark):
    """Reset, intercept, leave."""
    fake = FakeDeadline()

    def test():
        fake.reset()
        with fake.intercept():
            pass

    benchmark(test)


@pytest.mark.benchmark(group="a test's set-up")
def test_what_the_fixture_does_with_a_client(benchmark):
    """Reset, intercept, make a client of the fake, leave."""
    fake = FakeDeadline()

    def test():
        fake.reset()
        with fake.intercept():
            fake.client()

    benchmark(test)


@pytest.mark.benchmark(group="the first fake of a process")
@pytest.mark.parametrize("what", ["import botocore.session", "a fake, a client and a call"])
def test_first_fake(benchmark, what):
    """A whole process; subtract the import of botocore, which the code under test pays anyway."""
    program = "import botocore.session, boto3"
    if what != program:
        program += """
from pytest_deadline_sessions import FakeDeadline
fake = FakeDeadline()
fake.client().list_sessions(**fake.add_job())
"""
    if what == "import botocore.session":
        program = "import botocore.session, boto3"
    run = lambda: subprocess.run([sys.executable, "-c", program], check=True)  # noqa: E731
    benchmark.pedantic(run, rounds=10, warmup_rounds=1)


@pytest.mark.benchmark(group="pytest as a whole process")
@pytest.mark.parametrize("plugins", ["none", "ours"])
def test_loading_the_plugin(benchmark, tmp_path, monkeypatch, plugins):
    """A run of one empty test, without any plugin and with ours."""
    (tmp_path / "test_empty.py").write_text("def test(): pass")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    ours = ["-p", "pytest_deadline_sessions.plugin"] if plugins == "ours" else []
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *ours]
    run = lambda: subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)  # noqa: E731
    benchmark.pedantic(run, rounds=15, warmup_rounds=2)
