"""`manage.py repositories list | refresh`: for scripts, with --json and meaningful exit codes.

Exit codes: 0 all is well · 1 refused or not found · 2 wrong usage · 3 some projects could not be listed, or the list
of projects is incomplete · 4 could not be told. `refresh` does the work here, without a worker.
"""

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from connections import clients
from connections.cli.common import LIMITED, OPERATOR, UNKNOWN, USAGE, WELL, Output, find, findable, refusal_exit_code
from connections.domain.problems import catalogue
from connections.models import Connection
from connections.providers.azure_devops.errors import ListIncomplete
from core.database_time import database_now
from core.terminal import TerminalCommand
from delivery import reads
from delivery.cli.incomplete_lists import warn_of_incomplete
from delivery.sync import sync


class Command(TerminalCommand):
    """List and refresh."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command for each verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="the repositories that are present, one JSON object a line with --json")
        listing.add_argument("--connection", default="", help="name of the connection")
        refreshing = verbs.add_parser("refresh", help="bring in projects and repositories of a connection now")
        refreshing.add_argument("connection", nargs="?", default="", help="the default connection when it is not said")
        for verb in (listing, refreshing):
            verb.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Carry out the verb and leave with its exit code."""
        options = findable(options)
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
    default = Connection.objects.filter(is_default=True).first()
    if default is None:
        raise CommandError("No connection is the default one. Say which one is meant.", returncode=USAGE)
    return default


def _refresh(options: dict[str, Any], output: Output) -> int:
    connection = _connection(options["connection"])
    claim = sync.claim_now(connection, by=OPERATOR, now=database_now())
    if claim is None:
        output.say({"problem": "under_way"}, "A worker is bringing them in at this moment.")
        return UNKNOWN
    sync.sync(claim, clock=database_now)
    found = reads.sync_status(connection)
    sync_state = found.sync_state
    problem = sync_state.problem if sync_state else "unexpected_answer"
    value = {
        "connection": connection.name,
        "projects": found.projects,
        "repositories": found.repositories,
        "projects_not_listed": found.untold,
        "complete": not problem and not found.untold,
        "problem": problem,
    }
    text = f"{found.repositories} repositories in {found.projects} projects."
    if problem:
        words = catalogue.problem(problem, place=clients.place_of(connection.server))
        text = f"{words.title}. {words.next_step} Known: {text}"
    output.say(value, text)
    if problem == ListIncomplete.code:
        return LIMITED
    if problem:
        return UNKNOWN if sync_state and sync_state.under_way else refusal_exit_code(problem)
    return LIMITED if found.untold else WELL
