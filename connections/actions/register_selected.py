"""Close or delete several entries of the register at once. A refusal for one entry stops none of the others."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction

from connections.actions.register_entries import checked_closing, close_held, delete_entry
from connections.actions.selected import SelectedOutcome, change_each
from connections.models import RegisterEntry
from connections.notifications import consumer_mail
from history.record import Actor


def close_selected(
    entries: Iterable[RegisterEntry],
    reason: str,
    note: str,
    *,
    by: Actor,
    now: datetime,
    drawn_from: Mapping[int, str],
) -> SelectedOutcome:
    """Close each of them with one reason, and notify each contact in one mail.

    `drawn_from` has the version in the form, by the id of the entry. Raises `CannotChangeEntry` without a reason.
    """
    closing = checked_closing(reason, note)
    closed: list[RegisterEntry] = []

    def close(entry: RegisterEntry) -> None:
        closed.extend(close_held(entry.pk, closing, by=by, now=now, drawn_from=drawn_from.get(entry.pk, "")))

    with transaction.atomic():
        outcome = change_each(_in_lock_order(entries), close)
        consumer_mail.entries_closed(closed, now=now)
    return outcome


def delete_selected(
    entries: Iterable[RegisterEntry], *, by: Actor, now: datetime, drawn_from: Mapping[int, str]
) -> SelectedOutcome:
    """Delete each of them. `drawn_from` has the version in the form, by the id of the entry."""

    def delete(entry: RegisterEntry) -> None:
        delete_entry(entry.pk, by=by, now=now, drawn_from=drawn_from.get(entry.pk, ""))

    return change_each(entries, delete)


def _in_lock_order(entries: Iterable[RegisterEntry]) -> list[RegisterEntry]:
    return sorted(entries, key=lambda entry: entry.pk)
