"""What the pages of a bulk rotation read: what expires soon, what may take one token together, and what was updated."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from connections import clients, reads
from connections.domain import rotation_plan
from connections.domain.rotation_plan import BulkRotation, PlannedConnection, RotationStep
from connections.domain.token_policy import Rule, TokenPolicy
from connections.models import Connection, StoredTokenPolicy
from connections.old_tokens import OldToken, replaced_tokens
from connections.providers.organization import Place


@dataclass(frozen=True, slots=True)
class PlanGroup:
    """The connections of one person at one place. `together` is the step that one new token can serve, if any."""

    organization: str
    server: str
    person: str
    connections: list[Connection]
    together: RotationStep


@dataclass(frozen=True, slots=True)
class SharedToken:
    """Connections that keep one token, and whether one organization is all it has to be good for."""

    connections: list[Connection]
    is_of_one_place: bool


@dataclass(frozen=True, slots=True)
class RotationPlan:
    """What expires soon, soonest first. `total` may be more than the connections that are listed."""

    total: int
    policy: TokenPolicy
    connections: list[Connection]
    entries: list[PlannedConnection]

    @property
    def may_share(self) -> bool:
        """Whether the token policy lets several connections take one token."""
        return self.policy.reuse is not Rule.REFUSE

    def groups(self) -> list[PlanGroup]:
        """The connections by person and place, in the order of the first of each."""
        sets = rotation_plan.same_person(self.entries) if self.may_share else []
        step_of = {connection_id: step for step in sets for connection_id in step}
        groups: dict[object, PlanGroup] = {}
        for connection, entry in zip(self.connections, self.entries, strict=True):
            place, together = (connection.organization, connection.server), step_of.get(entry.id, ())
            new = PlanGroup(*place, connection.identity_name, [], together)
            groups.setdefault(entry.place_and_person, new).connections.append(connection)
        return list(groups.values())

    def shared_tokens(self) -> list[SharedToken]:
        """The tokens that several connections keep, where the policy lets them share a new one too."""
        by_id = {connection.pk: connection for connection in self.connections}
        sets = rotation_plan.sharing(self.entries) if self.may_share else []
        shared = []
        for step in sets:
            members = [by_id[connection_id] for connection_id in step]
            places = {(member.server, member.organization) for member in members}
            shared.append(SharedToken(members, len(places) == 1))
        return shared

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
            joined += [step for step in rotation_plan.sharing(self.entries) if not set(step).isdisjoint(shared)]
        return rotation_plan.steps(order, joined)


def plan(*, within: int, today: date) -> RotationPlan:
    """The plan of what expires within so many days, in a constant number of queries."""
    expiring = reads.expiring(within=within, today=today)
    marked = reads.with_fingerprints(expiring[: rotation_plan.MOST_CONNECTIONS])
    return RotationPlan(
        total=expiring.count(),
        policy=StoredTokenPolicy.now(),
        connections=[connection for connection, _ in marked],
        entries=[_entry(connection, fingerprint) for connection, fingerprint in marked],
    )


def _entry(connection: Connection, fingerprint: str) -> PlannedConnection:
    place = (connection.server, connection.organization, connection.identity_id)
    return PlannedConnection(connection.pk, place, fingerprint)


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
