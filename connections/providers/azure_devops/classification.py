"""Decision table for the meaning of an answer: the first row that applies decides.

Azure DevOps rejects a bad token with 401, with 203 and a page, with 302, or with an anonymous 200; a missing scope
gives an empty 401. Proxies, gateways and firewalls answer in its place. So a status alone proves nothing, and a
rejection counts against a token only if the answer is clearly from Azure DevOps. A new kind of answer is a new row.

`docs/answers.md` explains each row, and a test compares the two.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.responses import ANONYMOUS_ID, Content, Response
from core.redaction import redact

_LONGEST_DETAIL = 200
_LONGEST_WORDS = 2000
# https://learn.microsoft.com/azure/devops/reference/error/tfs-errors-warnings and the codes of later services.
_ERROR_CODE = re.compile(r"\b(?:TF|VS)\d{5,7}\b")
_GUID = re.compile(r"(?<![0-9A-Fa-f-])[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}(?![0-9A-Fa-f-])")
SIGN_IN_TITLE = "azure devops services | sign in"
_SIGN_IN_PATH = "/_signin"
_SERVICE_HOSTS = ".visualstudio.com"


@dataclass(frozen=True)
class Evidence:
    """An unsuccessful answer, and its words in lower case."""

    answer: Response
    words: str

    @property
    def status(self) -> int:
        """The status of the answer."""
        return self.answer.status

    @property
    def is_refusal(self) -> bool:
        """Whether the answer may reject the token: 401, 403, 203, a redirect or an unexpected page."""
        return self.status in (401, 403, 203) or 300 <= self.status < 400 or self.is_success_page

    @property
    def is_success_page(self) -> bool:
        """Whether the answer is a page instead of data."""
        return 200 <= self.status < 300 and self.answer.is_page

    @property
    def is_from_azure_devops(self) -> bool:
        """Whether the answer has a mark that only Azure DevOps sets."""
        answer = self.answer
        marked = answer.type_key is not None or answer.user_id is not None or bool(answer.service_error)
        return marked or "x-vss-userdata" in answer.headers or _ERROR_CODE.search(self.words.upper()) is not None

    @property
    def refuses_principal(self) -> bool:
        """Whether the answer may reject the access token of an application."""
        return self.answer.by_principal and self.is_refusal and not self.answer.is_throttled

    @property
    def is_empty(self) -> bool:
        """Whether the answer has no text."""
        return not self.answer.body.strip() and not self.answer.service_error

    def says(self, *phrases: str) -> bool:
        """Whether the words contain one of the phrases, which are in lower case."""
        return any(map(self.words.__contains__, phrases))

    def names(self, *types: str) -> bool:
        """Whether the answer has one of these error types."""
        return self.answer.type_key in types


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table. `name` is the situation, as in the documentation."""

    name: str
    applies: Callable[[Evidence], bool]
    error: type[errors.AzureDevOpsError]


def _is_sign_in_redirect(evidence: Evidence) -> bool:
    target = evidence.answer.redirect_target
    if not 300 <= evidence.status < 400 or target is None:
        return False
    host = evidence.answer.redirect_host.lower()
    is_its_own = host == evidence.answer.host.lower() or host.endswith(_SERVICE_HOSTS)
    return is_its_own and target.path.lower().rstrip("/").endswith(_SIGN_IN_PATH)


def _is_about_another_person(evidence: Evidence) -> bool:
    # "TF400813: The user 'X' is not authorized": anonymous for a bad token, a user for a missing membership.
    return evidence.says("tf400813") and not evidence.says(ANONYMOUS_ID) and evidence.answer.user_id is not None


def _is_maintenance(evidence: Evidence) -> bool:
    if evidence.names("HostShutdownException") and evidence.status >= 500:
        return True
    has_wait = bool(evidence.answer.headers.get("retry-after", "").strip())
    return evidence.status == 503 and (has_wait or evidence.says("services aren't available"))


def _project_is_missing(evidence: Evidence) -> bool:
    return evidence.status in (400, 404) and evidence.says("projectdoesnotexist", "tf200016", "vs800075")


