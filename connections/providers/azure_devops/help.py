"""What the guide says of security, and where people read on."""

from connections.providers.provider import Link, Practice

SECURITY_PRACTICES = (
    Practice("Give the least that is needed", "Tick only the scopes in the table. Never choose full access."),
    Practice("Name exactly one organization", "A token for all accessible organizations opens every door at once."),
    Practice("Let it live 90 days or less", "A token that is lost is dangerous only as long as it lives."),
    Practice("Rotate before it expires", "Create a new token in good time, update it here, then revoke the old one."),
    Practice("Never share a token", "One token belongs to one person. Do not mail it and do not put it in chat."),
    Practice("Never reuse a token", "Use a separate token for each connection, so that one can be revoked alone."),
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
