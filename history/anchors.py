"""Anchors: the number and the value of a seal, kept outside the database, and how they are read back.

An anchor looks like `12:0f3a…`, with 64 hexadecimal digits. It is read wherever it was kept: typed, in a log, in the
anchor file, or in a mail. Nothing here reads the database.
"""

import email
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from pathlib import Path

from core.text_input import encoding_of

_ANCHOR = re.compile(r"(?<![0-9A-Za-z])(\d{1,18}):([0-9a-f]{64})(?![0-9A-Za-z])", re.IGNORECASE)
_REACHES = re.compile(r"up to event (\d{1,18})\b")
# The first line of a mail, as programs save it: a header, or the separator of a mailbox.
_MAIL = re.compile(rb"From |[A-Za-z][A-Za-z0-9-]{0,75}:[ \t]")
_LONGEST_MAIL = 20 * 1024 * 1024
_LONGEST_LINE = 64 * 1024


class NoAnchor(ValueError):
    """The text or file holds no anchor, or is no file that can be read. Its message says which."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A seal as it was noted. `last_event` is the id of the last event it covers, where that was noted too."""

    number: int
    seal: str
    last_event: int | None = None

    def __str__(self) -> str:
        return f"{self.number}:{self.seal}"


def in_text(text: str) -> Iterator[Anchor]:
    """Every anchor in a text, line by line, in the order in which they stand."""
    for line in text.splitlines():
        yield from _in_line(line)


def _in_line(line: str) -> Iterator[Anchor]:
    found = list(_ANCHOR.finditer(line))
    reaches = _REACHES.search(line) if len(found) == 1 else None
    for number, seal in (match.groups() for match in found):
        yield Anchor(int(number), seal.lower(), int(reaches[1]) if reaches else None)


def read(given: Iterable[str]) -> Iterator[Anchor]:
    """The anchors that a person gave: each an anchor itself, or the name of a file that holds some.

    Raises `NoAnchor` when one of them is neither.
    """
    for text in given:
        if _ANCHOR.fullmatch(text.strip()):
            yield from in_text(text)
        else:
            yield from _in_named_file(text)


def _in_named_file(name: str) -> Iterator[Anchor]:
    count = 0
    try:
        for anchor in in_file(Path(name)):
            count += 1
            yield anchor
    except (FileNotFoundError, ValueError):
        words = "An anchor looks like 12:0f3a…, with all of its 64 digits, as log, mail and History page have it"
        raise NoAnchor(f"{words}; or name a file that holds some. “{name}” is neither.") from None
    except OSError as problem:
        raise NoAnchor(f"“{name}” cannot be read: {problem.strerror}.") from None
    if not count:
        raise NoAnchor(f"“{name}” holds no anchor. One looks like 12:0f3a…, with all of its 64 digits.")


def in_file(path: Path) -> Iterator[Anchor]:
    """Every anchor in a file: an anchor file, a log, or a saved mail. Memory stays small but for a mail.

    Raises `OSError`.
    """
    with path.open("rb") as file:
        start = file.read(_LONGEST_LINE)
        encoding = encoding_of(start)
        if _MAIL.match(start.decode(encoding, "replace").encode("utf-8", "replace")):
            anchors = list(_in_mail(_as_mail(start + file.read(_LONGEST_MAIL), encoding)))
            if anchors:
                yield from anchors
                return
    with path.open(encoding=encoding, errors="replace") as text:
        while line := text.readline(_LONGEST_LINE):
            yield from _in_line(line)


def _as_mail(content: bytes, encoding: str) -> bytes:
    """A mail is bytes; one that Windows saved as text is encoded anew."""
    return content if encoding == "utf-8" else content.decode(encoding, "replace").encode("utf-8", "replace")


def _in_mail(content: bytes) -> Iterator[Anchor]:
    """Mail programs wrap and encode lines, so the parts are decoded first."""
    message = email.message_from_bytes(content, policy=policy.default)
    for part in message.walk():
        if isinstance(part, EmailMessage) and part.get_content_maintype() == "text":
            yield from in_text(_text_of(part))


def _text_of(part: EmailMessage) -> str:
    try:
        return str(part.get_content())
    except (LookupError, ValueError):
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
