"""Exceptions of calls to Azure DevOps.

    AzureDevOpsError
    ├── OrganizationNotFound          organization_not_found
    ├── OrganizationUnavailable       organization_unavailable   stopped for inactivity
    ├── TokenRefused                  token_refused
    │   ├── TokenExpired              token_expired
    │   ├── SignInRequired            sign_in_required           a sign-in page or a redirect to it
    │   └── Anonymous                 anonymous                  200, but anonymous
    ├── NotAMember                    not_a_member
    ├── BlockedByPolicy               blocked_by_policy
    │   ├── ConditionalAccess         conditional_access
    │   └── GlobalTokenBlocked        global_token_blocked
    ├── EmptyRefusal                  scope_missing              401 with an empty body
    ├── InteractiveSignInNeeded       interactive_sign_in_needed the owner must sign in once with a browser
    ├── AccessDenied                  access_denied              403: the person, not the token
    ├── NotFound                      not_found
    │   └── ProjectNotFound           project_not_found
    ├── NoSuchAddress                 no_such_address            no controller at this path
    ├── Conflict                      conflict                   changed by someone else
    │   └── NameTaken                 name_taken
    ├── Rejected                      rejected                   400
    │   ├── BranchProtected           branch_protected           only by pull request
    │   ├── BranchNotUpdated          branch_not_updated         has the status
    │   └── BuildNotQueued            build_not_queued           has the reasons
    ├── ReleasesDisabled              releases_disabled          classic releases are switched off
    │   └── ReleasesProbablyDisabled  releases_probably_disabled the release service has no such page
    ├── Throttled                     throttled                  transient, may have a wait
    ├── Unreachable                   unreachable                transient
    │   ├── GatewayRefused            gateway_refused            401 or 403 of a firewall or gateway
    │   ├── ForeignPage               foreign_page               a page that is not from Azure DevOps
    │   ├── Redirected                redirected                 to an address that is not its sign-in
    │   ├── DnsFailure                dns_failure
    │   ├── TlsFailure                tls_failure                not transient
    │   ├── ConnectionFailed          connection_failed
    │   │   └── ProxyFailed           proxy_failed
    │   │       └── ProxyRefused      proxy_refused              407, not transient
    │   ├── TimedOut                  timed_out
    │   └── ServerError               server_error
    │       └── Maintenance           maintenance                may have a wait
    ├── ServerTooOld                  server_too_old             older than Azure DevOps Server 2019
    ├── AnswerTooLarge                answer_too_large
    ├── ListIncomplete                list_incomplete            more pages than may be read
    └── UnexpectedAnswer              unexpected_answer

`code` is stable and the key of the problem catalogue. `transient` means that the same call may succeed later.
`classification` decides which answer means which error.
"""

from typing import ClassVar


class AzureDevOpsError(Exception):
    """A call to Azure DevOps failed.

    `detail` is a short text for logs and staff. `said` is the message of Azure DevOps without mail addresses and
    secrets. It may name the token's owner, so it is shown only to the person who acts, and never put into lists, logs
    or mails. `activity_id` is for Microsoft's support. `retry_after` is in seconds, if the answer has it. `host` is who
    answered or, for a redirect, where it leads.
    """

    code: ClassVar[str] = "azure_devops_error"
    transient: ClassVar[bool] = False

    def __init__(
        self,
        *,
        detail: str = "",
        status: int | None = None,
        activity_id: str | None = None,
        type_key: str | None = None,
        said: str = "",
        retry_after: float | None = None,
        host: str = "",
    ) -> None:
        super().__init__(f"{self.code}: {detail}" if detail else self.code)
        self.detail = detail
        self.status = status
        self.activity_id = activity_id
        self.type_key = type_key
        self.said = said
        self.retry_after = retry_after
        self.host = host


class OrganizationNotFound(AzureDevOpsError):
    """Azure DevOps has no organization with this name; it checks this before the token."""

    code = "organization_not_found"


class OrganizationUnavailable(AzureDevOpsError):
    """The organization is stopped. Waiting does not help."""

    code = "organization_unavailable"


class TokenRefused(AzureDevOpsError):
    """Azure DevOps does not accept the token and does not say why."""

    code = "token_refused"


class TokenExpired(TokenRefused):
    """Azure DevOps recognizes the token but says that it has expired."""

    code = "token_expired"


class SignInRequired(TokenRefused):
    """The answer was the sign-in page or a redirect to it."""

    code = "sign_in_required"


class Anonymous(TokenRefused):
    """Azure DevOps treated the call as anonymous, as it may if a project is public."""

    code = "anonymous"


class NotAMember(AzureDevOpsError):
    """The token is valid, but its owner is not a member of the organization."""

    code = "not_a_member"


class BlockedByPolicy(AzureDevOpsError):
    """A policy of the organization blocks the token."""

    code = "blocked_by_policy"


class ConditionalAccess(BlockedByPolicy):
    """The conditional access policy blocks the call, usually because of its IP address."""

    code = "conditional_access"


class GlobalTokenBlocked(BlockedByPolicy):
    """The policy blocks tokens for all accessible organizations."""

    code = "global_token_blocked"


class EmptyRefusal(AzureDevOpsError):
    """401 with an empty body: a missing scope or a dead token. Only `connectionData` decides which."""

    code = "scope_missing"


