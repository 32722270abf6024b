"""remind and events: what people are told, and what was done."""

import argparse
from collections.abc import Iterator
from typing import Any

from django.utils import timezone

from connections.cli.common import REFUSED, WELL, Options, Output, count, day, find
from connections.models import Mail, Reminder
from connections.notifications import emails, outbox, reminders
from connections.notifications.reminders import Due
from core.database_time import database_now
from history import queries
from history.days import end_of, start_of
from history.event_types import event_row
from history.models import Event


def add_arguments(verbs: Any) -> Iterator[argparse.ArgumentParser]:
    """The parsers of these verbs."""
    reminding = verbs.add_parser("remind", help="Write the reminders that are due into the outbox")
    reminding.add_argument("--dry-run", action="store_true", help="only say what is due, and to whom")
    reminding.add_argument("--send", action="store_true", help="then send what is due from the outbox")
    yield reminding
    telling = verbs.add_parser("events", help="What was done, newest first; with --json one JSON a line")
    telling.add_argument("name", nargs="?", default="", help="of one connection only")
    telling.add_argument("--kind", default="", help="such as connection.rotated")
    telling.add_argument("--person", default="", help="who acted, by name")
    telling.add_argument("--since", type=day, help="the first day, as 2026-11-01")
    telling.add_argument("--until", type=day, help="the last day")
    telling.add_argument("--limit", type=count, default=100, help="at most so many (100)")
    yield telling


def remind_people(options: Options, output: Output) -> int:
    """Exit code 1 when somebody could not be told, or with --send a mail did not go out."""
    now = database_now()
    due = list(reminders.plan(timezone.localdate(now)))
    written = 0 if options["dry_run"] else reminders.remind_due(now=now)
    is_sending = options["send"] and not options["dry_run"]
    handed_over = outbox.send_all_due(now=now) if is_sending else 0
    only_written = handed_over if emails.written_to() else 0
    mails = {
        "mails_written": written,
        "mails_sent": handed_over - only_written,
        "mails_only_written": only_written,
        "mails_failing": Mail.objects.filter(sent_at=None).exclude(last_error="").count(),
    }
    lines = [*map(_line, due), _sum(options, len(due), mails)]
    output.lines({"due": [_row(due_token) for due_token in due], **mails}, lines)
    not_out = mails["mails_failing"] or only_written
    return REFUSED if any(not due_token.people for due_token in due) or (options["send"] and not_out) else WELL


def _row(one: Due) -> dict[str, Any]:
    return {
        "connection": one.connection.name,
        "about": str(one.kind),
        "threshold": one.threshold,
        "days_left": one.days_left,
        "to": [person.address for person in one.people],
    }


_UNKNOWN = {
    str(Reminder.Kind.UNDATED): "no date recorded",
    str(Reminder.Kind.REACH_UNKNOWN): "not recorded for which organizations it was made",
}


def _line(one: Due) -> str:
    when = _UNKNOWN.get(one.kind) or f"{one.days_left} days left"
    return f"{one.connection.name}: {when}, to {', '.join(person.address for person in one.people) or 'nobody'}"


def _sum(options: Options, due: int, mails: dict[str, int]) -> str:
    if options["dry_run"]:
        return f"{due} due. Nothing was written."
    sent = f"{mails['mails_sent']} sent"
    if mails["mails_only_written"]:
        sent += f" ({mails['mails_only_written']} put into {emails.written_to()}, where nobody gets them)"
    return f"{due} due, {mails['mails_written']} mails written, {sent}, {mails['mails_failing']} failing."


def tell_events(options: Options, output: Output) -> int:
    """Newest first."""
    chosen = queries.Filters(
        kind=options["kind"],
        actor_name=options["person"],
        subject_kind="connection",
        subject_ids=(find(options["name"]).pk,) if options["name"] else None,
        since=start_of(options["since"]) if options["since"] else None,
        until=end_of(options["until"]) if options["until"] else None,
    )
    for event in queries.events(chosen)[: options["limit"]]:
        output.line(_event(event), "" if output.as_json else _event_line(event))
    return WELL


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
    return f"{event.at:%Y-%m-%d %H:%M:%S}  {event.actor_name:16} {row.label:20} {event.subject_name}{detail}"
