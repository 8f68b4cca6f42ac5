"""Run ten thousand tests under a guard, and compare the process before and after.

``python tests/quality/soak/soak.py [COUNT]`` prints the outcomes, what the guard saw and what the
tests left behind. It exits with 1 if anything is wrong.
"""

from __future__ import annotations

import collections
import datetime
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

# Imported before the guard starts: it loads plugins, and trio's starts a program at import.
import hypothesis
import pytest
from _pytest.runner import runtestprotocol
from growth import COUNT, HERE, Growth, run

LOOPBACK = {"127.0.0.1", "::1", "localhost", b"127.0.0.1", b"localhost", None}
STARTS = {"subprocess.Popen", "os.posix_spawn", "os.exec", "os.fork", "os.system"}
# Places our own programs read from. Opening any other file is noted.
OWN = (
    *(sys.prefix, sys.base_prefix, str(HERE.parents[2]), tempfile.gettempdir()),
    *(os.devnull, "/dev/urandom", "/proc/self"),
    # The time zone settings of the machine.
    *("/etc/localtime", "/usr/share/zoneinfo", "/etc/timezone", "/etc/conf.d", "/etc/sysconfig"),
)


assert hypothesis


class Guard:
    """Notes, by an audit hook, every act of the process that reaches outside it."""

    def __init__(self):
        self.noted = collections.Counter()
        sys.addaudithook(self)

    def __call__(self, event, args):
        """Note an event, if it reaches outside the process."""
        if event in {"socket.connect", "socket.sendto"}:
            address = args[1]
            if isinstance(address, tuple) and address[0] not in LOOPBACK:
                self.noted[event, str(address)] += 1
        elif event == "socket.getaddrinfo":
            if args[0] not in LOOPBACK:
                self.noted[event, str(args[0])] += 1
        elif event == "open" and isinstance(args[0], str | bytes):
            path = os.fsdecode(args[0])
            if path.startswith("/") and not path.startswith(OWN):
                self.noted[event, path] += 1
        elif event in STARTS:
            self.noted[event, str(args[0])] += 1


def process():
    """Collect the state of the process that a test might leave changed."""
    import asyncio
    import multiprocessing.process

    import aiobotocore.client
    import aiobotocore.session
    import boto3
    import botocore.client
    import botocore.monitoring
    import botocore.retries.bucket
    import botocore.session

    kinds = (
        botocore.client.BaseClient,
        botocore.client.ClientCreator,
        botocore.session.Session,
        botocore.monitoring.SocketPublisher,
        botocore.retries.bucket.TokenBucket,
        aiobotocore.client.AioBaseClient,
        aiobotocore.client.AioClientCreator,
        aiobotocore.session.AioSession,
        multiprocessing.process.BaseProcess,
        asyncio.BaseEventLoop,
        type(os.environ),
    )
    suite = sys.modules["suite"]
    environ = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    emitter = suite.module_client().meta.events
    return {
        "environment": environ,
        "classes": {kind.__qualname__: dict(vars(kind)) for kind in kinds},
        "functions": [time.time, time.sleep, time.monotonic, asyncio.sleep, os._exit],
        "datetime": [datetime.datetime, datetime.date],
        "default session": boto3.DEFAULT_SESSION,
        "handlers": (sorted(emitter._emitter._unique_id_handlers), sorted(vars(emitter))),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "descriptors": sorted(path.name for path in Path("/proc/self/fd").iterdir()),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "hooks": [sys.excepthook, sys.unraisablehook, threading.excepthook, sys.gettrace()],
        "logging": list(logging.root.handlers),
    }


