"""What an answer means: one decision table, read from top to bottom; the first row that applies decides.

Azure DevOps refuses a bad token with 401, with 203 and a page, with 302, or answers 200 as nobody; a missing scope gets
an empty 401. Proxies, gateways and firewalls answer in its name. So nothing follows from a status alone, and a refusal
speaks against a token only where the answer shows that it is Azure DevOps' own. A new kind of answer is a new row.

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
SIGN_IN_TITLE = "azure devops services | sign in"
_SIGN_IN_PATH = "/_signin"
_SERVICE_HOSTS = ".visualstudio.com"


@dataclass(frozen=True)
class Evidence:
    """An answer that is no success, and the words that may be looked for in it, in lower case."""

    answer: Response
    words: str

    @property
    def status(self) -> int:
        """The status of the answer."""
        return self.answer.status

    @property
    def is_refusal(self) -> bool:
        """Whether the answer could be a refusal of the token: 401, 403, 203, a redirect or an unexpected page."""
        return self.status in (401, 403, 203) or 300 <= self.status < 400 or self.is_success_page

    @property
    def is_success_page(self) -> bool:
        """Whether a page came where data was asked for."""
        return 200 <= self.status < 300 and self.answer.is_page

    @property
    def is_from_azure_devops(self) -> bool:
        """Whether the answer bears a mark that nothing between us and Azure DevOps would put there."""
        answer = self.answer
        marked = answer.type_key is not None or answer.user_id is not None or bool(answer.service_error)
        return marked or "x-vss-userdata" in answer.headers or _ERROR_CODE.search(self.words.upper()) is not None

    @property
    def is_empty(self) -> bool:
        """Whether there are no words at all."""
        return not self.answer.body.strip() and not self.answer.service_error

    def says(self, *phrases: str) -> bool:
        """Whether one of the phrases, in lower case, stands in the words."""
        return any(phrase in self.words for phrase in phrases)

    def names(self, *types: str) -> bool:
        """Whether the answer names one of these types of error."""
        return self.answer.type_key in types


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table. `name` is the situation; it stands in the documentation too."""

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
    # "TF400813: The user 'X' is not authorized": the anonymous user means the token, a real one the person.
    return evidence.says("tf400813") and not evidence.says(ANONYMOUS_ID) and evidence.answer.user_id is not None


def _is_maintenance(evidence: Evidence) -> bool:
    if evidence.names("HostShutdownException") and evidence.status >= 500:
        return True
    has_wait = bool(evidence.answer.headers.get("retry-after", "").strip())
    return evidence.status == 503 and (has_wait or evidence.says("services aren't available"))


def _project_is_missing(evidence: Evidence) -> bool:
    return evidence.status in (400, 404) and evidence.says("projectdoesnotexist", "tf200016", "vs800075")


# What the answer says in so many words decides before anything else.
_EXPLICIT_WORDS = (
    Row("expired", lambda answered: answered.says("personal access token used has expired"), errors.TokenExpired),
    Row(
        "global token refused by policy",
        lambda answered: answered.is_refusal and answered.says("global personal access token"),
        errors.GlobalTokenBlocked,
    ),
    Row(
        "conditional access",
        lambda answered: (
            answered.says("vs403463")
            or (answered.is_refusal and answered.says("conditional access policy", "uh-oh, you do not have access"))
        ),
        errors.ConditionalAccess,
    ),
    Row(
        "another policy",
        lambda answered: answered.is_refusal and answered.says("security policy prohibits"),
        errors.BlockedByPolicy,
    ),
    Row("organization stopped", lambda answered: answered.says("tf24668"), errors.OrganizationUnavailable),
    Row(
        "owner never signed in",
        lambda answered: (
            answered.is_refusal
            and (answered.names("AadUserStateException") or answered.says("has not been materialized"))
        ),
        errors.InteractiveSignInNeeded,
    ),
    Row("branch protected", lambda answered: answered.says("tf402455"), errors.BranchProtected),
    # How this is said is documented nowhere; both words together are what it cannot be said without.
    Row(
        "classic releases switched off",
        lambda answered: answered.says("classicreleasepipelinesdisabled", "classic release pipelines is disabled"),
        errors.ReleasesDisabled,
    ),
)

# A refusal that is none: the share of calls is used up, or Azure DevOps is down for maintenance.
_BUSY = (
    Row(
        "throttled",
        lambda answered: (
            answered.status == 429 or answered.says("tf400733", "blocked due to exceeding usage of resource")
        ),
        errors.Throttled,
    ),
    Row("throttled refusal", lambda answered: answered.is_refusal and answered.answer.is_throttled, errors.Throttled),
    Row("maintenance", _is_maintenance, errors.Maintenance),
)

