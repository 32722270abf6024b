"""Extend the stored token of a person who has signed in at Microsoft: a later expiry date for the same token.

A row is written before Azure DevOps is asked, and leased by the request that asks. If the answer is lost, or the
process dies, the owner's next sign-in reads what is true. This is no rotation, and only for a token of which it is
known which entry in Azure DevOps it is.
"""

from contextlib import suppress
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from connections.actions import token_readings
from connections.actions.refusals import CannotRenew
from connections.actions.renewal_problems import refusal_of
from connections.actions.signed_in import Owner, SignedIn
from connections.actions.token_readings import Reading
from connections.domain import expiry, renewal
from connections.leak_guard import is_leaked
from connections.models import Connection, KnownToken, StoredCredential, TokenExtension
from connections.providers.azure_devops import personal_tokens
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.errors import AzureDevOpsError, Throttled
from connections.providers.azure_devops.personal_tokens import TokenEntry
from core.leases import LeasedQuerySet, new_lease, working_on
from history.record import record

# What proves that nothing was changed. After any other failure, the date may be another.
_NOT_DONE = (personal_tokens.TokenLifecycleRefused, personal_tokens.TokenLifecycleNotAllowed, Throttled)
# Azure DevOps keeps times in steps of some milliseconds.
_SAME_MOMENT = timedelta(seconds=1)


def known_token(connection: Connection) -> KnownToken:
    """Which entry in Azure DevOps the stored token is. Raises `CannotRenew` if that is not certain."""
    stored = StoredCredential.objects.filter(connection=connection, kind=PersonalAccessToken.kind).first()
    if stored is None:
        raise CannotRenew("renewal_only_of_tokens")
    if is_leaked(stored.fingerprint):
        raise CannotRenew(expiry.LEAKED)
    known = KnownToken.objects.filter(fingerprint=stored.fingerprint, server=connection.server).first()
    if known is None:
        raise CannotRenew("extend_unknown_token")
    return known


def extend_token(connection: Connection, days: int, signed_in: SignedIn) -> Connection:
    """Give the stored token a later expiry date, so many days from now at most.

    Raises `CannotRenew`; then Azure DevOps changed nothing, or the page of the connection says what is pending.
    """
    known, until = known_token(connection), renewal.valid_until(timezone.localtime(signed_in.clock()), days)
    try:
        before = personal_tokens.read(signed_in.transport, known.authorization_id)
    except AzureDevOpsError as error:
        raise refusal_of(error, organization=known.organization) from None
    _require_later(known, before, until, signed_in)
    extension = _start(connection, known, until, signed_in)
    held = TokenExtension.objects.filter(pk=extension.pk).under(extension.lease)
    with working_on(held):
        after = _ask(extension, held, signed_in)
        _finish(extension, held, after, signed_in, kind="connection.token_extended")
    _reread(connection)
    if after.valid_to is None or before.valid_to is None or after.valid_to <= before.valid_to + _SAME_MOMENT:
        raise CannotRenew("extend_left_as_it_was")
    return connection


def _reread(connection: Connection) -> None:
    try:
        connection.refresh_from_db()
    except Connection.DoesNotExist:
        raise CannotRenew("connection_gone") from None


def _require_later(known: KnownToken, entry: TokenEntry, until: datetime, signed_in: SignedIn) -> None:
    """Raise `CannotRenew` unless the token is valid and the new date is later. What was read is stored anyway."""
    if entry.valid_to is None or entry.valid_to <= signed_in.clock():
        raise CannotRenew("pat_expired")
    if entry.valid_to >= until - _SAME_MOMENT:
        token_readings.store_reading(_reading(known, entry), by=signed_in.by, now=signed_in.clock())
        raise CannotRenew("extend_not_later", field="days")


def require_none_running(connection: Connection, *, now: datetime) -> None:
    """Raise `CannotRenew` while another request extends the stored token, or may still do so."""
    stored = StoredCredential.objects.filter(connection=connection).values("fingerprint")
    if TokenExtension.objects.held(now).filter(fingerprint__in=stored).exists():
        raise CannotRenew("extend_running")


