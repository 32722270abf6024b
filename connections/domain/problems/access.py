"""Problems with organizations, tokens and people, and with what is stored about them."""

from connections.domain.problems.problem import Problem

PROBLEMS = (
    Problem(
        "organization_not_found",
        "Organization not found",
        "Azure DevOps has no organization {name}. It checks this before it checks the token.",
        "Check the spelling. The name is the first part of the address: dev.azure.com/your-organization. "
        "If the organization was renamed, use the new name.",
    ),
    Problem(
        "organization_unavailable",
        "Organization is disabled",
        "The organization exists, but Azure DevOps has disabled it, usually because it was inactive for a long time.",
        "Ask an owner of the organization to sign in to it with a browser. Then test again.",
    ),
    Problem(
        "token_refused",
        "Token not accepted",
        "Azure DevOps does not accept this token for this organization and does not say why. It may be mistyped, "
        "revoked, regenerated, valid for another organization, or valid for all accessible organizations, which "
        "Azure DevOps no longer accepts from 1 December 2026.",
        "Copy the token again without spaces. If it still fails, create a new token for this organization only.",
        link="tokens",
    ),
    Problem(
        "token_expired",
        "Token has expired",
        "Azure DevOps recognizes this token, but it has expired. Since 31 March 2026, expired tokens can no longer be "
        "extended or regenerated.",
        "Create a new token in Azure DevOps. Then enter it here.",
        link="tokens",
    ),
    Problem(
        "leaked",
        "Declared leaked",
        "Someone declared this credential leaked, so we no longer use it. Others can use it until it is revoked.",
        "Revoke or delete it where it was created. Then create a new one and enter it here.",
        link="tokens",
    ),
    Problem(
        "token_ended_early",
        "Token stopped working before its expiry date",
        "Azure DevOps no longer accepts the token, although its recorded expiry date has not come. It was revoked or "
        "regenerated, its owner lost access, or it was valid for all accessible organizations, which Microsoft "
        "stops accepting on 1 December 2026.",
        "Ask the owner of the token. Then create a new token and update it here.",
        link="tokens",
    ),
    Problem(
        "global_tokens_ended",
        "Tokens for all organizations no longer work",
        "The token was valid for all accessible organizations. Microsoft stopped accepting such tokens on "
        "1 December 2026, regardless of their expiry dates.",
        "Create a new token for this organization only. Then enter it here.",
        link="tokens",
    ),
    Problem(
        "global_tokens_ended_likely",
        "Token not accepted, probably valid for all organizations",
        "Azure DevOps does not accept the token and does not say why. Most likely, it was valid for all accessible "
        "organizations: Microsoft stopped accepting such tokens on 1 December 2026, regardless of their expiry dates. "
        "We have no record of which organizations this one is valid for. Otherwise it is mistyped, revoked, "
        "regenerated or valid for another organization, or its owner has not signed in with a browser for a long "
        "time.",
        "Open the list of tokens in Azure DevOps. If “Organization” says “All accessible organizations”, create a new "
        "token for this organization only and enter it here. If not, copy the token again without spaces, and sign "
        "in to the organization once with a browser as its owner. If it still fails, create a new token.",
        link="tokens",
    ),
    Problem(
        "sign_in_required",
        "Azure DevOps asks for a sign-in",
        "Azure DevOps showed its sign-in page instead of an answer. It does this when it does not accept the token, "
        "or when the owner has not signed in with a browser for a long time.",
        "Sign in to the organization once with a browser as the owner of the token, then test again. "
        "If it still fails, create a new token.",
        link="tokens",
    ),
    Problem(
        "anonymous",
        "Token not accepted",
        "Azure DevOps treated the call as anonymous. The organization has a public project that anyone can view, but "
        "this token was not accepted.",
        "Copy the token again without spaces. If it still fails, create a new token for this organization only.",
        link="tokens",
    ),
    Problem(
        "not_a_member",
        "The token's owner is not a member",
        "The token is valid, but its owner is not a member of this {place} or has no access level there.",
        "Ask an administrator of the {place} to add the owner, or use a token of a member.",
    ),
    Problem(
        "blocked_by_policy",
        "Blocked by a policy",
        "A security policy of the {place} blocks this token.",
        "Ask an administrator of the {place} which policy applies to personal access tokens.",
    ),
    Problem(
        "conditional_access",
        "Blocked by conditional access",
        "The organization's conditional access policy blocked the call, usually because it comes from an IP address "
        "that the policy does not allow.",
        "Ask an administrator of Microsoft Entra to allow the IP address of this site for Azure DevOps.",
    ),
    Problem(
        "global_token_blocked",
        "Tokens for all organizations are not allowed",
        "The token is valid for all accessible organizations, and this organization's policy blocks such tokens. "
        "Microsoft stops accepting them everywhere on 1 December 2026.",
        "Create a new token and choose this organization instead of “All accessible organizations”.",
        link="tokens",
    ),
    Problem(
        "interactive_sign_in_needed",
        "The token's owner must sign in once",
        "The token is valid, but its owner has not yet signed in to this organization with a browser, so Azure DevOps "
        "does not know them there.",
        "Sign in to the organization once with a browser as the owner of the token, then test again. You don't need a "
        "new token.",
    ),
    Problem(
        "scope_missing",
        "Scope missing",
        "Azure DevOps rejected this call without giving a reason, as it does when the token lacks the scope.",
        "Edit the token in Azure DevOps and add the scope. The token itself does not change. Then test again.",
        link="tokens",
    ),
    Problem(
        "access_denied",
        "Not permitted",
        "The token has the scope, but its owner lacks the permission in Azure DevOps.",
        "Ask a project administrator to grant the permission to the token's owner, or use a token of someone who has "
        "it.",
    ),
    Problem(
        "project_not_found",
        "Project not found",
        "Azure DevOps says that the project does not exist or that the token's owner cannot see it.",
        "Check that the project exists and that the owner of the token is a member of it.",
    ),
    Problem(
        "no_project",
        "No project visible",
        "Azure DevOps accepted the token, but its owner cannot see any project. Scopes can only be tested in a "
        "project.",
        "Ask for access to at least one project in the {place}, then test again.",
    ),
    Problem(
        "no_chosen_project",
        "No chosen project visible",
        "Azure DevOps accepted the token, but its owner cannot see any of the projects that this connection is limited "
        "to. Scopes can only be tested in a project, and we don't test in other projects.",
        "Ask for access to one of them in Azure DevOps, or choose other projects for the connection. Then test again.",
    ),
    Problem(
        "write_probes_off",
        "Not tested",
        "The site administrator has turned off tests of write access.",
        "No action needed. To test write access too, the site administrator can set AZURE_DEVOPS_WRITE_PROBES.",
    ),
    Problem(
        "told_not_valid",
        "Not tested with an invalid token",
        "The calls for the token's owner and for the projects show how Azure DevOps rejects such a token. Further "
        "calls would only show the same.",
        "No action needed.",
    ),
    Problem(
        "token_unreadable",
        "Stored token cannot be read",
        "The key that encrypted this token is no longer in the key ring.",
        "Restore the key in FIELD_ENCRYPTION_KEYS, or update the token of this connection.",
    ),
    Problem(
        "server_unknown",
        "Server no longer configured",
        "The server of this connection is no longer listed in AZURE_DEVOPS_SERVERS.",
        "Ask the site administrator to add it again under the same name.",
    ),
    Problem(
        "connection_disabled",
        "Connection is disabled",
        "Someone disabled this connection. Its token is still stored but not used.",
        "Enable the connection on its page, or ask someone who can.",
    ),
    Problem(
        "life_too_long",
        "Token lifetime exceeds the token policy",
        "An administrator limits how long tokens may be valid. A lost token can be misused until it expires.",
        "Choose an earlier expiry date for the token in Azure DevOps, then enter the new date.",
        link="tokens",
    ),
    Problem(
        "token_reused",
        "This token is already in use",
        "Another connection uses the same token, so you cannot revoke it for one connection only.",
        "Use a separate token for each connection.",
        link="tokens",
    ),
    Problem(
        "date_missing",
        "Expiry date is missing",
        "Without the date, we cannot remind anyone before the token expires.",
        "Look up the date in the list of tokens in Azure DevOps and enter it.",
        link="tokens",
    ),
    Problem(
        "another_organization",
        "The {place} changed",
        "This name now belongs to a different {place} than before. Another {place} may have taken over the name after "
        "a rename.",
        "Check the name in Azure DevOps. If the {place} was renamed, disconnect it and connect it again.",
    ),
)
