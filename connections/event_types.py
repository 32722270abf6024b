"""Labels and details of events about connections."""

from collections.abc import Callable, Iterable
from typing import Any

from django.urls import reverse

from connections.domain.problems import catalogue
from connections.domain.problems.problem import duration_in_words
from connections.models import Connection, NotificationChannel, Reminder
from connections.providers.capability import Verdict
from connections.providers.registry import CAPABILITIES, words_for
from history.event_types import Change, EventType, SubjectKind

_SUGGESTED = 200


def _organization(detail: dict[str, Any]) -> str:
    return str(detail.get("organization", ""))


def _tested(detail: dict[str, Any]) -> str:
    if detail.get("too_late"):
        return "The credential was replaced during the test, so the result was discarded"
    health = detail.get("health", "")
    words = [health.replace("_", " ").capitalize()] if health else []
    if detail.get("problem"):
        words.append(catalogue.problem_in(detail).title)
    if detail.get("expires_on"):
        words.append(f"Expiry date corrected to {detail['expires_on']}")
    return ". ".join([*words, *map(_verdict_change, detail.get("changes", []))])


def _verdict_change(line: str) -> str:
    """`build_read: granted -> missing` in words."""
    key, _, change = line.partition(": ")
    before, _, after = change.partition(" -> ")
    if key not in CAPABILITIES or not {before, after} <= set(Verdict):
        return line
    return f"{_scope(key)}: {catalogue.VERDICT_WORDS[Verdict(before)]} → {catalogue.VERDICT_WORDS[Verdict(after)]}"


def _scope(key: str) -> str:
    return CAPABILITIES[key].short_name


FIELDS = {
    "name": "Name",
    "expires_on": "Expires on",
    "token_reach": "Valid for",
    "projects": "Projects",
    "extra_recipients": "Additional mail recipients",
    "owner": "Owner",
    "longest_life_days": "Longest lifetime in days",
    "longest_life": "Longer lifetime",
    "reuse": "Shared token",
    "missing_date": "Missing expiry date",
    "channels": "Channels",
    "kind": "Kind",
    "organization": "Organization",
    "outside_owner": "Owner outside",
    "purpose": "Purpose",
    "used_by": "Used by",
    "scopes": "Scopes",
    "notes": "Notes",
}


def edited(detail: dict[str, Any]) -> str:
    """The changed fields, each with its value before and after."""
    return ", ".join(
        f"{FIELDS.get(name, name)}: {_shown(change.get('before'))} → {_shown(change.get('after'))}"
        for name, change in detail.items()
    )


def changes(detail: dict[str, Any]) -> list[Change]:
    """The changed fields, to be shown one by one."""
    return [
        Change(FIELDS.get(name, name), *_difference(change.get("before"), change.get("after")))
        for name, change in detail.items()
    ]


def _difference(before: Any, after: Any) -> tuple[str, str]:
    """What was removed and what was added; of lists only what is not in both."""
    if isinstance(before, list) and isinstance(after, list):
        removed, added = (
            [item for item in some if item not in other] for some, other in ((before, after), (after, before))
        )
        return ", ".join(map(str, removed)), ", ".join(map(str, added))
    return _shown(before), _shown(after)


def _one_change(label: str) -> Callable[[dict[str, Any]], list[Change]]:
    """For a detail that is one change."""
    return lambda detail: [Change(label, *_difference(detail.get("before"), detail.get("after")))]


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value[:3])) + (f" and {len(value) - 3} more" if len(value) > 3 else "") or "none"
    return str(value) if value is not None else "not recorded"


def _rotated(detail: dict[str, Any]) -> str:
    kinds = detail.get("credential", {})
    words = [f"{_kind(kinds, 'before')} → {_kind(kinds, 'after')}"] if kinds else []
    words += [] if detail.get("same_person", True) else ["Different person"]
    for what in ("lost", "gained"):
        scopes = [_scope(key) for key in detail.get(what, []) if key in CAPABILITIES]
        if scopes:
            words.append(f"{what} {', '.join(scopes)}")
    return "; ".join(words) or "Same person, same scopes"


def _kind(kinds: dict[str, str], when: str) -> str:
    return words_for(kinds.get(when, "")).name.capitalize()


def _extended(detail: dict[str, Any]) -> str:
    return f"{detail.get('before') or 'not recorded'} → {detail.get('after') or 'not recorded'}"


# How a new owner is shown: as text, and as a change.
OWNER_CHANGE = (_extended, _one_change("Owner"))


