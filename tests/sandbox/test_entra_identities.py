"""What Azure DevOps answers to an identity of Microsoft Entra."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
import requests

from sandbox.people import GRAPH, TENANT
from sandbox.server import Sandbox
from tests.sandbox.conftest import Caller

PROJECTS = "/acme/_apis/projects"
GIT = "/acme/_apis/git/repositories"
Ask = Callable[..., requests.Response]


@pytest.fixture
def ask(call: Caller, sandbox: Sandbox) -> Ask:
    """Calls Azure DevOps as one of the sample applications, with a token issued for this call."""

    def asking(name: str, path: str = PROJECTS, *, method: str = "GET", token: str = "", **more: Any) -> Any:
        bearer = {"Authorization": f"Bearer {token or sandbox.entra.access_token(name)}"}
        return call(method, path, token=None, headers=bearer, **more)

    return asking


def test_an_access_token_opens_as_bearer_and_as_the_password_of_a_basic_header(call: Caller, sandbox: Sandbox) -> None:
    token = sandbox.entra.access_token("full")
    basic = base64.b64encode(f":{token}".encode()).decode()
    for header in (f"Bearer {token}", f"bearer {token}", f"Basic {basic}"):
        assert call("GET", PROJECTS, token=None, headers={"Authorization": header}).status_code == 200


def test_a_principal_has_no_mail_address_and_two_ids(ask: Ask, sandbox: Sandbox) -> None:
    user = ask("full", "/acme/_apis/connectionData", version="7.1-preview").json()["authenticatedUser"]
    object_id = sandbox.entra.directory.named("full").principal.object_id
    assert user["descriptor"] == f"Microsoft.VisualStudio.Services.Claims.AadServicePrincipal;{TENANT}\\{object_id}"
    kind, _, encoded = user["subjectDescriptor"].partition(".")
    assert (kind, user["id"] == base64.b64decode(encoded).decode()) == ("aadsp", False)
    assert "@" not in str(user)
    assert user["providerDisplayName"] == "Sandbox full"


def test_who_is_not_a_member_is_told_the_object_id_to_add(ask: Ask, sandbox: Sandbox) -> None:
    answer = ask("not-a-member")
    assert (answer.status_code, answer.json()["typeKey"]) == (401, "UnauthorizedRequestException")
    object_id = sandbox.entra.directory.named("not-a-member").principal.object_id
    begins = f"TF401444: Please sign-in at least once as {TENANT}\\{TENANT}\\{object_id} "
    assert answer.json()["message"].startswith(begins)


def test_a_member_without_a_licence_is_named_by_its_id(ask: Ask, sandbox: Sandbox) -> None:
    answer = ask("no-licence")
    principal = sandbox.entra.directory.named("no-licence").principal
    assert answer.status_code == 401
    assert answer.json()["message"].startswith(f"TF400813: The user '{principal.id}' is not authorized")


def test_a_stakeholder_sees_projects_and_builds_and_no_code(ask: Ask) -> None:
    assert ask("stakeholder").json()["count"] == 2
    assert ask("stakeholder", GIT).json()["count"] == 0
    answer = ask("stakeholder", "/acme/Storefront/_apis/git/repositories/Storefront/refs")
    assert answer.status_code == 404
    assert answer.json()["message"].startswith("TF401019")
    assert ask("stakeholder", "/acme/Storefront/_apis/build/definitions").json()["count"] > 0


def test_an_identity_of_another_tenant_is_not_materialized(ask: Ask) -> None:
    answer = ask("other-tenant")
    assert (answer.status_code, answer.json()["typeKey"]) == (401, "AadUserStateException")


@pytest.mark.parametrize("suppress", [True, False])
def test_an_expired_token_is_refused_or_redirected(ask: Ask, sandbox: Sandbox, suppress: bool) -> None:
    token = sandbox.entra.access_token("full")
    sandbox.state.advance(100 * 60)
    answer = ask("full", token=token, suppress=suppress)
    assert answer.status_code == (401 if suppress else 302)
    assert answer.headers["X-VSS-ResourceTenant"] == TENANT
    assert suppress or "/_signin" in answer.headers["Location"]


def test_a_token_for_another_resource_is_no_token(ask: Ask, sandbox: Sandbox) -> None:
    token = sandbox.entra.access_token("full", resource=GRAPH)
    assert ask("full", token=token).json()["typeKey"] == "UnauthorizedRequestException"
    assert ask("full", token="e30.e30.e30").status_code == 401


@pytest.mark.parametrize("suppress", [True, False])
def test_an_organization_tells_anyone_its_tenant(call: Caller, suppress: bool) -> None:
    answer = call("GET", PROJECTS, token=None, suppress=suppress)
    assert answer.headers["X-VSS-ResourceTenant"] == TENANT
    uri = f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}"
    assert uri in answer.headers["WWW-Authenticate"]


def test_an_organization_of_microsoft_accounts_has_no_tenant(call: Caller, sandbox: Sandbox) -> None:
    sandbox.state.organizations["acme"].tenant = None
    answer = call("GET", PROJECTS, token=None)
    assert answer.headers["X-VSS-ResourceTenant"] == "00000000-0000-0000-0000-000000000000"
    assert "Bearer" not in answer.headers["WWW-Authenticate"]


def test_a_disabled_application_keeps_the_tokens_that_it_has(ask: Ask, sandbox: Sandbox) -> None:
    token = sandbox.entra.access_token("full")
    sandbox.entra.directory.named("full").is_enabled = False
    assert ask("full", token=token).status_code == 200


def test_a_principal_needs_no_scope_but_rights(ask: Ask) -> None:
    build = "/acme/Storefront/_apis/build/builds"
    assert ask("reader", build).json()["count"] > 0
    answer = ask("reader", build, method="POST", json={"definition": {"id": 1}})
    assert (answer.status_code, answer.json()["typeKey"]) == (403, "AccessDeniedException")
    assert ask("limited", build, method="POST", json={"definition": {"id": 1}}).status_code == 200
    elsewhere = ask(
        "limited", build.replace("Storefront", "Payments API"), method="POST", json={"definition": {"id": 1}}
    )
    assert elsewhere.status_code == 403


@pytest.mark.parametrize(
    ("right", "path"),
    [
        ("GenericRead", "git/repositories"),
        ("View builds", "build/definitions"),
        ("View builds", "pipelines"),
        ("view releases", "release/definitions"),
    ],
)
def test_an_area_may_be_closed_to_a_principal(ask: Ask, sandbox: Sandbox, right: str, path: str) -> None:
    principal = sandbox.entra.directory.named("full").principal
    sandbox.state.organizations["acme"].denied_to[principal.id] = frozenset({right})
    assert ask("full", f"/acme/Storefront/_apis/{path}").status_code == 403


def test_a_server_takes_no_token_of_microsoft_entra(playing: Callable[..., Sandbox], sandbox: Sandbox) -> None:
    from sandbox.editions import SERVERS

    server = playing(edition=SERVERS["2022"])
    server.state.access_tokens = sandbox.state.access_tokens
    header = {"Authorization": f"Bearer {sandbox.entra.access_token('full')}"}
    url = f"{server.url}/DefaultCollection/_apis/projects"
    assert requests.get(url, headers=header, timeout=10).status_code == 401
    assert server.has_entra is False
