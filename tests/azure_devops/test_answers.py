"""What an answer means: the table of Azure DevOps' refusals, one row after the other."""

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from connections.azure_devops import errors
from connections.azure_devops.answers import ANONYMOUS_ID, Answer, classify
from connections.azure_devops.errors import AzureDevOpsError
from tests.azure_devops.conftest import SECRET

ME = "22157d54-1821-6536-a446-928b06348385"
SIGNED = {"x-vss-userdata": f"{ME}:me@example.com"}
JSON = {"content-type": "application/json; charset=utf-8"}
PLAIN = {"content-type": "text/plain; charset=utf-8"}
HTML = {"content-type": "text/html; charset=utf-8"}
BASIC = {"www-authenticate": 'Basic realm="https://tfsprodsin1.app.visualstudio.com/"'}
FEDERATED = {"www-authenticate": "Bearer authorization_uri=https://login.example.com/x, TFS-Federated"}
NOTHING: dict[str, str] = {}


def envelope(message: str, type_key: str | None = None) -> bytes:
    kind = {"typeKey": type_key, "typeName": f"Microsoft.{type_key}, Microsoft"} if type_key else {}
    return json.dumps({"$id": "1", "innerException": None, "message": message, **kind, "errorCode": 0}).encode()


NOBODY = f"TF400813: The user '{ANONYMOUS_ID}' is not authorized to access this resource."
SOMEBODY = "TF400813: The user 'tenant\\me@example.com' is not authorized to access this resource."
EXPIRED = "Access Denied: The Personal Access Token used has expired."
EXPIRED_HEADER = {"x-tfs-serviceerror": "Access%20Denied%3A%20The%20Personal%20Access%20Token%20used%20has%20expired."}
POLICY = (
    "The%20organization%27s%20security%20policy%20prohibits%20access%20by%20global%20Personal%20Access%20Token%20%28PAT"
    "%29%20unless%20you%20are%20on%20an%20allowlist."
)
STOPPED = envelope("TF24668: The following team project collection is stopped: acme.", "HostShutdownException")
ENTRA = "VS403463: The conditional access policy defined by your Microsoft Entra administrator has failed."
DIRECTORY = "VS403463: The conditional access policy defined by your Azure Active Directory administrator has failed."
STOPPED_HEADER = {"x-tfs-serviceerror": "TF24668%3A%20The%20following"}
CONTROLLER = "The controller for path '/acme/_apis/x' was not found or does not implement IController."
VALIDATION = "Could not queue the build because there were validation errors or warnings."
TOO_MUCH = "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource 'X'."

