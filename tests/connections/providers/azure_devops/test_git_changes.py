"""Commits of files, new branches and new repositories, and every way in which writing may fail."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from connections.providers.azure_devops import errors, git
from connections.providers.azure_devops.git import Branch, Push, Repository
from connections.providers.azure_devops.transport import Transport
from tests.connections.providers.azure_devops.conftest import SECRET, Asking, MakeTransport, Serve
from tests.connections.providers.azure_devops.loopback import Seen, Wire, answer, json_answer, listing, refusal

SHA, OTHER = "a" * 40, "b" * 40
HERE = "/acme/Web%20Shop/_apis/git/repositories"
WHERE = ("Web Shop", "r-1")
PUSHED = {"pushId": 11, "date": "2026-03-01T14:40:55.3379799Z", "refUpdates": [{"newObjectId": OTHER}], "commits": []}


def push(transport: Transport, *, exists: bool = False) -> Push:
    return git.push_file(
        transport,
        *WHERE,
        branch="main",
        at=SHA,
        path="docs/a.md",
        content="Hällo\n".encode(),
        comment="Add it",
        exists=exists,
    )


@pytest.mark.parametrize(("exists", "kind"), [(False, "add"), (True, "edit")])
def test_one_text_file_is_committed_to_a_branch(asking: Asking, exists: bool, kind: str) -> None:
    server, transport = asking(json_answer(PUSHED, status=201))
    assert push(transport, exists=exists) == Push(
        11, "main", OTHER, datetime(2026, 3, 1, 14, 40, 55, 337979, tzinfo=UTC)
    )
    assert server.seen[0].path == f"{HERE}/r-1/pushes"
    assert server.seen[0].json() == {
        "refUpdates": [{"name": "refs/heads/main", "oldObjectId": SHA}],
        "commits": [
            {
                "comment": "Add it",
                "changes": [
                    {
                        "changeType": kind,
                        "item": {"path": "/docs/a.md"},
                        "newContent": {"content": "SMOkbGxvCg==", "contentType": "base64encoded"},
                    }
                ],
            }
        ],
    }


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (refusal(409, "TF401028: The reference", "GitReferenceStaleException"), errors.Conflict),
        (refusal(403, "TF401027: You need the Git", "GitNeedsPermissionException"), errors.AccessDenied),
        (refusal(403, "TF402455: Pushes to this branch", "GitRefUpdateRejected"), errors.BranchProtected),
        (refusal(400, "The path '/a' already exists", "ArgumentException"), errors.Rejected),
        (refusal(404, "TF401019: The Git repository", "GitRepositoryNotFoundException"), errors.NotFound),
        (answer(401, b"", ("WWW-Authenticate", "Basic realm=x")), errors.EmptyRefusal),
    ],
)
def test_a_refused_commit_says_why(asking: Asking, said: bytes, kind: type[errors.AzureDevOpsError]) -> None:
    server, transport = asking(said)
    with pytest.raises(errors.AzureDevOpsError) as raised:
        push(transport)
    assert type(raised.value) is kind
    assert len(server.seen) == 1


@pytest.mark.parametrize("body", [{}, {"pushId": 1, "refUpdates": []}, {"refUpdates": [{"newObjectId": SHA}]}])
def test_a_commit_that_names_no_push_is_no_success(asking: Asking, body: dict[str, object]) -> None:
    _, transport = asking(json_answer(body, status=201))
    with pytest.raises(errors.UnexpectedAnswer):
        push(transport)


def updated(**more: object) -> bytes:
    result = {"name": "refs/heads/topic", "oldObjectId": git.NOTHING, "newObjectId": SHA, "isLocked": False}
    return json_answer(listing(result | more))


def test_a_branch_is_created_at_a_commit(asking: Asking) -> None:
    server, transport = asking(updated(updateStatus="succeeded", success=True))
    assert git.create_branch(transport, *WHERE, name="topic", at=SHA) == Branch("topic", SHA)
    assert server.seen[0].path == f"{HERE}/r-1/refs"
    assert server.seen[0].json() == [{"name": "refs/heads/topic", "oldObjectId": "0" * 40, "newObjectId": SHA}]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("staleOldObjectId", errors.Conflict),
        ("refNameConflict", errors.NameTaken),
        ("createBranchPermissionRequired", errors.AccessDenied),
        ("writePermissionRequired", errors.AccessDenied),
        ("rejectedByPolicy", errors.BranchProtected),
        ("invalidRefName", errors.BranchNotUpdated),
        ("unresolvableToCommit", errors.BranchNotUpdated),
        ("somethingNew", errors.BranchNotUpdated),
    ],
)
def test_a_success_in_which_the_branch_failed_is_a_failure(
    asking: Asking, status: str, kind: type[errors.AzureDevOpsError]
) -> None:
    _, transport = asking(updated(updateStatus=status, success=False))
    with pytest.raises(errors.AzureDevOpsError) as raised:
        git.create_branch(transport, *WHERE, name="topic", at=SHA)
    assert type(raised.value) is kind
    assert raised.value.detail == status


NO_FORCE = "The user does not have force push permissions for topic.\nMore for engineers."


@pytest.mark.parametrize("status", ["writePermissionRequired", "rejectedByPolicy", "rejectedByPlugin", "new"])
def test_what_azure_devops_says_of_a_branch_that_it_refused_is_kept_for_the_person(asking: Asking, status: str) -> None:
    _, transport = asking(updated(updateStatus=status, success=False, customMessage=NO_FORCE))
    with pytest.raises(errors.AzureDevOpsError) as raised:
        git.create_branch(transport, *WHERE, name="topic", at=SHA)
    assert raised.value.said == "The user does not have force push permissions for topic."
    assert "force push" not in f"{raised.value}{raised.value.detail}"


@pytest.mark.parametrize(
    ("message", "said"),
    [(None, ""), (7, ""), ("maya@example.com may not", "… may not"), (f"with {SECRET}", "with [redacted]")],
)
def test_what_is_said_of_a_refused_branch_is_fit_to_be_shown(asking: Asking, message: object, said: str) -> None:
    _, transport = asking(updated(updateStatus="locked", success=False, customMessage=message))
    with pytest.raises(errors.BranchProtected) as raised:
        git.create_branch(transport, *WHERE, name="topic", at=SHA)
    assert raised.value.said == said


@pytest.mark.parametrize("more", [{"success": False}, {}, {"success": "true"}, {"updateStatus": "succeeded"}])
def test_only_success_itself_is_success(asking: Asking, more: dict[str, object]) -> None:
    _, transport = asking(updated(**more))
    with pytest.raises(errors.BranchNotUpdated) as raised:
        git.create_branch(transport, *WHERE, name="topic", at=SHA)
    assert raised.value.detail in ("unknown", "succeeded")


def test_no_result_for_a_branch_is_no_success(asking: Asking) -> None:
    _, transport = asking(json_answer(listing()))
    with pytest.raises(errors.UnexpectedAnswer):
        git.create_branch(transport, *WHERE, name="topic", at=SHA)


def test_a_repository_is_created_in_its_project(asking: Asking) -> None:
    server, transport = asking(json_answer({"id": "r-9", "name": "Größe", "size": 0}, status=201))
    assert git.create_repository(transport, "p-1", name="Größe") == Repository("r-9", "Größe", size=0)
    assert server.seen[0].path == "/acme/p-1/_apis/git/repositories"
    assert server.seen[0].json() == {"name": "Größe", "project": {"id": "p-1"}}


def test_a_name_that_is_taken_is_told_apart(asking: Asking) -> None:
    _, transport = asking(refusal(409, "TF400948: A Git repository", "GitRepositoryNameAlreadyExistsException"))
    with pytest.raises(errors.NameTaken):
        git.create_repository(transport, "p-1", name="shop")


@pytest.mark.parametrize("write", ["push", "branch", "repository"])
def test_no_write_is_repeated_when_the_connection_breaks(serve: Serve, transport: MakeTransport, write: str) -> None:
    def cut(_seen: Seen, wire: Wire) -> None:
        wire.reset()

    server = serve(cut)
    asking = transport(server.url)
    writes: dict[str, Callable[[], object]] = {
        "push": lambda: push(asking),
        "branch": lambda: git.create_branch(asking, *WHERE, name="topic", at=SHA),
        "repository": lambda: git.create_repository(asking, "p-1", name="shop"),
    }
    with pytest.raises(errors.ConnectionFailed):
        writes[write]()
    assert len(server.seen) == 1
