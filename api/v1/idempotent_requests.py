"""Changes in Azure DevOps that carry an `Idempotency-Key`: a repeated request changes nothing twice."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from django.utils import timezone
from ninja import Header

from api.actions import idempotency
from api.authentication import ApiRequest
from api.models import IdempotentRequest
from connections.actions.refusals import Refused
from delivery import remote_change
from delivery.remote_read import RemoteReadError

Created = TypeVar("Created")
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
    # The same body may be sent to several addresses.
    body = f"{request.method} {request.path}\n".encode() + request.body
    claimed = idempotency.claim(request.caller.token, key, body, now=timezone.now(), is_remote=True)
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
