"""Put a backup back in place of whatever the database holds."""

import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.apps import apps
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import Max

from connections.models import Connection, StoredCredential
from core import encryption
from history import accepting
from history.models import Event, Seal
from history.record import Actor, record
from orchestrator.backups import postgresql, sqlite
from orchestrator.backups.files import NAMES, SQLITE, Impossible, kind_of
from orchestrator.backups.making import PRODUCT
from orchestrator.backups.tables import is_ours

# A database in which none of these has a row was only prepared.
_FILLED = {
    "auth_user": ("people", "SELECT COUNT(*) FROM auth_user"),
    "connections_connection": ("connections", "SELECT COUNT(*) FROM connections_connection"),
    "history_event": ("events", "SELECT COUNT(*) FROM history_event"),
}
_DAMAGED = "When it is damaged, move it away first, with the files ending in -wal and -shm beside it."


class NotEmpty(Impossible):
    """The database holds something that would be lost."""


@dataclass(slots=True)
class Restored:
    """What is there now; `unreadable` names the connections whose tokens no key of the ring opens."""

    connections: int
    people: int
    events: int
    until: datetime | None
    unreadable: list[str] = field(default_factory=list)
    # Why the restored history is not sealed any further before an operator has looked into it.
    history: list[str] = field(default_factory=list)


def restore(path: Path, *, replace: bool, by: Actor, now: datetime) -> Restored:
    """Put it back, bring the tables up to date, and look at every token. Raises `NotEmpty`, `Impossible`."""
    lost_number = 0
    try:
        _look_before(path, replace=replace)
        lost_number = _newest_seal()
        _put_back(path)
    except (sqlite3.Error, DatabaseError) as problem:
        remedy = f" {_DAMAGED}" if connection.vendor == SQLITE else ""
        raise Impossible(f"The database cannot be used: {problem}.{remedy}") from None
    except OSError as problem:
        raise Impossible(f"{problem.filename or path} cannot be used: {problem.strerror}.") from None
    call_command("migrate", interactive=False, verbosity=0)
    restored = _look_after()
    until = restored.until.isoformat() if restored.until else ""
    record("backup.restored", PRODUCT, by=by, at=now, detail={"until": until})
    restored.history = _go_on_with_the_history(lost_number, until, by=by, now=now)
    return restored


def _newest_seal() -> int:
    """The number of the newest seal before it is replaced; 0 when there is none, or no such table."""
    if "history_seal" not in _tables():
        return 0
    return Seal.objects.aggregate(newest=Max("number"))["newest"] or 0


def _go_on_with_the_history(lost_number: int, until: str, *, by: Actor, now: datetime) -> list[str]:
    """Restoring is an operator's decision that newer seals are gone, and no decision on anything else.

    Returns what stands against sealing.
    """
    reason = f"A backup was restored, with events up to {until}" if until else "A backup without events was restored"
    try:
        found = accepting.accept_restored(lost_number, reason=reason, by=by, now=now)
    except ImproperlyConfigured as problem:
        return [str(problem)]
    return [finding.words for finding in found]


def _look_before(path: Path, *, replace: bool) -> None:
    kind = kind_of(path)
    if kind != connection.vendor:
        raise Impossible(f"{path} is of {NAMES[kind]}, and DATABASE_URL names {connection.display_name}.")
    applied = sqlite.migrations(path) if kind == SQLITE else postgresql.migrations(path)
    ours = {label for label, _ in applied} & {config.label for config in apps.get_app_configs()}
    unknown = {(label, name) for label, name in applied if label in ours} - set(MigrationLoader(None).disk_migrations)
    if unknown:
        first = ".".join(min(unknown))
        raise Impossible(f"{path} is of a newer version of this product, with {first}. Install that version first.")
    if not replace and (found := _what_would_be_lost()):
        raise NotEmpty(f"The database is not empty: {found}.")


def _what_would_be_lost() -> str:
    there = set(_tables())
    foreign = [table for table in sorted(there) if not is_ours(table)]
    if foreign:
        return f"it holds {foreign[0]}, which is not of this product"
    counts = [(_rows(counting), name) for table, (name, counting) in _FILLED.items() if table in there]
    return ", ".join(f"{count} {name}" for count, name in counts if count)


def _rows(counting: str) -> int:
    # Not by the model: the table may be of an older version, whose columns it does not fit.
    with connection.cursor() as cursor:
        cursor.execute(counting)
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


def _look_after() -> Restored:
    newest = Event.objects.order_by("-pk").values_list("at", flat=True).first()
    restored = Restored(Connection.objects.count(), User.objects.count(), Event.objects.count(), newest)
    for stored in StoredCredential.objects.select_related("connection").order_by("connection__name").iterator():
        try:
            stored.reveal()
        except encryption.UnreadableToken:
            restored.unreadable.append(stored.connection.name)
    return restored
