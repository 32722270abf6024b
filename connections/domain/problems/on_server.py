"""Problems whose texts differ for Azure DevOps Server.

https://learn.microsoft.com/azure/devops/user-guide/about-azure-devops-services-tfs
"""

from connections.domain.problems.problem import Problem

# IIS gives the same empty refusal for a wrong token, for an expired one, and while Basic Authentication is on.
# https://learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate
_MAYBE_BASIC = (
    "Copy the token again without spaces, or create a new one. If no token works, ask the administrator of the server "
    "whether Basic Authentication is enabled in IIS. It must be off, or the server accepts no token at all."
)

PROBLEMS = (
    Problem(
        "organization_not_found",
        "Collection not found",
        "The server has no collection {name}. It checks this before it checks the token.",
        "Check the spelling. The collection is the first part of the address after the server, often "
        "DefaultCollection.",
    ),
    Problem(
        "organization_unavailable",
        "Collection is stopped",
        "The collection exists, but an administrator has stopped it.",
        "Ask the administrator of the server to start the collection. Then test again.",
    ),
    Problem(
        "token_refused",
        "Token not accepted",
        "The server does not accept this token and does not say why. It may be mistyped, expired, revoked or "
        "regenerated.",
        _MAYBE_BASIC,
        link="tokens",
    ),
    Problem(
        "token_expired",
        "Token has expired",
        "The server recognizes this token, but it has expired.",
        "Create a new token on the server. Then enter it here.",
        link="tokens",
    ),
    Problem(
        "token_ended_early",
        "Token stopped working before its expiry date",
        "The server no longer accepts the token, although its recorded expiry date has not come. It was revoked or "
        "regenerated, or its owner lost access, or Basic Authentication was enabled in IIS.",
        "Ask the owner of the token, then create a new one and update it here. If no token works, ask the "
        "administrator of the server to disable Basic Authentication in IIS.",
        link="tokens",
    ),
    Problem(
        "sign_in_required",
        "The server asks for a sign-in",
        "Instead of an answer we got a sign-in page, or a redirect to another address, from the server or from a "
        "gateway in front of it.",
        "Ask the site administrator whether the address in AZURE_DEVOPS_SERVERS is the one that a browser ends up at, "
        "and the administrator of the server whether something in front of it asks people to sign in.",
        link="tokens",
    ),
    Problem(
        "anonymous",
        "Token not accepted",
        "The server treated the call as anonymous, so it did not accept this token.",
        _MAYBE_BASIC,
        link="tokens",
    ),
    Problem(
        "server_error",
        "The server reported an internal error",
        "The server answered with an internal error. This says nothing about the token.",
        "Wait and test again. If it keeps happening, contact the administrator of the server.",
    ),
    Problem(
        "timed_out",
        "The server did not answer in time",
        "The call was abandoned. The server may be slow, or something on the network holds the traffic.",
        "Test again in a minute. If it keeps happening, ask the site administrator to check the network to the server.",
    ),
    Problem(
        "time_limit",
        "The test ran out of time",
        "The whole test has a time limit. What had finished by then is shown; the rest is unknown.",
        "Test again in a minute. If it keeps happening, the server or the network to it is slow.",
    ),
    Problem(
        "throttled",
        "The server asks us to wait",
        "The server is overloaded, or limits the requests of the token's owner. This says nothing about the token.",
        "Wait {wait} and test again.",
    ),
    Problem(
        "maintenance",
        "The server is down for maintenance",
        "The server says that it is not available at the moment. This says nothing about the token.",
        "Wait {wait} and test again. If it keeps happening, ask the administrator of the server.",
    ),
)
