"""What a page shows although a part of it is gone, lies elsewhere, or is of another kind than usual."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock, patch

import pytest
from django.test import Client
from django.urls import reverse

from connections.models import Connection
from delivery.builds.build_changes import full_ref
from delivery.live import polling
from delivery.live.readers import READERS
from delivery.models import Pipeline, Repository, SyncState
from sandbox.server import Sandbox
from tests.delivery.conftest import Clock

BringIn = Callable[[Connection], SyncState]
JSON = {"Content-Type": "application/json"}
MISSING = {"message": "TF401175: The version descriptor could not be resolved.", "typeKey": "GitUnresolvable"}


@pytest.fixture(autouse=True)
def bell() -> Iterator[Mock]:
    """The broker's doorbell, so that no broker is needed."""
    with patch("delivery.live_views.enqueue") as rung:
        yield rung


@pytest.fixture
def brought_in(connected: Callable[..., Connection], bring_in: BringIn, clock: Clock) -> Connection:
    """A connection whose repositories and pipelines were read."""
    connection = connected(organization="fabrikam")
    bring_in(connection)
    for batch in polling.claim_due(now=clock()):
        polling.poll(batch, READERS, clock=clock)
    return connection


@pytest.fixture
def ci(brought_in: Connection) -> Pipeline:
    return Pipeline.objects.select_related("project").get(name="Tailspin CI")


@pytest.fixture
def repository(brought_in: Connection) -> Repository:
    found = Repository.objects.exclude(default_branch="").order_by("pk").first()
    assert found is not None
    return found


def answer(sandbox: Sandbox, path: str, body: object, *, status: int = 200) -> None:
    """Let what is asked at `path` be answered like this."""
    # A page's answer needs the signature of the service; without one nothing follows from it.
    sandbox.behaviour.add("status", path=path, status=status, headers=JSON, body=json.dumps(body))


def definition(pipeline: Pipeline, **repository: Any) -> dict[str, Any]:
    return {"id": pipeline.azure_id, "name": pipeline.name, "repository": repository}


def run_page(pages: Client, pipeline: Pipeline) -> str:
    return pages.get(reverse("delivery:run-pipeline", args=[pipeline.pk])).content.decode()


@pytest.mark.parametrize(
    ("repository", "offered"),
    [
        ({"type": "GitHub", "id": "octo-org/hello-world", "defaultBranch": "refs/heads/trunk"}, "trunk"),
        ({"type": "GitHubEnterprise", "id": "octo/hello", "defaultBranch": "trunk"}, "trunk"),
        ({"type": "Bitbucket", "id": "octo/hello", "defaultBranch": "refs/heads/trunk"}, "trunk"),
        ({"type": "Git", "id": "x", "url": "https://git.example.com/x.git", "defaultBranch": "trunk"}, "trunk"),
        ({"type": "TfsVersionControl", "id": "$/", "defaultBranch": "$/Tailspin/trunk"}, "$/Tailspin/trunk"),
        ({"type": "Svn", "id": "x", "defaultBranch": "trunk"}, "trunk"),
        (
            {"type": "TfsGit", "id": "11111111-0000-4000-8000-000000000000", "defaultBranch": "refs/heads/trunk"},
            "trunk",
        ),
        ({"type": "SomethingNew", "id": "x", "defaultBranch": "refs/heads/trunk"}, "trunk"),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_a_pipeline_whose_branches_cannot_be_listed_offers_its_default_and_those_it_was_built_on(
    pages: Client, ci: Pipeline, sandbox: Sandbox, repository: dict[str, Any], offered: str
) -> None:
    answer(sandbox, rf"_apis/build/definitions/{ci.azure_id}$", definition(ci, **repository))
    page = run_page(pages, ci)
    assert f'value="{offered}"' in page
    assert '<option value="main">' in page
    assert "Not found" not in page


@pytest.mark.parametrize(
    ("typed", "queued"),
    [("main", "refs/heads/main"), ("refs/tags/v1", "refs/tags/v1"), ("$/Tailspin/trunk", "$/Tailspin/trunk")],
)
def test_a_branch_is_queued_under_its_full_name(typed: str, queued: str) -> None:
    assert full_ref(typed) == queued


def a_build(pages: Client, pipeline: Pipeline) -> int:
    """Runs it through the page; the id of the build."""
    url = reverse("delivery:run-pipeline", args=[pipeline.pk])
    gone_to = pages.post(url, {"branch": "main", "confirmed": "1"}).headers["Location"]
    return int(gone_to.rstrip("/").rsplit("/", 1)[1])


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (404, {"message": "No timeline", "typeKey": "TimelineNotFoundException"}, "no longer has the steps"),
        (404, {"count": 1, "value": {"Message": "x"}}, "The steps could not be read: Unknown address."),
        (403, {"message": "No", "typeKey": "AccessDeniedException"}, "The steps could not be read: Not permitted."),
        (200, [], "The steps could not be read: Unexpected answer."),
    ],
)
def test_a_build_whose_steps_cannot_be_read_is_shown(
    pages: Client, ci: Pipeline, sandbox: Sandbox, status: int, body: object, words: str
) -> None:
    build = a_build(pages, ci)
    answer(sandbox, "/timeline", body, status=status)
    page = pages.get(reverse("delivery:build", args=[ci.pk, build])).content.decode()
    assert words in page
    assert "refs/heads/main" in page or ">main<" in page


