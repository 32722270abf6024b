"""The simulated Microsoft Entra: access tokens for applications, and its refusals."""

import base64
import hashlib
import ssl
from datetime import timedelta
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from sandbox.entra.tokens import SignedToken, public_key
from sandbox.people import TENANT
from sandbox.server import Sandbox
from tests.sandbox.entra import Client, code, encoded, signed

NOWHERE = "00000000-1111-4222-8333-444444444444"


def test_only_who_trusts_its_authority_connects(sandbox: Sandbox, entra: Client) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        entra.session.get(sandbox.entra.url, timeout=10)
    context = ssl.create_default_context(cafile=str(sandbox.entra.ca_file))
    assert context.cert_store_stats()["x509_ca"] == 1
    assert entra.get("/").status_code == 404


def test_discovery_leads_to_the_token_endpoint_of_the_tenant(entra: Client) -> None:
    document = entra.get(f"/{TENANT}/v2.0/.well-known/openid-configuration").json()
    assert document["token_endpoint"] == entra.endpoint(TENANT)
    assert document["issuer"] == f"{entra.sandbox.entra.url}/{TENANT}/v2.0"


@pytest.mark.parametrize(("tenant", "number"), [(NOWHERE, 90002), ("nonsense", 900023), ("no.example.com", 90002)])
def test_an_unknown_tenant_is_refused_by_discovery_and_by_the_token_endpoint(
    entra: Client, tenant: str, number: int
) -> None:
    assert code(entra.get(f"/{tenant}/v2.0/.well-known/openid-configuration")) == (400, number)
    assert code(entra.token(tenant=tenant, client_secret="any")) == (400, number)


def test_a_secret_gets_a_token_that_lives_sixty_to_ninety_minutes(entra: Client) -> None:
    answer = entra.by_secret()
    body = answer.json()
    assert list(body) == ["token_type", "expires_in", "ext_expires_in", "access_token"]
    assert body["token_type"] == "Bearer"
    assert 3599 - 1 <= body["expires_in"] <= 5400
    assert "no-store" in answer.headers["Cache-Control"]


def test_an_access_token_is_signed_with_the_published_key_and_names_the_principal(entra: Client) -> None:
    token = SignedToken.read(entra.by_secret().json()["access_token"])
    [key] = entra.get(f"/{TENANT}/discovery/v2.0/keys").json()["keys"]
    assert token.is_signed_by(public_key(key))
    assert token.claims["oid"] == entra.application().principal.object_id
    assert (token.claims["tid"], token.claims["appid"]) == (TENANT, entra.application().client_id)


def test_the_three_ids_of_an_application_differ(entra: Client) -> None:
    application = entra.application()
    assert len({application.client_id, application.object_id, application.principal.object_id}) == 3


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"client_secret": "wrong"}, (401, 7000215)),
        ({}, (401, 7000218)),
        ({"client_id": NOWHERE, "client_secret": "any"}, (400, 700016)),
        ({"client_secret": "any", "without": "client_id"}, (400, 900144)),
        ({"client_secret": "any", "without": "grant_type"}, (400, 900144)),
        ({"client_secret": "any", "grant_type": "password"}, (400, 70003)),
        ({"client_assertion_type": "jwt", "client_assertion": "a.b.c"}, (400, 50027)),
    ],
)
def test_what_is_wrong_is_refused_with_its_code(
    entra: Client, fields: dict[str, Any], refused: tuple[int, int]
) -> None:
    assert code(entra.token(**fields)) == refused


@pytest.mark.parametrize(
    ("scope", "number"),
    [
        ("", 900144),
        ("499b84ac-1321-427f-aa17-267ca6975798/vso.code", 70011),
        ("https://graph.microsoft.com/.default 499b84ac-1321-427f-aa17-267ca6975798/.default", 70011),
        ("https://app.vssps.visualstudio.com/.default", 500011),
    ],
)
def test_a_scope_has_to_be_the_default_of_one_known_resource(entra: Client, scope: str, number: int) -> None:
    secret = entra.application().secrets[0].value
    assert code(entra.token(client_secret=secret, scope=scope)) == (400, number)


def test_the_id_of_a_secret_is_not_the_secret(entra: Client) -> None:
    assert code(entra.token(client_secret=entra.application().secrets[0].key_id)) == (401, 7000215)


def test_a_secret_expires_while_another_one_works(entra: Client) -> None:
    first, expired = entra.application().secrets
    assert code(entra.token(client_secret=expired.value)) == (401, 7000222)
    entra.sandbox.entra.expire_secrets("full")
    assert code(entra.token(client_secret=first.value)) == (401, 7000222)
    assert entra.token(client_secret=entra.sandbox.entra.add_secret("full")).status_code == 200


