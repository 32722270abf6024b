"""Read the credential in a body: a personal access token, an application of Microsoft Entra, or one of this server."""

from datetime import datetime

from django.utils import timezone
from pydantic import SecretStr

from api.v1 import input_schemas, schemas
from connections.actions.refusals import CannotConnect
from connections.domain.problems import catalogue
from connections.issuers import identity_named
from connections.providers.azure_devops.entra_credentials import EntraCredential
from connections.providers.azure_devops.entra_input import ApplicationInput, certificate_in_text, read_application
from connections.providers.azure_devops.identifiers import read_token
from connections.providers.credential import Credential
from core.secrets import Secret

Body = schemas.ConnectionInput | schemas.TestInput | schemas.TokenInput


def credential_in(body: Body, *, now: datetime) -> Credential:
    """The credential of a body. Raises `InvalidToken`, `InvalidEntraInput`, and `CannotConnect` if there is not one."""
    identity = None if isinstance(body, schemas.TokenInput) else body.identity
    if sum(entered is not None for entered in (body.token, body.application, identity)) != 1:
        message = "Enter either a token, an application or an identity of this server."
        raise CannotConnect("input_invalid", message, field="token")
    if identity is not None:
        return _of_server(identity)
    if body.application is not None:
        return _of_application(body.application, now=now)
    return read_token(body.token.get_secret_value() if body.token else "")


def _of_server(identity: input_schemas.ServerIdentity) -> EntraCredential:
    credential = identity_named(identity)
    if credential is None:
        problem = catalogue.problem("identity_not_offered")
        raise CannotConnect(problem.code, problem.full, field="identity")
    return credential


def _of_application(body: input_schemas.ApplicationInput, *, now: datetime) -> EntraCredential:
    entered = ApplicationInput(
        tenant=body.tenant,
        client=body.client,
        client_secret=_secret(body.client_secret),
        certificate=certificate_in_text(body.certificate.get_secret_value()) if body.certificate else None,
        certificate_password=_secret(body.certificate_password),
    )
    return read_application(entered, now=timezone.localtime(now))


def _secret(text: SecretStr | None) -> Secret | None:
    return Secret(text.get_secret_value()) if text is not None else None
