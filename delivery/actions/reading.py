"""Read from Azure DevOps on demand: one way in, short memory, and no asking while we were told to wait.

What was read is remembered for seconds, for each connection and token. Nothing but successes is remembered, save one
thing: that a person behind a token must wait.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

from django.conf import settings
from django.core.cache import caches
from django.utils import timezone

from connections import clients
from connections.actions.audit import stored_token
from connections.actions.causes import cause_for
from connections.azure_devops import errors
from connections.azure_devops.client import AzureDevOpsClient
from connections.keyring import UnreadableToken
from connections.models import Connection

Value = TypeVar("Value")
CACHE = "azure_devops"
# The problem code of what went wrong on our side; the log has more.
FAILED_HERE = "failed_here"
_LONGEST_WAIT = 300.0


class CannotAsk(Exception):
    """Azure DevOps was not asked, or did not answer as hoped. `code` is one of the catalogue's.

    `said` is what Azure DevOps itself said, for the eyes of whoever just tried; `retry_after` is in seconds. `host` is
    who answered or, for a redirect, where it leads.
    """

    def __init__(
        self,
        code: str,
        *,
        activity_id: str | None = None,
        said: str = "",
        retry_after: float | None = None,
        host: str = "",
    ) -> None:
        super().__init__(code)
        self.code = code
        self.activity_id = activity_id
        self.said = said
        self.retry_after = retry_after
        self.host = host


@contextmanager
def client_of(
    connection: Connection, *, seconds: float | None = None, list_seconds: float | None = None
) -> Iterator[AzureDevOpsClient]:
    """A client with the connection's token. Raises `CannotAsk` for whatever goes wrong inside, in our own words.

    `seconds` are those of each call, `list_seconds` those of each list; without them, those of a person who waits.
    """
    if connection.disabled:
        raise CannotAsk("connection_disabled")
    wait = _wait_of(connection)
    if wait is not None:
        raise CannotAsk("throttled", retry_after=wait)
    try:
        server = clients.server(connection.server)
        token = stored_token(connection)
    except (UnreadableToken, clients.UnknownServer) as ours:
        raise CannotAsk(ours.code) from None
    limit = clients.page_seconds() if seconds is None else seconds
    try:
        with clients.azure_devops(
            server, connection.organization, token, seconds=limit, list_seconds=list_seconds
        ) as client:
            try:
                yield client
            except errors.EmptyRefusal as refusal:
                raise _why_empty(client, refusal) from None
    except errors.AzureDevOpsError as trouble:
        raise _told(connection, trouble) from None


def _why_empty(client: AzureDevOpsClient, refusal: errors.EmptyRefusal) -> errors.AzureDevOpsError:
    """A missing scope, or a dead token: a server of one's own refuses both without a word, the service sometimes."""
    try:
        client.connection_data()
    except errors.TokenRefused as dead:
        return dead
    except errors.AzureDevOpsError:
        return refusal
    return refusal


def _told(connection: Connection, trouble: errors.AzureDevOpsError) -> CannotAsk:
    retry_after = trouble.retry_after
    # A server in trouble says nothing of the person's share of calls.
    if retry_after and isinstance(trouble, errors.Throttled):
        until = time.time() + min(retry_after, _LONGEST_WAIT)
        caches[CACHE].set(_wait_key(connection), until, min(retry_after, _LONGEST_WAIT))
    said = " ".join(trouble.problems) if isinstance(trouble, errors.BuildNotQueued) else ""
    return CannotAsk(
        cause_for(connection, trouble.code, now=timezone.now()),
        activity_id=trouble.activity_id,
        said=said or trouble.said,
        retry_after=retry_after,
        host=trouble.host,
    )


def _wait_key(connection: Connection) -> str:
    # All tokens of one person share what Azure DevOps allows.
    return f"wait:{connection.server}:{connection.identity_id}".replace(" ", "_")


def _wait_of(connection: Connection) -> float | None:
    until = caches[CACHE].get(_wait_key(connection))
    left = cast("float", until) - time.time() if until else 0.0
    return left if left > 0 else None


def remembered(
    connection: Connection,
    what: tuple[object, ...],
    ask: Callable[[AzureDevOpsClient], Value],
    *,
    seconds: float | None = None,
) -> Value:
    """What `ask` returned within the last seconds, or returns now. Raises `CannotAsk`.

    `seconds` is how long it is remembered, for what moves; AZURE_DEVOPS_READ_SECONDS when it is not said.
    """
    key = _key(connection, what)
    found = caches[CACHE].get(key)
    if found is None:
        with client_of(connection) as client:
            found = (ask(client),)
        caches[CACHE].set(key, found, settings.AZURE_DEVOPS_READ_SECONDS if seconds is None else seconds)
    return cast("tuple[Value]", found)[0]


def forget(connection: Connection) -> None:
    """After a change at Azure DevOps: what was read before is not shown again."""
    key = _generation_key(connection)
    caches[CACHE].set(key, time.time_ns(), None)


def _generation_key(connection: Connection) -> str:
    return f"generation:{connection.pk}"


def _key(connection: Connection, what: tuple[object, ...]) -> str:
    generation = caches[CACHE].get(_generation_key(connection), 0)
    parts = (connection.pk, connection.token_set_at.timestamp(), generation, *what)
    return hashlib.sha256(repr(parts).encode()).hexdigest()