def _start(connection: Connection, known: KnownToken, until: datetime, signed_in: SignedIn) -> TokenExtension:
    """Write down what Azure DevOps is about to be asked for, leased by this request. Raises `CannotRenew`."""
    now = signed_in.clock()
    extension = TokenExtension(
        connection=connection,
        server=connection.server,
        organization=connection.organization,
        identity_id=connection.identity_id,
        fingerprint=known.fingerprint,
        authorization_id=known.authorization_id,
        until=until,
        started_at=now,
        lease=new_lease(),
        leased_until=now + TokenExtension.lease_duration(),
    )
    try:
        with transaction.atomic():
            extension.save(force_insert=True)
            detail = {"until": until.isoformat(timespec="seconds")}
            record("connection.extension_started", connection, by=signed_in.by, at=now, detail=detail)
    except IntegrityError:
        raise CannotRenew("extend_running") from None
    return extension


Held = LeasedQuerySet[TokenExtension]


def _ask(extension: TokenExtension, held: Held, signed_in: SignedIn) -> TokenEntry:
    """Ask for the later date, and read back what it is now. Raises `CannotRenew`."""
    try:
        answered = personal_tokens.extend(signed_in.transport, extension.authorization_id, extension.until)
    except _NOT_DONE as error:
        held.delete()
        raise refusal_of(error, organization=extension.organization) from None
    except AzureDevOpsError:
        return _read_after_no_answer(extension, signed_in)
    # Without an answer, that to the change says the same.
    with suppress(AzureDevOpsError):
        return personal_tokens.read(signed_in.transport, extension.authorization_id)
    return answered


def _read_after_no_answer(extension: TokenExtension, signed_in: SignedIn) -> TokenEntry:
    try:
        return personal_tokens.read(signed_in.transport, extension.authorization_id)
    except AzureDevOpsError:
        raise CannotRenew("extension_lost") from None


def _finish(extension: TokenExtension, held: Held, entry: TokenEntry, signed_in: SignedIn, *, kind: str) -> None:
    """Store what is true now, and that nothing is pending any more, unless another request works on it by now."""
    known = KnownToken.objects.filter(fingerprint=extension.fingerprint).first()
    with transaction.atomic():
        if known is not None and known.authorization_id == entry.id:
            token_readings.store_reading(_reading(known, entry), by=signed_in.by, now=signed_in.clock(), kind=kind)
            # The next audit shows whether the token still works.
            using = Connection.objects.filter(stored_credential__fingerprint=extension.fingerprint)
            using.update(next_check_at=signed_in.clock())
        held.delete()


def _reading(known: KnownToken, entry: TokenEntry) -> Reading:
    source = KnownToken.Source(known.source)
    return Reading(known.fingerprint, known.server, known.organization, entry, source)


def settle_extensions(owner: Owner, signed_in: SignedIn) -> None:
    """Read what became of extensions of this person's tokens that were not answered. One that fails stays pending.

    One that another request is working on is left to it.
    """
    pending = TokenExtension.objects.filter(
        server=owner.server, organization__iexact=owner.organization, identity_id=owner.identity_id
    )
    for extension in list(pending.order_by("pk")):
        rows = TokenExtension.objects.filter(pk=extension.pk)
        if lease := rows.claim(now=signed_in.clock()):
            held = rows.under(lease)
            with working_on(held):
                _settle_one(extension, held, signed_in)


def _settle_one(extension: TokenExtension, held: Held, signed_in: SignedIn) -> None:
    try:
        entry = personal_tokens.read(signed_in.transport, extension.authorization_id)
    except personal_tokens.TokenLifecycleRefused as refused:
        if refused.is_gone:
            held.delete()
    except AzureDevOpsError:
        return
    else:
        _finish(extension, held, entry, signed_in, kind="connection.token_read")
