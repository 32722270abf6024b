"""Determine the likely cause of a rejected token from its recorded data."""

from dataclasses import replace
from datetime import date, datetime

from django.utils import timezone

from connections import clients
from connections.domain import expiry
from connections.domain.health import Health
from connections.domain.verification import Report
from connections.models import Connection
from connections.providers.organization import Place


def cause_for(connection: Connection, code: str, *, now: datetime) -> str:
    """The problem code of the cause if the code is a rejection of the token; otherwise the same code."""
    return expiry.cause_of_refusal(
        code,
        expires_on=connection.expires_on,
        all_organizations=Connection.Reach.is_all(clients.place_of(connection.server), connection.token_reach),
        today=timezone.localdate(now),
        since=_refused_since(connection),
    )


def _refused_since(connection: Connection) -> date | None:
    """The day since which Azure DevOps rejects the token; None while it accepts it."""
    if connection.health != Health.REJECTED or connection.problem not in expiry.DEAD_TOKEN:
        return None
    return timezone.localdate(connection.health_since)


def with_cause(connection: Connection, report: Report) -> Report:
    """The report on a stored token, with the code of the likely cause."""
    if report.failure is None:
        return report
    return _with_code(report, cause_for(connection, report.failure.code, now=report.finished_at))


def with_cause_of_new(report: Report, *, place: Place, token_reach: str, today: date) -> Report:
    """The report on a new token, with the code of the likely cause. `token_reach` is what the person entered."""
    if report.failure is None:
        return report
    cause = expiry.cause_of_refusal(
        report.failure.code,
        expires_on=None,
        all_organizations=Connection.Reach.is_all(place, token_reach),
        today=today,
    )
    return _with_code(report, cause)


def _with_code(report: Report, code: str) -> Report:
    failure = report.failure
    if failure is None or failure.code == code:
        return report
    findings = (
        replace(finding, reason=code) if finding.reason == failure.code else finding for finding in report.findings
    )
    return replace(report, failure=replace(failure, code=code), findings=tuple(findings))


def correct_problem(connection: Connection, *, now: datetime) -> None:
    """Update the cause of a rejected token after its date or organizations changed, unless an audit did meanwhile."""
    before = connection.problem
    if before not in expiry.DEAD_TOKEN:
        return
    after = cause_for(connection, expiry.without_cause(before), now=now)
    if before != after and Connection.objects.filter(pk=connection.pk, problem=before).update(problem=after):
        connection.problem = after
