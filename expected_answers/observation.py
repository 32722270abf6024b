"""Describe an answer without revealing any of its values.

The description contains the status, which of the known headers are present, the media type if it is a known one, the
length of the body and which of the known keys it has, the type of error, and which of the known words occur.
Everything else is only counted, so that no token, name or address of an answer can get into the description.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from expected_answers import SIGNATURES, ExpectedAnswer, ExpectedAnswers

ANONYMOUS_ID = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
ANOTHER = "another"
HIDDEN_TYPE_KEY = "(not told)"
_TYPE_KEY = re.compile(r"[A-Za-z]{1,80}Exception")
_NO_LETTERS = re.compile(r"[^A-Za-z]+")
# The words of a type's name: BuildNotFound is Build, Not and Found.
_CAMEL_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
# Shorter names are searched only as whole words, because they occur within other words: "main" in "Domain".
_SHORTEST_PART = {"people": 3, "things": 5}
# So many consecutive characters of a secret are not a coincidence.
_PIECE_OF_A_SECRET = 8
_LONGEST_TEXT = 100_000
_DEEPEST = 5
Shape = str | dict[str, Any]


@dataclass(frozen=True, slots=True)
class Private:
    """What must never be revealed: names of people and things, and secrets.

    `words` are hidden as whole words, `parts` also within words. Both are in lower case.
    """

    words: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, *, people: Iterable[str] = (), things: Iterable[str] = (), secrets: Iterable[str] = ()) -> "Private":
        """Create it from whole names and from secrets. Only their letters count, ignoring case."""
        of_people, of_things = _words_of(people), _words_of(things)
        letters = [_NO_LETTERS.sub("", secret).lower() for secret in secrets]
        parts = {
            *(word for word in of_people if len(word) >= _SHORTEST_PART["people"]),
            *(word for word in of_things if len(word) >= _SHORTEST_PART["things"]),
            *(piece for text in letters for piece in _pieces_of(text)),
        }
        return cls(frozenset(of_people | of_things), frozenset(parts))

    def __repr__(self) -> str:
        return "Private(…)"

    def is_in(self, text: str) -> bool:
        """Whether a name or a piece of a secret occurs in the text."""
        lowered = text.lower()
        words = {word.lower() for word in _CAMEL_WORD.findall(text)}
        return not words.isdisjoint(self.words) or any(part in lowered for part in self.parts)


def _words_of(names: Iterable[str]) -> set[str]:
    # The end of a mail address, such as "com", is not a person's name.
    told = (name.rpartition(".")[0] if "@" in name else name for name in names)
    return {word.lower() for name in told for word in _NO_LETTERS.split(name) if word}


def _pieces_of(letters: str) -> Iterator[str]:
    for start in range(len(letters) - _PIECE_OF_A_SECRET + 1):
        yield letters[start : start + _PIECE_OF_A_SECRET]


@dataclass(frozen=True, slots=True)
class Observation:
    """An answer without its values. `other_headers` counts those whose names are not known."""

    status: int
    headers: tuple[str, ...]
    other_headers: int
    content_type: str
    body: str
    body_bytes: int
    shape: Shape | None
    type_key: str | None
    words: tuple[str, ...]
    signed_as: str

    @property
    def keys(self) -> frozenset[str]:
        """The paths of the known keys in the body, such as `value[].id`."""
        return frozenset(_paths(self.shape, ""))

    def as_json(self) -> dict[str, Any]:
        """The description as JSON, for the file of a calibration."""
        return {
            "status": self.status,
            "headers": list(self.headers),
            "other_headers": self.other_headers,
            "content_type": self.content_type,
            "body": self.body,
            "body_bytes": self.body_bytes,
            "shape": self.shape,
            "type_key": self.type_key,
            "words": list(self.words),
            "signed_as": self.signed_as,
        }


def observe(
    expected: ExpectedAnswers,
    *,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    asker: str = "",
    private: Private | None = None,
) -> Observation:
    """Describe an answer. Names of headers are in lower case; `asker` is the id of the token's owner."""
    vocabulary = expected.vocabulary
    text = body[: 4 * _LONGEST_TEXT].decode("utf-8-sig", errors="replace")[:_LONGEST_TEXT]
    parsed = _parsed(body)
    told = [name for name in vocabulary.headers if name in headers]
    media_type = headers.get("content-type", "")[:200].partition(";")[0].strip().lower()
    searched = "\n".join((_readable(text), _readable(_message(parsed)), _header_words(headers))).lower()
    return Observation(
        status=status,
        headers=tuple(told),
        other_headers=len(headers) - len(told),
        content_type=media_type if media_type in vocabulary.content_types else "another" if media_type else "",
        body=_kind(text, media_type, parsed),
        body_bytes=len(body),
        shape=_shape(parsed, frozenset(vocabulary.keys), _DEEPEST) if isinstance(parsed, (dict, list)) else None,
        type_key=_type_key(parsed, expected.type_keys, private or Private()),
        words=tuple(word for word in vocabulary.words if word.lower() in searched),
        signed_as=_signed_as(headers.get("x-vss-userdata", ""), asker),
    )


