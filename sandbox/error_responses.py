"""The service's refusals, down to headers and empty bodies. Each function is named by its situation."""

import json
from typing import Any
from urllib.parse import quote

from sandbox.http_messages import (
    JSON,
    Answer,
    Request,
    controller_headers,
    envelope,
    model_error,
    plain,
    user_header,
    usual_headers,
)
from sandbox.ids import stable_id
from sandbox.people import ANONYMOUS_ID, TENANT, Person, Principal

_HTML = "text/html; charset=utf-8"
# The realm of a scale unit of the service, or of every Azure DevOps Server.
_REALMS = {True: 'Basic realm="https://sandbox.app.visualstudio.com/"', False: 'Basic realm="https://vsts/tfs"'}
_NO_TENANT = "00000000-0000-0000-0000-000000000000"
_FRAMEWORK = "Microsoft.TeamFoundation.Framework.Server"
_SERVICES = "Microsoft.VisualStudio.Services"
_SIGN_IN_PAGE = (
    b'<!DOCTYPE html>\r\n<html lang="en-US"><head><title>Azure DevOps Services | Sign In</title></head>'
    b"<body><h1>Sign in</h1></body></html>"
)
_NOT_FOUND_PAGE = (
    b'<!DOCTYPE html>\r\n<html lang="en-US"><head><title>404 - Page not found</title></head>'
    b"<body><h1>Page not found.</h1></body></html>"
)
_MAINTENANCE_PAGE = (
    b"<!DOCTYPE html>\r\n<html><head><title>Service unavailable</title></head><body>"
    b"<h2>Our services aren't available right now</h2>"
    b"<p>We're working to restore all services as soon as possible. Please check back soon.</p></body></html>"
)
_COOKIE = ("Set-Cookie", f"VstsSession={stable_id('session')}; path=/; secure; HttpOnly")
# Methods that are redirected to the sign-in page without X-TFS-FedAuthRedirect; the others get JSON.
_SENT_TO_SIGN_IN = ("GET", "HEAD", "OPTIONS", "POST")


def _said(request: Request, status: int, body: dict[str, Any], *headers: tuple[str, str], title: str = "") -> Answer:
    """A refusal as JSON, as a page, or as plain text, depending on what the client accepts."""
    accept, words = request.headers.get("accept", "*/*").lower(), str(body["message"])
    if "json" in accept or "*/*" in accept:
        return _typed(request, status, json.dumps(body), JSON, *headers)
    if "text/html" in accept:
        page = f"<!DOCTYPE html>\r\n<html><head><title>{title or status}</title></head><body>{words}</body></html>"
        return _typed(request, status, page, _HTML, *headers)
    return _typed(request, status, words, "text/plain; charset=utf-8", *headers)


def _typed(request: Request, status: int, text: str, content_type: str, *headers: tuple[str, str]) -> Answer:
    return Answer(status, text.encode(), [*usual_headers(request), ("Content-Type", content_type), *headers])


def _page(request: Request, status: int, page: bytes, *headers: tuple[str, str]) -> Answer:
    return Answer(status, page, [*usual_headers(request), ("Content-Type", _HTML), *headers])


def no_such_organization(request: Request) -> Answer:
    """404, before the token is checked."""
    return plain(request, 404, "The resource cannot be found.")


def organization_stopped(request: Request) -> Answer:
    """503, with a byte order mark."""
    text = (
        f"TF24668: The following team project collection is stopped: {request.organization.name}. "
        "Start the collection, and then try again."
    )
    body = envelope(text, "HostShutdownException", f"{_SERVICES}.Framework.Server")
    answer = _said(request, 503, body, ("X-TFS-ServiceError", quote(text, safe="")))
    answer.body = b"\xef\xbb\xbf" + answer.body
    return answer


def no_such_host(request: Request) -> Answer:
    """404 for an organization that was deleted or moved. Inferred from the name of the exception."""
    text = f"The service host for the organization '{request.path[0] if request.path else ''}' does not exist."
    return _said(request, 404, envelope(text, "HostDoesNotExistException", _FRAMEWORK))


def maintenance_page(request: Request, seconds: float) -> Answer:
    """503 with the page of the service's front end, which says nothing about the application behind it."""
    headers = [("Retry-After", f"{seconds:g}"), ("X-MSEdge-Ref", f"Ref A: {stable_id('edge')} Ref B: SANDBOX")]
    return Answer(503, _MAINTENANCE_PAGE, [("Content-Type", _HTML), *headers])


