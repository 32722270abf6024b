"""Read from Azure DevOps on demand: files, branches, logs, choices of forms, and whatever a change needs to know.

What was read is cached for seconds, for each connection and token, in the web process that read it. What all processes
must know is in the database: that something was changed in Azure DevOps (`ReadGeneration`), and that a person behind a
token must wait (`RateLimitPause`). What updates while a page is open is polled instead (`delivery.live.polling`).
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar, cast

from django.conf import settings
from django.core.cache import caches
from django.db.models import F
from django.utils import timezone

from connections import clients
from connections.actions import rate_limit_pauses
from connections.actions.refusal_causes import cause_for
from connections.input_rules import InvalidInput
from connections.models import Connection
from connections.providers.azure_devops import errors
from connections.providers.azure_devops.client import AzureDevOpsClient
from core.encryption import UnreadableToken
from delivery.models import PollSubscription, ReadGeneration

Value = TypeVar("Value")
CACHE = "azure_devops"
# The problem code of what went wrong on our side; the log has more.
FAILED_HERE = "failed_here"
# Far longer than anything is cached.
_GENERATION_KEPT = timedelta(days=30)


class RemoteReadError(Exception):
    """Azure DevOps was not asked, or did not answer as hoped. `code` is one of the catalogue's.

    `said` is what Azure DevOps itself said, to be shown only to the person who just tried; `retry_after` is in seconds.
    `host` is who answered or, for a redirect, where it leads.
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
def refusing_invalid_input() -> Iterator[None]:
    """Raise `RemoteReadError` for what a rule of `input_rules` does not accept, with the rule's code."""
    try:
        yield
    except InvalidInput as wrong:
        raise RemoteReadError(wrong.code) from None


@contextmanager
def open_client(
    connection: Connection, *, seconds: float | None = None, list_seconds: float | None = None
) -> Iterator[AzureDevOpsClient]:
    """A client with the connection's token. Raises `RemoteReadError` for whatever Azure DevOps refuses inside.

    `seconds` are those of each call, `list_seconds` those of each list; without them, those of a person who waits.
    """
    if connection.disabled:
        raise RemoteReadError("connection_disabled")
    wait = rate_limit_pauses.seconds_left(connection, now=timezone.now())
    if wait is not None:
        raise RemoteReadError("throttled", retry_after=wait)
    try:
        server = clients.server(connection.server)
        token = clients.stored_credential(connection)
    except (UnreadableToken, clients.UnknownServer) as ours:
        raise RemoteReadError(ours.code) from None
    limit = clients.page_seconds() if seconds is None else seconds
    try:
        with clients.azure_devops(
            server, connection.organization, token, seconds=limit, list_seconds=list_seconds
        ) as client:
            try:
                yield client
            except errors.EmptyRefusal as refusal:
                raise _why_empty(client, refusal) from None
            finally:
                note_wait(connection, client, now=timezone.now())
    except errors.AzureDevOpsError as trouble:
        raise _read_error(connection, trouble) from None


def note_wait(connection: Connection, client: AzureDevOpsClient, *, now: datetime) -> None:
    """Pause the person's calls if Azure DevOps asked for it, which it does with successful answers, too."""
    # https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits
    if wait := client.transport.person_asked_to_wait:
        rate_limit_pauses.note(connection, wait, now=now)


def _why_empty(client: AzureDevOpsClient, refusal: errors.EmptyRefusal) -> errors.AzureDevOpsError:
    """A missing scope, or a dead token: a server of one's own refuses both with an empty answer."""
    try:
        client.connection_data()
    except errors.TokenRefused as dead:
        return dead
    except errors.AzureDevOpsError:
        return refusal
    return refusal


def _read_error(connection: Connection, trouble: errors.AzureDevOpsError) -> RemoteReadError:
    retry_after = trouble.retry_after
    # A server in trouble says nothing of the person's share of calls.
    if retry_after and isinstance(trouble, errors.Throttled):
        rate_limit_pauses.note(connection, retry_after, now=timezone.now())
    said = " ".join(trouble.problems) if isinstance(trouble, errors.BuildNotQueued) else ""
    return RemoteReadError(
        cause_for(connection, trouble.code, now=timezone.now()),
        activity_id=trouble.activity_id,
        said=said or trouble.said,
        retry_after=retry_after,
        host=trouble.host,
    )


def cached(connection: Connection, what: tuple[object, ...], ask: Callable[[AzureDevOpsClient], Value]) -> Value:
    """What `ask` returned in the last AZURE_DEVOPS_READ_SECONDS, or returns now. Raises `RemoteReadError`."""
    key = _key(connection, what)
    found = caches[CACHE].get(key)
    if found is None:
        with open_client(connection) as client:
            found = (ask(client),)
        caches[CACHE].set(key, found, settings.AZURE_DEVOPS_READ_SECONDS)
    return cast("tuple[Value]", found)[0]


def invalidate(connection: Connection, *, now: datetime) -> None:
    """After a change in Azure DevOps: no process shows what was read before it, by whichever token.

    Not to be called inside a transaction: the others would learn of it too late.
    """
    place = {"server": connection.server, "organization_id": connection.organization_id}
    changes = {"number": F("number") + 1, "changed_at": now}
    if not ReadGeneration.objects.filter(**place).update(**changes):
        ReadGeneration.objects.bulk_create([ReadGeneration(**place, changed_at=now)], ignore_conflicts=True)
        ReadGeneration.objects.filter(**place).update(**changes)
    # An answer that is on its way may be from before the change: without its lease it is not stored.
    shown = PollSubscription.objects.filter(number__gt=0, watched_until__gte=now)
    shown.filter(**{f"project__connection__{name}": value for name, value in place.items()}).release(
        once=True, next_at=now
    )


def forget_old_generations(*, now: datetime) -> None:
    """Remove the counts of organizations in which nothing was changed for long: no cache holds anything that old."""
    ReadGeneration.objects.filter(changed_at__lt=now - _GENERATION_KEPT).delete()


def _key(connection: Connection, what: tuple[object, ...]) -> str:
    place = {"server": connection.server, "organization_id": connection.organization_id}
    generation = ReadGeneration.objects.filter(**place).values_list("number", flat=True).first() or 0
    parts = (connection.pk, connection.token_set_at.timestamp(), generation, *what)
    return hashlib.sha256(repr(parts).encode()).hexdigest()
