"""What the page for importing tokens reads: what a person read in Azure DevOps, and the stored tokens it may be."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Count, Q, QuerySet, prefetch_related_objects
from django.db.models.functions import Lower

from connections import clients
from connections.domain import token_entries
from connections.domain.renewal import Candidate
from connections.models import Connection, KnownToken, TokenImport
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.personal_tokens import TokenEntry
from connections.token_candidates import candidates_for, tokens_by_entry
from core.storable_text import storable_text

KEPT = timedelta(days=1)
# In one sign-in, so that the person does not wait for too long.
MOST_ORGANIZATIONS = 5
_SHOWN_ORGANIZATIONS = 50


@dataclass(frozen=True, slots=True)
class Place:
    """An organization with connections that use personal access tokens, and how many there are."""

    server: str
    organization: str
    connections: int

    @property
    def key(self) -> str:
        """What a form calls it."""
        return f"{self.server}/{self.organization}"


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A stored token of the person who signed in.

    `known` says which entry in Azure DevOps it is, and `entry` is what was read of it: None if it is not among the
    valid tokens. If that is not known, `candidates` may be it.
    """

    imported: TokenImport
    connections: tuple[Connection, ...]
    known: KnownToken | None
    entry: TokenEntry | None
    candidates: tuple[Candidate, ...]

    @property
    def head(self) -> Connection:
        """The connection that stands for the token in forms."""
        return self.connections[0]


def key_of(connection: Connection) -> str:
    """What the form calls the organization of a connection."""
    return Place(connection.server, connection.organization.lower(), 1).key


def places() -> list[Place]:
    """The organizations whose tokens can be read with a sign-in, those with the most connections first."""
    offered = [name for name in clients.services() if clients.can_sign_in(name)]
    rows = _of_tokens().filter(server__in=offered).order_by()
    counts = rows.values_list("server", Lower("organization")).annotate(number=Count("pk"))
    found = [Place(server, organization, number) for server, organization, number in counts]
    return sorted(found, key=lambda place: (-place.connections, place.key))[:_SHOWN_ORGANIZATIONS]


def imports_of(user: AbstractBaseUser, *, now: datetime) -> list[TokenImport]:
    """What this person read in the last day."""
    rows = TokenImport.objects.filter(user_id=user.pk, read_at__gt=now - KEPT)
    return list(rows.order_by("organization", "pk"))


def entries_of(imported: TokenImport) -> dict[str, TokenEntry]:
    """The tokens that were read, by their ids."""
    read = map(token_entries.from_json, imported.entries)
    return {entry.id: entry for entry in read}


def is_of(imported: TokenImport, connection: Connection) -> bool:
    """Whether the person who signed in is the owner of the token that the connection uses there."""
    same_place = imported.server == connection.server
    same_place = same_place and imported.organization.lower() == connection.organization.lower()
    return same_place and bool(imported.identity_id) and imported.identity_id == connection.identity_id


Group = tuple[TokenImport, tuple[Connection, ...]]


def groups(imports: Iterable[TokenImport], words: str = "") -> list[Group]:
    """The stored tokens of those who signed in, each with the connections that use it and contain these words."""
    found: list[Group] = []
    for imported in imports:
        rows = _of_person(imported)
        for word in storable_text(words).split():
            rows = rows.filter(Q(name__icontains=word) | Q(organization__icontains=word))
        by_token: dict[str, list[Connection]] = {}
        for connection in rows.select_related("stored_credential").defer("stored_credential__sealed"):
            by_token.setdefault(connection.stored_credential.fingerprint, []).append(connection)
        found += [(imported, tuple(using)) for using in by_token.values()]
    return found


def _of_tokens() -> QuerySet[Connection]:
    return Connection.objects.filter(stored_credential__kind=PersonalAccessToken.kind)


def _of_person(imported: TokenImport) -> QuerySet[Connection]:
    rows = _of_tokens().filter(
        server=imported.server, organization__iexact=imported.organization, identity_id=imported.identity_id
    )
    return rows.order_by(Lower("name"), "pk") if imported.identity_id else rows.none()


def stored_tokens(some: Iterable[Group]) -> list[StoredToken]:
    """What is known about the tokens of a page, in a constant number of queries."""
    shown = list(some)
    fingerprints = [using[0].stored_credential.fingerprint for _, using in shown]
    known = {row.fingerprint: row for row in KnownToken.objects.filter(fingerprint__in=fingerprints)}
    entries = {imported.pk: entries_of(imported) for imported, _ in shown}
    taken = tokens_by_entry({entry for read in entries.values() for entry in read})
    prefetch_related_objects([using[0] for _, using in shown], "capabilities")
    return [_stored_token(imported, using, known, entries[imported.pk], taken) for imported, using in shown]


def _stored_token(
    imported: TokenImport,
    using: tuple[Connection, ...],
    known: dict[str, KnownToken],
    entries: dict[str, TokenEntry],
    taken: dict[str, str],
) -> StoredToken:
    fingerprint = using[0].stored_credential.fingerprint
    row = known.get(fingerprint)
    entry = entries.get(row.authorization_id) if row else None
    candidates: list[Candidate] = []
    # What was created here needs no question; what was picked can be picked again.
    if row is None or row.is_picked:
        candidates = _candidates(using[0], entries.values(), known=taken)
    return StoredToken(imported, using, row, entry, tuple(candidates))


def fits(connection: Connection, entry: TokenEntry) -> bool:
    """Whether an entry has the scopes and the date that are recorded for the token of the connection."""
    return all(candidate.fits for candidate in _candidates(connection, [entry], known={}))


def _candidates(
    connection: Connection, entries: Collection[TokenEntry], *, known: Mapping[str, str]
) -> list[Candidate]:
    return candidates_for(
        connection.stored_credential.fingerprint,
        entries,
        verdicts=connection.verdicts(),
        expires_on=connection.expires_on,
        known=known,
    )
