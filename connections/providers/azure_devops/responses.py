"""An HTTP answer and its parsed parts. `classification` decides what it means."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from html import unescape
from typing import Any, Literal
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.models import Service
from connections.providers.azure_devops.text import cut
from core.redaction import redact
from core.storable_text import may_hold_half_pairs, without_half_pairs

ANONYMOUS_ID = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
_TYPE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.`]{0,127}")
_ACTIVITY_ID = re.compile(r"[0-9A-Fa-f-]{8,64}")
# Starts at word boundaries, so that matching is linear.
_MAIL_ADDRESS = re.compile(r"(?<![^\s'\"<>(),;])[^\s'\"<>(),;]+@[^\s'\"<>(),;]+")
# Control characters, and marks that change the text direction.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_TITLE = re.compile(r"<title[^<>]{0,200}>([^<]{0,300})", re.IGNORECASE)
_TENANT = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_AUTHORIZATION_URI = re.compile(r"authorization_uri=\"?https://[a-z0-9.:-]{1,253}/([0-9a-f-]{36})")
_HOST = re.compile(r"[A-Za-z0-9.:-]{1,253}")
_LONGEST_SAID = 300
Content = Literal["json", "bytes"]
_LONGEST_WAIT = 24 * 60 * 60.0
# The title of the sign-in page is within its first lines.
_START_OF_A_PAGE = 2000


@dataclass(frozen=True)
class Response:
    """Status, headers (names in lower case) and body. `elapsed` is in seconds.

    `host` is the requested host without port; `service` is the requested service. `held_token` says that the answer
    contained the token in use, which is redacted. `by_principal` says that an application asked, and not a person.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed: float = 0.0
    host: str = ""
    service: Service = "core"
    held_token: bool = False
    by_principal: bool = False

    @cached_property
    def text(self) -> str:
        """The body as text without byte order mark; never raises."""
        return self.body.decode("utf-8-sig", errors="replace")

    @cached_property
    def content_type(self) -> str:
        """The media type in lower case."""
        return cut(self.headers.get("content-type", "")).partition(";")[0].strip().lower()

    @property
    def is_json(self) -> bool:
        """Whether the content type is JSON."""
        return self.content_type == "application/json" or self.content_type.endswith("+json")

    @cached_property
    def is_page(self) -> bool:
        """Whether the body is an HTML page."""
        if self.content_type == "text/html":
            return True
        start = self.body[:200]
        if b"<" not in start:
            return False
        return start.decode("utf-8-sig", errors="replace").lstrip().lower().startswith(("<!doctype", "<html"))

    @cached_property
    def _parsed(self) -> object:
        source = self.text
        try:
            parsed = json.loads(source)
            return without_half_pairs(parsed) if may_hold_half_pairs(source) else parsed
        except (ValueError, RecursionError):
            return None

    @property
    def is_object(self) -> bool:
        """Whether the body is a JSON object."""
        return isinstance(self._parsed, dict)

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object. Raises `UnexpectedAnswer`."""
        if not isinstance(self._parsed, dict):
            raise self.unexpected("not a JSON object")
        return self._parsed

    def json_items(self) -> list[object]:
        """The items of a list, of any type. Raises `UnexpectedAnswer`."""
        items = self.json_object().get("value")
        if not isinstance(items, list):
            raise self.unexpected("no list")
        return items

    def json_list(self) -> list[dict[str, Any]]:
        """The items of a list, each an object. Raises `UnexpectedAnswer`."""
        items = self.json_items()
        objects = [item for item in items if isinstance(item, dict)]
        if len(objects) != len(items):
            raise self.unexpected("no list of objects")
        return objects

    def unexpected(self, detail: str) -> errors.UnexpectedAnswer:
        """An error for invalid content of this answer."""
        return errors.UnexpectedAnswer(detail=detail, status=self.status, activity_id=self.activity_id)

    @property
    def _envelope(self) -> dict[str, Any]:
        return self._parsed if isinstance(self._parsed, dict) else {}

    @cached_property
    def type_key(self) -> str | None:
        """The error type in the error envelope; None if it is missing or not a type name."""
        value = self._envelope.get("typeKey")
        name = cut(value) if isinstance(value, str) else ""
        return name if _TYPE_NAME.fullmatch(name) and redact(name) == name else None

    @property
    def has_message(self) -> bool:
        """Whether the body is an error envelope, with or without a type."""
        return isinstance(self._envelope.get("message"), str)

    @property
    def message(self) -> str:
        """The error message, from the body or the header. It may name people."""
        value = self._envelope.get("message")
        if isinstance(value, str) and value:
            return cut(value)
        return self.service_error or ("" if self.is_page else cut(self.text))

    @property
    def said(self) -> str:
        """The first line of the error message, redacted for showing it to the person who acts; empty if missing."""
        value = self._envelope.get("message")
        return fit_to_show(value) if isinstance(value, str) else ""

    @cached_property
    def service_error(self) -> str:
        """The decoded X-TFS-ServiceError header."""
        return unquote(cut(self.headers.get("x-tfs-serviceerror", "")))

    @property
    def user_id(self) -> str | None:
        """The id of the user that Azure DevOps authenticated; None if missing or anonymous."""
        user = self.headers.get("x-vss-userdata", "").partition(":")[0].strip()
        return user if user and user.lower() != ANONYMOUS_ID else None

    @property
    def resource_tenant(self) -> str | None:
        """The id of the tenant that the organization belongs to; None if there is none."""
        tenant = cut(self.headers.get("x-vss-resourcetenant", "")).strip().lower()
        if not tenant:
            found = _AUTHORIZATION_URI.search(cut(self.headers.get("www-authenticate", "")).lower())
            tenant = found.group(1) if found else ""
        return tenant if _TENANT.fullmatch(tenant) and tenant.strip("0-") else None

    @property
    def activity_id(self) -> str | None:
        """The activity id for Microsoft's support. Stored and shown, so only a GUID is accepted."""
        activity_id = cut(self.headers.get("activityid") or self.headers.get("x-vss-e2eid") or "")
        return activity_id if _ACTIVITY_ID.fullmatch(activity_id) else None

    @property
    def continuation_token(self) -> str | None:
        """The continuation token of the next page."""
        return self.headers.get("x-ms-continuationtoken") or None

    @property
    def title(self) -> str:
        """The title of a page, with collapsed white space; empty if there is none near its start."""
        match = _TITLE.search(self.body[:_START_OF_A_PAGE].decode("utf-8-sig", errors="replace"))
        return " ".join(unescape(match.group(1)).split()) if match and self.is_page else ""

    @property
    def redirect_target(self) -> SplitResult | None:
        """The absolute target of a redirect; None if it is invalid."""
        location = cut(self.headers.get("location", ""))
        try:
            return urlsplit(urljoin(f"https://{self.host}/", location)) if location else None
        except ValueError:
            return None

    @property
    def redirect_host(self) -> str:
        """The host of a redirect's target; empty if it is unknown or invalid."""
        target = self.redirect_target
        try:
            host = (target.hostname or "") if target else ""
        except ValueError:
            return ""
        return host if _HOST.fullmatch(host) else ""

    @property
    def is_throttled(self) -> bool:
        """Whether a header says that the rate limit is reached, or that the call was delayed.

        https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits
        """
        if self.headers.get("retry-after", "").strip() or self.headers.get("x-ratelimit-delay", "").strip():
            return True
        remaining = _number(self.headers.get("x-ratelimit-remaining", ""))
        return remaining is not None and remaining <= 0

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait, from seconds or a date in Retry-After, at most a day.

        Without that header, the time until X-RateLimit-Reset (seconds since 1970), if the rate limit is reached.
        """
        if text := cut(self.headers.get("retry-after", "").strip()):
            seconds = _number(text)
            seconds = _seconds_until(text) if seconds is None else seconds
        else:
            reset = _number(self.headers.get("x-ratelimit-reset", "")) if self.is_throttled else None
            seconds = None if reset is None else reset - datetime.now(UTC).timestamp()
        return None if seconds is None else min(max(seconds, 0.0), _LONGEST_WAIT)


def fit_to_show(text: str) -> str:
    """The first line, shortened, without mail addresses, secrets and control characters."""
    line = cut(text.strip()).partition("\n")[0].strip()
    return _CONTROLS.sub(" ", _MAIL_ADDRESS.sub("…", redact(line)))[:_LONGEST_SAID]


def _number(text: str) -> float | None:
    """A number in a header; None if it is invalid or missing."""
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) else number


def _seconds_until(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime.now(UTC)).total_seconds()
