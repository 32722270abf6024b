"""Lock an entry of the register while it is changed, and refuse changes that were decided on an outdated page."""

from collections.abc import Iterable, Mapping, Sequence

from django.contrib.auth.models import User

from connections.actions import versions
from connections.actions.refusals import CannotChangeEntry, EntryGone
from connections.domain import form_versions
from connections.domain.form_versions import FieldState
from connections.domain.problems import catalogue
from connections.models import RegisterEntry
from connections.register_rules import FIELDS, ConsumerInput

# What each form depends on: the fields that it edits, and those that the user bases the decision on.
EDIT = FIELDS
CLOSE = ("name", "expires_on", "closed")
REOPEN = ("closed",)
DELETE = ("name", "owner", "closed")
_TEXTS = {
    "organization": "Organization",
    "outside_owner": "Owner outside",
    "purpose": "Purpose",
    "scopes": "Scopes",
    "notes": "Notes",
}


def held(entry_id: int) -> RegisterEntry:
    """The entry as it is now, locked until the transaction ends. Raises `EntryGone`."""
    rows = RegisterEntry.objects.select_for_update(of=("self",), no_key=True).select_related("owner")
    entry = rows.filter(pk=entry_id).first()
    if entry is None:
        raise gone()
    return entry


def gone() -> EntryGone:
    """The refusal for an entry that was deleted."""
    problem = catalogue.problem("entry_gone")
    return EntryGone(problem.code, problem.full)


def version(entry: RegisterEntry, fields: Iterable[str]) -> str:
    """The version that a form about the entry carries, when it depends on these fields."""
    return form_versions.write(facts(entry), fields)


def require_unchanged(
    current: RegisterEntry,
    drawn_from: str | None,
    fields: Sequence[str],
    *,
    yours: Mapping[str, FieldState] | None = None,
) -> None:
    """Raise `CannotChangeEntry` when the form was rendered from another state. Commands have no form and pass None.

    The caller has locked `current`.
    """
    if drawn_from is not None:
        conflicts = form_versions.conflicts(drawn_from, fields, now=facts(current), yours=yours or {})
        versions.refuse(conflicts, CannotChangeEntry)


def facts(entry: RegisterEntry) -> dict[str, FieldState]:
    """Every field of an entry."""
    consumers = (consumer.as_input() for consumer in entry.consumers.all())
    return field_states(entry, consumers) | {"closed": _closed(entry)}


def field_states(entry: RegisterEntry, consumers: Iterable[ConsumerInput]) -> dict[str, FieldState]:
    """The fields that people edit, also of an entry that is not stored."""
    texts = {
        name: FieldState(label, getattr(entry, name), getattr(entry, name) or "none") for name, label in _TEXTS.items()
    }
    return texts | {
        "name": versions.name(entry.name),
        "kind": FieldState("Kind", entry.kind, entry.get_kind_display()),
        "owner": FieldState("Owner", str(entry.owner_id), called(entry.owner)),
        "used_by": versions.used_by(consumers),
        "expires_on": versions.expiry_date(entry.expires_on),
        "extra_recipients": versions.recipients(entry.extra_recipients),
    }


def called(user: User) -> str:
    """A person's full name, or else the username."""
    return user.get_full_name() or user.get_username()


def _closed(entry: RegisterEntry) -> FieldState:
    return FieldState("In use", str(entry.is_closed), "closed" if entry.is_closed else "open")
