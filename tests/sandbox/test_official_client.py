"""The official `azure-devops` package takes the sandbox for Azure DevOps."""

import io
import zipfile
from typing import Any

import pytest

from sandbox.samples import PROJECT_COUNT
from sandbox.server import Sandbox
from tests.sandbox.official import connect

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def connection(sandbox: Sandbox) -> Any:
    return connect(f"{sandbox.url}/acme")


def test_it_lists_projects_repositories_refs_and_commits(connection: Any) -> None:
    projects = connection.clients.get_core_client().get_projects(top=500)
    assert len(projects) == 100  # a page; the client drops the token that asks for the next
    assert len(connection.clients.get_core_client().get_projects(top=500, skip=100)) == PROJECT_COUNT - 100
    git = connection.clients.get_git_client()
    names = [one.name for one in git.get_repositories("Storefront")]
    assert names == ["Storefront", "web client", "Empty", "Archived"]
    assert len(git.get_repositories()) > PROJECT_COUNT
    assert "refs/heads/main" in [one.name for one in git.get_refs("Storefront", project="Storefront", filter="heads/")]
    commits = git.get_commits("Storefront", None, project="Storefront", top=5, skip=1)
    assert [one.comment for one in commits][:2] == ["Fix number 22", "Fix number 21"]


def test_it_lists_definitions_and_builds(connection: Any) -> None:
    build = connection.clients.get_build_client()
    assert "Storefront CI" in [one.name for one in build.get_definitions("Storefront")]
    builds = build.get_builds("Storefront", definitions=[1, 2], top=10)
    assert len(builds) == 10
    assert {one.definition.id for one in builds} <= {1, 2}


def test_it_lists_release_definitions_releases_deployments_and_approvals(connection: Any) -> None:
    release = connection.clients.get_release_client()
    assert "Deploy Storefront" in [one.name for one in release.get_release_definitions("Storefront")]
    assert {one.name for one in release.get_releases("Storefront")} == {"Release-1", "Release-2"}
    assert {one.deployment_status for one in release.get_deployments("Storefront")} >= {"succeeded", "failed"}
    assert [one.status for one in release.get_approvals("Storefront")] == ["pending"]


def test_it_reads_files_and_commits_one(connection: Any) -> None:
    git = connection.clients_v7_1.get_git_client()
    item = git.get_item("Storefront", "/README.md", project="Storefront", include_content=True)
    assert item.content.startswith("# Storefront")
    main = git.get_refs("Storefront", project="Storefront", filter="heads/main")[0]
    change = {"changeType": "add", "item": {"path": "/x.txt"}, "newContent": {"content": "x", "contentType": "rawText"}}
    push = {
        "refUpdates": [{"name": main.name, "oldObjectId": main.object_id}],
        "commits": [{"comment": "Add x", "changes": [change]}],
    }
    made = git.create_push(push, "Storefront", project="Storefront")
    assert (
        git.get_refs("Storefront", project="Storefront", filter="heads/main")[0].object_id == made.commits[0].commit_id
    )


def test_it_runs_a_build_and_follows_it(connection: Any, sandbox: Sandbox) -> None:
    build = connection.clients_v7_1.get_build_client()
    queued = build.queue_build({"definition": {"id": 1}}, "Storefront")
    assert queued.status == "notStarted"
    sandbox.state.advance(60)
    assert build.get_build("Storefront", queued.id).result == "succeeded"
    timeline = build.get_build_timeline("Storefront", queued.id)
    log = next(one.log for one in timeline.records if one.name == "Compile")
    assert "Compiling module 40 of 40" in b"".join(build.get_build_log("Storefront", queued.id, log.id)).decode()


def test_it_tags_builds_and_lists_what_they_left_behind(connection: Any) -> None:
    build = connection.clients_v7_1.get_build_client()
    assert build.add_build_tag("Storefront", 3, "nice") == ["nice"]
    assert [one.id for one in build.get_builds("Storefront", tag_filters=["nice"])] == [3]
    assert build.delete_build_tag("Storefront", 3, "nice") == []
    assert build.get_tags("Storefront") == ["release", "v1.0"]
    artifact = build.get_artifact("Storefront", 1, "drop")
    assert [one.name for one in build.get_artifacts("Storefront", 1)] == [artifact.name]
    packed = b"".join(build.get_artifact_content_zip("Storefront", 1, "drop"))
    with zipfile.ZipFile(io.BytesIO(packed)) as files:
        assert len(files.namelist()) == 12
    changes = build.get_build_changes("Storefront", 1)
    assert changes[0].message == "Say it twice"


