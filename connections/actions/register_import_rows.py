"""Check and store the lines of one batch of an import into the register."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower

from connections.actions import register_versions
from connections.actions.register_entries import (
    COLUMNS,
    EntryInput,
    apply,
    as_input,
    consumers_of,
    differences,
    new_entry,
    summary,
)
from connections.models import Consumer, ImportBatch, RegisterEntry, RegisterImport
from connections.register_files import RawLine
from connections.register_lines import LineError, LineReader
from connections.register_rules import consumers
from core.bulk_insert import insert_rows
from history.record import Actor, record_all

_IS_TAKEN = "An entry already has this name."
_OWNER_GONE = "The owner was removed or deactivated in the meantime."
_WRITTEN = (*COLUMNS, "date_set_at", "renewed_at", "reminded_days", "changed_at", "revision")


def check(current: RegisterImport, batch: ImportBatch, reader: LineReader) -> None:
    """Replace the texts of a batch by values, and note what is wrong."""
    rows: list[Any] = []
    errors: list[LineError] = []
    lines = [(number, *reader.read(RawLine(number, texts))) for number, texts in batch.rows]
    taken = _ids_by_name(values.get("name", "") for _, values, _ in lines)
    count, is_update = len(batch.rows) + len(batch.errors), current.on_existing == RegisterImport.OnExisting.UPDATE
    for number, values, wrong in lines:
        is_known = values.get("name", "").casefold() in taken
        if is_known and not is_update:
            wrong.append(LineError(number, "name", _IS_TAKEN))
        if not wrong:
            rows.append([number, values])
            current.to_update += is_known
            current.to_add += not is_known
        errors += wrong
    batch.rows = rows
    _note(batch, errors)
    batch.is_checked = True
    batch.save()
    current.errors += count - len(rows)
    current.lines_done += count
    current.save()


def _note(batch: ImportBatch, errors: Iterable[LineError]) -> None:
    noted = [*batch.errors, *([error.number, error.field, error.message] for error in errors)]
    batch.errors = sorted(noted)


def _ids_by_name(names: Iterable[str]) -> dict[str, int]:
    """The ids of the entries with these names, ignoring case."""
    rows = _named(names).values_list("name", "pk")
    return {name.casefold(): pk for name, pk in rows}


def _named(names: Iterable[str]) -> QuerySet[RegisterEntry]:
    # Databases differ in whether they have lower-case forms of letters beyond ASCII.
    lowered = {lower for name in names for lower in (name.lower(), _ascii_lower(name))}
    return RegisterEntry.objects.order_by("pk").alias(lowered=Lower("name")).filter(lowered__in=lowered)


def _ascii_lower(name: str) -> str:
    return name.encode().lower().decode()


def actor_of(current: RegisterImport) -> Actor:
    """Who imports."""
    return Actor(current.actor_name, current.person_id, current.address)


@dataclass(frozen=True, slots=True)
class _Matched:
    """The lines of a batch, with their numbers: those of new entries, of known entries, and of owners who are gone."""

    fresh: list[tuple[int, EntryInput]]
    known: list[tuple[int, RegisterEntry, EntryInput]]
    ownerless: list[int]


def store(current: RegisterImport, batch: ImportBatch, *, now: datetime, one_by_one: bool = False) -> None:
    """Add or update the entries of a batch. What another person added in the meantime is an error, or an update.

    Raises `IntegrityError` if a name is taken after all; `one_by_one`, that line becomes an error.
    """
    matched, by = _match(batch, default_owner=current.person_id), actor_of(current)
    taken = _add_possible(matched.fresh, one_by_one=one_by_one, by=by, now=now)
    current.added += len(matched.fresh) - len(taken)
    if current.on_existing == RegisterImport.OnExisting.UPDATE:
        updated, batch.renewed = _update([(entry, values) for _, entry, values in matched.known], by=by, now=now)
        current.updated += updated
        current.unchanged += len(matched.known) - updated
    else:
        taken += [number for number, *_ in matched.known]
    wrong = [LineError(number, "name", _IS_TAKEN) for number in taken]
    _finish(current, batch, wrong + [LineError(number, "owner", _OWNER_GONE) for number in matched.ownerless])


def _match(batch: ImportBatch, *, default_owner: int) -> _Matched:
    """Find the owners and the entries that the lines name. The entries are locked until the transaction ends."""
    named = {values.get("owner", default_owner) for _, values in batch.rows}
    owners = User.objects.filter(is_active=True).in_bulk(named)
    existing = _locked(values["name"] for _, values in batch.rows)
    matched = _Matched([], [], [])
    for number, values in batch.rows:
        entry = existing.get(values["name"].casefold())
        keeps_owner = entry is not None and "owner" not in values
        owner = entry.owner if entry and keeps_owner else owners.get(values.get("owner", default_owner))
        if owner is None:
            matched.ownerless.append(number)
        elif entry is None:
            matched.fresh.append((number, _input(values, owner)))
        else:
            matched.known.append((number, entry, _input(values, owner, known=entry)))
    return matched


def _finish(current: RegisterImport, batch: ImportBatch, wrong: list[LineError]) -> None:
    """Note what is wrong, and that the lines of the batch are done."""
    _note(batch, wrong)
    # The values of so many lines are large, and stay as they are.
    ImportBatch.objects.filter(pk=batch.pk).update(errors=batch.errors, renewed=batch.renewed, is_imported=True)
    current.errors += len(wrong)
    current.lines_done += len(batch.rows)
    current.save()


def _locked(names: Iterable[str]) -> dict[str, RegisterEntry]:
    """The entries with these names, by the name in lower case, locked until the transaction ends."""
    stored = _named(names).select_related("owner").prefetch_related("consumers")
    return {entry.name.casefold(): entry for entry in stored.select_for_update(of=("self",), no_key=True)}


def _input(values: dict[str, Any], owner: User, *, known: RegisterEntry | None = None) -> EntryInput:
    """The values of a line. What it has no column for stays as it is in a known entry."""
    given = {**values, "owner": owner}
    if day := values.get("expires_on"):
        given["expires_on"] = date.fromisoformat(day)
    return replace(as_input(known), **given) if known else EntryInput(**given)


def _add_possible(numbered: list[tuple[int, EntryInput]], *, one_by_one: bool, by: Actor, now: datetime) -> list[int]:
    """Add these entries. Returns the numbers of the lines whose name is taken, which only `one_by_one` can tell."""
    if not one_by_one:
        _add([entry for _, entry in numbered], by=by, now=now)
        return []
    refused = []
    for number, entry in numbered:
        try:
            with transaction.atomic():
                _add([entry], by=by, now=now)
        except IntegrityError:
            refused.append(number)
    return refused


def _add(entered: list[EntryInput], *, by: Actor, now: datetime) -> None:
    entries = [new_entry(values, now=now) for values in entered]
    insert_rows(entries)
    insert_rows(
        [consumer for values, entry in zip(entered, entries, strict=True) for consumer in consumers_of(values, entry)]
    )
    record_all("register.added", [(entry, summary(entry)) for entry in entries], by=by, at=now)


def _update(pairs: Iterable[tuple[RegisterEntry, EntryInput]], *, by: Actor, now: datetime) -> tuple[int, list[int]]:
    """Update the entries that differ. Returns how many, and the ids of those that were renewed to a later date."""
    changed = [(entry, entered, found) for entry, entered in pairs if (found := _changes(entry, entered, now=now))]
    renewed = []
    for entry, entered, found in changed:
        if apply(entered, entry, found, now=now):
            renewed.append(entry.pk)
    entries = [entry for entry, *_ in changed]
    RegisterEntry.objects.bulk_create(
        entries, update_conflicts=True, unique_fields=["id"], update_fields=list(_WRITTEN)
    )
    _replace_consumers([(entry, entered) for entry, entered, found in changed if "used_by" in found])
    record_all("register.changed", [(entry, found) for entry, _, found in changed], by=by, at=now)
    return len(changed), renewed


def _changes(entry: RegisterEntry, entered: EntryInput, *, now: datetime) -> dict[str, dict[str, str]]:
    """The fields that the line changes, for the history."""
    wanted = register_versions.field_states(new_entry(entered, now=now), consumers(entered.used_by))
    return differences(register_versions.facts(entry), wanted)


def _replace_consumers(pairs: Sequence[tuple[RegisterEntry, EntryInput]]) -> None:
    Consumer.objects.filter(entry__in=[entry for entry, _ in pairs]).delete()
    Consumer.objects.bulk_create(consumer for entry, entered in pairs for consumer in consumers_of(entered, entry))
