"""Creations that carry an `Idempotency-Key`: a repeated request creates nothing twice, here or in Azure DevOps."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from django.db.models import Model
from django.utils import timezone
from ninja import Header

from api.actions import idempotency
from api.authentication import ApiRequest
from api.models import IdempotentRequest
from connections.actions.refusals import Refused
from delivery import remote_change
from delivery.remote_read import RemoteReadError

Created = TypeVar("Created")
Stored = TypeVar("Stored", bound=Model)
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern="^[!-~]+$",
        description="Any text of yours; repeating the request with it within a day creates nothing twice.",
    ),
]


def execute_once(
    request: ApiRequest,
    key: str | None,
    do: Callable[[], Created],
    *,
    id_of: Callable[[Created], int],
    find: Callable[[int], Created],
) -> Created:
    """What `do` creates, or `find` finds if an earlier request with this key created it. Raises `RemoteReadError`.

    If it is unknown whether the earlier request created it, this one fails with "outcome_unknown", too.
    """
    if key is None:
        return do()
    claimed = idempotency.claim(request.caller.token, key, _asked(request), now=timezone.now(), is_remote=True)
    if claimed.created_id is not None:
        return find(claimed.created_id)
    if claimed.is_outcome_unknown:
        raise RemoteReadError(remote_change.UNKNOWN)
    return _execute(claimed, do, id_of)


def _execute(claimed: IdempotentRequest, do: Callable[[], Created], id_of: Callable[[Created], int]) -> Created:
    try:
        created = do()
    except RemoteReadError as failure:
        if failure.code == remote_change.UNKNOWN:
            idempotency.finish_unknown(claimed)
        else:
            idempotency.abandon(claimed)
        raise
    except Refused:
        idempotency.abandon(claimed)
        raise
    idempotency.finish(claimed, created_id=id_of(created))
    return created


def store_once(
    request: ApiRequest,
    key: str | None,
    store: Callable[[Callable[[Stored], object] | None], Stored],
    *,
    find: Callable[[int], Stored],
    column: str = "created_id",
) -> Stored:
    """What `store` stores here, or `find` finds if an earlier request with this key stored it.

    `store` gets what it has to call in its transaction. `column` keeps the id for repeated requests.
    """
    if key is None:
        return store(None)
    claimed = idempotency.claim(request.caller.token, key, _asked(request), now=timezone.now())
    stored_id: int | None = getattr(claimed, column)
    if stored_id is not None:
        return find(stored_id)
    try:
        return store(lambda row: idempotency.finish(claimed, **{column: row.pk}))
    except BaseException:
        idempotency.abandon(claimed)
        raise


def _asked(request: ApiRequest) -> bytes:
    """The body with the address, as the same body may be sent to several."""
    return f"{request.method} {request.path}\n".encode() + request.body
