"""The verbs of `manage.py releases`: find what is named, make one call, print the result."""

from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from connections.cli.common import ExitCode, Options, Output
from connections.providers.azure_devops.release_models import Environment, Release
from delivery import operations, reads
from delivery.cli import pipelines
from delivery.cli.polling import poll_until
from delivery.domain.stages import (
    RUNS,
    ReleaseState,
    StageState,
    is_settled,
    pending,
    release_state,
    release_state_of_stages,
    stage_of,
)
from delivery.live import polling
from delivery.models import ReleasePipeline
from delivery.operations import Operation
from delivery.releases import release_changes, release_reads
from delivery.releases.release_changes import Decision, NewRelease, Place
from history.record import COMMAND_LINE

_PAUSE = 5.0
# Every other state is OK: nothing failed, and nothing is running.
_CODES = {
    ReleaseState.FAILED: ExitCode.REFUSED,
    ReleaseState.CANCELLED: ExitCode.REFUSED,
    ReleaseState.ABANDONED: ExitCode.REFUSED,
    ReleaseState.WAITING: ExitCode.LIMITED,
    ReleaseState.PARTLY: ExitCode.LIMITED,
    ReleaseState.RUNNING: ExitCode.UNKNOWN,
    ReleaseState.UNKNOWN: ExitCode.UNKNOWN,
}
_FINISHED = {*StageState} - {*RUNS, StageState.SCHEDULED, StageState.NOT_STARTED}


def find_pipeline(options: Options) -> ReleasePipeline:
    """The release pipeline that is named. Raises `CommandError` if there is none, or more than one."""
    return pipelines.find(reads.release_pipelines, "release pipeline", options)


def list_pipelines(options: Options, output: Output) -> int:
    """List every stored release pipeline."""
    return pipelines.show_list(
        reads.release_pipelines, polling.RELEASES, "release pipelines", _newest_release, options, output
    )


def _newest_release(pipeline: ReleasePipeline) -> tuple[str, dict[str, Any]]:
    return pipeline.newest_name, {
        "state": pipeline.whole or reads.NEVER_RELEASED,
        "release": pipeline.newest_name,
        "release_id": pipeline.newest_id,
        "stages": pipeline.newest_stages,
        "pending": pipeline.pending,
        "created_at": pipeline.newest_at.isoformat() if pipeline.newest_at else None,
    }


def show(options: Options, output: Output) -> int:
    """Show one release, the newest if none is named."""
    pipeline = find_pipeline(options)
    return _follow(pipeline, _find_release(pipeline, options["release"]).id, options, output)


def create(options: Options, output: Output) -> int:
    """Create a release, and follow it with `--wait`."""
    pipeline = find_pipeline(options)
    definition = release_reads.pipeline(pipeline.project, pipeline.azure_id)
    unknown = set(options["by_hand"]) - {stage.name for stage in definition.stages}
    if unknown:
        raise CommandError(f"The pipeline has no stage named {', '.join(sorted(unknown))}.", returncode=ExitCode.USAGE)
    offers = release_reads.offers(pipeline.project, definition) if options["artifact"] else []
    versions = dict(_version(offers, choice) for choice in options["artifact"])
    new = NewRelease(pipeline.azure_id, definition.name, versions, options["description"], tuple(options["by_hand"]))
    release = release_changes.create_release(pipeline.project, new, by=COMMAND_LINE, now=timezone.now())
    if options["wait"]:
        return _follow(pipeline, release.id, options, output)
    output.say(release_row(pipeline, release), f"{release.name} of {pipeline.name} was created.")
    return ExitCode.OK


def _version(offers: list[release_reads.Offer], choice: str) -> tuple[str, tuple[str, str]]:
    """The available version that was typed as ALIAS=NUMBER or NUMBER."""
    alias, _, number = choice.rpartition("=")
    chosen = release_reads.offered_version((offer for offer in offers if alias in ("", offer.source.alias)), number)
    if chosen is None:
        raise CommandError(f"Version {choice} is not available.", returncode=ExitCode.REFUSED)
    return chosen


def deploy(options: Options, output: Output) -> int:
    """Start to deploy a stage, and follow it with `--wait`."""
    return _on_stage(options, output, operations.DEPLOY_STAGE, "is being deployed")


def cancel(options: Options, output: Output) -> int:
    """Cancel the deployment of a stage."""
    return _on_stage(options, output, operations.CANCEL_DEPLOYMENT, "was cancelled")


def approve(options: Options, output: Output) -> int:
    """Approve what a stage waits for, and follow the stage with `--wait`."""
    return _decide(options, output, operations.APPROVE_DEPLOYMENT, "was approved")


def reject(options: Options, output: Output) -> int:
    """Reject what a stage waits for."""
    return _decide(options, output, operations.REJECT_DEPLOYMENT, "was rejected")


