"""Hints and warnings beside a result, and why a project is not listed, by code."""

from dataclasses import dataclass, replace

from connections.domain.problems.problem import Problem


@dataclass(frozen=True, slots=True)
class Notice:
    """A hint or warning. `notice` fills in the {placeholders} of `text`; there is a link only with an address."""

    code: str
    tone: str
    icon: str
    title: str
    text: str
    link_label: str = ""
    link_url: str = ""


_ALL = (
    Notice("unusual_token", "info", "info", "An unusual token", "{hint}"),
    Notice(
        "scopes_to_add",
        "warn",
        "list-checks",
        "Scopes to add",
        "Edit the token in Azure DevOps and tick {scopes}. The token itself stays the same. Then test it again.",
        "Open your tokens",
    ),
    Notice(
        "permissions_missing",
        "warn",
        "shield-x",
        "Missing permissions",
        "The token has the scopes, but {person} lacks the permissions in {projects}. A project administrator can grant "
        "them. Or use a token of someone who has them.",
    ),
    Notice(
        "application_lacks_permissions",
        "warn",
        "shield-x",
        "Missing permissions",
        "{person} lacks permissions in {projects}. A project administrator can grant them.",
    ),
    Notice(
        "permissions_differ",
        "warn",
        "shield-alert",
        "Not permitted in every project",
        "{person} has different permissions in different projects. {where} A project administrator can grant the "
        "missing ones.",
    ),
    Notice(
        "project_hidden",
        "warn",
        "eye-off",
        "A chosen project is not visible",
        "The owner of the token can't see {names} in Azure DevOps. They may not be a member, or the project may have "
        "been deleted. Give them access, or choose other projects for the connection.",
    ),
    Notice(
        "projects_hidden",
        "warn",
        "eye-off",
        "Some chosen projects are not visible",
        "The owner of the token can't see {names} in Azure DevOps. They may not be a member, or the projects may have "
        "been deleted. Give them access, or choose other projects for the connection.",
    ),
    Notice(
        "write_probes_off",
        "info",
        "info",
        "Write scopes not tested",
        "The site administrator turned these tests off.",
    ),
    Notice(
        "plain_http",
        "bad",
        "lock-open",
        "Tokens are sent unencrypted",
        "The server {server} uses plain HTTP, so anyone on the network can read its tokens. Use a token with as few "
        "scopes and as short a lifetime as possible, and ask your site administrator for HTTPS.",
    ),
    # https://learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate
    Notice(
        "global_token_ends",
        "warn",
        "globe-lock",
        "This kind of token stops working on 1 December 2026",
        "Azure DevOps stops accepting tokens for all accessible organizations. Create one for this organization only "
        "before that day.",
    ),
    Notice(
        "global_token_ended",
        "bad",
        "globe-lock",
        "This kind of token stopped working on 1 December 2026",
        "Azure DevOps no longer accepts tokens for all accessible organizations. Create one for this organization "
        "only.",
    ),
    Notice(
        "reach_unknown",
        "info",
        "globe-lock",
        "The organizations of the token are not recorded",
        "From 1 December 2026, Azure DevOps no longer accepts tokens for all accessible organizations. See "
        "“Organization” in the list of tokens in Azure DevOps to find out whether this is one.",
        "Record it",
    ),
    Notice(
        "date_missing",
        "info",
        "calendar-plus",
        "The expiry date is not recorded",
        "Without it, we can't warn anyone before the {credential} expires. {shown}",
        "Add the date",
    ),
    Notice(
        "several_dates",
        "info",
        "calendar-clock",
        "Several secrets begin like this one",
        "Microsoft Graph shows only the first characters of each: {dates}. Choose the date of this one.",
    ),
    Notice(
        "not_reached_once",
        "quiet",
        "info",
        "The last check could not reach Azure DevOps",
        "This may be temporary. The page shows the results of the last successful check.",
    ),
    # Why a project is not in the list.
    Notice(
        "listed",
        "good",
        "circle-check",
        "The project is in the list",
        "“{project}” is visible to this token. Search for it in the list.",
    ),
    Notice(
        "listed_now",
        "info",
        "refresh-cw",
        "The project is visible now",
        "It was not in the list a moment ago. Test again.",
    ),
    Notice(
        "being_deleted",
        "warn",
        "hourglass",
        "The project is being deleted",
        "Azure DevOps is deleting it, so it cannot be connected.",
    ),
    Notice(
        "deleted",
        "warn",
        "hourglass",
        "The project was deleted",
        "An administrator of the {place} may be able to restore it. Then test again.",
    ),
    Notice(
        "being_created",
        "warn",
        "hourglass",
        "The project is still being created",
        "Azure DevOps is still creating it. Wait a minute and test again.",
    ),
    Notice(
        "list_incomplete",
        "warn",
        "circle-question-mark",
        "Unknown",
        "Azure DevOps does not show a project with this name, and its list of projects is too long to read "
        "completely. The project may be deleted, still being created, or not visible to the token's owner.",
    ),
    Notice("unknown", "warn", "circle-question-mark", "Unknown", "The token was not accepted."),
    Notice("not_asked", "warn", "circle-question-mark", "Unknown", "We could not ask Azure DevOps. Try again."),
    Notice(
        "not_visible",
        "warn",
        "eye-off",
        "Project not found or not visible",
        "The owner of this token cannot see a project “{name}” in {organization}. They may not be a member of it, "
        "it may belong to another {place}, or its name may be spelled differently. Check the project's address in "
        "the browser: the first part after the server is its {place}.",
    ),
)
_BY_CODE = {notice.code: notice for notice in _ALL}


def about_problem(problem: Problem, tone: str, icon: str) -> Notice:
    """A problem of the catalogue as a notice."""
    return Notice(problem.code, tone, icon, problem.title, f"{problem.explanation} {problem.next_step}")


def notice(code: str, *, link_url: str = "", **facts: str) -> Notice:
    """The notice of this code. `facts` fill in its placeholders; without `link_url` it has no link."""
    found = _BY_CODE[code]
    return replace(found, text=found.text.format(**facts), link_url=link_url)
