"""Store expiry dates that were read where credentials were issued, instead of what people entered."""

from datetime import date, datetime

from django.utils import timezone

from connections.actions import enforce_policy
from connections.actions.refusals import Refused
from connections.domain.verification import Report
from connections.models import Connection, StoredCredential
from connections.providers.credential import DateSource


def is_due(stored: StoredCredential, *, now: datetime) -> bool:
    """Whether an audit looks for the date: once a day."""
    asked_at = stored.date_asked_at
    return asked_at is None or timezone.localdate(asked_at) < timezone.localdate(now)


def is_date_entered(connection: Connection) -> bool:
    """Whether people enter the expiry date: it is not in the credential, nor was it read for an application."""
    stored = connection.credential()
    return stored.date_source is DateSource.PERSON and not (stored.principal and connection.is_date_read)


def date_to_store(report: Report, entered: date | None, *, now: datetime, refusal: type[Refused]) -> date | None:
    """The date that was read, or else the entered one. Raises `refusal` if the token policy refuses the one read."""
    day = report.date.day if report.date else None
    if day is None:
        return entered
    if day != entered:
        enforce_policy.enforce(enforce_policy.violations_of(expires_on=day, now=now), refusal)
    return day


def apply_read_date(connection: Connection, report: Report) -> bool:
    """Store what an audit found out about the date. Returns whether the date is another. The caller saves the row."""
    read = report.date
    if read is None or not report.accepted:
        return False
    stored = StoredCredential.objects.filter(connection=connection).defer("sealed").first()
    if stored is not None:
        stored.note_date(read, at=report.finished_at)
        asked = {name: getattr(stored, name) for name in ("date_asked_at", "date_reason", "date_candidates")}
        StoredCredential.objects.filter(pk=stored.pk).update(**asked)
    if read.day is None:
        return False
    before, connection.expires_on, connection.expires_read_on = connection.expires_on, read.day, read.day
    return before != read.day
