"""Convert entries of the register, what uses a credential, and leaks to response schemas."""

from collections.abc import Iterable

from api.authentication import Caller
from api.v1 import register_schemas as schemas
from api.v1.links import address
from api.v1.schemas import ConnectionRef, Identity
from connections import leak_reads
from connections.actions import register_versions, versions
from connections.actions.declare_leak import Found
from connections.models import Connection, Consumer, LeakedToken, RegisterEntry

VIEW_REGISTER = "connections.view_registerentry"
# Everything that a person decides on, whatever the change.
_VERSIONED = tuple(
    dict.fromkeys(
        (*register_versions.EDIT, *register_versions.CLOSE, *register_versions.REOPEN, *register_versions.DELETE)
    )
)


def register_entry(row: RegisterEntry) -> schemas.RegisterEntry:
    """An entry of the register."""
    leak = leak_reads.leak_of_entry(row)
    return schemas.RegisterEntry(
        id=row.pk,
        version=register_versions.version(row, _VERSIONED),
        name=row.name,
        kind=RegisterEntry.Kind(row.kind),
        organization=row.organization,
        owner=row.owner.get_username(),
        is_owner_active=row.owner.is_active,
        outside_owner=row.outside_owner,
        purpose=row.purpose,
        used_by=_consumers(row.consumers.all()),
        scopes=row.scopes,
        expires_on=row.expires_on,
        extra_recipients=row.extra_recipients.split(),
        notes=row.notes,
        is_closed=row.is_closed,
        closed_at=row.closed_at,
        closed_reason=RegisterEntry.Reason(row.closed_reason) if row.closed_reason else None,
        closed_note=row.closed_note,
        leak_id=leak.pk if leak else None,
        created_at=row.created_at,
        changed_at=row.changed_at,
        url=address("connections:register-entry", row.pk),
    )


def _consumers(rows: Iterable[Consumer]) -> list[schemas.Consumer]:
    return [schemas.Consumer(name=row.name, url=row.url or None, contact=row.contact or None) for row in rows]


def used_by(row: Connection) -> schemas.UsedBy:
    """What uses the credential of a connection."""
    version = versions.version(row, versions.USED_BY)
    return schemas.UsedBy(version=version, used_by=_consumers(row.consumers.all()))


def leak_summary(row: LeakedToken) -> schemas.LeakSummary:
    """A leaked credential, without what takes further queries."""
    return schemas.LeakSummary(
        id=row.pk,
        state=row.state,
        kind=row.kind,
        organization=row.organization,
        server=row.server or None,
        identity=Identity(name=row.identity_name, account=row.identity_account),
        entry=schemas.RegisterEntryRef(id=row.entry.pk, name=row.entry.name) if row.entry else None,
        declared_at=row.declared_at,
        declared_by=row.declared_by,
        notified_at=row.notified_at,
        notified_contacts=row.notified_contacts,
        revoked_at=row.revoked_at,
        asks=row.asks,
        asked_at=row.asked_at,
        last_answer=row.last_answer or None,
        next_ask_at=row.next_ask_at,
        proved_at=row.proved_at,
        ended_at=row.ended_at,
        seconds=row.took.total_seconds() if row.took else None,
        url=address("connections:leak", row.pk),
    )


def leak(row: LeakedToken, caller: Caller) -> schemas.Leak:
    """A leaked credential, and where it is used."""
    uses = leak_reads.uses_of(row)
    consumers = _consumers(leak_reads.consumers_of(row, uses)) if caller.may(VIEW_REGISTER) else None
    return schemas.Leak(**leak_summary(row).model_dump(), connections=list(map(_use, uses)), used_by=consumers)


def _use(use: leak_reads.Use) -> schemas.LeakUse:
    return schemas.LeakUse(
        connection_id=use.connection.pk if use.connection else None,
        name=use.name,
        organization=use.organization,
        was_replaced=use.was_replaced,
        is_stopped=use.is_stopped,
        granted=list(use.granted),
        unknown=list(use.unknown),
    )


def found_token(found: Found) -> schemas.FoundToken:
    """Where a token is stored."""
    return schemas.FoundToken(
        stored_by=_refs(found.stored_by),
        replaced_in=_refs(found.replaced_in),
        leak_id=found.leak.pk if found.leak else None,
    )


def _refs(rows: Iterable[Connection]) -> list[ConnectionRef]:
    return [ConnectionRef(id=row.pk, name=row.name) for row in rows]
