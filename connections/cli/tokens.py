"""add, update-token and rotate: tokens and secrets are read from standard input."""

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
    ExitCode,
    Options,
    Output,
    count,
    day,
    find,
    person,
    refusal_exit_code,
    row,
    warnings,
)
from connections.cli.credentials import add_arguments as add_credential_arguments
from connections.cli.credentials import add_identity_argument, credential_from
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
from core.text_input import UnreadableText, read_standard_input
from history.record import COMMAND_LINE

_LONGEST_LINE = 10_000
_LONGEST_INPUT = 64 * 1024 * 1024
_ID_LIMIT = 2**63


def add_arguments(verbs: Any) -> Iterator[argparse.ArgumentParser]:
    """Add the parsers of these verbs."""
    adding = verbs.add_parser("add", help="Connect an organization; the token is read from standard input")
    adding.add_argument("name")
    adding.add_argument("organization", help="name or URL of the organization or collection")
    adding.add_argument("--owner", required=True, help="username of the connection's owner")
    adding.add_argument("--server", default="", help="name of a server in AZURE_DEVOPS_SERVERS")
    add_identity_argument(adding)
    updating = verbs.add_parser("update-token", help="Replace the token; it is read from standard input")
    updating.add_argument("name")
    updating.add_argument("--owner", required=True, help="username of the person who updates it")
    for verb in (adding, updating):
        add_credential_arguments(verb)
        verb.add_argument("--expires-on", type=day, help="the token's expiry date, such as 2026-12-31")
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
        verb.add_argument("--accept-limited", action="store_true", help="accept a token that lacks scopes")
    rotating = verbs.add_parser("rotate", help="List tokens that expire soon, or read new tokens as JSON lines")
    rotating.add_argument("--within", type=count, default=30, metavar="DAYS", help="how many days ahead (30)")
    rotating.add_argument(
        "--read", action="store_true", help="read new tokens from standard input, one JSON object per line"
    )
    rotating.add_argument("--owner", default="", help="with --read: username of the person who updates them")
    yield from (adding, updating, rotating)


def add(options: Options, output: Output) -> int:
    """Connect an organization."""
    server = _server(options["server"])
    others = [other for other in clients.servers() if other != server]
    try:
        organization = parse_organization(options["organization"], server, others=others)
    except InvalidOrganizationName as error:
        raise CannotConnect(error.code, organization_error(error, server.place), field="organization") from None
    request = ConnectRequest(
        name=options["name"],
        expires_on=options["expires_on"],
        token_reach=_reach(options["all_organizations"]),
        accept_limited=options["accept_limited"],
    )
    credentials = Credentials(server, organization, credential_from(options))
    now = timezone.now()
    connection = connect(credentials, request, owner=person(options["owner"]), by=COMMAND_LINE, now=now)
    to_print = warnings(connection, credentials.token, now=now)
    text = f"Connected {connection.name} to {connection.organization}."
    output.say(row(connection) | {"warnings": to_print}, "\n".join([text, *to_print]))
    return ExitCode.LIMITED if connection.health == Health.LIMITED else ExitCode.OK


def update_token(options: Options, output: Output) -> int:
    """Replace the token of one connection."""
    connection = find(options["name"])
    new = Replacement(
        token=credential_from(options, connection),
        expires_on=options["expires_on"],
        token_reach=_reach(options["all_organizations"]),
        accept_limited=options["accept_limited"],
    )
    now = timezone.now()
    comparison = rotate(connection, new, person=person(options["owner"]), by=COMMAND_LINE, now=now)
    to_print = warnings(connection, new.token, now=now)
    old = replaced_tokens([connection])
    lines = [
        f"The {connection.credential().words.name} of {connection.name} was updated.",
        *map(_revocation_text, old),
        *_comparison_text(comparison),
        *to_print,
    ]
    value = row(connection) | comparison.detail() | {"warnings": to_print, "old_token": _old_token_row(old)}
    output.say(value, "\n".join(lines))
    return ExitCode.LIMITED if connection.health == Health.LIMITED else ExitCode.OK


def rotate_many(options: Options, output: Output) -> int:
    """List tokens that expire soon; with --read, update the tokens of several connections."""
    if not options["read"]:
        return _list(options, output)
    if not options["owner"]:
        raise CommandError("--read requires --owner, the person who updates the tokens.", returncode=ExitCode.USAGE)
    updater = person(options["owner"])
    updated: list[Connection] = []
    lines = [(number, line) for number, line in enumerate(_input().split("\n"), start=1) if line.strip()]
    codes = [_update_from_line(number, line, updater, output, updated) for number, line in lines]
    if not codes:
        raise CommandError("Standard input is empty.", returncode=ExitCode.USAGE)
    if not output.as_json:
        # Which old tokens are no longer used is known only after the last line.
        for old in replaced_tokens(updated):
            output.out(_revocation_text(old))
    return ExitCode.REFUSED if ExitCode.REFUSED in codes else max(codes)


def _input() -> str:
    try:
        return read_standard_input(longest=_LONGEST_INPUT)
    except UnreadableText as error:
        raise CommandError(str(error), returncode=ExitCode.USAGE) from None


def _list(options: Options, output: Output) -> int:
    rows = [
        row(connection) | {"token_of": connection.identity_name, "shares_token": connection.shares_token}  # type: ignore[attr-defined]  # annotated
        for connection in reads.expiring(within=options["within"], today=timezone.localdate())
    ]
    lines = [f"{item['expires_on']}  {item['organization']:20} {item['name']}{_shared(item)}" for item in rows]
    output.lines(rows, lines, empty=f"No credential expires within {options['within']} days.")
    return ExitCode.OK


