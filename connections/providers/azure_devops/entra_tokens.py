"""Recognise a Microsoft Entra access token that was pasted where a personal access token belongs.

It is a JSON Web Token (RFC 7519): parts in base64url, divided by dots, of which the first decodes to a JSON object with
"alg". Azure DevOps takes it in the token's place, but for about an hour only, so it is never stored.
https://learn.microsoft.com/entra/identity-platform/access-tokens
"""

import base64
import json
import re

# Longer than any header, and all that is looked at of a text; a token has its header in front.
_LONGEST_HEADER = 4_000
_LOOKED_AT = 20_000
# The header up to its dot, and the beginning of the next part. Not from within a run of such letters: so it is linear.
_HEADER = re.compile(rf"(?<![A-Za-z0-9_-])([A-Za-z0-9_-]{{16,{_LONGEST_HEADER}}})={{0,2}}\.[A-Za-z0-9_-]", re.ASCII)


def contains_access_token(text: str) -> bool:
    """Whether there is one in the text, also after "Bearer", in JSON, or broken into lines."""
    beginning = text[:_LOOKED_AT]
    candidates = [beginning, "".join(beginning.split())]
    return any(_is_header(header) for candidate in candidates for header in _HEADER.findall(candidate))


def _is_header(encoded: str) -> bool:
    padded = encoded + "=" * (-len(encoded) % 4)
    try:
        header = json.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, RecursionError):
        return False
    return isinstance(header, dict) and isinstance(header.get("alg"), str)
