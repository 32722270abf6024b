"""Sample applications of the pretend Microsoft Entra, and connections that use them."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from django.contrib.auth.models import User
from django.utils import timezone

from connections import clients
from connections.actions.connect import ConnectRequest, connect
from connections.actions.verify_credential import Credentials
from connections.models import Connection
from connections.providers.azure_devops.entra_certificates import EntraCertificate
from connections.providers.azure_devops.entra_credentials import EntraClientSecret, EntraCredential
from connections.providers.azure_devops.identifiers import parse_organization
from history.record import Actor
from sandbox.entra.certificates import self_signed
from sandbox.entra.issuer import Issuer


def credential_of(entra: Issuer, name: str, secret: str = "") -> EntraClientSecret:
    """The credential of a sample application, with its first secret or another."""
    application = entra.directory.named(name)
    return EntraClientSecret.of(application.tenant, application.client_id, secret or application.secrets[0].value)


def fields_of(entra: Issuer, sample: str = "full", **other: Any) -> dict[str, Any]:
    """What a person enters about a sample application with its client secret, and other fields."""
    application = entra.directory.named(sample)
    return {
        "authentication": "entra_client_secret",
        "tenant": application.tenant,
        "client": application.client_id,
        "client_secret": application.secrets[0].value,
        "organization": "acme",
        "name": "By application",
        "expires": "90",
        "token": "",
        **other,
    }


def certificate_in(content: bytes) -> x509.Certificate:
    """The certificate in a PEM file."""
    return x509.load_pem_x509_certificate(content)


def in_zone_of_another_day(content: bytes) -> tuple[str, date]:
    """A time zone in which the certificate ends on another day than in UTC, and that day."""
    ends_at = certificate_in(content).not_valid_after_utc
    zone = "Etc/GMT+12" if ends_at.hour < 12 else "Etc/GMT-14"
    return zone, ends_at.astimezone(ZoneInfo(zone)).date()


def as_pfx(content: bytes, password: str) -> bytes:
    """The certificate and key of a PEM file as a PFX file."""
    key = serialization.load_pem_private_key(content, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    locked = serialization.BestAvailableEncryption(password.encode())
    return pkcs12.serialize_key_and_certificates(b"ours", key, certificate_in(content), None, locked)


def with_password(content: bytes, password: str) -> bytes:
    """The same PEM file, its key encrypted."""
    key, pem = serialization.load_pem_private_key(content, None), serialization.Encoding.PEM
    locked = serialization.BestAvailableEncryption(password.encode())
    kept = certificate_in(content).public_bytes(pem)
    return kept + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, locked)


def only_another_is_registered(entra: Issuer) -> None:
    """The certificate of the sample application was removed from it."""
    entra.directory.named("full").certificates[:] = [certificate_in(self_signed("Another", days=300))]


def certificate_of(entra: Issuer, name: str = "full", content: bytes = b"") -> EntraCertificate:
    """The certificate of a sample application, or another one for it."""
    application, content = entra.directory.named(name), content or entra.certificate_file(name).read_bytes()
    return EntraCertificate.of(application.tenant, application.client_id, content, None, now=datetime.now(UTC))


def connected(
    entra: Issuer,
    owner: User,
    *,
    name: str = "Ours",
    organization: str = "acme",
    credential: EntraCredential | None = None,
) -> Connection:
    """A connection by the application that may do everything, with its client secret or another credential."""
    server = clients.servers()[0]
    credential = credential or credential_of(entra, "full")
    credentials = Credentials(server, parse_organization(organization, server), credential)
    request = ConnectRequest(name, expires_on=None, token_reach="one", accept_limited=True)
    return connect(credentials, request, owner=owner, by=Actor(owner.username, owner.pk), now=timezone.now())
