"""Tokens that connections no longer use: their owners, and the connections that still use them."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.db.models.functions import Lower

from connections.models import Connection, StoredCredential


@dataclass(frozen=True, slots=True)
class OldToken:
    """A token that was replaced, or whose connection was disconnected.

    `person` and `account` are its owner in Azure DevOps, who alone can see it there. Revoking it breaks the connections
    in `still_used_by`. `application` is the client id if it is the secret of an application.
    """

    person: str
    account: str
    server: str
    organization: str
    still_used_by: tuple[Connection, ...]
    application: str = ""


def token_of(connection: Connection) -> OldToken:
    """The token of the connection, with the other connections that use it."""
    stored = StoredCredential.objects.filter(connection=connection).first()
    others = users_of({stored.fingerprint} if stored else set()).exclude(pk=connection.pk)
    return OldToken(
        connection.identity_name,
        connection.identity_account,
        connection.server,
        connection.organization,
        tuple(others),
        stored.client if stored else "",
    )


def replaced_tokens(connections: Iterable[Connection]) -> list[OldToken]:
    """The previous tokens of these connections, without duplicates. Makes two queries."""
    by_id = {connection.pk: connection for connection in connections}
    rows = StoredCredential.objects.filter(connection__in=by_id).exclude(replaced_fingerprint="")
    replaced = {stored.replaced_fingerprint: stored for stored in rows.order_by("-connection_id")}
    users: dict[str, list[Connection]] = {}
    for connection in users_of(set(replaced)):
        users.setdefault(connection.stored_credential.fingerprint, []).append(connection)
    return [
        OldToken(
            stored.replaced_identity_name,
            stored.replaced_identity_account,
            by_id[stored.connection_id].server,
            by_id[stored.connection_id].organization,
            tuple(users.get(fingerprint, ())),
            stored.client,
        )
        for fingerprint, stored in sorted(replaced.items(), key=lambda item: item[1].connection_id)
    ]


def shared_with(connections: Iterable[Connection]) -> dict[int, list[str]]:
    """The names of the other connections that use the same token, by connection id."""
    ids = [connection.pk for connection in connections]
    fingerprints = dict(StoredCredential.objects.filter(connection__in=ids).values_list("connection_id", "fingerprint"))
    names: dict[str, list[tuple[int, str]]] = {}
    for connection in users_of(set(fingerprints.values())):
        names.setdefault(connection.stored_credential.fingerprint, []).append((connection.pk, connection.name))
    return {
        pk: [name for other, name in names.get(fingerprint, ()) if other != pk]
        for pk, fingerprint in fingerprints.items()
    }


def application_of(connections: Iterable[Connection]) -> tuple[str, str] | None:
    """Tenant and client id of the application that all these connections use; None if they use anything else."""
    ids = [connection.pk for connection in connections]
    used = set(StoredCredential.objects.filter(connection__in=ids).values_list("principal", flat=True))
    tenant, _, client = used.pop().partition("/") if len(used) == 1 else ("", "", "")
    return (tenant, client) if tenant else None


def of_the_same_application(connection: Connection) -> list[Connection]:
    """The other connections of the application that this one uses; none for a token of a person."""
    stored = StoredCredential.objects.filter(connection=connection).exclude(principal="").first()
    if stored is None:
        return []
    others = Connection.objects.filter(stored_credential__principal=stored.principal, server=connection.server)
    return list(others.exclude(pk=connection.pk).order_by(Lower("name"), "pk"))


def users_of(fingerprints: set[str]) -> QuerySet[Connection]:
    """The connections that store one of the tokens with these fingerprints."""
    connections = Connection.objects.filter(stored_credential__fingerprint__in=fingerprints - {""})
    return connections.select_related("stored_credential").order_by(Lower("name"), "pk")
