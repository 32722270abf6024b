"""What several verbs need: exit codes, reading names and tokens, printing."""

import argparse
import getpass
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from connections.actions import enforce_policy
from connections.domain import token_policy
from connections.domain.problems import catalogue
from connections.models import Connection
from connections.providers.azure_devops import errors
from connections.providers.azure_devops.identifiers import InvalidToken, read_token
from connections.providers.credential import Credential
from core.control_characters import one_line
from core.storable_text import storable_text
from core.text_input import TooLong, UnreadableText, read_standard_input
from history.record import Actor

WELL, REFUSED, USAGE, LIMITED, UNKNOWN = range(5)
# Nothing was said about the token or the request, so nobody knows.
_COULD_NOT_TELL = errors.NO_ANSWER_CODES | {"rejected", "time_limit", "list_incomplete", "too_many_tests"}
# Days before the present lie far from the first year, and SQLite counts as many rows.
_MOST = 365_000
_LONGEST_INPUT = 1024 * 1024
OPERATOR = Actor(name="command line")
Options = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Output:
    """Where a verb writes, and whether as JSON."""

    out: Callable[[str], object]
    err: Callable[[str], object]
    as_json: bool

    def say(self, value: object, text: str) -> None:
        """The value as JSON, or the text for people."""
        self.out(json.dumps(value, indent=2) if self.as_json else text)

    def line(self, value: object, text: str) -> None:
        """The same for one line of many."""
        self.out(json.dumps(value) if self.as_json else one_line(text))

    def lines(self, value: object, lines: Iterable[str], *, empty: str = "") -> None:
        """The value as JSON, or a line for each row of it; `empty` where there is none."""
        self.say(value, "" if self.as_json else "\n".join(map(one_line, lines)) or empty)


# The options by which rows are looked for.
_LOOKED_FOR = ("connection", "kind", "person", "pipeline", "project")


def findable(options: Options) -> Options:
    """The options, with names as a database takes them: an argument may hold bytes that are no text."""
    return options | {name: storable_text(options[name]) for name in _LOOKED_FOR if options.get(name)}


def refusal_exit_code(code: str) -> int:
    """The exit code for a problem that ended an act: refused, or could not be told."""
    return UNKNOWN if code in _COULD_NOT_TELL else REFUSED


def day(text: str) -> date:
    """A date on the command line."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a date looks like 2026-12-31") from None


def count(text: str) -> int:
    """A number of days or lines on the command line: none, or as many as can be counted with."""
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a whole number is needed") from None
    return min(max(number, 0), _MOST)


def token_from_input() -> Credential:
    """From standard input, never from the command line, where other users of the machine could see it."""
    if sys.stdin.isatty():
        return read_token(getpass.getpass("Personal Access Token: "))
    try:
        return read_token(read_standard_input(longest=_LONGEST_INPUT))
    except UnreadableText as wrong:
        raise InvalidToken("too_long" if isinstance(wrong, TooLong) else "not_printable_ascii") from None


def find(name: str) -> Connection:
    """The connection of this name. Ends the command when there is none."""
    found = Connection.objects.select_related("owner").filter(name__iexact=storable_text(name)).first()
    if found is None:
        raise CommandError(f"No connection is called {name}.", returncode=REFUSED)
    return found


def person(username: str) -> User:
    """The active user of this name. Ends the command when there is none."""
    found = User.objects.filter(username=storable_text(username), is_active=True).first()
    if found is None:
        raise CommandError(f"No active user is called {username}.", returncode=USAGE)
    return found


def row(connection: Connection) -> dict[str, Any]:
    """A connection as JSON."""
    return {
        "id": connection.pk,
        "name": connection.name,
        "server": connection.server,
        "organization": connection.organization,
        "health": "disabled" if connection.disabled else str(connection.health),
        "problem": connection.problem,
        "token_reach": str(connection.token_reach),
        "expires_on": connection.expires_on.isoformat() if connection.expires_on else None,
        "checked_at": connection.checked_at.isoformat() if connection.checked_at else None,
        "owner": connection.owner.get_username(),
    }


def warnings(connection: Connection, token: Credential, *, now: Any) -> list[str]:
    """What to print of rules of the token policy that a token violates and that only warn."""
    found = enforce_policy.violations_of(expires_on=connection.expires_on, now=now, token=token, besides=connection.pk)
    return [
        catalogue.problem(violation.code).title + "." for violation in found if violation.rule is token_policy.Rule.WARN
    ]
