"""The client and the sandbox together: a file is committed, a pipeline runs, a release goes out."""

from collections.abc import Callable, Iterator

import pytest

from connections.providers.azure_devops import build, core, errors, git, release, timeline
from connections.providers.azure_devops.build import Result, Status
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.models import Server
from connections.providers.azure_devops.release_models import (
    ApprovalStatus,
    EnvironmentStatus,
    ReleaseStatus,
)
from connections.providers.azure_devops.timeline import StepState
from connections.providers.azure_devops.transport import Transport
from sandbox.samples import secret
from sandbox.server import Sandbox

SHOP = "Storefront"
Open = Callable[..., Transport]


@pytest.fixture
def own_sandbox() -> Iterator[Sandbox]:
    """A fresh Azure DevOps of our own."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def open_as(own_sandbox: Sandbox) -> Iterator[Open]:
    """Makes a transport with one of the sample tokens: `open_as("read-only")`."""
    opened: list[Transport] = []

    def make(token: str = "full", organization: str = "acme") -> Transport:
        opened.append(
            Transport(
                Server("Sandbox", own_sandbox.url, kind="sandbox"), organization, PersonalAccessToken(secret(token))
            )
        )
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def full(open_as: Open) -> Transport:
    """With a token that may do everything."""
    return open_as()


def repository_of(transport: Transport, name: str) -> git.Repository:
    return next(one for one in git.repositories(transport, SHOP, max_bytes=10**6) if one.name == name)


def test_every_project_is_listed_over_several_pages(full: Transport, own_sandbox: Sandbox) -> None:
    pages = list(core.projects(full, page_size=50))
    assert len(pages) > 2
    names = {one.name for page in pages for one in page.items}
    assert {"Storefront", "日本語プロジェクト", "Проект «Мост»", "It’s complicated"} <= names


def test_odd_names_reach_their_projects(full: Transport) -> None:
    for name in ("Zażółć gęślą jaźń", "日本語プロジェクト", "It’s complicated", "Payments API"):
        assert core.project(full, name).name == name
        assert git.repositories(full, name, max_bytes=10**6)


def test_repositories_say_whether_they_are_empty_or_disabled(full: Transport) -> None:
    found = {one.name: one for one in git.repositories(full, SHOP, max_bytes=10**6)}
    assert found["Archived"].is_disabled
    assert found["Empty"].default_branch is None
    assert found["web client"].default_branch == "refs/heads/develop"
    with pytest.raises(errors.NotFound):
        git.repository(full, SHOP, found["Archived"].id)


def test_many_branches_come_in_pages(full: Transport) -> None:
    client = repository_of(full, "web client")
    page = git.branches_page(full, SHOP, client.id, top=100)
    assert len(page.items) == 100
    assert page.continuation is not None
    names = [one.name for page in git.branches(full, SHOP, client.id) for one in page.items]
    assert len(names) == len(set(names)) == 232
    assert git.branch(full, SHOP, client.id, "develop").ref == client.default_branch


def test_commits_are_read_from_where_the_last_page_ended(full: Transport) -> None:
    first = git.commits(full, SHOP, SHOP, "main", top=10)
    second = git.commits(full, SHOP, SHOP, "main", top=10, skip=10)
    assert len({one.id for one in (*first, *second)}) == 20
    assert first[0].comment == "Say it twice"
    assert git.commit(full, SHOP, SHOP, first[0].id).parents == (first[1].id,)


def test_folders_and_files_are_browsed_at_a_branch(full: Transport) -> None:
    assert [one.name for one in git.folder(full, SHOP, SHOP, "main")] == [
        "assets",
        "data",
        "docs",
        "src",
        "azure-pipelines.yml",
        "README.md",
    ]
    assert git.file(full, SHOP, SHOP, "topic/żółw", "/docs/日本語.md").content == "# 日本語\n\nこんにちは\n"
    assert git.file(full, SHOP, SHOP, "main", "/docs/empty.txt").content == ""
    page = git.file(full, SHOP, SHOP, "main", "/src/web/index.html")
    assert isinstance(page.content, str)
    assert page.content.startswith("<!DOCTYPE html>")
    with pytest.raises(errors.NotFound):
        git.folder(full, SHOP, SHOP, "main", "/nowhere")
    with pytest.raises(errors.NotFound):
        git.folder(full, SHOP, SHOP, "no-such-branch")


def test_a_picture_is_told_from_a_text(full: Transport) -> None:
    picture = git.file(full, SHOP, SHOP, "main", "/assets/dot.png")
    assert isinstance(picture.content, bytes)
    assert picture.content.startswith(b"\x89PNG")


def test_a_file_that_is_too_large_is_not_read(full: Transport) -> None:
    with pytest.raises(errors.AnswerTooLarge):
        git.file(full, SHOP, SHOP, "main", "/data/large.csv")


def commit(
    transport: Transport, *, at: str, path: str = "/notes.md", exists: bool = False, branch: str = "main"
) -> git.Push:
    return git.push_file(
        transport,
        SHOP,
        SHOP,
        branch=branch,
        at=at,
        path=path,
        content="Grüße\n".encode(),
        comment="Note",
        exists=exists,
    )


def test_a_file_is_committed_and_edited(full: Transport) -> None:
    before = git.branch(full, SHOP, SHOP, "main").commit
    added = commit(full, at=before)
    assert git.branch(full, SHOP, SHOP, "main").commit == added.commit
    assert git.file(full, SHOP, SHOP, "main", "/notes.md").content == "Grüße\n"
    assert commit(full, at=added.commit, exists=True).commit != added.commit


def test_a_branch_that_moved_on_is_a_conflict(full: Transport) -> None:
    before = git.branch(full, SHOP, SHOP, "main").commit
    commit(full, at=before)
    with pytest.raises(errors.Conflict):
        commit(full, at=before, path="/other.md")


def test_a_file_that_is_there_already_is_rejected(full: Transport) -> None:
    with pytest.raises(errors.Rejected) as raised:
        commit(full, at=git.branch(full, SHOP, SHOP, "main").commit, path="/README.md")
    assert "already exists" in raised.value.said


def test_a_branch_is_created_once(full: Transport) -> None:
    head = git.branch(full, SHOP, SHOP, "main").commit
    made = git.create_branch(full, SHOP, SHOP, name="topic/neu", at=head)
    assert git.branch(full, SHOP, SHOP, "topic/neu") == git.Branch(made.name, head)
    with pytest.raises(errors.Conflict):
        git.create_branch(full, SHOP, SHOP, name="topic/neu", at=head)


@pytest.mark.parametrize(("name", "status"), [("a..b ~", "invalidRefName"), ("fine", "unresolvableToCommit")])
def test_a_branch_that_cannot_be_says_why(full: Transport, name: str, status: str) -> None:
    with pytest.raises(errors.BranchNotUpdated) as raised:
        git.create_branch(full, SHOP, SHOP, name=name, at="f" * 40)
    assert raised.value.detail == status


def test_a_repository_is_created_once_and_begun_by_its_first_file(full: Transport) -> None:
    project = core.project(full, SHOP)
    made = git.create_repository(full, project.id, name="Größe")
    assert made.default_branch is None
    git.push_file(
        full, SHOP, made.id, branch="main", at=git.NOTHING, path="/a", content=b"a", comment="Begin", exists=False
    )
    assert git.repository(full, SHOP, made.id).default_branch == "refs/heads/main"
    with pytest.raises(errors.NameTaken):
        git.create_repository(full, project.id, name="größe")


def test_a_missing_right_is_told_from_a_missing_scope(open_as: Open) -> None:
    powerless, reader = open_as("no-rights"), open_as("read-only")
    head = git.branch(reader, SHOP, SHOP, "main").commit
    pipeline = next(iter(build.definitions(reader, SHOP))).items[0].id
    changes: list[Callable[[Transport], object]] = [
        lambda transport: commit(transport, at=head),
        lambda transport: git.create_branch(transport, SHOP, SHOP, name="x", at=head),
        lambda transport: git.create_repository(transport, core.project(transport, SHOP).id, name="x"),
        lambda transport: build.queue(transport, SHOP, pipeline, branch="refs/heads/main"),
        lambda transport: release.create_release(transport, SHOP, 1),
    ]
    for change in changes:
        with pytest.raises(errors.AccessDenied):
            change(powerless)
        with pytest.raises(errors.EmptyRefusal):
            change(reader)


def pipeline_of(transport: Transport, name: str) -> build.Definition:
    return next(
        one for page in build.definitions(transport, SHOP) for one in page.items if one.name == f"{SHOP} {name}"
    )


def test_a_pipeline_runs_to_its_end(full: Transport, own_sandbox: Sandbox) -> None:
    queued = build.queue(full, SHOP, pipeline_of(full, "CI").id, branch="refs/heads/main")
    assert (queued.status, queued.result) == (Status.NOT_STARTED, None)
    own_sandbox.state.advance(8)
    assert build.build(full, SHOP, queued.id).status is Status.IN_PROGRESS
    own_sandbox.state.advance(60)
    over = build.build(full, SHOP, queued.id)
    assert (over.status, over.result) == (Status.COMPLETED, Result.SUCCEEDED)
    assert over.started_at
    assert over.finished_at
    assert over.started_at < over.finished_at


def test_a_log_is_followed_while_it_grows(full: Transport, own_sandbox: Sandbox) -> None:
    queued = build.queue(full, SHOP, pipeline_of(full, "CI").id, branch="refs/heads/main")
    own_sandbox.state.advance(12)
    running = [one for one in timeline.steps(full, SHOP, queued.id) if one.kind == "Task" and one.log_id]
    step = max(running, key=lambda one: one.order)
    assert step.log_id is not None
    seen = timeline.lines(full, SHOP, queued.id, step.log_id)
    own_sandbox.state.advance(60)
    more = timeline.lines(full, SHOP, queued.id, step.log_id, first=len(seen) + 1)
    assert more
    assert timeline.lines(full, SHOP, queued.id, step.log_id) == (*seen, *more)
    assert {one.lines for one in timeline.logs(full, SHOP, queued.id) if one.id == step.log_id} == {len(seen + more)}


def test_the_steps_of_a_build_are_a_tree(full: Transport) -> None:
    last = build.latest_builds(full, SHOP, [pipeline_of(full, "Nightly").id]).items[0]
    assert last.result is Result.FAILED
    steps = timeline.steps(full, SHOP, last.id)
    drawn = list(timeline.in_order(steps))
    assert drawn[0][1].kind == "Stage"
    assert {depth for depth, _ in drawn} == {0, 1, 2, 3}
    assert all(one.state is StepState.COMPLETED for one in steps)


def test_a_build_is_cancelled(full: Transport, own_sandbox: Sandbox) -> None:
    queued = build.queue(full, SHOP, pipeline_of(full, "CI").id, branch="refs/heads/main")
    own_sandbox.state.advance(6)
    assert build.cancel(full, SHOP, queued.id).status is Status.CANCELLING
    own_sandbox.state.advance(60)
    over = build.build(full, SHOP, queued.id)
    assert (over.status, over.result) == (Status.COMPLETED, Result.CANCELED)


@pytest.mark.parametrize(("name", "branch"), [("Retired", "refs/heads/main"), ("CI", "refs/heads/nowhere")])
def test_a_pipeline_that_cannot_run_says_why(full: Transport, name: str, branch: str) -> None:
    with pytest.raises(errors.BuildNotQueued) as raised:
        build.queue(full, SHOP, pipeline_of(full, name).id, branch=branch)
    assert raised.value.problems


def test_builds_are_read_page_by_page_and_by_what_is_wanted(full: Transport) -> None:
    first = build.builds_page(full, SHOP, top=10)
    assert first.continuation is not None
    second = build.builds_page(full, SHOP, top=10, continuation=first.continuation)
    assert not {one.id for one in first.items} & {one.id for one in second.items}
    failed = build.builds_page(full, SHOP, results=[Result.FAILED]).items
    assert {one.result for one in failed} == {Result.FAILED}
    side = build.builds_page(full, SHOP, branch="refs/heads/topic/search").items
    assert {one.result for one in side} == {Result.CANCELED}


def test_each_pipeline_has_its_last_builds(full: Transport) -> None:
    pipelines = [one.id for page in build.definitions(full, SHOP) for one in page.items]
    found = build.latest_builds(full, SHOP, pipelines, each=2).items
    counts = [sum(one.definition_id == number for one in found) for number in pipelines]
    assert max(counts) == 2
    latest = {one.name: one.latest for page in build.definitions(full, SHOP, with_latest=True) for one in page.items}
    assert latest[f"{SHOP} Retired"] is None
    nightly = latest[f"{SHOP} Nightly"]
    assert nightly is not None
    assert nightly.result is Result.FAILED


def environment(transport: Transport, release_id: int, name: str) -> EnvironmentStatus:
    found = release.release(transport, SHOP, release_id)
    return next(one.status for one in found.environments if one.name == name)


def test_a_release_goes_out_when_it_is_approved(full: Transport, own_sandbox: Sandbox) -> None:
    deploy = next(iter(release.definitions(full, SHOP))).items[0]
    assert [one.name for one in deploy.stages] == ["Test", "Staging", "Production"]
    version = release.artifact_versions(full, SHOP, deploy.sources[0])[0]
    chosen = {deploy.sources[0].alias: (str(version.id), version.number)}
    made = release.create_release(full, SHOP, deploy.id, versions=chosen, description="By hand")
    assert made.status is ReleaseStatus.ACTIVE
    assert made.artifacts[0].version == version.number
    own_sandbox.state.advance(120)
    (asked,) = release.approvals_page(full, SHOP, release_ids=[made.id]).items
    assert (asked.status, asked.environment_name) == (ApprovalStatus.PENDING, "Production")
    decided = release.approve(full, SHOP, asked.id, comments="Good to go")
    assert (decided.status, decided.comments) == (ApprovalStatus.APPROVED, "Good to go")
    own_sandbox.state.advance(120)
    assert environment(full, made.id, "Production") is EnvironmentStatus.SUCCEEDED
    for place in ("Test", "Staging"):
        assert environment(full, made.id, place) is EnvironmentStatus.SUCCEEDED


def test_a_release_that_is_rejected_stays(full: Transport, own_sandbox: Sandbox) -> None:
    made = release.create_release(full, SHOP, 1)
    own_sandbox.state.advance(120)
    (asked,) = release.approvals_page(full, SHOP, release_ids=[made.id]).items
    assert release.reject(full, SHOP, asked.id, comments="Not today").status is ApprovalStatus.REJECTED
    assert environment(full, made.id, "Production") is EnvironmentStatus.REJECTED
    with pytest.raises(errors.Rejected):
        release.approve(full, SHOP, asked.id, comments="After all")


def test_an_environment_is_deployed_by_hand_and_stopped(full: Transport, own_sandbox: Sandbox) -> None:
    made = release.create_release(full, SHOP, 2)
    canary = made.environments[0]
    assert canary.status is EnvironmentStatus.NOT_STARTED
    started = release.deploy(full, SHOP, made.id, canary.id, comment="now")
    assert started.status in (EnvironmentStatus.QUEUED, EnvironmentStatus.IN_PROGRESS)
    assert release.cancel(full, SHOP, made.id, canary.id, comment="stop").status is EnvironmentStatus.CANCELED
    with pytest.raises(errors.Rejected) as raised:
        release.cancel(full, SHOP, made.id, canary.id, comment="again")
    assert raised.value.said


def test_a_version_that_is_not_to_be_had_is_rejected(full: Transport) -> None:
    with pytest.raises(errors.Rejected) as raised:
        release.create_release(full, SHOP, 3)
    assert raised.value.type_key == "ArtifactVersionUnavailableException"


def test_releases_are_read_page_by_page(full: Transport) -> None:
    found = [one for page in release.releases(full, SHOP) for one in page.items]
    assert [one.id for one in found] == sorted((one.id for one in found), reverse=True)
    assert all(one.environments and one.artifacts for one in found)


def test_an_organization_without_classic_releases_says_so_when_one_is_created(open_as: Open) -> None:
    modern = open_as(organization="modern")
    assert next(iter(release.definitions(modern, "Main"))).items == ()
    with pytest.raises(errors.ReleasesDisabled):
        release.create_release(modern, "Main", 1)


def test_without_the_scope_for_projects_it_cannot_be_told_before(open_as: Open) -> None:
    with pytest.raises(errors.EmptyRefusal):
        release.are_disabled(open_as(organization="modern"), "Main")


@pytest.mark.parametrize("read", [git.repositories, build.definitions_page, release.definitions_page])
@pytest.mark.parametrize(
    ("organization", "kind"),
    [
        ("down", errors.ServerError),
        ("throttled", errors.Throttled),
        ("signin", errors.SignInRequired),
        ("stopped", errors.OrganizationUnavailable),
        ("fenced", errors.ConditionalAccess),
        ("no-such-one", errors.OrganizationNotFound),
    ],
)
def test_trouble_is_never_an_empty_list(
    open_as: Open, read: Callable[..., object], organization: str, kind: type[errors.AzureDevOpsError]
) -> None:
    more = {"max_bytes": 10**6} if read is git.repositories else {}
    with pytest.raises(errors.AzureDevOpsError) as raised:
        read(open_as(organization=organization), "Main", **more)
    assert type(raised.value) is kind
