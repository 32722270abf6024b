"""Validation of what people enter about a credential in the register: texts, dates, and what uses it.

The register holds no secrets, so every text is refused if a part of it looks like one.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email

from connections import input_rules
from connections.input_rules import InvalidInput

# What people enter about an entry: the columns of a file, and the fields that a change is compared by.
FIELDS = (
    "name",
    "kind",
    "organization",
    "owner",
    "outside_owner",
    "purpose",
    "used_by",
    "scopes",
    "expires_on",
    "extra_recipients",
    "notes",
)
NAME_LENGTH = 128
ORGANIZATION_LENGTH = 128
OUTSIDE_OWNER_LENGTH = 200
LINE_LENGTH = 500
NOTES_LENGTH = 4000
CONSUMER_NAME_LENGTH = 200
MOST_CONSUMERS = 50
# Root certificates are valid for decades.
OLDEST, FARTHEST = date(2000, 1, 1), date(2199, 12, 31)
_LABELS = {
    "name": "The name",
    "organization": "The organization",
    "outside_owner": "The owner outside",
    "purpose": "The purpose",
    "scopes": "The scopes",
    "notes": "The notes",
    "closed_note": "The note",
    "used_by": "A name",
}
_UNSTORABLE = ("Cc", "Cs", "Co", "Zl", "Zp")
_PLAIN_ADDRESS = re.compile(r"https?://(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,20}/[A-Za-z0-9/_.?=&%-]*")
_is_web_address = URLValidator(schemes=["http", "https"])


def entry_name(text: str) -> str:
    """The name of an entry, as one line."""
    input_rules.refuse_secret(text, field="name")
    return input_rules.one_line_name(text, longest=NAME_LENGTH, missing="Enter a name.")


def one_line(text: str, *, field: str, longest: int = LINE_LENGTH) -> str:
    """A text without line breaks, with white space collapsed; it may be empty."""
    return " ".join(plain_text(text, field=field, longest=longest).split())


def plain_text(text: str, *, field: str, longest: int = NOTES_LENGTH) -> str:
    """A text that may have several lines; it may be empty."""
    input_rules.refuse_secret(text, field=field)
    text = text.strip() if text.isascii() and text.isprintable() else _normalized(text, field=field)
    if len(text) > longest:
        words = f"{_LABELS[field]} has at most {longest} characters."
        raise InvalidInput("text_too_long", words, field=field)
    return text


def _normalized(text: str, *, field: str) -> str:
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if any(letter not in "\n\t" and unicodedata.category(letter) in _UNSTORABLE for letter in text):
        raise InvalidInput("text_invisible", f"{_LABELS[field]} contains an invisible character.", field=field)
    return text


def expiry_date(day: date | None) -> date | None:
    """The expiry date of an entry, which may be in the past."""
    if day is not None and day < OLDEST:
        raise InvalidInput("expiry_too_old", "This date is too far in the past.", field="expires_on")
    if day is not None and day > FARTHEST:
        raise InvalidInput("expiry_too_far", "This date is too far in the future.", field="expires_on")
    return day


def recipients(text: str) -> str:
    """Additional mail addresses, one per line."""
    input_rules.refuse_secret(text, field="extra_recipients")
    return input_rules.recipients(text)


@dataclass(frozen=True, slots=True)
class ConsumerInput:
    """Something that uses a credential: its name, where it is found, and whom to notify. The last two may be empty."""

    name: str
    url: str = ""
    contact: str = ""

    @property
    def line(self) -> str:
        """As it is entered."""
        return " ".join(filter(None, (self.name, self.url, self.contact)))


def consumers(text: str) -> tuple[ConsumerInput, ...]:
    """What uses a credential, one per line: a name, and optionally a link and a mail address, in any order."""
    lines = plain_text(text, field="used_by", longest=MOST_CONSUMERS * 1000).split("\n")
    entered = tuple(dict.fromkeys(_consumer(line) for line in lines if line.strip()))
    if len(entered) > MOST_CONSUMERS:
        raise InvalidInput("consumers_too_many", f"Enter at most {MOST_CONSUMERS} lines.", field="used_by")
    return entered


def in_parts(name: str, url: str, contact: str) -> ConsumerInput:
    """A consumer that is entered in parts. Raises `InvalidInput` if its line would be read in another way."""
    read = consumers(ConsumerInput(" ".join(name.split()), url, contact).line)
    if len(read) != 1 or (read[0].url, read[0].contact) != (url, contact):
        words = "Enter a name, a link with http or https, and a mail address, each in its own field."
        raise InvalidInput("consumer_unreadable", words, field="used_by")
    return read[0]


def consumers_text(lines: Iterable[ConsumerInput]) -> str:
    """The text that `consumers` reads."""
    return "\n".join(consumer.line for consumer in lines)


def _consumer(line: str) -> ConsumerInput:
    words = line.split()
    # The last ones, so that the line which is shown is read in the same way again.
    url = next((word for word in reversed(words) if "://" in word), "")
    contact = next((word for word in reversed(words) if word != url and _is_mail_address(word)), "")
    name = one_line(" ".join(word for word in words if word not in (url, contact)), field="used_by")
    if url:
        _check_link(url)
    name = name or contact or urlsplit(url).netloc
    if len(name) > CONSUMER_NAME_LENGTH:
        words_of_error = f"A name has at most {CONSUMER_NAME_LENGTH} characters."
        raise InvalidInput("text_too_long", words_of_error, field="used_by")
    return ConsumerInput(name, url, contact)


def _is_mail_address(word: str) -> bool:
    if "@" not in word:
        return False
    try:
        validate_email(word)
    except ValidationError:
        return False
    return len(word) <= input_rules.ADDRESS_LENGTH


def _check_link(url: str) -> None:
    try:
        if len(url) > LINE_LENGTH:
            raise ValidationError("")
        # The validator is right about every address, and slow.
        if not _PLAIN_ADDRESS.fullmatch(url):
            _is_web_address(url)
    except ValidationError:
        words = f"“{url[:100]}” is not a link with http or https."
        raise InvalidInput("link_invalid", words, field="used_by") from None
