"""Microsoft Graph, as far as an application may read there when its own secrets and certificates expire.

https://learn.microsoft.com/graph/api/application-get
https://learn.microsoft.com/graph/api/resources/passwordcredential

It is at the address of the issuer. What is permitted is in the access token, so a new permission needs a new one.
"""

import base64
import hashlib
import re
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding

from sandbox.entra.access_tokens import APPLICATION_READ
from sandbox.entra.answers import json_answer
from sandbox.entra.directory import Application, ClientSecret
from sandbox.http_messages import Answer, Request
from sandbox.ids import stable_id
from sandbox.people import GRAPH, AccessToken

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from sandbox.entra.issuer import Issuer

_BY_CLIENT_ID = re.compile(r"applications\(appId='([^']*)'\)")
_BY_OBJECT_ID = re.compile(r"[0-9a-f-]{36}")


def is_asked(path: list[str]) -> bool:
    """Whether a path is one of Microsoft Graph."""
    return path[:1] == ["v1.0"]


def _application(issuer: "Issuer", tenant: str, wanted: str) -> Application | None:
    """The application of a tenant with this client id or object id."""
    for application in issuer.directory:
        if application.tenant == tenant and wanted in (application.client_id, application.object_id):
            return application
    return None


def answer(issuer: "Issuer", request: Request) -> Answer:
    """An application with its credentials, without any secret."""
    now = issuer.state.now()
    token = _token(issuer, request)
    problem = _problem_with(token, now)
    if token is None or problem:
        return _refused(401, "InvalidAuthenticationToken", problem, now)
    if request.method != "GET" or not (wanted := _wanted(request.path[1:])):
        return _refused(400, "BadRequest", "Resource not found for the segment.", now)
    if APPLICATION_READ not in token.scopes:
        return _refused(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.", now)
    found = _application(issuer, token.tenant, wanted)
    if found is None:
        text = f"Resource '{wanted}' does not exist or one of its queried reference-property objects are not present."
        return _refused(404, "Request_ResourceNotFound", text, now)
    issuer.load_certificate(found)
    return json_answer(_selected(_shown(found), request.query.get("$select", "")))


def _token(issuer: "Issuer", request: Request) -> AccessToken | None:
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    return issuer.state.access_tokens.get(text.strip()) if kind.lower() == "bearer" else None


def _problem_with(token: AccessToken | None, now: datetime) -> str:
    if token is None:
        return "Access token is empty."
    if token.audience != GRAPH:
        return "Access token validation failure. Invalid audience."
    return "Lifetime validation failed, the token is expired." if token.has_expired(now) else ""


def _wanted(path: list[str]) -> str:
    """The client id or object id that a path names; empty for any other path."""
    if len(path) == 1 and (named := _BY_CLIENT_ID.fullmatch(path[0])):
        return named[1].lower()
    is_object = len(path) == 2 and path[0] == "applications" and _BY_OBJECT_ID.fullmatch(path[1].lower())
    return path[1].lower() if is_object else ""


def _shown(application: Application) -> dict[str, Any]:
    return {
        "id": application.object_id,
        "appId": application.client_id,
        "displayName": application.display_name,
        "passwordCredentials": list(map(_secret, application.secrets)),
        "keyCredentials": list(map(_certificate, application.certificates)),
    }


def _secret(secret: ClientSecret) -> dict[str, Any]:
    return {
        "customKeyIdentifier": None,
        "displayName": secret.name,
        "endDateTime": _time(secret.expires_at),
        "hint": secret.value[:3] if secret.has_hint else None,
        "keyId": secret.key_id,
        "secretText": None,
        "startDateTime": _time(secret.created_at),
    }


def _certificate(certificate: "Certificate") -> dict[str, Any]:
    thumbprint = hashlib.sha1(certificate.public_bytes(Encoding.DER), usedforsecurity=False).digest()
    return {
        "customKeyIdentifier": base64.b64encode(thumbprint).decode(),
        "displayName": certificate.subject.rfc4514_string(),
        "endDateTime": _time(certificate.not_valid_after_utc),
        "key": None,
        "keyId": stable_id("key", thumbprint.hex()),
        "startDateTime": _time(certificate.not_valid_before_utc),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    }


def _time(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def _selected(shown: dict[str, Any], names: str) -> dict[str, Any]:
    chosen = [name for name in names.split(",") if name in shown] or list(shown)
    context = f"{GRAPH}/v1.0/$metadata#applications({','.join(chosen)})/$entity" if names else ""
    return {"@odata.context": context or f"{GRAPH}/v1.0/$metadata#applications/$entity"} | {
        name: shown[name] for name in chosen
    }


def _refused(status: int, code: str, text: str, now: datetime) -> Answer:
    request_id = str(uuid.uuid4())
    inner = {"date": now.strftime("%Y-%m-%dT%H:%M:%S"), "request-id": request_id, "client-request-id": request_id}
    return json_answer({"error": {"code": code, "message": text, "innerError": inner}}, status=status)
