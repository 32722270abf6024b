"""Import what Azure DevOps says about the tokens of a person who has just signed in, and match it with stored tokens.

An entry whose id is known is matched without a question. For any other stored token, the person picks the entry, and
nothing is dated before.
"""

import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser

from connections import clients
from connections.actions import token_readings
from connections.actions.extend_token import settle_extensions
from connections.actions.refusals import CannotRenew
from connections.actions.renewal_problems import problem_of
from connections.actions.settle_renewals import settle
from connections.actions.signed_in import Clock, Owner, SignedIn, signed_in_as
from connections.actions.token_readings import Reading
from connections.domain import token_entries
from connections.domain.token_entries import Pick
from connections.models import Connection, KnownToken, RenewalSignIn, TokenImport
from connections.providers.azure_devops import personal_tokens
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.errors import AzureDevOpsError
from connections.providers.azure_devops.personal_tokens import TokenEntry
from connections.providers.azure_devops.sign_in import PersonsToken
from connections.token_import_reads import KEPT, entries_of, is_of
from history.record import Actor

# After this, no other organization is asked in the same request.
_SECONDS = 25.0


def import_tokens(
    asked: RenewalSignIn, signer: PersonsToken, *, person: AbstractBaseUser, by: Actor, clock: Clock
) -> TokenImport | None:
    """Read the person's tokens in each organization that was chosen. One that fails does not stop the others."""
    until = time.monotonic() + _SECONDS
    imported = None
    for organization in asked.organizations:
        facts: dict[str, Any] = {"problem": "import_no_time"}
        if time.monotonic() < until:
            owner = Owner(asked.server, organization)
            facts = _read(owner, signed_in_as(owner, signer, person=person, by=by, clock=clock))
        imported = _store(asked.server, organization, facts, person=person, now=clock())
        _store_known(imported, by=by, now=clock())
    return imported


def _read(place: Owner, signing_in: AbstractContextManager[SignedIn]) -> dict[str, Any]:
    """The columns of an import: the tokens, or why there are none."""
    try:
        with signing_in as signed_in:
            identity = signed_in.data.identity
            owner = Owner(place.server, place.organization, identity.id)
            settle(owner, signed_in, asked_for=None)
            settle_extensions(owner, signed_in)
            listed = personal_tokens.active_tokens(signed_in.transport)
    except (AzureDevOpsError, clients.UnknownServer) as error:
        return problem_of(error)
    return {
        "organization_id": signed_in.data.organization_id,
        "identity_id": identity.id,
        "identity_name": identity.display_name,
        "identity_account": identity.account or "",
        "entries": [token_entries.as_json(entry) for entry in listed.items],
        "is_whole": listed.is_whole,
    }


def _store(
    server: str, organization: str, facts: dict[str, Any], *, person: AbstractBaseUser, now: datetime
) -> TokenImport:
    """Replace what the same person read of the organization before."""
    where = {"user_id": person.pk, "server": server, "organization": organization}
    defaults = {**_NOTHING_READ, **facts, "read_at": now}
    return TokenImport.objects.update_or_create(**where, defaults=defaults)[0]


_NOTHING_READ: dict[str, Any] = {
    "organization_id": "",
    "identity_id": "",
    "identity_name": "",
    "identity_account": "",
    "entries": [],
    "is_whole": True,
    "problem": "",
    "problem_word": "",
}


def _store_known(imported: TokenImport, *, by: Actor, now: datetime) -> None:
    """Store the readings of the entries that are known to be stored tokens."""
    entries = entries_of(imported)
    known = KnownToken.objects.filter(server=imported.server, authorization_id__in=list(entries))
    for row in known.order_by("pk"):
        reading = _reading(imported, row.fingerprint, entries[row.authorization_id], KnownToken.Source(row.source))
        token_readings.store_reading(reading, by=by, now=now)


def _reading(imported: TokenImport, fingerprint: str, entry: TokenEntry, source: KnownToken.Source) -> Reading:
    return Reading(fingerprint, imported.server, imported.organization, entry, source)


Checked = tuple[TokenImport, Connection, TokenEntry | None]


def check_picks(picks: Sequence[Pick], imports: Iterable[TokenImport]) -> list[Checked]:
    """What a person is about to confirm: the import, the connection and the entry of each pick, or None for none.

    Raises `CannotRenew` if any pick is impossible; nothing is changed.
    """
    if not picks:
        raise CannotRenew("import_nothing_picked")
    if token_entries.picked_twice(picks):
        raise CannotRenew("import_picked_twice")
    read = list(imports)
    return [_checked(pick, read) for pick in picks]


def _checked(pick: Pick, imports: Iterable[TokenImport]) -> Checked:
    tokens = Connection.objects.filter(stored_credential__kind=PersonalAccessToken.kind)
    connection = tokens.select_related("stored_credential").filter(pk=pick.connection).first()
    imported = next((token_import for token_import in imports if connection and is_of(token_import, connection)), None)
    if connection is None or imported is None:
        raise CannotRenew("import_no_candidate")
    if pick.entry == token_entries.NONE:
        return imported, connection, None
    entry = entries_of(imported).get(pick.entry)
    if entry is None:
        raise CannotRenew("import_no_candidate")
    if connection.token_set_at > imported.read_at:
        raise CannotRenew("import_outdated")
    _require_free(imported, connection, entry)
    return imported, connection, entry


def _require_free(imported: TokenImport, connection: Connection, entry: TokenEntry) -> None:
    """Raise `CannotRenew` if it is already known which stored token the entry is, or if we created this one."""
    fingerprint = connection.stored_credential.fingerprint
    of_entry = KnownToken.objects.filter(server=imported.server, authorization_id=entry.id)
    created = KnownToken.objects.filter(fingerprint=fingerprint, source=KnownToken.Source.CREATED)
    if of_entry.exclude(fingerprint=fingerprint).exists() or created.exclude(authorization_id=entry.id).exists():
        raise CannotRenew("import_other_token")


def use_picks(picks: Sequence[Pick], imports: Iterable[TokenImport], *, by: Actor, now: datetime) -> list[Connection]:
    """Store what Azure DevOps says about the entries that the person confirmed. Returns the connections with news.

    Raises `CannotRenew` if any pick is impossible, before anything is changed.
    """
    changed: list[Connection] = []
    for imported, connection, entry in check_picks(picks, imports):
        fingerprint = connection.stored_credential.fingerprint
        if entry is None:
            changed += token_readings.forget_pick(fingerprint, by=by, now=now)
            continue
        reading = _reading(imported, fingerprint, entry, KnownToken.Source.PICKED)
        changed += token_readings.store_reading(reading, by=by, now=now)
    return changed


def forget(user: AbstractBaseUser) -> None:
    """Delete what this person read. What was stored from it stays."""
    TokenImport.objects.filter(user_id=user.pk).delete()


def forget_old(*, now: datetime) -> None:
    """Delete what was read more than a day ago."""
    TokenImport.objects.filter(read_at__lte=now - KEPT).delete()