def test_it_lists_pushes_and_compares_versions(connection: Any) -> None:
    from azure.devops.v7_1.git.models import GitQueryCommitsCriteria, GitVersionDescriptor

    git = connection.clients_v7_1.get_git_client()
    pushes = git.get_pushes("Storefront", project="Storefront", top=3)
    whole = git.get_push("Storefront", pushes[1].push_id, project="Storefront", include_commits=5)
    (pushed,) = git.get_push_commits("Storefront", pushes[1].push_id, project="Storefront")
    assert whole.commits[0].commit_id == pushed.commit_id
    # It writes a list as Python shows it, so the ids are given as one text.
    criteria = GitQueryCommitsCriteria(ids=f"{pushed.commit_id},{'0' * 40}")
    named = git.get_commits("Storefront", criteria, project="Storefront")
    assert [commit.commit_id for commit in named] == [pushed.commit_id]
    criteria = GitQueryCommitsCriteria(
        item_version=GitVersionDescriptor(version="v1.0", version_type="tag"),
        compare_version=GitVersionDescriptor(version="topic/search", version_type="branch"),
    )
    assert [one.comment for one in git.get_commits("Storefront", criteria, project="Storefront")] == ["Add documents"]
    tree = git.get_tree(
        "Storefront", git.get_commit(pushed.commit_id, "Storefront", "Storefront").tree_id, "Storefront"
    )
    assert "README.md" in [entry.relative_path for entry in tree.tree_entries]


def test_it_runs_a_pipeline_and_follows_it(connection: Any, sandbox: Sandbox) -> None:
    pipelines = connection.clients_v7_1.get_pipelines_client()
    listed = pipelines.list_pipelines("Storefront")
    ci = next(one for one in listed if one.name == "Storefront CI")
    assert pipelines.get_pipeline("Storefront", ci.id).configuration.type == "yaml"
    begun = pipelines.run_pipeline(
        {"resources": {"repositories": {"self": {"refName": "refs/heads/main"}}}}, "Storefront", ci.id
    )
    assert begun.state == "inProgress"
    sandbox.state.advance(60)
    ended = pipelines.get_run("Storefront", ci.id, begun.id)
    assert (ended.state, ended.result) == ("completed", "succeeded")
    assert pipelines.list_runs("Storefront", ci.id)[0].id == begun.id
    assert pipelines.get_artifact("Storefront", ci.id, begun.id, "drop").name == "drop"
    assert pipelines.list_logs("Storefront", ci.id, begun.id).logs[0].line_count > 0


def test_it_lists_releases_of_all_projects(connection: Any) -> None:
    releases = connection.clients_v7_1.get_release_client().get_releases(source_branch_filter="refs/heads/main")
    assert {one.project_reference.name for one in releases} == {"Storefront", "Payments API"}


def test_it_releases_and_approves(connection: Any, sandbox: Sandbox) -> None:
    release = connection.clients_v7_1.get_release_client()
    made = release.create_release({"definitionId": 1}, "Storefront")
    sandbox.state.advance(60)
    waiting = [one for one in release.get_approvals("Storefront") if one.release.id == made.id]
    release.update_release_approval({"status": "approved", "comments": "Yes"}, "Storefront", waiting[0].id)
    sandbox.state.advance(60)
    stages = release.get_release("Storefront", made.id).environments
    assert [one.status for one in stages] == ["succeeded"] * 3
    release.update_release_environment({"status": "inProgress"}, "Storefront", made.id, stages[0].id)
    again = release.get_release_environment("Storefront", made.id, stages[0].id)
    assert again.status == "queued"


def test_a_refusal_reaches_it_as_an_error_of_its_own(connection: Any, sandbox: Sandbox) -> None:
    from azure.devops.exceptions import AzureDevOpsAuthenticationError, AzureDevOpsServiceError

    with pytest.raises(AzureDevOpsAuthenticationError):
        connect(f"{sandbox.url}/acme", "no-build").clients.get_build_client().get_definitions("Storefront")
    with pytest.raises(AzureDevOpsServiceError) as refused:
        connection.clients.get_build_client().get_build("Storefront", 2147483647)
    assert refused.value.type_key == "BuildNotFoundException"
