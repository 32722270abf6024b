"""What the user guide says of scopes and of security, and where people read on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a capability is needed for, and what stops working without it."""

    needed_for: str
    without: str


PURPOSES: dict[str, Purpose] = {
    "code_read": Purpose(
        "List repositories and branches, read commits and files.",
        "Repositories, branches and files cannot be shown.",
    ),
    "code_write": Purpose(
        "Create branches and commit files.",
        "No branch can be created and no file committed from here.",
    ),
    "code_manage": Purpose(
        "Create and rename repositories.",
        "No repository can be created from here.",
    ),
    "build_read": Purpose(
        "Show pipelines, builds and their logs.",
        "Builds and their status cannot be shown.",
    ),
    "build_execute": Purpose(
        "Run and cancel pipelines.",
        "No pipeline can be run or cancelled from here.",
    ),
    "release_read": Purpose(
        "Show releases, environments and deployments.",
        "Releases and deployments cannot be shown.",
    ),
    "release_execute": Purpose(
        "Create releases and deploy environments.",
        "No release can be created or deployed from here.",
    ),
    "release_manage": Purpose(
        "Approve and reject deployments.",
        "No deployment can be approved or rejected from here.",
    ),
}


@dataclass(frozen=True, slots=True)
class Practice:
    """One security practice of the user guide."""

    title: str
    text: str


SECURITY_PRACTICES = (
    Practice("Give the least that is needed", "Tick only the scopes in the table. Never choose full access."),
    Practice("Name exactly one organization", "A token for all accessible organizations opens every door at once."),
    Practice("Let it live 90 days or less", "A token that is lost is dangerous only as long as it lives."),
    Practice("Rotate before it expires", "Create a new token in good time, update it here, then revoke the old one."),
    Practice("Never share a token", "One token belongs to one person. Do not mail it and do not put it in chat."),
    Practice("Never reuse a token", "Use a separate token for each connection, so that one can be revoked alone."),
)

HELP_LINKS = (
    (
        "Microsoft: Use personal access tokens",
        "https://learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate",
    ),
    (
        "Microsoft: Scopes and permissions of tokens",
        "https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/oauth#scopes",
    ),
)
