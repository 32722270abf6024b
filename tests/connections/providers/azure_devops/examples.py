"""Answers by the row of the decision table that decides them, and near variants of each."""

import json
from typing import NamedTuple

from connections.providers.azure_devops.models import Service
from connections.providers.azure_devops.responses import ANONYMOUS_ID, Response

HOST = "dev.azure.com"
ME = "22157d54-1821-6536-a446-928b06348385"
SIGNED = {"x-vss-userdata": f"{ME}:me@example.com"}
JSON = {"content-type": "application/json; charset=utf-8"}
PLAIN = {"content-type": "text/plain; charset=utf-8"}
HTML = {"content-type": "text/html; charset=utf-8"}
OCTETS = {"content-type": "application/octet-stream"}
BASIC = {"www-authenticate": 'Basic realm="https://tfsprodsin1.app.visualstudio.com/"'}
FEDERATED = {"www-authenticate": "Bearer authorization_uri=https://login.example.com/x, TFS-Federated"}
NOTHING: dict[str, str] = {}


class Example(NamedTuple):
    """One answer, and what the situation is called."""

    situation: str
    status: int
    headers: dict[str, str]
    body: bytes
    service: Service = "core"
    by_principal: bool = False

    @property
    def answer(self) -> Response:
        """The answer as the transport hands it on."""
        return Response(
            self.status,
            self.headers,
            self.body,
            host=HOST,
            service=self.service,
            by_principal=self.by_principal,
        )


def envelope(message: str, type_key: str | None = None) -> bytes:
    """Azure DevOps' own body of an error."""
    kind = {"typeKey": type_key, "typeName": f"Microsoft.{type_key}, Microsoft"} if type_key else {}
    return json.dumps({"$id": "1", "innerException": None, "message": message, **kind, "errorCode": 0}).encode()


NOBODY = f"TF400813: The user '{ANONYMOUS_ID}' is not authorized to access this resource."
SOMEBODY = "TF400813: The user 'tenant\\me@example.com' is not authorized to access this resource."
SOME_PRINCIPAL = f"TF400813: The user '{ME}' is not authorized to access this resource."
NOT_ADDED = (
    f"TF401444: Please sign-in at least once as {ME}\\{ME}\\c7965a43-7b7a-7e71-8a3e-0123456789ab in a web browser."
)
EXPIRED = "Access Denied: The Personal Access Token used has expired."
EXPIRED_HEADER = {"x-tfs-serviceerror": "Access%20Denied%3A%20The%20Personal%20Access%20Token%20used%20has%20expired."}
POLICY = {
    "x-tfs-serviceerror": "The%20organization%27s%20security%20policy%20prohibits%20access%20by%20global%20Personal"
    "%20Access%20Token%20%28PAT%29%20unless%20you%20are%20on%20an%20allowlist."
}
STOPPED = envelope("TF24668: The following team project collection is stopped: acme.", "HostShutdownException")
ENTRA = "VS403463: The conditional access policy defined by your Microsoft Entra administrator has failed."
DIRECTORY = "VS403463: The conditional access policy defined by your Azure Active Directory administrator has failed."
CONTROLLER = "The controller for path '/acme/_apis/x' was not found or does not implement IController."
VALIDATION = "Could not queue the build because there were validation errors or warnings."
TOO_MUCH = "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource 'X'."
UNKNOWN_PERSON = "Identity 'x' has not been materialized, please use interactive login over the browser first."
SIGN_IN_PAGE = (
    b'\r\n<!DOCTYPE html>\r\n<html lang="en-US">\r\n<head><title>'
    b"\r\n\tAzure DevOps Services | Sign In\r\n</title></head>"
)
BLOCK_PAGE = b"<!DOCTYPE html><html><title>Web page blocked</title></html>"
DOWN_PAGE = b"<html><title>Azure DevOps Services Unavailable</title>Our services aren't available right now</html>"
REFUSED = envelope(NOBODY, "UnauthorizedRequestException")
RETRY = {"retry-after": "37"}
DELAYED = {"x-ratelimit-delay": "2.5"}
USED_UP = {"x-ratelimit-remaining": "0"}
ITS_SIGN_IN = {"location": "https://spsprodcus1.vssps.visualstudio.com/_signin?realm=dev.azure.com&reply_to=x"}


def to(address: str) -> dict[str, str]:
    """The header of a redirect."""
    return {"location": address}


# Row, then its examples.


def to_principal(situation: str, status: int, headers: dict[str, str], body: bytes) -> Example:
    """An answer to the access token of an application."""
    return Example(situation, status, headers, body, by_principal=True)


