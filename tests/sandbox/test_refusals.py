"""Every situation in which Azure DevOps says no, down to headers and empty bodies."""

import base64
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
import requests

from sandbox.people import ANONYMOUS_ID
from sandbox.samples import secret
from sandbox.server import Sandbox
from sandbox.state import GLOBAL_TOKENS_END
from tests.sandbox.conftest import Caller

PROJECTS = "/acme/_apis/projects"
DEFINITIONS = "/acme/Storefront/_apis/build/definitions"
ENVELOPE = {"$id", "innerException", "message", "typeName", "typeKey", "errorCode", "eventId"}


def challenges(answer: requests.Response) -> list[str]:
    return [value for name, value in answer.raw.headers.iteritems() if name.lower() == "www-authenticate"]


def test_a_wrong_token_is_refused_as_the_anonymous_user(call: Caller) -> None:
    answer = call("GET", PROJECTS, token="nobody-made-this")
    assert answer.status_code == 401
    assert answer.json()["message"] == (
        f"TF400813: The user '{ANONYMOUS_ID}' is not authorized to access this resource."
    )
    assert set(answer.json()) == ENVELOPE
    assert [one.split(" ")[0] for one in challenges(answer)] == ["Bearer", "Basic", "TFS-Federated"]
    assert "X-VSS-UserData" not in answer.headers


@pytest.mark.parametrize("token", ["revoked", "other-organization"])
def test_a_revoked_or_foreign_token_cannot_be_told_from_a_wrong_one(call: Caller, token: str) -> None:
    wrong, refused = call("GET", PROJECTS, token="nobody-made-this"), call("GET", PROJECTS, token=token)
    assert (refused.status_code, refused.json()) == (wrong.status_code, wrong.json())


def test_without_a_token_the_words_are_others_and_the_tenant_is_told_all_the_same(call: Caller) -> None:
    answer = call("HEAD", PROJECTS, token=None)
    assert (answer.status_code, answer.text) == (401, "")
    assert answer.headers["X-VSS-ResourceTenant"]
    assert "Client authentication required" in call("GET", PROJECTS, token=None).json()["message"]


def test_a_wrong_token_may_be_refused_without_a_word_and_with_a_cookie(call: Caller) -> None:
    answer = call("GET", "/silent/_apis/projects", token="revoked")
    assert (answer.status_code, answer.content) == (401, b"")
    assert [one.split(" ")[0] for one in challenges(answer)] == ["Basic"]
    assert answer.headers["Set-Cookie"].startswith("VstsSession=")


@pytest.mark.parametrize(
    ("accept", "content_type", "begins"),
    [
        ("application/json", "application/json", '{"$id"'),
        ("*/*", "application/json", '{"$id"'),
        ("text/html", "text/html", "<!DOCTYPE html>"),
        ("text/plain", "text/plain", "Access Denied: The Personal Access Token used has expired."),
    ],
)
def test_a_refusal_comes_in_the_form_that_the_client_takes(
    call: Caller, accept: str, content_type: str, begins: str
) -> None:
    answer = call("GET", PROJECTS, token="expired", accept=accept)
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, f"{content_type}; charset=utf-8")
    assert answer.text.startswith(begins)


@pytest.mark.parametrize(
    "header",
    [secret("full"), "Bearer " + secret("full"), "Basic " + base64.b64encode(secret("full").encode()).decode()],
)
def test_a_token_that_is_not_sent_as_a_password_is_no_token(call: Caller, header: str) -> None:
    assert call("GET", PROJECTS, token=None, headers={"Authorization": header}).status_code == 401