def host_shut_down(request: Request, seconds: float) -> Answer:
    """503 during maintenance: like a stopped organization, but with Retry-After and without TF24668."""
    text = "The service is unavailable while its host is being serviced. Try again later."
    body = envelope(text, "HostShutdownException", f"{_SERVICES}.Framework.Server")
    return _said(request, 503, body, ("Retry-After", f"{seconds:g}"), ("X-TFS-ServiceError", quote(text, safe="")))


def _realm(request: Request) -> tuple[str, str]:
    return "WWW-Authenticate", _REALMS[request.edition.hosted]


def _suppressed(request: Request) -> bool:
    return request.headers.get("x-tfs-fedauthredirect", "").lower() == "suppress"


def wrong_token(request: Request) -> Answer:
    """401 for a wrong or revoked token, one of another organization, or none although one is required."""
    if not request.edition.hosted:
        return _wrong_token_at_a_server(request)
    if not _suppressed(request) and request.method in _SENT_TO_SIGN_IN:
        return to_sign_in(request)
    if request.organization.refuses_silently:
        return Answer(401, b"", [*usual_headers(request), _realm(request), _COOKIE])
    text = f"TF400813: The user '{ANONYMOUS_ID}' is not authorized to access this resource."
    if "authorization" not in request.headers:
        text = "TF400813: Resource not available for anonymous access. Client authentication required."
    return _said(
        request,
        401,
        envelope(text, "UnauthorizedRequestException", _FRAMEWORK),
        *_tenant(request),
        _realm(request),
        ("WWW-Authenticate", "TFS-Federated"),
    )


def _tenant(request: Request) -> list[tuple[str, str]]:
    """The tenant of an organization, which anyone may know. One of Microsoft accounts names zeros."""
    return [*_bearer(request), ("X-VSS-ResourceTenant", request.organization.tenant or _NO_TENANT)]


def _bearer(request: Request) -> list[tuple[str, str]]:
    tenant = request.organization.tenant
    uri = f"Bearer authorization_uri=https://login.microsoftonline.com/{tenant}"
    return [("WWW-Authenticate", uri)] if tenant else []


def _wrong_token_at_a_server(request: Request) -> Answer:
    # IIS answers before the application: an empty body, and the methods it would accept.
    return Answer(401, b"", [*usual_headers(request), _realm(request), ("WWW-Authenticate", "NTLM")])


def to_sign_in(request: Request) -> Answer:
    """302 to the sign-in page, for bad credentials."""
    place = f"{request.base_url}/_signin?realm=dev.azure.com&reply_to={quote(request.base_url, safe='')}"
    page = b"<html><head><title>Object moved</title></head></html>"
    return _page(request, 302, page, ("Location", place), *(_tenant(request) if request.organization.name else ()))


def sign_in_page(request: Request) -> Answer:
    """203 and a page for people."""
    return _page(request, 203, _SIGN_IN_PAGE)


def expired(request: Request) -> Answer:
    """401 for an expired token: the only refusal that proves that a token was valid."""
    if not request.edition.hosted or (not _suppressed(request) and request.method in _SENT_TO_SIGN_IN):
        return wrong_token(request)
    text = "Access Denied: The Personal Access Token used has expired."
    body = envelope(text, "AccessCheckException", f"{_SERVICES}.Security", f"{_SERVICES}.WebApi")
    body["customProperties"] = {
        "Descriptor": None,
        "IdentityDisplayName": None,
        "Token": None,
        "RequestedPermissions": 0,
        "NamespaceId": "00000000-0000-0000-0000-000000000000",
    }
    return _said(request, 401, body, _realm(request), ("X-TFS-ServiceError", quote(text, safe="")))


def not_a_member(request: Request, person: Person) -> Answer:
    """401 for a valid token whose owner is named but is not a member."""
    return _unauthorized(request, person, f"The user '{TENANT}\\{person.upn}'")


def without_licence(request: Request, person: Person) -> Answer:
    """401 for a member without a licence, named by its id."""
    return _unauthorized(request, person, f"The user '{person.id}'")


