"""All collections over many seeds: ``python tests/benchmarks/campaign.py [SEEDS [KIND …]]``.

Each seed has a process of its own, as with ``pytest --hypothesis-seed=SEED``. Prints what each
collector took, and whatever was missed, flagged falsely or reported under another rule.

The cases that are always tried are the same with every seed. So right collectors, which cost most,
are tried in them with the first seed, and with the others only in those that Hypothesis draws.
"""

from __future__ import annotations

import collections
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

KINDS = ["right", "wrong", "strangers-right", "strangers-wrong"]
TESTS = Path(__file__).parent.parent


def run(seed, kinds):
    """Try every collector with one seed; one line of JSON each."""
    import hypothesis
    from collectors import strangers
    from collectors.right import RIGHT
    from collectors.wrong import WRONG

    from pytest_deadline_sessions import PaginationViolation, check_pagination
    from pytest_deadline_sessions.checking import RULES

    hypothesis.settings.register_profile("campaign", database=None)
    drawn = [hypothesis.Phase.generate, hypothesis.Phase.shrink]
    hypothesis.settings.register_profile("drawn", database=None, phases=drawn)
    hypothesis.core.global_force_seed = seed
    rights = {name: (collect, {None}, options) for name, (collect, options) in RIGHT.items()}
    several = {
        "right": rights,
        "wrong": WRONG,
        "strangers-right": {
            name: (collect, {None}, {}) for name, collect in strangers.right().items()
        },
        "strangers-wrong": {
            name: (collect, set(RULES), {})
            for name, (collect, _) in strangers.wrong().items()
            if name not in strangers.OUT_OF_REACH
        },
    }
    for kind in kinds:
        whole = seed == 0 or "wrong" in kind
        hypothesis.settings.load_profile("campaign" if whole else "drawn")
        for name, (collect, rules, options) in several[kind].items():
            before, found = time.process_time(), None
            try:
                check_pagination(collect, **options)
            except PaginationViolation as violation:
                found = violation.rule
            line = {
                "kind": kind,
                "name": name,
                "seconds": time.process_time() - before,
                "found": found,
                "as_it_should": found in rules,
            }
            print(json.dumps(line), file=sys.__stdout__, flush=True)


def lines_of(seed, kinds):
    """What a run with that seed gives."""
    environment = {
        **os.environ,
        "PYTHONHASHSEED": str(seed),
        "PYTHONPATH": os.pathsep.join([str(TESTS / "support"), str(TESTS.parent)]),
    }
    command = [sys.executable, __file__, "--seed", str(seed), *kinds]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    for line in done.stdout.splitlines():
        if line.startswith('{"kind"'):
            yield json.loads(line)


def main(seeds, kinds):
    """Run all seeds, and print a table."""
    seconds = collections.defaultdict(list)
    strange = []
    for seed in range(seeds):
        for line in lines_of(seed, kinds):
            seconds[line["kind"], line["name"]].append(line["seconds"])
            if not line["as_it_should"]:
                strange.append(f"seed {seed}: {line['kind']} {line['name']} found {line['found']}")
        print(f"seed {seed} done, {len(strange)} strange", flush=True)
    print("\n| | collector | median CPU s | most |\n| --- | --- | --- | --- |")
    for (kind, name), taken in seconds.items():
        print(f"| {kind} | {name} | {statistics.median(taken):.2f} | {max(taken):.2f} |")
    for kind in kinds:
        medians = [statistics.median(taken) for (one, _), taken in seconds.items() if one == kind]
        print(
            f"\n{len(medians)} {kind}: median {statistics.median(medians):.2f} CPU s, "
            f"most {max(medians):.2f}"
        )
    print("\n".join([f"\n{len(strange)} not as they should be", *strange]))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--seed"]:
        run(int(sys.argv[2]), sys.argv[3:])
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 20, sys.argv[2:] or KINDS)
