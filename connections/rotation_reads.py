"""What the pages of a bulk rotation read: what expires soon, what may take one token together, and what was updated."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from connections import clients, reads
from connections.domain import rotation_plan
from connections.domain.rotation_plan import BulkRotation, PlannedConnection, RotationStep
from connections.domain.token_policy import Rule, TokenPolicy
from connections.models import Connection, StoredCredential, StoredTokenPolicy
from connections.old_tokens import OldToken, replaced_tokens
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.credential import ANY_CREDENTIAL, Words
from connections.providers.organization import Place
from connections.providers.registry import words_for


@dataclass(frozen=True, slots=True)
class PlanGroup:
    """The connections of one person at one place. `together` is the step that one new token can serve, if any.

    `words` are what to call their credentials.
    """

    organization: str
    server: str
    person: str
    connections: list[Connection]
    together: RotationStep
    kinds: set[str] = field(default_factory=set)

    @property
    def words(self) -> Words:
        """What to call their credentials."""
        return common_words(self.kinds)


@dataclass(frozen=True, slots=True)
class SharedToken:
    """Connections that keep one token or use one application, and whether a new one usually serves them all.

    That is so at one place, and everywhere for the credential of an application, which `is_for_many`.
    """

    connections: list[Connection]
    words: Words
    is_usual: bool
    is_for_many: bool


@dataclass(frozen=True, slots=True)
class RotationPlan:
    """What expires soon, soonest first. `total` may be more than the connections that are listed."""

    total: int
    policy: TokenPolicy
    connections: list[Connection]
    entries: list[PlannedConnection]
    stored: list[StoredCredential]

    @property
    def words(self) -> Words:
        """What to call the credentials that expire."""
        return common_words(stored.kind for stored in self.stored)

    @property
    def has_tokens_of_people(self) -> bool:
        """Whether one of them is a person's token, which its owner can renew by signing in."""
        return any(stored.kind == PersonalAccessToken.kind for stored in self.stored)

    @property
    def may_share(self) -> bool:
        """Whether the token policy lets several connections take one token."""
        return self.policy.reuse is not Rule.REFUSE

    def groups(self) -> list[PlanGroup]:
        """The connections by person and place, in the order of the first of each."""
        sets = rotation_plan.same_person(self.entries) if self.may_share else []
        step_of = {connection_id: step for step in sets for connection_id in step}
        groups: dict[object, PlanGroup] = {}
        for connection, entry, stored in zip(self.connections, self.entries, self.stored, strict=True):
            place, together = (connection.organization, connection.server), step_of.get(entry.id, ())
            new = PlanGroup(*place, connection.identity_name, [], together)
            group = groups.setdefault(entry.place_and_person, new)
            group.connections.append(connection)
            group.kinds.add(stored.kind)
        return list(groups.values())

    def shared_tokens(self) -> list[SharedToken]:
        """The credentials that several connections keep, where the policy lets them share a new one too."""
        by_id = {connection.pk: connection for connection in self.connections}
        stored = {row.pk: row for row in self.stored}
        return [
            _shared([by_id[pk] for pk in step], [stored[pk] for pk in step])
            for step in rotation_plan.sharing(self.sharing_entries())
        ]

    @property
    def shares_tokens(self) -> bool:
        """Whether several connections keep one token, about which the token policy may have a rule."""
        return any(not shared.is_for_many for shared in self.shared_tokens())

    def sharing_entries(self) -> list[PlannedConnection]:
        """The connections that may share a new credential: those of an application always may."""
        pairs = zip(self.entries, self.stored, strict=True)
        return [entry for entry, stored in pairs if self.may_share or stored.principal]

    def steps(
        self, chosen: Collection[int], *, together: Collection[int] = (), shared: Collection[int] = ()
    ) -> list[RotationStep]:
        """The chosen connections as steps; none without one that is listed.

        `together` and `shared` name sets of one person and of one token, by any of their members.
        """
        order = [entry.id for entry in self.entries if entry.id in chosen]
        joined: list[RotationStep] = []
        if self.may_share:
            joined += [step for step in rotation_plan.same_person(self.entries) if not set(step).isdisjoint(together)]
        sharing = rotation_plan.sharing(self.sharing_entries())
        joined += [step for step in sharing if not set(step).isdisjoint(shared)]
        return rotation_plan.steps(order, joined)