@pytest.mark.parametrize("named", [{}, {"definition": None}, {"definition": {}}])
def test_a_build_whose_pipeline_was_deleted_is_shown(
    pages: Client, ci: Pipeline, sandbox: Sandbox, named: dict[str, Any]
) -> None:
    found = {"id": 7, "buildNumber": "2026.7", "status": "completed", "result": "succeeded", **named}
    answer(sandbox, "/builds/7$", found)
    page = pages.get(reverse("delivery:build", args=[ci.pk, 7])).content.decode()
    assert "2026.7" in page


def test_a_build_of_another_pipeline_is_not_found(pages: Client, ci: Pipeline, sandbox: Sandbox) -> None:
    answer(sandbox, "/builds/7$", {"id": 7, "status": "completed", "definition": {"id": ci.azure_id + 1}})
    assert "Not found in Azure DevOps" in pages.get(reverse("delivery:build", args=[ci.pk, 7])).content.decode()


ITEMS = [
    {"path": "/", "isFolder": True, "gitObjectType": "tree", "objectId": "1" * 40},
    {"path": "/docs", "isFolder": True, "gitObjectType": "tree", "objectId": "2" * 40},
    {"path": "/library", "gitObjectType": "commit", "objectId": "3" * 40},
    {"path": "/latest", "gitObjectType": "blob", "isSymLink": True, "objectId": "4" * 40},
    {"path": "/README.md", "gitObjectType": "blob", "objectId": "5" * 40},
]


def panel(pages: Client, repository: Repository, name: str, **query: str) -> str:
    return pages.get(reverse(f"delivery:{name}", args=[repository.pk]), query).content.decode()


def test_a_submodule_and_a_symbolic_link_are_shown_as_what_they_are(
    pages: Client, repository: Repository, sandbox: Sandbox
) -> None:
    answer(sandbox, "/items$", {"count": 5, "value": ITEMS})
    page = panel(pages, repository, "files")
    assert "submodule at <code>33333333</code>" in page
    assert "path=%2Flibrary" not in page
    assert "symbolic link" in page


@pytest.mark.parametrize("folder", [True, False])
def test_a_submodule_is_no_folder_whatever_else_is_said(
    pages: Client, repository: Repository, sandbox: Sandbox, folder: bool
) -> None:
    item = {"path": "/library", "gitObjectType": "commit", "isFolder": folder, "objectId": "3" * 40}
    answer(sandbox, "/items$", {"count": 1, "value": [item]})
    assert "submodule at" in panel(pages, repository, "files")


@pytest.mark.parametrize("name", ["files", "commits"])
def test_a_default_branch_that_does_not_exist_is_said_and_others_are_offered(
    pages: Client, repository: Repository, sandbox: Sandbox, name: str
) -> None:
    Repository.objects.filter(pk=repository.pk).update(default_branch="refs/heads/gone")
    page = panel(pages, repository, name)
    assert "Branch not found" in page
    assert "branch=main" in page


def test_branches_are_listed_although_the_default_one_does_not_exist(
    pages: Client, repository: Repository, sandbox: Sandbox
) -> None:
    Repository.objects.filter(pk=repository.pk).update(default_branch="refs/heads/gone")
    answer(sandbox, f"git/repositories/{repository.azure_id}$", MISSING, status=404)
    assert ">main<" in panel(pages, repository, "branches")


def test_a_path_that_does_not_exist_is_not_taken_for_a_missing_branch(
    pages: Client, repository: Repository, sandbox: Sandbox
) -> None:
    page = panel(pages, repository, "files", path="/no/such/file.txt")
    assert "Branch not found" not in page
    assert "Not found in Azure DevOps" in page
