"""The words of events about connections."""

from collections.abc import Iterable
from typing import Any

from django.urls import reverse

from connections import messages
from connections.models import Connection
from history.words import SubjectKind, Words

_SUGGESTED = 200


def _organization(detail: dict[str, Any]) -> str:
    return str(detail.get("organization", ""))


def _tested(detail: dict[str, Any]) -> str:
    words = [detail["health"].replace("_", " ").capitalize()] if detail.get("health") else []
    if detail.get("problem"):
        words.append(messages.problem(detail["problem"]).title)
    return ". ".join([*words, *detail.get("changes", [])])


def _reminded(detail: dict[str, Any]) -> str:
    people = detail.get("people", 0)
    return f"{people} {'person' if people == 1 else 'people'}, {detail.get('days_left')} days before the end"


def _extended(detail: dict[str, Any]) -> str:
    return f"{detail.get('before') or 'not recorded'} → {detail.get('after') or 'not recorded'}"


def _edited(detail: dict[str, Any]) -> str:
    return ", ".join(_changed(name, change) for name, change in detail.items())


def _changed(name: str, change: dict[str, Any]) -> str:
    labels = {
        "name": "Name",
        "expires_on": "Expires on",
        "token_reach": "Made for",
        "projects": "Projects",
        "extra_recipients": "Also tell",
    }
    return f"{labels.get(name, name)}: {_shown(change.get('before'))} → {_shown(change.get('after'))}"


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} chosen"
    return str(value) if value is not None else "not recorded"


def _rotated(detail: dict[str, Any]) -> str:
    words = [] if detail.get("same_person", True) else ["Another person"]
    if detail.get("lost"):
        words.append(f"lost {len(detail['lost'])}")
    if detail.get("gained"):
        words.append(f"gained {len(detail['gained'])}")
    return ", ".join(words) or "Same person, same scopes"


KINDS = {
    "connection.connected": Words("Connected", "plug", "good", _organization),
    "connection.tested": Words("Tested", "activity", "quiet", _tested),
    "connection.rotated": Words("Token updated", "refresh-cw", "info", _rotated),
    "connection.extended": Words("Expiry date changed", "calendar-clock", "info", _extended),
    "connection.edited": Words("Edited", "pencil", "info", _edited),
    "connection.reminded": Words("Reminded", "mail", "info", _reminded),
    "connection.muted": Words("Reminders stopped", "bell-off", "quiet"),
    "connection.made_default": Words("Made the default", "star", "info"),
    "connection.disabled": Words("Disabled", "circle-pause", "warn"),
    "connection.enabled": Words("Enabled", "circle-play", "good"),
    "connection.disconnected": Words("Disconnected", "unplug", "warn", _organization),
}


def _links(ids: Iterable[int]) -> dict[int, str]:
    there = Connection.objects.filter(pk__in=ids).order_by().values_list("pk", flat=True)
    return {pk: reverse("connections:detail", args=[pk]) for pk in there}


def _find(name: str) -> list[int]:
    return list(Connection.objects.filter(name__iexact=name).order_by().values_list("pk", flat=True))


def _suggestions() -> list[str]:
    return list(Connection.objects.values_list("name", flat=True)[:_SUGGESTED])


CONNECTIONS = SubjectKind("Connection", _links, _find, _suggestions)
