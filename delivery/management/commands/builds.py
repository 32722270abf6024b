"""`manage.py builds list | run | show`: pipelines for scripts, with --json and meaningful exit codes.

Exit codes: 0 succeeded, or queued without --wait · 1 failed, cancelled or refused · 2 wrong usage · 3 partially
succeeded, or a list is incomplete · 4 unknown, or not finished in time. If several pipelines have the same name, add
--connection and --project.
"""

from typing import Any, ClassVar

from django.core.management.base import CommandParser
from django.utils import timezone

from connections.cli.common import ExitCode, Options, Output
from delivery import reads
from delivery.builds import build_changes, build_reads
from delivery.cli import pipelines
from delivery.cli.polling import poll_until
from delivery.domain.build_states import UNDER_WAY, State, state_of
from delivery.live import polling
from delivery.models import Pipeline
from history.record import COMMAND_LINE

_PAUSE = 5.0
_CODES = {
    State.SUCCEEDED: ExitCode.OK,
    State.FAILED: ExitCode.REFUSED,
    State.CANCELED: ExitCode.REFUSED,
    State.PARTIAL: ExitCode.LIMITED,
}


def _find(options: Options) -> Pipeline:
    return pipelines.find(reads.pipelines, "pipeline", options)


def _list(options: Options, output: Output) -> int:
    return pipelines.show_list(reads.pipelines, polling.BUILDS, "pipelines", _newest, options, output)


def _newest(pipeline: Pipeline) -> tuple[str, dict[str, Any]]:
    return pipeline.build_number, {
        "state": pipeline.state,
        "build": pipeline.build_id,
        "number": pipeline.build_number,
        "branch": pipeline.branch,
        "queued_at": pipeline.queued_at.isoformat() if pipeline.queued_at else None,
    }


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
        lambda: build_reads.build(pipeline, build_id),
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


class Command(pipelines.PipelineCommand):
    """Lists pipelines, runs them and shows builds."""

    help = __doc__ or ""
    verbs: ClassVar = {
        "list": (_list, "list every stored pipeline with its last build"),
        "run": (_run, "run a pipeline on a branch"),
        "show": (_show, "show one build"),
    }

    def add_verb_arguments(self, verb: CommandParser, name: str) -> None:
        """Add the arguments that only this verb has."""
        if name == "list":
            verb.add_argument("--state", default="", choices=[state for state, _ in reads.BUILD_STATES])
            return
        verb.add_argument("pipeline")
        if name == "run":
            verb.add_argument("--branch", required=True)
        else:
            verb.add_argument("build", type=int)
        pipelines.add_wait(verb, "the build until it has finished")

    def find(self, options: Options) -> Pipeline:
        """The pipeline that is named."""
        return _find(options)
