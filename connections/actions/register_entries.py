"""Add, edit, close, reopen and delete entries of the register."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from connections import input_rules, register_rules
from connections.actions import register_versions
from connections.actions.refusals import CannotChangeEntry, refusing_invalid_input
from connections.domain.form_versions import FieldState
from connections.input_rules import InvalidInput
from connections.models import Consumer, RegisterEntry
from connections.notifications import consumer_mail
from history.record import Actor, record

# `used_by` has a table of its own.
COLUMNS = tuple(field for field in register_rules.FIELDS if field != "used_by")


@dataclass(frozen=True, slots=True)
class EntryInput:
    """The entered values of an entry. `used_by` has a line for each consumer."""

    name: str
    kind: str
    owner: User
    expires_on: date | None = None
    organization: str = ""
    outside_owner: str = ""
    purpose: str = ""
    used_by: str = ""
    scopes: str = ""
    extra_recipients: str = ""
    notes: str = ""


def as_input(entry: RegisterEntry) -> EntryInput:
    """The values of a stored entry, as they are entered."""
    columns = {column: getattr(entry, column) for column in COLUMNS}
    consumers = (consumer.as_input() for consumer in entry.consumers.all())
    return EntryInput(**columns, used_by=register_rules.consumers_text(consumers))


def checked(entered: EntryInput) -> EntryInput:
    """The input with normalized values. Raises `InvalidInput`."""
    rules, line = register_rules, register_rules.one_line
    return replace(
        entered,
        name=rules.entry_name(entered.name),
        kind=_kind(entered.kind),
        organization=line(entered.organization, field="organization", longest=rules.ORGANIZATION_LENGTH),
        outside_owner=line(entered.outside_owner, field="outside_owner", longest=rules.OUTSIDE_OWNER_LENGTH),
        purpose=line(entered.purpose, field="purpose"),
        scopes=line(entered.scopes, field="scopes"),
        used_by=rules.consumers_text(rules.consumers(entered.used_by)),
        expires_on=rules.expiry_date(entered.expires_on),
        extra_recipients=rules.recipients(entered.extra_recipients),
        notes=rules.plain_text(entered.notes, field="notes"),
    )


def _kind(value: str) -> str:
    if not value:
        raise InvalidInput("kind_missing", "Choose a kind.", field="kind")
    return input_rules.choice(value, RegisterEntry.Kind.values, field="kind")


def new_entry(entered: EntryInput, *, now: datetime) -> RegisterEntry:
    """An entry with checked values that is not stored yet."""
    values = {column: getattr(entered, column) for column in COLUMNS}
    return RegisterEntry(**values, created_at=now, changed_at=now, date_set_at=now)


def add_entry(
    entered: EntryInput, *, by: Actor, now: datetime, on_stored: Callable[[RegisterEntry], object] | None = None
) -> RegisterEntry:
    """Add an entry. `on_stored` is called in the transaction that stores it. Raises `CannotChangeEntry`."""
    with refusing_invalid_input(CannotChangeEntry):
        entered = checked(entered)
    with _unique_name(entered.name), transaction.atomic():
        entry = new_entry(entered, now=now)
        entry.save(force_insert=True)
        Consumer.objects.bulk_create(consumers_of(entered, entry))
        record("register.added", entry, by=by, at=now, detail=summary(entry))
        if on_stored:
            on_stored(entry)
    return entry


def consumers_of(entered: EntryInput, entry: RegisterEntry) -> Iterator[Consumer]:
    """The rows of what uses an entry."""
    for consumer in register_rules.consumers(entered.used_by):
        yield Consumer(entry=entry, name=consumer.name, url=consumer.url, contact=consumer.contact)


def change_entry(
    entry_id: int, entered: EntryInput, *, by: Actor, now: datetime, drawn_from: str | None = None
) -> list[str]:
    """Store the entered values, and return the names of the changed fields.

    `drawn_from` is the version in the form. Raises `CannotChangeEntry`, with the conflicts if fields of the form
    changed in the meantime, and `EntryGone`.
    """
    with refusing_invalid_input(CannotChangeEntry):
        entered = checked(entered)
    with _unique_name(entered.name, except_for=entry_id), transaction.atomic():
        current = register_versions.held(entry_id)
        yours = _as_states(entered, now=now)
        register_versions.require_unchanged(current, drawn_from, register_versions.EDIT, yours=yours)
        changed = differences(register_versions.facts(current), yours)
        if changed:
            is_renewed = _write(current, entered, changed.keys(), now=now)
            record("register.changed", current, by=by, at=now, detail=changed)
            if is_renewed:
                consumer_mail.entries_renewed([current], now=now)
    return list(changed)


def _as_states(entered: EntryInput, *, now: datetime) -> dict[str, FieldState]:
    return register_versions.field_states(new_entry(entered, now=now), register_rules.consumers(entered.used_by))


def _write(current: RegisterEntry, entered: EntryInput, changed: Iterable[str], *, now: datetime) -> bool:
    is_renewed = apply(entered, current, changed, now=now)
    current.save()
    if "used_by" in changed:
        current.consumers.all().delete()
        Consumer.objects.bulk_create(consumers_of(entered, current))
    return is_renewed


def apply(entered: EntryInput, entry: RegisterEntry, changed: Iterable[str], *, now: datetime) -> bool:
    """Write checked values into an entry that the caller saves. Returns whether it was renewed to a later date."""
    before = entry.expires_on
    for column in COLUMNS:
        setattr(entry, column, getattr(entered, column))
    if "expires_on" in changed:
        entry.date_set_at, entry.reminded_days = now, None
    _touch(entry, now=now)
    is_renewed = bool(before and entry.expires_on and entry.expires_on > before)
    if is_renewed:
        entry.renewed_at = now
    return is_renewed


def _touch(entry: RegisterEntry, *, now: datetime) -> None:
    entry.changed_at, entry.revision = now, entry.revision + 1


def differences(before: dict[str, FieldState], after: dict[str, FieldState]) -> dict[str, dict[str, str]]:
    """The fields that differ, each with its words before and after, for the history."""
    return {
        field: {"before": before[field].words, "after": state.words}
        for field, state in after.items()
        if before[field].value != state.value
    }


@dataclass(frozen=True, slots=True)
class Closing:
    """Why an entry is closed."""

    reason: str
    note: str


def checked_closing(reason: str, note: str) -> Closing:
    """The normalized reason. Raises `CannotChangeEntry`."""
    with refusing_invalid_input(CannotChangeEntry):
        reason = input_rules.choice(reason, RegisterEntry.Reason.values, field="reason")
        note = register_rules.one_line(note, field="closed_note")
    if not reason:
        raise CannotChangeEntry("closed_reason_missing", field="reason")
    if reason == RegisterEntry.Reason.OTHER and not note:
        raise CannotChangeEntry("closed_note_missing", field="closed_note")
    return Closing(reason, note)


def close_entry(
    entry_id: int, reason: str, note: str = "", *, by: Actor, now: datetime, drawn_from: str | None = None
) -> None:
    """Close an entry with a reason: it is no longer watched. Raises `CannotChangeEntry` and `EntryGone`."""
    closing = checked_closing(reason, note)
    with transaction.atomic():
        closed = close_held(entry_id, closing, by=by, now=now, drawn_from=drawn_from)
        consumer_mail.entries_closed(closed, now=now)


def close_held(
    entry_id: int, closing: Closing, *, by: Actor, now: datetime, drawn_from: str | None
) -> list[RegisterEntry]:
    """Close an entry in the transaction of the caller, who notifies its contacts. Empty if it was closed already.

    Raises `CannotChangeEntry` and `EntryGone`.
    """
    current = register_versions.held(entry_id)
    register_versions.require_unchanged(current, drawn_from, register_versions.CLOSE)
    if current.is_closed:
        return []
    current.closed_at, current.closed_reason, current.closed_note = now, closing.reason, closing.note
    _touch(current, now=now)
    current.save()
    record("register.closed", current, by=by, at=now, detail={"reason": closing.reason, "note": closing.note})
    return [current]


def reopen_entry(entry_id: int, *, by: Actor, now: datetime, drawn_from: str | None = None) -> None:
    """Watch a closed entry again. Raises `CannotChangeEntry` and `EntryGone`."""
    with transaction.atomic():
        current = register_versions.held(entry_id)
        register_versions.require_unchanged(current, drawn_from, register_versions.REOPEN)
        if not current.is_closed:
            return
        current.closed_at, current.closed_reason, current.closed_note = None, "", ""
        # Reminders start again, as if the date had been recorded now.
        current.date_set_at, current.reminded_days = now, None
        _touch(current, now=now)
        current.save()
        record("register.reopened", current, by=by, at=now)


def delete_entry(entry_id: int, *, by: Actor, now: datetime, drawn_from: str | None = None) -> None:
    """Delete an entry, but not its events. Raises `CannotChangeEntry` and `EntryGone`."""
    with transaction.atomic():
        current = register_versions.held(entry_id)
        register_versions.require_unchanged(current, drawn_from, register_versions.DELETE)
        record("register.deleted", current, by=by, at=now, detail=summary(current))
        current.delete()


def summary(entry: RegisterEntry) -> dict[str, object]:
    """What the history keeps of an added or deleted entry."""
    expires_on = entry.expires_on.isoformat() if entry.expires_on else None
    return {"kind": entry.kind, "organization": entry.organization, "expires_on": expires_on}


@contextmanager
def _unique_name(name: str, *, except_for: int = 0) -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        if RegisterEntry.objects.filter(name__iexact=name).exclude(pk=except_for).exists():
            raise CannotChangeEntry("entry_name_taken", field="name") from None
        raise
