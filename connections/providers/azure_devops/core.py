"""The owner of the token, and the projects of an organization."""

import re
from collections.abc import Iterator

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.classification import classify
from connections.providers.azure_devops.models import ConnectionData, Page, Project
from connections.providers.azure_devops.paging import every_page
from connections.providers.azure_devops.parsing import instant, optional_text, read_page, text_of
from connections.providers.azure_devops.responses import ANONYMOUS_ID, Response
from connections.providers.azure_devops.transport import Transport, successful
from connections.providers.organization import Identity

_PRINCIPAL = re.compile(
    r"Microsoft\.VisualStudio\.Services\.Claims\.AadServicePrincipal;[0-9A-Fa-f-]{36}\\([0-9A-Fa-f-]{36})"
)


def ask_connection_data(transport: Transport) -> Response:
    """Request the token's owner. Returns the answer with any status."""
    # Not in the published specifications; Microsoft's command-line tool uses this preview version.
    # https://learn.microsoft.com/azure/devops/cli/log-in-via-pat
    return transport.ask("GET", ("_apis", "connectionData"), api_version="7.1-preview")


def connection_data(transport: Transport) -> ConnectionData:
    """The token's owner, and the organization's id. Raises `TokenRefused` for an invalid token."""
    return read_connection_data(ask_connection_data(transport))


def read_connection_data(answer: Response) -> ConnectionData:
    """Read the answer of `ask_connection_data`. Raises `TokenRefused` or another `AzureDevOpsError`."""
    try:
        body = successful(answer).json_object()
    except errors.EmptyRefusal as refusal:
        # This call needs no scope, so an empty 401 means an invalid token.
        kind = errors.PrincipalRefused if answer.by_principal else errors.TokenRefused
        raise kind(detail=refusal.detail, status=refusal.status, activity_id=refusal.activity_id) from None
    user = body.get("authenticatedUser")
    if not isinstance(user, dict):
        raise errors.UnexpectedAnswer(detail="no authenticatedUser", activity_id=answer.activity_id)
    identity = read_identity(user)
    if identity.id.lower() == ANONYMOUS_ID:
        anonymous = errors.PrincipalRefused if answer.by_principal else errors.Anonymous
        raise anonymous(status=answer.status, activity_id=answer.activity_id)
    return ConnectionData(identity, text_of(body, "instanceId"), optional_text(body, "deploymentType"))


def tenant_of(transport: Transport) -> str | None:
    """The id of the tenant that the organization belongs to, read without a credential.

    None for an organization of Microsoft accounts. Raises `OrganizationNotFound` or another `AzureDevOpsError`.
    """
    # Only a header matters, so no credential is needed.
    # https://learn.microsoft.com/azure/devops/organizations/accounts/access-with-azure-ad
    answer = transport.ask("GET", ("_apis", "projects"), query={"$top": "1"}, is_signed=False)
    error = classify(answer)
    if error is not None and not isinstance(error, (errors.TokenRefused, errors.EmptyRefusal)):
        raise error
    return answer.resource_tenant


def require_tenant(transport: Transport, tenant: str) -> None:
    """Raise `PrincipalOfAnotherTenant` or `OrganizationWithoutTenant` unless the organization belongs to the tenant."""
    owning = tenant_of(transport)
    if owning is None:
        raise errors.OrganizationWithoutTenant
    if owning != tenant.lower():
        raise errors.PrincipalOfAnotherTenant


def read_identity(user: dict[str, object]) -> Identity:
    """Read a person of `connectionData`. `customDisplayName` may be absent."""
    name = optional_text(user, "customDisplayName") or optional_text(user, "providerDisplayName")
    return Identity(
        id=text_of(user, "id"),
        display_name=name or "Unnamed",
        account=optional_text(user, "properties", "Account", "$value") or _object_id(user),
        descriptor=optional_text(user, "subjectDescriptor"),
    )


def _object_id(user: dict[str, object]) -> str | None:
    """The object id of an application, which has no mail address; None for people."""
    match = _PRINCIPAL.fullmatch(optional_text(user, "descriptor") or "")
    return match.group(1).lower() if match else None


def has_repositories(transport: Transport, project_id: str) -> bool:
    """Whether any Git repository of the project is visible."""
    # https://learn.microsoft.com/rest/api/azure/devops/git/repositories/list
    return bool(transport.get((project_id, "_apis", "git", "repositories")).json_items())


def projects_page(
    transport: Transport, *, continuation: str | None = None, top: int = 500, state: str = "wellFormed"
) -> Page[Project]:
    """One page of the projects in this state that the token's owner can see."""
    query = {"$top": str(top), "stateFilter": state, "continuationToken": continuation}
    # https://learn.microsoft.com/rest/api/azure/devops/core/projects/list
    answer = transport.get(("_apis", "projects"), query=query)
    return read_page(answer, read_project)


def projects(
    transport: Transport,
    *,
    state: str = "wellFormed",
    page_size: int = 500,
    after: str | None = None,
    seconds: float | None = None,
) -> Iterator[Page[Project]]:
    """Every page of projects, within `seconds`. A short page is not necessarily the last."""

    def ask(continuation: str | None) -> Page[Project]:
        return projects_page(transport, continuation=continuation, top=page_size, state=state)

    limit = transport.limits.list_seconds
    return every_page(ask, after=after, seconds=limit if seconds is None else min(seconds, limit))


def project(transport: Transport, name_or_id: str) -> Project:
    """One project by name or id. Raises `NotFound` if it does not exist or is not visible."""
    # https://learn.microsoft.com/rest/api/azure/devops/core/projects/get
    return read_project(transport.get(("_apis", "projects", name_or_id)).json_object())


def read_project(item: dict[str, object]) -> Project:
    """Read a project."""
    return Project(
        id=text_of(item, "id"),
        name=text_of(item, "name"),
        state=optional_text(item, "state") or "unchanged",
        visibility=optional_text(item, "visibility"),
        description=optional_text(item, "description"),
        last_updated_at=instant(item, "lastUpdateTime"),
    )
