"""The result of a benchmark, as JSON and as a line of the table."""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from statistics import median
from time import perf_counter
from types import FrameType


@dataclass(frozen=True)
class Measured:
    """One result. The goal is met if `value` is at most `goal`, or at least `goal` with `more_is_better`.

    `facts` are absolute figures of this machine, for information only; in seconds unless they say otherwise.
    """

    number: int
    work: str
    floor: str
    value: float
    goal: float
    unit: str = "×"
    more_is_better: bool = False
    facts: Mapping[str, float | int | str] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        """Whether the goal is met."""
        return self.value >= self.goal if self.more_is_better else self.value <= self.goal

    def as_json(self) -> dict[str, object]:
        """For the file."""
        return asdict(self) | {"met": self.met}

    def as_line(self) -> str:
        """For the table in the terminal."""
        sign = "≥" if self.more_is_better else "≤"
        facts = ", ".join(f"{name} {_short(value)}" for name, value in self.facts.items())
        mark = "met   " if self.met else "MISSED"
        found = f"{self.value:8.2f} {self.unit} ({sign} {self.goal:g})"
        return f"{self.number:>2}  {mark}  {found}  {self.work}\n{'':12}{facts}"


def _short(value: float | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    begun = perf_counter()
    work()
    return perf_counter() - begun


def calls_of(work: Callable[[], object]) -> int:
    """How many calls of functions it takes when it is done again. The same on a busy machine."""
    work()
    count = 0

    def one_more(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(one_more)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def side_by_side(works: Iterable[Callable[[], object]], times: int) -> list[float]:
    """The median of each, measured in turns, so that a busy moment of the machine affects all of them."""
    pieces = list(works)
    for work in pieces:
        work()
    taken: list[list[float]] = [[] for _ in pieces]
    for _ in range(times):
        for work, found in zip(pieces, taken, strict=True):
            found.append(seconds(work))
    return [median(found) for found in taken]
