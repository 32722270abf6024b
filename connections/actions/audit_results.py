"""Write what audits found: of one connection for a person, of many at once for the scheduler."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import random

from django.conf import settings
from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from connections import clients
from connections.actions import audit_runs, rate_limit_pauses, read_dates, status_changes, versions
from connections.actions.capability_states import StoredCapabilities, store_changes, write_times
from connections.actions.coverage import coverage_changed
from connections.actions.refusal_causes import with_cause
from connections.domain import expiry, scheduling
from connections.domain.health import AuditOutcome, Health, HealthState, next_state, outcome_of
from connections.domain.verification import Failure, Report, nothing_found
from connections.leak_guard import leaked_among
from connections.models import CapabilityState, Connection
from connections.notifications.reminders import count_as_reminded
from connections.providers.organization import ProjectRef
from core.bulk_update import update_rows
from core.metric_totals import totals
from history.record import Actor, record_each

log = logging.getLogger(__name__)
# The fields that an audit may change.
_AUDITED = (
    "health",
    "health_since",
    "problem",
    "problem_host",
    "activity_id",
    "consecutive_failures",
    "checked_at",
    "notified_health",
    "notified_lacking",
    "confirmations",
    "expires_on",
    "expires_read_on",
    "next_check_at",
    "leased_until",
    "lease",
)


@dataclass(frozen=True, slots=True)
class Result:
    """What an audit found. `connection` is as it was when Azure DevOps was asked.

    `lease` is the name of the lease under which it was audited; None for a person, who needs none.
    """

    connection: Connection
    report: Report
    lease: str | None = None


@dataclass(frozen=True, slots=True)
class _Change:
    """How an audit changed a connection, which is locked; `report` has the likely cause. None if it came too late."""

    current: Connection
    report: Report
    same: Sequence[CapabilityState] = ()
    detail: dict[str, object] | None = None
    # Whether a token that was rejected before is accepted.
    works_again: bool = False


def write(results: Sequence[Result], *, by: Actor) -> list[Report]:
    """Write these results, of different connections, in the transaction of the caller: all of them or none.

    A result for a token that was replaced in the meantime is only recorded. Nothing is written of a connection that
    was disconnected, or whose lease is lost. Returns the reports with their likely causes, without those.
    """
    changes = _changes(results)
    written = [change for change in changes if change.detail is not None]
    update_rows([change.current for change in written], _AUDITED)
    write_times([state for change in written for state in change.same])
    for change in written:
        if change.works_again:
            # What failed because of the rejection may succeed now.
            coverage_changed(change.current, now=change.report.finished_at)
    _pause_people(written)
    done = (audit_runs.Done(change.current, change.report.finished_at, _code(change.report)) for change in written)
    audit_runs.mark_each_done({audit.connection.pk: audit for audit in done})
    record_each("connection.tested", map(_entry, changes), by=by)
    transaction.on_commit(partial(_count, [change.current.health for change in written]))
    return [change.report for change in changes]


def _changes(results: Sequence[Result]) -> list[_Change]:
    """Lock the connections until the commit, so that the result of an old token is never stored for a new one."""
    held = versions.held_among(result.connection.pk for result in results)
    kept = [result for result in results if _is_kept(result, held.get(result.connection.pk))]
    accepted = [held[result.connection.pk] for result in kept if result.report.accepted]
    states = _states_of(accepted)
    prefetch_related_objects([current for current in accepted if not current.all_projects], "chosen_projects")
    leaked = leaked_among(result.connection.fingerprint for result in kept)
    return [
        _change(
            held[result.connection.pk],
            result,
            states[result.connection.pk],
            is_leaked=result.connection.fingerprint in leaked,
        )
        for result in kept
    ]


def _is_kept(result: Result, current: Connection | None) -> bool:
    with bound_contextvars(connection_id=result.connection.pk):
        if current is None:
            log.info("Connection %s was disconnected while it was audited.", result.connection.pk)
        elif result.lease not in (None, current.lease) and current.token_set_at == result.connection.token_set_at:
            log.info("Connection %s was changed or claimed while it was audited.", result.connection.pk)
        else:
            return True
        return False


def _states_of(connections: Sequence[Connection]) -> dict[int, list[CapabilityState]]:
    """The stored states of their capabilities, by the ids of the connections."""
    states: dict[int, list[CapabilityState]] = defaultdict(list)
    for state in CapabilityState.objects.filter(connection__in=connections) if connections else ():
        states[state.connection_id].append(state)
    return states


def _change(current: Connection, result: Result, states: Sequence[CapabilityState], *, is_leaked: bool) -> _Change:
    if current.token_set_at != result.connection.token_set_at:
        return _Change(current, result.report)
    with bound_contextvars(connection_id=current.pk):
        # A token that was declared leaked during the audit is not used, whatever Azure DevOps answered.
        found = _leaked(result.report) if is_leaked else result.report
        return _apply(current, with_cause(current, found), states)


def _leaked(report: Report) -> Report:
    return nothing_found(Failure(expiry.LEAKED, transient=False), at=report.finished_at)


def _apply(current: Connection, report: Report, states: Sequence[CapabilityState]) -> _Change:
    """Set the fields of the connection, and store what few audits change: verdicts, dates, mails."""
    stored = store_changes(current, report, states) if report.accepted else StoredCapabilities([], frozenset(), [])
    corrected = _correct_date(current, report) or read_dates.apply_read_date(current, report)
    outcome = outcome_of(report, lacking=stored.lacking)
    before = _update_health(current, outcome, report)
    observation = status_changes.Observation(
        lacking=stored.lacking,
        answered=outcome is not AuditOutcome.INCONCLUSIVE,
        seen_again=before == current.health,
    )
    status_changes.apply_observation(current, observation, at=report.finished_at)
    current.next_check_at = _next_run(current, report)
    if report.accepted and _ids(report.chosen) != _ids(current.limited_to()):
        # Other projects were chosen in the meantime, so they need an audit of their own.
        current.next_check_at = report.finished_at
    current.leased_until, current.lease = None, ""
    detail = _detail(current, report, before=before, corrected=corrected)
    works_again = before == Health.REJECTED and report.accepted
    return _Change(current, report, stored.same, {**detail, "changes": stored.changes}, works_again)


def _ids(projects: Iterable[ProjectRef]) -> set[str]:
    return {project.id for project in projects}


def _update_health(current: Connection, outcome: AuditOutcome, report: Report) -> Health:
    """Set the new health state on the connection, and return the previous health."""
    before = HealthState(Health(current.health), current.problem, current.consecutive_failures, current.problem_host)
    host = report.failure.host if report.failure else ""
    repeats = settings.TROUBLES_BEFORE_UNREACHABLE
    after = next_state(before, outcome, _code(report), repeats=repeats, host=host)
    if before.health != after.health:
        current.health_since = report.finished_at
    current.health = after.health
    current.problem = after.problem
    current.problem_host = after.host
    current.consecutive_failures = after.consecutive_failures
    current.activity_id = (report.failure.activity_id or "") if report.failure else ""
    current.checked_at = report.finished_at
    return before.health


def _correct_date(connection: Connection, report: Report) -> bool:
    """Set the expiry date to today if Azure DevOps says that the token has expired before its recorded date."""
    today = timezone.localdate(report.finished_at)
    has_expired = report.failure is not None and report.failure.code in expiry.EXPIRED
    if has_expired and (connection.expires_on is None or connection.expires_on > today):
        connection.expires_on = today
        # The rejection is mailed, so an expiry reminder would be a duplicate.
        count_as_reminded(connection, today, now=report.finished_at)
        return True
    return False


def _code(report: Report) -> str:
    return report.failure.code if report.failure else ""


def _next_run(current: Connection, report: Report) -> datetime:
    outcome = scheduling.Outcome(
        consecutive_failures=current.consecutive_failures,
        needs_confirmation=current.confirmations == 1,
        retry_after=report.retry_after,
    )
    every = timedelta(hours=settings.AUDIT_EVERY_HOURS)
    return scheduling.next_run(report.finished_at, outcome, every=every, chance=random())  # noqa: S311  (spreads load, guards nothing)


def _detail(current: Connection, report: Report, *, before: Health, corrected: bool) -> dict[str, object]:
    """The detail of the event."""
    host = report.failure.host if report.failure else ""
    problem = clients.problem_detail(current.server, _code(report), host=host)
    detail: dict[str, object] = {"health": current.health, **problem}
    if corrected and current.expires_on:
        detail["expires_on"] = current.expires_on.isoformat()
    if before != current.health:
        detail["before"] = str(before)
    return detail


def _entry(change: _Change) -> tuple[Connection, datetime, dict[str, object]]:
    detail: dict[str, object] = {"too_late": True} if change.detail is None else change.detail
    return change.current, change.report.finished_at, detail


def _pause_people(written: Iterable[_Change]) -> None:
    """Pause each person who was asked to wait, for the longest of their waits, in the same order as other batches."""
    waiting = [change for change in written if change.report.person_retry_after is not None]
    waiting.sort(key=lambda change: change.report.person_retry_after or 0.0)
    longest = {(change.current.server, change.current.identity_id): change for change in waiting}
    for person in sorted(longest):
        _pause_person(longest[person].current, longest[person].report)


def _pause_person(current: Connection, report: Report) -> None:
    """Delay the other connections of this person too, as Azure DevOps limits each person over all their tokens."""
    wait = report.person_retry_after or 0.0
    until = report.finished_at + timedelta(seconds=wait)
    theirs = Connection.objects.filter(server=current.server, identity_id=current.identity_id, leased_until=None)
    others = theirs.filter(next_check_at__lt=until).exclude(pk=current.pk)
    # Skips locked rows, as two audits of one person would otherwise deadlock.
    free = list(others.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True))
    Connection.objects.filter(pk__in=free).update(next_check_at=until)
    # Locked after their rows, in the same order as by other audits.
    rate_limit_pauses.note(current, wait, now=report.finished_at)


def _count(healths: Iterable[str]) -> None:
    for health in healths:
        totals.add("orchestrator_audits", health=health)
