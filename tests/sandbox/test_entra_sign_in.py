"""People sign in at the simulated Microsoft Entra: an authorization code, with PKCE."""

import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sandbox.entra.tokens import SignedToken
from sandbox.people import AZURE_DEVOPS, TENANT
from sandbox.server import Sandbox
from tests.sandbox.entra import Client, code, encoded

BACK = "http://127.0.0.1:9999/renew/return/"
BOTH = f"{AZURE_DEVOPS}/vso.pats {AZURE_DEVOPS}/vso.pats_manage"
VERIFIER = "a-verifier-that-is-long-enough-for-the-rules-of-pkce"
CHALLENGE = encoded(hashlib.sha256(VERIFIER.encode()).digest())


def authorize(entra: Client, **changes: str) -> requests.Response:
    """The answer of the sign-in page to Maya."""
    usual = {
        "client_id": entra.application("sign-in").client_id,
        "response_type": "code",
        "redirect_uri": BACK,
        "scope": f"{BOTH} openid profile",
        "state": "some-state",
        "nonce": "some-nonce",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "person": "maya@example.com",
    }
    asked = {name: value for name, value in {**usual, **changes}.items() if value}
    document = entra.get(f"/{TENANT}/v2.0/.well-known/openid-configuration").json()
    url = document["authorization_endpoint"]
    assert url.startswith("http://127.0.0.1")
    return entra.session.get(url, params=asked, allow_redirects=False, timeout=10)


def returned(answer: requests.Response) -> dict[str, str]:
    """What the application is told."""
    assert answer.status_code == 302
    address = urlsplit(answer.headers["Location"])
    assert address._replace(query="").geturl() == BACK
    return {name: value for name, [value] in parse_qs(address.query).items()}


def redeem(entra: Client, given: str, **changes: str) -> requests.Response:
    application = entra.application("sign-in")
    fields = {"code": given, "redirect_uri": BACK, "code_verifier": VERIFIER, "grant_type": "authorization_code"}
    secret = {"client_secret": application.secrets[0].value}
    return entra.token("sign-in", **{**secret, **fields, **changes})


@pytest.fixture
def given(entra: Client) -> str:
    """A code that has not been used."""
    return returned(authorize(entra))["code"]


def test_a_code_becomes_a_token_with_the_scopes_that_were_asked_for(
    entra: Client, sandbox: Sandbox, given: str
) -> None:
    body = redeem(entra, given).json()
    assert body["scope"] == BOTH
    assert "refresh_token" not in body
    claims = SignedToken.read(body["id_token"]).claims
    assert (claims["nonce"], claims["preferred_username"]) == ("some-nonce", "maya@example.com")
    header = {"Authorization": f"Bearer {body['access_token']}"}
    data = requests.get(f"{sandbox.url}/acme/_apis/connectionData", headers=header, timeout=10).json()
    assert data["authenticatedUser"]["providerDisplayName"] == "Maya Sample"
    pats = requests.get(
        f"{sandbox.url}/acme/_apis/tokens/pats?api-version=7.1-preview.1", headers=header, timeout=10
    ).json()
    assert "full" in [token["displayName"] for token in pats["patTokens"]]


def test_the_state_comes_back(entra: Client) -> None:
    assert returned(authorize(entra))["state"] == "some-state"


def test_a_code_can_be_used_once(entra: Client, given: str) -> None:
    assert redeem(entra, given).status_code == 200
    assert code(redeem(entra, given)) == (400, 54005)


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"code": "unknown"}, 70008),
        ({"code_verifier": "another"}, 501481),
        ({"code_verifier": ""}, 501481),
        ({"redirect_uri": "http://127.0.0.1:9999/other"}, 50011),
        ({"client_secret": "wrong"}, 7000215),
    ],
)
def test_a_code_is_refused_when_something_is_wrong(
    entra: Client, given: str, changes: dict[str, Any], number: int
) -> None:
    assert code(redeem(entra, given, **changes))[1] == number


def test_a_code_ends_after_ten_minutes(entra: Client, sandbox: Sandbox, given: str) -> None:
    sandbox.state.advance(600)
    assert code(redeem(entra, given)) == (400, 70008)


def test_consent_can_be_refused(entra: Client) -> None:
    said = returned(authorize(entra, decline="1", person=""))
    assert (said["error"], said["state"]) == ("access_denied", "some-state")
    assert said["error_description"].startswith("AADSTS65004")


def test_fewer_scopes_may_be_granted_than_asked_for(entra: Client) -> None:
    given = returned(authorize(entra, **{"without-vso.pats_manage": "1"}))["code"]
    assert redeem(entra, given).json()["scope"] == f"{AZURE_DEVOPS}/vso.pats"


@pytest.mark.parametrize("scope", [f"{AZURE_DEVOPS}/.default openid", "openid", f"{BOTH} {AZURE_DEVOPS}/.default"])
def test_the_default_scope_stands_beside_no_other(entra: Client, scope: str) -> None:
    assert returned(authorize(entra, scope=scope))["error"] == "invalid_scope"


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"redirect_uri": "https://example.com/return"}, 50011),
        ({"client_id": "00000000-1111-4222-8333-444444444444"}, 700016),
    ],
)
def test_who_asks_wrongly_gets_a_page_and_no_redirect(entra: Client, changes: dict[str, str], number: int) -> None:
    answer = authorize(entra, **changes)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert f"AADSTS{number}" in answer.text


def test_a_registered_address_is_compared_exactly(entra: Client) -> None:
    entra.application("sign-in").redirects.append(f"{BACK}exact")
    assert authorize(entra).status_code == 400
    assert authorize(entra, redirect_uri=f"{BACK}exact").status_code == 302


def test_the_page_offers_people_scopes_and_a_way_out(entra: Client) -> None:
    page = authorize(entra, person="").text
    for words in ("Maya Sample", "Noor Sample", "without vso.pats_manage", "Decline"):
        assert words in page
    assert "some-state" in page


def test_the_answer_may_be_posted(entra: Client) -> None:
    answer = authorize(entra, response_mode="form_post")
    assert answer.status_code == 200
    assert f'action="{BACK}"' in answer.text
