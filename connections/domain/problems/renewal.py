"""Problems of renewing tokens: what the sign-in at Microsoft answers, and every `patTokenError` of Azure DevOps.

https://learn.microsoft.com/rest/api/azure/devops/tokens/pats
"""

from connections.domain.problems.problem import Problem

_ASK_SITE = "Ask the site administrator"
_ASK_OWNER = "Ask an administrator of the organization"
_PER_HAND = "Or create the token in Azure DevOps and enter it with “Update token”."

SIGN_IN = (
    Problem(
        "sign_in_refused",
        "Microsoft Entra refused the sign-in",
        "Microsoft Entra issued no access token, for a reason that we don't know. No token was changed.",
        f"{_ASK_SITE} to look for the attempt in the sign-in logs of Microsoft Entra.",
    ),
    Problem(
        "sign_in_declined",
        "You declined",
        "At Microsoft you did not allow managing your personal access tokens. No token was changed.",
        "Try again and accept. Or update the token yourself.",
    ),
    Problem(
        "sign_in_not_consented",
        "Consent is missing",
        "The registered application may not manage personal access tokens on behalf of people of this tenant yet.",
        "Ask an administrator of Microsoft Entra to grant consent for “vso.pats” and “vso.pats_manage” under “API "
        "permissions” of the application.",
    ),
    Problem(
        "sign_in_address_unknown",
        "Redirect address is not registered",
        "Microsoft Entra accepts only the redirect addresses that are registered with the application, letter by "
        "letter.",
        f"{_ASK_SITE} to register the address that the documentation names, on the platform “Web”.",
    ),
    Problem(
        "sign_in_too_late",
        "The sign-in is no longer valid",
        "The sign-in was used already, or it took too long. No token was changed.",
        "Try again.",
    ),
    Problem(
        "sign_in_needs_proof",
        "Microsoft wants more proof",
        "Microsoft Entra asks for another factor or another device. No token was changed.",
        "Try again and follow the instructions of Microsoft.",
    ),
    Problem(
        "sign_in_of_another_tenant",
        "Account of another tenant",
        "The account that signed in does not belong to the tenant of the registered application.",
        "Sign in with the work account of the token's owner.",
    ),
    Problem(
        "sign_in_blocked",
        "Blocked by conditional access",
        "A conditional access policy of Microsoft Entra blocks this sign-in.",
        "Ask an administrator of Microsoft Entra which policy applies.",
    ),
    Problem(
        "sign_in_scopes_missing",
        "Permissions are missing",
        "Microsoft Entra granted fewer permissions than managing personal access tokens needs. No token was changed.",
        "Ask an administrator of Microsoft Entra to check that the application has both “vso.pats” and "
        "“vso.pats_manage”.",
    ),
    Problem(
        "sign_in_misconfigured",
        "The registered application is not accepted",
        "Microsoft Entra does not accept the application that is registered for renewing tokens, or its secret.",
        f"{_ASK_SITE} to compare TOKEN_RENEWAL_TENANT_ID, TOKEN_RENEWAL_CLIENT_ID and TOKEN_RENEWAL_CLIENT_SECRET "
        "with the application in Microsoft Entra. The secret may have expired.",
    ),
)

