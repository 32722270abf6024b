"""Control characters, which are never passed on to a terminal or a log: data could move its cursor or hide a line.

Names, comments and logs come from Azure DevOps and from people. Without Django, which takes long to load.
https://cwe.mitre.org/data/definitions/150.html
"""

import re

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# C0 but for tabs and line feeds, DEL, C1, marks and overrides of direction, other ends of lines, halves of pairs.
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_LINE_END = re.compile(r"\r\n?|\n")


def without_control_characters(text: str) -> str:
    """The text, which may be of many lines, with a replacement character for each control character."""
    return _CONTROL.sub(REPLACEMENT, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The same in one line, so that no name makes a line of its own in a list."""
    return without_control_characters(_LINE_END.sub(" ", text))
