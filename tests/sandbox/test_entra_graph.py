"""The sandbox's Microsoft Graph: what an application reads about itself, and what it is refused."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from sandbox.people import GRAPH
from sandbox.server import Sandbox
from tests.sandbox.entra import Client

Asked = Callable[..., requests.Response]


@pytest.fixture
def ask(sandbox: Sandbox) -> Asked:
    """Read an application, by default itself, with an access token of an application."""

    def asked(name: str, *, of: str = "", resource: str = GRAPH, query: str = "") -> requests.Response:
        entra = sandbox.entra
        bearer = {"Authorization": f"Bearer {entra.access_token(name, resource=resource)}"}
        path = f"/v1.0/applications(appId='{of or entra.directory.named(name).client_id}'){query}"
        return requests.get(entra.url + path, headers=bearer, verify=str(entra.ca_file), timeout=10)

    return asked


def refused(answer: requests.Response) -> tuple[int, str]:
    error: dict[str, Any] = answer.json()["error"]
    assert list(error) == ["code", "message", "innerError"]
    assert list(error["innerError"]) == ["date", "request-id", "client-request-id"]
    return answer.status_code, error["code"]


def test_an_application_with_the_permission_reads_its_own_dates(ask: Asked, sandbox: Sandbox) -> None:
    application = sandbox.entra.directory.named("dated")
    answer = ask("dated", query="?$select=displayName,passwordCredentials")
    assert list(answer.json()) == ["@odata.context", "displayName", "passwordCredentials"]
    [secret] = answer.json()["passwordCredentials"]
    value = application.secrets[0].value
    assert (secret["hint"], secret["secretText"], secret["keyId"]) == (value[:3], None, application.secrets[0].key_id)
    assert secret["endDateTime"].endswith("Z")
    assert value not in answer.text


def test_certificates_are_listed_with_their_thumbprints(ask: Asked, sandbox: Sandbox) -> None:
    sandbox.entra.certificate_file("dated")
    [certificate] = ask("dated").json()["keyCredentials"]
    assert (certificate["type"], certificate["usage"]) == ("AsymmetricX509Cert", "Verify")


def test_without_the_permission_it_is_refused(ask: Asked) -> None:
    assert refused(ask("full")) == (403, "Authorization_RequestDenied")


def test_a_permission_is_in_new_access_tokens_only(entra: Client, sandbox: Sandbox, ask: Asked) -> None:
    before = sandbox.entra.access_token("full", resource=GRAPH)
    entra.application("full").may_read_applications = True
    path = f"/v1.0/applications(appId='{entra.application('full').client_id}')"
    bearer = {"Authorization": f"Bearer {before}"}
    old = requests.get(sandbox.entra.url + path, headers=bearer, verify=str(sandbox.entra.ca_file), timeout=10)
    assert (old.status_code, ask("full").status_code) == (403, 200)


def test_a_token_for_azure_devops_has_the_wrong_audience(ask: Asked) -> None:
    answer = ask("dated", resource="499b84ac-1321-427f-aa17-267ca6975798")
    assert refused(answer) == (401, "InvalidAuthenticationToken")
    assert "Invalid audience" in answer.text


def test_without_a_token_it_is_refused(entra: Client) -> None:
    answer = entra.get(f"/v1.0/applications(appId='{entra.application('dated').client_id}')")
    assert refused(answer) == (401, "InvalidAuthenticationToken")


def test_an_application_of_another_tenant_does_not_exist(ask: Asked, sandbox: Sandbox) -> None:
    answer = ask("dated", of=sandbox.entra.directory.named("other-tenant").client_id)
    assert refused(answer) == (404, "Request_ResourceNotFound")


def test_a_secret_is_refused_after_the_date_that_is_shown(sandbox: Sandbox) -> None:
    application = sandbox.entra.directory.named("dated")
    assert all(secret.expires_at is not None for secret in application.secrets)
