"""`manage.py builds list | run | show`: pipelines for scripts, with --json and meaningful exit codes.

Exit codes: 0 succeeded, or queued without --wait · 1 failed, cancelled or refused · 2 wrong usage · 3 partially
succeeded, or a list is incomplete · 4 unknown, or not finished in time. If several pipelines have the same name, add
--connection and --project.
"""

import sys
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import QuerySet
from django.utils import timezone

from connections.cli.common import ExitCode, Options, Output, queryable
from core.terminal import TerminalCommand
from delivery import reads
from delivery.builds import build_changes, build_reads
from delivery.cli.cli_errors import report_error
from delivery.cli.incomplete_lists import warn_of_incomplete
from delivery.cli.pipelines import by_connection_and_project, only_pipeline_named
from delivery.cli.polling import poll_until
from delivery.domain.build_states import UNDER_WAY, State, state_of
from delivery.live import polling
from delivery.models import Pipeline
from delivery.remote_read import RemoteReadError
from history.record import COMMAND_LINE

_PAUSE = 5.0
_CODES = {
    State.SUCCEEDED: ExitCode.OK,
    State.FAILED: ExitCode.REFUSED,
    State.CANCELED: ExitCode.REFUSED,
    State.PARTIAL: ExitCode.LIMITED,
}


class Command(TerminalCommand):
    """Lists pipelines, runs them and shows builds."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add one subcommand for each verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="list every stored pipeline with its last build")
        listing.add_argument("--state", default="", choices=[state for state, _ in reads.BUILD_STATES])
        running = verbs.add_parser("run", help="run a pipeline on a branch")
        running.add_argument("pipeline")
        running.add_argument("--branch", required=True)
        running.add_argument("--wait", action="store_true", help="follow the build until it has finished")
        showing = verbs.add_parser("show", help="show one build")
        showing.add_argument("pipeline")
        showing.add_argument("build", type=int)
        showing.add_argument("--wait", action="store_true", help="follow the build until it has finished")
        for verb in (running, showing):
            verb.add_argument("--timeout", type=float, default=3600.0, help="how many seconds to wait at most (3600)")
        for verb in (listing, running, showing):
            verb.add_argument("--connection", default="", help="name of the connection")
            verb.add_argument("--project", default="", help="name of the project")
            verb.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the verb and exit with its code."""
        options = queryable(options)
        output = Output(self.stdout.write, self.stderr.write, as_json=options["json"])
        verbs = {"list": _list, "run": _run, "show": _show}
        try:
            code = verbs[options["verb"]](options, output)
        except RemoteReadError as error:
            code = report_error(error, _find(options).project.connection.server, output)
        if code:
            sys.exit(code)


def _chosen(options: Options) -> QuerySet[Pipeline]:
    pipelines = reads.pipelines(reads.PipelineFilters(state=options.get("state", "")))
    return by_connection_and_project(pipelines, options)


def _find(options: Options) -> Pipeline:
    return only_pipeline_named(options["pipeline"], _chosen(options), "pipeline")


def _list(options: Options, output: Output) -> int:
    projects = reads.projects_named(connection=options["connection"], project=options["project"])
    incomplete = reads.incomplete_lists(polling.BUILDS, projects)
    rows = [
        {
            "id": pipeline.azure_id,
            "name": pipeline.name,
            "project": pipeline.project.name,
            "connection": pipeline.project.connection.name,
            "state": pipeline.state,
            "build": pipeline.build_id,
            "number": pipeline.build_number,
            "branch": pipeline.branch,
            "queued_at": pipeline.queued_at.isoformat() if pipeline.queued_at else None,
            "list_complete": pipeline.project_id not in incomplete,
        }
        for pipeline in _chosen(options).iterator(500)
    ]
    lines = (f"{row['state']:12} {row['number'] or '-':20} {row['project']:20} {row['name']}" for row in rows)
    output.lines(rows, lines, empty="No pipelines.")
    return warn_of_incomplete("pipelines", incomplete.values(), output)


def _run(options: Options, output: Output) -> int:
    pipeline = _find(options)
    build = build_changes.run_pipeline(pipeline, options["branch"], by=COMMAND_LINE, now=timezone.now())
    if options["wait"]:
        return _follow(pipeline, build.id, options, output)
    output.say(_row(build), f"{pipeline.name} was queued as {build.number}.")
    return ExitCode.OK


def _show(options: Options, output: Output) -> int:
    return _follow(_find(options), options["build"], options, output)


def _follow(pipeline: Pipeline, build_id: int, options: Options, output: Output) -> int:
    build = poll_until(
        lambda: build_reads.build_with_steps(pipeline, build_id).build,
        lambda build: build.is_over,
        seconds=options["timeout"] if options["wait"] else 0.0,
        pause=_PAUSE,
    )
    state = state_of(build)
    output.say(_row(build), f"{pipeline.name} {build.number}: {state}.")
    if not options["wait"] and state in UNDER_WAY:
        return ExitCode.OK
    return _CODES.get(state, ExitCode.UNKNOWN)


def _row(build: Any) -> dict[str, Any]:
    return {
        "id": build.id,
        "number": build.number,
        "state": str(state_of(build)),
        "branch": build.branch,
        "web_url": build.web_url,
    }
