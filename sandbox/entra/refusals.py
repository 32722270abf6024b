"""The refusals of Microsoft Entra. https://learn.microsoft.com/entra/identity-platform/reference-error-codes

Each code has the `error` of OAuth, its usual status and its text. The same code has been seen with 400 and with 401.
"""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime

from sandbox.http_messages import JSON, Answer

NO_STORE = [("Cache-Control", "no-store, no-cache"), ("Pragma", "no-cache"), ("Expires", "-1")]


@dataclass(frozen=True)
class Refusal:
    """What a code says. `text` has places in braces for what was presented."""

    error: str
    status: int
    text: str


_CLIENT, _UNAUTHORIZED, _REQUEST, _GRANT = "invalid_client", "unauthorized_client", "invalid_request", "invalid_grant"
_INTERACTION, _BUSY = "interaction_required", "temporarily_unavailable"
REFUSALS: dict[int, Refusal] = {
    7000215: Refusal(
        _CLIENT,
        401,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
        "the client secret ID, for a secret added to app '{client}'.",
    ),
    7000222: Refusal(
        _CLIENT,
        401,
        "The provided client secret keys for app '{client}' are expired. Visit the Azure portal to create new keys "
        "for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: "
        "https://aka.ms/certCreds.",
    ),
    7000218: Refusal(
        _CLIENT,
        401,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
    700016: Refusal(
        _UNAUTHORIZED,
        400,
        "Application with identifier '{client}' was not found in the directory '{tenant}'. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant. You may have sent your authentication request to the wrong tenant.",
    ),
    7000112: Refusal(_UNAUTHORIZED, 400, "Application '{client}' ({name}) is disabled."),
    90002: Refusal(
        _REQUEST,
        400,
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant.",
    ),
    900023: Refusal(
        _REQUEST,
        400,
        "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain.",
    ),
    900144: Refusal(_REQUEST, 400, "The request body must contain the following parameter: '{parameter}'."),
    70003: Refusal("unsupported_grant_type", 400, "The app requested an unsupported grant type '{parameter}'."),
    70011: Refusal("invalid_scope", 400, "The provided value for the input parameter 'scope' is not valid."),
    500011: Refusal(
        "invalid_resource",
        400,
        "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant. You might have sent your authentication request to the wrong tenant.",
    ),
    50027: Refusal(_REQUEST, 400, "JWT token is invalid or malformed."),
    50013: Refusal(_CLIENT, 401, "Assertion failed signature validation."),
    50012: Refusal(_CLIENT, 401, "Client assertion contains an invalid signature."),
    700023: Refusal(_CLIENT, 401, "Client assertion audience claim does not match Realm issuer."),
    700024: Refusal(
        _CLIENT,
        401,
        "Client assertion is not within its valid time range. Current time: {now}, assertion valid from {starts}, "
        "expiry time of assertion {ends}.",
    ),
    700027: Refusal(
        _CLIENT,
        401,
        "The certificate with identifier used to sign the client assertion is not registered on application. "
        "[Reason - {reason}, Thumbprint of key used by client: '{thumbprint}'{found}]",
    ),
    700211: Refusal(
        _CLIENT, 401, "No matching federated identity record found for presented assertion issuer '{issuer}'."
    ),
    700212: Refusal(
        _CLIENT, 401, "No matching federated identity record found for presented assertion audience '{audience}'."
    ),
    700213: Refusal(
        _CLIENT, 401, "No matching federated identity record found for presented assertion subject '{subject}'."
    ),
    70021: Refusal(
        _REQUEST,
        400,
        "No matching federated identity record found for presented assertion. Assertion Issuer: '{issuer}'. Assertion "
        "Subject: '{subject}'. Assertion Audience: '{audience}'.",
    ),
    70025: Refusal(_CLIENT, 401, "The client '{client}'({name}) has no configured federated identity credentials."),
}


class TokenRefused(Exception):
    """Ends a request to the issuer with a refusal."""

    def __init__(self, code: int, **presented: str) -> None:
        super().__init__(f"refused with AADSTS{code}")
        self.code = code
        self.presented = presented


def refusal(code: int, now: datetime, presented: dict[str, str], *, status: int | None = None) -> Answer:
    """The answer with a code, in the recorded shape."""
    said = REFUSALS[code]
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    at = now.strftime("%Y-%m-%d %H:%M:%SZ")
    text = f"AADSTS{code}: {said.text.format_map(_Presented(presented))}"
    body = {
        "error": said.error,
        "error_description": f"{text} Trace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {at}",
        "error_codes": [code],
        "timestamp": at,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={code}",
    }
    headers = [*NO_STORE, ("Content-Type", JSON), ("x-ms-request-id", trace)]
    return Answer(status or said.status, json.dumps(body).encode(), headers)


class _Presented(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"<{name}>"
