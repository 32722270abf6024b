"""Rights that people lack in some projects and on some branches, whatever their token may do."""

from typing import Any

import pytest

from sandbox.repositories import NOTHING
from sandbox.server import Sandbox
from tests.sandbox.conftest import Caller

NOWHERE = "00000000-1111-4222-8333-444444444444"
LAST = 2_147_483_647
PROBES = [
    ("POST", f"git/repositories/{NOWHERE}/pushes", "GitNeedsPermissionException", "GitRepositoryNotFoundException"),
    ("PATCH", f"git/repositories/{NOWHERE}", "GitNeedsPermissionException", "GitRepositoryNotFoundException"),
    ("PATCH", f"build/builds/{LAST}", "AccessDeniedException", "BuildNotFoundException"),
    ("PATCH", f"release/releases/{LAST}", "UnauthorizedRequestException", "ReleaseNotFoundException"),
    ("PATCH", f"release/approvals/{LAST}", "UnauthorizedRequestException", "ReleaseManagementObjectNotFoundException"),
]
READS = ["git/repositories", "build/definitions", "release/definitions"]
REFS = "/protected/Main/_apis/git/repositories/Main/refs"
PUSHES = "/protected/Main/_apis/git/repositories/Main/pushes"


def test_the_first_project_of_the_list_is_the_one_that_denies(call: Caller) -> None:
    names = [one["name"] for one in call("GET", "/uneven/_apis/projects").json()["value"]]
    assert names == ["Restricted", "Open"]


@pytest.mark.parametrize(("method", "path", "denied", "granted"), PROBES)
def test_what_one_project_denies_another_grants(
    call: Caller, method: str, path: str, denied: str, granted: str
) -> None:
    answer = call(method, f"/uneven/Restricted/_apis/{path}", json={})
    assert (answer.status_code, answer.json()["typeKey"]) == (403, denied)
    assert answer.headers["X-VSS-UserData"].endswith(":maya@example.com")
    answer = call(method, f"/uneven/Open/_apis/{path}", json={})
    assert (answer.status_code, answer.json()["typeKey"]) == (404, granted)


@pytest.mark.parametrize("path", READS)
def test_a_project_that_denies_changes_is_read_like_any_other(call: Caller, path: str) -> None:
    assert call("GET", f"/uneven/Restricted/_apis/{path}").json()["count"] > 0


def test_a_scope_is_looked_at_before_a_right(call: Caller, sandbox: Sandbox) -> None:
    token = sandbox.state.token_named("full")
    assert token is not None
    token.scopes = ("vso.code",)
    answer = call("PATCH", f"/uneven/Restricted/_apis/build/builds/{LAST}", json={})
    assert (answer.status_code, answer.content) == (401, b"")


def test_a_project_may_deny_some_rights_only(call: Caller, sandbox: Sandbox) -> None:
    sandbox.state.organizations["uneven"].projects[0].denied = frozenset({"Queue builds"})
    queue, stop = "/uneven/Restricted/_apis/build/builds", f"/uneven/Restricted/_apis/build/builds/{LAST}"
    assert call("POST", queue, json={"definition": {"id": 1}}).json()["typeKey"] == "AccessDeniedException"
    assert call("PATCH", stop, json={}).json()["typeKey"] == "BuildNotFoundException"


@pytest.mark.parametrize(
    ("path", "type_key", "code"),
    [
        ("git/repositories", "GitNeedsPermissionException", "TF401027"),
        ("build/definitions", "AccessDeniedException", "TF215106"),
        ("release/definitions", "UnauthorizedRequestException", "VS402904"),
    ],
)
def test_a_right_may_be_denied_by_a_rule(call: Caller, sandbox: Sandbox, path: str, type_key: str, code: str) -> None:
    sandbox.behaviour.add("permission_denied", path="/Storefront/")
    answer = call("GET", f"/acme/Storefront/_apis/{path}")
    assert (answer.status_code, answer.json()["typeKey"]) == (403, type_key)
    assert answer.json()["message"].startswith(code)
    assert call("GET", f"/acme/Payments%20API/_apis/{path}").status_code == 200