class InteractiveSignInNeeded(AzureDevOpsError):
    """The owner of the token has never signed in to the organization with a browser. The token itself is fine."""

    code = "interactive_sign_in_needed"


class AccessDenied(AzureDevOpsError):
    """403: the token has the scope, but its owner lacks the permission."""

    code = "access_denied"


class NotFound(AzureDevOpsError):
    """It does not exist or is not visible to the token's owner; Azure DevOps does not say which."""

    code = "not_found"


class ProjectNotFound(NotFound):
    """The same for a project."""

    code = "project_not_found"


class NoSuchAddress(AzureDevOpsError):
    """Azure DevOps serves nothing at this path."""

    code = "no_such_address"


class Conflict(AzureDevOpsError):
    """Someone else changed the same thing first."""

    code = "conflict"


class NameTaken(Conflict):
    """The name is already in use."""

    code = "name_taken"


class Rejected(AzureDevOpsError):
    """Azure DevOps did not understand or accept the request."""

    code = "rejected"


class BranchProtected(Rejected):
    """A policy allows changes to the branch only by pull request."""

    code = "branch_protected"


class BranchNotUpdated(Rejected):
    """The call succeeded, but the branch was not changed. `update_status` is the reason."""

    code = "branch_not_updated"

    def __init__(
        self, *, update_status: str, status: int | None = None, activity_id: str | None = None, said: str = ""
    ) -> None:
        super().__init__(detail=update_status, status=status, activity_id=activity_id, said=said)
        self.update_status = update_status


class BuildNotQueued(Rejected):
    """The pipeline cannot run like this. `problems` are the messages of Azure DevOps."""

    code = "build_not_queued"

    def __init__(
        self, *, problems: tuple[str, ...], status: int | None = None, activity_id: str | None = None, said: str = ""
    ) -> None:
        super().__init__(status=status, activity_id=activity_id, said=said)
        self.problems = problems


class ReleasesDisabled(AzureDevOpsError):
    """Classic releases are switched off for the organization or the project."""

    code = "releases_disabled"


class ReleasesProbablyDisabled(ReleasesDisabled):
    """The release service answers with a page that says "not found", as it does where classic releases are off."""

    code = "releases_probably_disabled"


class Throttled(AzureDevOpsError):
    """Too many calls. It may look like a rejection of the token, but is not."""

    code = "throttled"
    transient = True


class Unreachable(AzureDevOpsError):
    """There was no answer from Azure DevOps itself."""

    code = "unreachable"
    transient = True


class GatewayRefused(Unreachable):
    """401 or 403 that is not from Azure DevOps: a firewall or gateway blocked the call."""

    code = "gateway_refused"


class ForeignPage(Unreachable):
    """A page instead of data, and not the sign-in page of Azure DevOps."""

    code = "foreign_page"


class Redirected(Unreachable):
    """A redirect that does not lead to Azure DevOps' sign-in. `host` is where it leads."""

    code = "redirected"


class DnsFailure(Unreachable):
    """The host name could not be resolved."""

    code = "dns_failure"


class TlsFailure(Unreachable):
    """The certificate could not be verified, or TLS failed otherwise. Waiting does not help."""

    code = "tls_failure"
    transient = False


class ConnectionFailed(Unreachable):
    """The connection was refused, reset or interrupted."""

    code = "connection_failed"


class ProxyFailed(ConnectionFailed):
    """The proxy could not be reached, or did not connect us."""

    code = "proxy_failed"


class ProxyRefused(ProxyFailed):
    """407: the proxy requires a user name and a password, or rejects ours. Waiting does not help."""

    code = "proxy_refused"
    transient = False


class TimedOut(Unreachable):
    """The deadline passed before the answer was complete."""

    code = "timed_out"


class ServerError(Unreachable):
    """Azure DevOps answered with an internal error (5xx)."""

    code = "server_error"


class Maintenance(ServerError):
    """Azure DevOps is down for maintenance. This is not about rate limits."""

    code = "maintenance"


class ServerTooOld(AzureDevOpsError):
    """The server supports no API version that we support."""

    code = "server_too_old"


class AnswerTooLarge(AzureDevOpsError):
    """The answer exceeds the size limit."""

    code = "answer_too_large"


class ListIncomplete(AzureDevOpsError):
    """The list exceeds the limit of pages or time. Waiting does not help."""

    code = "list_incomplete"


class UnexpectedAnswer(AzureDevOpsError):
    """An answer that Azure DevOps is not known to send."""

    code = "unexpected_answer"


def _with_subclasses(kind: type[AzureDevOpsError]) -> list[type[AzureDevOpsError]]:
    return [kind, *(below for direct in kind.__subclasses__() for below in _with_subclasses(direct))]


# Codes of errors that may disappear without a change.
TRANSIENT_CODES = frozenset(kind.code for kind in _with_subclasses(AzureDevOpsError) if kind.transient)
# Without a known answer of Azure DevOps, the outcome of a request is unknown.
NO_ANSWER = (Throttled, Unreachable, ServerTooOld, NoSuchAddress, AnswerTooLarge, UnexpectedAnswer)
NO_ANSWER_CODES = frozenset(error.code for kind in NO_ANSWER for error in _with_subclasses(kind))
