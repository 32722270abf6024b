"""Exceptions of calls to Azure DevOps.

    AzureDevOpsError
    ├── OrganizationNotFound          organization_not_found
    ├── OrganizationUnavailable       organization_unavailable   stopped for inactivity
    ├── TokenRefused                  token_refused
    │   ├── TokenExpired              token_expired
    │   ├── SignInRequired            sign_in_required           a sign-in page or a redirect to it
    │   └── Anonymous                 anonymous                  200, but anonymous
    │   └── PrincipalRefused          principal_refused          an access token of an application
    ├── TokenLeaked                   leaked                     declared leaked here, so that nothing was sent
    ├── NotAMember                    not_a_member
    │   ├── PrincipalNotAdded         principal_not_added        the organization does not know the application
    │   └── PrincipalWithoutAccess    principal_without_access   known, but without a licence or rights
    ├── PrincipalOfAnotherTenant      principal_of_another_tenant
    ├── OrganizationWithoutTenant     organization_without_tenant
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
    │   ├── EntraUnreachable          entra_unreachable          no answer from Microsoft Entra
    │   │   ├── EntraNotTrusted       entra_not_trusted          its certificate, not transient
    │   │   ├── WorkloadTokenUnreadable     workload_token_unreadable
    │   │   └── ManagedIdentityUnreachable  managed_identity_unreachable
    │   └── EntraBusy                 entra_busy                 may have a wait
    ├── EntraRefused                  entra_refused              Microsoft Entra issues no access token: `entra_errors`
    ├── EntraNotOffered               entra_not_offered          nothing was sent
    │   └── IdentityNotOffered        identity_not_offered       an identity of the server that is turned off
    ├── EntraUnexpectedAnswer         entra_unexpected_answer
    ├── SignInRefused                 sign_in_refused            no access token for a person: `sign_in_errors`
    ├── TokenLifecycleRefused         pat_error                  has the word of Azure DevOps: `personal_tokens`
    ├── TokenLifecycleNotAllowed      pat_not_allowed
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

    def __init_subclass__(cls, *, code: str, transient: bool | None = None) -> None:
        """Set the code of a subclass, and `transient` where it differs from its base."""
        cls.code = code
        cls.transient = cls.transient if transient is None else transient

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
        support: str = "",
        object_id: str = "",
    ) -> None:
        super().__init__(f"{self.code}: {detail}" if detail else self.code)
        self.detail = detail
        self.status = status
        self.activity_id = activity_id
        self.type_key = type_key
        self.said = said
        self.retry_after = retry_after
        self.host = host
        self.support = support
        self.object_id = object_id


class OrganizationNotFound(AzureDevOpsError, code="organization_not_found"):
    """Azure DevOps has no organization with this name; it checks this before the token."""


class OrganizationUnavailable(AzureDevOpsError, code="organization_unavailable"):
    """The organization is stopped. Waiting does not help."""


class TokenRefused(AzureDevOpsError, code="token_refused"):
    """Azure DevOps does not accept the token and does not say why."""


class TokenExpired(TokenRefused, code="token_expired"):
    """Azure DevOps recognizes the token but says that it has expired."""


class SignInRequired(TokenRefused, code="sign_in_required"):
    """The answer was the sign-in page or a redirect to it."""


class Anonymous(TokenRefused, code="anonymous"):
    """Azure DevOps treated the call as anonymous, as it may if a project is public."""


class PrincipalRefused(TokenRefused, code="principal_refused"):
    """Azure DevOps does not accept an access token that Microsoft Entra issued for an application."""


class TokenLeaked(AzureDevOpsError, code="leaked"):
    """Someone declared the token leaked, so that we make no more requests with it. Azure DevOps was not asked."""


class NotAMember(AzureDevOpsError, code="not_a_member"):
    """The token is valid, but its owner is not a member of the organization."""


class PrincipalNotAdded(NotAMember, code="principal_not_added"):
    """The application was not added to the organization. `object_id` is what an administrator has to add."""


class PrincipalWithoutAccess(NotAMember, code="principal_without_access"):
    """The application was added to the organization, but has no licence or no rights."""


class PrincipalOfAnotherTenant(AzureDevOpsError, code="principal_of_another_tenant"):
    """The organization belongs to another tenant than the application."""


class OrganizationWithoutTenant(AzureDevOpsError, code="organization_without_tenant"):
    """The organization has Microsoft accounts alone, so no application can be added."""


class BlockedByPolicy(AzureDevOpsError, code="blocked_by_policy"):
    """A policy of the organization blocks the token."""


class ConditionalAccess(BlockedByPolicy, code="conditional_access"):
    """The conditional access policy blocks the call, usually because of its IP address."""


class GlobalTokenBlocked(BlockedByPolicy, code="global_token_blocked"):
    """The policy blocks tokens for all accessible organizations."""


class EmptyRefusal(AzureDevOpsError, code="scope_missing"):
    """401 with an empty body: a missing scope or a dead token. Only `connectionData` decides which."""


class InteractiveSignInNeeded(AzureDevOpsError, code="interactive_sign_in_needed"):
    """The owner of the token has never signed in to the organization with a browser. The token itself is fine."""


class AccessDenied(AzureDevOpsError, code="access_denied"):
    """403: the token has the scope, but its owner lacks the permission."""


class NotFound(AzureDevOpsError, code="not_found"):
    """It does not exist or is not visible to the token's owner; Azure DevOps does not say which."""


class ProjectNotFound(NotFound, code="project_not_found"):
    """The same for a project."""


class NoSuchAddress(AzureDevOpsError, code="no_such_address"):
    """Azure DevOps serves nothing at this path."""


class Conflict(AzureDevOpsError, code="conflict"):
    """Someone else changed the same thing first."""