@pytest.mark.parametrize("token", ["revoked", "expired"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_suppress_a_bad_token_is_sent_to_the_sign_in_page(call: Caller, token: str, method: str) -> None:
    answer = call(method, PROJECTS, token=token, suppress=False)
    assert (answer.status_code, answer.headers["Content-Type"]) == (302, "text/html; charset=utf-8")
    page = call.session.get(answer.headers["Location"], timeout=10)
    assert (page.status_code, page.headers["Content-Type"]) == (203, "text/html; charset=utf-8")
    assert "Azure DevOps Services | Sign In" in page.text


def test_without_suppress_a_patch_is_told_in_json(call: Caller) -> None:
    answer = call("PATCH", "/acme/Storefront/_apis/build/builds/1", token="revoked", suppress=False, json={})
    assert (answer.status_code, answer.json()["typeKey"]) == (401, "UnauthorizedRequestException")


def test_where_a_project_is_public_a_wrong_token_looks_around_as_nobody(call: Caller) -> None:
    data = call("GET", "/commons/_apis/connectionData", token="revoked", version="7.1-preview")
    assert data.status_code == 200
    assert data.json()["authenticatedUser"]["id"] == ANONYMOUS_ID
    assert "X-VSS-UserData" not in data.headers
    projects = call("GET", "/commons/_apis/projects", token=None).json()["value"]
    assert [one["name"] for one in projects] == ["Open Source"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/commons/Main/_apis/git/repositories"),
        ("GET", "/commons/Open%20Source/_apis/release/definitions"),
        ("POST", "/commons/Open%20Source/_apis/git/repositories"),
    ],
)
def test_nobody_sees_what_is_private_or_closed_and_changes_nothing(call: Caller, method: str, path: str) -> None:
    assert call(method, path, token=None).status_code == 401


def test_an_expired_token_is_told_in_header_and_body(call: Caller) -> None:
    answer = call("GET", PROJECTS, token="expired")
    body = answer.json()
    assert (answer.status_code, body["typeKey"]) == (401, "AccessCheckException")
    assert body["message"] == "Access Denied: The Personal Access Token used has expired."
    assert unquote(answer.headers["X-TFS-ServiceError"]) == body["message"]
    assert body["customProperties"]["NamespaceId"] == "00000000-0000-0000-0000-000000000000"


def test_a_token_expires_by_the_clock(call: Caller, sandbox: Sandbox) -> None:
    token = sandbox.state.token_named("full")
    assert token is not None
    token.expires_at = sandbox.state.now() + timedelta(hours=1)
    assert call("GET", PROJECTS).status_code == 200
    sandbox.state.advance(3600)
    assert call("GET", PROJECTS).json()["typeKey"] == "AccessCheckException"


def test_an_organization_that_does_not_exist_is_404_before_the_token_is_looked_at(call: Caller) -> None:
    for token in ("full", None):
        answer = call("GET", "/nowhere/_apis/projects", token=token)
        assert (answer.status_code, answer.text) == (404, "The resource cannot be found.")
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_a_stopped_organization_is_503_behind_a_byte_order_mark(call: Caller) -> None:
    answer = call("GET", "/stopped/_apis/projects")
    assert answer.status_code == 503
    assert answer.content.startswith(b"\xef\xbb\xbf{")
    assert unquote(answer.headers["X-TFS-ServiceError"]).startswith("TF24668")
    assert "Retry-After" not in answer.headers


def test_a_missing_scope_is_not_worth_a_word(call: Caller) -> None:
    answer = call("GET", DEFINITIONS, token="no-build", headers={"X-TFS-Session": "3f1b"})
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (401, b"", "0")
    assert [one.split(" ")[0] for one in challenges(answer)] == ["Basic"]
    assert answer.headers["ActivityId"] == answer.headers["X-VSS-E2EID"]
    assert answer.headers["X-TFS-Session"] == "3f1b"
    absent = {"X-VSS-UserData", "Content-Type", "Cache-Control", "X-Frame-Options", "X-TFS-ServiceError", "Set-Cookie"}
    assert not absent & set(answer.headers)


def test_somebody_who_is_no_member_is_named(call: Caller) -> None:
    answer = call("GET", PROJECTS, token="not-a-member")
    assert answer.status_code == 401
    assert "sam@example.com" in answer.json()["message"]
    assert answer.headers["X-VSS-UserData"].endswith(":sam@example.com")


def test_somebody_who_has_yet_to_sign_in_with_a_browser_is_told_to(call: Caller, sandbox: Sandbox) -> None:
    answer = call("GET", "/acme/_apis/connectionData", token="not-materialized", version="7.1-preview")
    token = sandbox.state.token_named("not-materialized")
    assert token is not None
    assert (answer.status_code, answer.json()["typeKey"]) == (401, "AadUserStateException")
    assert answer.json()["message"].startswith(f"Identity {token.person.id} has not been materialized")
    call("POST", "/_sandbox/tokens/full", json={"state": "not_materialized"})
    assert call("GET", PROJECTS).json()["typeKey"] == "AadUserStateException"


@pytest.mark.parametrize(
    ("method", "path", "body", "type_key", "code"),
    [
        ("POST", "git/repositories", {"name": "New"}, "GitNeedsPermissionException", "TF401027"),
        ("POST", "build/builds", {"definition": {"id": 1}}, "AccessDeniedException", "TF215106"),
        ("POST", "release/releases", {"definitionId": 1}, "UnauthorizedRequestException", "VS402904"),
    ],
)
def test_a_right_that_the_person_lacks_is_403_with_words(
    call: Caller, method: str, path: str, body: object, type_key: str, code: str
) -> None:
    answer = call(method, f"/acme/Storefront/_apis/{path}", token="no-rights", json=body)
    assert (answer.status_code, answer.json()["typeKey"]) == (403, type_key)
    assert answer.json()["message"].startswith(code)
    assert answer.headers["X-VSS-UserData"].endswith(":gale@example.com")


def test_a_policy_against_global_tokens_answers_with_a_page(call: Caller) -> None:
    answer = call("GET", "/strict/_apis/projects", token="global")
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "text/html; charset=utf-8")
    assert "global Personal Access Token (PAT)" in unquote(answer.headers["X-TFS-ServiceError"])