@pytest.mark.parametrize("path", ["/build", "/acme", "/release"])
def test_a_denying_rule_needs_no_whole_address(call: Caller, sandbox: Sandbox, path: str) -> None:
    sandbox.behaviour.add("permission_denied")
    assert call("GET", path).status_code == 403


def update(call: Caller, name: str, old: str, new: str) -> dict[str, Any]:
    answer = call("POST", REFS, json=[{"name": name, "oldObjectId": old, "newObjectId": new}])
    assert answer.status_code == 200
    result: dict[str, Any] = answer.json()["value"][0]
    return result


@pytest.fixture
def heads(call: Caller) -> dict[str, str]:
    """The branches of a repository whose main is protected."""
    return {one["name"]: one["objectId"] for one in call("GET", REFS, params={"filter": "heads/"}).json()["value"]}


def test_a_refused_force_push_is_part_of_a_good_answer(call: Caller, heads: dict[str, str]) -> None:
    main = heads["refs/heads/main"]
    assert update(call, "refs/heads/side", NOTHING, main)["success"] is True
    result = update(call, "refs/heads/side", main, NOTHING)
    assert (result["success"], result["updateStatus"]) == (False, "forcePushRequired")
    assert result["customMessage"] == "The user does not have force push permissions"
    assert call("GET", REFS, params={"filter": "heads/side"}).json()["count"] == 1


def test_going_back_is_a_force_push_and_going_on_is_none(call: Caller, heads: dict[str, str]) -> None:
    main = heads["refs/heads/main"]
    commits = call("GET", REFS.replace("/refs", "/commits")).json()["value"]
    older = commits[-1]["commitId"]
    assert update(call, "refs/heads/side", NOTHING, older)["success"] is True
    assert update(call, "refs/heads/side", older, main)["success"] is True
    assert update(call, "refs/heads/side", main, older)["updateStatus"] == "forcePushRequired"


def test_what_succeeds_has_no_message(call: Caller, heads: dict[str, str]) -> None:
    assert "customMessage" not in update(call, "refs/heads/side", NOTHING, heads["refs/heads/main"])


def test_a_branch_with_policies_is_not_moved(call: Caller, sandbox: Sandbox, heads: dict[str, str]) -> None:
    project = sandbox.state.organizations["protected"].projects[0]
    project.denied = frozenset()
    result = update(call, "refs/heads/main", heads["refs/heads/main"], NOTHING)
    assert (result["success"], result["updateStatus"]) == (False, "rejectedByPolicy")
    assert result["customMessage"].startswith("TF402455")


def test_a_push_to_a_branch_with_policies_is_forbidden(call: Caller, heads: dict[str, str]) -> None:
    change = {"changeType": "add", "item": {"path": "/new.txt"}, "newContent": {"content": "x"}}
    moved = {"name": "refs/heads/main", "oldObjectId": heads["refs/heads/main"]}
    body = {"refUpdates": [moved], "commits": [{"comment": "Add a file", "changes": [change]}]}
    answer = call("POST", PUSHES, json=body)
    assert (answer.status_code, answer.json()["typeKey"]) == (403, "GitRefUpdateRejectedByPolicyException")
    assert answer.json()["message"].startswith("TF402455")
    moved["name"] = "refs/heads/side"
    assert call("POST", PUSHES, json=body).status_code == 201


def test_one_project_of_many_may_fail(call: Caller, sandbox: Sandbox) -> None:
    failed = {}
    for project in call("GET", "/patchy/_apis/projects").json()["value"]:
        for name_or_id in (project["name"], project["id"]):
            answer = call("GET", f"/patchy/{name_or_id}/_apis/git/repositories")
            if answer.status_code != 200:
                failed[name_or_id] = (answer.status_code, answer.json()["typeKey"])
    ids = {one.name: one.id for one in sandbox.state.organizations["patchy"].projects}
    assert failed == dict.fromkeys(("Service 007", ids["Service 007"]), (400, "FeatureDisabledException"))