_SIGN_IN = (
    Row("redirect to the sign-in", _is_sign_in_redirect, errors.SignInRequired),
    Row("another redirect", lambda answered: 300 <= answered.status < 400, errors.Redirected),
    Row(
        "sign-in page",
        lambda answered: answered.is_refusal and answered.answer.title.lower() == SIGN_IN_TITLE,
        errors.SignInRequired,
    ),
    Row(
        "page of something else",
        lambda answered: answered.is_success_page or answered.status == 203,
        errors.ForeignPage,
    ),
)

_UNAUTHORIZED = (
    Row(
        "refused without a word",
        lambda answered: (
            answered.status == 401
            and answered.is_empty
            and ("www-authenticate" in answered.answer.headers or "x-vss-userdata" in answered.answer.headers)
        ),
        errors.EmptyRefusal,
    ),
    Row(
        "owner not a member",
        lambda answered: answered.status == 401 and _is_about_another_person(answered),
        errors.NotAMember,
    ),
    Row(
        "token refused", lambda answered: answered.status == 401 and answered.is_from_azure_devops, errors.TokenRefused
    ),
    Row(
        "not permitted", lambda answered: answered.status == 403 and answered.is_from_azure_devops, errors.AccessDenied
    ),
    Row("refused by a gateway", lambda answered: answered.status in (401, 403), errors.GatewayRefused),
)

_MISSING = (
    Row("project not found", _project_is_missing, errors.ProjectNotFound),
    Row(
        "organization not found",
        lambda answered: answered.names("HostDoesNotExistException"),
        errors.OrganizationNotFound,
    ),
    Row("not found", lambda answered: answered.status == 404 and answered.answer.type_key is not None, errors.NotFound),
    Row(
        "no controller",
        lambda answered: answered.status == 404 and answered.says("the controller for path"),
        errors.NoSuchAddress,
    ),
    Row(
        "organization not found, in words",
        lambda answered: answered.status == 404 and answered.says("the resource cannot be found"),
        errors.OrganizationNotFound,
    ),
    Row(
        "no page of classic releases",
        lambda answered: (
            answered.status == 404 and answered.answer.service == "release" and answered.says("page not found")
        ),
        errors.ReleasesProbablyDisabled,
    ),
    Row(
        "not found, without a type",
        lambda answered: answered.status == 404 and answered.answer.is_json and answered.answer.has_message,
        errors.NotFound,
    ),
    Row("no route", lambda answered: answered.status == 404 and answered.answer.is_json, errors.NoSuchAddress),
    # Some "not found" answers are dressed as a 500, and waiting does not mend them.
    Row(
        "not found, as a server error",
        lambda answered: answered.status >= 500 and (answered.answer.type_key or "").endswith("NotFoundException"),
        errors.NotFound,
    ),
)

_OTHERS = (
    Row("server error", lambda answered: answered.status >= 500, errors.ServerError),
    Row(
        "not permitted, as another status",
        lambda answered: answered.names("AccessDeniedException"),
        errors.AccessDenied,
    ),
    Row(
        "name taken",
        lambda answered: answered.status == 409 and "AlreadyExists" in (answered.answer.type_key or ""),
        errors.NameTaken,
    ),
    Row("conflict", lambda answered: answered.status == 409, errors.Conflict),
    Row("proxy wants a password", lambda answered: answered.status == 407, errors.ProxyRefused),
    Row(
        "request refused",
        lambda answered: 400 <= answered.status < 500 and answered.status != 404 and not answered.answer.is_page,
        errors.Rejected,
    ),
    Row("anything else", lambda _answered: True, errors.UnexpectedAnswer),
)

TABLE: tuple[Row, ...] = (*_EXPLICIT_WORDS, *_BUSY, *_SIGN_IN, *_UNAUTHORIZED, *_MISSING, *_OTHERS)


def classify(answer: Response, *, content: Content = "json") -> errors.AzureDevOpsError | None:
    """What the answer means; None only for success with the content asked for, or without any. Never raises.

    `content` says what was asked for: JSON, or the bytes of a file.
    """
    if _is_success(answer, content):
        return None
    return _error(row_for(answer).error, answer)


def row_for(answer: Response) -> Row:
    """The row of the table that decides what an answer means which is no success."""
    evidence = Evidence(answer, _words(answer))
    return next(row for row in TABLE if row.applies(evidence))


def _is_success(answer: Response, content: Content) -> bool:
    if not 200 <= answer.status < 300 or answer.status == 203:
        return False
    if content == "bytes":
        # A file may be a page, but then it comes as bytes.
        return answer.content_type == "application/octet-stream"
    if answer.is_page:
        return False
    return answer.status == 204 or (answer.is_json and answer.is_object)


def _words(answer: Response) -> str:
    # What a success says is content: a list, a log or a file may well quote an error.
    if 200 <= answer.status < 300 and not answer.is_page:
        return ""
    said = (answer.message, answer.service_error, answer.text)
    words = "\n".join(text[:_LONGEST_WORDS] for text in said)
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
    )