def test_conditional_access_is_403(call: Caller) -> None:
    answer = call("GET", "/fenced/_apis/projects")
    assert answer.status_code == 403
    assert answer.json()["message"].startswith("VS403463")
    page = call("GET", "/fenced/_apis/projects", accept="text/html")
    assert "<title>403 - Uh-oh, you do not have access.</title>" in page.text


def test_a_global_token_is_a_wrong_one_after_its_last_day(call: Caller, sandbox: Sandbox) -> None:
    assert call("GET", PROJECTS, token="global").status_code == 200
    sandbox.state.now = lambda: GLOBAL_TOKENS_END
    assert ANONYMOUS_ID in call("GET", PROJECTS, token="global").json()["message"]
    assert call("GET", "/strict/_apis/projects", token="global").headers["X-TFS-ServiceError"]


def test_throttling_says_how_long_to_wait(call: Caller) -> None:
    answer = call("GET", "/throttled/_apis/projects")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    assert answer.json()["message"].startswith("TF400733")
    assert answer.headers["X-RateLimit-Remaining"] == "0"


def test_a_path_that_nothing_serves_is_plain_text_in_header_and_body(call: Caller) -> None:
    answer = call("GET", "/acme/Storefront/_apis/wit/workitems")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/plain; charset=utf-8")
    assert answer.text.startswith("The controller for path '/Storefront/_apis/wit/workitems' was not found")
    assert unquote(answer.headers["X-TFS-ServiceError"]) == answer.text


@pytest.mark.parametrize(
    ("path", "status", "type_key"),
    [
        ("/acme/_apis/projects/No%20such", 404, "ProjectDoesNotExistWithNameException"),
        ("/acme/_apis/projects/00000000-1111-4222-8333-444444444444", 404, "ProjectDoesNotExistException"),
        ("/acme/00000000-1111-4222-8333-444444444444/_apis/build/definitions", 404, "ProjectDoesNotExistException"),
        ("/acme/00000000-1111-4222-8333-444444444444/_apis/build/builds", 400, "ProjectDoesNotExistException"),
        ("/acme/_apis/projects/Board%20Room", 404, "ProjectDoesNotExistWithNameException"),
        ("/acme/Brand%20New/_apis/git/repositories", 404, "ProjectDoesNotExistWithNameException"),
        ("/acme/Storefront/_apis/git/repositories/Archived", 404, "GitRepositoryNotFoundException"),
        ("/acme/Storefront/_apis/git/repositories/No%20such/refs", 404, "GitRepositoryNotFoundException"),
        ("/acme/Storefront/_apis/build/builds/2147483647", 404, "BuildNotFoundException"),
        ("/acme/Storefront/_apis/release/releases/2147483647", 404, "ReleaseNotFoundException"),
        ("/acme/Storefront/_apis/release/definitions/77", 404, "ReleaseDefinitionNotFoundException"),
    ],
)
def test_what_is_missing_says_so_under_its_own_type(call: Caller, path: str, status: int, type_key: str) -> None:
    answer = call("GET", path)
    assert (answer.status_code, answer.json()["typeKey"]) == (status, type_key)
    assert answer.headers["X-VSS-UserData"].endswith(":maya@example.com")


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("GET", PROJECTS, {"params": {"stateFilter": "sideways"}}, 400),
        ("GET", PROJECTS, {"params": {"$top": "many"}}, 400),
        ("POST", "/acme/Storefront/_apis/git/repositories", {"data": b"{not json"}, 400),
        ("POST", "/acme/Storefront/_apis/git/repositories", {"json": ["a list"]}, 400),
        ("PUT", PROJECTS, {"json": {}}, 405),
    ],
)
def test_the_layer_that_reads_requests_complains_in_the_shape_of_a_list(
    call: Caller, method: str, path: str, more: dict[str, Any], status: int
) -> None:
    answer = call(method, path, **more)
    assert (answer.status_code, answer.json()["count"]) == (status, 1)
    assert list(answer.json()["value"]) == ["Message"]


def test_a_wrong_method_names_the_right_ones(call: Caller) -> None:
    assert call("PUT", PROJECTS, json={}).headers["Allow"] == "GET"
