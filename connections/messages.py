"""The catalogue: every problem under its stable code, in the words that pages, mails and the API use.

A code is never renamed once it is stored. Each problem has a title, an explanation and a next step.
"""

from dataclasses import dataclass

from connections.azure_devops.capabilities import Verdict
from connections.azure_devops.types import Place
from connections.on_premises import OTHERWISE, in_words_of_a_server


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem as a person reads it. `link` names a page that helps: "guide", "tokens" or "status"."""

    code: str
    title: str
    explanation: str
    next_step: str
    link: str = ""


_PROBLEMS = (
    Problem(
        "organization_not_found",
        "Organization not found",
        "Azure DevOps knows no organization of this name. It says so before it looks at the token.",
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
        "Azure DevOps does not accept this token for this organization. It may be mistyped, revoked, regenerated, "
        "or made for another organization. Azure DevOps does not say which.",
        "Copy the token again without spaces. If it still fails, make a new token for exactly this organization.",
        link="tokens",
    ),
    Problem(
        "token_expired",
        "Token has expired",
        "Azure DevOps says that this token was real and that its time is over. Since 31 March 2026 an expired "
        "token can no longer be extended.",
        "Make a new token, or regenerate this one, at Azure DevOps. Then enter the new one here.",
        link="tokens",
    ),
    Problem(
        "token_ended_early",
        "Token ended before its date",
        "Azure DevOps does not accept the token any more, although its recorded date has not come. It was revoked, or "
        "regenerated, or its owner lost access, or it was made for all accessible organizations, which Microsoft ends "
        "on 1 December 2026.",
        "Ask the owner of the token. Then make a new token and update it here.",
        link="tokens",
    ),
    Problem(
        "global_tokens_ended",
        "Tokens for all organizations have ended",
        "The token was made for all accessible organizations. Microsoft ended such tokens on 1 December 2026, whatever "
        "date they were given.",
        "Make a new token for exactly this organization. Then enter it here.",
        link="tokens",
    ),
    Problem(
        "sign_in_required",
        "Azure DevOps asks for a sign-in",
        "Instead of an answer came the sign-in page. Azure DevOps does this when it does not accept the token, "
        "or when its owner has not signed in with a browser for a long time.",
        "Sign in to the organization once with a browser as the owner of the token, then test again. "
        "If it still fails, make a new token.",
        link="tokens",
    ),
    Problem(
        "anonymous",
        "Token not accepted",
        "Azure DevOps answered as if nobody had signed in. The organization has a public project, so it lets "
        "anybody look, but it did not accept this token.",
        "Copy the token again without spaces. If it still fails, make a new token for exactly this organization.",
        link="tokens",
    ),
    Problem(
        "not_a_member",
        "The token's owner is not a member",
        "The token is real, but the person who made it is not a member of this organization, or has no access "
        "level there.",
        "Ask an administrator of the organization to add that person, or use the token of somebody who is a member.",
    ),
    Problem(
        "blocked_by_policy",
        "Blocked by a policy",
        "A security policy of the organization refuses this token.",
        "Ask an administrator of the organization which policy applies to personal access tokens.",
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
        "Make a new token and choose exactly this organization instead of “All accessible organizations”.",
        link="tokens",
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
        "not_found",
        "Not found at Azure DevOps",
        "Azure DevOps says that this does not exist, or that the person behind the token may not see it. "
        "It does not say which.",
        "Check that it still exists and that the owner of the token can see it.",
    ),
    Problem(
        "project_not_found",
        "Project not found",
        "Azure DevOps says that the project does not exist, or that the person behind the token may not see it.",
        "Check that the project exists and that the owner of the token is a member of it.",
    ),
    Problem(
        "no_such_address",
        "Unknown address",
        "Azure DevOps has nothing at the address we asked. The address of the server may lack its path, or the server "
        "may be older than this product expects.",
        "Ask the operator of this product to check the server in AZURE_DEVOPS_SERVERS.",
    ),
    Problem(
        "server_too_old",
        "Server is too old",
        "The server speaks an older version of the interface than this product. The oldest that works is "
        "Azure DevOps Server 2019.",
        "Ask the administrator of the server to update it.",
    ),
    Problem(
        "conflict",
        "Changed meanwhile",
        "Somebody else changed the same thing at Azure DevOps just before.",
        "Look at the present state and try again.",
    ),
    Problem(
        "rejected",
        "Azure DevOps rejected the request",
        "Azure DevOps understood who asked but not what was asked.",
        "Try again. If it stays, give the activity id to your support.",
    ),
    Problem(
        "name_taken",
        "Name already taken",
        "There is already something of this name at Azure DevOps.",
        "Choose another name.",
    ),
    Problem(
        "branch_protected",
        "Branch takes changes only by pull request",
        "A policy of the repository lets nobody push to this branch directly.",
        "Commit to a new branch, then open a pull request at Azure DevOps.",
    ),
    Problem(
        "branch_not_updated",
        "Branch not changed",
        "Azure DevOps took the request, but did not change the branch.",
        "Check the name of the branch and the policies of the repository, then try again.",
    ),
    Problem(
        "build_not_queued",
        "Pipeline cannot run like this",
        "Azure DevOps checked the request and found something that keeps the pipeline from running.",
        "Check the branch and whether the pipeline is enabled. Its page at Azure DevOps says more.",
    ),
    Problem(
        "releases_disabled",
        "Classic releases are switched off",
        "The organization or the project does not allow classic releases.",
        "Use pipelines with stages instead, or ask an administrator of the organization to switch classic releases on.",
    ),
    Problem(
        "approval_of_another",
        "Somebody else is asked",
        "Azure DevOps asks somebody else for this approval, and did not take it from the person behind the token.",
        "Ask that person to decide, at Azure DevOps or here by a connection with their token.",
    ),
    Problem(
        "approval_decided",
        "Already decided",
        "This approval does not wait any more: somebody decided, or the deployment was cancelled.",
        "Look at the release as it is now.",
    ),
    Problem(
        "stage_moved_on",
        "Not possible in this state",
        "Azure DevOps does not allow this for the stage as it is now. Somebody may have been faster.",
        "Look at the release as it is now.",
    ),
    Problem(
        "artifact_unavailable",
        "Version not to be had",
        "Azure DevOps cannot find the version of an artifact. The build may be gone, or there is no good one yet.",
        "Choose another version, or let the pipeline that makes it run once more.",
    ),
    Problem(
        "throttled",
        "Azure DevOps asks us to wait",
        "The person behind the token has used up their share of calls for the moment. All tokens of one person "
        "share it, here and elsewhere.",
        "Wait a few minutes and test again.",
    ),
    Problem(
        "too_many_tests",
        "Too many tests",
        "Each person may test only so often, and so may everybody at one address together. Nothing was asked of Azure "
        "DevOps, and nothing was changed.",
        "Wait a little and test again.",
    ),
    Problem(
        "dns_failure",
        "Address not found on the network",
        "The name of the Azure DevOps server could not be looked up from here. Nothing was sent.",
        "Ask the operator of this product to check the DNS of the machine that runs it. If the server can be reached "
        "through a proxy only, they name it in AZURE_DEVOPS_PROXIES.",
        link="status",
    ),
    Problem(
        "tls_failure",
        "Secure connection failed",
        "The certificate of the Azure DevOps server could not be verified, so the token was not sent. A private "
        "certificate authority, an expired certificate, or a proxy that reads traffic is the usual cause.",
        "Give the file of the certificate authority to the operator of this product, who names it in "
        "AZURE_DEVOPS_CA_BUNDLES for this server. The check of certificates cannot be switched off.",
    ),
    Problem(
        "connection_failed",
        "No connection to Azure DevOps",
        "The connection was refused or cut off. A firewall may stand between.",
        "Ask the operator of this product whether its machine may reach the server on the network. If it must go "
        "through a proxy, they name it in AZURE_DEVOPS_PROXIES.",
        link="status",
    ),
    Problem(
        "proxy_failed",
        "No connection through the proxy",
        "The proxy between this product and Azure DevOps could not be reached, or would not connect us to the server. "
        "The token was not sent.",
        "Ask the operator of this product to check the proxy in AZURE_DEVOPS_PROXIES or HTTPS_PROXY, and whether it "
        "lets this machine through to the server.",
    ),
    Problem(
        "proxy_refused",
        "The proxy asks for a password",
        "The proxy between this product and Azure DevOps lets nobody through without a user name and a password, or "
        "does not accept those it was given (407). Azure DevOps was not asked.",
        "Ask the operator of this product to enter the right ones in AZURE_DEVOPS_PROXIES.",
    ),
    Problem(
        "timed_out",
        "Azure DevOps did not answer in time",
        "The call was given up. Azure DevOps may be slow, or something on the way holds the traffic.",
        "Test again in a minute. If it stays, check the network and the service status.",
        link="status",
    ),
    Problem(
        "time_limit",
        "The test ran out of time",
        "The whole test has a time limit. What had finished by then is shown; the rest could not be told.",
        "Test again in a minute.",
        link="status",
    ),
    Problem(
        "server_error",
        "Azure DevOps has trouble",
        "Azure DevOps answered with an error of its own. It says nothing about the token.",
        "Wait and test again. The service status page tells about outages.",
        link="status",
    ),
    Problem(
        "answer_too_large",
        "Answer too large",
        "The answer was larger than we are willing to read.",
        "Give the activity id to your support.",
    ),
    Problem(
        "unexpected_answer",
        "Unexpected answer",
        "Something answered that does not speak like Azure DevOps. A proxy's own page is the usual cause.",
        "Ask the operator of this product to check AZURE_DEVOPS_SERVERS, AZURE_DEVOPS_PROXIES and HTTPS_PROXY. If it "
        "stays, give the activity id to your support.",
    ),
    Problem(
        "no_project",
        "No project visible",
        "The token was accepted, but its owner sees no project here. Scopes can be proved only inside a project.",
        "Ask for access to at least one project in the organization, then test again.",
    ),
    Problem(
        "write_probes_off",
        "Not tried",
        "The operator of this product switched off the probes for writing.",
        "Nothing to do. The operator can set AZURE_DEVOPS_WRITE_PROBES to check writing too.",
    ),
    Problem(
        "contradiction",
        "Contradicting answers",
        "A higher scope seemed to be there while a lower one, which it contains, was refused.",
        "Test again. If it stays, check the scopes of the token at Azure DevOps.",
    ),
    Problem(
        "anonymous_answer",
        "Answered to nobody",
        "Azure DevOps answered without saying to whom, as it does for public projects. That proves nothing about "
        "the token.",
        "Test again. If it stays, choose an organization without public projects, or check the scope by hand.",
    ),
    Problem(
        "another_identity",
        "Another person answered",
        "Azure DevOps answered this call for another person than the one behind the token.",
        "Test again. If it stays, check what stands between this product and Azure DevOps.",
    ),
    Problem(
        "signed_refusal",
        "Refused in an unknown way",
        "Azure DevOps refused this call, and not in the way it refuses a missing scope.",
        "Test again. If it stays, check the scope of the token at Azure DevOps by hand.",
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
        "file_changed",
        "Somebody changed the file meanwhile",
        "The file at Azure DevOps is no longer the one that you began to edit, so nothing was committed.",
        "Look at the file as it is now, bring your change into it, and commit again.",
    ),
    Problem(
        "file_exists",
        "There is already a file at this path",
        "Nothing was committed, so that the file there is not replaced by accident.",
        "Choose another path, or open that file and edit it.",
    ),
    Problem(
        "outcome_unknown",
        "Could not tell whether it happened",
        "Azure DevOps did not answer, and could not be asked afterwards either. We do not try again by ourselves, so "
        "that nothing happens twice.",
        "Look at Azure DevOps whether it happened before you try again.",
    ),
    Problem(
        "file_is_binary",
        "The file is binary",
        "Only text files can be edited here.",
        "Clone the repository to change it.",
    ),
    Problem(
        "file_too_large",
        "The file is too large to show here",
        "Files up to a limit are read into the page, and this one is longer.",
        "Open it at Azure DevOps, or clone the repository.",
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
        "The organization changed",
        "Azure DevOps answers under this name for another organization than before. The name may have been taken "
        "over after a rename.",
        "Check the name at Azure DevOps. If the organization was renamed, disconnect and connect it anew.",
    ),
)
PROBLEMS: dict[str, Problem] = {problem.code: problem for problem in _PROBLEMS}

# The causes that the user guide's troubleshooting names, in its order.
TROUBLESHOOTING = (
    "organization_not_found",
    "scope_missing",
    "token_expired",
    "token_refused",
    "timed_out",
    "dns_failure",
    "tls_failure",
    "proxy_failed",
    "proxy_refused",
    "project_not_found",
    "not_a_member",
    "access_denied",
    "conditional_access",
    "global_token_blocked",
    "organization_unavailable",
    "throttled",
)


# What a server of one's own never says.
OF_THE_SERVICE_ALONE = ("conditional_access", "global_token_blocked", "global_tokens_ended")
# What the guide adds where people may choose a server of their own.
TROUBLESHOOTING_OF_A_SERVER = ("organization_not_found", "token_refused", "server_too_old", "no_such_address")


def problem(code: str, *, place: Place = "organization") -> Problem:
    """The words for a code; an unknown code is an unexpected answer, never an exception.

    `place` is where the connection leads: an organization of the service or a collection of somebody's own server.
    """
    found = PROBLEMS.get(code, PROBLEMS["unexpected_answer"])
    return found if place == "organization" else _on_a_server(found)


def _on_a_server(usual: Problem) -> Problem:
    usual_words = (usual.title, usual.explanation, usual.next_step)
    title, explanation, next_step = OTHERWISE.get(usual.code) or map(in_words_of_a_server, usual_words)
    # The status page tells of Microsoft's service alone.
    link = "" if usual.link == "status" else usual.link
    return Problem(usual.code, title, explanation, next_step, link)


VERDICT_WORDS: dict[Verdict, str] = {
    Verdict.GRANTED: "Granted",
    Verdict.MISSING: "Missing",
    Verdict.NOT_PERMITTED: "Not permitted",
    Verdict.UNKNOWN: "Could not tell",
}

AREA_LABELS = {"code": "Code", "build": "Build", "release": "Release"}


STATUS_PAGE = "https://status.dev.azure.com"
