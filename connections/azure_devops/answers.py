"""One answer of Azure DevOps, and what it means.

Azure DevOps answers a bad token with 401, 203 and a page, 302, or 200 as nobody, and a missing scope with an
empty 401. So nothing here follows from a status alone.
https://learn.microsoft.com/azure/devops/integrate/get-started/rest/basics
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, Literal
from urllib.parse import unquote

from connections.azure_devops import errors
from connections.azure_devops.names import redact

ANONYMOUS_ID = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
_TYPE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.`]{0,127}")
_ACTIVITY_ID = re.compile(r"[0-9A-Fa-f-]{8,64}")
_MAIL_ADDRESS = re.compile(r"[^\s'\"<>(),;]+@[^\s'\"<>(),;]+")
_LONGEST_DETAIL = 200
_LONGEST_SAID = 300
Content = Literal["json", "bytes"]
_LONGEST_WAIT = 24 * 60 * 60.0


@dataclass(frozen=True)
class Answer:
    """Status, headers (names in lower case) and body as they came. `elapsed` is in seconds."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed: float = 0.0

    @property
    def text(self) -> str:
        """The body as text, without a byte order mark; never raises."""
        return self.body.decode("utf-8-sig", errors="replace")

    @property
    def content_type(self) -> str:
        """The media type alone, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_json(self) -> bool:
        """Whether the body says that it is JSON."""
        return self.content_type == "application/json" or self.content_type.endswith("+json")

    @property
    def is_page(self) -> bool:
        """Whether the body is a page for people."""
        start = self.body[:200].decode("utf-8-sig", errors="replace").lstrip().lower()
        return self.content_type == "text/html" or start.startswith(("<!doctype", "<html"))

    @cached_property
    def _parsed(self) -> object:
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object. Raises `UnexpectedAnswer`."""
        if not isinstance(self._parsed, dict):
            raise self.unexpected("not a JSON object")
        return self._parsed

    def json_list(self) -> list[dict[str, Any]]:
        """The items of a list. An error in the shape of a list is no list. Raises `UnexpectedAnswer`."""
        items = self.json_object().get("value")
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self.unexpected("no list")
        return items

    def unexpected(self, detail: str) -> errors.UnexpectedAnswer:
        """The error that says that this answer lacks something."""
        return errors.UnexpectedAnswer(detail=detail, status=self.status, activity_id=self.activity_id)

    @property
    def _envelope(self) -> dict[str, Any]:
        return self._parsed if isinstance(self._parsed, dict) else {}

    @property
    def type_key(self) -> str | None:
        """The type of error in Azure DevOps' envelope; None when there is none that could be a type's name."""
        value = self._envelope.get("typeKey")
        return value if isinstance(value, str) and _TYPE_NAME.fullmatch(value) and redact(value) == value else None

    @property
    def has_message(self) -> bool:
        """Whether the body is Azure DevOps' envelope of an error, with or without a type."""
        return isinstance(self._envelope.get("message"), str)

    @property
    def message(self) -> str:
        """The words of the error, from the body or the header. They may name people."""
        value = self._envelope.get("message")
        if isinstance(value, str) and value:
            return value
        return self.service_error or ("" if self.is_page else self.text[:2000])

    @property
    def said(self) -> str:
        """The first line of the error's words, fit for the eyes of the person who acted; empty when there is none."""
        value = self._envelope.get("message")
        return fit_to_show(value) if isinstance(value, str) else ""

    @property
    def service_error(self) -> str:
        """The decoded X-TFS-ServiceError header."""
        return unquote(self.headers.get("x-tfs-serviceerror", ""))

    @property
    def user_id(self) -> str | None:
        """As whom Azure DevOps answered; None when it does not say, or says nobody."""
        user = self.headers.get("x-vss-userdata", "").partition(":")[0].strip()
        return user if user and user.lower() != ANONYMOUS_ID else None

    @property
    def activity_id(self) -> str | None:
        """What Microsoft's support asks for: a GUID. It is stored and shown, so nothing else passes."""
        found = self.headers.get("activityid") or self.headers.get("x-vss-e2eid") or ""
        return found if _ACTIVITY_ID.fullmatch(found) else None

    @property
    def continuation_token(self) -> str | None:
        """The token that asks for the next page."""
        return self.headers.get("x-ms-continuationtoken") or None

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait, from seconds or a date; between nothing and a day."""
        text = self.headers.get("retry-after", "").strip()
        if not text:
            return None
        try:
            seconds = float(text)
        except ValueError:
            seconds = _seconds_until(text)
        return min(max(seconds, 0.0), _LONGEST_WAIT) if seconds == seconds else None


def fit_to_show(text: str) -> str:
    """The first line, without mail addresses and secrets, and not endless."""
    line = text.strip().partition("\n")[0].strip()
    return _MAIL_ADDRESS.sub("…", redact(line))[:_LONGEST_SAID]


def _seconds_until(text: str) -> float:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return float("nan")
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime.now(UTC)).total_seconds()


def classify(answer: Answer, *, content: Content = "json") -> errors.AzureDevOpsError | None:
    """What the answer means; None only for success with the content asked for, or without any. Never raises.

    `content` says what was asked for: JSON, or the bytes of a file.
    """
    # What a success says is content: a log or a file may well quote an error.
    if 200 <= answer.status < 300:
        return _bytes(answer) if content == "bytes" else _success(answer)
    if 300 <= answer.status < 400:
        return _error(errors.SignInRequired, answer)
    words = f"{answer.message}\n{answer.service_error}\n{answer.text[:4000]}".lower()
    return _told(answer, words) or _by_status(answer, words)


def _told(answer: Answer, words: str) -> errors.AzureDevOpsError | None:
    """What the words of a refusal say, whatever its status."""
    if answer.status == 429 or any(phrase in words for phrase in _TOO_MUCH):
        return errors.Throttled(retry_after=answer.retry_after, status=answer.status, activity_id=answer.activity_id)
    for phrase, kind in _PHRASES:
        if phrase in words:
            return _error(kind, answer)
    return None


_TOO_MUCH = ("tf400733", "blocked due to exceeding usage of resource")
_PHRASES: tuple[tuple[str, type[errors.AzureDevOpsError]], ...] = (
    ("personal access token used has expired", errors.TokenExpired),
    ("global personal access token", errors.GlobalTokenBlocked),
    ("vs403463", errors.ConditionalAccess),
    ("conditional access policy", errors.ConditionalAccess),
    ("uh-oh, you do not have access", errors.ConditionalAccess),
    ("security policy prohibits", errors.BlockedByPolicy),
    ("tf24668", errors.OrganizationUnavailable),
    ("tf402455", errors.BranchProtected),
    # How this is said is documented nowhere; both words together are what it cannot be said without.
    ("classicreleasepipelinesdisabled", errors.ReleasesDisabled),
    ("classic release pipelines is disabled", errors.ReleasesDisabled),
)


def _by_status(answer: Answer, words: str) -> errors.AzureDevOpsError:
    if answer.status == 401:
        return _unauthorized(answer, words)
    if answer.status == 403:
        # A page is what something on the way says, and nothing about the person.
        page = answer.is_page and not answer.service_error
        return _error(errors.UnexpectedAnswer if page else errors.AccessDenied, answer)
    if answer.status == 404:
        return _missing(answer, words)
    return _server_error(answer) if answer.status >= 500 else _other(answer, words)


def _error(kind: type[errors.AzureDevOpsError], answer: Answer) -> errors.AzureDevOpsError:
    detail = redact(answer.type_key or answer.content_type or "no content type")[:_LONGEST_DETAIL]
    return kind(
        detail=f"{answer.status} {detail}",
        status=answer.status,
        activity_id=answer.activity_id,
        type_key=answer.type_key,
        said=answer.said,
    )


def _success(answer: Answer) -> errors.AzureDevOpsError | None:
    if answer.status == 203 or answer.is_page:
        return _error(errors.SignInRequired, answer)
    if answer.status == 204:
        return None
    if not answer.is_json:
        return _error(errors.UnexpectedAnswer, answer)
    try:
        answer.json_object()
    except errors.UnexpectedAnswer:
        return _error(errors.UnexpectedAnswer, answer)
    return None


def _bytes(answer: Answer) -> errors.AzureDevOpsError | None:
    # A file may be a page, but then it comes as bytes; what calls itself a page is the sign-in page.
    if answer.status == 203 or answer.content_type == "text/html":
        return _error(errors.SignInRequired, answer)
    return None if answer.content_type == "application/octet-stream" else _error(errors.UnexpectedAnswer, answer)


def _unauthorized(answer: Answer, words: str) -> errors.AzureDevOpsError:
    if not answer.body.strip() and not answer.service_error:
        return _error(errors.EmptyRefusal, answer)
    if answer.is_page and not answer.service_error:
        return _error(errors.SignInRequired, answer)
    # "TF400813: The user 'X' is not authorized": the anonymous user means the token, a real one the person.
    if "tf400813" in words and ANONYMOUS_ID not in words and answer.user_id:
        return _error(errors.NotAMember, answer)
    return _error(errors.TokenRefused, answer)


def _missing(answer: Answer, words: str) -> errors.AzureDevOpsError:
    if _project_is_missing(words):
        return _error(errors.ProjectNotFound, answer)
    if answer.type_key is not None:
        return _error(errors.NotFound, answer)
    if "the controller for path" in words:
        return _error(errors.NoSuchAddress, answer)
    if "the resource cannot be found" in words:
        return _error(errors.OrganizationNotFound, answer)
    if answer.is_json:
        return _error(errors.NotFound if answer.has_message else errors.NoSuchAddress, answer)
    return _error(errors.UnexpectedAnswer, answer)


def _project_is_missing(words: str) -> bool:
    return any(sign in words for sign in ("projectdoesnotexist", "tf200016", "vs800075"))


def _server_error(answer: Answer) -> errors.AzureDevOpsError:
    # Some "not found" answers are dressed as a 500, and waiting does not mend them.
    if answer.type_key is not None and answer.type_key.endswith("NotFoundException"):
        return _error(errors.NotFound, answer)
    if answer.status == 503 and answer.retry_after is not None:
        return errors.Throttled(retry_after=answer.retry_after, status=answer.status, activity_id=answer.activity_id)
    return _error(errors.ServerError, answer)


def _other(answer: Answer, words: str) -> errors.AzureDevOpsError:
    if _project_is_missing(words):
        return _error(errors.ProjectNotFound, answer)
    if answer.type_key == "AccessDeniedException":
        return _error(errors.AccessDenied, answer)
    if answer.status == 409:
        taken = answer.type_key is not None and "AlreadyExists" in answer.type_key
        return _error(errors.NameTaken if taken else errors.Conflict, answer)
    if answer.status == 407:
        return _error(errors.ProxyRefused, answer)
    if 400 <= answer.status < 500 and not answer.is_page:
        return _error(errors.Rejected, answer)
    return _error(errors.UnexpectedAnswer, answer)
