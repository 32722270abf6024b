"""Lock a connection while it is changed, and refuse changes that were decided on an outdated page."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from django.utils import timezone

from connections import register_rules
from connections.actions.refusals import ConnectionGone, Refused
from connections.domain import form_versions
from connections.domain.form_versions import Facts, FieldState
from connections.domain.problems import catalogue
from connections.domain.token_policy import Rule, TokenPolicy
from connections.models import Connection, StoredCredential
from connections.register_rules import ConsumerInput

_RULES = {Rule.ALLOW: "Allow", Rule.WARN: "Warn", Rule.REFUSE: "Refuse"}
# What each form depends on: the fields that it edits, and those that the user bases the decision on.
EDIT = ("name", "projects", "expires_on", "token_reach", "extra_recipients", "token")
EXTEND = ("expires_on", "token")
ROTATE = ("token",)
DISABLE = ("disabled", "token")
DISCONNECT = ("name", "owner", "token")
DEFAULT = ("default",)
USED_BY = ("used_by",)
POLICY = ("longest_life_days", "longest_life", "reuse", "missing_date")


def held(connection_id: int) -> Connection:
    """The connection as it is now, locked until the transaction ends. Raises `ConnectionGone`."""
    connection = held_among([connection_id]).get(connection_id)
    if connection is None:
        raise gone()
    return connection


def held_among(connection_ids: Iterable[int]) -> dict[int, Connection]:
    """Those of these connections that there are, by id, locked in the order of their ids."""
    rows = Connection.objects.select_for_update(of=("self",), no_key=True).select_related("owner")
    return {connection.pk: connection for connection in rows.filter(pk__in=list(connection_ids)).order_by("pk")}


def held_with(fingerprint: str) -> list[Connection]:
    """The connections that store the token with this fingerprint, locked in the order of their ids."""
    ids = StoredCredential.objects.filter(fingerprint=fingerprint).values_list("pk", flat=True)
    rows = Connection.objects.select_for_update(of=("self",), no_key=True).select_related("owner")
    rows = rows.filter(pk__in=list(ids)).prefetch_related("capabilities").order_by("pk")
    locked = {connection.pk: connection for connection in rows}
    # Read again, as the token of one may have been updated before it was locked.
    still = StoredCredential.objects.filter(pk__in=locked, fingerprint=fingerprint).order_by("pk")
    return [locked[pk] for pk in still.values_list("pk", flat=True)]


def gone() -> ConnectionGone:
    """The refusal for a connection that was disconnected."""
    problem = catalogue.problem("connection_gone")
    return ConnectionGone(problem.code, problem.full)


def version(connection: Connection, fields: Iterable[str]) -> str:
    """The version that a form about the connection carries, when it depends on these fields."""
    fields = tuple(fields)
    return form_versions.write(_facts(connection, fields), fields)


def policy_version(policy: TokenPolicy) -> str:
    """The version that the form of the token policy carries."""
    return form_versions.write(_policy_facts(policy), POLICY)


def require_unchanged(
    current: Connection,
    drawn_from: str | None,
    fields: Sequence[str],
    *,
    yours: Facts | None = None,
    refusal: type[Refused],
) -> None:
    """Raise `refusal` when the form was rendered from another state. Commands have no form and pass None.

    The caller has locked `current`, so that it can't change before the new state is written.
    """
    if drawn_from is None:
        return
    conflicts = form_versions.conflicts(drawn_from, fields, now=_facts(current, fields), yours=yours or {})
    refuse(conflicts, refusal)


def require_unchanged_policy(
    current: TokenPolicy, wished: TokenPolicy, drawn_from: str | None, *, refusal: type[Refused]
) -> None:
    """The same for the token policy."""
    if drawn_from is None:
        return
    now, yours = _policy_facts(current), _policy_facts(wished)
    refuse(form_versions.conflicts(drawn_from, POLICY, now=now, yours=yours), refusal)


def refuse(conflicts: tuple[form_versions.Conflict, ...], refusal: type[Refused]) -> None:
    """Raise `refusal` with these conflicts, if there are any."""
    if conflicts:
        problem = catalogue.problem("changed_meanwhile")
        refused = refusal(problem.code, problem.full)
        refused.conflicts = conflicts
        raise refused


def _facts(connection: Connection, fields: Iterable[str]) -> dict[str, FieldState]:
    return {field: _FACTS[field](connection) for field in fields}


def name(entered: str) -> FieldState:
    """The name of a connection as a field state."""
    return FieldState("Name", entered, entered)


def reach(entered: str) -> FieldState:
    """For which organizations the token was made, as a field state."""
    return FieldState("Token is valid for", entered, str(Connection.Reach(entered).label))


def recipients(entered: str) -> FieldState:
    """The additional recipients as a field state."""
    return FieldState("Additional mail recipients", entered, ", ".join(entered.split()) or "none")


def projects(entered: Mapping[str, str]) -> FieldState:
    """The projects as a field state: names by id, or an empty mapping for all projects."""
    names = ", ".join(sorted(name or project for project, name in entered.items()))
    return FieldState("Projects", " ".join(sorted(entered)), names or "All projects")


def expiry_date(day: date | None) -> FieldState:
    """The expiry date as a field state."""
    return FieldState("Expires on", day.isoformat() if day else "", f"{day:%-d %B %Y}" if day else "not recorded")


def used_by(consumers: Iterable[ConsumerInput]) -> FieldState:
    """What uses a credential as a field state."""
    text = register_rules.consumers_text(consumers)
    return FieldState("Used by", text, ", ".join(text.splitlines()) or "none")


def used_by_of(connection: Connection) -> FieldState:
    """What uses the credential of a connection."""
    return used_by(consumer.as_input() for consumer in connection.consumers.all())


def _token(connection: Connection) -> FieldState:
    at = connection.token_set_at
    return FieldState("Credential", at.isoformat(), f"updated on {timezone.localtime(at):%-d %B %Y, %H:%M}")


def _disabled(connection: Connection) -> FieldState:
    return FieldState("In use", str(connection.disabled), "disabled" if connection.disabled else "enabled")


def _owner(connection: Connection) -> FieldState:
    owner = connection.owner
    return FieldState("Owner", str(connection.owner_id), owner.get_full_name() or owner.get_username())


def _default(_connection: Connection) -> FieldState:
    chosen = Connection.find_default()
    return FieldState("Default connection", str(chosen.pk) if chosen else "", chosen.name if chosen else "none")


_FACTS = {
    "name": lambda connection: name(connection.name),
    "expires_on": lambda connection: expiry_date(connection.expires_on),
    "token_reach": lambda connection: reach(connection.token_reach),
    "extra_recipients": lambda connection: recipients(connection.extra_recipients),
    "projects": lambda connection: projects({project.id: project.name for project in connection.limited_to()}),
    "token": _token,
    "used_by": used_by_of,
    "disabled": _disabled,
    "owner": _owner,
    "default": _default,
}


def _policy_facts(policy: TokenPolicy) -> dict[str, FieldState]:
    days = str(policy.longest_life_days)
    return {
        "longest_life_days": FieldState("Longest lifetime of a token, in days", days, days),
        "longest_life": FieldState("If the lifetime is longer", str(policy.longest_life), _RULES[policy.longest_life]),
        "reuse": FieldState("If several connections share a token", str(policy.reuse), _RULES[policy.reuse]),
        "missing_date": FieldState("If no expiry date is given", str(policy.missing_date), _RULES[policy.missing_date]),
    }
