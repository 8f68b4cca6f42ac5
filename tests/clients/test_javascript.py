"""The JavaScript SDK as a client over HTTP.

These tests need node and, in the folder that ``DEADLINE_SESSIONS_NODE_MODULES`` names, the npm
package ``@aws-sdk/client-deadline``; ``nox -s javascript`` provides both.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from pytest_deadline_sessions import Listing, check_pagination
from pytest_deadline_sessions.checking import Program

MODULES = os.environ.get("DEADLINE_SESSIONS_NODE_MODULES", "")
NODE = shutil.which("node") or ""

pytestmark = pytest.mark.skipif(
    not (MODULES and NODE), reason="needs node and DEADLINE_SESSIONS_NODE_MODULES"
)

PROGRAM = """
const { DeadlineClient, GetSessionCommand, paginateListSessions } =
  require("@aws-sdk/client-deadline");
const client = new DeadlineClient({
  // The SDK for JavaScript has no switch for host prefixes in the environment.
  disableHostPrefix: true,
  endpoint: process.env.AWS_ENDPOINT_URL_DEADLINE,
});
const [farmId, queueId, jobId] = process.argv.slice(-3);
(async () => {
  const found = [];
  for await (const page of paginateListSessions({ client }, { farmId, queueId, jobId })) {
    found.push(...page.sessions.map((one) => [one.sessionId, one.startedAt.toISOString()]));
  }
  const last = { farmId, queueId, jobId, sessionId: found.at(-1)[0] };
  const session = await client.send(new GetSessionCommand(last));
  console.log(JSON.stringify({ found, status: session.lifecycleStatus }));
})().catch((error) => {
  console.log(JSON.stringify({ error: error.name, message: error.message }));
});
"""

LISTING = """
const { DeadlineClient, paginateListSessions } = require("@aws-sdk/client-deadline");
const endpoint = process.env.AWS_ENDPOINT_URL_DEADLINE;
const client = new DeadlineClient({ disableHostPrefix: true, endpoint });
const [farmId, queueId, jobId] = process.argv.slice(-3);
(async () => {
  for await (const page of paginateListSessions({ client }, { farmId, queueId, jobId })) {
    page.sessions.forEach((session) => console.log(session.sessionId));
  }
})();
"""


@pytest.fixture
def run(deadline_sessions_endpoint, tmp_path):
    """Return a function that runs the program on a job and returns its output."""

    def run(job):
        (tmp_path / "program.cjs").write_text(PROGRAM)
        done = subprocess.run(
            [NODE, "program.cjs", *job.values()],
            cwd=tmp_path,
            env={**deadline_sessions_endpoint.environment(), "NODE_PATH": MODULES},
            capture_output=True,
            check=True,
            text=True,
            timeout=60,
        )
        return json.loads(done.stdout)

    return run


def test_the_paginator_gets_everything(deadline_sessions, run):
    """The SDK's paginator gets all pages, an empty one included, and retries after a fault."""
    job = deadline_sessions.add_job(
        Listing(page_sizes=(2, 0, 1), runs=(("STARTED", 2), ("ENDED", 1)))
    )
    deadline_sessions.fail_next("InternalServerErrorException", after=1)
    assert run(job) == {
        "found": [
            [session["sessionId"], session["startedAt"].strftime("%Y-%m-%dT%H:%M:%S.000Z")]
            for session in job.listing
        ],
        "status": "ENDED",
    }
    assert [call.status for call in deadline_sessions.calls] == [200, 500, 200, 200, 200]


def test_errors_are_those_of_the_model(deadline_sessions, run):
    """The SDK raises a modelled error as an exception of that name."""
    job = deadline_sessions.add_job(Listing(page_sizes=(1, 1)))
    deadline_sessions.fail_next("AccessDeniedException", after=1)
    assert run(job) == {
        "error": "AccessDeniedException",
        "message": "User is not authorized to perform this operation.",
    }


def test_the_check_of_a_script():
    """``check_pagination`` finds nothing wrong with a script that uses the SDK's paginator."""
    program = Program(
        [NODE, "-e", LISTING, "{farmId}", "{queueId}", "{jobId}"],
        environment={"NODE_PATH": MODULES},
    )
    check_pagination(program)