# The problem of each `patTokenError`. Microsoft explains none of them, so similar ones share a text.
CODES = {
    "disablePatCreationPolicyViolation": "pat_creation_restricted",
    "fullScopePatPolicyViolation": "pat_full_scope_forbidden",
    "patLifespanPolicyViolation": "pat_life_too_long",
    "globalPatPolicyViolation": "pat_global_forbidden",
    "globalPATCreationBlocked": "pat_global_forbidden",
    "expiredPatCannotBeExtended": "pat_expired",
    "sshPolicyDisabled": "pat_not_for_this_sign_in",
    "displayNameRequired": "pat_name_invalid",
    "invalidDisplayName": "pat_name_invalid",
    "invalidValidTo": "pat_date_invalid",
    "invalidScope": "pat_scope_invalid",
    "invalidTargetAccounts": "pat_input_invalid",
    "invalidAuthorizationId": "pat_input_invalid",
    "invalidTokenType": "pat_input_invalid",
    "invalidAudience": "pat_not_for_this_sign_in",
    "invalidSubject": "pat_not_for_this_sign_in",
    "accessDenied": "pat_access_denied",
    "userIdRequired": "pat_not_for_this_sign_in",
    "invalidUserId": "pat_not_for_this_sign_in",
    "invalidUserType": "pat_not_for_this_sign_in",
    "invalidClient": "pat_application_refused",
    "invalidClientType": "pat_application_refused",
    "invalidClientId": "pat_application_refused",
    "sourceNotSupported": "pat_source_refused",
    "invalidSource": "pat_source_refused",
    "invalidSourceIP": "pat_source_refused",
    "deploymentHostNotSupported": "pat_input_invalid",
    "tokenNotFound": "pat_gone",
    "authorizationNotFound": "pat_gone",
    "hostAuthorizationNotFound": "pat_gone",
    "invalidToken": "pat_gone",
    "failedToIssueAccessToken": "pat_service_failed",
    "failedToUpdateAccessToken": "pat_service_failed",
    "failedToReadTenantPolicy": "pat_service_failed",
    "failedToReadOrgPolicy": "pat_service_failed",
    "duplicateHash": "pat_service_failed",
}
_BY_WORD = {word.lower(): code for word, code in CODES.items()}
UNKNOWN = "pat_error"


def code_of(word: str) -> str:
    """The problem of a `patTokenError`, also of one that we don't know."""
    return _BY_WORD.get(word.lower(), UNKNOWN)


LIFECYCLE = (
    Problem(
        UNKNOWN,
        "Azure DevOps refused, for a reason that we don't know",
        "Azure DevOps named a reason that its documentation does not explain.",
        f"Look up the word below in the documentation of Azure DevOps. {_PER_HAND}",
    ),
    Problem(
        "pat_not_allowed",
        "Managing tokens is not allowed",
        "Azure DevOps does not let this sign-in manage personal access tokens of this organization.",
        f"{_ASK_OWNER} whether it allows applications to act for people. {_PER_HAND}",
    ),
    Problem(
        "pat_creation_restricted",
        "The organization restricts new tokens",
        "A policy of the organization lets only certain people create personal access tokens.",
        f"{_ASK_OWNER} to put the owner of the token on the list of the policy “Restrict personal access token "
        "creation”.",
    ),
    Problem(
        "pat_full_scope_forbidden",
        "Tokens with full access are forbidden",
        "A policy of the tenant forbids personal access tokens with full access.",
        "Renew with the scopes that this product needs.",
    ),
    Problem(
        "pat_life_too_long",
        "The organization wants a shorter lifetime",
        "A policy of the tenant limits how long a personal access token may be valid.",
        "Try again with fewer days.",
    ),
    Problem(
        "pat_global_forbidden",
        "Tokens for all organizations are forbidden",
        "Azure DevOps no longer makes personal access tokens for all organizations.",
        f"Renew again; if it keeps happening, report it to the site administrator. {_PER_HAND}",
    ),
    Problem(
        "pat_expired",
        "An expired token can't be extended",
        "The token has expired, and Azure DevOps extends only valid tokens.",
        "Renew the token instead.",
    ),
    Problem(
        "pat_name_invalid",
        "The name of the new token was refused",
        "Azure DevOps did not accept the name that we gave the new token.",
        "Give the connection a shorter name without unusual characters, and renew again.",
    ),
    Problem(
        "pat_date_invalid",
        "The expiry date was refused",
        "Azure DevOps did not accept the expiry date, perhaps because a policy limits it.",
        "Try again with fewer days.",
    ),
    Problem(
        "pat_scope_invalid",
        "The scopes were refused",
        "Azure DevOps did not accept the scopes of the new token.",
        "Create the token in Azure DevOps and enter it with “Update token”.",
    ),
    Problem(
        "pat_input_invalid",
        "Azure DevOps did not understand the request",
        "Azure DevOps did not accept a part of our request.",
        f"Report it to the site administrator, with the word below. {_PER_HAND}",
    ),
    Problem(
        "pat_access_denied",
        "The person may not manage this token",
        "Azure DevOps says that the person who signed in may not do this with the token.",
        "Check that the person is still a member of the organization, and try again.",
    ),
    Problem(
        "pat_not_for_this_sign_in",
        "Not possible with this sign-in",
        "Azure DevOps does not manage tokens for this kind of account or sign-in.",
        "Sign in with the work account of the token's owner.",
    ),
    Problem(
        "pat_application_refused",
        "Azure DevOps does not accept the registered application",
        "Azure DevOps does not let the application that is registered for renewing manage tokens.",
        f"{_ASK_SITE} to check the application in Microsoft Entra, and {_ASK_OWNER.lower()} whether a policy refuses "
        "applications.",
    ),
    Problem(
        "pat_source_refused",
        "Azure DevOps does not accept requests from here",
        "Azure DevOps refuses requests about tokens from the address of this site.",
        f"{_ASK_OWNER} which policy applies, and to allow the IP address of this site.",
    ),
    Problem(
        "pat_gone",
        "The token does not exist any more",
        "Azure DevOps does not find the token among those of the person who signed in.",
        "No action needed if it was revoked. Otherwise check the list of tokens in Azure DevOps.",
    ),
    Problem(
        "pat_service_failed",
        "Azure DevOps could not do it",
        "Azure DevOps had an internal problem with the token.",
        f"Wait {{wait}} and try again. {_PER_HAND}",
    ),
)

