"""Labels and details of events about the register."""

from collections.abc import Iterable
from typing import Any

from django.urls import reverse

from connections.event_types import OWNER_CHANGE, changes, edited, mailed, reminded
from connections.models import RegisterEntry
from history.event_types import EventType, SubjectKind

_SUGGESTED = 200
_KINDS = dict(RegisterEntry.Kind.choices)
_REASONS = dict(RegisterEntry.Reason.choices)


def _added(detail: dict[str, Any]) -> str:
    kind, expires_on = detail.get("kind", ""), detail.get("expires_on")
    when = f"expires on {expires_on}" if expires_on else "no expiry date"
    return ", ".join(filter(None, (_KINDS.get(kind, kind), detail.get("organization", ""), when)))


def _closed(detail: dict[str, Any]) -> str:
    reason = detail.get("reason", "")
    return ": ".join(filter(None, (_REASONS.get(reason, reason), detail.get("note", ""))))


def _imported(detail: dict[str, Any]) -> str:
    return f"{detail.get('added', 0)} added, {detail.get('updated', 0)} updated, {detail.get('errors', 0)} not imported"


REGISTER_KINDS = {
    "register.added": EventType("Added to the register", "book-plus", "good", _added),
    "register.changed": EventType("Register entry changed", "pencil", "info", edited, changes),
    "register.handed_over": EventType("Owner of a register entry changed", "arrow-right-left", "info", *OWNER_CHANGE),
    "register.channels_chosen": EventType(
        "Channels of a register entry chosen", "message-square", "info", edited, changes
    ),
    "register.closed": EventType("Register entry closed", "archive", "warn", _closed),
    "register.reopened": EventType("Register entry reopened", "archive-restore", "info"),
    "register.declared_leaked": EventType("Credential declared leaked", "siren", "bad"),
    "register.reminded": EventType("Reminded", "bell", "info", reminded),
    "register.reminder_withdrawn": EventType("Reminder withdrawn", "mail-x", "quiet", mailed),
    "register.imported": EventType("Imported into the register", "file-up", "good", _imported),
    "register.deleted": EventType("Deleted from the register", "trash-2", "warn", _added),
}


def _links(ids: Iterable[int]) -> dict[int, str]:
    there = RegisterEntry.objects.filter(pk__in=ids).order_by().values_list("pk", flat=True)
    return {pk: reverse("connections:register-entry", args=[pk]) for pk in there}


def _find(name: str) -> list[int]:
    return list(RegisterEntry.objects.filter(name__iexact=name).order_by().values_list("pk", flat=True))


def _suggestions() -> list[str]:
    return list(RegisterEntry.objects.values_list("name", flat=True)[:_SUGGESTED])


IMPORTS = SubjectKind("Import")
REGISTER = SubjectKind("Register entry", _links, _find, _suggestions)
