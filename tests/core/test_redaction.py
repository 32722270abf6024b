"""Secrets in texts are blacked out, in whatever way they are encoded."""

import base64

import pytest

from core.redaction import REDACTED, holds_secret, redact
from tests.connections.providers.azure_devops.conftest import SECRET

OLDER = "abcdefghijklmnopqrstuvwxyz234567" + "abcdefghijklmnopqrst"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("secret", [SECRET, OLDER], ids=["today's form", "older form"])
@pytest.mark.parametrize(
    "shape",
    [
        "{secret}",
        "token={secret}&x=1",
        "token%3D{secret}%26",
        "password%3a{secret}",
        '{{"token": "{secret}"}}',
        "https://someone:{secret}@dev.azure.com/acme",
        "(secret '{secret}')",
        "{secret}\n",
        "…{secret}…",
        "Authorization: Basic {basic}",
        "authorization: basic {basic}",
        "AUTHORIZATION: BASIC {basic}",
        "Authorization:%20Basic%20{basic}",
        "'Authorization': 'Basic {basic}'",
        "Bearer {secret}",
        "bearer {basic}",
        "{basic}",
        "{bare}",
        "x={bare}&y",
        "{named}",
        "-u :{secret}",
        "extraHeader=Authorization: Basic {named}",
    ],
)
def test_a_token_is_blacked_out_in_every_dress(secret: str, shape: str) -> None:
    forms = {
        "secret": secret,
        "basic": encoded(f":{secret}"),
        "bare": encoded(secret),
        "named": encoded(f"someone:{secret}"),
    }
    clean = redact(shape.format(**forms))
    assert REDACTED in clean
    for form in forms.values():
        core = form.rstrip("=")
        assert not any(core[start : start + 12] in clean for start in range(len(core) - 12))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "GET /code-repositories/1/ 200",
        "5f1c2d3e-0000-4000-8000-000000000000",
        "e0d501db4f5a08fe212e8ed7a8e8035fbef62416",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "/usr/local/lib/python/site/packages/connections/azure/devops/transport/answers/names/types",
        "Basic access is not enough",
        "The basic idea of a bearer token",
        "https://acme@dev.azure.com/acme/Web/_git/shop",
        "http://127.0.0.1:8061/acme@example.com",
        "a-rather-long-name-with-many-hyphens-that-is-longer-than-any-token-could-ever-hope-to-be",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("password", ["word", "p%40ss", "p@ss", "p:ss", "", "w?rd"])
def test_a_password_in_an_address_is_blacked_out(password: str) -> None:
    assert redact(f"proxy http://someone:{password}@proxy:3128/.") == f"proxy http://{REDACTED}@proxy:3128/."
    assert redact(f"redis://:{password}@broker:6379") == f"redis://{REDACTED}@broker:6379"


def test_several_secrets_are_blacked_out() -> None:
    assert redact(f"{SECRET} and {OLDER}") == f"{REDACTED} and {REDACTED}"


@pytest.mark.parametrize("around", ["{}", "Uses {} at night", "x\n{}\ny"])
@pytest.mark.parametrize(
    "secret",
    [
        SECRET,
        OLDER,
        encoded(f":{SECRET}"),
        "http://:x@proxy",
        "BaSic " + "b" * 16,
        "bearer%20" + "b" * 16,
        "eyJ" + "a" * 13 + ".b",
        "abc8Q~" + "d" * 31,
        "mfeo_" + "a" * 30,
        "https://hooks.slack.com/services/T0/B0",
        "https://example.com/?sig=abcdefgh",
        "whsec_" + "a" * 16,
        "-----BEGIN PRIVATE KEY-----",
        "PuTTY-User-Key-File-2",
        "ghp_" + "a" * 36,
        "github_pat_" + "a" * 22,
        "glpat-" + "a" * 20,
        "xoxb-" + "1" * 10,
        "AccountKey=abcdefgh",
        "SharedAccessKey = abcdefgh",
        "client_secret=abcdefgh",
        "ClientSecret=abcdefgh",
        "Password=abcdefgh",
        "PWD=abcdefgh",
        "pa\u017f\u017fword=abcdefgh",
    ],
)
def test_every_kind_of_secret_is_found_in_a_text(secret: str, around: str) -> None:
    assert holds_secret(around.format(secret))


@pytest.mark.parametrize(
    "text", ["", "pat", "Nightly build", "The password is with Olga", "https://dev.azure.com/acme/_build?id=1"]
)
def test_an_ordinary_text_holds_no_secret(text: str) -> None:
    assert not holds_secret(text)
