"""Declare a token leaked: no process makes another request with it, and the people concerned are notified."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core import signing
from django.db import transaction

from connections.actions import versions
from connections.actions.leak_questions import ask_soon
from connections.actions.refusals import CannotDeclareLeak, Refused
from connections.domain import expiry, leak_proof
from connections.domain.health import Health
from connections.domain.problems import catalogue
from connections.leak_guard import is_leaked
from connections.models import CapabilityState, Connection, LeakedToken, StoredCredential
from connections.models.sealed import fingerprint_of
from connections.notifications import consumer_mail, leak_mail
from connections.old_tokens import users_of
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.credential import Credential, Words
from connections.providers.registry import words_for
from core.encryption import UnreadableToken
from history.record import Actor, record

log = logging.getLogger(__name__)

_SALT = "connections.leaked-token"
# A declaration under way writes its mails itself.
_NOTIFIED_WITHIN = timedelta(seconds=30)
_MOST_AT_ONCE = 20
_STOPPED = (
    "health",
    "health_since",
    "problem",
    "problem_host",
    "activity_id",
    "consecutive_failures",
    "confirmations",
    "notified_health",
)


@dataclass(frozen=True, slots=True)
class Found:
    """A token by its fingerprint: the connections that store it, those in which it was replaced, and its declaration.

    `key` stands for the token in a form: its fingerprint, signed.
    """

    key: str
    stored_by: tuple[Connection, ...]
    replaced_in: tuple[Connection, ...]
    leak: LeakedToken | None

    @property
    def words(self) -> Words:
        """What pages call it."""
        kind = _kind(self.stored_by, self.replaced_in)
        return words_for(kind) if kind else PersonalAccessToken.words

    @property
    def is_known(self) -> bool:
        """Whether a connection stores the token, or stored it last."""
        return bool(self.stored_by or self.replaced_in or self.leak)


def find_token(token: Credential) -> Found:
    """Where this token is stored. Nothing of it is kept."""
    return _found(_fingerprint_of_token(token))


def _fingerprint_of_token(token: Credential) -> str:
    return _fingerprint_of_secret(token) or fingerprint_of(token)


def _fingerprint_of_secret(token: Credential) -> str:
    """The fingerprint of an application's stored credential of which the text is the secret part; empty if none is."""
    for stored in StoredCredential.objects.exclude(kind=PersonalAccessToken.kind).iterator():
        with suppress(UnreadableToken):
            if token.reveal() in stored.reveal().secrets():
                return stored.fingerprint
    return ""


def find_stored(connection: Connection) -> Found:
    """The token of this connection, and where else it is stored."""
    return _found(_stored_fingerprint(connection))


def _stored_fingerprint(connection: Connection) -> str:
    """The fingerprint of what the connection stores; empty if it stores nothing."""
    fingerprints = StoredCredential.objects.filter(connection=connection).values_list("fingerprint", flat=True)
    return fingerprints.first() or ""


def _found(fingerprint: str) -> Found:
    leak = LeakedToken.objects.filter(fingerprint=fingerprint).first()
    key = signing.dumps(fingerprint, salt=_SALT)
    return Found(key, tuple(users_of({fingerprint})), tuple(_replaced_in(fingerprint)), leak)


def _replaced_in(fingerprint: str) -> Iterable[Connection]:
    if not fingerprint:
        return []
    connections = Connection.objects.filter(stored_credential__replaced_fingerprint=fingerprint)
    return connections.select_related("stored_credential").order_by("pk")


def _fingerprint_of(key: str) -> str:
    try:
        return str(signing.loads(key, salt=_SALT))
    except signing.BadSignature:
        raise CannotDeclareLeak("leak_unknown") from None


def declare_leak(key: str, *, by: Actor, now: datetime) -> LeakedToken:
    """Declare the token leaked for which the key of a form stands. Declared again, it returns the first declaration.

    Raises `CannotDeclareLeak`.
    """
    return _declare(_fingerprint_of(key), by=by, now=now)


def declare_token_leaked(token: Credential, *, by: Actor, now: datetime) -> LeakedToken:
    """The same for this token, of which nothing is kept. Raises `CannotDeclareLeak`."""
    return _declare(_fingerprint_of_token(token), by=by, now=now)


def declare_stored_leaked(connection: Connection, *, by: Actor, now: datetime) -> LeakedToken:
    """The same for the token of this connection. Raises `CannotDeclareLeak`."""
    return _declare(_stored_fingerprint(connection), by=by, now=now)


def _declare(fingerprint: str, *, by: Actor, now: datetime) -> LeakedToken:
    with transaction.atomic():
        storing = versions.held_with(fingerprint)
        known = LeakedToken.objects.filter(fingerprint=fingerprint).first()
        if known is not None:
            return known
        replaced = list(_replaced_in(fingerprint))
        if not storing and not replaced:
            raise CannotDeclareLeak("leak_unknown")
        defaults = _facts(storing, replaced) | {"declared_at": now, "declared_by": by.name}
        leak, is_new = LeakedToken.objects.get_or_create(fingerprint=fingerprint, defaults=defaults)
        if is_new:
            _begin(leak, storing, replaced, by=by, now=now)
    notify_once(leak, now=now)
    return leak


def notify_once(leak: LeakedToken, *, now: datetime) -> None:
    """Notify the people concerned, and the contacts of what uses the token, unless that was done before.

    Not in the transaction of the declaration: with hundreds of people, the stop would apply seconds later.
    """
    with transaction.atomic():
        if not LeakedToken.objects.filter(pk=leak.pk, notified_at=None).update(notified_at=now):
            return
        # A connection may have been stopped late.
        leak.refresh_from_db(fields=["notified_at", "connections"])
        _notify(leak, [user["id"] for user in leak.connections], now=now)


