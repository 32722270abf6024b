"""Name the likely cause of a refused token, from what is known of the token beside Azure DevOps' answer."""

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
    """The problem code for a refusal of a connection's token; any other code stays as it is."""
    return expiry.cause_of_refusal(
        code,
        expires_on=connection.expires_on,
        all_organizations=Connection.Reach.is_all(clients.place_of(connection.server), connection.token_reach),
        today=timezone.localdate(now),
        since=_refused_since(connection),
    )


def _refused_since(connection: Connection) -> date | None:
    """The day on which Azure DevOps began to refuse the token; None while it accepts it."""
    if connection.health != Health.REJECTED or connection.problem not in expiry.DEAD_TOKEN:
        return None
    return timezone.localdate(connection.health_since)


def with_cause(connection: Connection, report: Report) -> Report:
    """The report of a check of the stored token, under the code of its cause."""
    if report.failure is None:
        return report
    return _under(report, cause_for(connection, report.failure.code, now=report.finished_at))


def with_cause_of_new(report: Report, *, place: Place, token_reach: str, today: date) -> Report:
    """The report of a token that is not stored, of which a person said for which organizations it was made."""
    if report.failure is None:
        return report
    cause = expiry.cause_of_refusal(
        report.failure.code,
        expires_on=None,
        all_organizations=Connection.Reach.is_all(place, token_reach),
        today=today,
    )
    return _under(report, cause)


def _under(report: Report, code: str) -> Report:
    failure = report.failure
    if failure is None or failure.code == code:
        return report
    findings = (
        replace(finding, reason=code) if finding.reason == failure.code else finding for finding in report.findings
    )
    return replace(report, failure=replace(failure, code=code), findings=tuple(findings))


def problem_after_edit(connection: Connection, *, now: datetime) -> str:
    """The problem code once more, after somebody changed what is recorded of a refused token."""
    if connection.problem not in expiry.DEAD_TOKEN:
        return connection.problem
    return cause_for(connection, expiry.without_cause(connection.problem), now=now)
