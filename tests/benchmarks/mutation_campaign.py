"""What ``check_pagination`` makes of mutants: ``python tests/benchmarks/mutation_campaign.py``.

Mutates the right collectors of the tests with every operator of cosmic-ray, and checks each mutant
at default settings, in a process of its own. By default takes every third mutant of each
definition; ``--every 1`` takes all. Arguments are the names of definitions, to take only theirs.
Prints what killed how many. Fails if a mutant survives that ``mutation_survivors.json`` does not
explain, or if one that it explains is killed. ``--write`` puts the counts into that file, from
which ``tests/support/documents.py`` makes the tables of docs/check_pagination.md. Needs fork.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import multiprocessing
import multiprocessing.connection
import os
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

import mutants  # noqa: E402

PATIENCE = 120
"""How many seconds a mutant may take; then its process is killed."""
MOST_USERS = 3
"""How many collectors check a mutant of what several use."""
EXCEPTION = "an exception"
LOST = "no answer"
SURVIVED = "survived"


def judge(mutant, options):
    """Check the collectors that use a mutant, until one of them breaks a rule or fails.

    Args:
        mutant: A mutant; without mutation, its collectors must pass.
        options: The arguments of ``check_pagination`` by the collector's module and name.

    Returns:
        The rule that it breaks, that it made something raise, or that it survived.
    """
    from pytest_deadline_sessions import PaginationViolation, check_pagination

    try:
        collectors = mutant.load()
        for name in mutants.users(mutant.definition)[:MOST_USERS]:
            given = options.get((mutant.definition.module, name), {})
            check_pagination(collectors[name], **given)
    except PaginationViolation as violation:
        return violation.rule
    except Exception:  # noqa: BLE001
        return EXCEPTION
    return SURVIVED


def _in_child(mutant, options, pipe):
    with Path(os.devnull).open("w") as nothing, contextlib.redirect_stdout(nothing):
        os.dup2(nothing.fileno(), 2)
        outcome = judge(mutant, options)
    pipe.send((outcome, time.process_time()))
    # Threads that the collector has left may run on.
    os._exit(0)


def judged(several, options):
    """Judge mutants, as many at once as there are processors, each in a process of its own.

    Yields:
        Each mutant with its outcome and the seconds of CPU that it took.
    """
    fork = multiprocessing.get_context("fork")
    waiting, running = collections.deque(several), {}
    while waiting or running:
        while waiting and len(running) < (os.cpu_count() or 1):
            mine, other = fork.Pipe(duplex=False)
            mutant = waiting.popleft()
            process = fork.Process(target=_in_child, args=(mutant, options, other), daemon=True)
            process.start()
            other.close()
            running[mine] = mutant, process, time.monotonic() + PATIENCE
        ready = multiprocessing.connection.wait(list(running), timeout=1)
        late = [pipe for pipe, (*_, end) in running.items() if time.monotonic() > end]
        for pipe in dict.fromkeys([*ready, *late]):
            mutant, process, _ = running.pop(pipe)
            answer = LOST, float(PATIENCE)
            with contextlib.suppress(EOFError):
                answer = pipe.recv() if pipe in ready else answer
            process.kill()
            process.join()
            pipe.close()
            yield mutant, *answer


def prepared():
    """Import what all processes share; return the options of each collector."""
    import hypothesis
    from collectors.right import RIGHT, paginator

    from pytest_deadline_sessions import check_pagination

    hypothesis.settings.register_profile("mutants", database=None)
    hypothesis.settings.load_profile("mutants")
    hypothesis.core.global_force_seed = 0
    check_pagination(paginator)
    return {(mutants.OWN, name): options for name, (_, options) in RIGHT.items()}


def refused(survivors, options):
    """Return the collectors that break a rule without mutation.

    A collector passes if a mutant of it has survived. The others are checked here.
    """
    alive = {name for each in survivors for name in mutants.users(each.definition)[:MOST_USERS]}
    originals = [
        mutants.original(definition)
        for module in mutants.modules()
        for definition in mutants.definitions(module)
        if definition.registers is not None and definition.registers not in alive
    ]
    outcomes = judged(originals, options)
    return [mutant.definition.name for mutant, outcome, _ in outcomes if outcome != SURVIVED]


def main():
    """Run the campaign; return the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args()
    options = prepared()
    several = [
        mutant
        for module in mutants.modules()
        for definition in mutants.definitions(module)
        if not asked.names or definition.name in asked.names
        for mutant in list(mutants.mutants(definition))[:: asked.every]
    ]
    counts = collections.defaultdict(collections.Counter)
    survivors, taken = [], 0.0
    for number, (mutant, outcome, seconds) in enumerate(judged(several, options), 1):
        counts[mutant.operator][outcome] += 1
        taken += seconds
        if outcome == SURVIVED:
            survivors.append(mutant)
        if number % 100 == 0:
            print(f"{number} of {len(several)}, {len(survivors)} survived", flush=True)
    for operator, outcomes in sorted(counts.items()):
        print(f"{operator}: {', '.join(f'{count} {name}' for name, count in outcomes.items())}")
    explained = mutants.explained()
    new = [each for each in survivors if each.key not in explained]
    tried = {each.key for each in several} - {each.key for each in survivors}
    gone = sorted(tried & explained.keys())
    print(f"\n{len(several)} mutants, {len(survivors)} survived, in {taken:.0f} s of CPU")
    print("\n".join(["not explained:", *(json.dumps(each.key) for each in new)] if new else []))
    print("\n".join(["no longer survive:", *map(json.dumps, gone)] if gone else []))
    wrong = [] if asked.names else refused(survivors, options)
    if wrong:
        print("without mutation these fail:", *wrong)
    if asked.write and not asked.names:
        kinds = collections.Counter(explained.get(each.key) for each in survivors)
        mutants.write_counts(counts, kinds)
    return 1 if new or gone or wrong else 0


if __name__ == "__main__":
    os.nice(10)
    sys.exit(main())
