"""Declare a credential of the register leaked. It is not stored here, so people are only notified and guided."""

from datetime import datetime
from typing import Any

from django.db import transaction

from connections import leak_reads
from connections.actions import register_versions
from connections.models import LeakedToken, RegisterEntry
from connections.notifications import consumer_mail, leak_mail
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.entra_credentials import EntraClientSecret
from core import encryption
from core.secrets import Secret
from history.record import Actor, record

_PURPOSE = "register entry"
# The kinds of the register that can be stored here too.
_KINDS = {
    RegisterEntry.Kind.PAT: PersonalAccessToken.kind,
    RegisterEntry.Kind.CLIENT_SECRET: EntraClientSecret.kind,
}
# What the columns of a leak hold. Texts of an entry may be longer, and PostgreSQL refuses those.
_ORGANIZATION_LENGTH, _NAME_LENGTH = 64, 256


def declare_entry_leaked(entry_id: int, *, by: Actor, now: datetime) -> LeakedToken:
    """Declare the credential of this entry leaked. Declared again before it is renewed, it is the same declaration.

    Raises `EntryGone`.
    """
    with transaction.atomic():
        entry = register_versions.held(entry_id)
        known = leak_reads.leak_of_entry(entry)
        if known is not None:
            return known
        # Of the entry and when it was renewed, as there is no token: what it is renewed with can leak too.
        since = entry.credential_since
        fingerprint = encryption.fingerprint(Secret(f"{entry.pk} {since.isoformat()}"), purpose=_PURPOSE)
        facts: dict[str, Any] = {
            "entry": entry,
            "kind": _KINDS.get(RegisterEntry.Kind(entry.kind), entry.kind),
            "organization": (entry.organization or entry.name)[:_ORGANIZATION_LENGTH],
            "identity_name": (entry.outside_owner or register_versions.called(entry.owner))[:_NAME_LENGTH],
            # Not earlier, if the entry was renewed while this waited for the lock.
            "declared_at": max(now, since),
            "declared_by": by.name,
            "notified_at": now,
        }
        leak = LeakedToken.objects.create(fingerprint=fingerprint, **facts)
        record("register.declared_leaked", entry, by=by, at=now, detail={"leak": leak.pk})
        leak_mail.notify_entry_declared(leak, entry, now=now)
        leak.notified_contacts = consumer_mail.entry_leaked(leak, entry, now=now)
        leak.save(update_fields=["notified_contacts"])
    return leak
