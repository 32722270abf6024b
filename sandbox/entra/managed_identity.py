"""Managed identities: where processes on a virtual machine, an Azure Arc machine or in App Service get access tokens.

https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
https://learn.microsoft.com/azure/app-service/overview-managed-identity
https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication

All are plain HTTP, at the address of the sandbox itself. Numbers are strings. The agent of Azure Arc has the path of a
virtual machine and another version: it names a file, and wants to be sent what that contains.
"""

from typing import TYPE_CHECKING

from sandbox.entra import access_tokens, token_endpoint
from sandbox.entra.answers import json_answer
from sandbox.entra.directory import Application
from sandbox.http_messages import Answer, Request
from sandbox.ids import stable_id
from sandbox.people import AccessToken

if TYPE_CHECKING:
    from sandbox.entra.issuer import Issuer

MACHINE = ["metadata", "identity", "oauth2", "token"]
APP_SERVICE = ["msi", "token"]
# What App Service hands to the process as IDENTITY_HEADER. It works only here.
IDENTITY_HEADER = stable_id("identity header")
_MACHINE_VERSION, _APP_SERVICE_VERSION, _ARC_VERSION = "2018-02-01", "2019-08-01", "2020-06-01"


def is_asked(path: list[str]) -> bool:
    """Whether a path is one of a managed identity."""
    return path in (MACHINE, APP_SERVICE)


def answer(issuer: "Issuer", request: Request) -> Answer:
    """An access token for the identity of this machine, or for the one with the `client_id` that was asked for."""
    on_machine = request.path == MACHINE
    if on_machine and request.headers.get("metadata", "").lower() != "true":
        return _refused(400, "Required metadata header not specified")
    if not on_machine and request.headers.get("x-identity-header") != IDENTITY_HEADER:
        return _refused(401, "The identity header is missing or wrong", error="unauthorized")
    version = request.query.get("api-version")
    if on_machine and version == _ARC_VERSION and request.headers.get("authorization") != f"Basic {issuer.arc_key}":
        return _challenge(issuer)
    if version not in ((_MACHINE_VERSION, _ARC_VERSION) if on_machine else (_APP_SERVICE_VERSION,)):
        return _refused(400, "The api-version is missing or not supported")
    resource = request.query.get("resource", "")
    if resource not in token_endpoint.RESOURCES:
        return _refused(400, f"Resource {resource or 'is missing'}", error="invalid_resource")
    identity = _identity(issuer, request.query.get("client_id", ""))
    if identity is None:
        return _refused(400, "Identity not found")
    token = access_tokens.for_application(issuer, identity, resource)
    return json_answer(_body(issuer, identity, token, on_machine=on_machine))


def _challenge(issuer: "Issuer") -> Answer:
    """The agent refuses who has not read the file, which only some accounts of the machine may read."""
    answer = _refused(401, "Send what the file contains", error="unauthorized")
    answer.headers.append(("WWW-Authenticate", f"Basic realm={issuer.arc_key_file}"))
    return answer


def _identity(issuer: "Issuer", client_id: str) -> Application | None:
    identities = (application for application in issuer.directory if application.is_managed)
    return next((identity for identity in identities if client_id.lower() in ("", identity.client_id)), None)


def _body(issuer: "Issuer", identity: Application, token: AccessToken, *, on_machine: bool) -> dict[str, str]:
    now, seconds = int(issuer.state.now().timestamp()), access_tokens.lifetime(issuer, token)
    body = {
        "access_token": token.secret,
        "client_id": identity.client_id,
        "expires_on": str(now + seconds),
        "resource": token.audience,
        "token_type": "Bearer",
    }
    more = {"expires_in": str(seconds), "ext_expires_in": str(seconds), "not_before": str(now)}
    return body | more if on_machine else body


def _refused(status: int, text: str, *, error: str = "invalid_request") -> Answer:
    return json_answer({"error": error, "error_description": text}, status=status)
