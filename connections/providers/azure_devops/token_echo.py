"""Take the token in use out of what a server answers, before anything is read from it.

A server can send the token back as somebody's name, in a message, in a file. From there it would be stored and shown
like any other text. So each answer is compared with the token that it was asked with: as it is, encoded for an address,
for JSON and for HTML, and in base64, wherever in the encoded text it begins, as in the header of Basic authentication.
A long piece of the token counts like the whole, as a server may cut a name.
"""

import base64
import html
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import quote, quote_plus, unquote

from connections.providers.credential import Credential
from core.redaction import REDACTED

_MARK = REDACTED.encode()
# What is shorter is no token, and may stand in any text.
_SHORTEST = 8
# So long a piece of a token is as good as the token. Pieces of its base64 are longer by a third, and then some.
_PIECE = 20
_PIECE_OF_BASE64 = 40
# Who sends more pieces than this sends nothing that is worth reading.
_MOST_PLACES = 1_000


def without_token(
    credential: Credential, headers: Mapping[str, str], body: bytes
) -> tuple[dict[str, str], bytes, bool]:
    """Headers and body with a mark in the place of each secret of the credential, and whether one stood in them."""
    forms = tuple(form for secret in credential.secrets() for form in _forms(secret))
    cleaned_headers, cleaned_body = _clean_headers(headers, forms), _clean_body(body, forms)
    return cleaned_headers, cleaned_body, (cleaned_headers, cleaned_body) != (dict(headers), body)


@dataclass(frozen=True, slots=True)
class _Form:
    """One spelling of the token, and the pieces of it that give it away, each with where it begins."""

    whole: bytes
    pieces: tuple[tuple[int, bytes], ...]

    def is_in(self, content: bytes) -> bool:
        return any(piece in content for _, piece in self.pieces)

    def places_in(self, content: bytes) -> Iterator[tuple[int, int]]:
        """Where pieces stand, each with as much of the token as stands around it; after very many, all the rest."""
        for begin, piece in self.pieces:
            before, after, at = self.whole[:begin][::-1], self.whole[begin:], 0
            for _ in range(_MOST_PLACES):
                found = content.find(piece, at)
                if found < 0:
                    break
                first = found - _alike(before, content[max(at, found - begin) : found][::-1])
                at = found + _alike(after, content[found : found + len(after)])
                yield first, at
            else:
                yield at, len(content)


def _alike(one: bytes, other: bytes) -> int:
    """How many bytes at the beginning of both are the same."""
    both = enumerate(zip(one, other, strict=False))
    return next((place for place, (mine, its) in both if mine != its), min(len(one), len(other)))


def _clean_headers(headers: Mapping[str, str], forms: tuple[_Form, ...]) -> dict[str, str]:
    together = "\n".join(headers.values())
    if not _found_in(f"{together}\n{unquote(together)}".encode(errors="replace"), forms):
        return dict(headers)
    return {name: _clean_header(value, forms) for name, value in headers.items()}


def _clean_header(value: str, forms: tuple[_Form, ...]) -> str:
    # Decoded first; then as it is, where a sign that would be decoded is the token's own.
    for spelled in (unquote(value), value):
        as_it_is = spelled.encode(errors="replace")
        cleaned = _clean(as_it_is, forms)
        if cleaned != as_it_is:
            return cleaned.decode(errors="replace")
    return value


def _clean_body(body: bytes, forms: tuple[_Form, ...]) -> bytes:
    # JSON may write each letter by its number; then it is compared as it is read.
    as_read = _as_read(body) if b"\\u00" in body else None
    if as_read is not None and (cleaned := _clean(as_read, forms)) != as_read:
        return cleaned
    return _clean(body, forms)


def _as_read(body: bytes) -> bytes | None:
    """The same JSON with each letter as itself; None for what is no JSON."""
    try:
        read = json.loads(body.decode("utf-8-sig", errors="replace"))
        return json.dumps(read, ensure_ascii=False).encode(errors="replace")
    except (ValueError, RecursionError):
        return None


def _found_in(content: bytes, forms: tuple[_Form, ...]) -> list[_Form]:
    return [form for form in forms if form.is_in(content)]


def _clean(content: bytes, forms: tuple[_Form, ...]) -> bytes:
    found = _found_in(content, forms)
    if not found:
        return content
    for form in found:
        content = content.replace(form.whole, _MARK)
    content = b"".join(_between(content, sorted(place for form in found for place in form.places_in(content))))
    while _MARK * 2 in content:
        content = content.replace(_MARK * 2, _MARK)
    return content


def _between(content: bytes, places: Iterable[tuple[int, int]]) -> Iterator[bytes]:
    """The content with a mark for each place; some may overlap."""
    at = 0
    for begin, end in places:
        yield content[at:begin] + (_MARK if end > at else b"")
        at = max(at, end)
    yield content[at:]


def _forms(secret: str) -> tuple[_Form, ...]:
    if len(secret) < _SHORTEST:
        return ()
    spelled = [(form.encode(), _PIECE) for form in _spellings(secret)]
    spelled += [(form, _PIECE_OF_BASE64) for form in _in_base64(secret.encode())]
    longest_first = sorted(dict.fromkeys(spelled), key=lambda one: len(one[0]), reverse=True)
    return tuple(_Form(form, _cut_up(form, shortest)) for form, shortest in longest_first)


def _spellings(secret: str) -> Iterator[str]:
    in_json = json.dumps(secret)[1:-1]
    yield from (secret, in_json, in_json.replace("/", "\\/"), html.escape(secret))
    for encoded in (quote(secret, safe=""), quote_plus(secret), quote(secret)):
        yield encoded
        yield _with_small_digits(encoded)


def _with_small_digits(encoded: str) -> str:
    """The same in the other spelling of hexadecimal digits."""
    first, *others = encoded.split("%")
    return "%".join([first, *(other[:2].lower() + other[2:] for other in others)])


def _in_base64(secret: bytes) -> Iterator[bytes]:
    """The letters that stand for the token alone, at each place where it can begin in what is encoded."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + secret)
        alone = encoded[-(-8 * before // 6) : 8 * (before + len(secret)) // 6]
        yield alone
        yield alone.translate(bytes.maketrans(b"+/", b"-_"))


def _cut_up(form: bytes, shortest: int) -> tuple[tuple[int, bytes], ...]:
    """Equal pieces of at least so many letters; the whole where it is too short for two."""
    count = max(len(form) // shortest, 1)
    places = [len(form) * number // count for number in range(count + 1)]
    return tuple((begin, form[begin:end]) for begin, end in pairwise(places))