def _unauthorized(request: Request, person: Person, user: str) -> Answer:
    text = f"TF400813: {user} is not authorized to access this resource."
    return _said(
        request,
        401,
        envelope(text, "UnauthorizedRequestException", _FRAMEWORK),
        ("X-VSS-UserData", f"{person.id}:{person.upn}"),
        *_bearer(request),
        ("WWW-Authenticate", "TFS-Federated"),
        ("X-VSS-AuthenticateError", "Unauthorized"),
    )


def principal_not_a_member(request: Request, principal: Principal) -> Answer:
    """401 for a principal that is not a member of the organization. Its object id is the last of the three ids."""
    text = (
        f"TF401444: Please sign-in at least once as {principal.tenant}\\{principal.tenant}\\{principal.object_id} "
        "in a web browser to enable access to the service."
    )
    body = envelope(text, "UnauthorizedRequestException", _FRAMEWORK)
    return _said(request, 401, body, *_tenant(request), ("WWW-Authenticate", "TFS-Federated"))


def not_materialized(request: Request, person: Person | None) -> Answer:
    """401 for a valid token whose owner must sign in with a browser first. Reported for Entra tokens."""
    identity = person.id if person is not None else stable_id("person", "unknown")
    text = f"Identity {identity} has not been materialized, please use interactive login over the browser first."
    return _said(request, 401, envelope(text, "AadUserStateException", _FRAMEWORK))


def not_for_tokens(request: Request) -> Answer:
    """401 for a personal access token where people have to sign in."""
    body = envelope("The requested operation is not allowed.", "InvalidAccessException", _FRAMEWORK)
    return _said(request, 401, body, *user_header(request))


def not_for_principals(request: Request) -> Answer:
    """401 for a principal where only people may act. The status is inferred."""
    text = "Service principals are not allowed to perform this action."
    return _said(request, 401, envelope(text, "InvalidAccessException", _FRAMEWORK), *user_header(request))


def fenced(request: Request) -> Answer:
    """Conditional access."""
    text = "VS403463: The conditional access policy defined by your Microsoft Entra administrator has failed."
    body = envelope(text, "VssServiceException", f"{_SERVICES}.Common")
    return _said(request, 403, body, title="403 - Uh-oh, you do not have access.")


def global_token(request: Request) -> Answer:
    """The organization's policy against tokens for all organizations, as a page."""
    text = (
        "The organization's security policy prohibits access by global Personal Access Token (PAT) unless you are "
        "on an allowlist. Contact your organization administrator to be included on the allowlist."
    )
    page = f"<html><head><title>401</title></head><body>{text}</body></html>".encode()
    return _page(request, 401, page, _realm(request), ("X-TFS-ServiceError", quote(text, safe="")))


def scope_missing(request: Request) -> Answer:
    """401 without a reason: no body, no content type, no identity."""
    return Answer(401, b"", [*usual_headers(request), _realm(request)])


def throttled(request: Request, seconds: float) -> Answer:
    """429 with how long to wait."""
    text = (
        "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource "
        "'Concurrency' in namespace 'VSID'."
    )
    body = envelope(text, "RequestBlockedException", _FRAMEWORK)
    return _said(request, 429, body, *user_header(request), *limit_headers(request, seconds, remaining=0))


def limit_headers(request: Request, seconds: float, *, remaining: int) -> list[tuple[str, str]]:
    """The headers near the rate limit, with any status."""
    return [
        ("Retry-After", f"{seconds:g}"),
        ("X-RateLimit-Resource", "Concurrency"),
        ("X-RateLimit-Delay", "0.5"),
        ("X-RateLimit-Limit", "200"),
        ("X-RateLimit-Remaining", str(remaining)),
        ("X-RateLimit-Reset", str(int(request.now.timestamp() + seconds))),
    ]


def no_controller(request: Request) -> Answer:
    """404 for an unknown path."""
    path = "/" + "/".join(request.path[1:])
    text = f"The controller for path '{path}' was not found or does not implement IController."
    return plain(request, 404, text, service_error=True)


def wrong_method(request: Request, allowed: tuple[str, ...]) -> Answer:
    """405 for a known path with the wrong method."""
    text = f"The requested resource does not support http method '{request.method}'."
    answer = model_error(request, 405, text)
    answer.headers.append(("Allow", ", ".join(allowed)))
    return answer


def page_not_found(request: Request) -> Answer:
    """404 and a page: for releases at the main host, anything else at the release host, or if there are no releases."""
    return Answer(404, _NOT_FOUND_PAGE, [*controller_headers(request), ("Content-Type", _HTML)])