def people_and_channels(detail: dict[str, Any]) -> str:
    """Whom a reminder reached."""
    people = detail.get("people", 0)
    whom = f"{people} {'person' if people == 1 else 'people'}"
    if channels := detail.get("channels", 0):
        whom = f"{whom} and {channels} channel{'' if channels == 1 else 's'}"
    return whom


def reminded(detail: dict[str, Any]) -> str:
    """How many people and channels were reminded of what."""
    whom = people_and_channels(detail)
    left = detail.get("days_left")
    if detail.get("about") == Reminder.Kind.REACH_UNKNOWN:
        return f"{whom}: organizations of the token not recorded"
    if detail.get("about") == Reminder.Kind.UNDATED or left is None:
        return f"{whom}: no expiry date recorded"
    of_all = detail.get("about") == Reminder.Kind.ALL_ORGANIZATIONS
    event = "the end of tokens for all organizations" if of_all else "expiry"
    if left == 0:
        return f"{whom}, on the day of {event}"
    days = "1 day" if abs(left) == 1 else f"{abs(left)} days"
    return f"{whom}, {days} {'after' if left < 0 else 'before'} {event}"


def mailed(detail: dict[str, Any]) -> str:
    """To whom a mail went, and its subject."""
    return f"To {detail.get('to', '')}: {detail.get('subject', '')}"


def _muted(detail: dict[str, Any]) -> str:
    return f"For {detail['address']}" if detail.get("address") else ""


def _channel(detail: dict[str, Any]) -> str:
    kind = detail.get("kind", "")
    labels = dict(NotificationChannel.Kind.choices)
    words = [f"{labels.get(kind, kind)} on {detail.get('host', '')}"]
    words += [f"renamed from {detail['before']}"] if detail.get("before") else []
    words += ["new target"] if detail.get("new_target") else []
    return ", ".join(words)


def _declared_leaked(detail: dict[str, Any]) -> str:
    if detail.get("replaced"):
        return "The previous credential of this connection"
    count = detail.get("connections", 1)
    return f"{count} connections use it" if count > 1 else ""


def _proved(detail: dict[str, Any]) -> str:
    return f"Azure DevOps rejected it {duration_in_words(detail.get('seconds', 0))} after it was declared leaked"


def _token_created(detail: dict[str, Any]) -> str:
    until = str(detail.get("expires") or "")[:10]
    return " ".join([*detail.get("scopes", []), *([f"until {until}"] if until else [])])


def _why_revoked(detail: dict[str, Any]) -> str:
    reason = detail.get("reason", "")
    return catalogue.problem(reason).title if reason else ""


def _picked(detail: dict[str, Any]) -> str:
    return str(detail.get("name", ""))


def _until(detail: dict[str, Any]) -> str:
    return f"Until {str(detail.get('until', ''))[:10]}"


_READ = ("expires_on", "token_reach", "scopes")


def _token_read(detail: dict[str, Any]) -> str:
    how = ", chosen by its owner" if detail.get("is_picked") else ""
    words = [f"“{detail.get('name') or 'without a name'}”{how}"]
    changed = {name: detail[name] for name in _READ if name in detail}
    return "; ".join([*words, *([edited(changed)] if changed else [])])


def _token_read_changes(detail: dict[str, Any]) -> list[Change]:
    return changes({name: detail[name] for name in _READ if name in detail})


def _calibrated(detail: dict[str, Any]) -> str:
    asked, different = detail.get("asked", 0), detail.get("different", 0)
    return f"{asked} requests, {different or 'no'} unexpected response{'' if different == 1 else 's'}"


