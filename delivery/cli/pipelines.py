"""What `manage.py builds` and `manage.py releases` share: options, lists of pipelines, and how errors are reported."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet

from connections.cli.common import ExitCode, Options, Output, queryable
from core.terminal import TerminalCommand
from delivery import reads
from delivery.cli.cli_errors import report_error
from delivery.cli.incomplete_lists import warn_of_incomplete
from delivery.models import Pipeline, Project, ReleasePipeline
from delivery.remote_read import RemoteReadError

P = TypeVar("P", Pipeline, ReleasePipeline)
Read = Callable[[reads.Filters], QuerySet[P]]
Verb = Callable[[Options, Output], int]


class PipelineCommand(TerminalCommand, ABC):
    """A command with verbs, most of which are about one pipeline. `verbs` has the function and the help of each."""

    verbs: ClassVar[Mapping[str, tuple[Verb, str]]]

    def add_arguments(self, parser: CommandParser) -> None:
        """Add one subcommand for each verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        for name, (_, help_text) in self.verbs.items():
            verb = verbs.add_parser(name, help=help_text)
            self.add_verb_arguments(verb, name)
            verb.add_argument("--connection", default="", help="name of the connection")
            verb.add_argument("--project", default="", help="name of the project")
            verb.add_argument("--json", action="store_true", help="print JSON")

    @abstractmethod
    def add_verb_arguments(self, verb: CommandParser, name: str) -> None:
        """Add the arguments that only this verb has."""

    @abstractmethod
    def find(self, options: Options) -> Pipeline | ReleasePipeline:
        """The pipeline that is named. Raises `CommandError` if there is none, or more than one."""

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the verb and exit with its code."""
        options = queryable(options)
        output = Output(self.stdout.write, self.stderr.write, as_json=options["json"])
        run, _ = self.verbs[options["verb"]]
        try:
            code = run(options, output)
        except RemoteReadError as error:
            code = report_error(error, self.find(options).project.connection.server, output)
        if code:
            sys.exit(code)


def add_wait(verb: CommandParser, until: str) -> None:
    """Add `--wait` and `--timeout`."""
    verb.add_argument("--wait", action="store_true", help=f"follow {until}")
    verb.add_argument("--timeout", type=float, default=3600.0, help="how many seconds to wait at most (3600)")


def find(read: "Read[P]", label: str, options: Options) -> P:
    """The pipeline that is named. Raises `CommandError` if there is none, or more than one."""
    matches = reads.named(_chosen(read, options), options["pipeline"])
    if not matches:
        raise CommandError(f"There is no {label} named {options['pipeline']}.", returncode=ExitCode.REFUSED)
    if len(matches) > 1:
        message = "Several pipelines have this name. Add --connection and --project."
        raise CommandError(message, returncode=ExitCode.USAGE)
    return matches[0]


def _chosen(read: "Read[P]", options: Options) -> QuerySet[P]:
    return reads.of_projects(read(reads.Filters(state=options.get("state", ""))), _projects(options))


def _projects(options: Options) -> QuerySet[Project]:
    return reads.projects_named(connection=options["connection"], project=options["project"])


def show_list(
    read: "Read[P]",
    kind: str,
    label: str,
    describe: Callable[[P], tuple[str, dict[str, Any]]],
    options: Options,
    output: Output,
) -> int:
    """List the stored pipelines; `describe` names the newest build or release of one, and has what JSON says of it."""
    incomplete = reads.incomplete_lists(kind, _projects(options))
    rows, lines = [], []
    for pipeline in _chosen(read, options).iterator(500):
        newest, details = describe(pipeline)
        project, connection = pipeline.project.name, pipeline.project.connection.name
        names = {"id": pipeline.azure_id, "name": pipeline.name, "project": project, "connection": connection}
        rows.append({**names, **details, "list_complete": pipeline.project_id not in incomplete})
        lines.append(f"{details['state']:12} {newest or '-':20} {project:20} {pipeline.name}")
    output.lines(rows, lines, empty=f"No {label}.")
    return warn_of_incomplete(label, incomplete.values(), output)