REFUSED = (
    Problem(
        "renewal_not_offered",
        "Not available here",
        "Renewing is not set up for this server.",
        "Ask the site administrator to register an application for it. Or create a new token in Azure DevOps and enter "
        "it with “Update token”.",
    ),
    Problem(
        "renewal_only_of_tokens",
        "Not a personal access token",
        "Only personal access tokens can be renewed like this.",
        "Update the credential on the page of the connection instead.",
    ),
    Problem(
        "renewal_running",
        "Already being renewed",
        "A renewal of this connection is in progress.",
        "Open it from the page of the connection, and finish or discard it.",
    ),
    Problem(
        "renewal_moved_on",
        "Not the next step any more",
        "Another request has moved this renewal on in the meantime.",
        "Check on this page where it is now.",
    ),
)

RENEWAL = (
    Problem(
        "renewal_lost",
        "No answer to the creation",
        "Azure DevOps did not answer when it was asked for a new token, so that one may exist that is stored nowhere.",
        "Sign in again: we look for it by its name and revoke it.",
    ),
    Problem(
        "renewal_interrupted",
        "Renewing was interrupted",
        "Azure DevOps did not answer when it was asked for a new token, or the process ended. No new token is left, "
        "and the connection uses the same token as before.",
        "Renew again.",
    ),
    Problem(
        "renewal_other_token",
        "Azure DevOps made another token",
        "The new token has other scopes, other organizations or a later date than we asked for, so it is not used.",
        "Report it to the site administrator.",
    ),
    Problem(
        "renewal_loses",
        "The new token can do less",
        "The new token works, but the test found that it can do less than the one in use.",
        "Test again, use it anyway, or discard it.",
    ),
    Problem(
        "renewal_too_many_tests",
        "Too many tests",
        "Each new token is tested, and the number of tests per person and per IP address is limited. No token was "
        "created.",
        "Wait {wait}, then sign in again.",
    ),
    Problem(
        "renewal_broken",
        "An error of this product",
        "The renewal did not start because of an unexpected error. No token was created.",
        "Sign in again. If it keeps happening, report it to the site administrator, who finds the error in the log.",
    ),
    Problem(
        "another_person_signed_in",
        "Another person signed in",
        "The account that signed in at Microsoft is not the owner of the stored token. No token was changed.",
        "Ask the owner of the token to renew it, or sign in with their account.",
    ),
)

IMPORT = (
    Problem(
        "extension_lost",
        "No answer to the extension",
        "Azure DevOps did not answer when it was asked for a later expiry date, so the date may have changed. The "
        "token is the same, and works as before.",
        "Sign in again: we read the date.",
    ),
    Problem(
        "import_no_time",
        "Not asked",
        "The other organizations took so long to answer that this one was not asked.",
        "Read the tokens of this organization again.",
    ),
)

PROBLEMS = (*SIGN_IN, *LIFECYCLE, *REFUSED, *RENEWAL, *IMPORT)
