"""The cases that a program is tried in: few, since each starts a process."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions._service.behavior import Behavior
from pytest_deadline_sessions.checking._case import EMPTY, TWO, Case, Lapse
from pytest_deadline_sessions.lifecycle import STARTED


def program_cases(without: Collection[str] = ()) -> Iterator[Case]:
    """The simplest cases of each variation, the simplest first.

    No fault ends by itself, since a client that waited for that would really sleep.

    Args:
        without: The variations to leave out.
    """
    yield from (Case(Listing(page_sizes=(1,))), Case(TWO), Case(EMPTY))
    for variation, cases in _by_variation().items():
        if variation not in without:
            yield from cases


def _by_variation() -> dict[str, list[Case]]:
    statuses = tuple((status, 1) for status in model.enum("SessionLifecycleStatus"))
    faults = (
        Lapse("AccessDeniedException"),
        Lapse("AccessDeniedException", after=1),
        Lapse("ThrottlingException", after=1),
        Lapse("InternalServerErrorException", after=1),
        Lapse("ConnectionClosedError", after=1),
    )
    return {
        "page-sizes": [
            Case(Listing(page_sizes=(2, 1))),
            Case(Listing(runs=((STARTED, 101),))),
        ],
        "empty-pages": [Case(Listing(page_sizes=sizes)) for sizes in ((0, 1), (1, 0, 1))],
        "data": [Case(Listing(page_sizes=(2, 3), runs=statuses, order="newest-first"))],
        "tokens": [
            Case(TWO, Behavior(token_length=4096)),
            Case(TWO, Behavior(spaces_around_tokens=True)),
            Case(TWO, Behavior(null_final_token=True)),
        ],
        "faults": [Case(TWO, lapses=(lapse,)) for lapse in faults],
        "expiry": [Case(TWO, expiries=(1,))],
        "drift": [Case(TWO, drift=((1, "start"),))],
        # A program may keep state in files.
        "sequences": [Case(TWO, sequence="two-jobs"), Case(TWO, sequence="sessions-added")],
        "volume": [Case(Listing(page_sizes=(1,) * 30)), Case(Listing(runs=((STARTED, 1001),)))],
    }
