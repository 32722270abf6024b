"""Capabilities of a credential, and findings about them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Verdict(StrEnum):
    """The result of probing a capability."""

    GRANTED = "granted"
    MISSING = "missing"
    NOT_PERMITTED = "not_permitted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Capability:
    """One thing that a credential can do, with its label at the provider.

    `needed_for` and `without` are sentences: what it is needed for, and what does not work without it.
    """

    key: str
    area: Literal["code", "build", "release"]
    level: str
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
    """The verdict on a capability in one project. `reason` is a code as in `Finding`."""

    project_id: str
    project_name: str
    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on one capability.

    `reason` is a stable code for why it is unknown or not permitted; empty if granted or missing. `seconds` is the
    duration of its probes. `by_project` has the verdicts in the probed projects, in this order: more than one only
    after a denial.
    """

    capability: str
    verdict: Verdict
    reason: str = ""
    seconds: float = 0.0
    activity_id: str | None = None
    by_project: tuple[ProjectVerdict, ...] = ()
