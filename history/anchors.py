"""Anchors: number and value of a seal, kept outside the database, and how they are parsed.

An anchor looks like `12:0f3a…`, with 64 hexadecimal digits. It is recognised in an argument, a log, the anchor file or
a mail. Nothing here reads the database.
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
# The first line of a saved mail: a header, or the separator of an mbox file.
_MAIL = re.compile(rb"From |[A-Za-z][A-Za-z0-9-]{0,75}:[ \t]")
_LONGEST_MAIL = 20 * 1024 * 1024
_LONGEST_LINE = 64 * 1024


class NoAnchor(ValueError):
    """The text or file contains no anchor, or the file can't be read; the message says which."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """An anchor. `last_event` is the id of the last event that the seal covers, if the line says it."""

    number: int
    seal: str
    last_event: int | None = None

    def __str__(self) -> str:
        return f"{self.number}:{self.seal}"


def in_text(text: str) -> Iterator[Anchor]:
    """Every anchor in a text, in order."""
    for line in text.splitlines():
        yield from _in_line(line)


def _in_line(line: str) -> Iterator[Anchor]:
    matches = list(_ANCHOR.finditer(line))
    reaches = _REACHES.search(line) if len(matches) == 1 else None
    for number, seal in (match.groups() for match in matches):
        yield Anchor(int(number), seal.lower(), int(reaches[1]) if reaches else None)


def read(given: Iterable[str]) -> Iterator[Anchor]:
    """The anchors of the arguments: each is an anchor, or the name of a file that contains anchors.

    Raises `NoAnchor` if one of them is neither.
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
        form = "An anchor looks like 12:0f3a…, with all 64 digits, as in the log, the mail or on the History page"
        raise NoAnchor(f"“{name}” is neither an anchor nor a file. {form}.") from None
    except OSError as error:
        raise NoAnchor(f"“{name}” cannot be read: {error.strerror}.") from None
    if not count:
        raise NoAnchor(f"“{name}” contains no anchor. An anchor looks like 12:0f3a…, with all 64 digits.")


def in_file(path: Path) -> Iterator[Anchor]:
    """Every anchor in a file: an anchor file, a log, or a saved mail, which alone is read into memory as a whole.

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
    """The mail as UTF-8, also if Windows saved it as text in another encoding."""
    return content if encoding == "utf-8" else content.decode(encoding, "replace").encode("utf-8", "replace")


def _in_mail(content: bytes) -> Iterator[Anchor]:
    """The anchors in the decoded parts of a mail, because mail programs wrap and encode lines."""
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
