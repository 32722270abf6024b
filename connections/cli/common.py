"""What several verbs share: exit codes, reading names and tokens, printing."""

import argparse
import getpass
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from connections import reads
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

# Problems that say nothing about the token or the request, so the outcome is unknown.
_UNKNOWN_OUTCOME = errors.NO_ANSWER_CODES | {"rejected", "time_limit", "list_incomplete", "too_many_tests"}
# So many days before today is still a valid date, and SQLite accepts it as a LIMIT.
_HIGHEST_COUNT = 365_000
_LONGEST_INPUT = 1024 * 1024
Options = dict[str, Any]


class ExitCode(IntEnum):
    """How a verb ended. `docs/commands.md` says what each code means for scripts and monitors."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    LIMITED = 3
    UNKNOWN = 4


@dataclass(frozen=True, slots=True)
class Output:
    """Where a verb writes, and whether as JSON."""

    out: Callable[[str], object]
    err: Callable[[str], object]
    as_json: bool

    def say(self, value: object, text: str) -> None:
        """Print the value as JSON, or the text for people."""
        self.out(json.dumps(value, indent=2) if self.as_json else text)

    def line(self, value: object, text: str) -> None:
        """Print one row of a list that is printed row by row."""
        self.out(json.dumps(value) if self.as_json else one_line(text))

    def lines(self, value: object, lines: Iterable[str], *, empty: str = "") -> None:
        """Print the value as JSON, or one line for each row; `empty` if there are no rows."""
        self.say(value, "" if self.as_json else "\n".join(map(one_line, lines)) or empty)


# The options that are compared with columns of the database.
_QUERY_OPTIONS = ("channel", "connection", "entry", "kind", "person", "pipeline", "project")


def queryable(options: Options) -> Options:
    """The options, with names that a database query accepts: an argument may hold bytes that are not valid text."""
    return options | {name: storable_text(options[name]) for name in _QUERY_OPTIONS if options.get(name)}


def refusal_exit_code(code: str) -> ExitCode:
    """The exit code for a problem that ended a verb: refused, or the outcome is unknown."""
    return ExitCode.UNKNOWN if code in _UNKNOWN_OUTCOME else ExitCode.REFUSED


def day(text: str) -> date:
    """Parse a date of the command line."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("enter a date as YYYY-MM-DD, such as 2026-12-31") from None


def count(text: str) -> int:
    """Parse a number of days or lines of the command line, limited to what dates and queries accept."""
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError("enter a whole number") from None
    return min(max(number, 0), _HIGHEST_COUNT)


def token_from_input() -> Credential:
    """Read a token from standard input, never from the command line, where other users of the machine could see it."""
    if sys.stdin.isatty():
        return read_token(getpass.getpass("Personal Access Token: "))
    try:
        return read_token(read_standard_input(longest=_LONGEST_INPUT))
    except UnreadableText as error:
        raise InvalidToken("too_long" if isinstance(error, TooLong) else "not_printable_ascii") from None


def find(name: str) -> Connection:
    """The connection with this name. Raises `CommandError` if there is none."""
    connection = reads.connection_named(name)
    if connection is None:
        raise CommandError(f"There is no connection named {name}.", returncode=ExitCode.REFUSED)
    return connection


def person(username: str) -> User:
    """The active user with this name. Raises `CommandError` if there is none."""
    user = reads.active_user(username)
    if user is None:
        raise CommandError(f"There is no active user named {username}.", returncode=ExitCode.USAGE)
    return user


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
        "expires_on": connection.last_day.isoformat() if connection.last_day else None,
        "never_expires": connection.never_expires,
        "is_date_read": connection.is_date_read,
        "checked_at": connection.checked_at.isoformat() if connection.checked_at else None,
        "owner": connection.owner.get_username(),
    }


def last_day(row: dict[str, Any]) -> str:
    """The expiry date of a row as text."""
    return "never" if row["never_expires"] else row["expires_on"] or "-"


def warnings(connection: Connection, token: Credential, *, now: Any) -> list[str]:
    """Warnings to print about rules of the token policy that a token violates and that do not refuse it."""
    violations = enforce_policy.violations_of(
        expires_on=connection.expires_on, now=now, token=token, besides=connection.pk
    )
    return [
        catalogue.problem(violation.code).title + "."
        for violation in violations
        if violation.rule is token_policy.Rule.WARN
    ]
