"""Types of events about people and about the history itself, with their labels."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.contrib.auth.models import User
from django.urls import reverse

from history.event_types import EventType, SubjectKind

_REFUSED = {
    "password": "Incorrect username or password",
    "inactive": "The person is inactive",
    "throttled": "Too many attempts",
    "code": "Incorrect code of the second factor",
    "entra": "Signed in to Microsoft Entra ID, but has no account here",
}


_ENDED_AFTER = {"idle": "Inactive for too long", "age": "Maximum length reached"}
_FACTORS = {"totp": "Authenticator app", "recovery_codes": "Recovery codes"}


def _text(name: str, labels: Mapping[str, str]) -> Callable[[dict[str, Any]], str]:
    """Shows one value of the detail by its label."""
    return lambda detail: labels.get(detail.get(name, ""), "")


def _device(detail: dict[str, Any]) -> str:
    return str(detail.get("device", ""))


def _changed(detail: dict[str, Any]) -> str:
    labels = {"is_active": "Active", "is_staff": "Staff", "is_superuser": "Superuser", "username": "Username"}
    return ", ".join(
        f"{labels.get(field, field.capitalize())}: {_shown(change['before'])} → {_shown(change['after'])}"
        for field, change in detail.items()
    )


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "none"


def _permissions(detail: dict[str, Any]) -> str:
    return "; ".join(f"{verb} {', '.join(detail[verb])}" for verb in ("added", "removed") if detail.get(verb))


def _ended(detail: dict[str, Any]) -> str:
    count = detail.get("sessions", 0)
    return f"{count} session{'' if count == 1 else 's'}"


def _accepted(detail: dict[str, Any]) -> str:
    lost = detail["seals_lost"]
    seals = f", {lost} seal{'' if lost == 1 else 's'} missing" if lost else ""
    return f"{detail['reason']} ({detail['events']} events not sealed in time{seals})"


KINDS = {
    "person.signed_in": EventType("Signed in", "log-in", "quiet", _device),
    "person.signed_out": EventType("Signed out", "log-out", "quiet"),
    "person.session_ended": EventType("Session ended", "log-out", "quiet", _text("reason", _ENDED_AFTER)),
    "person.sessions_ended": EventType("Signed out elsewhere", "log-out", "info", _ended),
    "person.sign_in_refused": EventType("Sign-in refused", "shield-x", "warn", _text("reason", _REFUSED)),
    "person.second_factor_added": EventType("Second factor added", "shield-check", "info", _text("type", _FACTORS)),
    "person.second_factor_removed": EventType("Second factor removed", "shield-off", "warn", _text("type", _FACTORS)),
    "person.linked": EventType("Linked to Microsoft Entra ID", "link", "info"),
    "person.password_changed": EventType("Password changed", "key-round", "info"),
    "person.invited": EventType("Password link created", "link", "info"),
    "person.added": EventType("Person added", "user-plus", "good"),
    "person.changed": EventType("Person changed", "user-pen", "info", _changed),
    "person.removed": EventType("Person removed", "user-minus", "warn"),
    "person.permissions_changed": EventType("Permissions changed", "shield", "info", _permissions),
    "group.permissions_changed": EventType("Role changed", "shield", "info", _permissions),
    "history.accepted": EventType("Unsealed events accepted", "shield-question-mark", "warn", _accepted),
    "history.anchor_mailed": EventType("Anchor mailed", "anchor", "quiet", lambda detail: f"Seal {detail['number']}"),
    "history.pruned": EventType("Old events pruned", "scissors", "warn", lambda detail: f"{detail['events']} events"),
}


def _links(ids: Iterable[int]) -> dict[int, str]:
    existing = User.objects.filter(pk__in=ids).order_by().values_list("pk", flat=True)
    return {pk: reverse("people:person", args=[pk]) for pk in existing}


PEOPLE = SubjectKind("Person", _links)
