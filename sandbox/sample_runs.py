"""The sample build definitions and release definitions, with past builds and releases."""

from datetime import datetime, timedelta

from sandbox.deployments import Approval, ArtifactSource, Environment, EnvironmentPlan, Release, ReleaseDefinition
from sandbox.ids import EPOCH
from sandbox.pipelines import AgentQueue, Build, Definition, Job, Outcome, Script, Stage, Task
from sandbox.sample_code import MAYA, NOOR
from sandbox.state import Project

_COMPILE = tuple(f"Compiling module {number:02d} of 40" for number in range(1, 41))
_TESTS = tuple(f"test_number_{number:02d} PASSED" for number in range(1, 31))
# About half a minute from queueing to the end.
ONE_STAGE: Script = (
    Stage(
        "Build",
        (
            Job(
                "Build and test",
                (
                    Task("Restore", 4, ("Determining what to restore...", "Restored in 3.1 s.")),
                    Task("Compile", 7, _COMPILE),
                    Task("Test", 6, _TESTS, decisive=True),
                    Task("Publish artifact: drop", 2, ("Uploading 12 files", "Uploaded.")),
                ),
            ),
        ),
    ),
)
TWO_STAGES: Script = (
    Stage(
        "Build",
        (
            Job("Linux", (Task("Compile", 6, _COMPILE),)),
            Job("Windows", (Task("Compile", 9, _COMPILE),)),
        ),
    ),
    Stage("Verify", (Job("Integration tests", (Task("Test", 8, _TESTS, decisive=True),)),)),
)
_DEFINITIONS: tuple[tuple[str, Script, Outcome, str], ...] = (
    ("CI", ONE_STAGE, "succeeded", "\\"),
    ("Nightly", TWO_STAGES, "failed", "\\"),
    ("Integration", TWO_STAGES, "partiallySucceeded", "\\Tests"),
    ("Device tests", ONE_STAGE, "hangs", "\\Tests"),
    ("Mac build", ONE_STAGE, "waits", "\\"),
    ("Retired", ONE_STAGE, "succeeded", "\\Old things"),
)
# No agent takes work from this queue.
_OWN_MACHINES = AgentQueue(8, "Own machines", 10)
_HISTORY: tuple[Outcome, ...] = ("succeeded", "succeeded", "failed", "succeeded", "partiallySucceeded", "succeeded")
_RUNS_OF_CI = 24


def add_builds(project: Project) -> None:
    """Definitions with every kind of outcome, and builds in every state."""
    repository = project.repositories[0]
    for name, script, outcome, path in _DEFINITIONS:
        number = len(project.definitions) + 1
        created = EPOCH - timedelta(days=40 - number)
        full_name = f"{project.name} {name}"
        project.definitions.append(
            Definition(number, full_name, repository, MAYA, created, script, outcome, path, "enabled")
        )
    project.definitions[-1].queue_status = "disabled"
    ci, nightly, integration, devices, mac, _ = project.definitions
    mac.queue = _OWN_MACHINES
    for number in range(_RUNS_OF_CI):
        at = EPOCH - timedelta(hours=7 * (_RUNS_OF_CI - number))
        _add_build(project, ci, at, _HISTORY[number % len(_HISTORY)], reason="individualCI")
    project.builds[0].tags += ["release", "v1.0"]
    project.builds[1].tags.append("release")
    _add_build(project, nightly, EPOCH - timedelta(hours=6), "failed", reason="schedule")
    _add_build(project, integration, EPOCH - timedelta(hours=5), "partiallySucceeded")
    canceled = _add_build(project, ci, EPOCH - timedelta(hours=4), "succeeded", branch="refs/heads/topic/search")
    canceled.canceled_at, canceled.canceled_by = canceled.queued_at + timedelta(seconds=10), NOOR
    _add_build(project, ci, EPOCH - timedelta(hours=3), "succeeded")
    _add_build(project, devices, EPOCH - timedelta(hours=2), "hangs")
    _add_build(project, mac, EPOCH - timedelta(hours=1), "waits")


def _add_build(
    project: Project,
    definition: Definition,
    at: datetime,
    outcome: Outcome,
    *,
    branch: str = "refs/heads/main",
    reason: str = "manual",
) -> Build:
    commit = definition.repository.refs[branch]
    number = _number(project.builds, at)
    build = Build(project.new_id(), number, definition, branch, commit, MAYA, at, outcome, reason=reason)
    project.builds.append(build)
    return build


def _number(builds: list[Build], at: datetime) -> str:
    """The day and how many builds it has had. Builds are added in the order of their times."""
    day, count = f"{at:%Y%m%d}", 1
    if builds and builds[-1].number.startswith(day):
        count += int(builds[-1].number.partition(".")[2])
    return f"{day}.{count}"


def add_releases(project: Project) -> None:
    """A pipeline with an approval, one that fails, and one whose artifact has no version."""
    ci, *_, mac, _ = project.definitions
    stages = (
        EnvironmentPlan(1, "Test", 1, start="release", seconds=12),
        EnvironmentPlan(2, "Staging", 2, seconds=10),
        EnvironmentPlan(3, "Production", 3, approvers=(MAYA,), seconds=15),
    )
    shaky = (
        EnvironmentPlan(4, "Canary", 1, start="hand", seconds=8, outcome="failed"),
        EnvironmentPlan(5, "Everywhere", 2, approvers=(NOOR,), seconds=10),
    )
    created = EPOCH - timedelta(days=20)
    project.release_definitions += [
        ReleaseDefinition(1, f"Deploy {project.name}", NOOR, created, stages, (ArtifactSource("_drop", ci),)),
        ReleaseDefinition(2, f"Canary {project.name}", NOOR, created, shaky, (ArtifactSource("_drop", ci),)),
        ReleaseDefinition(3, f"Mac {project.name}", NOOR, created, stages[:1], (ArtifactSource("_mac", mac),), "\\Mac"),
    ]
    deploy, canary, _ = project.release_definitions
    first = _add_release(project, deploy, EPOCH + timedelta(days=1))
    _let_pass(project, first)
    _let_pass(project, _add_release(project, deploy, EPOCH + timedelta(days=2)), approve=False)
    failed = _add_release(project, canary, EPOCH + timedelta(days=3))
    failed.begin(failed.environments[0], NOOR, failed.created_at, project.new_id, by_hand=True)


def _add_release(project: Project, definition: ReleaseDefinition, at: datetime) -> Release:
    count = sum(release.definition is definition for release in project.releases)
    good = [build for build in project.builds if build.definition is definition.artifacts[0].definition][-1]
    release = Release(
        project.new_id(),
        f"Release-{count + 1}",
        definition,
        NOOR,
        at,
        [Environment(project.new_id(), plan) for plan in definition.environments],
        {definition.artifacts[0].alias: good},
        "A sample release",
    )
    project.releases.append(release)
    return release


def _let_pass(project: Project, release: Release, *, approve: bool = True) -> None:
    """Advance a release to its approval, and past it."""
    later = release.created_at + timedelta(minutes=10)
    release.settle(later, project.new_id)
    waiting: list[Approval] = [
        approval
        for environment in release.environments
        for attempt in environment.attempts
        for approval in attempt.approvals
        if approval.status == "pending"
    ]
    for approval in waiting if approve else ():
        approval.status, approval.comments = "approved", "Looks good"
        approval.decided_at, approval.decided_by = later, MAYA