# Situation, status, headers, body, what it means.
TABLE: list[tuple[str, int, dict[str, str], bytes, type[AzureDevOpsError]]] = [
    # Who asks.
    ("wrong token", 401, JSON | BASIC, envelope(NOBODY, "UnauthorizedRequestException"), errors.TokenRefused),
    (
        "wrong token in other words",
        401,
        JSON | FEDERATED,
        envelope("TF400813: Resource not available for anonymous access. Client authentication required."),
        errors.TokenRefused,
    ),
    ("wrong token, user without a name", 401, JSON, envelope("TF400813: The user '' is not"), errors.TokenRefused),
    ("wrong token, without words", 401, BASIC | {"set-cookie": "VstsSession=x"}, b"", errors.EmptyRefusal),
    ("wrong token at a server", 401, {"www-authenticate": "Basic realm=x, NTLM"}, b"", errors.EmptyRefusal),
    ("wrong token, sign-in page", 203, HTML, b"<html><title>Azure DevOps Services | Sign In", errors.SignInRequired),
    ("wrong token, page without a type", 203, NOTHING, b"<!DOCTYPE html><html>", errors.SignInRequired),
    ("wrong token, a success that is none", 203, JSON, b"{}", errors.SignInRequired),
    ("wrong token, page dressed as success", 200, HTML, b"\r\n<html>Sign In</html>", errors.SignInRequired),
    ("wrong token, page dressed as JSON", 200, JSON, b"\xef\xbb\xbf<!DOCTYPE html>", errors.SignInRequired),
    ("wrong token, redirect", 302, HTML | {"location": "https://x/_signin"}, b"", errors.SignInRequired),
    ("wrong token, page with 401", 401, HTML, b"<html>Sign In</html>", errors.SignInRequired),
    ("expired, JSON", 401, JSON, envelope(EXPIRED, "AccessCheckException"), errors.TokenExpired),
    ("expired, text", 401, PLAIN, EXPIRED.encode(), errors.TokenExpired),
    ("expired, page", 401, HTML, f"<html>{EXPIRED}</html>".encode(), errors.TokenExpired),
    ("expired, header alone", 401, EXPIRED_HEADER, b"", errors.TokenExpired),
    ("expired, in capitals", 401, PLAIN, EXPIRED.upper().encode(), errors.TokenExpired),
    ("scope missing", 401, BASIC, b"", errors.EmptyRefusal),
    ("scope missing, white space", 401, BASIC, b"\r\n", errors.EmptyRefusal),
    ("not a member", 401, JSON | SIGNED | FEDERATED, envelope(SOMEBODY, "UnauthorizedRequest"), errors.NotAMember),
    ("not a member, by id", 401, JSON | SIGNED, envelope(f"TF400813: The user '{ME}' is not"), errors.NotAMember),
    # Policies.
    ("global token", 401, HTML | BASIC | {"x-tfs-serviceerror": POLICY}, b"<html>x</html>", errors.GlobalTokenBlocked),
    ("another policy", 401, PLAIN, b"The organization's security policy prohibits this.", errors.BlockedByPolicy),
    ("conditional access", 403, JSON, envelope(DIRECTORY, "VssServiceException"), errors.ConditionalAccess),
    ("conditional access, newer words", 403, JSON, envelope(ENTRA, "VssServiceException"), errors.ConditionalAccess),
    ("conditional access as 401", 401, JSON, envelope(ENTRA), errors.ConditionalAccess),
    ("conditional access, page", 403, HTML, b"<title>403 - Uh-oh, you do not have access.", errors.ConditionalAccess),
    # The organization.
    ("no organization", 404, PLAIN, b"The resource cannot be found.", errors.OrganizationNotFound),
    ("no collection", 404, HTML, b"<html><title>The resource cannot be found.</title>", errors.OrganizationNotFound),
    (
        "stopped",
        503,
        JSON | {"x-tfs-serviceerror": "TF24668%3A"},
        b"\xef\xbb\xbf" + STOPPED,
        errors.OrganizationUnavailable,
    ),
    # The person's rights.
    (
        "git right",
        403,
        JSON | SIGNED,
        envelope("TF401027:", "GitNeedsPermissionException"),
        errors.AccessDenied,
    ),
    (
        "queue right",
        403,
        JSON | SIGNED,
        envelope("TF215106:", "AccessDeniedException"),
        errors.AccessDenied,
    ),
    ("queue right as 400", 400, JSON | SIGNED, envelope("TF215106:", "AccessDeniedException"), errors.AccessDenied),
    ("release right", 403, JSON | SIGNED, envelope("VS402904:", "UnauthorizedRequestException"), errors.AccessDenied),
    ("page on the way", 403, HTML, b"<html>Blocked by the proxy</html>", errors.UnexpectedAnswer),
    # What is not there.
    (
        "project by name",
        404,
        JSON,
        envelope("TF200016:", "ProjectDoesNotExistWithNameException"),
        errors.ProjectNotFound,
    ),
    ("project by id", 404, JSON, envelope("VS800075:", "ProjectDoesNotExistException"), errors.ProjectNotFound),
    ("project by id as 400", 400, JSON, envelope("", "ProjectDoesNotExistException"), errors.ProjectNotFound),
    ("project without a type", 404, JSON, envelope("VS800075: The project with id"), errors.ProjectNotFound),
    ("repository", 404, JSON, envelope("TF401019:", "GitRepositoryNotFoundException"), errors.NotFound),
    ("build", 404, JSON, envelope("The requested build 7", "BuildNotFoundException"), errors.NotFound),
    ("release definition", 404, JSON, envelope("VS402936:", "ReleaseDefinitionNotFoundException"), errors.NotFound),
    ("release definition without a type", 404, JSON, envelope("VS402936: does not exist."), errors.NotFound),
    ("work item", 404, JSON, envelope("TF401232:", "WorkItemUnauthorizedAccessException"), errors.NotFound),
    ("pipeline, dressed as 500", 500, JSON, envelope("No such", "PipelineNotFoundException"), errors.NotFound),
    ("no controller", 404, PLAIN | {"x-tfs-serviceerror": CONTROLLER}, CONTROLLER.encode(), errors.NoSuchAddress),
    ("no route", 404, JSON, b'{"count":1,"value":{"Message":"No HTTP resource was found"}}', errors.NoSuchAddress),
    ("nothing known", 404, HTML, b"<html>Not here</html>", errors.UnexpectedAnswer),
    # What was asked.
    ("stale", 409, JSON, envelope("TF401028: already updated", "GitReferenceStaleException"), errors.Conflict),
    ("validation", 400, JSON, envelope(VALIDATION, "BuildRequestValidationFailedException"), errors.Rejected),
    ("no version", 400, JSON, envelope("No api-version", "VssVersionNotSpecifiedException"), errors.Rejected),
    ("model", 400, JSON, b'{"count":1,"value":{"Message":"The request is invalid."}}', errors.Rejected),
    ("method", 405, JSON, b'{"count":1,"value":{"Message":"not support http method"}}', errors.Rejected),
    ("page for a bad request", 400, HTML, b"<html>Request Too Long</html>", errors.UnexpectedAnswer),
    ("proxy asks who we are", 407, HTML, b"<html>x</html>", errors.ProxyRefused),
    ("name taken", 409, JSON, envelope("TF400948:", "GitRepositoryNameAlreadyExistsException"), errors.NameTaken),
    ("protected branch", 403, JSON | SIGNED, envelope("TF402455: Pushes to", "GitRefUpdate"), errors.BranchProtected),
    ("no classic releases", 403, JSON, envelope("", "ClassicReleasePipelinesDisabledX"), errors.ReleasesDisabled),
    # Too much.
    ("throttled", 429, PLAIN | {"retry-after": "30"}, TOO_MUCH.encode(), errors.Throttled),
    ("throttled without words", 429, NOTHING, b"", errors.Throttled),
    ("throttled by words", 400, JSON, envelope(TOO_MUCH), errors.Throttled),
    ("maintenance with a time", 503, NOTHING | {"retry-after": "60"}, b"", errors.Throttled),
    # Trouble there.
    ("breaker", 503, JSON, envelope("TF10216: currently unavailable.", "CircuitBreaker"), errors.ServerError),
    ("page of a gateway", 502, HTML, b"<html>Bad gateway</html>", errors.ServerError),
    # Nothing that Azure DevOps says.
    ("text", 200, PLAIN, b"hello", errors.UnexpectedAnswer),
    ("empty success", 200, NOTHING, b"", errors.UnexpectedAnswer),
    ("JSON that is none", 200, JSON, b"{", errors.UnexpectedAnswer),
    ("bare list", 200, JSON, b"[]", errors.UnexpectedAnswer),
    ("status out of range", 100, NOTHING, b"", errors.UnexpectedAnswer),
]


