"""`manage.py connections list | test | add | update-token`: for scripts, with --json and honest exit codes.

Exit codes: 0 all is well · 1 refused or not found · 2 wrong usage · 3 works with limits · 4 could not be told.
A token is read from standard input, never from the command line, where other users of the machine could see it.
"""

import argparse
import getpass
import json
import sys
from datetime import date
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from connections import clients, messages
from connections.actions.audit import audit
from connections.actions.connect import Wishes, connect
from connections.actions.probe import Credentials
from connections.actions.refusals import Refused
from connections.actions.rotate import Replacement, rotate
from connections.azure_devops.names import (
    InvalidOrganizationName,
    InvalidToken,
    parse_organization,
    read_token,
)
from connections.azure_devops.secret import PersonalAccessToken
from connections.checks import Report
from connections.models import Connection
from connections.status import Health, health_of
from history.record import Actor

LIMITED, UNKNOWN = 3, 4


class Command(BaseCommand):
    """List, test, add and rotate connections."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command for each verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="List connections")
        testing = verbs.add_parser("test", help="Test the stored token of one connection")
        testing.add_argument("name")
        adding = verbs.add_parser("add", help="Connect an organization; the token is read from standard input")
        adding.add_argument("name")
        adding.add_argument("organization", help="name or address of the organization")
        adding.add_argument("--owner", required=True, help="user name of the connection's owner")
        adding.add_argument("--server", default="", help="name of a server in AZURE_DEVOPS_SERVERS")
        updating = verbs.add_parser("update-token", help="Replace the token; it is read from standard input")
        updating.add_argument("name")
        updating.add_argument("--owner", required=True, help="user name of the person who updates it")
        for verb in (adding, updating):
            verb.add_argument("--expires-on", type=_day, help="the token's last day, as 2026-12-31")
            verb.add_argument("--all-organizations", action="store_true", help="the token is not for this one only")
            verb.add_argument("--accept-limited", action="store_true", help="connect although scopes are missing")
        for verb in (listing, testing, adding, updating):
            verb.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Carry out the verb and leave with its exit code."""
        verbs = {"list": self._list, "test": self._test, "add": self._add, "update-token": self._update}
        try:
            code = verbs[options["verb"]](options)
        except Refused as refused:
            self._refuse(refused.code, refused.message, options)
        except (InvalidOrganizationName, InvalidToken) as wrong:
            self._refuse(wrong.code, f"Not accepted: {wrong.code.replace('_', ' ')}.", options)
        else:
            if code:
                sys.exit(code)

    def _list(self, options: dict[str, Any]) -> int:
        rows = [_row(one) for one in Connection.objects.select_related("owner")]
        lines = [
            f"{row['health']:12} {row['expires_on'] or '-':12} {row['organization']:20} {row['name']}" for row in rows
        ]
        self._print(rows, "\n".join(lines) or "No connections.", options)
        return 0

    def _test(self, options: dict[str, Any]) -> int:
        connection = _find(options["name"])
        report = audit(connection, by=_operator(), now=timezone.now(), in_a_hurry=True)
        self._print(_outcome(connection, report), _sentence(report), options)
        return _exit_code(report)

    def _add(self, options: dict[str, Any]) -> int:
        server = self._server(options["server"])
        organization = parse_organization(options["organization"], servers=[one.url for one in clients.servers()])
        wishes = Wishes(
            name=options["name"],
            expires_on=options["expires_on"],
            token_reach=_reach(options),
            accept_limited=options["accept_limited"],
        )
        credentials = Credentials(server, organization, _token())
        owner = _person(options["owner"])
        connection = connect(credentials, wishes, owner=owner, by=_operator(), now=timezone.now())
        self._print(_row(connection), f"Connected {connection.name} to {connection.organization}.", options)
        return LIMITED if connection.health == Health.LIMITED else 0

    def _update(self, options: dict[str, Any]) -> int:
        connection = _find(options["name"])
        new = Replacement(
            token=_token(),
            expires_on=options["expires_on"],
            token_reach=_reach(options),
            accept_limited=options["accept_limited"],
        )
        rotate(connection, new, person=_person(options["owner"]), by=_operator(), now=timezone.now())
        self._print(_row(connection), f"The token of {connection.name} is updated. Now revoke the old one.", options)
        return LIMITED if connection.health == Health.LIMITED else 0

    def _server(self, name: str) -> Any:
        if not name:
            return clients.servers()[0]
        try:
            return clients.server(name)
        except clients.UnknownServer:
            known = ", ".join(one.name for one in clients.servers())
            raise CommandError(f"No server is called {name}. There are: {known}.", returncode=2) from None

    def _refuse(self, code: str, message: str, options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps({"problem": code, "message": message}))
        else:
            self.stderr.write(message)
        sys.exit(1)

    def _print(self, value: object, text: str, options: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(value, indent=2) if options["json"] else text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a date looks like 2026-12-31") from None


def _token() -> PersonalAccessToken:
    typed = getpass.getpass("Personal Access Token: ") if sys.stdin.isatty() else sys.stdin.read(10_000)
    return read_token(typed)


def _find(name: str) -> Connection:
    found = Connection.objects.filter(name__iexact=name).first()
    if found is None:
        raise CommandError(f"No connection is called {name}.", returncode=1)
    return found


def _person(username: str) -> User:
    found = User.objects.filter(username=username, is_active=True).first()
    if found is None:
        raise CommandError(f"No active user is called {username}.", returncode=2)
    return found


def _operator() -> Actor:
    return Actor(name="command line")


def _reach(options: dict[str, Any]) -> str:
    return str(Connection.Reach.ALL if options["all_organizations"] else Connection.Reach.ONE)


def _row(connection: Connection) -> dict[str, Any]:
    return {
        "id": connection.pk,
        "name": connection.name,
        "server": connection.server,
        "organization": connection.organization,
        "health": "disabled" if connection.disabled else str(connection.health),
        "problem": connection.problem,
        "expires_on": connection.expires_on.isoformat() if connection.expires_on else None,
        "checked_at": connection.checked_at.isoformat() if connection.checked_at else None,
        "owner": connection.owner.get_username(),
    }


def _outcome(connection: Connection, report: Report) -> dict[str, Any]:
    return {
        "name": connection.name,
        "health": str(health_of(report)),
        "problem": report.trouble.code if report.trouble else "",
        "activity_id": report.trouble.activity_id if report.trouble else None,
        "identity": report.identity.display_name if report.identity else None,
        "projects": len(report.projects),
        "capabilities": {one.capability: str(one.verdict) for one in report.findings},
    }


def _sentence(report: Report) -> str:
    if report.trouble:
        problem = messages.problem(report.trouble.code)
        return f"{problem.title}. {problem.explanation} {problem.next_step}"
    lines = [f"{one.capability:16} {messages.VERDICT_WORDS[one.verdict]}" for one in report.findings]
    return "\n".join(lines)


def _exit_code(report: Report) -> int:
    if report.trouble:
        return UNKNOWN if report.trouble.transient else 1
    if report.passed:
        return 0
    return LIMITED if report.lacking() else UNKNOWN
