"""add, update-token and rotate: tokens come in by standard input."""

import argparse
import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError
from django.utils import timezone

from connections import clients, reads
from connections.actions.connect import ConnectRequest, connect
from connections.actions.refusals import CannotConnect, Refused
from connections.actions.rotate import Comparison, Replacement, rotate
from connections.actions.verify_credential import Credentials
from connections.cli.common import (
    LIMITED,
    OPERATOR,
    REFUSED,
    USAGE,
    WELL,
    Options,
    Output,
    count,
    day,
    find,
    person,
    refusal_exit_code,
    row,
    token_from_input,
    warnings,
)
from connections.domain.health import Health
from connections.models import Connection
from connections.old_tokens import OldToken, replaced_tokens
from connections.providers.azure_devops.identifiers import (
    InvalidOrganizationName,
    InvalidToken,
    parse_organization,
    read_token,
)
from connections.providers.azure_devops.input_errors import TOKEN_ERRORS, organization_error
from connections.providers.azure_devops.models import Server
from core.storable_text import storable_text
from core.text_input import UnreadableText, read_standard_input

_LONGEST_LINE = 10_000
_LONGEST_INPUT = 64 * 1024 * 1024
_NO_ID = 2**63


def add_arguments(verbs: Any) -> Iterator[argparse.ArgumentParser]:
    """The parsers of these verbs."""
    adding = verbs.add_parser("add", help="Connect an organization; the token is read from standard input")
    adding.add_argument("name")
    adding.add_argument("organization", help="name or address of the organization, or of the collection")
    adding.add_argument("--owner", required=True, help="user name of the connection's owner")
    adding.add_argument("--server", default="", help="name of a server in AZURE_DEVOPS_SERVERS")
    updating = verbs.add_parser("update-token", help="Replace the token; it is read from standard input")
    updating.add_argument("name")
    updating.add_argument("--owner", required=True, help="user name of the person who updates it")
    for verb in (adding, updating):
        verb.add_argument("--expires-on", type=day, help="the token's last day, as 2026-12-31")
        reach = verb.add_mutually_exclusive_group()
        reach.add_argument(
            "--one-organization",
            dest="all_organizations",
            action="store_false",
            default=None,
            help="the token was made for this organization only",
        )
        reach.add_argument(
            "--all-organizations",
            action="store_true",
            default=None,
            help="the token was made for all accessible organizations (not for Azure DevOps Server)",
        )
        verb.add_argument("--accept-limited", action="store_true", help="connect although scopes are missing")
    rotating = verbs.add_parser("rotate", help="List what expires soon, or read new tokens as JSON lines")
    rotating.add_argument("--within", type=count, default=30, metavar="DAYS", help="how soon (30)")
    rotating.add_argument("--read", action="store_true", help="read new tokens from standard input, one JSON a line")
    rotating.add_argument("--owner", default="", help="with --read: user name of the person who updates them")
    yield from (adding, updating, rotating)


def add(options: Options, output: Output) -> int:
    """Connect an organization."""
    server = _server(options["server"])
    others = [one for one in clients.servers() if one != server]
    try:
        organization = parse_organization(options["organization"], server, others=others)
    except InvalidOrganizationName as wrong:
        raise CannotConnect(wrong.code, organization_error(wrong, server.place), field="organization") from None
    wishes = ConnectRequest(
        name=options["name"],
        expires_on=options["expires_on"],
        token_reach=_reach(options["all_organizations"]),
        accept_limited=options["accept_limited"],
    )
    credentials = Credentials(server, organization, token_from_input())
    now = timezone.now()
    connection = connect(credentials, wishes, owner=person(options["owner"]), by=OPERATOR, now=now)
    found = warnings(connection, credentials.token, now=now)
    text = f"Connected {connection.name} to {connection.organization}."
    output.say(row(connection) | {"warnings": found}, "\n".join([text, *found]))
    return LIMITED if connection.health == Health.LIMITED else WELL


