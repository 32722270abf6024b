"""Text files as people edit them on a page, and back to the bytes that they were.

A form sends every line end as two characters and knows no byte order mark, so both are told from the file and put back.
What cannot be put back exactly is not editable here.
https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#constructing-the-form-data-set
"""

import codecs
import re
from dataclasses import dataclass

_OTHER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_LINE_END = re.compile(r"\r\n|\r|\n")


class NotEditable(ValueError):
    """The bytes would not survive the way through a form. `code` says why, as a problem of the catalogue."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class TextFormat:
    """What stands around the words: whether a byte order mark comes first, and how lines end."""

    has_mark: bool = False
    line_end: str = "\n"

    def encode(self, text: str) -> bytes:
        """The bytes of a text whose lines may end in any way."""
        lines = _LINE_END.sub(self.line_end, text)
        return (codecs.BOM_UTF8 if self.has_mark else b"") + lines.encode()


NEW_FILE = TextFormat()


def decode(content: bytes) -> tuple[str, TextFormat]:
    """The text with a line feed at the end of each line, and its format. Raises `NotEditable`."""
    if content.startswith(_OTHER_MARKS):
        raise NotEditable("file_not_utf8")
    if b"\0" in content:
        raise NotEditable("file_is_binary")
    has_mark = content.startswith(codecs.BOM_UTF8)
    try:
        text = content[len(codecs.BOM_UTF8) if has_mark else 0 :].decode()
    except UnicodeDecodeError:
        raise NotEditable("file_not_utf8") from None
    ends = set(_LINE_END.findall(text)) or {"\n"}
    if len(ends) > 1 or "\r" in ends:
        raise NotEditable("file_mixed_line_ends")
    (line_end,) = ends
    return text.replace("\r\n", "\n"), TextFormat(has_mark, line_end)