class NameTaken(Conflict, code="name_taken"):
    """The name is already in use."""


class Rejected(AzureDevOpsError, code="rejected"):
    """Azure DevOps did not understand or accept the request."""


class BranchProtected(Rejected, code="branch_protected"):
    """A policy allows changes to the branch only by pull request."""


class BranchNotUpdated(Rejected, code="branch_not_updated"):
    """The call succeeded, but the branch was not changed. `detail` is the reason."""


class BuildNotQueued(Rejected, code="build_not_queued"):
    """The pipeline cannot run like this. `problems` are the messages of Azure DevOps."""

    def __init__(
        self, *, problems: tuple[str, ...], status: int | None = None, activity_id: str | None = None, said: str = ""
    ) -> None:
        super().__init__(status=status, activity_id=activity_id, said=said)
        self.problems = problems


class ReleasesDisabled(AzureDevOpsError, code="releases_disabled"):
    """Classic releases are switched off for the organization or the project."""


class ReleasesProbablyDisabled(ReleasesDisabled, code="releases_probably_disabled"):
    """The release service answers with a page that says "not found", as it does where classic releases are off."""


class Throttled(AzureDevOpsError, code="throttled", transient=True):
    """Too many calls. It may look like a rejection of the token, but is not."""


class Unreachable(AzureDevOpsError, code="unreachable", transient=True):
    """There was no answer from Azure DevOps itself."""


class GatewayRefused(Unreachable, code="gateway_refused"):
    """401 or 403 that is not from Azure DevOps: a firewall or gateway blocked the call."""


class ForeignPage(Unreachable, code="foreign_page"):
    """A page instead of data, and not the sign-in page of Azure DevOps."""


class Redirected(Unreachable, code="redirected"):
    """A redirect that does not lead to Azure DevOps' sign-in. `host` is where it leads."""


class DnsFailure(Unreachable, code="dns_failure"):
    """The host name could not be resolved."""


class TlsFailure(Unreachable, code="tls_failure", transient=False):
    """The certificate could not be verified, or TLS failed otherwise. Waiting does not help."""


class ConnectionFailed(Unreachable, code="connection_failed"):
    """The connection was refused, reset or interrupted."""


class ProxyFailed(ConnectionFailed, code="proxy_failed"):
    """The proxy could not be reached, or did not connect us."""


class ProxyRefused(ProxyFailed, code="proxy_refused", transient=False):
    """407: the proxy requires a user name and a password, or rejects ours. Waiting does not help."""


class TimedOut(Unreachable, code="timed_out"):
    """The deadline passed before the answer was complete."""


class ServerError(Unreachable, code="server_error"):
    """Azure DevOps answered with an internal error (5xx)."""


class Maintenance(ServerError, code="maintenance"):
    """Azure DevOps is down for maintenance. This is not about rate limits."""


class EntraUnreachable(Unreachable, code="entra_unreachable"):
    """There was no answer from Microsoft Entra. `detail` is the code of what happened."""


class EntraNotTrusted(EntraUnreachable, code="entra_not_trusted", transient=False):
    """The certificate of Microsoft Entra could not be verified, so nothing was sent."""


class EntraBusy(Unreachable, code="entra_busy"):
    """Microsoft Entra is busy, has an internal error, or limits the rate."""


class WorkloadTokenUnreadable(EntraUnreachable, code="workload_token_unreadable"):
    """The file that the settings name has no token of the workload, so nothing was sent."""


class ManagedIdentityUnreachable(EntraUnreachable, code="managed_identity_unreachable"):
    """Nothing answered where Azure offers managed identities to processes."""


class EntraNotOffered(AzureDevOpsError, code="entra_not_offered"):
    """The server accepts no applications, or the site administrator turned them off."""


class IdentityNotOffered(EntraNotOffered, code="identity_not_offered"):
    """The site administrator turned off this identity of the server, or chose another."""


class EntraUnexpectedAnswer(AzureDevOpsError, code="entra_unexpected_answer"):
    """An answer that Microsoft Entra is not known to send."""


class EntraRefused(AzureDevOpsError, code="entra_refused"):
    """Microsoft Entra issues no access token. `support` has its number and ids."""


class ServerTooOld(AzureDevOpsError, code="server_too_old"):
    """The server supports no API version that we support."""


class AnswerTooLarge(AzureDevOpsError, code="answer_too_large"):
    """The answer exceeds the size limit."""


class ListIncomplete(AzureDevOpsError, code="list_incomplete"):
    """The list exceeds the limit of pages or time. Waiting does not help."""


class UnexpectedAnswer(AzureDevOpsError, code="unexpected_answer"):
    """An answer that Azure DevOps is not known to send."""


def _with_subclasses(kind: type[AzureDevOpsError]) -> list[type[AzureDevOpsError]]:
    return [kind, *(below for direct in kind.__subclasses__() for below in _with_subclasses(direct))]


# Codes of errors that may disappear without a change.
TRANSIENT_CODES = frozenset(kind.code for kind in _with_subclasses(AzureDevOpsError) if kind.transient)
# Azure DevOps itself did not answer, which concerns all calls of a connection. An internal error may concern one.
UNREACHABLE_CODES = frozenset(kind.code for kind in _with_subclasses(Unreachable) if not issubclass(kind, ServerError))
# Without a known answer of Azure DevOps, the outcome of a request is unknown.
NO_ANSWER = (
    Throttled,
    Unreachable,
    ServerTooOld,
    NoSuchAddress,
    AnswerTooLarge,
    UnexpectedAnswer,
    EntraUnexpectedAnswer,
)
NO_ANSWER_CODES = frozenset(error.code for kind in NO_ANSWER for error in _with_subclasses(kind))
