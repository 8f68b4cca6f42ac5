"""Run pytest in processes forked from one that has already done the large imports.

In an interpreter of its own, a small run spends most of its time importing botocore, Hypothesis
and pytest. Tests about what is imported, and when, do start an interpreter.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path

import pytest

CAN_FORK = "forkserver" in multiprocessing.get_all_start_methods()
if CAN_FORK:
    # It holds the server. After each test, pytester forgets the modules that the test imported, so
    # an import by a test would start a server per test.
    import multiprocessing.forkserver

# None of our modules and no plugin: each run imports those itself, as a real run would.
PRELOADED = ["boto3", "botocore.client", "coverage", "faker", "freezegun", "hypothesis", "pytest"]
PATIENCE = 120

_MEASURING = "COVERAGE_PROCESS_CONFIG"
_withheld: dict[str, str] = {}


def measure_only_forked_runs() -> None:
    """If coverage measures this process, have it measure forked runs too, but no programs.

    Programs that tests start would take twice as long and cover nothing more.
    """
    if _MEASURING in os.environ:
        _withheld[_MEASURING] = os.environ.pop(_MEASURING)


def run_forked(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run pytest in the folder of ``pytester``, with the environment of this process.

    Where processes cannot be forked, it starts an interpreter.
    """
    if not CAN_FORK:
        return pytester.runpytest_subprocess(*arguments)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    folder = Path(tempfile.mkdtemp(prefix="runpytest-", dir=pytester.path))
    output, errors = folder / "stdout", folder / "stderr"
    home = {"HOME": str(pytester.path), "USERPROFILE": str(pytester.path)}
    process = context.Process(
        target=_run,
        args=(
            [f"--basetemp={folder / 'basetemp'}", *arguments],
            {**os.environ, **home},
            str(pytester.path),
            {1: str(output), 2: str(errors)},
            _withheld.get(_MEASURING),
        ),
    )
    started = time.perf_counter()
    process.start()
    process.join(PATIENCE)
    took = time.perf_counter() - started
    if process.exitcode is None:
        process.kill()
        pytest.fail(f"pytest {' '.join(arguments)} has not ended after {PATIENCE} s")
    texts = [path.read_text("utf-8") for path in (output, errors)]
    # If the test fails, pytest shows this output.
    sys.stdout.write(texts[0])
    sys.stderr.write(texts[1])
    return pytest.RunResult(process.exitcode, *map(str.splitlines, texts), took)


def _run(arguments, environment, folder, streams, measured):
    for descriptor, path in streams.items():
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), descriptor)
    # Freezing spares the garbage collection after every test the objects imported so far.
    gc.freeze()
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    sys.path.insert(0, folder)
    with _measure(measured):
        status = pytest.main(arguments)
    sys.exit(status)


@contextlib.contextmanager
def _measure(config):
    if not config:
        yield
        return
    import coverage

    os.environ[_MEASURING] = config
    measurement = coverage.process_startup()
    del os.environ[_MEASURING]
    yield
    measurement.stop()
    measurement.save()
