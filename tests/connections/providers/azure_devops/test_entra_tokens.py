"""Access tokens of Entra ID, which people paste instead of a personal access token."""

import base64
import json
import re

import pytest

from connections.providers.azure_devops.identifiers import (
    InvalidToken,
    read_token,
)
from core.redaction import REDACTED, redact


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def access_token(header: object = None, *, length: int = 1_500) -> str:
    """As Microsoft Entra makes them: a header, claims and a signature, in base64url."""
    claims = part({"aud": "499b84ac-1321-427f-aa17-267ca6975798", "scp": "x" * length, "name": "Zoë Sample"})
    return f"{part(header or {'typ': 'JWT', 'alg': 'RS256', 'kid': 'cm2x'})}.{claims}.{'Ab-_' * 85}"


@pytest.mark.parametrize(
    "pasted",
    [
        pytest.param(access_token(), id="as it is"),
        pytest.param(access_token(length=1), id="short enough for a personal access token"),
        pytest.param(access_token(length=50_000), id="longer than anything"),
        pytest.param(access_token()[:-341], id="without its signature"),
        pytest.param(access_token({"alg": "RS256"}), id="without a type"),
        pytest.param(access_token({"alg": "RSA-OAEP", "enc": "A256GCM"}), id="encrypted"),
        pytest.param(f'"{access_token()}"\n', id="in quotes"),
        pytest.param(f"Authorization: Bearer {access_token()}", id="as a header"),
        pytest.param(
            json.dumps({"accessToken": access_token(), "tokenType": "Bearer"}, indent=2), id="as az prints it"
        ),
        pytest.param("\r\n".join(re.findall(".{1,64}", access_token())), id="broken into lines"),
    ],
)
def test_an_access_token_of_entra_is_known_as_one(pasted: str) -> None:
    with pytest.raises(InvalidToken) as raised:
        read_token(pasted)
    assert raised.value.code == "entra_access_token"
    assert vars(raised.value) == {"code": "entra_access_token"}


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(part(["alg"]), id="a list"),
        pytest.param(part({"typ": "JWT", "alg": 7}), id="an algorithm that is no text"),
        pytest.param(part({"typ": "JWT"}), id="no algorithm"),
        pytest.param(part("alg, but only in words"), id="a text"),
        pytest.param("eyJhbGciOiJSUzI1NiJ", id="no JSON to its end"),
        pytest.param(base64.urlsafe_b64encode(b'{"alg":' + b"[" * 1_500).decode().rstrip("="), id="nested deeply"),
    ],
)
def test_what_only_looks_like_an_access_token_is_not_called_one(header: str) -> None:
    pasted = f"{header}.abc.def"
    if len(pasted) <= 200:
        assert read_token(pasted).reveal() == pasted
        return
    with pytest.raises(InvalidToken) as raised:
        read_token(pasted)
    assert raised.value.code == "too_long"


@pytest.mark.parametrize("shape", ["{}", "token={}&x", "Bearer {}", '{{"accessToken": "{}"}}', "a%3A{}", "({})"])
def test_an_access_token_is_blacked_out(shape: str) -> None:
    token = access_token()
    clean = redact(shape.format(token))
    assert REDACTED in clean
    assert not any(token[start : start + 12] in clean for start in range(len(token) - 12))