EXAMPLES: dict[str, tuple[Example, ...]] = {
    "application not added": (
        to_principal("two GUIDs", 401, JSON, envelope(NOT_ADDED, "UnauthorizedRequestException")),
        to_principal("text", 401, PLAIN, NOT_ADDED.encode()),
        to_principal("403", 403, JSON, envelope(NOT_ADDED, "UnauthorizedRequestException")),
    ),
    "application of another tenant": (
        to_principal("by type", 401, JSON, envelope("x", "AadUserStateException")),
        to_principal("by words", 401, JSON, envelope(UNKNOWN_PERSON, "OtherException")),
    ),
    "application without access": (
        to_principal("a GUID", 401, JSON | SIGNED, envelope(SOME_PRINCIPAL, "UnauthorizedRequestException")),
        to_principal("unsigned", 401, JSON, envelope(SOME_PRINCIPAL, "UnauthorizedRequestException")),
    ),
    "expired": (
        Example("JSON", 401, JSON, envelope(EXPIRED, "AccessCheckException")),
        Example("text", 401, PLAIN, EXPIRED.encode()),
        Example("page", 401, HTML, f"<html>{EXPIRED}</html>".encode()),
        Example("header alone", 401, EXPIRED_HEADER, b""),
        Example("in capitals", 401, PLAIN, EXPIRED.upper().encode()),
        Example("while throttled", 401, JSON | RETRY, envelope(EXPIRED, "AccessCheckException")),
    ),
    "global token refused by policy": (
        Example("page", 401, HTML | BASIC | POLICY, b"<html>x</html>"),
        Example("while throttled", 401, HTML | POLICY | USED_UP, b"<html>x</html>"),
    ),
    "conditional access": (
        Example("older words", 403, JSON, envelope(DIRECTORY, "VssServiceException")),
        Example("newer words", 403, JSON, envelope(ENTRA, "VssServiceException")),
        Example("as 401", 401, JSON, envelope(ENTRA)),
        Example("page", 403, HTML, b"<title>403 - Uh-oh, you do not have access."),
        Example("page as 203", 203, HTML, b"<title>403 - Uh-oh, you do not have access."),
    ),
    "another policy": (Example("text", 401, PLAIN, b"The organization's security policy prohibits this."),),
    "organization stopped": (
        Example("JSON behind a mark", 503, JSON | {"x-tfs-serviceerror": "TF24668%3A"}, b"\xef\xbb\xbf" + STOPPED),
        Example("with a wait", 503, JSON | RETRY, STOPPED),
    ),
    "owner never signed in": (
        Example("401", 401, JSON, envelope(UNKNOWN_PERSON, "AadUserStateException")),
        Example("403", 403, JSON | SIGNED, envelope(UNKNOWN_PERSON, "AadUserStateException")),
        Example("by its type", 401, JSON, envelope("", "AadUserStateException")),
        Example("by its words", 401, PLAIN, UNKNOWN_PERSON.encode()),
        Example("in the header", 401, {"x-tfs-serviceerror": "has%20not%20been%20materialized"}, b""),
    ),
    "branch protected": (Example("403", 403, JSON | SIGNED, envelope("TF402455: Pushes to", "GitRefUpdate")),),
    "classic releases switched off": (Example("403", 403, JSON, envelope("", "ClassicReleasePipelinesDisabledX")),),
    "throttled": (
        Example("with a wait", 429, PLAIN | RETRY, TOO_MUCH.encode()),
        Example("without words", 429, NOTHING, b""),
        Example("by its words", 400, JSON, envelope(TOO_MUCH)),
    ),
    "throttled refusal": tuple(
        Example(f"{status} with {' '.join(more)}", status, kind | more, body)
        for status, kind, body in (
            (401, JSON, REFUSED),
            (401, BASIC, b""),
            (203, HTML, SIGN_IN_PAGE),
            (200, HTML, SIGN_IN_PAGE),
            (302, ITS_SIGN_IN, b""),
            (403, JSON | SIGNED, envelope("TF401027:", "GitNeedsPermissionException")),
            (403, PLAIN, b"Forbidden"),
        )
        for more in (RETRY, USED_UP, DELAYED, {"retry-after": "soon"}, {"x-ratelimit-remaining": " 0.0 "})
    ),
    "maintenance": (
        Example("page with a wait", 503, HTML | RETRY, DOWN_PAGE),
        Example("page without one", 503, HTML, DOWN_PAGE),
        Example(
            "page with a curly apostrophe",
            503,
            HTML,
            "Our services aren\N{RIGHT SINGLE QUOTATION MARK}t".encode() + b" available right now",
        ),
        Example("empty with a wait", 503, RETRY, b""),
        Example("wait until a date", 503, {"retry-after": "Sat, 28 Nov 2026 01:02:03 GMT"}, b""),
        Example("by its type", 503, JSON, envelope("", "HostShutdownException")),
        Example("by its type, as 500", 500, JSON, envelope("", "HostShutdownException")),
    ),
    "redirect to the sign-in": (
        Example("of the service", 302, HTML | ITS_SIGN_IN, b""),
        Example("of the host that was asked", 302, to(f"https://{HOST}/_signin"), b""),
        Example("relative", 302, to("/_signin?realm=x"), b""),
        Example("below a path", 302, to(f"https://{HOST}/tfs/_SignIn/"), b""),
    ),
    "another redirect": (
        Example("block page", 302, HTML | to("https://blocked.example.com/why"), b""),
        Example("renamed organization", 301, to(f"https://{HOST}/new-name/_apis/connectionData"), b""),
        Example("sign-in of another", 302, to("https://login.example.com/_signin"), b""),
        Example("host that only ends alike", 302, to("https://notvisualstudio.com/_signin"), b""),
        Example("sign-in in the query", 302, to(f"https://{HOST}/?next=/_signin"), b""),
        Example("without an address", 302, OCTETS, b""),
        Example("address that cannot be read", 302, to("https://[::1/_signin"), b""),
        Example("307", 307, to("https://other.example.com/_apis"), b""),
    ),
    "sign-in page": (
        Example("203", 203, HTML, SIGN_IN_PAGE),
        Example("203 without a type", 203, NOTHING, SIGN_IN_PAGE),
        Example("200", 200, HTML, SIGN_IN_PAGE),
        Example("200 dressed as JSON", 200, JSON, b"\xef\xbb\xbf" + SIGN_IN_PAGE),
        Example("entities in its title", 203, HTML, b"<html><title>Azure DevOps Services &#124; Sign In</title>"),
        Example("cut off", 203, HTML, b"<html><title>Azure DevOps Services | Sign In"),
    ),
    "page of something else": (
        Example("block page", 200, HTML, BLOCK_PAGE),
        Example("block page dressed as JSON", 200, JSON, BLOCK_PAGE),
        Example("another sign-in", 200, HTML, b"<html><title>Sign In</title></html>"),
        Example("sign-in named in its text", 200, HTML, b"<html><p>Azure DevOps Services | Sign In</p></html>"),
        Example("203", 203, HTML, BLOCK_PAGE),
        Example("203 with JSON", 203, JSON, b"{}"),
        Example("203 with bytes", 203, OCTETS, b"\0"),
    ),
    "refused without a word": (
        Example("missing scope", 401, BASIC, b""),
        Example("missing scope, white space", 401, BASIC, b"\r\n"),
        Example("wrong token", 401, BASIC | {"set-cookie": "VstsSession=x"}, b""),
        Example("wrong token at a server", 401, {"www-authenticate": "Basic realm=x, NTLM"}, b""),
        Example("signed", 401, SIGNED, b""),
    ),
    "owner not a member": (
        Example("by name", 401, JSON | SIGNED | FEDERATED, envelope(SOMEBODY, "UnauthorizedRequestException")),
        Example("by id", 401, JSON | SIGNED, envelope(f"TF400813: The user '{ME}' is not")),
    ),
    "token refused": (
        Example("wrong token", 401, JSON | BASIC, REFUSED),
        Example(
            "in other words",
            401,
            JSON | FEDERATED,
            envelope("TF400813: Resource not available for anonymous access. Client authentication required."),
        ),
        Example("user without a name", 401, JSON, envelope("TF400813: The user '' is not")),
        Example("text with a code", 401, PLAIN, b"VS30063: You are not authorized."),
        Example("page with the header", 401, HTML | {"x-tfs-serviceerror": "Access%20denied"}, b"<html>x</html>"),
        Example("header alone", 401, {"x-tfs-serviceerror": "Access%20denied"}, b""),
    ),
    "not permitted": (
        Example("git", 403, JSON | SIGNED, envelope("TF401027:", "GitNeedsPermissionException")),
        Example("queue", 403, JSON | SIGNED, envelope("TF215106:", "AccessDeniedException")),
        Example("release", 403, JSON | SIGNED, envelope("VS402904:", "UnauthorizedRequestException")),
        Example("typed, unsigned", 403, JSON, envelope("No.", "UnauthorizedRequestException")),
        Example("page with the header", 403, HTML | {"x-tfs-serviceerror": "No"}, b"<html>x</html>"),
    ),
    "refused by a gateway": (
        Example("text", 403, PLAIN, b"Forbidden"),
        Example("empty", 403, NOTHING, b""),
        Example("page", 403, HTML, BLOCK_PAGE),
        Example("JSON without a type", 403, JSON, b'{"message":"Forbidden"}'),
        Example("JSON of another kind", 403, JSON, b'{"error":{"code":"Forbidden"}}'),
        Example("401 in text", 401, PLAIN, b"Unauthorized"),
        Example("401 in a page", 401, HTML, b"<html>Sign In</html>"),
        Example("401 in JSON", 401, JSON | BASIC, b'{"message":"Unauthorized"}'),
        Example("empty 401 that asks for nothing", 401, NOTHING, b""),
    ),
    "project not found": (
        Example("by name", 404, JSON, envelope("TF200016:", "ProjectDoesNotExistWithNameException")),
        Example("by id", 404, JSON, envelope("VS800075:", "ProjectDoesNotExistException")),
        Example("by id, as 400", 400, JSON, envelope("", "ProjectDoesNotExistException")),
        Example("without a type", 404, JSON, envelope("VS800075: The project with id")),
    ),
    "organization not found": (
        Example("404", 404, JSON, envelope("The host does not exist.", "HostDoesNotExistException")),
        Example("signed", 404, JSON | SIGNED, envelope("", "HostDoesNotExistException")),
    ),
    "not found": (
        Example("repository", 404, JSON, envelope("TF401019:", "GitRepositoryNotFoundException")),
        Example("build", 404, JSON, envelope("The requested build 7", "BuildNotFoundException")),
        Example("release definition", 404, JSON, envelope("VS402936:", "ReleaseDefinitionNotFoundException")),
        Example("work item", 404, JSON, envelope("TF401232:", "WorkItemUnauthorizedAccessException")),
    ),
    "no controller": (Example("404", 404, PLAIN | {"x-tfs-serviceerror": CONTROLLER}, CONTROLLER.encode()),),
    "organization not found, in words": (
        Example("text", 404, PLAIN, b"The resource cannot be found."),
        Example("page of a collection", 404, HTML, b"<html><title>The resource cannot be found.</title>"),
    ),
    "no page of classic releases": (
        Example("page", 404, HTML, b"<html>Page not found.</html>", "release"),
        Example("text", 404, PLAIN, b"Page not found.", "release"),
    ),
    "not found, without a type": (Example("release definition", 404, JSON, envelope("VS402936: does not exist.")),),
    "no route": (Example("404", 404, JSON, b'{"count":1,"value":{"Message":"No HTTP resource was found"}}'),),
    "not found, as a server error": (Example("pipeline", 500, JSON, envelope("No", "PipelineNotFoundException")),),
    "server error": (
        Example("breaker", 503, JSON, envelope("TF10216: currently unavailable.", "CircuitBreaker")),
        Example("page of a gateway", 502, HTML, b"<html>Bad gateway</html>"),
        Example("with a wait", 500, RETRY, b""),
    ),
    "not permitted, as another status": (
        Example("queue", 400, JSON | SIGNED, envelope("TF215106:", "AccessDeniedException")),
    ),
    "name taken": (Example("409", 409, JSON, envelope("TF400948:", "GitRepositoryNameAlreadyExistsException")),),
    "conflict": (Example("stale", 409, JSON, envelope("TF401028: already", "GitReferenceStaleException")),),
    "proxy wants a password": (Example("407", 407, HTML, b"<html>x</html>"),),
    "request refused": (
        Example("validation", 400, JSON, envelope(VALIDATION, "BuildRequestValidationFailedException")),
        Example("no version", 400, JSON, envelope("No api-version", "VssVersionNotSpecifiedException")),
        Example("model", 400, JSON, b'{"count":1,"value":{"Message":"The request is invalid."}}'),
        Example("method", 405, JSON, b'{"count":1,"value":{"Message":"not support http method"}}'),
        Example("with a policy in its words", 400, JSON, envelope("No branch conditional access policy", "X")),
    ),
    "anything else": (
        Example("page that is not there", 404, HTML, b"<html>Not here</html>"),
        Example("page that is not there, of builds", 404, HTML, b"<html>Page not found.</html>"),
        Example("page for a bad request", 400, HTML, b"<html>Request Too Long</html>"),
        Example("text", 200, PLAIN, b"hello"),
        Example("empty success", 200, NOTHING, b""),
        Example("JSON that is none", 200, JSON, b"{"),
        Example("bare list", 200, JSON, b"[]"),
        Example("null", 200, JSON, b"null"),
        Example("status out of range", 100, NOTHING, b""),
    ),
}
