"""`manage.py repositories list | refresh`: for scripts, with --json and meaningful exit codes.

Exit codes: 0 success · 1 refused or not found · 2 wrong usage · 3 some projects could not be listed, or the list of
projects is incomplete · 4 unknown. `refresh` syncs in this process, without a worker.
"""

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from connections import clients
from connections.cli.common import ExitCode, Output, find, queryable, refusal_exit_code
from connections.domain.problems import catalogue
from connections.models import Connection
from connections.providers.azure_devops.errors import ListIncomplete
from core.database_time import database_now
from core.terminal import TerminalCommand
from delivery import reads
from delivery.cli.incomplete_lists import warn_of_incomplete
from delivery.sync import sync
from history.record import COMMAND_LINE


class Command(TerminalCommand):
    """Lists repositories and syncs them."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add one subcommand for each verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="list repositories; with --json one JSON object per line")
        listing.add_argument("--connection", default="", help="name of the connection")
        refreshing = verbs.add_parser("refresh", help="sync projects and repositories of a connection now")
        refreshing.add_argument(
            "connection", nargs="?", default="", help="name of the connection (the default connection)"
        )
        for verb in (listing, refreshing):
            verb.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the verb and exit with its code."""
        options = queryable(options)
        output = Output(self.stdout.write, self.stderr.write, as_json=options["json"])
        code = {"list": _list, "refresh": _refresh}[options["verb"]](options, output)
        if code:
            sys.exit(code)


def _list(options: dict[str, Any], output: Output) -> int:
    connection = find(options["connection"]).pk if options["connection"] else None
    incomplete = reads.incomplete_project_lists(connection)
    for repository in reads.repositories(reads.Filters(connection=connection)).iterator(500):
        row = {
            "id": repository.azure_id,
            "name": repository.name,
            "project": repository.project.name,
            "connection": repository.project.connection.name,
            "default_branch": repository.default_branch,
            "size": repository.size,
            "disabled": repository.disabled,
            "url": repository.https_url,
            "list_complete": repository.project.connection_id not in incomplete,
        }
        output.line(row, f"{repository.project.connection.name:20} {repository.project.name:24} {repository.name}")
    return warn_of_incomplete("projects", incomplete.values(), output)


def _connection(name: str) -> Connection:
    if name:
        return find(name)
    default = reads.default_connection()
    if default is None:
        raise CommandError("There is no default connection. Name a connection.", returncode=ExitCode.USAGE)
    return default


def _refresh(options: dict[str, Any], output: Output) -> int:
    connection = _connection(options["connection"])
    claim = sync.claim_now(connection, by=COMMAND_LINE, now=database_now())
    if claim is None:
        output.say({"problem": "under_way"}, "A sync of this connection is already running.")
        return ExitCode.UNKNOWN
    sync.sync(claim, clock=database_now)
    status = reads.sync_status(connection)
    sync_state = status.sync_state
    problem = sync_state.problem if sync_state else "unexpected_answer"
    value = {
        "connection": connection.name,
        "projects": status.projects,
        "repositories": status.repositories,
        "projects_not_listed": status.untold,
        "complete": not problem and not status.untold,
        "problem": problem,
    }
    text = f"{status.repositories} repositories in {status.projects} projects."
    if problem:
        details = catalogue.problem(problem, place=clients.place_of(connection.server))
        text = f"{details.title}. {details.next_step} Stored so far: {text}"
    output.say(value, text)
    if problem == ListIncomplete.code:
        return ExitCode.LIMITED
    if problem:
        return ExitCode.UNKNOWN if sync_state and sync_state.under_way else refusal_exit_code(problem)
    return ExitCode.LIMITED if status.untold else ExitCode.OK
