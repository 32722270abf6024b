"""register, import-register and register-certificate: the credentials that are watched and not stored."""

import argparse
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from connections import register_reads
from connections.actions import register_imports
from connections.actions.register_certificates import CertificateInput, add_certificate
from connections.actions.register_imports import ImportOptions
from connections.cli.common import ExitCode, Options, Output, person
from connections.input_rules import InvalidInput
from connections.models import RegisterEntry, RegisterImport
from connections.register_files import MOST_BYTES
from connections.register_reads import EntryFilters
from core.database_time import database_now
from core.text_input import read_bytes_of_standard_input
from history.record import COMMAND_LINE


def add_arguments(verbs: Any) -> Iterator[argparse.ArgumentParser]:
    """Add the parsers of these verbs."""
    listing = verbs.add_parser("register", help="List the credentials of the register, the worst first")
    listing.add_argument("--status", choices=[status for status, _ in register_reads.STATUSES], default="")
    yield listing
    importing = verbs.add_parser(
        "import-register", help="Import CSV or JSON from standard input into the register; errors are shown by line"
    )
    importing.add_argument("--owner", required=True, help="username of the owner of new entries whose lines name none")
    importing.add_argument("--update", action="store_true", help="update entries of the same name")
    importing.add_argument("--month-first", action="store_true", help="dates with slashes begin with the month")
    importing.add_argument("--dry-run", action="store_true", help="only check the lines")
    yield importing
    certificate = verbs.add_parser(
        "register-certificate", help="Add a certificate from standard input (PEM or DER) to the register; not kept"
    )
    certificate.add_argument("--owner", required=True, help="username of the owner")
    certificate.add_argument("--name", dest="entry_name", default="", help="the name of the entry")
    yield certificate


def list_entries(options: Options, output: Output) -> int:
    """List the entries."""
    matching = register_reads.entries(EntryFilters(status=options["status"]), today=timezone.localdate())
    entries = [entry for step in register_reads.in_steps(matching) for entry in step]
    rows = list(map(_row, entries))
    lines = [f"{row['name']}  {row['kind']}  {row['expires_on'] or 'no date'}  {row['owner']}" for row in rows]
    output.lines(rows, lines, empty="No credentials.")
    return ExitCode.OK


def _row(entry: RegisterEntry) -> dict[str, Any]:
    return {
        "id": entry.pk,
        "name": entry.name,
        "kind": entry.kind,
        "organization": entry.organization,
        "owner": entry.owner.get_username(),
        "expires_on": entry.expires_on.isoformat() if entry.expires_on else None,
        "closed": entry.is_closed,
        "used_by": [consumer.name for consumer in entry.consumers.all()],
    }


def import_file(options: Options, output: Output) -> int:
    """Import a file; LIMITED if some lines were not imported."""
    content = read_bytes_of_standard_input(longest=MOST_BYTES + 1)
    on_existing = RegisterImport.OnExisting.UPDATE if options["update"] else RegisterImport.OnExisting.REFUSE
    chosen = ImportOptions(person(options["owner"]), on_existing, options["month_first"])
    now = database_now()
    try:
        started = register_imports.begin(content, "standard input", chosen, by=COMMAND_LINE, now=now)
    except InvalidInput as error:
        raise CommandError(error.message, returncode=ExitCode.REFUSED) from None
    register_imports.work(started.pk, clock=database_now)
    if not options["dry_run"]:
        register_imports.start(started.pk, by=COMMAND_LINE, now=now)
        register_imports.work(started.pk, clock=database_now)
    done = register_reads.import_by_id(started.pk)
    _say(done, output)
    if options["dry_run"]:
        register_imports.discard(started.pk)
    return ExitCode.LIMITED if done.errors else ExitCode.OK


def _say(done: RegisterImport, output: Output) -> None:
    errors = [
        {"line": error.number, "column": error.field, "message": error.message}
        for error in register_reads.errors_of(done)
    ]
    counts = {name: getattr(done, name) for name in ("lines", "added", "updated", "unchanged", "errors")}
    checked = {"to_add": done.to_add, "to_update": done.to_update}
    lines = [f"Line {error['line']}, {error['column'] or 'all columns'}: {error['message']}" for error in errors]
    summary = f"{done.to_add} to add, {done.to_update} to update, {done.errors} with errors. Nothing was imported."
    if done.state == RegisterImport.State.DONE:
        summary = f"{done.added} added, {done.updated} updated, {done.unchanged} unchanged, {done.errors} not imported."
    output.lines({**counts, **checked, "problems": errors}, [*lines, summary])


def register_certificate(options: Options, output: Output) -> int:
    """Add a certificate to the register."""
    content = read_bytes_of_standard_input(longest=MOST_BYTES + 1)
    entered = CertificateInput(content, owner=person(options["owner"]), name=options["entry_name"])
    try:
        entry = add_certificate(entered, by=COMMAND_LINE, now=timezone.now())
    except InvalidInput as error:
        raise CommandError(error.message, returncode=ExitCode.REFUSED) from None
    output.say(_row(entry), f"Added {entry.name}, which expires on {entry.expires_on}.")
    return ExitCode.OK