@pytest.mark.parametrize(
    ("status", "headers", "body", "meaning"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_every_refusal_has_its_meaning(
    status: int, headers: dict[str, str], body: bytes, meaning: type[AzureDevOpsError]
) -> None:
    trouble = classify(Answer(status, headers, body))
    assert type(trouble) is meaning
    assert getattr(trouble, "status", None) == status


@pytest.mark.parametrize(("status", "body"), [(200, b"{}"), (201, b'{"id": 1}'), (202, b"{}"), (204, b"")])
def test_a_success_is_no_trouble(status: int, body: bytes) -> None:
    assert classify(Answer(status, JSON, body)) is None


def test_an_authentication_header_on_a_success_is_no_refusal() -> None:
    assert classify(Answer(200, JSON | BASIC, b"{}")) is None


OCTETS = {"content-type": "application/octet-stream"}


@pytest.mark.parametrize("body", [b"\0\1", b"", b"<html>a page of the repository</html>", b"{}"])
def test_the_bytes_of_a_file_may_be_anything(body: bytes) -> None:
    assert classify(Answer(200, OCTETS, body), content="bytes") is None


@pytest.mark.parametrize(
    ("status", "headers", "meaning"),
    [
        (203, OCTETS, errors.SignInRequired),
        (200, HTML, errors.SignInRequired),
        (200, JSON, errors.UnexpectedAnswer),
        (200, NOTHING, errors.UnexpectedAnswer),
        (302, OCTETS, errors.SignInRequired),
        (401, OCTETS, errors.EmptyRefusal),
    ],
)
def test_what_does_not_come_as_bytes_is_no_file(
    status: int, headers: dict[str, str], meaning: type[AzureDevOpsError]
) -> None:
    assert type(classify(Answer(status, headers, b""), content="bytes")) is meaning


@pytest.mark.parametrize("words", [EXPIRED, ENTRA, TOO_MUCH, "TF24668:"])
def test_what_a_success_quotes_is_content_and_no_refusal(words: str) -> None:
    assert classify(Answer(200, JSON, envelope(words))) is None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_an_error_keeps_what_support_asks_for(status: int) -> None:
    body = envelope("Ada Lovelace may not", "SomeException")
    trouble = classify(Answer(status, JSON | {"activityid": "5f1c2d3e-0000-4000-8000-000000000000"}, body))
    assert trouble is not None
    assert trouble.activity_id == "5f1c2d3e-0000-4000-8000-000000000000"
    assert trouble.type_key == "SomeException"


def test_the_words_of_a_refusal_are_kept_apart_from_what_is_logged() -> None:
    trouble = classify(Answer(403, JSON, envelope("Ada Lovelace may not", "SomeException")))
    assert trouble is not None
    assert trouble.said == "Ada Lovelace may not"
    assert "Ada" not in f"{trouble}{trouble!r}{trouble.detail}"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("VS402904: User maya@example.com may not.", "VS402904: User … may not."),
        ("identity 'tenant\\maya@example.com', scope", "identity '…', scope"),
        (f"Token {SECRET} is old", "Token [redacted] is old"),
        ("First line.\r\n   at Some.Stack.Trace()", "First line."),
        ("x " * 400, ("x " * 400)[:300]),
        ("", ""),
    ],
)
def test_the_words_are_shown_without_addresses_secrets_and_stack_traces(message: str, said: str) -> None:
    trouble = classify(Answer(400, JSON, envelope(message, "SomeException")))
    assert trouble is not None
    assert trouble.said == said


