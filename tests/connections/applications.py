"""Sample applications of the pretend Microsoft Entra, and connections that use them."""

from django.contrib.auth.models import User
from django.utils import timezone

from connections import clients
from connections.actions.connect import ConnectRequest, connect
from connections.actions.verify_credential import Credentials
from connections.models import Connection
from connections.providers.azure_devops.entra_credentials import EntraClientSecret
from connections.providers.azure_devops.identifiers import parse_organization
from history.record import Actor
from sandbox.entra.issuer import Issuer


def credential_of(entra: Issuer, name: str, secret: str = "") -> EntraClientSecret:
    """The credential of a sample application, with its first secret or another."""
    application = entra.directory.named(name)
    return EntraClientSecret.of(application.tenant, application.client_id, secret or application.secrets[0].value)


def connected(entra: Issuer, owner: User, *, name: str = "Ours", organization: str = "acme") -> Connection:
    """A connection by the application that may do everything."""
    server = clients.servers()[0]
    credentials = Credentials(server, parse_organization(organization, server), credential_of(entra, "full"))
    request = ConnectRequest(name, expires_on=None, token_reach="one", accept_limited=True)
    return connect(credentials, request, owner=owner, by=Actor(owner.username, owner.pk), now=timezone.now())
