"""Redact the token in use from answers of a server, before anything reads them.

A server can send the token back as a name, in a message or in a file, from where it would be stored and shown. So each
answer is searched for the token of its request: as plain text, encoded for URLs, JSON and HTML, and in base64 at any
offset, as in the header of Basic authentication. A long piece of the token is redacted too, as a server may shorten it.
"""

import base64
import html
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import quote, quote_plus, unquote

from connections.providers.credential import Signer
from core.redaction import REDACTED

_MARK = REDACTED.encode()
# Shorter texts are not tokens, and may occur anywhere.
_SHORTEST = 8
# The length from which a piece of a token is redacted. Pieces of base64 are longer.
_PIECE = 20
_PIECE_OF_BASE64 = 40
# After so many pieces, the rest of an answer is redacted.
_MOST_PLACES = 1_000


Cleaned = tuple[dict[str, str], bytes, bool]


def redactor(signer: Signer) -> Callable[[Mapping[str, str], bytes], Cleaned]:
    """A function of headers and body, which returns them with the secrets of the signer redacted, and whether there
    were any. The encodings are prepared once, and held by the function alone, where no error report looks."""
    prepared: tuple[tuple[str, ...], tuple[_Form, ...]] = (), ()

    def without_token(headers: Mapping[str, str], body: bytes) -> Cleaned:
        nonlocal prepared
        secrets, forms = prepared
        if secrets != signer.secrets():
            secrets = signer.secrets()
            forms = tuple(form for secret in secrets for form in _forms(secret))
            prepared = secrets, forms
        cleaned_headers, cleaned_body = _clean_headers(headers, forms), _clean_body(body, forms)
        return cleaned_headers, cleaned_body, (cleaned_headers, cleaned_body) != (dict(headers), body)

    return without_token


@dataclass(frozen=True, slots=True)
class _Form:
    """An encoding of the token, and the pieces of it to search for, each with its offset and `wanted` without."""

    whole: bytes
    pieces: tuple[tuple[int, bytes], ...]
    wanted: tuple[bytes, ...]

    def is_in(self, content: bytes) -> bool:
        return any(map(content.__contains__, self.wanted))

    def places_in(self, content: bytes) -> Iterator[tuple[int, int]]:
        """The ranges of pieces, extended as far as the token matches; after very many, the rest of the content."""
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


def _alike(first: bytes, second: bytes) -> int:
    """The length of the common prefix."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((index for index, (left, right) in pairs if left != right), min(len(first), len(second)))


def _clean_headers(headers: Mapping[str, str], forms: tuple[_Form, ...]) -> dict[str, str]:
    together = "\n".join(headers.values())
    if not _found_in(f"{together}\n{unquote(together)}".encode(errors="replace"), forms):
        return dict(headers)
    return {name: _clean_header(value, forms) for name, value in headers.items()}


def _clean_header(value: str, forms: tuple[_Form, ...]) -> str:
    # First decoded, then unchanged, in case the token itself contains a percent sign.
    for text in (unquote(value), value):
        content = text.encode(errors="replace")
        cleaned = _clean(content, forms)
        if cleaned != content:
            return cleaned.decode(errors="replace")
    return value


def _clean_body(body: bytes, forms: tuple[_Form, ...]) -> bytes:
    # JSON with escaped characters is searched in its decoded form.
    as_read = _as_read(body) if b"\\u00" in body else None
    if as_read is not None and (cleaned := _clean(as_read, forms)) != as_read:
        return cleaned
    return _clean(body, forms)


def _as_read(body: bytes) -> bytes | None:
    """The JSON without escapes; None if it is invalid."""
    try:
        read = json.loads(body.decode("utf-8-sig", errors="replace"))
        return json.dumps(read, ensure_ascii=False).encode(errors="replace")
    except (ValueError, RecursionError):
        return None


def _found_in(content: bytes, forms: tuple[_Form, ...]) -> list[_Form]:
    return [form for form in forms if form.is_in(content)]


def _clean(content: bytes, forms: tuple[_Form, ...]) -> bytes:
    present = _found_in(content, forms)
    if not present:
        return content
    for form in present:
        content = content.replace(form.whole, _MARK)
    content = b"".join(_between(content, sorted(place for form in present for place in form.places_in(content))))
    while _MARK * 2 in content:
        content = content.replace(_MARK * 2, _MARK)
    return content


def _between(content: bytes, places: Iterable[tuple[int, int]]) -> Iterator[bytes]:
    """The content with a mark instead of each range; ranges may overlap."""
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
    longest_first = sorted(dict.fromkeys(spelled), key=lambda form: len(form[0]), reverse=True)
    cut = ((form, _cut_up(form, shortest)) for form, shortest in longest_first)
    return tuple(_Form(form, pieces, tuple(piece for _, piece in pieces)) for form, pieces in cut)


def _spellings(secret: str) -> Iterator[str]:
    in_json = json.dumps(secret)[1:-1]
    yield from (secret, in_json, in_json.replace("/", "\\/"), html.escape(secret))
    for encoded in (quote(secret, safe=""), quote_plus(secret), quote(secret)):
        yield encoded
        yield _with_small_digits(encoded)


def _with_small_digits(encoded: str) -> str:
    """The same with lower-case hexadecimal digits."""
    first, *others = encoded.split("%")
    return "%".join([first, *(other[:2].lower() + other[2:] for other in others)])


def _in_base64(secret: bytes) -> Iterator[bytes]:
    """The base64 characters that depend only on the token, for each possible offset."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + secret)
        alone = encoded[-(-8 * before // 6) : 8 * (before + len(secret)) // 6]
        yield alone
        yield alone.translate(bytes.maketrans(b"+/", b"-_"))


def _cut_up(form: bytes, shortest: int) -> tuple[tuple[int, bytes], ...]:
    """Equal pieces of at least `shortest` bytes; the whole form if it is too short for two."""
    count = max(len(form) // shortest, 1)
    places = [len(form) * number // count for number in range(count + 1)]
    return tuple((begin, form[begin:end]) for begin, end in pairwise(places))
