"""Ids that are the same in every run, and times in the service's format."""

import hashlib
import re
import uuid
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

EPOCH = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
_SPACE = uuid.UUID("8f8d4f5e-2f6b-4b5a-9c57-0c9d3c5b1a00")

_WEEKDAY = re.compile(r"[A-Z][a-z]{2}, ")
_AMERICAN = (
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
)


@lru_cache(maxsize=100_000)
def stable_id(*parts: object) -> str:
    """An id that is the same in every run, for the same parts."""
    return str(uuid.uuid5(_SPACE, "/".join(map(str, parts))))


def stable_sha(*parts: object) -> str:
    """Forty hexadecimal digits that are the same in every run, for the same parts."""
    return hashlib.sha1("/".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()


def instant(moment: datetime) -> str:
    """A time in the service's format: UTC with up to seven fractional digits, none if they are zero."""
    fraction = f".{moment.microsecond:06d}7" if moment.microsecond else ""
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def moment(text: str) -> datetime | None:
    """A time as a client writes it, in UTC if it has no time zone; None if it is not a time.

    ISO 8601; the HTTP format `Sat, 28 Nov 2026 01:02:03 GMT`; and `6/14/2018 12:00:00 AM`, as the documentation has it.
    """
    parsed = _http_time(text.strip()) or _american_time(text.strip()) or _iso_time(text)
    return parsed if parsed is None or parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _http_time(text: str) -> datetime | None:
    if not _WEEKDAY.match(text):
        return None
    try:
        return parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None


def _american_time(text: str) -> datetime | None:
    for form in _AMERICAN if "/" in text else ():
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def _iso_time(text: str) -> datetime | None:
    shortened = text.strip().replace("Z", "+00:00")
    head, point, tail = shortened.partition(".")
    if point:
        digits = tail.split("+")[0].split("-")[0]
        shortened = f"{head}.{digits[:6]:0<6}{tail[len(digits) :]}"
    try:
        return datetime.fromisoformat(shortened)
    except ValueError:
        return None
