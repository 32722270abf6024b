"""Check a stored token and write down what was found."""

from datetime import datetime, timedelta
from random import random

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from connections import clients, schedule
from connections.actions import notify
from connections.actions.findings import store_findings
from connections.actions.runs import mark_done
from connections.azure_devops.secret import PersonalAccessToken
from connections.checks import Report, Trouble, nothing_found
from connections.keyring import UnreadableToken
from connections.models import Connection, StoredToken
from connections.status import Health, Standing, is_news, next_status
from history.record import Actor, record


def audit(connection: Connection, *, by: Actor, now: datetime, in_a_hurry: bool) -> Report:
    """Check the stored token and update the connection.

    `in_a_hurry` makes the calls side by side, for a person who waits. An answer about a token that was
    replaced meanwhile is thrown away: the report is returned and nothing is written.
    """
    asked_at = connection.token_set_at
    report = _check(connection, in_a_hurry=in_a_hurry, now=now)
    with transaction.atomic():
        current = Connection.objects.filter(pk=connection.pk, token_set_at=asked_at).first()
        if current is not None:
            _write(current, report, by=by)
    connection.refresh_from_db()
    return report


def stored_token(connection: Connection) -> PersonalAccessToken:
    """The connection's token. Raises `UnreadableToken`, also when there is none."""
    try:
        return connection.stored_token.reveal()
    except StoredToken.DoesNotExist:
        raise UnreadableToken from None


def _check(connection: Connection, *, in_a_hurry: bool, now: datetime) -> Report:
    check = clients.check_side_by_side if in_a_hurry else clients.check_one_after_another
    try:
        server = clients.server(connection.server)
        return _same_organization(connection, check(server, connection.organization, stored_token(connection)))
    except (UnreadableToken, clients.UnknownServer) as ours:
        return nothing_found(Trouble(ours.code, transient=False), at=now)


def _same_organization(connection: Connection, report: Report) -> Report:
    """After a rename the old name may belong to somebody else: their answer is not about this connection."""
    if report.accepted and report.organization_id != connection.organization_id:
        return nothing_found(Trouble("another_organization", transient=False), at=report.finished_at)
    return report


_WRITTEN = [
    "health",
    "problem",
    "troubles_in_a_row",
    "activity_id",
    "checked_at",
    "health_since",
    "looks_at_news",
    "next_check_at",
    "leased_until",
    "told_health",
    "expires_on",
]


def _ended_early(connection: Connection, report: Report) -> bool:
    """A refusal before the recorded date: revoked or regenerated."""
    refused = report.trouble is not None and report.trouble.code == "token_refused"
    today = timezone.localdate(report.finished_at)
    return refused and connection.expires_on is not None and connection.expires_on > today


def _correct_date(connection: Connection, report: Report) -> bool:
    """Azure DevOps itself says that the token has expired: then no recorded date can lie ahead."""
    today = timezone.localdate(report.finished_at)
    said = report.trouble is not None and report.trouble.code == "token_expired"
    if said and (connection.expires_on is None or connection.expires_on > today):
        connection.expires_on = today
        return True
    return False


def _tell(current: Connection, report: Report) -> None:
    """Write mails when the health is news, in the transaction that stores it."""
    news = is_news(
        Health(current.told_health),
        Health(current.health),
        looks=current.looks_at_news,
        lasted=report.finished_at - current.health_since,
        sudden=current.problem == "token_ended_early",
    )
    if news:
        notify.tell_status(current, now=report.finished_at)
        current.told_health = current.health
        current.looks_at_news = 0


def _next_look(current: Connection, report: Report) -> datetime:
    outcome = schedule.Outcome(
        troubles_in_a_row=current.troubles_in_a_row,
        wants_second_look=current.looks_at_news == 1,
        retry_after=report.trouble.retry_after if report.trouble else None,
    )
    every = timedelta(hours=settings.AUDIT_EVERY_HOURS)
    return schedule.next_look(report.finished_at, outcome, every=every, chance=random())  # noqa: S311  (spreads load, guards nothing)


def _write(current: Connection, report: Report, *, by: Actor) -> None:
    before = Standing(Health(current.health), current.problem, current.troubles_in_a_row)
    after = next_status(before, report, repeats=settings.TROUBLES_BEFORE_UNREACHABLE)
    changes = store_findings(current, report) if report.accepted else []
    if before.health != after.health:
        current.health_since = report.finished_at
    corrected = _correct_date(current, report)
    current.health = after.health
    current.problem = "token_ended_early" if _ended_early(current, report) else after.problem
    current.troubles_in_a_row = after.troubles_in_a_row
    current.activity_id = (report.trouble.activity_id or "") if report.trouble else ""
    current.checked_at = report.finished_at
    current.looks_at_news = current.looks_at_news + 1 if after.health != current.told_health else 0
    current.next_check_at = _next_look(current, report)
    current.leased_until = None
    _tell(current, report)
    current.save(update_fields=_WRITTEN)
    mark_done(current, at=report.finished_at)
    detail: dict[str, object] = {"health": str(after.health), "problem": report.trouble.code if report.trouble else ""}
    if corrected and current.expires_on:
        detail["expires_on"] = current.expires_on.isoformat()
    if before.health != after.health:
        detail["before"] = str(before.health)
    record("connection.tested", current, by=by, at=report.finished_at, detail={**detail, "changes": changes})
