"""Write what a check found onto a connection."""

from dataclasses import dataclass
from datetime import datetime

from connections.azure_devops.capabilities import Finding, Verdict
from connections.checks import WRITE_PROBES_OFF, Report
from connections.models import CapabilityState, Connection


@dataclass(frozen=True, slots=True)
class Stored:
    """One line for each verdict that changed, and the capabilities that are not proved now."""

    changes: list[str]
    lacking: frozenset[str]


def store_findings(connection: Connection, report: Report, *, afresh: bool = False) -> Stored:
    """Keep the verdicts of an accepted report.

    A look that could not tell does not erase what is known, unless `afresh`: then the token is another one.
    """
    known = {} if afresh else {state.capability: state for state in connection.capabilities.all()}
    if afresh:
        connection.capabilities.all().delete()
    changes = []
    lacking = set()
    for finding in report.findings:
        state = known.get(finding.capability)
        before = state.verdict if state else ""
        state = state or CapabilityState(connection=connection, capability=finding.capability)
        _take(state, finding, report.finished_at)
        state.save()
        if before and before != state.verdict:
            changes.append(f"{finding.capability}: {before} -> {state.verdict}")
        if state.verdict != Verdict.GRANTED and state.reason != WRITE_PROBES_OFF:
            lacking.add(finding.capability)
    return Stored(changes, frozenset(lacking))


def _take(state: CapabilityState, finding: Finding, at: datetime) -> None:
    state.checked_at = at
    unsure = finding.verdict is Verdict.UNKNOWN
    if unsure and state.verdict not in ("", Verdict.UNKNOWN):
        state.doubt = finding.reason if finding.reason != WRITE_PROBES_OFF else state.doubt
        return
    state.verdict = finding.verdict
    state.reason = finding.reason
    state.doubt = ""
    if not unsure:
        state.verified_at = at
