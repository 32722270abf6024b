"""Import a file into the register: read it, check its lines in batches, and after a person agreed, store them.

A batch is one transaction, and remembers that it is done, so that an interrupted import continues where it was.
"""

import logging
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from connections import register_files
from connections.actions import register_import_mails, register_import_rows
from connections.actions.refusals import CannotChangeEntry, EntryGone
from connections.domain.problems import catalogue
from connections.models import ImportBatch, RegisterImport
from connections.register_files import RawLine
from connections.register_lines import LineError, LineReader, Owners, secrets_in
from core.leases import renewing
from core.redaction import REDACTED, holds_secret
from core.storable_text import storable_text
from history.record import Actor, record

log = logging.getLogger(__name__)

State = RegisterImport.State
Clock = Callable[[], datetime]
BATCH = 500
# So many lines are checked and imported at once, while the person waits.
AT_ONCE = 1000
KEPT_FOR = timedelta(days=1)
_COLUMN_SHOWN = 40
_TWICE = "The same name is in line {line} already."


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a file is read. `default_owner` owns the new entries of lines without an owner."""

    default_owner: User
    on_existing: str = RegisterImport.OnExisting.REFUSE
    is_month_first: bool = False


def begin(content: bytes, file_name: str, options: ImportOptions, *, by: Actor, now: datetime) -> RegisterImport:
    """Read a file into lines that wait to be checked. Raises `register_files.UnreadableFile`."""
    file = register_files.read_file(content)
    with transaction.atomic():
        started = RegisterImport.objects.create(
            person=options.default_owner,
            actor_name=by.name[:150],
            address=by.address,
            file_name=_without_secret(file_name)[:100],
            on_existing=options.on_existing,
            is_month_first=options.is_month_first,
            unread_columns=[_without_secret(column)[:_COLUMN_SHOWN] for column in file.unread],
            created_at=now,
        )
        started.lines = _store_lines(started, file.lines)
        started.save(update_fields=["lines"])
    return started


def _without_secret(text: str) -> str:
    return REDACTED if holds_secret(text) else storable_text(text)


def _store_lines(started: RegisterImport, lines: Iterator[RawLine]) -> int:
    """Store the lines as they are, but those that hold a secret, of which only the errors are stored."""
    names: dict[str, int] = {}
    total = number = 0
    while batch := list(islice(lines, BATCH)):
        total, number = total + len(batch), number + 1
        if total > register_files.MOST_LINES:
            words = f"The file has more than {register_files.MOST_LINES:,} lines. Split it."
            raise register_files.UnreadableFile("file_too_long", words)
        rows, errors = _first_look(batch, names)
        ImportBatch.objects.create(register_import=started, number=number, rows=rows, errors=errors)
    if not total:
        raise register_files.UnreadableFile("file_without_lines", "The file has no lines below the names of columns.")
    return total


def _first_look(batch: Iterable[RawLine], names: dict[str, int]) -> tuple[list[object], list[object]]:
    rows: list[object] = []
    errors: list[LineError] = []
    for line in batch:
        folded = " ".join(unicodedata.normalize("NFC", line.values.get("name", "")).split()).casefold()
        first = names.setdefault(folded, line.number)
        if secrets := secrets_in(line):
            errors += secrets
        elif folded and first != line.number:
            errors.append(LineError(line.number, "name", _TWICE.format(line=first)))
        else:
            rows.append([line.number, {column: storable_text(text) for column, text in line.values.items()}])
    return rows, [[error.number, error.field, error.message] for error in errors]


def start(import_id: int, *, by: Actor, now: datetime) -> RegisterImport:
    """Import what was checked; a second call does nothing. Raises `CannotChangeEntry` and `EntryGone`."""
    with transaction.atomic():
        started = _held(import_id)
        if started.state == State.CHECKING:
            raise CannotChangeEntry("import_not_ready")
        if started.state == State.READY:
            started.state, started.lines_done = State.IMPORTING, 0
            started.actor_name, started.address = by.name[:150], by.address
            started.save(update_fields=["state", "lines_done", "actor_name", "address"])
    return started


def discard(import_id: int) -> None:
    """Delete an import that has not started. Raises `CannotChangeEntry` and `EntryGone`."""
    with transaction.atomic():
        found = _held(import_id)
        if found.state == State.IMPORTING:
            raise CannotChangeEntry("import_running")
        found.delete()


def _held(import_id: int) -> RegisterImport:
    found = RegisterImport.objects.select_for_update().filter(pk=import_id).first()
    if found is None:
        raise gone()
    return found


def gone() -> EntryGone:
    """The refusal for an import that was discarded or is someone else's."""
    problem = catalogue.problem("import_gone")
    return EntryGone(problem.code, problem.full)


