"""Restore a backup, which replaces the content of the database."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path

from django.apps import apps
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import Max

from connections.actions import reencrypt
from connections.actions.reencrypt import EncryptedSecret
from connections.models import Connection, StoredCredential
from core import encryption
from history import accepting
from history.models import Event, Seal
from history.record import Actor, record
from orchestrator.backups import postgresql, sqlite
from orchestrator.backups.files import NAMES, SQLITE, Impossible, kind_of
from orchestrator.backups.making import PRODUCT
from orchestrator.backups.tables import is_ours

# A database without rows in these tables is new.
_FILLED = {
    "auth_user": ("people", "SELECT COUNT(*) FROM auth_user"),
    "connections_connection": ("connections", "SELECT COUNT(*) FROM connections_connection"),
    "history_event": ("events", "SELECT COUNT(*) FROM history_event"),
}
_DAMAGED = "If it is damaged, first move it away with the files beside it that end in -wal and -shm."


class NotEmpty(Impossible):
    """The database has content that would be lost."""


@dataclass(slots=True)
class Restored:
    """The restored content. `unreadable` names the connections whose tokens no current key can decrypt."""

    connections: int
    people: int
    events: int
    until: datetime | None
    unreadable: list[str] = field(default_factory=list)
    # The other secrets that no current key can decrypt, such as "the target of the channel Alerts".
    unreadable_others: list[str] = field(default_factory=list)
    # Why no more events are sealed until an operator has investigated.
    history: list[str] = field(default_factory=list)


def restore(path: Path, *, replace: bool, by: Actor, now: datetime) -> Restored:
    """Restore the backup, migrate it, and try to decrypt every token. Raises `NotEmpty`, `Impossible`."""
    lost_number = 0
    try:
        _check(path, replace=replace)
        lost_number = _newest_seal()
        _put_back(path)
    except (sqlite3.Error, DatabaseError) as error:
        remedy = f" {_DAMAGED}" if connection.vendor == SQLITE else ""
        raise Impossible(f"The database cannot be used: {error}.{remedy}") from None
    except OSError as error:
        raise Impossible(f"{error.filename or path} cannot be used: {error.strerror}.") from None
    call_command("migrate", interactive=False, verbosity=0)
    restored = _restored()
    until = restored.until.isoformat() if restored.until else ""
    record("backup.restored", PRODUCT, by=by, at=now, detail={"until": until})
    restored.history = _accept_lost_seals(lost_number, until, by=by, now=now)
    return restored


def _newest_seal() -> int:
    """The number of the newest seal before the restore, or 0."""
    if "history_seal" not in _tables():
        return 0
    return Seal.objects.aggregate(newest=Max("number"))["newest"] or 0


def _accept_lost_seals(lost_number: int, until: str, *, by: Actor, now: datetime) -> list[str]:
    """Accept that newer seals are gone, which is what the operator decides by restoring, and nothing else.

    Returns the remaining obstacles to sealing.
    """
    reason = f"A backup was restored, with events up to {until}" if until else "A backup without events was restored"
    try:
        findings = accepting.accept_restored(lost_number, reason=reason, by=by, now=now)
    except ImproperlyConfigured as error:
        return [str(error)]
    return [finding.words for finding in findings]


def _check(path: Path, *, replace: bool) -> None:
    kind = kind_of(path)
    if kind != connection.vendor:
        raise Impossible(f"{path} is a backup of {NAMES[kind]}, but DATABASE_URL names {connection.display_name}.")
    applied = sqlite.migrations(path) if kind == SQLITE else postgresql.migrations(path)
    ours = {label for label, _ in applied} & {config.label for config in apps.get_app_configs()}
    unknown = {(label, name) for label, name in applied if label in ours} - set(MigrationLoader(None).disk_migrations)
    if unknown:
        first = ".".join(min(unknown))
        raise Impossible(f"{path} is from a newer version of this product, with {first}. Install that version first.")
    if not replace and (content := _content_to_lose()):
        raise NotEmpty(f"The database is not empty: {content}.")


def _content_to_lose() -> str:
    tables = set(_tables())
    foreign = [table for table in sorted(tables) if not is_ours(table)]
    if foreign:
        return f"it contains the table {foreign[0]}, which does not belong to this product"
    counts = [(_count(query), name) for table, (name, query) in _FILLED.items() if table in tables]
    return ", ".join(f"{count} {name}" for count, name in counts if count)


def _count(query: str) -> int:
    # Without the model, because the table may be from an older version with other columns.
    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])


def _tables() -> list[str]:
    if connection.vendor == SQLITE:
        return connection.introspection.table_names()
    return postgresql.table_names(connection)


def _put_back(path: Path) -> None:
    if connection.vendor == SQLITE:
        connection.close()
        sqlite.put_back(path, Path(connection.settings_dict["NAME"]))
    else:
        postgresql.put_back(path, connection)


def _restored() -> Restored:
    newest = Event.objects.order_by("-pk").values_list("at", flat=True).first()
    restored = Restored(Connection.objects.count(), User.objects.count(), Event.objects.count(), newest)
    for stored in StoredCredential.objects.select_related("connection").order_by("connection__name").iterator():
        try:
            stored.reveal()
        except encryption.UnreadableToken:
            restored.unreadable.append(stored.connection.name)
    restored.unreadable_others = [
        secret.name for secret in _other_secrets() if not encryption.is_readable(secret.sealed)
    ]
    return restored


def _other_secrets() -> Iterator[EncryptedSecret]:
    others = (source for source in reencrypt.sources if source is not reencrypt.TOKENS)
    return chain.from_iterable(source.secrets() for source in others)
