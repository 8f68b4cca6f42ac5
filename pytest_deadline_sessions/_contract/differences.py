"""Describe how two lists of session ids differ."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_deadline_sessions._text import first_of, plural, shorten

_MOST_SPANS = 10
_MOST_IDS = 3
_MOST_PLACES = 12
_PLACES_BEFORE, _PLACES_AFTER = 6, 3


@dataclass(frozen=True)
class Differences:
    """Which ids are missing from a result, duplicated in it, or not expected in it.

    Attributes:
        missing: The ids that the result has fewer times than the listing.
        duplicated: The ids that the result has more times than the listing.
        unexpected: The ids that are not in the listing.
        places: The place of each id in the listing.
    """

    missing: Sequence[str]
    duplicated: Sequence[str]
    unexpected: Sequence[str]
    places: Mapping[str, int]

    def __bool__(self) -> bool:
        return bool(self.missing or self.duplicated or self.unexpected)

    def counts(self) -> str:
        """Say how many ids are wrong, such as ``1 missing, 2 duplicated``."""
        return ", ".join(f"{len(ids)} {word}" for word, ids in self._groups())

    def lines(self) -> list[str]:
        """Say which ids are wrong: a line each for missing, duplicated and unexpected ones."""
        return [f"{len(ids)} {word}: {self._named(ids)}" for word, ids in self._groups()]

    def _groups(self) -> list[tuple[str, Sequence[str]]]:
        groups = (
            ("missing", self.missing),
            ("duplicated", self.duplicated),
            ("unexpected", self.unexpected),
        )
        return [(word, ids) for word, ids in groups if ids]

    def _named(self, ids: Sequence[str]) -> str:
        names = ", ".join(first_of(map(shorten, ids), _MOST_IDS))
        places = spans(self.places[each] for each in ids if each in self.places)
        return f"{places} ({names})" if places else names


def compare(
    got: Sequence[str], listed: Sequence[str], started: Collection[str] = ()
) -> Differences:
    """Compare the ids of a result with those of a listing, ignoring order.

    Args:
        got: The ids of the result.
        listed: The ids of the listing.
        started: The ids of sessions that started during paging; each is allowed, not required.

    Example:
        >>> differences = compare(["a", "a", "x"], ["a", "b", "c", "d"])
        >>> differences.counts()
        '3 missing, 1 duplicated, 1 unexpected'
        >>> differences.lines()
        ['3 missing: #1..#3 (b, c, d)', '1 duplicated: #0 (a)', '1 unexpected: x']
    """
    times, due = Counter(got), Counter(listed)
    allowed = due | Counter(dict.fromkeys(started, 1))
    return Differences(
        missing=[each for each in due if times[each] < due[each]],
        duplicated=[each for each in allowed if times[each] > allowed[each]],
        unexpected=[each for each in times if each not in allowed],
        places=places_of(listed),
    )


def places_of(ids: Iterable[str]) -> dict[str, int]:
    """Map each id to its place; a repeated id to its last place."""
    return {each: place for place, each in enumerate(ids)}


def spans(places: Iterable[int]) -> str:
    """Write places in a listing, with consecutive places joined to a span.

    Example:
        >>> spans([7, 2, 3, 4])
        '#2..#4, #7'
    """
    texts = []
    for _, run in itertools.groupby(enumerate(sorted(places)), key=lambda pair: pair[1] - pair[0]):
        first, *rest = [place for _, place in run]
        texts.append(f"#{first}..#{rest[-1]}" if rest else f"#{first}")
    return ", ".join(first_of(texts, _MOST_SPANS))


def ids_by_place(ids: Sequence[str], listed: Sequence[str]) -> str:
    """Write the ids of a result as places in the listing; a long result loses its middle.

    Example:
        >>> ids_by_place(["b", "x"], ["a", "b"])
        '2 sessions: #1, x (not in the listing)'
    """
    places = places_of(listed)
    texts = [
        f"#{places[each]}" if each in places else f"{shorten(each)} (not in the listing)"
        for each in ids
    ]
    if len(texts) > _MOST_PLACES:
        hidden = len(texts) - _PLACES_BEFORE - _PLACES_AFTER
        texts = [*texts[:_PLACES_BEFORE], f"… {hidden} more …", *texts[-_PLACES_AFTER:]]
    return f"{plural(len(ids), 'session')}: {', '.join(texts)}" if ids else "no sessions"


def first_out_of_order(got: Sequence[str], listed: Sequence[str]) -> list[str]:
    """Say where two orders of the same ids first differ, and what follows from there."""
    pairs = enumerate(zip(got, listed, strict=True))
    place = next(place for place, (left, right) in pairs if left != right)
    places = places_of(listed)
    texts = [f"#{places[each]}" for each in got[place:]]
    return [
        f"sessions[{place}]: {shorten(got[place])} (expected {shorten(listed[place])})",
        f"from there on: {', '.join(first_of(texts, _MOST_SPANS))}",
    ]