# Applications never sign in with a browser, so the same words mean something else for them.
_ABOUT_PRINCIPALS = (
    Row(
        "application not added",
        lambda evidence: evidence.refuses_principal and evidence.says("tf401444"),
        errors.PrincipalNotAdded,
    ),
    Row(
        "application of another tenant",
        lambda evidence: (
            evidence.refuses_principal
            and (evidence.names("AadUserStateException") or evidence.says("has not been materialized"))
        ),
        errors.PrincipalOfAnotherTenant,
    ),
    Row(
        "application without access",
        lambda evidence: (
            evidence.refuses_principal
            and evidence.status == 401
            and evidence.says("tf400813")
            and not evidence.says(ANONYMOUS_ID)
        ),
        errors.PrincipalWithoutAccess,
    ),
)

# Explicit messages decide first.
_EXPLICIT_WORDS = (
    Row("expired", lambda evidence: evidence.says("personal access token used has expired"), errors.TokenExpired),
    Row(
        "global token refused by policy",
        lambda evidence: evidence.is_refusal and evidence.says("global personal access token"),
        errors.GlobalTokenBlocked,
    ),
    Row(
        "conditional access",
        lambda evidence: (
            evidence.says("vs403463")
            or (evidence.is_refusal and evidence.says("conditional access policy", "uh-oh, you do not have access"))
        ),
        errors.ConditionalAccess,
    ),
    Row(
        "another policy",
        lambda evidence: evidence.is_refusal and evidence.says("security policy prohibits"),
        errors.BlockedByPolicy,
    ),
    Row("organization stopped", lambda evidence: evidence.says("tf24668"), errors.OrganizationUnavailable),
    Row(
        "owner never signed in",
        lambda evidence: (
            evidence.is_refusal
            and (evidence.names("AadUserStateException") or evidence.says("has not been materialized"))
        ),
        errors.InteractiveSignInNeeded,
    ),
    Row("branch protected", lambda evidence: evidence.says("tf402455"), errors.BranchProtected),
    # Undocumented wording, matched by its essential words.
    Row(
        "classic releases switched off",
        lambda evidence: evidence.says("classicreleasepipelinesdisabled", "classic release pipelines is disabled"),
        errors.ReleasesDisabled,
    ),
)

# Not rejections: rate limits and maintenance.
_BUSY = (
    Row(
        "throttled",
        lambda evidence: (
            evidence.status == 429 or evidence.says("tf400733", "blocked due to exceeding usage of resource")
        ),
        errors.Throttled,
    ),
    Row("throttled refusal", lambda evidence: evidence.is_refusal and evidence.answer.is_throttled, errors.Throttled),
    Row("maintenance", _is_maintenance, errors.Maintenance),
)

_SIGN_IN = (
    Row("redirect to the sign-in", _is_sign_in_redirect, errors.SignInRequired),
    Row("another redirect", lambda evidence: 300 <= evidence.status < 400, errors.Redirected),
    Row(
        "sign-in page",
        lambda evidence: evidence.is_refusal and evidence.answer.title.lower() == SIGN_IN_TITLE,
        errors.SignInRequired,
    ),
    Row(
        "page of something else",
        lambda evidence: evidence.is_success_page or evidence.status == 203,
        errors.ForeignPage,
    ),
)

_UNAUTHORIZED = (
    Row(
        "refused without a word",
        lambda evidence: (
            evidence.status == 401
            and evidence.is_empty
            and ("www-authenticate" in evidence.answer.headers or "x-vss-userdata" in evidence.answer.headers)
        ),
        errors.EmptyRefusal,
    ),
    Row(
        "owner not a member",
        lambda evidence: evidence.status == 401 and _is_about_another_person(evidence),
        errors.NotAMember,
    ),
    Row(
        "token refused", lambda evidence: evidence.status == 401 and evidence.is_from_azure_devops, errors.TokenRefused
    ),
    Row(
        "not permitted", lambda evidence: evidence.status == 403 and evidence.is_from_azure_devops, errors.AccessDenied
    ),
    Row("refused by a gateway", lambda evidence: evidence.status in (401, 403), errors.GatewayRefused),
)

