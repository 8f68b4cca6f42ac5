"""How much a process grows while pytest runs many tests.

``python tests/quality/soak/growth.py`` prints that for tests that do nothing, without our plugin.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
COUNT = "DEADLINE_SESSIONS_SOAK"
"""The environment variable that tells the suites how many tests they have."""


def resident():
    """The resident memory of the process in MiB, after a garbage collection."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Growth:
    """Measures memory once everything has been loaded, and again after the last test.

    Attributes:
        mebibytes: By how much the process has grown, in MiB.
    """

    def __init__(self):
        self.total = self.done = 0
        self._at_first = 0.0
        self.mebibytes = 0.0

    def pytest_collection_finish(self, session):
        """Count the tests."""
        self.total = len(session.items)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self):
        """Measure after a fifth of the tests, and after the last one."""
        try:
            return (yield)
        finally:
            self.done += 1
            if self.done == max(self.total // 5, 1):
                self._at_first = resident()
                self.settled()
            elif self.done == self.total:
                self.mebibytes = resident() - self._at_first
                self.ended()

    def settled(self):
        """A fifth of the tests have run."""

    def ended(self):
        """All tests have run."""


def run(suite, *plugins, without=()):
    """Run the tests of a file beside this one, whatever configuration there is; return the status.

    Args:
        suite: The name of the file.
        plugins: Objects with hooks.
        without: The names of plugins that are not loaded.
    """
    names = ["terminal", "cacheprovider", "randomly", "flaky", "rerunfailures", *without]
    options = [part for name in names for part in ("-p", f"no:{name}")]
    options += [f"--rootdir={Path.cwd()}", f"--confcutdir={HERE}", "-c", os.devnull]
    return pytest.main([*options, str(HERE / suite)], plugins=plugins)


if __name__ == "__main__":
    growth = Growth()
    status = run("idle.py", growth, without=["pytest_deadline_sessions"])
    assert status == pytest.ExitCode.TESTS_FAILED, status
    sys.stdout.write(f"{growth.mebibytes}\n")
