"""``python -m pytest_deadline_sessions serve``: try the fake by hand."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_deadline_sessions._domain.transcript import render_call
from pytest_deadline_sessions._fake import FakeDeadline
from pytest_deadline_sessions._transport.environment import REMOVED

if TYPE_CHECKING:
    from pytest_deadline_sessions._domain.transcript import Call


def main(arguments: Sequence[str] | None = None, until: threading.Event | None = None) -> int:
    """Serve a job until interrupted.

    Args:
        arguments: The arguments; by default those of the command line.
        until: An event that stops the server once it is set.

    Returns:
        The exit status of the process.
    """
    parser = argparse.ArgumentParser(prog="python -m pytest_deadline_sessions")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve an in-memory Deadline Cloud on loopback")
    serve.add_argument(
        "--host", default="127.0.0.1", help="loopback address to listen on (default: %(default)s)"
    )
    serve.add_argument(
        "--port", type=int, default=0, help="port to listen on (default: any free port)"
    )
    serve.add_argument(
        "--sessions",
        type=int,
        default=250,
        help="number of sessions in the job (default: %(default)s)",
    )
    serve.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="also accept requests with this name in Host and Origin; repeat for more names",
    )
    options = parser.parse_args(arguments)
    fake = FakeDeadline()
    try:
        job = fake.add_job(sessions=options.sessions)
        with fake.serve(options.host, options.port, allowed_hosts=options.allow_host) as endpoint:
            print(f"# Deadline Cloud at {endpoint}, with a job of {options.sessions} sessions:")
            for name, value in endpoint.environment({}).items():
                print(f"export {name}={shlex.quote(value)}")
            print(f"unset {' '.join(REMOVED)}")
            ids = " ".join(
                f"--{option} {job[name]}"
                for option, name in (
                    ("farm-id", "farmId"),
                    ("queue-id", "queueId"),
                    ("job-id", "jobId"),
                )
            )
            print(f"# aws deadline list-sessions {ids}", flush=True)
            fake.on_call(_log)
            (until or threading.Event()).wait()
    except (ImportError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


def _log(call: Call) -> None:
    # The reader of our output may be gone while clients still make calls.
    with contextlib.suppress(OSError):
        print(render_call(call), flush=True)


if __name__ == "__main__":
    sys.exit(main())
