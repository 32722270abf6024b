"""Plan of a bulk rotation: which connections share a new token, and in which order.

Pure rules. The plan is part of the page's URL, so it is not stored.
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
    """A connection in the plan: its id, the token's owner and organization, and the token's fingerprint."""

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
    """The connections that use the same token, as groups of two or more."""
    return _groups(entries, lambda entry: entry.fingerprint)


def same_person(entries: Iterable[PlannedConnection]) -> list[RotationStep]:
    """The connections of one person in one organization, as groups of two or more: one new token works for them."""
    return _groups(entries, lambda entry: entry.place_and_person)


def _groups(entries: Iterable[PlannedConnection], key: Any) -> list[RotationStep]:
    groups: dict[Hashable, list[int]] = {}
    for entry in entries:
        if key(entry):
            groups.setdefault(key(entry), []).append(entry.id)
    return [tuple(ids) for ids in groups.values() if len(ids) > 1]


def steps(order: Sequence[int], together: Iterable[Collection[int]]) -> list[RotationStep]:
    """The chosen connections as steps, in the order of their first connections. Overlapping groups become one step."""
    step_of: dict[int, list[int]] = {pk: [pk] for pk in order}
    for group in together:
        joined = list(dict.fromkeys(other for pk in group if pk in step_of for other in step_of[pk]))
        for pk in joined:
            step_of[pk] = joined
    position: Mapping[int, int] = {pk: index for index, pk in enumerate(order)}
    distinct = {tuple(sorted(step, key=position.__getitem__)) for step in step_of.values()}
    return sorted(distinct, key=lambda step: position[step[0]])


def write(steps: Iterable[RotationStep]) -> str:
    """Steps as a URL parameter: `3.7,9`."""
    return ",".join(".".join(map(str, step)) for step in steps)


def read(text: str) -> list[RotationStep]:
    """Steps from a URL parameter. Leaves out invalid and repeated ids, and those beyond the limit."""
    steps: list[RotationStep] = []
    seen: set[int] = set()
    for part in text[: MOST_CONNECTIONS * 20].split(","):
        ids = [int(text) for text in part.split(".") if text.isascii() and text.isdecimal() and len(text) < 19]
        step = tuple(pk for pk in dict.fromkeys(ids) if pk not in seen)
        seen.update(step)
        if step and len(seen) <= MOST_CONNECTIONS:
            steps.append(step)
    return steps
