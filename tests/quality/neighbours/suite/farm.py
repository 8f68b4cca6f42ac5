"""Code of a downstream project: what its tests are about."""

from __future__ import annotations

import sys

import boto3


def sessions_of(client, **job):
    """All sessions of a job."""
    pages = client.get_paginator("list_sessions").paginate(**job)
    return [session for page in pages for session in page["sessions"]]


def first_page(client, **job):
    """What somebody writes who has only ever seen one page."""
    return client.list_sessions(**job)["sessions"]


# Made at import, as many programs do.
CLIENT = boto3.client("deadline", region_name="us-west-2")

if __name__ == "__main__":
    farm, queue, job = sys.argv[1:]
    print(len(sessions_of(boto3.client("deadline"), farmId=farm, queueId=queue, jobId=job)))
