"""leaks and declare-leak: credentials that were declared leaked, and whether they were proved dead."""

import argparse
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.urls import reverse
from django.utils import timezone

from connections import leak_reads, register_reads
from connections.actions.declare_entry_leak import declare_entry_leaked
from connections.actions.declare_leak import declare_stored_leaked, declare_token_leaked
from connections.cli.common import ExitCode, Options, Output, find, token_from_input
from connections.models import LeakedToken, RegisterEntry
from history.record import COMMAND_LINE


def add_arguments(verbs: Any) -> Iterator[argparse.ArgumentParser]:
    """Add the parsers of these verbs."""
    listing = verbs.add_parser("leaks", help="List credentials that were declared leaked, or show one of them")
    about = listing.add_mutually_exclusive_group()
    about.add_argument("--connection", default="", help="only the token of this connection")
    about.add_argument("--entry", default="", help="only this entry of the register")
    yield listing
    declaring = verbs.add_parser("declare-leak", help="Declare a credential leaked: no more requests are made with it")
    which = declaring.add_mutually_exclusive_group(required=True)
    which.add_argument("--connection", default="", help="the token of this connection")
    which.add_argument("--entry", default="", help="this entry of the register")
    which.add_argument("--token", action="store_true", help="the token on standard input, if a connection stores it")
    yield declaring


def list_leaks(options: Options, output: Output) -> int:
    """List the leaks, newest first. Of one credential: OK if it was proved dead, LIMITED if not, else REFUSED."""
    if not (options["connection"] or options["entry"]):
        rows = [_row(leak) for leak in leak_reads.shown(with_entries=True)]
        output.lines(rows, map(_line, rows), empty="No leaked credentials.")
        return ExitCode.OK
    leak = _leak_of(options)
    if leak is None:
        raise CommandError("This credential was not declared leaked.", returncode=ExitCode.REFUSED)
    output.say(_row(leak), _line(_row(leak)))
    return ExitCode.OK if leak.proved_at else ExitCode.LIMITED


def _leak_of(options: Options) -> LeakedToken | None:
    if options["entry"]:
        return leak_reads.leak_of_entry(_entry(options["entry"]))
    return leak_reads.leak_of(find(options["connection"]))


def declare(options: Options, output: Output) -> int:
    """Declare a credential leaked. Declared again, it is the first declaration."""
    leak = _declared(options)
    row = _row(leak)
    stopped = [use.name for use in leak_reads.uses_of(leak) if use.is_stopped]
    lines = [f"Stopped: {', '.join(stopped)}."] if stopped else []
    lines = [f"Declared leaked. {_line(row)}", *lines, f"What to do: {row['url']}"]
    output.say(row | {"stopped": stopped}, "\n".join(lines))
    return ExitCode.OK


def _declared(options: Options) -> LeakedToken:
    now = timezone.now()
    if options["entry"]:
        return declare_entry_leaked(_entry(options["entry"]).pk, by=COMMAND_LINE, now=now)
    if options["token"]:
        return declare_token_leaked(token_from_input(), by=COMMAND_LINE, now=now)
    return declare_stored_leaked(find(options["connection"]), by=COMMAND_LINE, now=now)


def _entry(name: str) -> RegisterEntry:
    entry = register_reads.entry_named(name)
    if entry is None:
        raise CommandError(f"There is no entry of the register named {name}.", returncode=ExitCode.REFUSED)
    return entry


def _row(leak: LeakedToken) -> dict[str, Any]:
    times = ("declared_at", "next_ask_at", "proved_at", "ended_at")
    return {
        "id": leak.pk,
        "state": str(leak.state),
        "organization": leak.organization,
        "entry": leak.entry.name if leak.entry else None,
        "identity": leak.identity_name,
        "declared_by": leak.declared_by,
        **{name: moment.isoformat() if (moment := getattr(leak, name)) else None for name in times},
        "asks": leak.asks,
        "last_answer": leak.last_answer,
        "seconds": leak.took.total_seconds() if leak.took else None,
        "url": settings.SITE_URL + reverse("connections:leak", args=[leak.pk]),
    }


def _line(row: dict[str, Any]) -> str:
    state = LeakedToken.State(row["state"]).label
    what = row["entry"] or row["organization"]
    return f"{row['declared_at'][:19]}  {what}  {row['identity']}  {state}"
