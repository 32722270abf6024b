"""Text from a file or a pipe, in any of the encodings in which Windows writes.

PowerShell 5 puts a byte order mark before UTF-8, writes UTF-16 with `>` and Out-File, and ends lines with CR LF.
https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_character_encoding
Without Django, which takes long to load.
"""

import codecs
import sys
from io import BytesIO
from typing import BinaryIO

_MARK = "\ufeff"
# The longer marks first: that of UTF-32 begins as that of UTF-16 does.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_WIDTHS = {"utf-16": 2, "utf-16-le": 2, "utf-16-be": 2, "utf-32": 4}


class UnreadableText(ValueError):
    """The bytes are no text in UTF-8, UTF-16 or UTF-32. The message repeats none of them."""


class TooLong(UnreadableText):
    """There are more bytes than are read."""


def encoding_of(start: bytes) -> str:
    """The encoding of a text that begins with these bytes."""
    marked = next((encoding for mark, encoding in _MARKS if start.startswith(mark)), None)
    if marked or len(start) < 2:
        return marked or "utf-8"
    # Without a mark: the first letter of a token, a name or JSON is an ASCII one, half of which is zero in UTF-16.
    return {(True, False): "utf-16-be", (False, True): "utf-16-le"}.get((not start[0], not start[1]), "utf-8")


def decode(content: bytes) -> str:
    """The text without its byte order mark, each line ended by a line feed. Raises `UnreadableText`."""
    try:
        text = content.decode(encoding_of(content))
    except UnicodeDecodeError:
        raise UnreadableText("This is not text in UTF-8 or UTF-16.") from None
    return text.removeprefix(_MARK).replace("\r\n", "\n")


def read_standard_input(*, longest: int) -> str:
    """All of it. `longest` is in bytes. Raises `UnreadableText`."""
    content = _bytes().read(longest + 1)
    if len(content) > longest:
        raise TooLong(f"Standard input has more than {longest} bytes.")
    return decode(content)


def read_bytes_of_standard_input(*, longest: int) -> bytes:
    """At most so many bytes of it, which may be no text."""
    return _bytes().read(longest)


def read_line_of_standard_input(*, longest: int) -> str:
    """The first line without its end. `longest` is in bytes. Raises `UnreadableText`."""
    source = _bytes()
    content = source.readline(longest + 1)
    if len(content) > longest:
        raise TooLong(f"The line has more than {longest} bytes.")
    # The rest of the line feed, where a letter takes more than one byte.
    content += source.read(-len(content) % _WIDTHS.get(encoding_of(content), 1))
    return decode(content).rstrip("\n")


def _bytes() -> BinaryIO:
    """Standard input before the machine's own encoding is put on it."""
    source = getattr(sys.stdin, "buffer", None)
    # Code that calls a command may have put a text in its place.
    return source or BytesIO(sys.stdin.read().encode(errors="surrogatepass"))
