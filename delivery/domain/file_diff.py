"""The difference between two texts of a file, line by line."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from itertools import islice

LONGEST = 2000
_KINDS = {"+": "added", "-": "removed", "@": "place"}


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line with its sign. `kind` is added, removed, place (where the lines are) or same."""

    kind: str
    text: str


def file_diff(before: str, after: str) -> tuple[DiffLine, ...]:
    """The changed lines with three lines around them, at most `LONGEST`; empty if nothing changes."""
    return tuple(islice(_lines(before, after), LONGEST))


def _lines(before: str, after: str) -> Iterator[DiffLine]:
    # The first two lines would be the names of the files.
    for line in islice(unified_diff(before.splitlines(), after.splitlines(), lineterm=""), 2, None):
        yield DiffLine(_KINDS.get(line[:1], "same"), line)