KINDS = {
    "connection.connected": EventType("Connected", "plug", "good", _organization),
    "connection.tested": EventType("Tested", "activity", "quiet", _tested),
    "connection.calibrated": EventType("Calibrated", "ruler", "info", _calibrated),
    "connection.tests_refused": EventType("Too many tests", "hourglass", "warn"),
    "connection.rotated": EventType("Credential updated", "refresh-cw", "info", _rotated),
    "connection.extended": EventType(
        "Expiry date changed", "calendar-clock", "info", _extended, _one_change("Expires on")
    ),
    "connection.extension_started": EventType("Extension requested", "calendar-clock", "info", _until),
    "connection.token_extended": EventType(
        "Token extended in Azure DevOps", "calendar-clock", "info", _token_read, _token_read_changes
    ),
    "connection.token_read": EventType(
        "Read from Azure DevOps", "calendar-check", "info", _token_read, _token_read_changes
    ),
    "connection.token_pick_undone": EventType("Match with Azure DevOps undone", "undo-2", "info"),
    "connection.renewal_started": EventType("Renewal started", "refresh-cw", "info"),
    "connection.token_created": EventType("Token created in Azure DevOps", "key-round", "info", _token_created),
    "connection.new_token_discarded": EventType("New token discarded", "circle-x", "warn"),
    "connection.new_token_revoked": EventType("New token revoked", "circle-x", "warn", _why_revoked),
    "connection.old_token_picked": EventType("Old token identified", "list-checks", "info", _picked),
    "connection.old_token_kept": EventType("Old token left valid", "hourglass", "warn"),
    "connection.old_token_revoked": EventType("Old token revoked", "shield", "info"),
    "connection.old_token_proved": EventType("Old token proved dead", "shield-check", "good"),
    "connection.old_token_not_proved": EventType("Old token not proved dead", "shield-alert", "bad"),
    "connection.edited": EventType("Edited", "pencil", "info", edited, changes),
    "connection.reminded": EventType("Reminded", "bell", "info", reminded),
    "connection.reminder_withdrawn": EventType("Reminder withdrawn", "mail-x", "quiet", mailed),
    "connection.mailed": EventType("Mail sent", "mail", "info", mailed),
    "connection.mail_written": EventType("Mail saved to a folder", "mail", "warn", mailed),
    "connection.mail_given_up": EventType("Mail failed", "mail-x", "bad", mailed),
    "connection.message_sent": EventType("Message sent", "message-square", "info", mailed),
    "connection.message_failed": EventType("Message failed", "message-square-x", "bad", mailed),
    "connection.channels_chosen": EventType("Channels chosen", "message-square", "info", edited, changes),
    "connection.used_by_changed": EventType("Used by changed", "blocks", "info", edited, changes),
    "connection.muted": EventType("Reminders stopped", "bell-off", "quiet"),
    "connection.unmuted": EventType("Reminders resumed", "bell", "quiet", _muted),
    "connection.declared_leaked": EventType("Declared leaked", "siren", "bad", _declared_leaked),
    "connection.leaked_token_revoked": EventType("Leaked token revoked", "shield", "info", _picked),
    "connection.leak_proved": EventType("Leaked token proved dead", "shield-check", "good", _proved),
    "connection.leak_not_proved": EventType("Leaked token not proved dead", "shield-alert", "bad"),
    "connection.made_default": EventType("Set as default", "star", "info"),
    "connection.handed_over": EventType("Owner changed", "arrow-right-left", "info", *OWNER_CHANGE),
    "connection.disabled": EventType("Disabled", "circle-pause", "warn"),
    "connection.enabled": EventType("Enabled", "circle-play", "good"),
    "connection.disconnected": EventType("Disconnected", "unplug", "warn", _organization),
    "calendar.made": EventType("Calendar address created", "calendar-plus", "info"),
    "calendar.renewed": EventType("Calendar address renewed", "calendar-sync", "info"),
    "calendar.revoked": EventType("Calendar address revoked", "calendar-x", "warn"),
    "guardrails.changed": EventType("Token policy changed", "shield", "info", edited, changes),
    "channel.added": EventType("Channel added", "message-square-plus", "good", _channel),
    "channel.changed": EventType("Channel changed", "message-square", "info", _channel),
    "channel.removed": EventType("Channel removed", "message-square-x", "warn", _channel),
    "channel.gone": EventType("Channel no longer exists", "message-square-x", "bad", _channel),
    "channel.chosen": EventType("Channel chosen by a person", "message-square-plus", "info"),
    "channel.unchosen": EventType("Channel no longer chosen by a person", "message-square", "info"),
    "reminders.muted": EventType("All reminders stopped", "bell-off", "quiet"),
    "reminders.unmuted": EventType("All reminders resumed", "bell", "quiet", _muted),
}


def _links(ids: Iterable[int]) -> dict[int, str]:
    there = Connection.objects.filter(pk__in=ids).order_by().values_list("pk", flat=True)
    return {pk: reverse("connections:detail", args=[pk]) for pk in there}


def _find(name: str) -> list[int]:
    return list(Connection.objects.filter(name__iexact=name).order_by().values_list("pk", flat=True))


def _suggestions() -> list[str]:
    return list(Connection.objects.values_list("name", flat=True)[:_SUGGESTED])


def _channel_links(ids: Iterable[int]) -> dict[int, str]:
    there = NotificationChannel.objects.filter(pk__in=ids).order_by().values_list("pk", flat=True)
    return {pk: reverse("connections:channel", args=[pk]) for pk in there}


CHANNELS = SubjectKind("Channel", _channel_links)
CONNECTIONS = SubjectKind("Connection", _links, _find, _suggestions)
