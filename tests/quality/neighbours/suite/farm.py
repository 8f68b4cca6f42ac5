"""Code of a downstream project, for its tests to test."""

from __future__ import annotations

import sys

import boto3


def sessions_of(client, **job):
    """List all sessions of a job."""
    pages = client.get_paginator("list_sessions").paginate(**job)
    return [session for page in pages for session in page["sessions"]]


def first_page(client, **job):
    """List one page, as code does whose author has never seen a second one."""
    return client.list_sessions(**job)["sessions"]


# Made at import, as many programs do.
CLIENT = boto3.client("deadline", region_name="us-west-2")

if __name__ == "__main__":
    farm, queue, job = sys.argv[1:]
    print(len(sessions_of(boto3.client("deadline"), farmId=farm, queueId=queue, jobId=job)))
