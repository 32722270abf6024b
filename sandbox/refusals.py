"""How the service says no, down to headers and empty bodies. Table 2.3 of the reference, row by row."""

import json
from urllib.parse import quote

from sandbox.wire import Answer, Request, envelope, plain, usual_headers
from sandbox.world import Person

ANONYMOUS_ID = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
REALM = 'Basic realm="https://sandbox.app.visualstudio.com/"'
_FRAMEWORK = "Microsoft.TeamFoundation.Framework.Server"
_SERVICES = "Microsoft.VisualStudio.Services"
SIGN_IN_PAGE = (
    b'<!DOCTYPE html>\r\n<html lang="en-US"><head><title>Azure DevOps Services | Sign In</title></head>'
    b"<body><h1>Sign in</h1></body></html>"
)


def _json(request: Request, status: int, body: object, *headers: tuple[str, str], bom: bool = False) -> Answer:
    text = json.dumps(body).encode()
    content = [*usual_headers(request), ("Content-Type", "application/json; charset=utf-8"), *headers]
    return Answer(status, (b"\xef\xbb\xbf" if bom else b"") + text, content)


def no_such_organization(request: Request) -> Answer:
    """Said before the token is looked at."""
    return plain(request, 404, "The resource cannot be found.")


def organization_stopped(request: Request) -> Answer:
    """503, with a byte order mark."""
    text = (
        f"TF24668: The following team project collection is stopped: {request.organization.name}. "
        "Start the collection, and then try again."
    )
    body = envelope(text, "HostShutdownException", f"{_SERVICES}.Framework.Server")
    return _json(request, 503, body, ("X-TFS-ServiceError", quote(text, safe="")), bom=True)


def wrong_token(request: Request) -> Answer:
    """A wrong, revoked or foreign token; without Suppress, the way to the sign-in page."""
    if request.headers.get("x-tfs-fedauthredirect", "").lower() != "suppress":
        return to_sign_in(request)
    text = f"TF400813: The user '{ANONYMOUS_ID}' is not authorized to access this resource."
    body = envelope(text, "UnauthorizedRequestException", _FRAMEWORK)
    return _json(request, 401, body, ("WWW-Authenticate", REALM), ("WWW-Authenticate", "TFS-Federated"))


def to_sign_in(request: Request) -> Answer:
    """302, as bad credentials get it."""
    place = f"{request.base_url}/_signin?realm=dev.azure.com&reply_to={quote(request.base_url, safe='')}"
    headers = [*usual_headers(request), ("Location", place), ("Content-Type", "text/html; charset=utf-8")]
    return Answer(302, b"<html><head><title>Object moved</title></head></html>", headers)


def sign_in_page(request: Request) -> Answer:
    """203 and a page for people."""
    headers = [*usual_headers(request), ("Content-Type", "text/html; charset=utf-8")]
    return Answer(203, SIGN_IN_PAGE, headers)


def expired(request: Request) -> Answer:
    """The one refusal that proves that a token was real."""
    text = "Access Denied: The Personal Access Token used has expired."
    body = envelope(text, "AccessCheckException", f"{_SERVICES}.Security")
    body["customProperties"] = {
        "Descriptor": None,
        "IdentityDisplayName": None,
        "Token": None,
        "RequestedPermissions": 0,
        "NamespaceId": "00000000-0000-0000-0000-000000000000",
    }
    return _json(request, 401, body, ("WWW-Authenticate", REALM), ("X-TFS-ServiceError", quote(text, safe="")))


def not_a_member(request: Request, person: Person) -> Answer:
    """The token is real and its owner is named, but does not belong here."""
    text = f"TF400813: The user '{stable_tenant()}\\{person.upn}' is not authorized to access this resource."
    body = envelope(text, "UnauthorizedRequestException", _FRAMEWORK)
    return _json(
        request,
        401,
        body,
        ("X-VSS-UserData", f"{person.id}:{person.upn}"),
        ("WWW-Authenticate", f"Bearer authorization_uri=https://login.microsoftonline.com/{stable_tenant()}"),
        ("WWW-Authenticate", "TFS-Federated"),
        ("X-VSS-AuthenticateError", "Unauthorized"),
    )


def stable_tenant() -> str:
    """The tenant of every sample person."""
    return "00000000-aaaa-4bbb-8ccc-000000000001"


def fenced(request: Request) -> Answer:
    """Conditional access."""
    text = "VS403463: The conditional access policy defined by your Microsoft Entra administrator has failed."
    return _json(request, 403, envelope(text, "VssServiceException", f"{_SERVICES}.Common"))


def global_token(request: Request) -> Answer:
    """The organization's policy against tokens for all organizations, as a page."""
    text = (
        "The organization's security policy prohibits access by global Personal Access Token (PAT) unless you are "
        "on an allowlist. Contact your organization administrator to be included on the allowlist."
    )
    headers = [
        *usual_headers(request),
        ("WWW-Authenticate", REALM),
        ("X-TFS-ServiceError", quote(text, safe="")),
        ("Content-Type", "text/html; charset=utf-8"),
    ]
    return Answer(401, f"<html><head><title>401</title></head><body>{text}</body></html>".encode(), headers)


def scope_missing(request: Request) -> Answer:
    """Not a word: no body, no content type, nobody named."""
    return Answer(401, b"", [*usual_headers(request), ("WWW-Authenticate", REALM)])


def throttled(request: Request, seconds: float) -> Answer:
    """429 with how long to wait."""
    text = (
        "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource "
        "<Concurrency> in namespace <sandbox>."
    )
    body = envelope(text, "RequestBlockedException", _FRAMEWORK)
    return _json(
        request,
        429,
        body,
        ("Retry-After", f"{seconds:g}"),
        ("X-RateLimit-Resource", "Concurrency"),
        ("X-RateLimit-Limit", "200"),
        ("X-RateLimit-Remaining", "0"),
    )


def no_controller(request: Request) -> Answer:
    """A path that nothing serves."""
    path = "/" + "/".join(request.path[1:])
    text = f"The controller for path '{path}' was not found or does not implement IController."
    return plain(request, 404, text, service_error=True)
