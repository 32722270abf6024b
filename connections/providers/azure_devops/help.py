"""Security practices and links of the user guide."""

from connections.providers.provider import Link, Practice

SECURITY_PRACTICES = (
    Practice("Use the least privilege", "Tick only the scopes in the table. Never choose full access."),
    Practice("Choose one organization", "A leaked token for all accessible organizations exposes all of them."),
    Practice("Keep lifetimes to 90 days or less", "A leaked token can be misused only until it expires."),
    Practice("Rotate before it expires", "Create a new token ahead of time, update it here, then revoke the old one."),
    Practice("Never share a token", "A token belongs to one person. Don't send it by mail or chat."),
    Practice("Never reuse a token", "Use a separate token for each connection, so that you can revoke just one."),
)

LINKS = (
    Link(
        "Microsoft: Use personal access tokens",
        "https://learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate",
    ),
    Link(
        "Microsoft: Scopes and permissions of tokens",
        "https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/oauth#scopes",
    ),
)
