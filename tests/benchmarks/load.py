"""Load the server with eight clients, beside moto's server on a comparable list call.

Run it as ``python tests/benchmarks/load.py [SECONDS]``; moto's half needs ``moto[server]``.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import json
import re
import socket
import subprocess
import sys
import time

CLIENTS = 8
ITEMS = 50


@contextlib.contextmanager
def _process(*arguments):
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        bufsize=1,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _load(port, request, seconds, items):
    """Requests per second and the share of wrong answers, over ``seconds`` of eight clients."""
    until = time.monotonic() + seconds

    def client(_number):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        done = wrong = 0
        while time.monotonic() < until:
            connection.request(*request)
            response = connection.getresponse()
            answer = response.read()
            done += 1
            wrong += response.status != 200 or len(items(json.loads(answer))) != ITEMS
        return done, wrong

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        results = list(pool.map(client, range(CLIENTS)))
    done, wrong = map(sum, zip(*results, strict=True))
    return done / seconds, wrong / done


def ours(seconds):
    """``ListSessions`` over HTTP."""
    command = ("-m", "pytest_deadline_sessions", "serve", "--sessions", str(ITEMS))
    with _process(*command) as process:
        printed = ""
        while "list-sessions" not in printed:
            printed += process.stdout.readline()
        port = int(re.search(r"http://127.0.0.1:(\d+)", printed)[1])
        ids = re.search(r"--farm-id (\S+) --queue-id (\S+) --job-id (\S+)", printed).groups()
        path = "/2023-10-12/farms/{}/queues/{}/jobs/{}/sessions".format(*ids)
        # Somebody must read what the command logs.
        concurrent.futures.ThreadPoolExecutor(1).submit(process.stdout.read)
        return _load(port, ("GET", path), seconds, lambda answer: answer["sessions"])


def motos(seconds):
    """``DescribeLogGroups`` of CloudWatch Logs over HTTP."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with _process("-m", "moto.server", "-p", str(port)):
        while True:
            with contextlib.suppress(ConnectionError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            time.sleep(0.05)
        credential = "Credential=testing/20300101/us-west-2/logs/aws4_request"
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "Authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0",
        }

        def call(operation, parameters):
            connection = http.client.HTTPConnection("127.0.0.1", port)
            target = {**headers, "X-Amz-Target": f"Logs_20140328.{operation}"}
            connection.request("POST", "/", json.dumps(parameters), target)
            connection.getresponse().read()

        for number in range(ITEMS):
            call("CreateLogGroup", {"logGroupName": f"group-{number}"})
        headers["X-Amz-Target"] = "Logs_20140328.DescribeLogGroups"
        request = ("POST", "/", json.dumps({"limit": ITEMS}), headers)
        return _load(port, request, seconds, lambda answer: answer["logGroups"])


def main():
    """Print both, and their ratio."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5
    rates = {}
    for name, measure in (("ours", ours), ("moto", motos)):
        rates[name], wrong = measure(seconds)
        print(f"{name}: {rates[name]:.0f} requests per second, {wrong:.2%} wrong")
    print(f"ratio: {rates['ours'] / rates['moto']:.1f}")


if __name__ == "__main__":
    main()
