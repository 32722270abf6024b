"""Certificates of applications: what is read from a file, what is refused, and what the issuer accepts."""

import base64
import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from connections import clients
from connections.issuers import signer_for
from connections.providers.azure_devops.entra_certificates import EntraCertificate
from connections.providers.azure_devops.entra_issuer import Issuer as OurIssuer
from connections.providers.azure_devops.entra_issuer import authority
from connections.providers.azure_devops.key_files import CERTIFICATE_ERRORS, InvalidCertificate, _require_few_rounds
from connections.providers.credential import NEVER
from sandbox.entra.issuer import Issuer
from tests.connections.providers.azure_devops.issuer import CLIENT, TENANT

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
PEM, PLAIN = serialization.Encoding.PEM, serialization.NoEncryption()
PKCS8 = serialization.PrivateFormat.PKCS8
KEY = rsa.generate_private_key(65537, 2048)


def certificate(key: Any = KEY, *, days: int = 100, from_days: int = -200, name: str = "Ours") -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    start = NOW + timedelta(days=min(from_days, days - 1))
    return builder.not_valid_before(start).not_valid_after(NOW + timedelta(days=days)).sign(key, hashes.SHA256())


def until(ends_at: datetime) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Ours")])
    builder = x509.CertificateBuilder(subject, subject, KEY.public_key(), x509.random_serial_number())
    return builder.not_valid_before(NOW - timedelta(days=9)).not_valid_after(ends_at).sign(KEY, hashes.SHA256())


def pem(key: Any = KEY, *certificates: x509.Certificate, password: str = "") -> bytes:
    locked = serialization.BestAvailableEncryption(password.encode()) if password else PLAIN
    chain = [certificate.public_bytes(PEM) for certificate in certificates]
    return b"".join([*chain, key.private_bytes(PEM, PKCS8, locked)])


def pfx(password: str, *chain: x509.Certificate) -> bytes:
    locked = serialization.BestAvailableEncryption(password.encode())
    return pkcs12.serialize_key_and_certificates(b"x", KEY, OWN, list(chain) or None, locked)


def read(content: bytes, password: str = "") -> EntraCertificate:
    return EntraCertificate.of(TENANT, CLIENT, content, password, now=NOW)


OWN = certificate()
OTHER_KEY = rsa.generate_private_key(65537, 2048)
ABOVE = certificate(OTHER_KEY, name="Above")
GOOD = {
    "PEM": (pem(KEY, OWN), ""),
    "PEM with a password": (pem(KEY, OWN, password="sesame"), "sesame"),
    "PEM with a password that it does not need": (pem(KEY, OWN), "sesame"),
    "chain, own certificate last": (pem(KEY, ABOVE, OWN), ""),
    "PFX": (pfx("sesame"), "sesame"),
    "PFX with a chain": (pfx("sesame", ABOVE), "sesame"),
}


@pytest.mark.parametrize("name", GOOD)
def test_the_certificate_of_the_key_is_found(name: str) -> None:
    found = read(*GOOD[name])
    assert found.expires_on(date(2020, 1, 1)) == date(2027, 3, 9)
    der = OWN.public_bytes(serialization.Encoding.DER)
    sha1, sha256 = hashlib.sha1(der, usedforsecurity=False), hashlib.sha256(der)
    thumbprints = {"sha1": sha1.hexdigest().upper(), "sha256": sha256.hexdigest().upper()}
    assert found.facts() == {"subject": "CN=Ours", **thumbprints}
    assert EntraCertificate(found.reveal()) == found


