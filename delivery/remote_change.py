"""Carry out one act that changes Azure DevOps: allowed by what the last check found, tried once, and written down.

Nothing is ever tried twice blindly. When the change was sent and no answer came, `look` asks Azure DevOps whether it
happened; when that cannot be told either, the history says so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from connections import clients
from connections.models import Connection
from connections.providers.azure_devops import errors
from connections.providers.azure_devops.client import AzureDevOpsClient
from core.redaction import redact
from delivery.operations import Operation, check_allowed
from delivery.remote_read import RemoteReadError, invalidate, open_client
from history.record import Actor, record

Done = TypeVar("Done")
# After these nobody knows whether the request was carried out.
_NO_ANSWER = (errors.Unreachable, errors.UnexpectedAnswer, errors.AnswerTooLarge)
UNKNOWN = "outcome_unknown"


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """Who tries what. `what` words it for the history, `detail` holds the names and ids that are known before."""

    act: Operation
    connection: Connection
    what: str
    by: Actor
    now: datetime
    detail: Mapping[str, object]


def execute(
    attempt: ChangeRequest,
    do: Callable[[AzureDevOpsClient], Done],
    *,
    look: Callable[[AzureDevOpsClient], Done | None],
    ids: Callable[[Done], Mapping[str, object]],
) -> Done:
    """What `do` returned, or what `look` found after no answer came. `ids` are Azure DevOps' own, for the history.

    `do` may read first; the change is the last thing it sends.

    `look` returns None for "it did not happen". Raises `RemoteReadError`; "outcome_unknown" when it cannot be told.
    """
    refusal = check_allowed(attempt.connection, attempt.act).problem
    if refusal:
        raise RemoteReadError(refusal.code)
    try:
        done = _try(attempt, do, look)
    except RemoteReadError as trouble:
        _record(
            attempt,
            "failed",
            {
                **clients.problem_detail(attempt.connection.server, trouble.code),
                "activity_id": trouble.activity_id or "",
            },
        )
        raise
    _record(attempt, "done", ids(done))
    return done


def _try(
    attempt: ChangeRequest, do: Callable[[AzureDevOpsClient], Done], look: Callable[[AzureDevOpsClient], Done | None]
) -> Done:
    try:
        with open_client(attempt.connection) as client:
            try:
                return do(client)
            except errors.Throttled:
                raise
            except _NO_ANSWER as silence:
                if not client.transport.latest_may_change:
                    # What was to be read before the change was not answered, so the change was not sent.
                    raise
                return _find_outcome(client, look, silence)
    finally:
        # Whatever came of it: a refusal, too, often means that something is no longer as it was read.
        invalidate(attempt.connection, now=attempt.now)


def _find_outcome(
    client: AzureDevOpsClient, look: Callable[[AzureDevOpsClient], Done | None], silence: errors.AzureDevOpsError
) -> Done:
    try:
        found = look(client)
    except errors.AzureDevOpsError as trouble:
        raise RemoteReadError(UNKNOWN, activity_id=trouble.activity_id or silence.activity_id) from None
    if found is None:
        raise silence
    return found


def _record(attempt: ChangeRequest, outcome: str, more: Mapping[str, object]) -> None:
    kind = f"{attempt.act.key}.{outcome}"
    # A token may have been typed where a branch or a comment belongs.
    known = {"what": attempt.what, **attempt.detail, **more}
    detail = {name: redact(value) if isinstance(value, str) else value for name, value in known.items()}
    record(kind, attempt.connection, by=attempt.by, at=attempt.now, detail=detail)
