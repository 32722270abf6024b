"""Tokens that a connection used until now: whose they are, and which connections still use them."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.db.models.functions import Lower

from connections.models import Connection, StoredCredential


@dataclass(frozen=True, slots=True)
class OldToken:
    """A token that was replaced, or whose connection was disconnected.

    `person` and `account` are whose it is at Azure DevOps; only they see it there. Until `still_used_by` is empty, to
    revoke it breaks those connections. `server` and `organization` say where it is found.
    """

    person: str
    account: str
    server: str
    organization: str
    still_used_by: tuple[Connection, ...]


def token_of(connection: Connection) -> OldToken:
    """The token in use, with the other connections that use it: what would be left after a disconnect."""
    stored = StoredCredential.objects.filter(connection=connection).first()
    others = _using({stored.fingerprint} if stored else set()).exclude(pk=connection.pk)
    return OldToken(
        connection.identity_name,
        connection.identity_account,
        connection.server,
        connection.organization,
        tuple(others),
    )


def replaced_tokens(connections: Iterable[Connection]) -> list[OldToken]:
    """The tokens that these connections used before the present ones, each once. Two queries, however many."""
    places = {connection.pk: connection for connection in connections}
    kept = StoredCredential.objects.filter(connection__in=places).exclude(replaced_fingerprint="")
    replaced = {stored.replaced_fingerprint: stored for stored in kept.order_by("-connection_id")}
    users: dict[str, list[Connection]] = {}
    for connection in _using(set(replaced)):
        users.setdefault(connection.stored_credential.fingerprint, []).append(connection)
    return [
        OldToken(
            stored.replaced_identity_name,
            stored.replaced_identity_account,
            places[stored.connection_id].server,
            places[stored.connection_id].organization,
            tuple(users.get(fingerprint, ())),
        )
        for fingerprint, stored in sorted(replaced.items(), key=lambda item: item[1].connection_id)
    ]


def shared_with(connections: Iterable[Connection]) -> dict[int, list[str]]:
    """The names of the other connections that use the same token, by the connection's id."""
    ids = [connection.pk for connection in connections]
    fingerprints = dict(StoredCredential.objects.filter(connection__in=ids).values_list("connection_id", "fingerprint"))
    names: dict[str, list[tuple[int, str]]] = {}
    for connection in _using(set(fingerprints.values())):
        names.setdefault(connection.stored_credential.fingerprint, []).append((connection.pk, connection.name))
    return {
        pk: [name for other, name in names.get(fingerprint, ()) if other != pk]
        for pk, fingerprint in fingerprints.items()
    }


def _using(fingerprints: set[str]) -> QuerySet[Connection]:
    found = Connection.objects.filter(stored_credential__fingerprint__in=fingerprints - {""})
    return found.select_related("stored_credential").order_by(Lower("name"), "pk")
