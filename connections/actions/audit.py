"""Audit a connection: verify its stored token and save the result."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from random import random

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from connections import clients
from connections.actions import audit_runs, rate_limit_pauses, read_dates, status_changes, versions
from connections.actions.capability_states import StoredCapabilities, store_findings
from connections.actions.refusal_causes import with_cause
from connections.actions.token_test_rate_limit import count_test
from connections.domain import expiry, scheduling
from connections.domain.health import AuditOutcome, Health, HealthState, next_state, outcome_of
from connections.domain.verification import Failure, Report, nothing_found
from connections.leak_guard import is_leaked
from connections.models import Connection, StoredCredential
from connections.notifications.reminders import count_as_reminded
from core.encryption import UnreadableToken
from core.metric_totals import totals
from history.record import SCHEDULER, Actor, record

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


def audit(connection: Connection, *, by: Actor, now: datetime, interactive: bool) -> Report:
    """Verify the stored token and update the connection.

    `interactive` makes the calls concurrently, for a person who waits. If the token was replaced in the meantime, the
    result is discarded: the report is returned, but only an event is stored. Raises `ConnectionGone` if the connection
    was disconnected in the meantime, and `TooManyTests` for a person.
    """
    if interactive:
        count_test(now=now)
    report = _audit(connection, by=by, now=now, interactive=interactive, after_write=connection.refresh_from_db)
    audit_runs.finish_audited(at=report.finished_at)
    return report


def audit_for_scheduler(connection: Connection, *, now: datetime) -> None:
    """The same for the scheduler, which does not look at the connection afterwards, so it is not read again.

    The caller finishes runs.
    """
    _audit(connection, by=SCHEDULER, now=now, interactive=False)


def _audit(
    connection: Connection,
    *,
    by: Actor,
    now: datetime,
    interactive: bool,
    after_write: Callable[[], None] = lambda: None,
) -> Report:
    asked_at = connection.token_set_at
    with bound_contextvars(connection_id=connection.pk):
        report = _check(connection, interactive=interactive, now=now)
    with transaction.atomic():
        # Locked until the commit, so that the result of an old token is never stored for a new one.
        current = versions.held(connection.pk)
        if current.token_set_at == asked_at:
            report = with_cause(current, _unless_leaked(connection, report))
            _write(current, report, by=by)
            transaction.on_commit(partial(totals.add, "orchestrator_audits", health=current.health))
        else:
            record("connection.tested", current, by=by, at=report.finished_at, detail={"too_late": True})
        after_write()
    return report


def _check(connection: Connection, *, interactive: bool, now: datetime) -> Report:
    check = clients.check_concurrently if interactive else clients.check_sequentially
    try:
        server = clients.server(connection.server)
        projects = connection.limited_to()
        token = clients.stored_credential(connection)
        report = _same_organization(connection, check(server, connection.organization, token, projects))
        asks_date = interactive or read_dates.is_due(connection.stored_credential, now=now)
        if report.accepted and asks_date:
            return replace(report, date=clients.read_date(server, token, now=now))
        return report
    except (UnreadableToken, clients.UnknownServer) as error:
        return nothing_found(Failure(error.code, transient=False), at=now)


def _unless_leaked(connection: Connection, report: Report) -> Report:
    """A token that was declared leaked during the audit is not used, whatever Azure DevOps answered."""
    try:
        fingerprint = connection.stored_credential.fingerprint
    except StoredCredential.DoesNotExist:
        return report
    if is_leaked(fingerprint):
        return nothing_found(Failure(expiry.LEAKED, transient=False), at=report.finished_at)
    return report


def _same_organization(connection: Connection, report: Report) -> Report:
    """Fail if the name now belongs to another organization, as it may after a rename."""
    if report.accepted and report.organization_id != connection.organization_id:
        return nothing_found(Failure("another_organization", transient=False), at=report.finished_at)
    return report


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


def _pause_person(current: Connection, report: Report) -> None:
    """Delay the other connections of this person too, as Azure DevOps limits each person over all their tokens."""
    if report.person_retry_after is None:
        return
    until = report.finished_at + timedelta(seconds=report.person_retry_after)
    theirs = Connection.objects.filter(server=current.server, identity_id=current.identity_id, leased_until=None)
    others = theirs.filter(next_check_at__lt=until).exclude(pk=current.pk)
    # Skips locked rows, as two audits of one person would otherwise deadlock.
    free = list(others.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True))
    Connection.objects.filter(pk__in=free).update(next_check_at=until)
    # Locked after their rows, in the same order as by other audits.
    rate_limit_pauses.note(current, report.person_retry_after, now=report.finished_at)


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


def _write(current: Connection, report: Report, *, by: Actor) -> None:
    stored = store_findings(current, report) if report.accepted else StoredCapabilities([], frozenset())
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
    if report.accepted and {project.id for project in report.chosen} != {
        project.id for project in current.limited_to()
    }:
        # Other projects were chosen in the meantime, so they need an audit of their own.
        current.next_check_at = report.finished_at
    current.leased_until, current.lease = None, ""
    current.save(update_fields=_AUDITED)
    _pause_person(current, report)
    audit_runs.mark_done(current, at=report.finished_at, problem=_code(report))
    host = report.failure.host if report.failure else ""
    problem = clients.problem_detail(current.server, _code(report), host=host)
    detail: dict[str, object] = {"health": current.health, **problem}
    if corrected and current.expires_on:
        detail["expires_on"] = current.expires_on.isoformat()
    if before != current.health:
        detail["before"] = str(before)
    record("connection.tested", current, by=by, at=report.finished_at, detail={**detail, "changes": stored.changes})
