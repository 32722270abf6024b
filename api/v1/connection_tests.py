"""Test a token before it is stored."""

from collections.abc import Iterable
from datetime import datetime
from http import HTTPStatus

from django.utils import timezone
from ninja import Router

from api.authentication import ApiRequest
from api.v1 import representations, schemas
from api.v1.access import Access
from api.v1.credentials import credential_in
from api.v1.responses import answers
from connections import clients
from connections.actions import enforce_policy
from connections.actions.refusal_causes import with_cause_of_new
from connections.actions.refusals import CannotConnect
from connections.actions.verify_credential import Credentials, verify
from connections.domain.problems import catalogue
from connections.domain.token_policy import Rule
from connections.providers.azure_devops.identifiers import InvalidOrganizationName, parse_organization
from connections.providers.azure_devops.input_errors import organization_error
from connections.providers.azure_devops.models import Server
from connections.providers.organization import ProjectRef

router = Router(tags=["Connections"])


@router.post(
    "/connections/test",
    auth=Access("connections.add_connection", all_connections=True),
    response=answers(HTTPStatus.OK, schemas.NewTestResult, has_body=True),
    summary="Test a token before connecting",
)
def test_token(request: ApiRequest, body: schemas.TestInput) -> schemas.NewTestResult:
    """Verify a token as Test Connection does. Nothing is stored. A rejected token is a result, not an error."""
    now = timezone.now()
    credentials = credentials_of(body, projects=body.projects or (), now=now)
    server, organization = credentials.server, credentials.organization.name
    report = with_cause_of_new(
        verify(credentials, now=now), place=server.place, token_reach=body.token_reach, today=timezone.localdate(now)
    )
    shown = representations.report(report, server=server.name, organization=organization)
    violations = [
        schemas.PolicyViolation(
            code=violation.code,
            title=catalogue.problem(violation.code).title,
            is_refused=violation.rule is Rule.REFUSE,
        )
        for violation in enforce_policy.reuse_violations(credentials.token)
    ]
    return schemas.NewTestResult(**shown.model_dump(), violations=violations)


def credentials_of(
    body: schemas.TestInput | schemas.ConnectionInput, projects: Iterable[str] = (), *, now: datetime
) -> Credentials:
    """The credential with its server and organization. Raises `CannotConnect` and what `credential_in` raises."""
    server = _server(body.server)
    others = [other for other in clients.servers() if other != server]
    try:
        organization = parse_organization(body.organization, server, others=others)
    except InvalidOrganizationName as wrong:
        raise CannotConnect(wrong.code, organization_error(wrong, server.place), field="organization") from None
    return Credentials(server, organization, credential_in(body, now=now), tuple(map(ProjectRef, projects)))


def _server(name: str | None) -> Server:
    if name is None:
        return clients.servers()[0]
    try:
        return clients.server(name)
    except clients.UnknownServer as gone:
        raise CannotConnect(gone.code, "No server of this name is configured here.", field="server") from None
