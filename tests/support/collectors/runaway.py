"""Collectors that never end."""

# Written the way people write them, or worse.
# ruff: noqa: ASYNC110, BLE001, D103, E722, PERF203, SIM105

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from time import sleep as imported_sleep

from collectors.wrong import every


def nothing():
    """Do nothing."""


def calls_for_ever(client, **job):
    while True:
        client.list_sessions(**job)


def calls_for_ever_whatever_comes(client, **job):
    while True:
        try:
            client.list_sessions(**job)
        except:
            pass


def calls_for_ever_by_a_helper(client, **job):
    def patient():
        while True:
            try:
                return client.list_sessions(**job)
            except BaseException:
                time.sleep(1)

    while True:
        patient()


def sleeps_for_ever(_client, **_job):
    while True:
        time.sleep(60)


def sleeps_for_ever_whatever_comes(_client, **_job):
    while True:
        try:
            imported_sleep(60)
        except:
            continue


async def sleeps_for_ever_in_a_loop(_client, **_job):
    while True:
        await asyncio.sleep(60)


def works_for_ever(_client, **_job):
    while True:
        pass


def works_for_ever_whatever_comes(_client, **_job):
    while True:
        try:
            nothing()
        except BaseException:
            continue


def waits_for_ever(_client, **_job):
    threading.Event().wait()


def a_thread_calls_for_ever(client, **job):
    thread = threading.Thread(target=calls_for_ever_whatever_comes, args=(client,), kwargs=job)
    thread.start()
    thread.join()


def a_thread_works_for_ever(client, **job):
    thread = threading.Thread(target=works_for_ever_whatever_comes, args=(client,), kwargs=job)
    thread.start()
    thread.join()


def leaves_a_thread_at_work(client, **job):
    threading.Thread(target=works_for_ever_whatever_comes, args=(client,), kwargs=job).start()
    calls_for_ever(client, **job)


def a_pool_calls_for_ever(client, **job):
    with ThreadPoolExecutor(2) as pool:
        return list(pool.submit(calls_for_ever, client, **job).result())


def a_pool_waits_for_ever(_client, **_job):
    with ThreadPoolExecutor(1) as pool:
        never = threading.Event()
        pool.submit(never.wait, 1.5)
        never.wait()


def yields_for_ever(client, **job):
    sessions = every(client, **job)
    while True:
        yield from sessions
        yield None


async def yields_for_ever_in_a_loop(client, **job):
    for one in yields_for_ever(client, **job):
        yield one