def differences(answer: ExpectedAnswer, seen: Observation) -> tuple[str, ...]:
    """The names of the fields in which an answer differs from the expected one."""
    points = (
        ("status", seen.status == answer.status),
        ("content_type", seen.content_type == answer.content_type),
        ("headers", set(answer.headers) <= set(seen.headers) and not set(answer.absent) & set(seen.headers)),
        ("body", seen.body == answer.body),
        ("keys", set(answer.keys) <= seen.keys),
        ("type_key", seen.type_key in answer.type_keys if answer.type_keys else seen.type_key is None),
        ("words", set(answer.words) <= set(seen.words)),
        ("signed_as", seen.signed_as == answer.signed_as),
    )
    return tuple(name for name, same in points if not same)


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body.decode("utf-8-sig", errors="replace"))
    except (ValueError, RecursionError):
        return None


def _kind(text: str, media_type: str, parsed: object) -> str:
    beginning = text[:200].lstrip().lower()
    if not text.strip():
        return "empty"
    if media_type == "text/html" or beginning.startswith(("<!doctype", "<html")):
        return "page"
    if isinstance(parsed, dict):
        return "object"
    return "json" if parsed is not None else "text"


def _shape(value: object, known: frozenset[str], depth: int) -> Shape:
    """Types and lengths; of a list only the first item, of an object only known keys."""
    if isinstance(value, str):
        return f"text of {len(value)}"
    if isinstance(value, bool):
        return "yes or no"
    if isinstance(value, (int, float)):
        return "number"
    if value is None:
        return "null"
    if depth == 0 or not isinstance(value, (dict, list)):
        return "…"
    if isinstance(value, list):
        first = {"first": _shape(value[0], known, depth - 1)} if value else {}
        return {"list of": len(value), **first}
    inside: dict[str, Any] = {key: _shape(value[key], known, depth - 1) for key in sorted(known & value.keys())}
    others = len(value) - len(inside)
    return {"keys": inside, **({"other keys": others} if others else {})}


def _paths(shape: Shape | None, before: str) -> Iterator[str]:
    if not isinstance(shape, dict):
        return
    if "list of" in shape:
        yield from _paths(shape.get("first"), f"{before}[]")
        return
    for key, inside in shape["keys"].items():
        path = f"{before}.{key}" if before else key
        yield path
        yield from _paths(inside, path)


def _type_key(parsed: object, expected: frozenset[str], private: Private) -> str | None:
    value = parsed.get("typeKey") if isinstance(parsed, dict) else None
    if not isinstance(value, str) or not value:
        return None
    if value in expected:
        return value
    told = len(value) <= 100 and _TYPE_KEY.fullmatch(value) and not private.is_in(value)
    return value if told else HIDDEN_TYPE_KEY


def _message(parsed: object) -> str:
    message = parsed.get("message") if isinstance(parsed, dict) else None
    return message[:_LONGEST_TEXT] if isinstance(message, str) else ""


def _header_words(headers: Mapping[str, str]) -> str:
    challenge, service_error = (headers.get(name, "")[:2000] for name in ("www-authenticate", "x-tfs-serviceerror"))
    return f"{challenge}\n{unquote(service_error)}"


def _readable(text: str) -> str:
    return text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").replace("&#39;", "'")


def _signed_as(user_data: str, asker: str) -> str:
    asked, anonymous, nobody = SIGNATURES
    user = user_data[:200].partition(":")[0].strip().lower()
    if not user:
        return nobody
    if user == ANONYMOUS_ID:
        return anonymous
    return asked if asker and user == asker.lower() else ANOTHER