_MISSING = (
    Row("project not found", _project_is_missing, errors.ProjectNotFound),
    Row(
        "organization not found",
        lambda evidence: evidence.names("HostDoesNotExistException"),
        errors.OrganizationNotFound,
    ),
    Row("not found", lambda evidence: evidence.status == 404 and evidence.answer.type_key is not None, errors.NotFound),
    Row(
        "no controller",
        lambda evidence: evidence.status == 404 and evidence.says("the controller for path"),
        errors.NoSuchAddress,
    ),
    Row(
        "organization not found, in words",
        lambda evidence: evidence.status == 404 and evidence.says("the resource cannot be found"),
        errors.OrganizationNotFound,
    ),
    Row(
        "no page of classic releases",
        lambda evidence: (
            evidence.status == 404 and evidence.answer.service == "release" and evidence.says("page not found")
        ),
        errors.ReleasesProbablyDisabled,
    ),
    Row(
        "not found, without a type",
        lambda evidence: evidence.status == 404 and evidence.answer.is_json and evidence.answer.has_message,
        errors.NotFound,
    ),
    Row("no route", lambda evidence: evidence.status == 404 and evidence.answer.is_json, errors.NoSuchAddress),
    # Some "not found" answers have the status 500, and waiting does not help.
    Row(
        "not found, as a server error",
        lambda evidence: evidence.status >= 500 and (evidence.answer.type_key or "").endswith("NotFoundException"),
        errors.NotFound,
    ),
)

_OTHERS = (
    Row("server error", lambda evidence: evidence.status >= 500, errors.ServerError),
    Row(
        "not permitted, as another status",
        lambda evidence: evidence.names("AccessDeniedException"),
        errors.AccessDenied,
    ),
    Row(
        "name taken",
        lambda evidence: evidence.status == 409 and "AlreadyExists" in (evidence.answer.type_key or ""),
        errors.NameTaken,
    ),
    Row("conflict", lambda evidence: evidence.status == 409, errors.Conflict),
    Row("proxy wants a password", lambda evidence: evidence.status == 407, errors.ProxyRefused),
    Row(
        "request refused",
        lambda evidence: 400 <= evidence.status < 500 and evidence.status != 404 and not evidence.answer.is_page,
        errors.Rejected,
    ),
    Row("anything else", lambda _answered: True, errors.UnexpectedAnswer),
)

_ABOUT_ANYBODY = (*_EXPLICIT_WORDS, *_BUSY, *_SIGN_IN, *_UNAUTHORIZED, *_MISSING, *_OTHERS)
TABLE: tuple[Row, ...] = (*_ABOUT_PRINCIPALS, *_ABOUT_ANYBODY)


def classify(answer: Response, *, content: Content = "json") -> errors.AzureDevOpsError | None:
    """The error that the answer means; None for success with the requested content, or without any. Never raises.

    `content` is what was requested: JSON, or the bytes of a file.
    """
    if _is_success(answer, content):
        return None
    kind = row_for(answer).error
    if answer.by_principal and issubclass(kind, errors.TokenRefused):
        # There is no token that someone could have mistyped.
        kind = errors.PrincipalRefused
    return _error(kind, answer)


def row_for(answer: Response) -> Row:
    """The row that applies to an unsuccessful answer."""
    evidence = Evidence(answer, _words(answer))
    table = TABLE if answer.by_principal else _ABOUT_ANYBODY
    return next(row for row in table if row.applies(evidence))


def _is_success(answer: Response, content: Content) -> bool:
    if not 200 <= answer.status < 300 or answer.status == 203:
        return False
    if content == "bytes":
        # A file may be an HTML page, but then it comes as bytes.
        return answer.content_type == "application/octet-stream"
    if answer.is_page:
        return False
    return answer.status == 204 or (answer.is_json and answer.is_object)


def _words(answer: Response) -> str:
    # Successful answers are content: a list, a log or a file may quote an error.
    if 200 <= answer.status < 300 and not answer.is_page:
        return ""
    texts = (answer.message, answer.service_error, answer.text)
    words = "\n".join(text[:_LONGEST_WORDS] for text in texts)
    return words.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").replace("&#39;", "'").lower()


def _error(kind: type[errors.AzureDevOpsError], answer: Response) -> errors.AzureDevOpsError:
    detail = redact(answer.type_key or answer.content_type or "no content type")[:_LONGEST_DETAIL]
    return kind(
        detail=f"{answer.status} {detail}",
        status=answer.status,
        activity_id=answer.activity_id,
        type_key=answer.type_key,
        said=answer.said,
        retry_after=answer.retry_after,
        host=answer.redirect_host if kind is errors.Redirected else answer.host,
        object_id=_last_guid(answer.message) if kind is errors.PrincipalNotAdded else "",
    )


def _last_guid(text: str) -> str:
    """The object id, which TF401444 names last, after the tenant."""
    found = _GUID.findall(text[:_LONGEST_WORDS])
    return found[-1].lower() if found else ""
