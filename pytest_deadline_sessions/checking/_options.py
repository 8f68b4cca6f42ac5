"""The checked arguments of ``check_pagination``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._arguments import (
    check_callable,
    check_choice,
    check_items,
    check_kind,
    check_switch,
    check_whole,
    wrong_type,
    wrong_value,
)
from pytest_deadline_sessions._contract.completeness import Key
from pytest_deadline_sessions._contract.target import Target, target_of
from pytest_deadline_sessions._domain.listing import Listing
from pytest_deadline_sessions.checking._case import VARIATIONS, Case
from pytest_deadline_sessions.checking._program import PATIENCE, Program
from pytest_deadline_sessions.checking._signatures import check_collector, check_signature

_PATIENCE = 5.0
_EXAMPLES = "a list of Listings and Cases"
_SECONDS = "a number of seconds above 0"
_WITHOUT = f"names among {', '.join(VARIATIONS)}"
_IDS_OF_A_QUEUE = ("farmId", "queueId")

MOST_JOBS = 100
"""The most jobs that a queue may have in a check."""


@dataclass(frozen=True)
class Options:
    """The arguments of ``check_pagination``.

    Attributes:
        collect: The collector: a function, or anything that ``call`` can use.
        operation: The API name of the operation whose pages it collects.
        call: Calls the collector, if it has a signature of its own.
        key: Where an item of the result has its session id.
        jobs: How many jobs the queue has that the collector is told; ``None`` if it is told a job.
        setup: Prepares the fake for each job, before the collector is called.
        client: The kind of client that the collector gets; ``None`` for the one that suits it.
        expected: Computes the right result from the complete list, if that is not the list itself.
        ordered: Whether the order matters.
        examples: The cases to try first.
        without: The variations to leave out.
        empty_final_token: Whether the last page has an empty token.
        max_examples: How many cases Hypothesis draws; ``None`` for the active profile's number.
        patience: How many seconds the collector may run without a call or a sleep.
    """

    collect: Any
    operation: str = model.OPERATION
    call: Callable[[Any, Any, Any], Any] | None = None
    key: Key | None = None
    jobs: int | None = None
    setup: Callable[[Any, Any], Any] | None = None
    client: Literal["plain", "async"] | None = None
    expected: Callable[[list[Any]], Any] | None = None
    ordered: bool = True
    examples: tuple[Case, ...] = ()
    without: frozenset[str] = frozenset()
    empty_final_token: bool = False
    max_examples: int | None = None
    patience: float = _PATIENCE

    @property
    def target(self) -> Target:
        """What the collector lists."""
        return target_of(self.operation)


def checked_options(
    *,
    collect: object,
    operation: object,
    call: object,
    key: object,
    jobs: object,
    setup: object,
    client: object,
    expected: object,
    ordered: object,
    examples: object,
    without: object,
    empty_final_token: object,
    max_examples: object,
    patience: object,
) -> Options:
    """Check the arguments of ``check_pagination``.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A variation is unknown, or a number out of range.
    """
    caller, preparing = cast("Any", call), cast("Any", setup)
    target = target_of(cast("Any", operation))
    if jobs is not None:
        jobs = check_whole("jobs", jobs, 1, MOST_JOBS)
        if target.ids != (*_IDS_OF_A_QUEUE, "jobId"):
            lists = f"no jobs= for {target.operation}, which is not told a job"
            raise wrong_value("jobs", jobs, lists)
    if client is not None:
        check_choice("client", client, ("plain", "async"))
    is_program = isinstance(collect, Program)
    if is_program:
        _refuse_for_programs(call=call, client=client)
    if call is not None:
        check_callable("call", call, "a function of the collector, a client and the ids of a job")
        check_signature("call", caller, "collect", "client", "job")
    elif not is_program:
        names = target.ids if jobs is None else _IDS_OF_A_QUEUE
        arguments = " and ".join(", ".join(["client", *names]).rsplit(", ", 1))
        function: Any = check_callable("collect", collect, f"a function of {arguments}")
        check_collector(function, names)
    if setup is not None:
        check_callable("setup", setup, "a function of the fake and a job")
        check_signature("setup", preparing, "fake", "job")
    expectation: Any = expected
    if expected is not None:
        check_callable("expected", expected, "a function of the complete list")
        check_signature("expected", expectation, "sessions")
    return Options(
        collect=collect,
        operation=target.operation,
        call=caller,
        key=_key(key, expectation),
        jobs=jobs,
        setup=preparing,
        client=cast("Literal['plain', 'async'] | None", client),
        expected=expectation,
        ordered=check_switch("ordered", ordered),
        examples=_cases(examples),
        without=_variations(without),
        empty_final_token=check_switch("empty_final_token", empty_final_token),
        max_examples=_number_of_cases(max_examples, 0 if is_program else None),
        patience=_seconds("patience", patience, PATIENCE if is_program else _PATIENCE),
    )


def _refuse_for_programs(**options: object) -> None:
    for name, value in options.items():
        if value is not None:
            raise wrong_value(name, value, f"no {name}= for a Program, which makes its own clients")


def _key(key: Any, expected: object) -> Key | None:
    if key is None:
        return None
    if expected is not None:
        raise wrong_value("key", key, "no key= beside expected=, which compares whole results")
    if isinstance(key, str):
        return key
    check_callable("key", key, "a name, or a function of an item of the result")
    check_signature("key", key, "item")
    function: Key = key
    return function


def _cases(examples: object) -> tuple[Case, ...]:
    if isinstance(examples, Listing):
        # A Listing is itself a sequence, of summaries.
        raise wrong_type("examples", examples, _EXAMPLES)
    return tuple(
        _case(f"examples[{index}]", example)
        for index, example in enumerate(check_items("examples", examples, _EXAMPLES))
    )


def _case(name: str, example: object) -> Case:
    if isinstance(example, Listing):
        return Case(example)
    if isinstance(example, Case):
        return example
    raise wrong_type(name, example, "a Listing or a Case")


def _variations(without: object) -> frozenset[str]:
    # The user may pass VARIATIONS itself, a dict, to leave out everything.
    listed = list(without) if isinstance(without, Mapping) else without
    names = check_items("without", listed, _WITHOUT)
    for index, name in enumerate(names):
        if check_kind(f"without[{index}]", name, str, _WITHOUT) not in VARIATIONS:
            raise wrong_value(f"without[{index}]", name, _WITHOUT)
    return frozenset(names)


def _number_of_cases(value: object, default: int | None) -> int | None:
    return default if value is None else check_whole("max_examples", value)


def _seconds(name: str, value: object, default: float) -> float:
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type(name, value, _SECONDS)
    if not 0 < value < math.inf:
        raise wrong_value(name, value, _SECONDS)
    return value
