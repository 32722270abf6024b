"""Repeat a creation safely: the same `Idempotency-Key` with the same body creates once."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

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


def claim(token: ApiToken, key: str, body: bytes, *, now: datetime) -> IdempotentRequest:
    """The stored request. Its `connection_id` is set if the request was completed earlier.

    The caller ends a new one with `finish` or `abandon`. Raises `KeyReused` and `KeyInUse`.
    """
    digest = encryption.fingerprint(Secret(body.decode(errors="replace")), purpose="idempotent request")
    try:
        with transaction.atomic():
            return IdempotentRequest.objects.create(token=token, key=key, body_digest=digest, started_at=now)
    except IntegrityError:
        return _claim_again(token, key, digest, now=now)


def _claim_again(token: ApiToken, key: str, digest: str, *, now: datetime) -> IdempotentRequest:
    earlier = IdempotentRequest.objects.filter(token=token, key=key).first()
    if earlier is None:
        # Abandoned a moment ago.
        raise KeyInUse
    if earlier.body_digest != digest:
        raise KeyReused
    if earlier.connection_id is None:
        stale = IdempotentRequest.objects.filter(
            pk=earlier.pk, connection_id=None, started_at__lte=now - _ABANDONED_AFTER
        )
        if not stale.update(started_at=now):
            raise KeyInUse
    return earlier


def finish(request: IdempotentRequest, connection_id: int) -> None:
    """Store the created connection for repeated requests."""
    IdempotentRequest.objects.filter(pk=request.pk).update(connection_id=connection_id)


def abandon(request: IdempotentRequest) -> None:
    """Delete a refused request, so that a corrected one can use the key."""
    IdempotentRequest.objects.filter(pk=request.pk, connection_id=None).delete()


def forget_old(*, now: datetime) -> int:
    """Delete requests that are too old to be repeated. Returns how many."""
    removed, _ = IdempotentRequest.objects.filter(started_at__lt=now - _KEPT).delete()
    return removed
