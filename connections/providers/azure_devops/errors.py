"""What can go wrong with Azure DevOps, told apart.

    AzureDevOpsError
    ├── OrganizationNotFound          organization_not_found
    ├── OrganizationUnavailable       organization_unavailable   stopped for inactivity
    ├── TokenRefused                  token_refused
    │   ├── TokenExpired              token_expired
    │   ├── SignInRequired            sign_in_required           a sign-in page or a redirect to it
    │   └── Anonymous                 anonymous                  200, but as nobody
    ├── NotAMember                    not_a_member
    ├── BlockedByPolicy               blocked_by_policy
    │   ├── ConditionalAccess         conditional_access
    │   └── GlobalTokenBlocked        global_token_blocked
    ├── EmptyRefusal                  scope_missing              401 without a word
    ├── InteractiveSignInNeeded       interactive_sign_in_needed the owner has to sign in once in a browser
    ├── AccessDenied                  access_denied              403: the person, not the token
    ├── NotFound                      not_found
    │   └── ProjectNotFound           project_not_found
    ├── NoSuchAddress                 no_such_address            no controller at this path
    ├── Conflict                      conflict                   somebody was faster
    │   └── NameTaken                 name_taken
    ├── Rejected                      rejected                   400
    │   ├── BranchProtected           branch_protected           only by pull request
    │   ├── BranchNotUpdated          branch_not_updated         says which status
    │   └── BuildNotQueued            build_not_queued           says what is wrong
    ├── ReleasesDisabled              releases_disabled          classic releases are switched off
    │   └── ReleasesProbablyDisabled  releases_probably_disabled the release service has no such page
    ├── Throttled                     throttled                  transient, may say how long
    ├── Unreachable                   unreachable                transient
    │   ├── GatewayRefused            gateway_refused            401 or 403 of something on the way
    │   ├── ForeignPage               foreign_page               a page that is not Azure DevOps'
    │   ├── Redirected                redirected                 to an address that is not its sign-in
    │   ├── DnsFailure                dns_failure
    │   ├── TlsFailure                tls_failure                not transient
    │   ├── ConnectionFailed          connection_failed
    │   │   └── ProxyFailed           proxy_failed
    │   │       └── ProxyRefused      proxy_refused              407, not transient
    │   ├── TimedOut                  timed_out
    │   └── ServerError               server_error
    │       └── Maintenance           maintenance                may say how long
    ├── ServerTooOld                  server_too_old             older than Azure DevOps Server 2019
    ├── AnswerTooLarge                answer_too_large
    ├── ListIncomplete                list_incomplete            more pages than may be read
    └── UnexpectedAnswer              unexpected_answer

`code` is stable and the key of the catalogue of words. `transient` says that the same call may succeed later. Which
answer means which error is the table in `classification`.
"""

from typing import ClassVar


class AzureDevOpsError(Exception):
    """Something went wrong between us and Azure DevOps.

    `detail` is a short text for the log and for staff. `said` is what Azure DevOps itself said, without addresses and
    secrets: it may name the person behind the token, so it is for whoever just tried to do something, and for no list,
    log or mail. `activity_id` is what Microsoft's support asks for. `retry_after` is in seconds, when the answer said
    it. `host` is who answered or, for a redirect, where it leads.
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
    """Azure DevOps knows no organization of this name; it says so before it looks at the token."""

    code = "organization_not_found"


class OrganizationUnavailable(AzureDevOpsError):
    """The organization is stopped. Waiting does not help."""

    code = "organization_unavailable"


class TokenRefused(AzureDevOpsError):
    """Azure DevOps does not accept the token and does not say why."""

    code = "token_refused"


class TokenExpired(TokenRefused):
    """Azure DevOps says that the token has expired, so it was once real."""

    code = "token_expired"


class SignInRequired(TokenRefused):
    """The answer was the sign-in page or the way to it."""

    code = "sign_in_required"


class Anonymous(TokenRefused):
    """Azure DevOps answered as if nobody had signed in, as it may where a project is public."""

    code = "anonymous"


class NotAMember(AzureDevOpsError):
    """The token is real, but its owner does not belong to the organization."""

    code = "not_a_member"


class BlockedByPolicy(AzureDevOpsError):
    """A policy of the organization refuses the token."""

    code = "blocked_by_policy"


class ConditionalAccess(BlockedByPolicy):
    """The conditional access policy refuses the call, usually for where it comes from."""

    code = "conditional_access"


class GlobalTokenBlocked(BlockedByPolicy):
    """The policy refuses tokens made for all accessible organizations."""

    code = "global_token_blocked"


class EmptyRefusal(AzureDevOpsError):
    """401 with an empty body: a missing scope or a dead token. Only `connectionData` decides which."""

    code = "scope_missing"


class InteractiveSignInNeeded(AzureDevOpsError):
    """The owner of the token has never signed in to the organization with a browser. The token itself is fine."""

    code = "interactive_sign_in_needed"


class AccessDenied(AzureDevOpsError):
    """403: the token may, the person may not."""

    code = "access_denied"


class NotFound(AzureDevOpsError):
    """It does not exist, or the person may not see it; Azure DevOps does not say which."""

    code = "not_found"


class ProjectNotFound(NotFound):
    """The same, of a project."""

    code = "project_not_found"


class NoSuchAddress(AzureDevOpsError):
    """Azure DevOps serves nothing at this path."""

    code = "no_such_address"


class Conflict(AzureDevOpsError):
    """Somebody else changed the same thing first."""

    code = "conflict"


class NameTaken(Conflict):
    """There is already something of this name."""

    code = "name_taken"


class Rejected(AzureDevOpsError):
    """Azure DevOps did not understand or accept the request."""

    code = "rejected"


class BranchProtected(Rejected):
    """A policy lets nobody push to the branch but by a pull request."""

    code = "branch_protected"


class BranchNotUpdated(Rejected):
    """A success that was none: the branch stayed as it was. `update_status` is Azure DevOps' word for why."""

    code = "branch_not_updated"

    def __init__(
        self, *, update_status: str, status: int | None = None, activity_id: str | None = None, said: str = ""
    ) -> None:
        super().__init__(detail=update_status, status=status, activity_id=activity_id, said=said)
        self.update_status = update_status


