"""Labels, icons and tones of states, verdicts and problems. Colour is never the only sign."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from connections.domain import expiry
from connections.domain.health import Expiry, Health, shown_states
from connections.domain.problems import NO_FACTS, Facts, Problem, catalogue
from connections.domain.where_tried import in_words
from connections.models import CapabilityState, Connection
from connections.providers.capability import Capability, Finding, ProjectVerdict, Verdict
from connections.providers.organization import Place
from connections.providers.registry import CAPABILITIES, capabilities_of
from connections.reads import Row

UNKNOWN_ICON = "circle-question-mark"


@dataclass(frozen=True, slots=True)
class Chip:
    """A state as icon and label. `tone` is good, warn, bad, info or quiet."""

    label: str
    icon: str
    tone: str


HEALTH_CHIPS: dict[StrEnum, Chip] = {
    Health.HEALTHY: Chip("Healthy", "circle-check", "good"),
    Health.LIMITED: Chip("Limited", "circle-alert", "warn"),
    Health.REJECTED: Chip("Rejected", "circle-x", "bad"),
    Health.UNREACHABLE: Chip("Unreachable", "unplug", "warn"),
    Health.NOT_CHECKED: Chip("Not checked", "circle-dashed", "quiet"),
    Health.DISABLED: Chip("Disabled", "circle-pause", "quiet"),
}
EXPIRY_CHIPS: dict[StrEnum, Chip] = {
    Expiry.FINE: Chip("Not expiring soon", "calendar-check", "quiet"),
    Expiry.EXPIRED: Chip("Expired", "calendar-x", "bad"),
    Expiry.NOT_RECORDED: Chip("No expiry date", "calendar-plus", "info"),
}
VERDICT_CHIPS: dict[str, Chip] = {
    Verdict.GRANTED: Chip(catalogue.VERDICT_WORDS[Verdict.GRANTED], "circle-check", "good"),
    Verdict.MISSING: Chip(catalogue.VERDICT_WORDS[Verdict.MISSING], "circle-x", "bad"),
    Verdict.NOT_PERMITTED: Chip(catalogue.VERDICT_WORDS[Verdict.NOT_PERMITTED], "shield-x", "warn"),
    Verdict.UNKNOWN: Chip(catalogue.VERDICT_WORDS[Verdict.UNKNOWN], "circle-question-mark", "quiet"),
}


def health_of_connection(connection: Connection | Row) -> Health:
    """The health to show: a disabled connection is shown as disabled only."""
    return Health.DISABLED if connection.disabled else Health(connection.health)


@dataclass(frozen=True, slots=True)
class States:
    """Health and expiry of a connection, and the chips of a row: each of the two that needs attention."""

    health: Chip
    expiry: Chip
    chips: tuple[Chip, ...]
    expires_text: str
    expires_tone: str


def states(connection: Connection | Row, *, today: date) -> States:
    """The states of a connection on this day."""
    health = health_of_connection(connection)
    health_chip, expiry_chip = HEALTH_CHIPS[health], expiry_chip_of(connection.expires_on, today=today)
    shown = shown_states(health, expiry.expiry_of(connection.expires_on, today))
    return States(
        health=health_chip,
        expiry=expiry_chip,
        chips=tuple(health_chip if isinstance(state, Health) else expiry_chip for state in shown),
        expires_text=expiry.in_words(connection.expires_on, today),
        expires_tone=expiry.tone_of(connection.expires_on, today),
    )


def expiry_chip_of(expires_on: date | None, *, today: date) -> Chip:
    """The chip of an expiry date, such as "Expires tomorrow"."""
    end = expiry.expiry_of(expires_on, today)
    if expires_on is None or end is not Expiry.SOON:
        return EXPIRY_CHIPS[end]
    words = expiry.relative_day(expires_on, today)
    return Chip(f"Expires {words}", "calendar-clock", expiry.tone_of(expires_on, today))


def projects_summary(count: int, *, of_all: bool) -> str:
    """How many projects a connection covers."""
    if of_all:
        return "All projects"
    return "1 project" if count == 1 else f"{count} projects"


@dataclass(frozen=True, slots=True)
class ProblemView(Problem):
    """A problem of the catalogue with its links, as a page shows it."""

    link_url: str = ""
    link_label: str = ""
    activity_id: str = ""
    # What an administrator of Azure DevOps has to add, and ids of Microsoft Entra for support.
    object_id: str = ""
    support: str = ""

    @property
    def activity_label(self) -> str:
        """Whose id it is."""
        return "Microsoft Entra trace ID" if self.code.startswith("entra_") else "Azure DevOps activity ID"


def problem_view(
    code: str, *, tokens_page: str = "", activity_id: str | None = None, place: Place, facts: Facts = NO_FACTS
) -> ProblemView:
    """The texts for a problem code, worded for an organization or a collection as `place` says."""
    problem = catalogue.problem(code, place=place, facts=facts)
    url, label = "", ""
    if problem.link == "tokens" and tokens_page:
        url, label = tokens_page, "Open your tokens in Azure DevOps"
    elif problem.link == "status":
        url, label = catalogue.STATUS_PAGE, "Open the Azure DevOps service status"
    given = {
        "link_url": url,
        "link_label": label,
        # The ids of Microsoft Entra include it.
        "activity_id": "" if facts.support else activity_id or "",
        "object_id": facts.object_id,
        "support": facts.support,
    }
    return ProblemView(**asdict(problem), **given)


@dataclass(frozen=True, slots=True)
class CapabilityRow:
    """One capability as a page shows it. `use` is what it is needed for, or what does not work without it."""

    capability: Capability
    use: str
    chip: Chip
    reason: str = ""
    # Projects where it is denied and where it is granted; empty if it is denied nowhere.
    where: str = ""
    seconds: float | None = None
    verified_at: datetime | None = None


@dataclass(slots=True)
class CapabilityGroup:
    """The capabilities of one area: Code, Build or Release."""

    label: str
    rows: list[CapabilityRow] = field(default_factory=list)


def _row(key: str, verdict: str, reason: str, *, chip: Chip | None = None, **optional: Any) -> CapabilityRow:
    capability = CAPABILITIES[key]
    # For "not permitted", the chip says enough.
    explained = catalogue.problem(reason).title if reason and verdict != Verdict.NOT_PERMITTED else ""
    return CapabilityRow(
        capability,
        use=capability.needed_for if verdict == Verdict.GRANTED else capability.without,
        chip=chip or VERDICT_CHIPS[verdict],
        reason=explained,
        **optional,
    )


def _grouped(rows: Iterable[CapabilityRow]) -> list[CapabilityGroup]:
    groups = {area: CapabilityGroup(label) for area, label in catalogue.AREA_LABELS.items()}
    for row in rows:
        groups[row.capability.area].rows.append(row)
    return list(groups.values())


def _permission_chip(verdict: str, by_project: Iterable[ProjectVerdict]) -> Chip:
    """The chip of a permission that an application has in some projects."""
    usual = VERDICT_CHIPS[verdict]
    if verdict == Verdict.NOT_PERMITTED:
        return replace(usual, label="Permitted in no project")
    if verdict != Verdict.GRANTED:
        return usual
    everywhere = all(here.verdict is Verdict.GRANTED for here in by_project)
    return replace(usual, label="Permitted in all projects" if everywhere else "Permitted in some projects")


def finding_groups(findings: Iterable[Finding], *, is_principal: bool = False) -> list[CapabilityGroup]:
    """A report's findings for a page. An application has permissions instead of scopes."""
    return _grouped(
        _row(
            finding.capability,
            finding.verdict,
            finding.reason,
            chip=_permission_chip(finding.verdict, finding.by_project) if is_principal else None,
            where=in_words(finding.by_project),
            seconds=finding.seconds,
        )
        for finding in findings
    )


def stored_groups(connection: Connection, *, is_principal: bool = False) -> list[CapabilityGroup]:
    """The stored state of each capability for a page; one that was never checked is unknown."""
    known: dict[str, CapabilityState] = {state.capability: state for state in connection.capabilities.all()}
    rows = []
    for capability in capabilities_of(connection.provider):
        state = known.get(capability.key)
        if state is None:
            rows.append(_row(capability.key, Verdict.UNKNOWN, ""))
        else:
            row = _row(
                capability.key,
                state.verdict,
                state.reason,
                chip=_permission_chip(state.verdict, state.project_verdicts()) if is_principal else None,
                where=in_words(state.project_verdicts()),
                verified_at=state.verified_at,
            )
            rows.append(replace(row, reason=_doubted(state.doubt)) if state.doubt else row)
    return _grouped(rows)


def _doubted(code: str) -> str:
    return f"The last check could not confirm this: {catalogue.problem(code).title}"
