"""remind and events: reminders to people, and the history of what was done."""

import argparse
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils import timezone

from connections import notification_reads
from connections.cli.common import ExitCode, Options, Output, count, day, find
from connections.models import Reminder
from connections.notifications import channel_outbox, emails, outbox, register_reminders, reminders
from connections.notifications.notify import Recipient
from connections.notifications.register_reminders import DueEntry
from connections.notifications.reminders import Due
from core.database_time import database_now
from history import queries
from history.days import end_of, start_of
from history.event_types import event_row
from history.models import Event


def add_arguments(verbs: Any) -> Iterator[argparse.ArgumentParser]:
    """Add the parsers of these verbs."""
    reminding = verbs.add_parser("remind", help="Write the reminders that are due into the outbox")
    reminding.add_argument("--dry-run", action="store_true", help="only show what is due, and for whom")
    reminding.add_argument("--send", action="store_true", help="then send what is due from the outbox")
    yield reminding
    listing = verbs.add_parser("events", help="List what was done, newest first; with --json one JSON object per line")
    listing.add_argument("name", nargs="?", default="", help="only events of this connection")
    listing.add_argument("--kind", default="", help="only events of this type, such as connection.rotated")
    listing.add_argument("--person", default="", help="only what this person did, by name")
    listing.add_argument("--since", type=day, help="the first day, such as 2026-11-01")
    listing.add_argument("--until", type=day, help="the last day")
    listing.add_argument("--limit", type=count, default=100, help="list at most this many (100)")
    yield listing


def remind_people(options: Options, output: Output) -> int:
    """Write the reminders that are due; REFUSED if one has no recipient, or with --send if a mail was not sent."""
    now = database_now()
    due = list(reminders.plan(timezone.localdate(now)))
    of_register = list(register_reminders.plan(timezone.localdate(now)))
    written = 0 if options["dry_run"] else reminders.remind_due(now=now) + register_reminders.remind_due(now=now)
    is_sending = options["send"] and not options["dry_run"]
    sent = outbox.send_all_due(now=now) if is_sending else 0
    delivered = channel_outbox.deliver_all_due(now=now) if is_sending else 0
    only_written = sent if emails.written_to() else 0
    mails = {
        "mails_written": written,
        "mails_sent": sent - only_written,
        "mails_only_written": only_written,
        "messages_sent": delivered,
        "mails_failing": notification_reads.count_of_failing_mails(since=now),
    }
    lines = [*map(_line, due), *map(_entry_line, of_register), _summary(options, len(due) + len(of_register), mails)]
    rows = {"due": list(map(_row, due)), "register_due": list(map(_entry_row, of_register))}
    output.lines({**rows, **mails}, lines)
    is_unsent = options["send"] and bool(mails["mails_failing"] or only_written)
    people = [*(reminder.people for reminder in due), *(reminder.people for reminder in of_register)]
    return ExitCode.OK if all(people) and not is_unsent else ExitCode.REFUSED


def _row(due: Due) -> dict[str, Any]:
    return {
        "connection": due.connection.name,
        "about": str(due.kind),
        "threshold": due.threshold,
        "days_left": due.days_left,
        "to": [person.address for person in due.people],
    }


def _entry_row(due: DueEntry) -> dict[str, Any]:
    to = [person.address for person in due.people]
    return {"credential": due.entry.name, "threshold": due.step, "days_left": due.days_left, "to": to}


def _entry_line(due: DueEntry) -> str:
    kind = Reminder.Kind.UNDATED if due.days_left is None else Reminder.Kind.EXPIRY
    return _sentence(due.entry.name, kind, due.days_left, due.people)


_NOT_RECORDED = {
    str(Reminder.Kind.UNDATED): "no expiry date recorded",
    str(Reminder.Kind.REACH_UNKNOWN): "token organization not recorded",
}


def _line(due: Due) -> str:
    return _sentence(due.connection.name, due.kind, due.days_left, due.people)


def _sentence(name: str, kind: str, days_left: int | None, people: Iterable[Recipient]) -> str:
    why = _NOT_RECORDED.get(kind) or f"{days_left} day{'' if days_left == 1 else 's'} left"
    return f"{name}: {why}, to {', '.join(person.address for person in people) or 'no recipient'}"


def _summary(options: Options, due: int, mails: dict[str, int]) -> str:
    if options["dry_run"]:
        return f"{due} due. Nothing was written."
    sent = f"{mails['mails_sent']} sent"
    if mails["messages_sent"]:
        sent += f", {mails['messages_sent']} messages to channels sent"
    if mails["mails_only_written"]:
        sent += f" ({mails['mails_only_written']} only written to {emails.written_to()})"
    return f"{due} due, {mails['mails_written']} mails written, {sent}, {mails['mails_failing']} failing."


def list_events(options: Options, output: Output) -> int:
    """List events, newest first."""
    filters = queries.Filters(
        kind=options["kind"],
        actor_name=options["person"],
        subject_kind="connection",
        subject_ids=(find(options["name"]).pk,) if options["name"] else None,
        since=start_of(options["since"]) if options["since"] else None,
        until=end_of(options["until"]) if options["until"] else None,
    )
    for event in queries.events(filters)[: options["limit"]]:
        output.line(_event(event), "" if output.as_json else _event_line(event))
    return ExitCode.OK


def _event(event: Event) -> dict[str, Any]:
    return {
        "id": event.pk,
        "at": event.at.isoformat(),
        "kind": event.kind,
        "who": event.actor_name,
        "address": event.address,
        "about": event.subject_kind,
        "name": event.subject_name,
        "detail": event.detail,
    }


def _event_line(event: Event) -> str:
    row = event_row(event)
    detail = f"  {row.detail}" if row.detail else ""
    return f"{event.at:%Y-%m-%d %H:%M:%S}  {event.actor_name:16} {row.type.label:20} {event.subject_name}{detail}"
