"""Recognize a Microsoft Entra access token that was pasted instead of a personal access token.

It is a JSON Web Token (RFC 7519): base64url parts separated by dots, the first of which decodes to a JSON object with
"alg". Azure DevOps accepts it, but only for about an hour, so it is never stored.
https://learn.microsoft.com/entra/identity-platform/access-tokens
"""

import base64
import json
import re

# Longer than any header, and how much of a text is searched, as a token starts with its header.
_LONGEST_HEADER = 4_000
_SEARCHED = 20_000
# The header up to its dot, and the start of the next part. The lookbehind keeps the search linear.
_HEADER = re.compile(rf"(?<![A-Za-z0-9_-])([A-Za-z0-9_-]{{16,{_LONGEST_HEADER}}})={{0,2}}\.[A-Za-z0-9_-]", re.ASCII)


def contains_access_token(text: str) -> bool:
    """Whether the text contains an access token, even after "Bearer", in JSON, or with line breaks."""
    beginning = text[:_SEARCHED]
    candidates = [beginning, "".join(beginning.split())]
    return any(_is_header(header) for candidate in candidates for header in _HEADER.findall(candidate))


def _is_header(encoded: str) -> bool:
    padded = encoded + "=" * (-len(encoded) % 4)
    try:
        header = json.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, RecursionError):
        return False
    return isinstance(header, dict) and isinstance(header.get("alg"), str)