def plan(*, within: int, today: date) -> RotationPlan:
    """The plan of what expires within so many days, in a constant number of queries."""
    expiring = reads.expiring(within=within, today=today)
    marked = reads.with_credentials(expiring[: rotation_plan.MOST_CONNECTIONS])
    return RotationPlan(
        total=expiring.count(),
        policy=StoredTokenPolicy.now(),
        connections=[connection for connection, _ in marked],
        entries=[_entry(connection, stored) for connection, stored in marked],
        stored=[stored for _, stored in marked],
    )


def _shared(connections: list[Connection], stored: list[StoredCredential]) -> SharedToken:
    is_one_place = len({(connection.server, connection.organization) for connection in connections}) == 1
    is_for_many = all(row.principal for row in stored)
    words = common_words(row.kind for row in stored)
    return SharedToken(connections, words, is_usual=is_one_place or is_for_many, is_for_many=is_for_many)


def common_words(kinds: Iterable[str]) -> Words:
    """What to call credentials of these kinds: those of one kind as such, others credentials."""
    distinct = set(kinds)
    return words_for(distinct.pop()) if len(distinct) == 1 else ANY_CREDENTIAL


def words_of(connections: Iterable[Connection]) -> Words:
    """What to call the credentials of these connections."""
    stored = StoredCredential.objects.filter(connection__in=[connection.pk for connection in connections])
    return common_words(stored.order_by().values_list("kind", flat=True))


def _entry(connection: Connection, stored: StoredCredential) -> PlannedConnection:
    place = (connection.server, connection.organization, connection.identity_id)
    # Connections of one application share its new secret, also if they have different ones now.
    shared = f"{connection.server} {stored.principal}" if stored.principal else stored.fingerprint
    return PlannedConnection(connection.pk, place, shared)


def steps_through(connection_ids: Sequence[int]) -> list[RotationStep]:
    """All with one new token, or each with its own where the token policy requires that."""
    if StoredTokenPolicy.now().reuse is Rule.REFUSE:
        return [(connection_id,) for connection_id in connection_ids]
    return [tuple(connection_ids)]


def place_of_step(connections: Iterable[Connection]) -> Place:
    """Where a step leads: to organizations if one is among them, because only their tokens have a reach to ask for."""
    places = {clients.place_of(connection.server) for connection in connections}
    return "collection" if places == {"collection"} else "organization"


def usual_reach(connections: Iterable[Connection]) -> str:
    """The reach of a token that serves them all. Only at the service is it made for one organization or for all."""
    of_service = [connection for connection in connections if clients.place_of(connection.server) == "organization"]
    several = len({(connection.server, connection.organization) for connection in of_service}) > 1
    return str(Connection.Reach.ALL if several else Connection.Reach.ONE)


@dataclass(frozen=True, slots=True)
class RotationOutcome:
    """What became of the connections of a bulk rotation that are still enabled, and the tokens they used before."""

    connections: list[Connection]
    updated: frozenset[int]
    old_tokens: list[OldToken]

    @property
    def left(self) -> list[int]:
        """The ids of those that keep their old token."""
        return [connection.pk for connection in self.connections if connection.pk not in self.updated]


def outcome(rotation: BulkRotation) -> RotationOutcome:
    """From what is stored: a token that was set after the bulk rotation began is new."""
    connections = reads.enabled([connection_id for step in rotation.steps for connection_id in step])
    updated = [connection for connection in connections if connection.token_set_at >= rotation.began]
    ids = frozenset(connection.pk for connection in updated)
    return RotationOutcome(connections, ids, replaced_tokens(updated))
