"""What pages read of renewing several connections in one sign-in: who has to sign in, and what became of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from connections import clients
from connections.domain import renewal as rules
from connections.domain.renewal import IN_PROGRESS
from connections.models import BulkRenewal, BulkRenewalItem, Connection, Renewal, StoredCredential
from connections.providers.azure_devops.credentials import PersonalAccessToken

_MOST_UNFINISHED = 5
# A further sign-in cannot change these.
_FINAL = ("connection_gone", "renewal_only_of_tokens")
# What another sign-in may renew: not started, or refused for a reason that may have passed.
CAN_BEGIN = Q(renewal=None) & ~Q(problem__in=_FINAL)
# What no sign-in has tried yet.
_NOT_TRIED = ("", rules.TOO_MANY_TESTS)


@dataclass(frozen=True, slots=True)
class OwnersConnections:
    """The connections that use tokens of one person, who can renew them in one sign-in."""

    name: str
    account: str
    connections: list[Connection]


@dataclass(frozen=True, slots=True)
class Choice:
    """What can be renewed of the ticked connections, by the person who has to sign in; and what not, with the code."""

    owners: list[OwnersConnections]
    left_out: list[tuple[Connection, str]]


def owner_key(connection: Connection) -> tuple[str, str]:
    """What is the same for all tokens of one person, also in several organizations."""
    return connection.server, connection.identity_account.casefold() or connection.identity_id


def renewable(ids: Sequence[int]) -> list[Connection]:
    """The enabled connections among these ids, in their order, with what renewing needs."""
    rows = Connection.objects.filter(pk__in=ids, disabled=False).select_related("owner")
    by_id = {connection.pk: connection for connection in rows.prefetch_related("capabilities")}
    return [by_id[pk] for pk in dict.fromkeys(ids) if pk in by_id]


def choice(connections: Sequence[Connection]) -> Choice:
    """Who can renew these connections, in a constant number of queries."""
    refusal = _refusals(connections)
    owners: dict[tuple[str, str], OwnersConnections] = {}
    left_out = []
    for connection in connections:
        if code := refusal(connection):
            left_out.append((connection, code))
        else:
            new = OwnersConnections(connection.identity_name, connection.identity_account, [])
            owners.setdefault(owner_key(connection), new).connections.append(connection)
    return Choice(list(owners.values()), left_out)


def _refusals(connections: Sequence[Connection]) -> Callable[[Connection], str]:
    """What says why a connection can't be renewed by a sign-in; empty if it can."""
    ids = [connection.pk for connection in connections]
    stored = StoredCredential.objects.filter(connection__in=ids, kind=PersonalAccessToken.kind)
    tokens = set(stored.values_list("connection_id", flat=True))
    in_progress = Renewal.objects.filter(connection__in=ids, state__in=IN_PROGRESS)
    running = set(in_progress.values_list("connection_id", flat=True))
    offered = {server.name for server in clients.servers() if clients.can_sign_in(server.name)}

    def refusal(connection: Connection) -> str:
        if connection.pk not in tokens:
            return "renewal_only_of_tokens"
        if connection.server not in offered:
            return "renewal_not_offered"
        return "renewal_running" if connection.pk in running else ""

    return refusal


def bulk_renewal(pk: int) -> BulkRenewal | None:
    """One bulk renewal."""
    return BulkRenewal.objects.filter(pk=pk).first()


def items_of(bulk: BulkRenewal) -> list[BulkRenewalItem]:
    """Its connections, each with its renewal."""
    return list(bulk.items.select_related("connection", "renewal").order_by("pk"))


def waiting(bulk: BulkRenewal) -> QuerySet[BulkRenewalItem]:
    """What another sign-in may renew, by organization."""
    rows = bulk.items.filter(CAN_BEGIN).select_related("bulk", "connection")
    return rows.order_by("connection__server", "connection__organization", "connection__identity_id", "pk")


def can_continue(bulk: BulkRenewal) -> bool:
    """Whether another sign-in may renew anything of it."""
    return waiting(bulk).exclude(connection=None).exists()


def unfinished() -> list[BulkRenewal]:
    """The newest bulk renewals that ended early; `left` is for how many connections nothing was tried."""
    left = Count("items", filter=Q(items__renewal=None, items__problem__in=_NOT_TRIED))
    started = Count("items", filter=Q(items__renewal__isnull=False))
    rows = BulkRenewal.objects.annotate(left=left, started=started).filter(left__gt=0, started__gt=0)
    return list(rows[:_MOST_UNFINISHED])
