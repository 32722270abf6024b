"""Text from outside, cut before any pattern reads it."""

# A name, a message or a header that is longer than this says nothing more.
LONGEST_TEXT = 2000


def cut(text: str) -> str:
    """The beginning of the text, as far as patterns read it: at most LONGEST_TEXT characters."""
    return text[:LONGEST_TEXT]
