"""Shorten text from outside before matching patterns."""

# Longer than any meaningful name, message or header.
LONGEST_TEXT = 2000


def cut(text: str) -> str:
    """The first LONGEST_TEXT characters."""
    return text[:LONGEST_TEXT]
