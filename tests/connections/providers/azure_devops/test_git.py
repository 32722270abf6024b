"""Repositories, branches, commits and files over a socket."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connections.providers.azure_devops import errors, git
from connections.providers.azure_devops.git import Branch, Commit, Entry, File, Repository
from tests.connections.providers.azure_devops.conftest import Asking
from tests.connections.providers.azure_devops.loopback import answer, json_answer, listing

SHA, OTHER = "a" * 40, "b" * 40
HERE = "/acme/Web%20Shop/_apis/git/repositories"
WHERE = ("Web Shop", "r-1")
PERSON = {"id": "u-1", "displayName": "Maya Sample", "uniqueName": "maya@example.com", "descriptor": "aad.x"}
REPOSITORY: dict[str, Any] = {
    "id": "r-1",
    "name": "shop",
    "url": "https://dev.azure.com/acme/_apis/git/repositories/r-1",
    "project": {"id": "p-1", "name": "Web Shop"},
    "defaultBranch": "refs/heads/main",
    "size": 728,
    "remoteUrl": "https://acme@dev.azure.com/acme/Web%20Shop/_git/shop",
    "sshUrl": "git@ssh.dev.azure.com:v3/acme/Web%20Shop/shop",
    "webUrl": "https://dev.azure.com/acme/Web%20Shop/_git/shop",
    "isDisabled": False,
    "isInMaintenance": False,
}


def test_the_repositories_of_a_project_come_in_one_answer(asking: Asking) -> None:
    server, transport = asking(json_answer(listing(REPOSITORY, {"id": "r-2", "name": "empty", "isDisabled": True})))
    found = git.repositories(transport, "Web Shop", max_bytes=100_000)
    assert found == (
        Repository(
            id="r-1",
            name="shop",
            default_branch="refs/heads/main",
            size=728,
            remote_url="https://acme@dev.azure.com/acme/Web%20Shop/_git/shop",
            ssh_url="git@ssh.dev.azure.com:v3/acme/Web%20Shop/shop",
            web_url="https://dev.azure.com/acme/Web%20Shop/_git/shop",
        ),
        Repository(id="r-2", name="empty", is_disabled=True),
    )
    assert server.seen[0].path == HERE


def test_a_list_of_repositories_has_a_cap_of_its_own(asking: Asking) -> None:
    _, transport = asking(json_answer(listing(*[REPOSITORY] * 20)))
    with pytest.raises(errors.AnswerTooLarge):
        git.repositories(transport, "Web Shop", max_bytes=1000)


def test_one_repository_is_asked_for_by_id_or_name(asking: Asking) -> None:
    server, transport = asking(json_answer(REPOSITORY))
    assert git.repository(transport, "Web Shop", "My Repo").name == "shop"
    assert server.seen[0].path == f"{HERE}/My%20Repo"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "", 7])
def test_an_address_that_is_no_web_address_is_not_taken(asking: Asking, address: object) -> None:
    _, transport = asking(json_answer(REPOSITORY | {"webUrl": address, "remoteUrl": address}))
    found = git.repository(transport, *WHERE)
    assert (found.web_url, found.remote_url) == (None, None)


@pytest.mark.parametrize("size", ["728", None, 7.5, True, [1]])
def test_a_size_that_is_no_number_is_not_known(asking: Asking, size: object) -> None:
    _, transport = asking(json_answer(REPOSITORY | {"size": size}))
    assert git.repository(transport, *WHERE).size is None


def test_a_disabled_repository_is_not_found(asking: Asking) -> None:
    refusal = {"message": "TF401019: The Git repository", "typeKey": "GitRepositoryNotFoundException"}
    _, transport = asking(json_answer(refusal, status=404))
    with pytest.raises(errors.NotFound):
        git.repository(transport, *WHERE)


def ref(name: str, **more: object) -> dict[str, object]:
    return {"name": name, "objectId": SHA, "creator": PERSON, "url": "https://x", **more}


def test_branches_are_read_page_by_page_under_their_short_names(asking: Asking) -> None:
    pages = (
        json_answer(listing(ref("refs/heads/main", isLocked=True)), ("x-ms-continuationtoken", "refs/heads/topic")),
        json_answer(listing({"name": "refs/heads/topic/ü", "objectId": OTHER})),
    )
    server, transport = asking(*pages)
    found = [one for page in git.branches(transport, *WHERE) for one in page.items]
    assert found == [Branch("main", SHA, is_locked=True), Branch("topic/ü", OTHER)]
    assert server.seen[0].path == f"{HERE}/r-1/refs"
    assert server.seen[0].query == "filter=heads%2F&$top=1000&api-version=7.1"
    assert "continuationToken=refs%2Fheads%2Ftopic" in server.seen[1].query


def test_the_default_branch_is_the_one_the_repository_names(asking: Asking) -> None:
    _, transport = asking(json_answer(REPOSITORY), json_answer(listing(ref("refs/heads/dev"), ref("refs/heads/main"))))
    default = git.repository(transport, *WHERE).default_branch
    found = git.branches_page(transport, *WHERE).items
    assert [one.name for one in found if one.ref == default] == ["main"]


def test_what_is_no_branch_is_left_out(asking: Asking) -> None:
    _, transport = asking(json_answer(listing(ref("refs/heads/main"), ref("refs/tags/v1"), ref("refs/pull/1/merge"))))
    assert [one.name for one in git.branches_page(transport, *WHERE).items] == ["main"]


def test_one_branch_is_found_among_those_that_begin_alike(asking: Asking) -> None:
    server, transport = asking(json_answer(listing(ref("refs/heads/main-2"), ref("refs/heads/main"))))
    assert git.branch(transport, *WHERE, "main").name == "main"
    assert "filter=heads%2Fmain&" in server.seen[0].query


def test_a_branch_that_is_not_there_is_not_found(asking: Asking) -> None:
    _, transport = asking(json_answer(listing(ref("refs/heads/main-2"))))
    with pytest.raises(errors.NotFound):
        git.branch(transport, *WHERE, "main")


COMMIT = {
    "commitId": SHA,
    "author": {"name": "Maya", "email": "maya@example.com", "date": "2026-03-01T14:40:55Z"},
    "committer": {"name": "Maya", "email": "maya@example.com", "date": "2026-03-01T15:40:55+01:00"},
    "comment": "Fix the shop",
    "commentTruncated": True,
    "parents": [OTHER],
    "remoteUrl": "https://dev.azure.com/acme/x/_git/shop/commit/1",
}


def test_commits_of_a_branch_are_read_from_where_asked(asking: Asking) -> None:
    server, transport = asking(json_answer(listing(COMMIT, {"commitId": OTHER})))
    at = datetime(2026, 3, 1, 14, 40, 55, tzinfo=UTC)
    assert git.commits(transport, *WHERE, "topic/a b", top=20, skip=40) == (
        Commit(
            SHA,
            "Fix the shop",
            is_shortened=True,
            author="Maya",
            authored_at=at,
            parents=(OTHER,),
            web_url="https://dev.azure.com/acme/x/_git/shop/commit/1",
        ),
        Commit(OTHER, ""),
    )
    assert server.seen[0].query == (
        "searchCriteria.itemVersion.version=topic%2Fa%20b&searchCriteria.itemVersion.versionType=branch"
        "&searchCriteria.$top=20&searchCriteria.$skip=40&api-version=7.1"
    )


def test_one_commit_has_its_whole_comment(asking: Asking) -> None:
    server, transport = asking(json_answer(COMMIT | {"comment": "Fix\n\nthe shop", "commentTruncated": False}))
    assert git.commit(transport, *WHERE, SHA).comment == "Fix\n\nthe shop"
    assert server.seen[0].path == f"{HERE}/r-1/commits/{SHA}"


def item(path: str, **more: object) -> dict[str, object]:
    return {"objectId": SHA, "gitObjectType": "blob", "commitId": OTHER, "path": path, **more}


def test_a_folder_lists_folders_first_and_not_itself(asking: Asking) -> None:
    listed = listing(
        item("/src", isFolder=True, gitObjectType="tree"),
        item("/src/readme.md"),
        item("/src/Zoo", gitObjectType="tree"),
        item("/src/app", isFolder=True),
        item("/src/Api.cs"),
    )
    server, transport = asking(json_answer(listed))
    found = git.folder(transport, *WHERE, "main", "src/")
    assert [(one.name, one.is_folder) for one in found] == [
        ("app", True),
        ("Zoo", True),
        ("Api.cs", False),
        ("readme.md", False),
    ]
    assert found[0] == Entry("/src/app", SHA, is_folder=True)
    assert server.seen[0].query == (
        "scopePath=%2Fsrc&recursionLevel=OneLevel&versionDescriptor.version=main"
        "&versionDescriptor.versionType=branch&api-version=7.1"
    )


def test_a_file_is_no_folder(asking: Asking) -> None:
    _, transport = asking(json_answer(listing(item("/readme.md"))))
    with pytest.raises(errors.NotFound):
        git.folder(transport, *WHERE, "main", "/readme.md")


def test_an_empty_repository_has_no_folder(asking: Asking) -> None:
    refusal = {"message": "VS403403: Cannot find any branches", "typeKey": "GitItemNotFoundException"}
    _, transport = asking(json_answer(refusal, status=404))
    with pytest.raises(errors.NotFound):
        git.folder(transport, *WHERE, "main")


def test_a_text_file_is_read_as_text(asking: Asking) -> None:
    content = {"content": "<b>Hällo</b>\n", "contentMetadata": {"contentType": "text/plain", "encoding": 65001}}
    server, transport = asking(json_answer(item("/a b.txt", **content)))
    found = git.file(transport, *WHERE, "main", "/a b.txt")
    assert found == File("/a b.txt", SHA, "<b>Hällo</b>\n")
    assert server.seen[0].query == (
        "path=%2Fa%20b.txt&includeContent=true&includeContentMetadata=true&$format=json"
        "&versionDescriptor.version=main&versionDescriptor.versionType=branch&api-version=7.1"
    )


def test_a_file_of_nothing_is_text(asking: Asking) -> None:
    _, transport = asking(json_answer(item("/empty", content="")))
    assert git.file(transport, *WHERE, "main", "/empty").content == ""


OCTETS = ("Content-Type", "application/octet-stream")


@pytest.mark.parametrize(
    "content",
    [
        {"content": "\ufffdPNG", "contentMetadata": {"isBinary": True, "contentType": "image/png"}},
        {"content": "a\0b"},
        {"contentMetadata": {"fileName": "x"}},
        {"content": None},
    ],
    ids=["said by the metadata", "seen by a NUL", "without content", "null"],
)
def test_what_is_no_text_is_read_as_bytes(asking: Asking, content: dict[str, object]) -> None:
    server, transport = asking(json_answer(item("/x.png", **content)), answer(200, b"\x89PNG\0", OCTETS))
    found = git.file(transport, *WHERE, "main", "/x.png")
    assert found.content == b"\x89PNG\0"
    assert server.seen[1]["Accept"].startswith("application/octet-stream")
    assert "$format=octetStream" in server.seen[1].query


def test_a_page_in_a_repository_is_a_file_like_any_other(asking: Asking) -> None:
    _, transport = asking(json_answer(item("/index.html")), answer(200, b"<!DOCTYPE html><html>", OCTETS))
    assert git.exact_file(transport, *WHERE, "main", "/index.html").content == b"<!DOCTYPE html><html>"


def test_a_page_is_no_file(asking: Asking) -> None:
    page = answer(200, b"<html>Sign in", ("Content-Type", "text/html"))
    _, transport = asking(json_answer(item("/index.html")), page)
    with pytest.raises(errors.ForeignPage):
        git.exact_file(transport, *WHERE, "main", "/index.html")


def test_a_folder_is_no_file(asking: Asking) -> None:
    _, transport = asking(json_answer(item("/src", isFolder=True)))
    with pytest.raises(errors.NotFound):
        git.file(transport, *WHERE, "main", "/src")


def test_a_large_file_is_not_read(asking: Asking) -> None:
    _, transport = asking(json_answer(item("/x", content="x" * 5000)))
    with pytest.raises(errors.AnswerTooLarge):
        git.file(transport, *WHERE, "main", "/x", max_bytes=2000)