def update_token(options: Options, output: Output) -> int:
    """Replace one token."""
    connection = find(options["name"])
    new = Replacement(
        token=token_from_input(),
        expires_on=options["expires_on"],
        token_reach=_reach(options["all_organizations"]),
        accept_limited=options["accept_limited"],
    )
    now = timezone.now()
    comparison = rotate(connection, new, person=person(options["owner"]), by=OPERATOR, now=now)
    found = warnings(connection, new.token, now=now)
    old = replaced_tokens([connection])
    text = "\n".join([f"The token of {connection.name} is updated.", *map(_revoke, old), *_said(comparison), *found])
    output.say(row(connection) | _compared(comparison) | {"warnings": found, "old_token": _old_token(old)}, text)
    return LIMITED if connection.health == Health.LIMITED else WELL


def rotate_many(options: Options, output: Output) -> int:
    """List what expires soon; with --read, update many."""
    if not options["read"]:
        return _list(options, output)
    if not options["owner"]:
        raise CommandError("--read needs --owner, the person who updates the tokens.", returncode=USAGE)
    who = person(options["owner"])
    updated: list[Connection] = []
    lines = [(number, line) for number, line in enumerate(_input().split("\n"), start=1) if line.strip()]
    codes = [_one_line(number, line, who, output, updated) for number, line in lines]
    if not codes:
        raise CommandError("Standard input holds no line.", returncode=USAGE)
    if not output.as_json:
        # Only now is it known which old tokens nothing uses any more.
        for old in replaced_tokens(updated):
            output.out(_revoke(old))
    return REFUSED if REFUSED in codes else max(codes)


def _input() -> str:
    try:
        return read_standard_input(longest=_LONGEST_INPUT)
    except UnreadableText as wrong:
        raise CommandError(str(wrong), returncode=USAGE) from None


def _list(options: Options, output: Output) -> int:
    found = reads.expiring(within=options["within"], today=timezone.localdate())
    rows = [
        row(connection) | {"token_of": connection.identity_name, "shares_token": connection.shares_token}  # type: ignore[attr-defined]  # annotated
        for connection in found
    ]
    lines = [f"{one['expires_on']}  {one['organization']:20} {one['name']}{_shares(one)}" for one in rows]
    output.lines(rows, lines, empty=f"Nothing expires within {options['within']} days.")
    return WELL


def _shares(one: dict[str, Any]) -> str:
    return "  (shares its token)" if one["shares_token"] else ""


class _BadLine(ValueError):
    """A line of input that cannot be carried out; its text may hold a token and is never repeated."""

    def __init__(self, message: str, *, problem: str = "bad_line") -> None:
        super().__init__(message)
        self.problem = problem


def _one_line(number: int, line: str, who: User, output: Output, updated: list[Connection]) -> int:
    try:
        given = _parse(line)
        connections, new = [_named(one) for one in given["connections"]], _replacement(given)
    except _BadLine as wrong:
        output.line(
            {"line": number, "result": "refused", "problem": wrong.problem, "message": str(wrong)},
            f"Line {number}: {wrong}",
        )
        return REFUSED
    return max(_swap(connection, new, who, output, updated) for connection in connections)


def _parse(line: str) -> dict[str, Any]:
    if len(line) > _LONGEST_LINE:
        raise _BadLine("The line is too long.")
    try:
        given = json.loads(line)
    except ValueError:
        raise _BadLine("The line is not JSON.") from None
    if not isinstance(given, dict) or not isinstance(given.get("token"), str):
        raise _BadLine('The line is no object with a "token".')
    named = given.get("connections", [given["connection"]] if "connection" in given else [])
    if not isinstance(named, list) or not named:
        raise _BadLine('The line names no "connection", by name or id, nor a list of "connections".')
    return given | {"connections": named}


