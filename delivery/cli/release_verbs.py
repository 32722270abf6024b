"""The verbs of `manage.py releases`: find what is named, make one call, say what came of it."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError
from django.db.models import QuerySet
from django.utils import timezone

from connections.cli.common import LIMITED, OPERATOR, REFUSED, UNKNOWN, USAGE, WELL, Options, Output
from connections.providers.azure_devops.release_models import Approval, Environment, Release
from delivery import reads
from delivery.cli.incomplete_lists import warn_of_incomplete
from delivery.cli.waiting import until
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
from delivery.releases import release_changes, release_reads
from delivery.releases.release_changes import Decision, NewRelease, Place
from delivery.remote_read import RemoteReadError

_PAUSE = 5.0
# What is not here is well: nothing went wrong, and nothing goes on.
_CODES = {
    ReleaseState.FAILED: REFUSED,
    ReleaseState.CANCELLED: REFUSED,
    ReleaseState.ABANDONED: REFUSED,
    ReleaseState.WAITING: LIMITED,
    ReleaseState.PARTLY: LIMITED,
    ReleaseState.RUNNING: UNKNOWN,
    ReleaseState.UNKNOWN: UNKNOWN,
}


def chosen(options: Options) -> QuerySet[ReleasePipeline]:
    """The release pipelines that `--connection`, `--project` and `--state` leave."""
    found = reads.release_pipelines(reads.PipelineFilters(state=options.get("state", "")))
    if options["connection"]:
        found = found.filter(project__connection__name__iexact=options["connection"])
    if options["project"]:
        found = found.filter(project__name__iexact=options["project"])
    return found


def find_pipeline(options: Options) -> ReleasePipeline:
    """The release pipeline that is named. Ends the command when there is none, or more than one."""
    found = list(chosen(options).filter(name__iexact=options["pipeline"]))
    if not found:
        raise CommandError(f"No release pipeline is called {options['pipeline']}.", returncode=REFUSED)
    meant = reads.the_one_meant(found)
    if meant is None:
        raise CommandError("Several pipelines have this name. Add --connection and --project.", returncode=USAGE)
    return meant


def show_list(options: Options, output: Output) -> int:
    """Every release pipeline as it is stored."""
    projects = reads.projects_named(connection=options["connection"], project=options["project"])
    incomplete = reads.incomplete_lists(polling.RELEASES, projects)
    rows = [
        {
            "id": release_pipeline.azure_id,
            "name": release_pipeline.name,
            "project": release_pipeline.project.name,
            "connection": release_pipeline.project.connection.name,
            "state": release_pipeline.whole or reads.NEVER_RELEASED,
            "release": release_pipeline.newest_name,
            "release_id": release_pipeline.newest_id,
            "stages": release_pipeline.newest_stages,
            "pending": release_pipeline.pending,
            "created_at": release_pipeline.newest_at.isoformat() if release_pipeline.newest_at else None,
            "list_complete": release_pipeline.project_id not in incomplete,
        }
        for release_pipeline in chosen(options).iterator(500)
    ]
    lines = (f"{row['state']:12} {row['release'] or '-':20} {row['project']:20} {row['name']}" for row in rows)
    output.lines(rows, lines, empty="No release pipelines.")
    return warn_of_incomplete("release pipelines", incomplete.values(), output)


def show(options: Options, output: Output) -> int:
    """One release, the newest where none is named."""
    pipeline = find_pipeline(options)
    return _follow(pipeline, _find_release(pipeline, options["release"]).id, options, output)


def create(options: Options, output: Output) -> int:
    """Create a release, and follow it when that is wanted."""
    pipeline = find_pipeline(options)
    definition = release_reads.pipeline(pipeline.project, pipeline.azure_id)
    unknown = set(options["by_hand"]) - {stage.name for stage in definition.stages}
    if unknown:
        raise CommandError(f"The pipeline has no stage {', '.join(sorted(unknown))}.", returncode=USAGE)
    offers = release_reads.offers(pipeline.project, definition) if options["artifact"] else []
    versions = dict(_version(offers, wanted) for wanted in options["artifact"])
    wish = NewRelease(pipeline.azure_id, definition.name, versions, options["description"], tuple(options["by_hand"]))
    made = release_changes.create_release(pipeline.project, wish, by=OPERATOR, now=timezone.now())
    if options["wait"]:
        return _follow(pipeline, made.id, options, output)
    output.say(release_row(pipeline, made), f"{made.name} of {pipeline.name} is created.")
    return WELL


def _version(offers: list[release_reads.Offer], wanted: str) -> tuple[str, tuple[str, str]]:
    """A version as it was typed, ALIAS=NUMBER or NUMBER alone, among those that are offered."""
    alias, _, number = wanted.rpartition("=")
    for offer in offers:
        if offer.problem and alias in ("", offer.source.alias):
            raise RemoteReadError(offer.problem)
        for build in offer.versions:
            if alias in ("", offer.source.alias) and number in (build.number, str(build.id)):
                return offer.source.alias, (str(build.id), build.number)
    raise CommandError(f"No version {wanted} is offered.", returncode=REFUSED)


def deploy(options: Options, output: Output) -> int:
    """Begin to deploy a stage, and follow it when that is wanted."""
    return _on_stage(options, output, release_changes.deploy, "is being deployed")


def cancel(options: Options, output: Output) -> int:
    """Cancel the deployment of a stage."""
    return _on_stage(options, output, release_changes.cancel, "is cancelled")


def approve(options: Options, output: Output) -> int:
    """Approve what a stage waits for, and follow the stage when that is wanted."""
    return _decide(options, output, release_changes.approve, "is approved")


def reject(options: Options, output: Output) -> int:
    """Reject what a stage waits for."""
    return _decide(options, output, release_changes.reject, "is rejected")


def _on_stage(options: Options, output: Output, act: Callable[..., Environment], done: str) -> int:
    pipeline = find_pipeline(options)
    release, stage = _find_stage(pipeline, options)
    act(pipeline.project, _place(release, stage), comment=options["comment"], by=OPERATOR, now=timezone.now())
    return _after(pipeline, release, stage, options, output, done)


def _decide(options: Options, output: Output, act: Callable[..., Approval], done: str) -> int:
    pipeline = find_pipeline(options)
    release, stage = _find_stage(pipeline, options)
    identity = pipeline.project.connection.identity_id
    # Those of the person behind the token first; who belongs to a group only Azure DevOps can tell.
    asked = sorted(pending(stage), key=lambda one: release_changes.is_of_another(one, identity))
    if not asked:
        raise CommandError(f"{stage.name} of {release.name} waits for no approval.", returncode=REFUSED)
    decision = Decision(asked[0].id, options["comment"])
    act(pipeline.project, _place(release, stage), decision, by=OPERATOR, now=timezone.now())
    return _after(pipeline, release, stage, options, output, done)


def _place(release: Release, stage: Environment) -> Place:
    return Place(release.id, release.name, stage.id, stage.name)


def _find_release(pipeline: ReleasePipeline, wanted: str) -> Release:
    """By name or number; the newest for an empty text. Names are looked for among the newest ones."""
    if wanted.isdecimal():
        found = release_reads.one_release(pipeline.project, int(wanted))
        if found.definition_id not in (None, pipeline.azure_id):
            raise CommandError(f"{found.name} ({wanted}) is of another pipeline.", returncode=REFUSED)
        return found
    for release in release_reads.releases_of(pipeline.project, pipeline.azure_id).items:
        if not wanted or release.name.casefold() == wanted.casefold():
            return release
    raise CommandError(f"{pipeline.name} has no release {wanted or 'yet'}.", returncode=REFUSED)


def _find_stage(pipeline: ReleasePipeline, options: Options) -> tuple[Release, Environment]:
    release = _find_release(pipeline, options["release"])
    for environment in release.environments:
        if environment.name.casefold() == options["stage"].casefold():
            return release, environment
    raise CommandError(f"{release.name} has no stage {options['stage']}.", returncode=REFUSED)


def _follow(pipeline: ReleasePipeline, release_id: int, options: Options, output: Output) -> int:
    found = until(
        lambda: release_reads.one_release(pipeline.project, release_id),
        lambda release: is_settled(release, now=timezone.now()),
        seconds=options["timeout"] if options["wait"] else 0.0,
        pause=_PAUSE,
    )
    whole = release_state(found)
    stages = ", ".join(f"{environment.name} {stage_of(environment)}" for environment in found.environments)
    output.say(release_row(pipeline, found), f"{pipeline.name} {found.name}: {whole} ({stages or 'no stages'}).")
    return WELL if whole is ReleaseState.RUNNING and not options["wait"] else _CODES.get(whole, WELL)


def _after(
    pipeline: ReleasePipeline, release: Release, stage: Environment, options: Options, output: Output, done: str
) -> int:
    """Say that it was done; or follow the stage, and say how it ended."""

    def look() -> tuple[Release, StageState]:
        found = release_reads.one_release(pipeline.project, release.id)
        return found, next(
            (stage_of(environment) for environment in found.environments if environment.id == stage.id),
            StageState.UNKNOWN,
        )

    waits = options.get("wait", False)
    over = {*StageState} - {*RUNS, StageState.SCHEDULED, StageState.NOT_STARTED}
    seconds = options["timeout"] if waits else 0.0
    found, state = until(look, lambda seen: seen[1] in over, seconds=seconds, pause=_PAUSE)
    text = f"{stage.name} of {release.name}: {state}." if waits else f"{stage.name} of {release.name} {done}."
    output.say(release_row(pipeline, found), text)
    return (
        _CODES.get(release_state_of_stages([state]), WELL if state is StageState.SUCCEEDED else UNKNOWN)
        if waits
        else WELL
    )


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
            {"stage": environment.name, "who": asked.approver.display_name if asked.approver else None}
            for environment in release.environments
            for asked in pending(environment)
        ],
        "web_url": release.web_url,
    }
