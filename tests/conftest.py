import functools
import gc
import itertools
import os
import time
import warnings
import zlib

import forking
import hypothesis
import pytest

pytest_plugins = ["pytester"]

os.environ["TZ"] = "UTC"
if hasattr(time, "tzset"):
    time.tzset()

# The same wherever the tests run: Hypothesis has a profile of its own where CI is set. No deadline:
# other work may slow this machine down. No explanations of failures either: Hypothesis traces every
# line for them.
hypothesis.settings.register_profile(
    "patient",
    hypothesis.settings.get_profile("default"),
    deadline=None,
    phases=[phase for phase in hypothesis.Phase if phase is not hypothesis.Phase.explain],
)
hypothesis.settings.load_profile("patient")


def pytest_collection_finish():
    """Keep what is imported by now out of every collection of garbage; it stays anyway."""
    gc.collect()
    gc.freeze()
    # The controller of pytest-xdist collects nothing: its workers do.
    forking.measure_only_forked_runs()


@pytest.fixture(scope="module")
def stopped_are_collected():
    """Ignore resources left open by collectors that had to be stopped."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


# `nox -s thorough` tries every case.
STEP = int(os.environ.get("DEADLINE_SESSIONS_STEP", "7"))
_FIRST = 8


@pytest.fixture
def some_cases(request, monkeypatch):
    """Checks try the first of the cases that are always tried, and only some of the others.

    That is for right collectors, of which there are many: each test tries other cases.
    """
    from pytest_deadline_sessions.checking import _edge_cases, _search

    beginning = zlib.crc32(request.node.name.encode()) % STEP

    def simplest(*args, **options):
        cases = iter(_edge_cases.simplest(*args, **options))
        yield from itertools.islice(cases, _FIRST)
        yield from itertools.islice(cases, beginning, None, STEP)

    monkeypatch.setattr(_search, "simplest", simplest)


@pytest.fixture
def pytester(pytester, monkeypatch):
    """Runs of pytest load our plugin and Hypothesis's; what else a test is about it names itself.

    All that is installed here takes four times as long to load as those two.
    """
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "pytest_deadline_sessions.plugin,_hypothesis_pytestplugin")
    return pytester


@pytest.fixture
def run_pytest(pytester):
    """Run pytest in the folder of ``pytester``, in a process of its own."""
    return functools.partial(forking.run_forked, pytester)


@pytest.fixture
def every_plugin(pytester, monkeypatch):
    """Runs of pytest load every plugin that is installed, as they do for a user."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    monkeypatch.delenv("PYTEST_PLUGINS")
    return pytester