def _named(one: object) -> Connection:
    every = Connection.objects.select_related("owner")
    if isinstance(one, int) and not isinstance(one, bool):
        # SQLite takes no greater number, and no row has one.
        found = every.filter(pk=one).first() if abs(one) < _NO_ID else None
    else:
        found = every.filter(name__iexact=storable_text(one)).first() if isinstance(one, str) else None
    if found is None:
        raise _BadLine(f"No connection is called {str(one)[:100]}.")
    return found


def _replacement(given: dict[str, Any]) -> Replacement:
    try:
        token = read_token(given["token"])
    except InvalidToken as wrong:
        raise _BadLine(TOKEN_ERRORS[wrong.code], problem=wrong.code) from None
    try:
        expires_on = date.fromisoformat(given["expires_on"]) if given.get("expires_on") else None
    except (TypeError, ValueError):
        raise _BadLine("A date looks like 2026-12-31.") from None
    return Replacement(
        token=token,
        expires_on=expires_on,
        token_reach=_reach(_flag(given, "all_organizations")),
        accept_limited=bool(_flag(given, "accept_limited")),
    )


def _flag(given: Mapping[str, Any], name: str) -> bool | None:
    """A text such as "no" would count as true, so it is refused."""
    value = given.get(name)
    if value is not None and not isinstance(value, bool):
        raise _BadLine(f'"{name}" is true or false, without quotes.')
    return value


def _swap(connection: Connection, new: Replacement, who: User, output: Output, updated: list[Connection]) -> int:
    """One connection of one line; a refusal says why and leaves the others right."""
    result: dict[str, object] = {"id": connection.pk, "name": connection.name}
    now: datetime = timezone.now()
    try:
        comparison = rotate(connection, new, person=who, by=OPERATOR, now=now)
    except Refused as refused:
        why = {"result": "refused", "problem": refused.code, "message": refused.message}
        output.line(result | why, f"{connection.name}: refused. {refused.message}")
        return refusal_exit_code(refused.code)
    found = warnings(connection, new.token, now=now)
    updated.append(connection)
    told: dict[str, object] = {"result": "updated", "health": str(connection.health), "warnings": found}
    told["old_token"] = _old_token(replaced_tokens([connection]))
    text = " ".join([f"{connection.name}: updated.", *_said(comparison), *found])
    output.line(result | told | _compared(comparison), text)
    return LIMITED if connection.health == Health.LIMITED else WELL


def _revoke(old: OldToken) -> str:
    """What to do with an old token, in words."""
    whose = f"{old.person} ({old.account})" if old.account else old.person
    if not old.still_used_by:
        return f"Now revoke the old token of {whose}."
    names = ", ".join(connection.name for connection in old.still_used_by)
    return f"Do not revoke the old token of {whose} yet: still used by {names}."


def _old_token(found: list[OldToken]) -> dict[str, object] | None:
    """The same as JSON, as things stand now; None when the stored token was entered again."""
    for old in found:
        users = [{"id": other.pk, "name": other.name} for other in old.still_used_by]
        return {"person": old.person, "account": old.account, "still_used_by": users}
    return None


def _compared(comparison: Comparison) -> dict[str, object]:
    return {
        "same_person": comparison.same_person,
        "lost": list(comparison.lost),
        "gained": list(comparison.gained),
    }


def _said(comparison: Comparison) -> list[str]:
    said = [] if comparison.same_person else ["It belongs to another person than the old one."]
    if comparison.lost:
        said.append(f"Lost: {', '.join(comparison.lost)}.")
    if comparison.gained:
        said.append(f"Gained: {', '.join(comparison.gained)}.")
    return said


def _server(name: str) -> Server:
    if not name:
        return clients.servers()[0]
    try:
        return clients.server(name)
    except clients.UnknownServer:
        known = ", ".join(server.name for server in clients.servers())
        raise CommandError(f"No server is called {name}. There are: {known}.", returncode=USAGE) from None


def _reach(all_organizations: object) -> str:
    """As the form has it; empty where nobody said it."""
    if all_organizations is None:
        return ""
    return str(Connection.Reach.ALL if all_organizations else Connection.Reach.ONE)
