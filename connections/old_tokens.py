"""Tokens that connections no longer use: their owners, and the connections that still use them."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.db.models.functions import Lower

from connections.models import Connection, StoredCredential
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.credential import Words
from connections.providers.registry import words_for


@dataclass(frozen=True, slots=True)
class Application:
    """An application of Microsoft Entra that connections use, and what they prove it with."""

    tenant: str
    client: str
    kind: str


@dataclass(frozen=True, slots=True)
class OldToken:
    """A token that was replaced, or whose connection was disconnected.

    `person` and `account` are its owner in Azure DevOps, who alone can see it there. Revoking it breaks the connections
    in `still_used_by`. `application` is the client id if it is one of an application. `words` are what to call it.
    """

    person: str
    account: str
    server: str
    organization: str
    still_used_by: tuple[Connection, ...]
    application: str = ""
    words: Words = PersonalAccessToken.words


def token_of(connection: Connection) -> OldToken:
    """The token of the connection, with the other connections that use it."""
    stored = connection.credential()
    return OldToken(
        connection.identity_name,
        connection.identity_account,
        connection.server,
        connection.organization,
        other_users_of(stored),
        stored.client,
        stored.words,
    )


def other_users_of(stored: StoredCredential) -> tuple[Connection, ...]:
    """The other connections that use this token, with what pages show of them."""
    users = Connection.objects.filter(stored_credential__fingerprint__in={stored.fingerprint} - {""})
    return tuple(users.exclude(pk=stored.connection_id).only("name", "disabled"))


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
            words_for(stored.replaced_kind or stored.kind),
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


def application_of(connections: Iterable[Connection]) -> Application | None:
    """The application that all these connections use; None if they use anything else.

    If they prove it in several ways, `kind` is that of the first connection.
    """
    ids = [connection.pk for connection in connections]
    stored = StoredCredential.objects.filter(connection__in=ids).order_by("pk").values_list("principal", "kind")
    used = dict.fromkeys(principal for principal, _ in stored)
    tenant, _, client = next(iter(used)).partition("/") if len(used) == 1 else ("", "", "")
    return Application(tenant, client, stored[0][1]) if tenant else None


def of_the_same_application(connection: Connection, stored: StoredCredential) -> list[Connection]:
    """The other connections of the application that this one uses; none for a token of a person."""
    if not stored.principal:
        return []
    others = Connection.objects.filter(stored_credential__principal=stored.principal, server=connection.server)
    return list(others.exclude(pk=connection.pk).order_by(Lower("name"), "pk"))


def users_of(fingerprints: set[str]) -> QuerySet[Connection]:
    """The connections that store one of the tokens with these fingerprints."""
    connections = Connection.objects.filter(stored_credential__fingerprint__in=fingerprints - {""})
    return connections.select_related("stored_credential").order_by(Lower("name"), "pk")
