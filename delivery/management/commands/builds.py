"""`manage.py builds list | run | show`: pipelines for scripts, with --json and meaningful exit codes.

Exit codes: 0 succeeded, or queued without --wait · 1 failed, cancelled or refused · 2 wrong usage · 3 succeeded
partially, or a list is incomplete · 4 could not be told, or not over in time. A pipeline is named by its name, where
needed with --connection and --project.
"""

import argparse
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet
from django.utils import timezone

from connections.cli.common import LIMITED, OPERATOR, REFUSED, UNKNOWN, USAGE, WELL, Output, findable
from core.terminal import TerminalCommand
from delivery import reads
from delivery.builds import build_changes, build_reads
from delivery.cli.cli_errors import refuse
from delivery.cli.incomplete_lists import warn_of_incomplete
from delivery.cli.waiting import until
from delivery.domain.build_states import UNDER_WAY, State, state_of
from delivery.live import polling
from delivery.models import Pipeline
from delivery.remote_read import RemoteReadError

_PAUSE = 5.0
_CODES = {State.SUCCEEDED: WELL, State.FAILED: REFUSED, State.CANCELED: REFUSED, State.PARTIAL: LIMITED}


class Command(TerminalCommand):
    """List, run and show."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command for each verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="what is stored of every pipeline")
        listing.add_argument("--state", default="", choices=[state for state, _ in reads.BUILD_STATES])
        running = verbs.add_parser("run", help="run a pipeline on a branch")
        running.add_argument("pipeline")
        running.add_argument("--branch", required=True)
        running.add_argument("--wait", action="store_true", help="follow it to its end")
        showing = verbs.add_parser("show", help="one build")
        showing.add_argument("pipeline")
        showing.add_argument("build", type=int)
        showing.add_argument("--wait", action="store_true", help="follow it to its end")
        for verb in (running, showing):
            verb.add_argument("--timeout", type=float, default=3600.0, help="seconds to wait at most")
        for verb in (listing, running, showing):
            verb.add_argument("--connection", default="", help="name of the connection")
            verb.add_argument("--project", default="", help="name of the project")
            verb.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Carry out the verb and leave with its exit code."""
        options = findable(options)
        output = Output(self.stdout.write, self.stderr.write, as_json=options["json"])
        verbs = {"list": _list, "run": _run, "show": _show}
        try:
            code = verbs[options["verb"]](options, output)
        except RemoteReadError as trouble:
            code = refuse(trouble, _find(options).project.connection.server, output)
        if code:
            sys.exit(code)


def _chosen(options: dict[str, Any]) -> QuerySet[Pipeline]:
    found = reads.pipelines(reads.PipelineFilters(state=options.get("state", "")))
    if options["connection"]:
        found = found.filter(project__connection__name__iexact=options["connection"])
    if options["project"]:
        found = found.filter(project__name__iexact=options["project"])
    return found


def _find(options: dict[str, Any]) -> Pipeline:
    found = list(_chosen(options).filter(name__iexact=options["pipeline"]))
    if not found:
        raise CommandError(f"No pipeline is called {options['pipeline']}.", returncode=REFUSED)
    meant = reads.the_one_meant(found)
    if meant is None:
        raise CommandError("Several pipelines have this name. Add --connection and --project.", returncode=USAGE)
    return meant


def _list(options: dict[str, Any], output: Output) -> int:
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


def _run(options: dict[str, Any], output: Output) -> int:
    pipeline = _find(options)
    queued = build_changes.run_pipeline(pipeline, options["branch"], by=OPERATOR, now=timezone.now())
    if options["wait"]:
        return _follow(pipeline, queued.id, options, output)
    output.say(_row(queued), f"{pipeline.name} is queued as {queued.number}.")
    return WELL


def _show(options: dict[str, Any], output: Output) -> int:
    return _follow(_find(options), options["build"], options, output)


def _follow(pipeline: Pipeline, build_id: int, options: argparse.Namespace | dict[str, Any], output: Output) -> int:
    chosen = dict(options) if isinstance(options, dict) else vars(options)
    found = until(
        lambda: build_reads.build_with_steps(pipeline, build_id).build,
        lambda build: build.is_over,
        seconds=chosen["timeout"] if chosen["wait"] else 0.0,
        pause=_PAUSE,
    )
    state = state_of(found)
    output.say(_row(found), f"{pipeline.name} {found.number}: {state}.")
    if not chosen["wait"] and state in UNDER_WAY:
        return WELL
    return _CODES.get(state, UNKNOWN)


def _row(build: Any) -> dict[str, Any]:
    return {
        "id": build.id,
        "number": build.number,
        "state": str(state_of(build)),
        "branch": build.branch,
        "web_url": build.web_url,
    }
