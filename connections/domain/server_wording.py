"""What is said otherwise where a connection leads to Azure DevOps Server on somebody's own machine.

https://learn.microsoft.com/azure/devops/user-guide/about-azure-devops-services-tfs
"""

import re
from typing import NamedTuple

_PLACES = (
    (re.compile(r"\ban organization\b"), "a collection"),
    (re.compile(r"\bAn organization\b"), "A collection"),
    (re.compile(r"\borganization"), "collection"),
    (re.compile(r"\bOrganization"), "Collection"),
)
# IIS tells a wrong token, a dead one and one that it takes for a password by one and the same empty refusal.
# https://learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate
_MAYBE_BASIC = (
    "Copy the token again without spaces, or create a new one. If no token works, ask the administrator of the server "
    "whether Basic Authentication is switched on in IIS: it must be off, or the server takes no token at all."
)


class Words(NamedTuple):
    """A problem in the words of a server."""

    title: str
    explanation: str
    next_step: str


# By code.
OTHERWISE: dict[str, Words] = {
    "organization_not_found": Words(
        "Collection not found",
        "The server knows no collection {name}. It says so before it looks at the token.",
        "Check the spelling. The collection is the first part of the address after the server, often "
        "DefaultCollection.",
    ),
    "organization_unavailable": Words(
        "Collection is stopped",
        "The collection exists, but an administrator has stopped it.",
        "Ask the administrator of the server to start the collection. Then test again.",
    ),
    "token_refused": Words(
        "Token not accepted",
        "The server does not accept this token and does not say why. It may be mistyped, expired, revoked or "
        "regenerated.",
        _MAYBE_BASIC,
    ),
    "token_expired": Words(
        "Token has expired",
        "The server says that this token was real and that its time is over.",
        "Create a new token at the server. Then enter it here.",
    ),
    "token_ended_early": Words(
        "Token ended before its date",
        "The server does not accept the token any more, although its recorded date has not come. It was revoked or "
        "regenerated, or its owner lost access, or Basic Authentication was switched on in IIS.",
        "Ask the owner of the token, then create a new one and update it here. If no token works, ask the "
        "administrator of the server to switch Basic Authentication off in IIS.",
    ),
    "sign_in_required": Words(
        "The server asks for a sign-in",
        "Instead of an answer came a sign-in page, or the way to another address, from the server or from a gateway in "
        "front of it.",
        "Ask the operator of this product whether the address in AZURE_DEVOPS_SERVERS is the one that a browser ends "
        "up at, and the administrator of the server whether something in front of it asks people to sign in.",
    ),
    "anonymous": Words(
        "Token not accepted",
        "The server answered as if nobody had signed in, so it did not accept this token.",
        _MAYBE_BASIC,
    ),
    "server_error": Words(
        "The server has trouble",
        "The server answered with an error of its own. It says nothing about the token.",
        "Wait and test again. If it stays, tell the administrator of the server.",
    ),
    "timed_out": Words(
        "The server did not answer in time",
        "The call was given up. The server may be slow, or something on the way holds the traffic.",
        "Test again in a minute. If it stays, ask the operator of this product to check the network to the server.",
    ),
    "time_limit": Words(
        "The test ran out of time",
        "The whole test has a time limit. What had finished by then is shown; the rest could not be told.",
        "Test again in a minute. If it stays, the server or the network to it is slow.",
    ),
    "throttled": Words(
        "The server asks us to wait",
        "The server has more to do than it can, or limits the person behind the token. "
        "It says nothing about the token.",
        "Wait {wait} and test again.",
    ),
    "maintenance": Words(
        "The server is down for maintenance",
        "The server says that it is not available at the moment. It says nothing about the token.",
        "Wait {wait} and test again. If it keeps happening, ask the administrator of the server.",
    ),
}


def in_words_of_a_server(text: str) -> str:
    """The text with a collection wherever it speaks of an organization."""
    for pattern, words in _PLACES:
        text = pattern.sub(words, text)
    return text