EC_KEY = ec.generate_private_key(ec.SECP256R1())
BAD = {
    "nothing": (b" ", "", "empty"),
    "too much": (b"x" * 100_000, "", "too_long"),
    "something else": (b"hello", "", "not_a_certificate"),
    "a broken PEM": (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "", "not_a_certificate"),
    "a broken PFX": (b"\x30\x82nothing", "", "password_needed"),
    "no key": (OWN.public_bytes(PEM), "", "no_key"),
    "no certificate": (pem(KEY), "", "no_certificate"),
    "someone else's key": (pem(OTHER_KEY, OWN), "", "mismatch"),
    "an EC key": (pem(EC_KEY, certificate(EC_KEY)), "", "not_rsa"),
    "an expired certificate": (pem(KEY, certificate(days=-1)), "", "expired"),
    "a certificate of next year": (pem(KEY, certificate(from_days=100)), "", "not_yet_valid"),
    "a missing password": (pem(KEY, OWN, password="sesame"), "", "password_needed"),
    "a wrong password": (pem(KEY, OWN, password="sesame"), "open", "wrong_password"),
    "a PFX without its password": (pfx("sesame"), "", "password_needed"),
    "a PFX with a wrong password": (pfx("sesame"), "open", "wrong_password"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_refused_with_a_reason(name: str) -> None:
    content, password, code = BAD[name]
    with pytest.raises(InvalidCertificate) as refused:
        read(content, password)
    assert refused.value.code == code
    assert code in CERTIFICATE_ERRORS


def test_a_certificate_of_a_version_that_does_not_exist_is_refused() -> None:
    der = OWN.public_bytes(serialization.Encoding.DER)
    version = b"\xa0\x03\x02\x01"
    assert der.count(version + b"\x02") == 1
    odd = base64.encodebytes(der.replace(version + b"\x02", version + b"\x07")).decode()
    content = pem(KEY) + f"-----BEGIN CERTIFICATE-----\n{odd}-----END CERTIFICATE-----\n".encode()
    with pytest.raises(InvalidCertificate, match="not_a_certificate"):
        read(content)


def test_a_chain_with_a_key_that_cannot_be_read_is_refused() -> None:
    der = ABOVE.public_bytes(serialization.Encoding.DER)
    rsa_id = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
    assert der.count(rsa_id) == 1
    odd = base64.encodebytes(der.replace(rsa_id, rsa_id[:-1] + b"\x7f")).decode()
    content = f"-----BEGIN CERTIFICATE-----\n{odd}-----END CERTIFICATE-----\n".encode() + pem(KEY, OWN)
    with pytest.raises(InvalidCertificate, match="unsupported"):
        read(content)


def test_random_content_is_not_taken_for_many_rounds() -> None:
    # As much as in a thousand key files.
    _require_few_rounds(hashlib.shake_256(b"any").digest(2_000_000))


def rounds_of(content: bytes, rounds: int) -> bytes:
    """A PFX file that asks for other rounds, which is found out before they are begun."""
    written = b"\x02\x02\x4e\x20"
    assert written in content
    return content.replace(written, b"\x02\x04" + rounds.to_bytes(4))


def test_a_file_that_would_take_hours_to_open_is_not_opened() -> None:
    with pytest.raises(InvalidCertificate, match="unsupported"):
        read(rounds_of(pfx("sesame"), 2**31 - 1), "sesame")


def test_a_later_certificate_for_the_same_key_is_recognized_by_it() -> None:
    assert read(pem(KEY, OWN)).recognized_by() == read(pem(KEY, certificate(days=300))).recognized_by()
    assert read(pem(KEY, OWN)).recognized_by() != read(pem(OTHER_KEY, ABOVE)).recognized_by()


def test_no_representation_shows_the_key() -> None:
    found = read(*GOOD["PEM"])
    body = found.secrets()[1]
    assert len(body) > 1000
    assert body[:40] not in f"{found!r}{found}"


def test_an_assertion_names_the_certificate_and_lasts_minutes() -> None:
    found = read(*GOOD["PEM"])
    sent = found.proof("https://login.example.com/token")
    header, claims = (
        json.loads(base64.urlsafe_b64decode(part + "==")) for part in sent["client_assertion"].split(".")[:2]
    )
    digest = base64.urlsafe_b64encode(OWN.fingerprint(hashes.SHA256())).rstrip(b"=").decode()
    assert header == {"alg": "PS256", "typ": "JWT", "x5t#S256": digest}
    assert (claims["aud"], claims["iss"], claims["sub"]) == ("https://login.example.com/token", CLIENT, CLIENT)
    assert claims["exp"] - claims["nbf"] == 300


def test_the_issuer_accepts_the_certificate(entra: Issuer) -> None:
    application = entra.directory.named("full")
    content = entra.certificate_file("full").read_bytes()
    found = EntraCertificate.of(application.tenant, application.client_id, content, None, now=datetime.now(UTC))
    issuer = OurIssuer(authority(entra.url, ca_bundle=str(entra.ca_file), on_this_machine=True))
    assert issuer.fetch(found).lasts > 0


def test_a_signer_uses_it(entra: Issuer) -> None:
    application = entra.directory.named("full")
    content = entra.certificate_file("full").read_bytes()
    found = EntraCertificate.of(application.tenant, application.client_id, content, None, now=datetime.now(UTC))
    assert signer_for(clients.servers()[0], found).prepare()


@pytest.mark.parametrize(
    ("zone", "day"), [("UTC", "2026-12-10"), ("America/New_York", "2026-12-09"), ("Europe/Berlin", "2026-12-10")]
)
def test_it_ends_on_a_day_of_the_time_zone_that_is_asked_for(zone: str, day: str) -> None:
    ends_at = datetime(2026, 12, 10, 0, 30, tzinfo=UTC)
    found = EntraCertificate.of(TENANT, CLIENT, pem(KEY, until(ends_at)), "", now=NOW.astimezone(ZoneInfo(zone)))
    assert found.expires_on(None) == date.fromisoformat(day)


def test_one_that_never_expires_is_read_east_of_utc() -> None:
    """https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5"""
    never = pem(KEY, until(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)))
    found = EntraCertificate.of(TENANT, CLIENT, never, "", now=NOW.astimezone(ZoneInfo("Europe/Berlin")))
    assert found.expires_on(None) == NEVER