def test_a_disabled_application_gets_no_token(entra: Client) -> None:
    assert code(entra.by_secret("disabled")) == (400, 7000112)


def test_an_application_is_unknown_in_another_tenant(entra: Client) -> None:
    other = entra.application("other-tenant").tenant
    assert code(entra.token(tenant=other, client_secret="any")) == (400, 700016)
    assert entra.by_secret("other-tenant").status_code == 200


def _headers(entra: Client) -> list[dict[str, Any]]:
    certificate, _ = entra.key()
    content = certificate.public_bytes(Encoding.DER)
    sha256, sha1 = (encoded(hashlib.new(name, content).digest()) for name in ("sha256", "sha1"))
    chain = base64.b64encode(content).decode()
    lines = "\n".join(chain[start : start + 64] for start in range(0, len(chain), 64)) + "\n"
    return [
        {"alg": "PS256", "typ": "JWT", "x5t#S256": sha256},
        {"alg": "PS256", "typ": "JWT", "x5t#S256": f"{sha256}=", "x5c": [lines]},
        {"alg": "RS256", "typ": "JWT", "x5t": sha1},
        {"alg": "RS256", "x5t": f"{sha1}="},
    ]


@pytest.mark.parametrize("form", range(4))
@pytest.mark.parametrize("times", [{}, {"nbf": 0}, {"exp": 1_795_608_600, "iat": 1_795_608_000}])
def test_a_certificate_gets_a_token_however_the_assertion_is_written(
    entra: Client, form: int, times: dict[str, Any]
) -> None:
    assertion = entra.assertion(_headers(entra)[form], **times)
    assert entra.by_assertion(assertion).status_code == 200


@pytest.mark.parametrize(
    ("claims", "number"),
    [
        ({"exp": 1}, 700024),
        ({"nbf": 4_000_000_000}, 700024),
        ({"exp": "soon"}, 50027),
        ({"aud": "https://login.microsoftonline.com/common"}, 700023),
        ({"sub": NOWHERE}, 50027),
    ],
)
def test_an_assertion_that_says_something_wrong_is_refused(entra: Client, claims: dict[str, Any], number: int) -> None:
    assert code(entra.by_assertion(entra.assertion(**claims)))[1] == number


def test_the_end_of_an_assertion_is_in_the_refusal(entra: Client) -> None:
    text = entra.by_assertion(entra.assertion(exp=0)).json()["error_description"]
    assert "expiry time of assertion 1970-01-01T00:00:00Z" in text


def test_a_certificate_that_is_not_registered_is_named_by_its_thumbprint(entra: Client) -> None:
    entra.key()
    thumbprint = encoded(b"\xab" * 32)
    answer = entra.by_assertion(entra.assertion({"alg": "PS256", "x5t#S256": thumbprint}))
    assert code(answer) == (401, 700027)
    assert "[Reason - The key was not found." in answer.json()["error_description"]
    assert "'" + "AB" * 32 + "'" in answer.json()["error_description"]


def test_a_certificate_that_has_expired_is_refused_with_its_times(entra: Client, sandbox: Sandbox) -> None:
    sandbox.state.advance(timedelta(days=400).total_seconds())
    answer = entra.by_assertion(entra.assertion())
    assert code(answer) == (401, 700027)
    assert "[Reason - The key used is expired." in answer.json()["error_description"]
    assert "Found key 'Start=" in answer.json()["error_description"]


def test_a_key_that_does_not_belong_to_the_certificate_is_refused(entra: Client) -> None:
    certificate, _ = entra.key()
    header = {"alg": "PS256", "x5t#S256": encoded(certificate.fingerprint(hashes.SHA256()))}
    other = rsa.generate_private_key(65537, 2048)
    assert code(entra.by_assertion(signed(other, header, entra.claims()))) == (401, 50012)


@pytest.mark.parametrize("assertion", ["", "a.b", "a.b.c", "e30.e30.e30", "....", "W10.W10.W10"])
def test_a_malformed_assertion_is_refused(entra: Client, assertion: str) -> None:
    assert code(entra.by_assertion(assertion)) == (400, 50027)


def test_an_assertion_of_an_unknown_algorithm_is_refused(entra: Client) -> None:
    _, key = entra.key()
    assert code(entra.by_assertion(signed(key, {"alg": "none"}, entra.claims()))) == (400, 50027)
