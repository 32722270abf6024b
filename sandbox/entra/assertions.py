"""Assertions with which applications prove who they are: signed with a certificate, or by another issuer.

https://learn.microsoft.com/entra/identity-platform/certificate-credentials
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate

from sandbox.entra.directory import Application
from sandbox.entra.refusals import TokenRefused
from sandbox.entra.tokens import SignedToken, decoded

# How a header names a certificate.
_THUMBPRINTS = {"x5t#S256": "sha256", "x5t": "sha1"}
# How far the clocks of a client and of the issuer may be apart.
_SKEW = timedelta(minutes=5)


def read_assertion(text: str) -> SignedToken:
    """Take an assertion apart. Raises `TokenRefused`."""
    try:
        return SignedToken.read(text)
    except (ValueError, TypeError, RecursionError):
        raise TokenRefused(50027) from None


def verify_certificate(application: Application, token: SignedToken, audiences: set[str], now: datetime) -> None:
    """Verify an assertion that is signed with a certificate of the application. Raises `TokenRefused`."""
    certificate = _certificate(application, token, now)
    if not token.is_signed_by(certificate.public_key()):
        raise TokenRefused(50012)
    if token.claims.get("sub") != token.claims.get("iss"):
        raise TokenRefused(50027)
    if token.claims.get("aud") not in audiences:
        raise TokenRefused(700023)
    require_in_time(token, now)


def _certificate(application: Application, token: SignedToken, now: datetime) -> Certificate:
    """The registered certificate that the header names. Raises `TokenRefused`."""
    name = next((name for name in _THUMBPRINTS if name in token.header), "")
    named = _decoded(token.header[name]) if name else b""
    shown = named.hex().upper()
    registered = application.certificates if name else []
    certificate = next((certificate for certificate in registered if _thumbprint(certificate, name) == named), None)
    if certificate is None:
        raise TokenRefused(700027, reason="The key was not found.", thumbprint=shown, found="")
    starts, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not starts - _SKEW <= now <= ends:
        found = f", Found key 'Start={_american(starts)}, End={_american(ends)}'"
        raise TokenRefused(700027, reason="The key used is expired.", thumbprint=shown, found=found)
    return certificate


def _thumbprint(certificate: Certificate, name: str) -> bytes:
    return hashlib.new(_THUMBPRINTS[name], certificate.public_bytes(Encoding.DER), usedforsecurity=False).digest()


def _decoded(thumbprint: Any) -> bytes:
    try:
        return decoded(str(thumbprint))
    except ValueError:
        raise TokenRefused(50027) from None


def _american(moment: datetime) -> str:
    return moment.strftime("%m/%d/%Y %H:%M:%S")


def require_in_time(token: SignedToken, now: datetime) -> None:
    """Require that an assertion is in its time. `nbf` and `iat` may be missing. Raises `TokenRefused`."""
    try:
        ends = datetime.fromtimestamp(float(token.claims["exp"]), UTC)
        starts = datetime.fromtimestamp(float(token.claims.get("nbf", 0)), UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        raise TokenRefused(50027) from None
    if ends <= now - _SKEW or starts > now + _SKEW:
        times = {"now": now, "starts": starts, "ends": ends}
        written = {name: moment.isoformat().replace("+00:00", "Z") for name, moment in times.items()}
        raise TokenRefused(700024, **written)


def verify_federated(application: Application, token: SignedToken, key: Any, now: datetime) -> None:
    """Verify an assertion of another issuer, whose public key is `key`. Raises `TokenRefused`."""
    issuer, subject, audience = (str(token.claims.get(name, "")) for name in ("iss", "sub", "aud"))
    accepted = application.federated
    if not accepted:
        raise TokenRefused(70025, client=application.client_id, name=application.display_name)
    by_issuer = [credential for credential in accepted if credential.issuer == issuer]
    by_subject = [credential for credential in by_issuer if credential.subject == subject]
    presented = {"issuer": issuer, "subject": subject, "audience": audience}
    if not by_issuer:
        raise TokenRefused(700211, **presented)
    if not by_subject:
        raise TokenRefused(700213, **presented)
    if not any(credential.audience == audience for credential in by_subject):
        raise TokenRefused(700212, **presented)
    if token.header["alg"] != "RS256" or key is None or not token.is_signed_by(key):
        raise TokenRefused(50013)
    require_in_time(token, now)