@pytest.mark.parametrize(
    "body", [b"plain text", b"<html>page</html>", b'{"value": {"Message": "x"}}', b'{"message": 7}']
)
def test_only_azure_devops_own_words_are_shown(body: bytes) -> None:
    trouble = classify(Answer(400, JSON, body))
    assert trouble is not None
    assert trouble.said == ""


@pytest.mark.parametrize(
    "headers", [{"x-vss-e2eid": "5f1c2d3e-aaaa"}, {"activityid": "5f1c2d3e-aaaa", "x-vss-e2eid": "z"}]
)
def test_either_header_names_the_activity(headers: dict[str, str]) -> None:
    assert Answer(500, headers, b"").activity_id == "5f1c2d3e-aaaa"


@pytest.mark.parametrize("odd", ["", "<script>", "a" * 65, "not a guid at all", "5f1c\n2d3e"])
def test_an_activity_that_is_no_guid_is_not_kept(odd: str) -> None:
    assert Answer(500, {"activityid": odd}, b"").activity_id is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 30.0), (" 0 ", 0.0), ("-5", 0.0), ("1.5", 1.5), ("1e9", 86400.0), ("inf", 86400.0), ("nan", None)],
)
def test_seconds_to_wait_are_between_nothing_and_a_day(text: str, seconds: float | None) -> None:
    assert Answer(429, {"retry-after": text}, b"").retry_after == seconds


