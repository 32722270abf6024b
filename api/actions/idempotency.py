"""Repeat a creation safely: the same `Idempotency-Key` with the same body creates once."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from api.models import ApiToken, IdempotentRequest
from core import encryption
from core.secrets import Secret

# The longest test of a token takes far less; after that the process is gone.
_ABANDONED_AFTER = timedelta(minutes=5)
_KEPT = timedelta(days=1)


class KeyReused(Exception):
    """The key belongs to a request with another body."""


class KeyInUse(Exception):
    """A request with this key is still running."""


def claim(token: ApiToken, key: str, body: bytes, *, now: datetime, is_remote: bool = False) -> IdempotentRequest:
    """The stored request. If it was completed earlier, it has the id of what it created.

    The caller ends a new one with `finish` or `abandon`. What is created in Azure DevOps (`is_remote`) cannot be stored
    in the same transaction: if the process ended meanwhile, its outcome is unknown. Raises `KeyReused` and `KeyInUse`.
    """
    digest = encryption.fingerprint(Secret(body.decode(errors="replace")), purpose="idempotent request")
    try:
        with transaction.atomic():
            return IdempotentRequest.objects.create(token=token, key=key, body_digest=digest, started_at=now)
    except IntegrityError:
        return _claim_again(token, key, digest, now=now, is_remote=is_remote)


def _claim_again(token: ApiToken, key: str, digest: str, *, now: datetime, is_remote: bool) -> IdempotentRequest:
    earlier = IdempotentRequest.objects.filter(token=token, key=key).first()
    if earlier is None:
        # Abandoned a moment ago.
        raise KeyInUse
    if earlier.body_digest != digest:
        raise KeyReused
    if is_running(earlier):
        stale = _running().filter(pk=earlier.pk, started_at__lte=now - _ABANDONED_AFTER)
        if not stale.update(started_at=now, is_outcome_unknown=is_remote):
            raise KeyInUse
        earlier.refresh_from_db()
    return earlier


def is_running(request: IdempotentRequest) -> bool:
    """Whether it is not known yet what the request created."""
    return request.connection_id is None and request.created_id is None and not request.is_outcome_unknown


def _running() -> QuerySet[IdempotentRequest]:
    return IdempotentRequest.objects.filter(connection_id=None, created_id=None, is_outcome_unknown=False)


def finish(request: IdempotentRequest, **created: int) -> None:
    """Store for repeated requests what was created: as `connection_id`, or anything else as `created_id`."""
    IdempotentRequest.objects.filter(pk=request.pk).update(**created)


def finish_unknown(request: IdempotentRequest) -> None:
    """Store that it is unknown whether something was created, so that a repeated request creates nothing twice."""
    IdempotentRequest.objects.filter(pk=request.pk).update(is_outcome_unknown=True)


def abandon(request: IdempotentRequest) -> None:
    """Delete a refused request, so that a corrected one can use the key."""
    _running().filter(pk=request.pk).delete()


def forget_old(*, now: datetime) -> int:
    """Delete requests that are too old to be repeated. Returns how many."""
    removed, _ = IdempotentRequest.objects.filter(started_at__lt=now - _KEPT).delete()
    return removed