def unlike(before, after):
    """Return what has become of what, without what is the same in two dictionaries."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return f"{before!r} became {after!r}"
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: unlike(before.get(name), after.get(name)) for name in names}


class Watch(Growth):
    """Counts outcomes, and compares the process before and after."""

    def __init__(self):
        super().__init__()
        self.outcomes = collections.Counter()
        self.unexpected = []
        self._before = {}
        self.left = {}

    def pytest_collection_modifyitems(self, items):
        """Run one test of each kind in turn."""
        items.sort(key=lambda item: item.callspec.params["number"])

    def pytest_runtest_logreport(self, report):
        """Count an outcome, and keep the report if it was not expected for its kind of test."""
        if report.when != "call" and report.passed:
            return
        kind = report.nodeid.rpartition("::")[2].partition("[")[0]
        outcome = f"{report.when} {report.outcome}"
        self.outcomes[kind, outcome] += 1
        if outcome not in EXPECTED.get(kind, {"call passed"}):
            self.unexpected.append(f"{report.nodeid}: {outcome}\n{report.longreprtext[-3000:]}")

    def settled(self):
        """Note the state of the process."""
        self._before = process()

    def ended(self):
        """Compare the state of the process with what it was."""
        after = process()
        self.left = {
            name: unlike(value, after[name])
            for name, value in self._before.items()
            if after[name] != value
            # The server may have stopped by then.
            and not (name in {"threads", "descriptors"} and set(after[name]) <= set(value))
        }


class Again:
    """Reruns tests. Real rerun plugins keep data about every run, which looks like a leak."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item, nextitem):
        """Run the test once without reporting it, then once more."""
        if not item.name.startswith("test_run_again"):
            return None
        runtestprotocol(item, nextitem=nextitem, log=False)
        runtestprotocol(item, nextitem=nextitem, log=True)
        return True


EXPECTED = {
    "test_failing": {"call failed"},
    "test_erring": {"setup failed"},
    "test_erring_at_the_end": {"call passed", "teardown failed"},
    "test_interrupted": {"call failed"},
    "test_checked": {"call passed", "call failed"},
    "test_stubbed": {"call passed", "teardown failed"},
}
"""How tests of a kind may end; all other kinds must pass."""

MOST_GROWN = 6.0
"""By how many MiB the process may grow more than if its tests did nothing.

For ten thousand tests that is three quarters of a KiB each. pytest keeps the output of failed
tests, linecache the source of tracebacks, and Hypothesis statistics of each ``@given`` test.
"""
MEASURED_FROM = 10_000
"""With fewer tests, the memory of pytest and Python themselves has not settled."""


def growth_of_pytest():
    """By how many MiB pytest grows in as many tests that do nothing."""
    program = [sys.executable, str(HERE / "growth.py")]
    return float(subprocess.check_output(program, text=True))


def main(count, folder):
    """Run the tests and print what is wrong; return 1 if anything is."""
    os.environ[COUNT] = str(count)
    os.chdir(folder)
    allowed = growth_of_pytest() + MOST_GROWN if count >= MEASURED_FROM else None
    guard, watch = Guard(), Watch()
    started = time.process_time()
    status = run("suite.py", watch, Again())
    wrong = [f"seen: {event} {what}, {times} times" for (event, what), times in guard.noted.items()]
    wrong += [f"left: {name}: {what}" for name, what in watch.left.items()]
    wrong += watch.unexpected[:5]
    if status not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        wrong.append(f"pytest ended with {status!r}")
    if watch.total < count or watch.done < watch.total:
        wrong.append(f"{watch.total} tests were collected and {watch.done} run (expected {count})")
    if allowed is not None and watch.mebibytes > allowed:
        wrong.append(f"memory grew by {watch.mebibytes:.1f} MiB (expected at most {allowed:.1f})")
    print(
        json.dumps(
            {
                "tests": watch.total,
                "cpu_seconds": round(time.process_time() - started),
                "grown_mebibytes": round(watch.mebibytes, 1),
                "allowed_mebibytes": allowed and round(allowed, 1),
                "outcomes": {" ".join(kind): times for kind, times in watch.outcomes.items()},
            },
            indent=1,
        )
    )
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, temporary))
