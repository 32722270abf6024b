"""One answer as it came over the network, and what can be read from it. `classification` says what it means."""

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
# Begins where a word begins, so that each word is read once, however long it is.
_MAIL_ADDRESS = re.compile(r"(?<![^\s'\"<>(),;])[^\s'\"<>(),;]+@[^\s'\"<>(),;]+")
# Controls, and marks that change the direction of what stands around them.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_TITLE = re.compile(r"<title[^<>]{0,200}>([^<]{0,300})", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9.:-]{1,253}")
_LONGEST_SAID = 300
Content = Literal["json", "bytes"]
_LONGEST_WAIT = 24 * 60 * 60.0
# The title of Azure DevOps' own sign-in page stands in its first lines.
_START_OF_A_PAGE = 2000


@dataclass(frozen=True)
class Response:
    """Status, headers (names in lower case) and body as they came. `elapsed` is in seconds.

    `host` is the one that was asked, without its port; `service` is which of Azure DevOps' services. `held_token` says
    that the token in use stood in it, where now a mark stands.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed: float = 0.0
    host: str = ""
    service: Service = "core"
    held_token: bool = False

    @property
    def text(self) -> str:
        """The body as text, without a byte order mark; never raises."""
        return self.body.decode("utf-8-sig", errors="replace")

    @property
    def content_type(self) -> str:
        """The media type alone, in lower case."""
        return cut(self.headers.get("content-type", "")).partition(";")[0].strip().lower()

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
        """The items of a list, whatever they are. An error in the shape of a list is no list.

        Raises `UnexpectedAnswer`.
        """
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
        """The error that says that this answer lacks something."""
        return errors.UnexpectedAnswer(detail=detail, status=self.status, activity_id=self.activity_id)

    @property
    def _envelope(self) -> dict[str, Any]:
        return self._parsed if isinstance(self._parsed, dict) else {}

    @property
    def type_key(self) -> str | None:
        """The type of error in Azure DevOps' envelope; None when there is none that could be a type's name."""
        value = self._envelope.get("typeKey")
        found = cut(value) if isinstance(value, str) else ""
        return found if _TYPE_NAME.fullmatch(found) and redact(found) == found else None

    @property
    def has_message(self) -> bool:
        """Whether the body is Azure DevOps' envelope of an error, with or without a type."""
        return isinstance(self._envelope.get("message"), str)

    @property
    def message(self) -> str:
        """The words of the error, from the body or the header. They may name people."""
        value = self._envelope.get("message")
        if isinstance(value, str) and value:
            return cut(value)
        return self.service_error or ("" if self.is_page else cut(self.text))

    @property
    def said(self) -> str:
        """The first line of the error's words, fit for the eyes of the person who acted; empty when there is none."""
        value = self._envelope.get("message")
        return fit_to_show(value) if isinstance(value, str) else ""

    @property
    def service_error(self) -> str:
        """The decoded X-TFS-ServiceError header."""
        return unquote(cut(self.headers.get("x-tfs-serviceerror", "")))

    @property
    def user_id(self) -> str | None:
        """As whom Azure DevOps answered; None when it does not say, or says nobody."""
        user = self.headers.get("x-vss-userdata", "").partition(":")[0].strip()
        return user if user and user.lower() != ANONYMOUS_ID else None

    @property
    def activity_id(self) -> str | None:
        """What Microsoft's support asks for: a GUID. It is stored and shown, so nothing else passes."""
        found = cut(self.headers.get("activityid") or self.headers.get("x-vss-e2eid") or "")
        return found if _ACTIVITY_ID.fullmatch(found) else None

    @property
    def continuation_token(self) -> str | None:
        """The token that asks for the next page."""
        return self.headers.get("x-ms-continuationtoken") or None

    @property
    def title(self) -> str:
        """The title of a page, with single spaces; empty when there is none near its beginning."""
        found = _TITLE.search(self.body[:_START_OF_A_PAGE].decode("utf-8-sig", errors="replace"))
        return " ".join(unescape(found.group(1)).split()) if found and self.is_page else ""

    @property
    def redirect_target(self) -> SplitResult | None:
        """Where a redirect leads; a relative address leads to the host that was asked. None when it cannot be read."""
        location = cut(self.headers.get("location", ""))
        try:
            return urlsplit(urljoin(f"https://{self.host}/", location)) if location else None
        except ValueError:
            return None

    @property
    def redirect_host(self) -> str:
        """The host that a redirect leads to; empty when it is not known or is no host's name."""
        target = self.redirect_target
        try:
            host = (target.hostname or "") if target else ""
        except ValueError:
            return ""
        return host if _HOST.fullmatch(host) else ""

    @property
    def is_throttled(self) -> bool:
        """Whether a header says that the share of calls is used up, or that the call was delayed for it.

        https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits
        """
        if any(self.headers.get(name, "").strip() for name in ("retry-after", "x-ratelimit-delay")):
            return True
        remaining = _number(self.headers.get("x-ratelimit-remaining", ""))
        return remaining is not None and remaining <= 0

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait, from seconds or a date in Retry-After; between nothing and a day.

        Without that header, where the share of calls is used up: until X-RateLimit-Reset, seconds since 1970.
        """
        text = cut(self.headers.get("retry-after", "").strip())
        seconds = _number(text)
        if seconds is None and text:
            seconds = _seconds_until(text)
        if seconds is None and not text and self.is_throttled:
            reset = _number(self.headers.get("x-ratelimit-reset", ""))
            seconds = None if reset is None else reset - datetime.now(UTC).timestamp()
        return None if seconds is None else min(max(seconds, 0.0), _LONGEST_WAIT)


def fit_to_show(text: str) -> str:
    """The first line, without mail addresses, secrets and controls, and not endless."""
    line = cut(text.strip()).partition("\n")[0].strip()
    return _CONTROLS.sub(" ", _MAIL_ADDRESS.sub("…", redact(line)))[:_LONGEST_SAID]


def _number(text: str) -> float | None:
    """A number in a header; None for what is none."""
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