def _notify(leak: LeakedToken, connection_ids: Iterable[int], *, now: datetime) -> None:
    """Notify those whom these connections concern, and count the contacts. The caller has locked the leak."""
    there = list(Connection.objects.filter(pk__in=connection_ids).select_related("owner").order_by("pk"))
    leak_mail.notify_declared(leak, there, now=now)
    leak.notified_contacts += consumer_mail.token_leaked(leak, there, now=now)
    leak.save(update_fields=["notified_contacts"])


def notify_pending(*, now: datetime) -> None:
    """Notify of declarations after which a process ended before it could. Those that fail do not stop the others."""
    waiting = LeakedToken.objects.filter(notified_at=None, declared_at__lte=now - _NOTIFIED_WITHIN).order_by("pk")
    written = 0
    # Those that failed are not counted: they are tried again each time, and would leave no room.
    for leak in list(waiting):
        if written >= _MOST_AT_ONCE:
            break
        try:
            notify_once(leak, now=now)
            written += 1
        except Exception:
            log.exception("The mails about the leaked token %s could not be written.", leak.pk)


def _kind(storing: Sequence[Connection], replaced: Sequence[Connection]) -> str:
    """The kind of the credential; empty if no connection stores it or stored it last."""
    if storing:
        return storing[0].stored_credential.kind
    stored = replaced[0].stored_credential if replaced else None
    return (stored.replaced_kind or stored.kind) if stored else ""


def _facts(storing: list[Connection], replaced: list[Connection]) -> dict[str, Any]:
    """What is recorded about the token: its organization and owner, and what it could do."""
    first = (storing or replaced)[0]
    name, account, identity_id = first.identity_name, first.identity_account, first.identity_id
    if not storing:
        name = first.stored_credential.replaced_identity_name
        account = first.stored_credential.replaced_identity_account
        # Of the person who owned it, only if that is the owner of the token that is stored now.
        identity_id = identity_id if account and account == first.identity_account else ""
    users = [_user(connection, replaced=False) for connection in storing]
    return {
        "kind": _kind(storing, replaced),
        "server": first.server,
        "organization": first.organization,
        "identity_name": name,
        "identity_account": account,
        "identity_id": identity_id,
        "connections": users + [_user(connection, replaced=True) for connection in replaced],
    }


def _user(connection: Connection, *, replaced: bool) -> dict[str, Any]:
    states: Iterable[CapabilityState] = () if replaced else connection.capability_states()
    return {
        "id": connection.pk,
        "name": connection.name,
        "organization": connection.organization,
        "replaced": replaced,
        # By Azure DevOps, before the declaration stopped the connection.
        "rejected": connection.health == Health.REJECTED and connection.problem != expiry.LEAKED,
        "verdicts": {state.capability: state.verdict for state in states},
    }


def _begin(
    leak: LeakedToken, storing: list[Connection], replaced: list[Connection], *, by: Actor, now: datetime
) -> None:
    for connection in storing:
        _stop(connection, now=now)
    if storing and _keep_for_proof(leak, storing[0]):
        leak.next_ask_at = leak_proof.next_ask(leak.declared_at, after=leak.declared_at)
        leak.save(update_fields=["kind", "sealed", "next_ask_at"])
        ask_soon(leak)
    for connection in [*storing, *replaced]:
        detail = {"leak": leak.pk, "connections": len(storing), "replaced": connection not in storing}
        record("connection.declared_leaked", connection, by=by, at=now, detail=detail)


def _keep_for_proof(leak: LeakedToken, connection: Connection) -> bool:
    """Take a copy of the token in, encrypted for the row of the leak, as the connection will get another one."""
    try:
        leak.seal(connection.stored_credential.reveal())
    except UnreadableToken:
        return False
    return True


def _stop(connection: Connection, *, now: datetime) -> None:
    """Show the leak as the health of the connection. People are notified of the leak itself."""
    if connection.health != Health.REJECTED:
        connection.health_since = now
    connection.health = connection.notified_health = Health.REJECTED
    connection.problem, connection.problem_host, connection.activity_id = expiry.LEAKED, "", ""
    connection.consecutive_failures = connection.confirmations = 0
    connection.save(update_fields=_STOPPED)


def stop_late(leak: LeakedToken, *, now: datetime) -> None:
    """Stop connections that got the token while it was being declared leaked, and notify those whom they concern.

    They make no requests anyway.
    """
    with transaction.atomic():
        storing = versions.held_with(leak.fingerprint)
        late = [connection for connection in storing if connection.problem != expiry.LEAKED]
        if not late:
            return
        known = LeakedToken.objects.select_for_update().get(pk=leak.pk)
        for connection in late:
            _stop(connection, now=now)
            detail: Mapping[str, object] = {"leak": leak.pk, "connections": 1, "replaced": False}
            record("connection.declared_leaked", connection, by=Actor(leak.declared_by), at=now, detail=detail)
        _add_late(known, late)
        if known.notified_at:
            _notify(known, [connection.pk for connection in late], now=now)


def _add_late(leak: LeakedToken, late: Iterable[Connection]) -> None:
    """Name them among the connections that stored the token, also those in which it had been replaced before."""
    users = {user["id"]: user for user in leak.connections}
    users |= {connection.pk: _user(connection, replaced=False) for connection in late}
    leak.connections = list(users.values())
    leak.save(update_fields=["connections"])


def refuse_leaked(token: Credential, refusal: type[Refused]) -> None:
    """Raise `refusal` if the token was declared leaked."""
    if is_leaked(fingerprint_of(token)):
        problem = catalogue.problem(expiry.LEAKED)
        raise refusal(problem.code, problem.brief, field="token")
