"""Run a small downstream suite beside other people's plugins, one at a time.

``python tests/quality/neighbours/neighbours.py [--quick] [NAME …]`` prints one line for each
neighbour. It exits with 1 if one has a failure that is not in ``KNOWN_RED``. Each neighbour gets a
copy of the suite, and a virtual environment on top of the current one, so no two of them meet.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

HERE = Path(__file__).parent
SUITE = HERE / "suite"
DOWNSTREAM = "test_downstream.py"
SECTION = "Deadline Cloud calls"
# This test must fail, so that reporting plugins have something to report.
FAILS = "test_fails"
PATIENCE = 120

# Known failures: a test or a whole file, prefixed with the name of a neighbour if it fails only
# beside that one.
KNOWN_RED: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """Another project's plugin or library, and how to run beside it.

    Args:
        requires: The packages to install.
        files: Files of the suite, or of our tests, in addition to the one that all neighbours run.
        prepare: The arguments of a preparatory run, which need not pass.
        runs: The arguments of pytest for each run; all runs share one folder.
        environment: Variables to set.
        check: Inspects the folder after the runs, and returns what is wrong, if anything.
    """

    requires: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    prepare: tuple[str, ...] = ()
    runs: tuple[tuple[str, ...], ...] = ((),)
    environment: Mapping[str, str] = field(default_factory=dict)
    check: Callable[[Path], str | None] | None = None


def _shown_in(pattern: str) -> Callable[[Path], str | None]:
    def check(folder: Path) -> str | None:
        shown = any(SECTION in path.read_text("utf-8") for path in folder.glob(pattern))
        return None if shown else f"{pattern} lacks the section {SECTION!r} of the failed test"

    return check


def _traced(requires: tuple[str, ...], file: str, order: str, **options: Any) -> Neighbour:
    environment = {"NEIGHBOURS_ORDER": order, **options.pop("environment", {})}
    return Neighbour(requires=requires, files=(file,), environment=environment, **options)


_XRAY = ("aws-xray-sdk",)
_XRAY_OPTIONS: dict[str, Any] = {
    # The SDK never closes the socket of its first emitter.
    "runs": (("-W", "ignore:unclosed:ResourceWarning"),),
    # Importing the SDK creates a client, which reads ~/.aws.
    "environment": dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull),
}
_OPENTELEMETRY = ("opentelemetry-instrumentation-botocore", "opentelemetry-sdk")
_DATADOG = ("ddtrace",)
_DATADOG_QUIET = {
    "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
    "DD_REMOTE_CONFIGURATION_ENABLED": "false",
    "DD_TRACE_STARTUP_LOGS": "false",
}
_ELASTIC = ("elastic-apm",)

# The standard library's platform module runs programs.
_LOOKS_AT_THE_MACHINE = {"NEIGHBOURS_PROGRAMS": "uname file"}

NEIGHBOURS: dict[str, Neighbour] = {
    "pytest-xdist": Neighbour(
        requires=("pytest-xdist",),
        files=("test_fails.py",),
        runs=(("-n", "2"),),
        environment=_LOOKS_AT_THE_MACHINE,
    ),
    "pytest-randomly": Neighbour(
        requires=("pytest-randomly",), runs=(("--randomly-seed=1",), ("--randomly-seed=2",))
    ),
    "pytest-rerunfailures": Neighbour(
        requires=("pytest-rerunfailures",), files=("test_reruns.py",), runs=(("--reruns=1",),)
    ),
    "flaky": Neighbour(
        requires=("flaky",),
        files=("test_reruns.py",),
        runs=(("--force-flaky", "--max-runs=2", "--no-success-flaky-report"),),
    ),
    "pytest-timeout, signal": Neighbour(
        requires=("pytest-timeout",),
        files=("test_timeout.py",),
        runs=(("--timeout=60", "--timeout-method=signal"),),
    ),
    "pytest-timeout, thread": Neighbour(
        requires=("pytest-timeout",), runs=(("--timeout=60", "--timeout-method=thread"),)
    ),
    "pytest-repeat": Neighbour(requires=("pytest-repeat",), runs=(("--count=2",),)),
    "subtests": Neighbour(files=("test_subtests.py",)),
    "pytest-bdd": Neighbour(requires=("pytest-bdd",), files=("test_bdd.py",)),
    "pytest-asyncio": Neighbour(
        requires=("pytest-asyncio",),
        files=("test_async.py",),
        runs=(("-o", "asyncio_default_fixture_loop_scope=function"),),
    ),
    "anyio": Neighbour(requires=("anyio", "trio"), files=("test_anyio.py",)),
    "pytest-trio": Neighbour(requires=("pytest-trio",), files=("test_trio.py",)),
    "pytest-freezer": Neighbour(requires=("pytest-freezer",), files=("test_freezer.py",)),
    "time-machine": Neighbour(requires=("time-machine",), files=("test_time_machine.py",)),
    "pytest-mock": Neighbour(requires=("pytest-mock",), files=("test_mock.py",)),
    "pytest-socket": Neighbour(
        requires=("pytest-socket",),
        files=("test_socket.py",),
        # The plugin also warns about each socket that it refuses.
        runs=(("--disable-socket", "-W", "ignore:A test tried to use socket"),),
    ),
    "pytest-cov": Neighbour(
        requires=("pytest-cov",), runs=(("--cov=farm", "--cov-branch", "--cov-fail-under=75"),)
    ),
    "pytest-html": Neighbour(
        requires=("pytest-html",),
        files=("test_fails.py",),
        runs=(("--html=report.html", "--self-contained-html"),),
        environment=_LOOKS_AT_THE_MACHINE,
        check=_shown_in("report.html"),
    ),
    "pytest-benchmark": Neighbour(
        requires=("pytest-benchmark",),
        files=("test_bench.py",),
        runs=(("--benchmark-max-time=0.1",),),
        environment=_LOOKS_AT_THE_MACHINE,
    ),
    "pytest-recording": Neighbour(
        requires=("pytest-recording",),
        files=("test_recording.py",),
        runs=(("--block-network", "--allowed-hosts=127.0.0.1", "--record-mode=once"),),
    ),
    "responses": Neighbour(requires=("responses",), files=("test_responses.py",)),
    "syrupy": Neighbour(
        requires=("syrupy",), files=("test_snapshot.py",), prepare=("--snapshot-update",)
    ),
    "inline-snapshot": Neighbour(
        requires=("inline-snapshot",),
        files=("test_inline.py",),
        prepare=("--inline-snapshot=create",),
        runs=(("--inline-snapshot=disable",),),
    ),
    "allure-pytest": Neighbour(
        requires=("allure-pytest",), files=("test_fails.py",), runs=(("--alluredir=allure",),)
    ),
    "pytest-lazy-fixtures": Neighbour(requires=("pytest-lazy-fixtures",), files=("test_lazy.py",)),
    "aws-xray-sdk, before": _traced(_XRAY, "test_xray.py", "before", **_XRAY_OPTIONS),
    "aws-xray-sdk, after": _traced(_XRAY, "test_xray.py", "after", **_XRAY_OPTIONS),
    "opentelemetry, before": _traced(_OPENTELEMETRY, "test_opentelemetry.py", "before"),
    "opentelemetry, after": _traced(_OPENTELEMETRY, "test_opentelemetry.py", "after"),
    "ddtrace, before": _traced(_DATADOG, "test_ddtrace.py", "before", environment=_DATADOG_QUIET),
    "ddtrace, after": _traced(_DATADOG, "test_ddtrace.py", "after", environment=_DATADOG_QUIET),
    "elastic-apm, before": _traced(_ELASTIC, "test_elastic.py", "before"),
    "elastic-apm, after": _traced(_ELASTIC, "test_elastic.py", "after"),
    "moto": Neighbour(requires=("moto",), files=("test_other_service.py", "test_moto.py")),
    "deadline-cloud-test-fixtures": Neighbour(
        requires=("deadline-cloud-test-fixtures", "deadline>=0.60"),
        files=("test_vendor_fixtures.py",),
    ),
}

# Neighbours that have failed before.
QUICK = (
    "pytest-rerunfailures",
    "flaky",
    "pytest-bdd",
    "pytest-socket",
    "pytest-lazy-fixtures",
    "aws-xray-sdk, before",
    "aws-xray-sdk, after",
)


def environment_for(requires: tuple[str, ...]) -> Path:
    """Make an environment with these packages on top of the current ones; return its Python."""
    name = re.sub(r"[^\w-]+", "_", "+".join(requires)) or "plain"
    folder = Path(sys.prefix, "neighbours", name)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    done = folder / "done"
    if not done.exists():
        venv.create(folder, clear=True, symlinks=os.name != "nt")
        where = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
        site = Path(subprocess.check_output(where, text=True).strip())
        ours = sysconfig.get_path("purelib")
        (site / "below.pth").write_text(f"import site; site.addsitedir({ours!r})\n", "utf-8")
        if requires:
            pip = [sys.executable, "-m", "pip", "--python", str(python), "install"]
            pip += ["--quiet", "--no-compile"]
            subprocess.run([*pip, *requires], check=True)
        done.touch()
    return python


def _variables(neighbour: Neighbour, folder: Path) -> dict[str, str]:
    ignored = ("AWS_", "PYTEST_", "PYTHONPATH", "COVERAGE", "HYPOTHESIS_", "CI")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ignored)}
    secrets = folder / "home" / ".aws"
    secrets.mkdir(parents=True)
    for name in ("config", "credentials"):
        (secrets / name).write_text("[default]\naws_access_key_id = a\naws_secret_access_key = b\n")
    return {
        **kept,
        "HOME": str(secrets.parent),
        "USERPROFILE": str(secrets.parent),
        "NEIGHBOURS_BREACHES": str(folder / "breaches"),
        "NEIGHBOURS_ORDER": "before",
        **neighbour.environment,
    }


def _outcomes(report: Path) -> Iterator[tuple[str, str | None]]:
    """Yield every test, with what is wrong with it, if anything."""
    for case in ET.parse(report).iter("testcase"):
        test = re.split(r"[ \[]", str(case.get("name")))[0]
        wrong = None
        for part in case:
            message = (part.get("message") or part.text or "").strip().partition("\n")[0]
            must_fail = test == FAILS and part.tag == "failure"
            expected = part.get("type") == "pytest.xfail" or must_fail
            if part.tag in {"error", "failure", "skipped"} and not expected:
                wrong = f"{part.tag}: {message}"
        if test == FAILS and not len(case):
            wrong = "passed (expected it to fail)"
        yield f"{case.get('classname')}::{test}", wrong


def run(neighbour: Neighbour, folder: Path, *options: str) -> tuple[dict[str, str], str]:
    """Return what is wrong, by the name of the test or check, and the whole output."""
    python = environment_for(neighbour.requires)
    variables = _variables(neighbour, folder)
    files = (DOWNSTREAM, *neighbour.files)
    suite = folder / "suite"
    shutil.copytree(SUITE, suite, ignore=shutil.ignore_patterns("__pycache__"))
    for name in files:
        if not (suite / name).exists():
            (source,) = HERE.parents[1].rglob(name)
            shutil.copy(source, suite)
    wrong: dict[str, str] = {}
    printed = ""
    for number, arguments in enumerate((neighbour.prepare, *neighbour.runs)):
        if not (number or arguments):
            continue
        report = folder / "report.xml"
        report.unlink(missing_ok=True)
        command = [str(python), "-m", "pytest", f"--junitxml={report}", *options, *arguments]
        try:
            done = subprocess.run(
                [*command, *files],
                cwd=suite,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
                text=True,
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired as error:
            printed += (error.stdout or b"").decode()
            return {**wrong, "pytest": f"still running after {PATIENCE} s"}, printed
        printed += done.stdout
        if number:
            wrong |= _judged(done, report, files)
    if neighbour.check is not None and (what := neighbour.check(suite)):
        wrong["report"] = what
    breaches = folder / "breaches"
    if breaches.exists() and breaches.read_text("utf-8"):
        wrong["guard"] = breaches.read_text("utf-8").partition("\n")[0]
    return wrong, printed


def _judged(
    done: subprocess.CompletedProcess[str], report: Path, files: tuple[str, ...]
) -> dict[str, str]:
    last = (done.stdout.strip().splitlines() or ["nothing was printed"])[-1]
    if done.returncode not in {0, 1} or not report.exists():
        return {"pytest": f"exit {done.returncode}: {last}"}
    outcomes = list(_outcomes(report))
    wrong = {name: what for name, what in outcomes if what is not None}
    for file in files:
        if not any(name.startswith(file.removesuffix(".py")) for name, _ in outcomes):
            wrong[file] = "no test was run"
    must_fail = any(name.endswith(f"::{FAILS}") for name, _ in outcomes)
    if must_fail and SECTION not in done.stdout:
        wrong["report"] = f"lacks the section {SECTION!r} of the failed test"
    if done.returncode == 1 and not wrong and not must_fail:
        wrong["pytest"] = f"exit 1: {last}"
    return wrong


def _known(name: str, test: str) -> str | None:
    """Look up a failure in ``KNOWN_RED``: ``everywhere``, ``here`` or ``None``."""
    places = {test, test.partition("::")[0].partition(".")[0]}
    if places & KNOWN_RED:
        return "everywhere"
    return "here" if {f"{name} {place}" for place in places} & KNOWN_RED else None


def verdict(name: str, wrong: Mapping[str, str]) -> tuple[bool, str]:
    """Tell whether the result is acceptable, and make the line to print."""
    known = {test: _known(name, test) for test in wrong}
    for kind, word in ((None, "red"), ("here", "known red")):
        tests = [test for test in wrong if known[test] == kind]
        if tests:
            more = f" (and {len(tests) - 1} more)" if len(tests) > 1 else ""
            return kind is not None, f"{word}: {tests[0]}: {wrong[tests[0]][:200]}{more}"
    if wrong:
        return True, f"green, except for tests that are red everywhere: {', '.join(wrong)}"
    stale = any(failure.startswith(f"{name} ") for failure in KNOWN_RED)
    return True, "green, although KNOWN_RED lists it" if stale else "green"


def main() -> int:
    """Run the chosen neighbours; by default all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="a neighbour, or the beginning of its name (default: all)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="only neighbours that have failed before, without slow tests",
    )
    options = parser.parse_args()
    for name in options.names:
        if not any(each.startswith(name) for each in NEIGHBOURS):
            parser.error(f"{name!r} (expected one of {'; '.join(NEIGHBOURS)})")
    chosen = [
        name
        for name in (QUICK if options.quick else NEIGHBOURS)
        if not options.names or name.startswith(tuple(options.names))
    ]
    if not chosen:
        parser.error("--quick leaves out all of these")
    given = ("-m", "not slow") if options.quick else ()
    width = max(map(len, chosen))
    good = True
    for name in chosen:
        with tempfile.TemporaryDirectory() as folder:
            wrong, printed = run(NEIGHBOURS[name], Path(folder).resolve(), *given)
        fine, line = verdict(name, wrong)
        print(f"{name:{width}}  {line}", flush=True)
        if not fine:
            print(printed, flush=True)
            good = False
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
