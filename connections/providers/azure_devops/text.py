"""Shorten text from outside before matching patterns, and write bytes as text."""

import base64

# Longer than any meaningful name, message or header.
LONGEST_TEXT = 2000


def cut(text: str) -> str:
    """The first LONGEST_TEXT characters."""
    return text[:LONGEST_TEXT]


def base64url(content: bytes) -> str:
    """The bytes as text for addresses and signed tokens, without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
