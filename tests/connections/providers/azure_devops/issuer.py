"""What Microsoft Entra answers at its token endpoint, for scripts of loopback servers."""

from urllib.parse import parse_qs

from connections.providers.azure_devops.entra_credentials import EntraClientSecret
from tests.connections.providers.azure_devops.loopback import Seen, json_answer

TENANT, CLIENT = "5d0c1fa2-6b3e-4d57-9a35-51c6a1d1a001", "5d0c1fa2-6b3e-4d57-9a35-51c6a1d1a002"
SECRET = "Zq8~made-up-client-secret_0123456789.ab"
CREDENTIAL = EntraClientSecret.of(TENANT, CLIENT, SECRET)
TRACE, CORRELATION = "0f0e0d0c-1111-2222-3333-444455556666", "0f0e0d0c-aaaa-bbbb-cccc-ddddeeeeffff"


def issued(text: str, *, lasts: object = 3599) -> bytes:
    """A granted request."""
    return json_answer({"token_type": "Bearer", "expires_in": lasts, "ext_expires_in": lasts, "access_token": text})


def refused(number: int, *, error: str = "invalid_client", status: int = 401, listed: bool = True) -> bytes:
    """A refused request, with a description that repeats the secret."""
    said = {
        "error": error,
        "error_description": f"AADSTS{number}: Not this one: {SECRET}. Trace ID: {TRACE}",
        "timestamp": "2026-11-29 15:00:26Z",
        "trace_id": TRACE,
        "correlation_id": CORRELATION,
        **({"error_codes": [number]} if listed else {}),
    }
    return json_answer(said, status=status)


def form(seen: Seen) -> dict[str, str]:
    """The fields of a token request."""
    return {name: value for name, (value,) in parse_qs(seen.body.decode(), strict_parsing=True).items()}
