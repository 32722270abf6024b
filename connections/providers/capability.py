"""Capabilities of a credential, and what a check found of them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Verdict(StrEnum):
    """What a probe says of one capability."""

    GRANTED = "granted"
    MISSING = "missing"
    NOT_PERMITTED = "not_permitted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Capability:
    """One thing a credential may do, under the names of the user guide and of the provider.

    `needed_for` and `without` are sentences: what it is for, and what does not work without it.
    """

    key: str
    area: Literal["code", "build", "release"]
    level: str
    guide_label: str
    azure_label: str
    scope: str
    writes: bool
    needed_for: str
    without: str

    @property
    def short_name(self) -> str:
        """Such as `Build execute`."""
        return f"{self.area.capitalize()} {self.level.lower()}"


@dataclass(frozen=True, slots=True)
class ProjectVerdict:
    """What the probe of one capability came to in one project. `reason` is a code as in `Finding`."""

    project_id: str
    project_name: str
    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on one capability.

    `reason` is a stable code that says why we could not tell, or what was refused; empty when granted or
    missing. `seconds` is the time that its probes took. `by_project` holds the projects in which it was tried, in
    that order: none when it was not tried at all, and more than one only after a denial.
    """

    capability: str
    verdict: Verdict
    reason: str = ""
    seconds: float = 0.0
    activity_id: str | None = None
    by_project: tuple[ProjectVerdict, ...] = ()
