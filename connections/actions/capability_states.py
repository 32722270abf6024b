"""Store the capabilities that a verification found."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from connections.domain.verification import WRITE_PROBES_OFF, Report
from connections.models import CapabilityState, ChosenProject, Connection
from connections.providers.capability import Finding, Verdict
from core.bulk_update import update_rows
from core.columns import fit_to_columns


@dataclass(frozen=True, slots=True)
class StoredCapabilities:
    """A line for each changed verdict, and the capabilities that are not confirmed.

    `same` are the states of which only the times changed. They are written by `write_times`, for many connections at
    once.
    """

    changes: list[str]
    lacking: frozenset[str]
    same: list[CapabilityState]


def store_findings(connection: Connection, report: Report, *, is_new_token: bool = False) -> StoredCapabilities:
    """Store the verdicts of an accepted report.

    An unknown verdict does not replace a known one, unless `is_new_token`.
    """
    if is_new_token:
        connection.capabilities.all().delete()
    stored = store_changes(connection, report, connection.capabilities.all())
    write_times(stored.same)
    return stored


def store_changes(connection: Connection, report: Report, known: Iterable[CapabilityState]) -> StoredCapabilities:
    """The same with the states that are stored, and without the times of those that are as before."""
    known_states = {state.capability: state for state in known}
    changes, lacking, same = [], set(), []
    for finding in report.findings:
        state = known_states.get(finding.capability) or CapabilityState(
            connection=connection, capability=finding.capability
        )
        before, stored = state.verdict, _conclusion(state)
        _apply(state, finding, report.finished_at)
        is_same = _conclusion(state) == stored or _conclusion(fit_to_columns(state)) == stored
        if is_same and state.pk is not None:
            same.append(state)
        else:
            state.save()
        if before and before != state.verdict:
            changes.append(f"{finding.capability}: {before} -> {state.verdict}")
        if state.is_lacking:
            lacking.add(finding.capability)
    _note_hidden_projects(connection, report)
    return StoredCapabilities(changes, frozenset(lacking), same)


def write_times(states: Sequence[CapabilityState]) -> None:
    """Write when these were verified and checked."""
    update_rows(states, ("verified_at", "checked_at"))


def _note_hidden_projects(connection: Connection, report: Report) -> None:
    """Record since when chosen projects are not visible. An incomplete list proves only what it contains."""
    if connection.all_projects:
        return
    hidden = {project.id.lower() for project in report.not_visible}
    visible = {project.id.lower() for project in report.projects if project.is_usable}
    for chosen in connection.chosen_projects.all():
        key, since = chosen.project_id.lower(), chosen.not_visible_since
        if key in hidden:
            chosen.not_visible_since = since or report.finished_at
        elif key in visible:
            chosen.not_visible_since = None
        if chosen.not_visible_since != since:
            # An update, as the project may no longer be chosen.
            since = chosen.not_visible_since
            ChosenProject.objects.filter(pk=chosen.pk).update(not_visible_since=since)


def _conclusion(state: CapabilityState) -> tuple[object, ...]:
    """What is stored of a capability, without the times."""
    return state.pk, state.verdict, state.reason, state.doubt, state.by_project


def _apply(state: CapabilityState, finding: Finding, at: datetime) -> None:
    state.checked_at = at
    is_unknown = finding.verdict is Verdict.UNKNOWN
    if is_unknown and state.verdict not in ("", Verdict.UNKNOWN):
        state.doubt = finding.reason if finding.reason != WRITE_PROBES_OFF else ""
        return
    state.verdict = finding.verdict
    state.reason = finding.reason
    state.by_project = [asdict(here) for here in finding.by_project]
    state.doubt = ""
    if not is_unknown:
        state.verified_at = at