def _on_stage(options: Options, output: Output, act: Operation, done: str) -> int:
    pipeline = find_pipeline(options)
    release, stage = _find_stage(pipeline, options)
    place, comment = Place.of(release, stage), options["comment"]
    release_changes.change_stage(act, pipeline.project, place, comment=comment, by=COMMAND_LINE, now=timezone.now())
    return _report(pipeline, release, stage, options, output, done)


def _decide(options: Options, output: Output, act: Operation, done: str) -> int:
    pipeline = find_pipeline(options)
    release, stage = _find_stage(pipeline, options)
    identity = pipeline.project.connection.identity_id
    # Those of the person behind the token first. Only Azure DevOps knows who belongs to a group.
    approvals = sorted(pending(stage), key=lambda approval: release_changes.is_of_another(approval, identity))
    if not approvals:
        message = f"{stage.name} of {release.name} is not waiting for an approval."
        raise CommandError(message, returncode=ExitCode.REFUSED)
    place, decision = Place.of(release, stage), Decision(approvals[0].id, options["comment"])
    release_changes.decide(act, pipeline.project, place, decision, by=COMMAND_LINE, now=timezone.now())
    return _report(pipeline, release, stage, options, output, done)


def _find_release(pipeline: ReleasePipeline, reference: str) -> Release:
    """The release with this name or id; the newest for an empty text. Names are searched among the newest releases."""
    if reference.isdecimal():
        release = release_reads.one_release(pipeline.project, int(reference))
        if not release_reads.is_of(pipeline, release):
            message = f"{release.name} ({reference}) belongs to another pipeline."
            raise CommandError(message, returncode=ExitCode.REFUSED)
        return release
    for release in release_reads.releases_of(pipeline.project, pipeline.azure_id).items:
        if not reference or release.name.casefold() == reference.casefold():
            return release
    missing = f"no release named {reference}" if reference else "no releases yet"
    raise CommandError(f"{pipeline.name} has {missing}.", returncode=ExitCode.REFUSED)


def _find_stage(pipeline: ReleasePipeline, options: Options) -> tuple[Release, Environment]:
    release = _find_release(pipeline, options["release"])
    for environment in release.environments:
        if environment.name.casefold() == options["stage"].casefold():
            return release, environment
    raise CommandError(f"{release.name} has no stage named {options['stage']}.", returncode=ExitCode.REFUSED)


def _follow(pipeline: ReleasePipeline, release_id: int, options: Options, output: Output) -> int:
    release = poll_until(
        lambda: release_reads.one_release(pipeline.project, release_id),
        lambda release: is_settled(release, now=timezone.now()),
        seconds=options["timeout"] if options["wait"] else 0.0,
        pause=_PAUSE,
    )
    state = release_state(release)
    stages = ", ".join(f"{environment.name} {stage_of(environment)}" for environment in release.environments)
    output.say(release_row(pipeline, release), f"{pipeline.name} {release.name}: {state} ({stages or 'no stages'}).")
    return ExitCode.OK if state is ReleaseState.RUNNING and not options["wait"] else _CODES.get(state, ExitCode.OK)


def _report(
    pipeline: ReleasePipeline, release: Release, stage: Environment, options: Options, output: Output, done: str
) -> int:
    """Print that the change was made; with `--wait`, follow the stage and print its final state."""

    def read() -> tuple[Release, StageState]:
        current = release_reads.one_release(pipeline.project, release.id)
        states = (stage_of(environment) for environment in current.environments if environment.id == stage.id)
        return current, next(states, StageState.UNKNOWN)

    waits = options.get("wait", False)
    seconds = options["timeout"] if waits else 0.0
    current, state = poll_until(read, lambda value: value[1] in _FINISHED, seconds=seconds, pause=_PAUSE)
    text = f"{stage.name} of {release.name}: {state}." if waits else f"{stage.name} of {release.name} {done}."
    output.say(release_row(pipeline, current), text)
    return _exit_code_of_stage(state) if waits else ExitCode.OK


def _exit_code_of_stage(state: StageState) -> ExitCode:
    default = ExitCode.OK if state is StageState.SUCCEEDED else ExitCode.UNKNOWN
    return _CODES.get(release_state_of_stages([state]), default)


def release_row(pipeline: ReleasePipeline, release: Release) -> dict[str, Any]:
    """A release as JSON."""
    return {
        "id": release.id,
        "name": release.name,
        "pipeline": pipeline.name,
        "project": pipeline.project.name,
        "connection": pipeline.project.connection.name,
        "state": release_state(release),
        "description": release.description,
        "created_at": release.created_at.isoformat() if release.created_at else None,
        "created_by": release.created_by.display_name if release.created_by else None,
        "versions": {artifact.alias: artifact.version for artifact in release.artifacts},
        "stages": [{"name": environment.name, "state": stage_of(environment)} for environment in release.environments],
        "asked": [
            {"stage": environment.name, "who": approval.approver.display_name if approval.approver else None}
            for environment in release.environments
            for approval in pending(environment)
        ],
        "web_url": release.web_url,
    }
