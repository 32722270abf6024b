"""Declare a credential of the register leaked. It is not stored here, so people are only notified and guided."""

from datetime import datetime

from django.db import transaction

from connections.actions import register_versions
from connections.models import LeakedToken, RegisterEntry
from connections.notifications import leak_mail
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
    """Declare the credential of this entry leaked. Declared again, it returns the first declaration.

    Raises `EntryGone`.
    """
    with transaction.atomic():
        entry = register_versions.held(entry_id)
        # Of the entry itself, as there is no token: one declaration for each.
        fingerprint = encryption.fingerprint(Secret(str(entry.pk)), purpose=_PURPOSE)
        facts = {
            "entry": entry,
            "kind": _KINDS.get(RegisterEntry.Kind(entry.kind), entry.kind),
            "organization": (entry.organization or entry.name)[:_ORGANIZATION_LENGTH],
            "identity_name": (entry.outside_owner or register_versions.called(entry.owner))[:_NAME_LENGTH],
            "declared_at": now,
            "declared_by": by.name,
            "notified_at": now,
        }
        leak, is_new = LeakedToken.objects.get_or_create(fingerprint=fingerprint, defaults=facts)
        if is_new:
            record("register.declared_leaked", entry, by=by, at=now, detail={"leak": leak.pk})
            leak_mail.notify_entry_declared(leak, entry, now=now)
    return leak
