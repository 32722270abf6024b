"""A round of rotations: which connections take one new token together, in which order, and how far a person is.

Pure rules. The round stands in the address of its page, so nothing of it is kept anywhere.
"""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

MOST_CONNECTIONS = 200
# In milliseconds of Unix time: the year 2096.
_LATEST_START = 4_000_000_000_000
RotationStep = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PlannedConnection:
    """A connection in the plan: its id, whose token it is where, and the token's fingerprint."""

    id: int
    place_and_person: Hashable
    fingerprint: str


@dataclass(frozen=True, slots=True)
class BulkRotation:
    """How far a person is: at the step of number `at`, or past the last. `since` is when it began, in milliseconds of
    Unix time.
    """

    steps: list[RotationStep]
    at: int
    since: int
    within: int

    @classmethod
    def starting(cls, steps: list[RotationStep], *, now: datetime, within: int) -> "BulkRotation":
        """One that begins now, at its first step."""
        return cls(steps, 1, int(now.timestamp() * 1000), within)

    @classmethod
    def read(cls, steps: str, *, at: int, since: int, within: int) -> "BulkRotation":
        """What an address says, with numbers that mean nothing brought to the nearest that do."""
        found = read(steps)
        return cls(found, min(max(at, 1), len(found) + 1), min(since, _LATEST_START), within)

    @property
    def step(self) -> RotationStep:
        """The ids of this step; none when it is over."""
        return self.steps[self.at - 1] if self.at <= len(self.steps) else ()

    @property
    def began(self) -> datetime:
        """When it began."""
        return datetime.fromtimestamp(self.since / 1000, tz=UTC)

    def at_step(self, at: int) -> "BulkRotation":
        """The same at another step."""
        return replace(self, at=at)

    def again_with(self, ids: Iterable[int]) -> "BulkRotation":
        """The same for these connections only, one after another from the first."""
        return replace(self, steps=[(connection_id,) for connection_id in ids], at=1)

    def narrowed_to(self, failed: RotationStep, *, done: RotationStep) -> "BulkRotation":
        """At a step of those that failed. What is done becomes a step of its own, so that the end of it counts that."""
        before, after = self.steps[: self.at - 1], self.steps[self.at :]
        if not done:
            return replace(self, steps=[*before, failed, *after])
        return replace(self, steps=[*before, done, failed, *after], at=self.at + 1)


def sharing(entries: Iterable[PlannedConnection]) -> list[RotationStep]:
    """The connections that keep the same token, as sets of two or more."""
    return _sets(entries, lambda one: one.fingerprint)


def same_person(entries: Iterable[PlannedConnection]) -> list[RotationStep]:
    """The connections of one person at one place, as sets of two or more: one new token can serve them."""
    return _sets(entries, lambda one: one.place_and_person)


def _sets(entries: Iterable[PlannedConnection], key: Any) -> list[RotationStep]:
    found: dict[Hashable, list[int]] = {}
    for planned_connection in entries:
        if key(planned_connection):
            found.setdefault(key(planned_connection), []).append(planned_connection.id)
    return [tuple(ids) for ids in found.values() if len(ids) > 1]


def steps(order: Sequence[int], together: Iterable[Collection[int]]) -> list[RotationStep]:
    """The chosen connections as steps, each where its first connection stands. Sets that overlap are one step."""
    step_of: dict[int, list[int]] = {number: [number] for number in order}
    for wanted in together:
        joined = list(dict.fromkeys(number for each in wanted if each in step_of for number in step_of[each]))
        for one in joined:
            step_of[one] = joined
    place: Mapping[int, int] = {one: index for index, one in enumerate(order)}
    found = {tuple(sorted(each, key=place.__getitem__)) for each in step_of.values()}
    return sorted(found, key=lambda step: place[step[0]])


def write(found: Iterable[RotationStep]) -> str:
    """Steps as they stand in an address: `3.7,9`."""
    return ",".join(".".join(map(str, step)) for step in found)


def read(text: str) -> list[RotationStep]:
    """Steps of an address. What cannot be read, comes twice or is too much is left out."""
    found: list[RotationStep] = []
    seen: set[int] = set()
    for part in text[: MOST_CONNECTIONS * 20].split(","):
        numbers = [int(name) for name in part.split(".") if name.isascii() and name.isdecimal() and len(name) < 19]
        step = tuple(number for number in dict.fromkeys(numbers) if number not in seen)
        seen.update(step)
        if step and len(seen) <= MOST_CONNECTIONS:
            found.append(step)
    return found