def _shared(item: dict[str, Any]) -> str:
    return "  (shares its credential)" if item["shares_token"] else ""


class _BadLine(ValueError):
    """A line of input that cannot be used. Messages never repeat its text, which may hold a token."""

    def __init__(self, message: str, *, problem: str = "bad_line") -> None:
        super().__init__(message)
        self.problem = problem


def _update_from_line(number: int, line: str, updater: User, output: Output, updated: list[Connection]) -> int:
    try:
        entry = _parse(line)
        connections, new = [_connection_of(reference) for reference in entry["connections"]], _replacement(entry)
    except _BadLine as error:
        output.line(
            {"line": number, "result": "refused", "problem": error.problem, "message": str(error)},
            f"Line {number}: {error}",
        )
        return ExitCode.REFUSED
    return max(_update_one(connection, new, updater, output, updated) for connection in connections)


def _parse(line: str) -> dict[str, Any]:
    if len(line) > _LONGEST_LINE:
        raise _BadLine("The line is too long.")
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        raise _BadLine("The line is not valid JSON.") from None
    if not isinstance(entry, dict) or not isinstance(entry.get("token"), str):
        raise _BadLine('The line is not a JSON object with a "token".')
    references = entry.get("connections", [entry["connection"]] if "connection" in entry else [])
    if not isinstance(references, list) or not references:
        raise _BadLine('The line has neither a "connection", by name or ID, nor a list of "connections".')
    return entry | {"connections": references}


def _connection_of(reference: object) -> Connection:
    """The connection with this name or id."""
    if isinstance(reference, int) and not isinstance(reference, bool):
        # SQLite accepts no larger number, and no row has one.
        connection = reads.connection(reference) if abs(reference) < _ID_LIMIT else None
    else:
        connection = reads.connection_named(reference) if isinstance(reference, str) else None
    if connection is None:
        raise _BadLine(f"There is no connection named {str(reference)[:100]}.")
    return connection


def _replacement(entry: dict[str, Any]) -> Replacement:
    try:
        token = read_token(entry["token"])
    except InvalidToken as error:
        raise _BadLine(TOKEN_ERRORS[error.code], problem=error.code) from None
    try:
        expires_on = date.fromisoformat(entry["expires_on"]) if entry.get("expires_on") else None
    except (TypeError, ValueError):
        raise _BadLine("Enter the date as YYYY-MM-DD, such as 2026-12-31.") from None
    return Replacement(
        token=token,
        expires_on=expires_on,
        token_reach=_reach(_flag(entry, "all_organizations")),
        accept_limited=bool(_flag(entry, "accept_limited")),
    )


def _flag(entry: Mapping[str, Any], name: str) -> bool | None:
    """A boolean of the line. Text such as "no" is refused, because it would count as true."""
    value = entry.get(name)
    if value is not None and not isinstance(value, bool):
        raise _BadLine(f'"{name}" must be true or false, without quotes.')
    return value


def _update_one(
    connection: Connection, new: Replacement, updater: User, output: Output, updated: list[Connection]
) -> ExitCode:
    """Update one connection of a line. A refusal is reported and does not affect the others."""
    result: dict[str, object] = {"id": connection.pk, "name": connection.name}
    now: datetime = timezone.now()
    try:
        comparison = rotate(connection, new, person=updater, by=COMMAND_LINE, now=now)
    except Refused as refused:
        refusal = {"result": "refused", "problem": refused.code, "message": refused.message}
        output.line(result | refusal, f"{connection.name}: refused. {refused.message}")
        return refusal_exit_code(refused.code)
    to_print = warnings(connection, new.token, now=now)
    updated.append(connection)
    result |= {"result": "updated", "health": str(connection.health), "warnings": to_print}
    result["old_token"] = _old_token_row(replaced_tokens([connection]))
    text = " ".join([f"{connection.name}: updated.", *_comparison_text(comparison), *to_print])
    output.line(result | comparison.detail(), text)
    return ExitCode.LIMITED if connection.health == Health.LIMITED else ExitCode.OK


def _revocation_text(old: OldToken) -> str:
    """What to do with a replaced token, for people."""
    whose = f"{old.person} ({old.account})" if old.account else old.person
    words = old.words
    if not old.still_used_by:
        return f"{words.end.capitalize()} the old {words.name} of {whose} {words.managed_in} now."
    names = ", ".join(connection.name for connection in old.still_used_by)
    return f"Do not {words.end} the old {words.name} of {whose} yet: it is still used by {names}."


def _old_token_row(replaced: list[OldToken]) -> dict[str, object] | None:
    """A replaced token as JSON; None if the stored token was entered again."""
    for old in replaced:
        users = [{"id": connection.pk, "name": connection.name} for connection in old.still_used_by]
        return {"person": old.person, "account": old.account, "still_used_by": users}
    return None


def _comparison_text(comparison: Comparison) -> list[str]:
    sentences = [] if comparison.same_person else ["It belongs to a different person than the old token."]
    if comparison.lost:
        sentences.append(f"Lost: {', '.join(comparison.lost)}.")
    if comparison.gained:
        sentences.append(f"Gained: {', '.join(comparison.gained)}.")
    return sentences


def _server(name: str) -> Server:
    if not name:
        return clients.servers()[0]
    try:
        return clients.server(name)
    except clients.UnknownServer:
        known = ", ".join(server.name for server in clients.servers())
        raise CommandError(
            f"There is no server named {name}. Known servers: {known}.", returncode=ExitCode.USAGE
        ) from None


def _reach(all_organizations: object) -> str:
    """For which organizations the token was made, as the form has it; empty if not given."""
    if all_organizations is None:
        return ""
    return str(Connection.Reach.ALL if all_organizations else Connection.Reach.ONE)
