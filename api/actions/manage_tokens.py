"""Create and revoke API tokens."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from api import input_rules, token_text
from api.models import ApiToken
from api.scopes import LABELS
from connections.actions.refusals import Refused, refusing_invalid_input
from connections.models import Connection
from core import encryption
from core.secrets import Secret
from history.record import Actor, record

_PURPOSE = "api token"


class CannotCreateToken(Refused):
    """No token was created."""


@dataclass(frozen=True, slots=True)
class NewToken:
    """What a person asks for. `connections` are ids; None means all connections, later ones included."""

    name: str
    permissions: Collection[str]
    days: int
    connections: Sequence[int] | None = None


def create_token(new: NewToken, *, owner: User, by: Actor, now: datetime) -> tuple[ApiToken, Secret]:
    """Store a token that carries no more than its owner may do. Its text is returned here and never again.

    Raises `CannotCreateToken`.
    """
    new = _checked(new, owner)
    secret = token_text.new_token()
    token = ApiToken(
        name=new.name,
        owner=owner,
        digest=digest_of(secret),
        permissions=sorted(new.permissions),
        all_connections=new.connections is None,
        created_at=now,
        expires_at=now + timedelta(days=new.days),
    )
    try:
        with transaction.atomic():
            token.save()
            token.connections.set(_chosen(new.connections or ()))
            record("api_token.created", token, by=by, at=now, detail=_detail(token, new))
    except IntegrityError:
        if ApiToken.objects.filter(owner=owner, name__iexact=new.name, revoked_at=None).exists():
            words = "You have a token of this name. Choose another name, or revoke that token first."
            raise CannotCreateToken("name_taken", words, field="name") from None
        raise
    return token, secret


def digest_of(secret: Secret) -> str:
    """The keyed digest by which a token is found."""
    return encryption.fingerprint(secret, purpose=_PURPOSE)


def _checked(new: NewToken, owner: User) -> NewToken:
    with refusing_invalid_input(CannotCreateToken):
        new = replace(new, name=input_rules.token_name(new.name), days=input_rules.days_valid(new.days))
    if not new.permissions:
        raise CannotCreateToken("permissions_missing", "Choose at least one permission.", field="permissions")
    for permission in sorted(new.permissions):
        if permission not in LABELS:
            words = "There is no such permission. Choose from those that are listed."
            raise CannotCreateToken("permission_unknown", words, field="permissions")
        if not owner.has_perm(permission):
            words = f"The owner's role does not include this permission: {permission}."
            raise CannotCreateToken("permission_not_yours", words, field="permissions")
    return new


def _chosen(ids: Sequence[int]) -> list[Connection]:
    chosen = list(Connection.objects.filter(pk__in=ids))
    if len(chosen) != len(set(ids)):
        words = "A chosen connection does not exist any more. Choose again."
        raise CannotCreateToken("connection_unknown", words, field="connections")
    return chosen


def _detail(token: ApiToken, new: NewToken) -> dict[str, object]:
    return {
        "owner": token.owner.get_username(),
        "permissions": token.permissions,
        "days": new.days,
        "connections": "all" if new.connections is None else len(set(new.connections)),
    }


def revoke_token(token: ApiToken, *, by: Actor, now: datetime) -> bool:
    """Revoke the token immediately. Returns whether it was usable until now; a second call records no event."""
    with transaction.atomic():
        revoked = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now)
        if revoked:
            record("api_token.revoked", token, by=by, at=now, detail={"owner": token.owner.get_username()})
    return bool(revoked)


def remove_ended(*, now: datetime, kept: timedelta = timedelta(days=90)) -> int:
    """Delete tokens that expired or were revoked long ago; their events are kept. Returns how many."""
    ended = ApiToken.objects.filter(expires_at__lt=now - kept) | ApiToken.objects.filter(revoked_at__lt=now - kept)
    count = ended.count()
    ended.delete()
    return count