@pytest.mark.parametrize("text", ["", "soon", "Fri, 99 Nov 2026 99:99:99 GMT", "٣٠ minutes"])
def test_a_time_to_wait_that_is_none_is_not_known(text: str) -> None:
    assert Answer(429, {"retry-after": text}, b"").retry_after is None


def test_a_date_to_wait_for_becomes_seconds() -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    seconds = Answer(429, {"retry-after": moment}, b"").retry_after
    assert seconds is not None
    assert 500 < seconds <= 600


def test_a_date_that_is_over_means_no_wait() -> None:
    assert Answer(429, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, b"").retry_after == 0.0


def test_a_throttled_call_says_how_long_to_wait() -> None:
    trouble = classify(Answer(429, {"retry-after": "42"}, b""))
    assert isinstance(trouble, errors.Throttled)
    assert trouble.retry_after == 42.0


@pytest.mark.parametrize("body", [b'{"value": {"Message": "x"}}', b'{"value": [1]}', b"{}", b"[]", b"null", b"nope"])
def test_what_is_no_list_of_objects_is_never_an_empty_list(body: bytes) -> None:
    with pytest.raises(errors.UnexpectedAnswer):
        Answer(200, JSON, body).json_list()


def test_an_empty_list_is_an_empty_list() -> None:
    assert Answer(200, JSON, b'{"count": 0, "value": []}').json_list() == []


def test_the_anonymous_user_is_nobody() -> None:
    assert Answer(200, {"x-vss-userdata": f"{ANONYMOUS_ID.upper()}:"}, b"{}").user_id is None


def every_error() -> list[type[AzureDevOpsError]]:
    found, waiting = [], [AzureDevOpsError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting.extend(kind.__subclasses__())
    return found


def test_every_error_has_a_code_of_its_own_that_the_tree_shows() -> None:
    codes = [kind.code for kind in every_error()]
    assert len(set(codes)) == len(codes)
    drawn = dict(re.findall(r"── (\w+) +(\w+)", errors.__doc__ or ""))
    assert drawn == {kind.__name__: kind.code for kind in every_error() if kind is not AzureDevOpsError}


def test_every_error_names_its_code_in_its_text() -> None:
    assert str(errors.TokenExpired(detail="401 AccessCheckException")) == "token_expired: 401 AccessCheckException"
    assert str(errors.Throttled(retry_after=3.0)) == "throttled"


@pytest.mark.parametrize(
    ("kind", "transient"),
    [
        (errors.Throttled, True),
        (errors.TimedOut, True),
        (errors.DnsFailure, True),
        (errors.ConnectionFailed, True),
        (errors.ServerError, True),
        (errors.ProxyFailed, True),
        (errors.ProxyRefused, False),
        (errors.TlsFailure, False),
        (errors.OrganizationUnavailable, False),
        (errors.TokenRefused, False),
        (errors.UnexpectedAnswer, False),
    ],
)
def test_only_what_may_pass_by_itself_is_transient(kind: type[AzureDevOpsError], transient: bool) -> None:
    assert kind.transient is transient
