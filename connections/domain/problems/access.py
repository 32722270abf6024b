"""Problems of organizations, tokens, people and what is stored of them."""

from connections.domain.problems.problem import Problem

PROBLEMS = (
    Problem(
        "organization_not_found",
        "Organization not found",
        "Azure DevOps knows no organization {name}. It says so before it looks at the token.",
        "Check the spelling. The name is the first part of the address: dev.azure.com/your-organization. "
        "If the organization was renamed, use the new name.",
    ),
    Problem(
        "organization_unavailable",
        "Organization is switched off",
        "The organization exists, but Azure DevOps has stopped it, usually because nobody used it for a long time.",
        "Ask an owner of the organization to sign in to it with a browser. Then test again.",
    ),
    Problem(
        "token_refused",
        "Token not accepted",
        "Azure DevOps does not accept this token for this organization. It may be mistyped, revoked, regenerated, made "
        "for another organization, or made for all accessible organizations, which is accepted no longer from "
        "1 December 2026 on. Azure DevOps does not say which.",
        "Copy the token again without spaces. If it still fails, create a new token for exactly this organization.",
        link="tokens",
    ),
    Problem(
        "token_expired",
        "Token has expired",
        "Azure DevOps says that this token was real and that its time is over. Since 31 March 2026 an expired token "
        "can no longer be extended, and it cannot be regenerated either.",
        "Create a new token at Azure DevOps. Then enter it here.",
        link="tokens",
    ),
    Problem(
        "token_ended_early",
        "Token stopped working before its expiry date",
        "Azure DevOps does not accept the token any more, although its recorded date has not come. It was revoked, or "
        "regenerated, or its owner lost access, or it was made for all accessible organizations, which Microsoft ends "
        "on 1 December 2026.",
        "Ask the owner of the token. Then create a new token and update it here.",
        link="tokens",
    ),
    Problem(
        "global_tokens_ended",
        "Tokens for all organizations have ended",
        "The token was made for all accessible organizations. Microsoft ended such tokens on 1 December 2026, whatever "
        "date they were given.",
        "Create a new token for exactly this organization. Then enter it here.",
        link="tokens",
    ),
    Problem(
        "global_tokens_ended_likely",
        "Token not accepted, probably made for all organizations",
        "Azure DevOps does not accept the token and does not say why. The most likely cause is that it was made for "
        "all accessible organizations: Microsoft ended such tokens on 1 December 2026, whatever date they were given. "
        "Whether this one was is not recorded here. Otherwise it is mistyped, revoked, regenerated or made for another "
        "organization, or its owner has not signed in with a browser for a long time.",
        "Open the list of tokens at Azure DevOps. If “Organization” says “All accessible organizations”, create a new "
        "token for exactly this organization and enter it here. If not, copy the token again without spaces, and sign "
        "in to the organization once with a browser as its owner. If it is still not accepted, create a new one.",
        link="tokens",
    ),
    Problem(
        "sign_in_required",
        "Azure DevOps asks for a sign-in",
        "Instead of an answer came the sign-in page. Azure DevOps does this when it does not accept the token, "
        "or when its owner has not signed in with a browser for a long time.",
        "Sign in to the organization once with a browser as the owner of the token, then test again. "
        "If it still fails, create a new token.",
        link="tokens",
    ),
    Problem(
        "anonymous",
        "Token not accepted",
        "Azure DevOps answered as if nobody had signed in. The organization has a public project, so it lets "
        "anybody look, but it did not accept this token.",
        "Copy the token again without spaces. If it still fails, create a new token for exactly this organization.",
        link="tokens",
    ),
    Problem(
        "not_a_member",
        "The token's owner is not a member",
        "The token is real, but the person who made it is not a member of this {place}, or has no access level there.",
        "Ask an administrator of the {place} to add that person, or use the token of somebody who is a member.",
    ),
    Problem(
        "blocked_by_policy",
        "Blocked by a policy",
        "A security policy of the {place} refuses this token.",
        "Ask an administrator of the {place} which policy applies to personal access tokens.",
    ),
    Problem(
        "conditional_access",
        "Blocked by conditional access",
        "The organization's conditional access policy refused the call, usually because it comes from an address "
        "that is not on its list.",
        "Ask an administrator of Microsoft Entra to allow the address of this server for Azure DevOps.",
    ),
    Problem(
        "global_token_blocked",
        "Tokens for all organizations are not allowed",
        "The token was made for all accessible organizations, and this organization's policy refuses such tokens. "
        "Microsoft ends them everywhere on 1 December 2026.",
        "Create a new token and choose exactly this organization instead of “All accessible organizations”.",
        link="tokens",
    ),
    Problem(
        "interactive_sign_in_needed",
        "The owner has to sign in once",
        "The token is fine, but the person who made it has not yet signed in to this organization with a browser, so "
        "Azure DevOps does not know them there.",
        "Sign in to the organization once with a browser as the owner of the token, then test again. No new token is "
        "needed.",
    ),
    Problem(
        "scope_missing",
        "Scope missing",
        "Azure DevOps refused this call without a word, which is how it answers when the token lacks the scope.",
        "Edit the token at Azure DevOps and tick the scope. The token itself stays the same. Then test again.",
        link="tokens",
    ),
    Problem(
        "access_denied",
        "Not permitted",
        "The token has the scope, but the person behind it does not have the right at Azure DevOps.",
        "Ask an administrator of the project to give that person the permission, or use a token of somebody "
        "who has it.",
    ),
    Problem(
        "project_not_found",
        "Project not found",
        "Azure DevOps says that the project does not exist, or that the person behind the token may not see it.",
        "Check that the project exists and that the owner of the token is a member of it.",
    ),
    Problem(
        "no_project",
        "No project visible",
        "The token was accepted, but its owner sees no project here. Scopes can be proved only inside a project.",
        "Ask for access to at least one project in the {place}, then test again.",
    ),
    Problem(
        "no_chosen_project",
        "No chosen project visible",
        "The token was accepted, but its owner sees none of the projects that this connection is limited to. Scopes "
        "can be proved only inside a project, and other projects are left alone.",
        "Ask for access to one of them at Azure DevOps, or choose other projects for the connection. Then test again.",
    ),
    Problem(
        "write_probes_off",
        "Not tried",
        "The operator of this product switched off the probes for writing.",
        "Nothing to do. The operator can set AZURE_DEVOPS_WRITE_PROBES to check writing too.",
    ),
    Problem(
        "told_not_valid",
        "Not asked with a token that is not valid",
        "Whose token it is and the list of projects show how such a token is refused. More would only repeat it.",
        "Nothing to do.",
    ),
    Problem(
        "token_unreadable",
        "Stored token cannot be read",
        "The key that this token was stored with is not in the key ring any more.",
        "Bring the key back into FIELD_ENCRYPTION_KEYS, or update the token of this connection.",
    ),
    Problem(
        "server_unknown",
        "Server no longer configured",
        "The operator of this product removed the server of this connection from AZURE_DEVOPS_SERVERS.",
        "Ask the operator to bring it back under the same name.",
    ),
    Problem(
        "connection_disabled",
        "The connection is disabled",
        "Somebody let this connection rest. Its token stays stored and is not used.",
        "Enable the connection on its page, or ask somebody who may.",
    ),
    Problem(
        "life_too_long",
        "The token lives longer than the guard rails allow",
        "An administrator has set how long a token may live. A lost token is dangerous as long as it lives.",
        "Give the token a shorter life at Azure DevOps, then enter its new date.",
        link="tokens",
    ),
    Problem(
        "token_reused",
        "This token is already in use",
        "Another connection keeps the same token, so it cannot be revoked for one of them alone.",
        "Use a separate token for each connection.",
        link="tokens",
    ),
    Problem(
        "date_missing",
        "The expiry date is missing",
        "Without the date nobody can be warned before the token ends.",
        "Look the date up in the list of tokens at Azure DevOps and enter it.",
        link="tokens",
    ),
    Problem(
        "another_organization",
        "The {place} changed",
        "Azure DevOps answers under this name for another {place} than before. The name may have been taken "
        "over after a rename.",
        "Check the name at Azure DevOps. If the {place} was renamed, disconnect and connect it anew.",
    ),
)