class BuildNotQueued(Rejected):
    """The pipeline cannot run like this. `problems` are Azure DevOps' own words for what is wrong."""

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
    """Too many calls. It can look like a refusal of the token, which it is not."""

    code = "throttled"
    transient = True


class Unreachable(AzureDevOpsError):
    """There was no answer that Azure DevOps itself gave."""

    code = "unreachable"
    transient = True


class GatewayRefused(Unreachable):
    """401 or 403 without any mark of Azure DevOps: a firewall or a gateway refused the call."""

    code = "gateway_refused"


class ForeignPage(Unreachable):
    """A page where data was asked for, and not Azure DevOps' own sign-in page."""

    code = "foreign_page"


class Redirected(Unreachable):
    """A redirect that does not lead to Azure DevOps' sign-in. `host` is where it leads."""

    code = "redirected"


class DnsFailure(Unreachable):
    """The host's name could not be looked up."""

    code = "dns_failure"


class TlsFailure(Unreachable):
    """The certificate could not be verified, or TLS failed otherwise. Waiting does not help."""

    code = "tls_failure"
    transient = False


class ConnectionFailed(Unreachable):
    """Refused, reset or cut off, by the server or something on the way."""

    code = "connection_failed"


class ProxyFailed(ConnectionFailed):
    """The proxy could not be reached, or would not connect us."""

    code = "proxy_failed"


class ProxyRefused(ProxyFailed):
    """407: the proxy wants a user name and a password, or others. Waiting does not help."""

    code = "proxy_refused"
    transient = False


class TimedOut(Unreachable):
    """The deadline passed before the answer was whole."""

    code = "timed_out"


class ServerError(Unreachable):
    """Azure DevOps answered with an error of its own (5xx)."""

    code = "server_error"


class Maintenance(ServerError):
    """Azure DevOps is down for maintenance. It says nothing about anybody's share of calls."""

    code = "maintenance"


class ServerTooOld(AzureDevOpsError):
    """The server speaks no version of the interface that we speak."""

    code = "server_too_old"


class AnswerTooLarge(AzureDevOpsError):
    """The answer is larger than we read."""

    code = "answer_too_large"


class ListIncomplete(AzureDevOpsError):
    """The list goes on beyond what may be read of it: so many pages, or so much time. Waiting does not help."""

    code = "list_incomplete"


class UnexpectedAnswer(AzureDevOpsError):
    """An answer that Azure DevOps is not known to give."""

    code = "unexpected_answer"


def _kinds_below(kind: type[AzureDevOpsError]) -> list[type[AzureDevOpsError]]:
    return [kind, *(deeper for direct in kind.__subclasses__() for deeper in _kinds_below(direct))]


# What may pass by itself.
TRANSIENT_CODES = frozenset(kind.code for kind in _kinds_below(AzureDevOpsError) if kind.transient)
# There was no answer that Azure DevOps is known to give, so nobody knows what became of the request.
NO_ANSWER = (Throttled, Unreachable, ServerTooOld, NoSuchAddress, AnswerTooLarge, UnexpectedAnswer)
NO_ANSWER_CODES = frozenset(deeper.code for kind in NO_ANSWER for deeper in _kinds_below(kind))