def work_due(*, clock: Clock) -> int:
    """Work on every import that waits for a worker. Returns how many."""
    waiting = RegisterImport.objects.free(clock()).filter(state__in=(State.CHECKING, State.IMPORTING))
    return sum(_work_or_log(pk, clock) for pk in list(waiting.order_by("created_at").values_list("pk", flat=True)))


def _work_or_log(import_id: int, clock: Clock) -> bool:
    """One import that fails does not stop the others."""
    try:
        return work(import_id, clock=clock)
    except Exception:
        log.exception("The import %s of the register failed; it is tried again.", import_id)
        return False


def work(import_id: int, *, clock: Clock) -> bool:
    """Check or import all lines of an import, unless another worker does. Returns whether this one did."""
    lease = RegisterImport.objects.filter(pk=import_id).claim(now=clock())
    if not lease:
        return False
    mine = RegisterImport.objects.under(lease)
    reader = _reader_of(import_id)
    with renewing(mine):
        while _next_batch_or_retry(import_id, lease, reader, now=clock()):
            pass
    mine.release()
    return True


def _reader_of(import_id: int) -> LineReader:
    current = RegisterImport.objects.get(pk=import_id)
    return LineReader(Owners(), current.is_month_first)


def _next_batch_or_retry(import_id: int, lease: str, reader: LineReader, *, now: datetime) -> bool:
    try:
        return _next_batch(import_id, lease, reader, now=now)
    except IntegrityError:
        # Someone added an entry of the same name at the same moment. It is found when the batch is done again.
        # Or the database takes two names of the batch for the same, of which the second becomes an error.
        return _next_batch(import_id, lease, reader, now=now, one_by_one=True)


def _next_batch(import_id: int, lease: str, reader: LineReader, *, now: datetime, one_by_one: bool = False) -> bool:
    """Do one batch, or finish. Returns whether there may be more."""
    with transaction.atomic():
        current = RegisterImport.objects.under(lease).select_for_update().filter(pk=import_id).first()
        if current is None or not current.is_busy:
            return False
        is_checking = current.state == State.CHECKING
        undone = {"is_checked": False} if is_checking else {"is_imported": False}
        batch = current.batches.filter(**undone).first()
        if batch is None:
            if not is_checking and register_import_mails.write_some(current, now=now):
                return True
            _finish(current, now=now)
            return False
        if is_checking:
            register_import_rows.check(current, batch, reader)
        else:
            register_import_rows.store(current, batch, now=now, one_by_one=one_by_one)
    return True


def _finish(current: RegisterImport, *, now: datetime) -> None:
    if current.state == State.CHECKING:
        current.state = State.READY
    else:
        current.state, current.finished_at = State.DONE, now
        detail = {"added": current.added, "updated": current.updated, "errors": current.errors}
        record("register.imported", current, by=register_import_rows.actor_of(current), at=now, detail=detail)
        # The errors stay for the page; the values are in the register now.
        current.notified_to = ""
        current.batches.update(rows=[], renewed=[])
    current.save()


def forget_old(*, now: datetime) -> None:
    """Delete imports after a day. Those that a worker still has to do stay."""
    RegisterImport.objects.filter(created_at__lt=now - KEPT_FOR).exclude(state=State.IMPORTING).delete()
