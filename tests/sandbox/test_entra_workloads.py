"""Applications without a secret: tokens of another issuer, and managed identities."""

from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.entra.directory import FederatedCredential
from sandbox.entra.managed_identity import IDENTITY_HEADER
from sandbox.people import AZURE_DEVOPS
from sandbox.server import Sandbox
from tests.sandbox.entra import Client, code, signed

MACHINE, SERVICE = "/metadata/identity/oauth2/token", "/msi/token"


def test_a_token_of_another_issuer_gets_an_access_token(entra: Client, sandbox: Sandbox) -> None:
    assert entra.by_assertion(sandbox.entra.workload_token()).status_code == 200


@pytest.mark.parametrize(
    ("claims", "refused"),
    [
        ({"iss": "https://oidc.example.com/cluster"}, 700211),
        ({"sub": "system:serviceaccount:sandbox:Full"}, 700213),
        ({"aud": "api://azureadtokenexchange"}, 700212),
        ({"exp": 1}, 700024),
        ({"nbf": 4_000_000_000}, 700024),
    ],
)
def test_issuer_subject_and_audience_are_compared_letter_by_letter(
    entra: Client, sandbox: Sandbox, claims: dict[str, Any], refused: int
) -> None:
    answer = entra.by_assertion(sandbox.entra.workload_token("full", **claims))
    assert code(answer)[1] == refused
    [(name, presented)] = claims.items()
    assert name in ("exp", "nbf") or str(presented) in answer.json()["error_description"]


def test_an_application_may_have_no_federated_credential(entra: Client, sandbox: Sandbox) -> None:
    entra.application().federated.clear()
    assert code(entra.by_assertion(sandbox.entra.workload_token())) == (401, 70025)


def test_an_issuer_may_be_made_known_to_the_sandbox(entra: Client, sandbox: Sandbox) -> None:
    key = rsa.generate_private_key(65537, 2048)
    now = sandbox.state.now().timestamp()
    claims = {"iss": "https://own.example.com", "sub": "me", "aud": "api://AzureADTokenExchange", "exp": now + 60}
    token = signed(key, {"alg": "RS256"}, claims)
    entra.application().federated.append(FederatedCredential("https://own.example.com", "me"))
    assert code(entra.by_assertion(token)) == (401, 50013)
    sandbox.entra.trust("https://own.example.com", key.public_key())
    assert entra.by_assertion(token).status_code == 200
    assert code(entra.by_assertion(signed(key, {"alg": "PS256"}, claims))) == (401, 50013)


def identity(sandbox: Sandbox, path: str, *, header: dict[str, str], **query: str) -> requests.Response:
    return requests.get(sandbox.url + path, params=query, headers=header, timeout=10)


ON_MACHINE = {"Metadata": "true"}
IN_SERVICE = {"X-IDENTITY-HEADER": IDENTITY_HEADER}


def test_a_machine_has_an_identity_and_all_its_numbers_are_strings(sandbox: Sandbox) -> None:
    asked = {"api-version": "2018-02-01", "resource": AZURE_DEVOPS}
    body = identity(sandbox, MACHINE, header=ON_MACHINE, **asked).json()
    assert all(isinstance(value, str) for value in body.values())
    assert int(body["expires_on"]) == int(sandbox.state.now().timestamp()) + int(body["expires_in"])
    header = {"Authorization": f"Bearer {body['access_token']}"}
    assert requests.get(f"{sandbox.url}/acme/_apis/projects", headers=header, timeout=10).status_code == 200


def test_app_service_has_an_identity(sandbox: Sandbox) -> None:
    asked = {"api-version": "2019-08-01", "resource": AZURE_DEVOPS}
    body = identity(sandbox, SERVICE, header=IN_SERVICE, **asked).json()
    assert set(body) == {"access_token", "client_id", "expires_on", "resource", "token_type"}
    assert isinstance(body["expires_on"], str)


def test_the_agent_of_azure_arc_wants_the_content_of_a_file(sandbox: Sandbox) -> None:
    asked = {"api-version": "2020-06-01", "resource": AZURE_DEVOPS}
    challenge = identity(sandbox, MACHINE, header=ON_MACHINE, **asked)
    name = challenge.headers["WWW-Authenticate"].removeprefix("Basic realm=")
    key = {"Authorization": f"Basic {Path(name).read_text(encoding='ascii')}"}
    wrong = identity(sandbox, MACHINE, header=ON_MACHINE | {"Authorization": "Basic wrong"}, **asked)
    body = identity(sandbox, MACHINE, header=ON_MACHINE | key, **asked).json()
    assert (challenge.status_code, wrong.status_code) == (401, 401)
    header = {"Authorization": f"Bearer {body['access_token']}"}
    assert requests.get(f"{sandbox.url}/acme/_apis/projects", headers=header, timeout=10).status_code == 200


@pytest.mark.parametrize(
    ("path", "header", "query", "status"),
    [
        (MACHINE, {}, {}, 400),
        (MACHINE, ON_MACHINE, {"api-version": ""}, 400),
        (MACHINE, ON_MACHINE, {"resource": ""}, 400),
        (MACHINE, ON_MACHINE, {"resource": "https://app.vssps.visualstudio.com"}, 400),
        (MACHINE, ON_MACHINE, {"client_id": "00000000-1111-4222-8333-444444444444"}, 400),
        (SERVICE, {"X-IDENTITY-HEADER": "wrong"}, {"api-version": "2019-08-01"}, 401),
        (SERVICE, IN_SERVICE, {"api-version": "2018-02-01"}, 400),
    ],
)
def test_a_request_for_an_identity_that_is_not_in_order_is_refused(
    sandbox: Sandbox, path: str, header: dict[str, str], query: dict[str, str], status: int
) -> None:
    asked = {"api-version": "2018-02-01", "resource": AZURE_DEVOPS, **query}
    answer = identity(sandbox, path, header=header, **asked)
    assert (answer.status_code, set(answer.json())) == (status, {"error", "error_description"})


def test_an_identity_may_be_named_by_its_client_id(sandbox: Sandbox) -> None:
    managed = sandbox.entra.directory.named("managed")
    asked = {"api-version": "2018-02-01", "resource": AZURE_DEVOPS, "client_id": managed.client_id}
    assert identity(sandbox, MACHINE, header=ON_MACHINE, **asked).json()["client_id"] == managed.client_id


def test_a_fault_of_the_issuer_affects_managed_identities(sandbox: Sandbox) -> None:
    sandbox.entra.behaviour.add("throttle", path="/metadata/")
    asked = {"api-version": "2018-02-01", "resource": AZURE_DEVOPS}
    assert identity(sandbox, MACHINE, header=ON_MACHINE, **asked).status_code == 429
