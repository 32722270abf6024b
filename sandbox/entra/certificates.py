"""Certificates in PEM, each with its private key: of servers that an authority signs for, and self-signed ones."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

# Clocks in tests may be behind.
_EARLIER = timedelta(days=365)
_PEM = serialization.Encoding.PEM
_SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


class CertificateAuthority:
    """An authority whose key is in memory only. Clients that trust `pem` trust the servers that it signs for."""

    def __init__(self, name: str, *, days: float) -> None:
        self._key, self._name = ec.generate_private_key(ec.SECP256R1()), _named(name)
        builder = _builder(self._name, self._name, self._key.public_key(), days)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_SIGNS_CERTIFICATES, critical=True)
        self.pem = builder.sign(self._key, hashes.SHA256()).public_bytes(_PEM)

    def server(self, *names: str, days: float) -> bytes:
        """A certificate for host names and addresses, with its key. It has expired if `days` is negative."""
        key = ec.generate_private_key(ec.SECP256R1())
        issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        alternatives = x509.SubjectAlternativeName([_general(name) for name in names])
        builder = _builder(_named(names[0]), self._name, key.public_key(), days)
        builder = builder.add_extension(alternatives, critical=False).add_extension(issued_by, critical=False)
        return _with_key(builder.sign(self._key, hashes.SHA256()), key)


def self_signed(name: str, *, days: float) -> bytes:
    """An RSA certificate that signs itself, with its key. It has expired if `days` is negative."""
    key, subject = rsa.generate_private_key(65537, 2048), _named(name)
    return _with_key(_builder(subject, subject, key.public_key(), days).sign(key, hashes.SHA256()), key)


def _builder(subject: x509.Name, issuer: x509.Name, key: PublicKey, days: float) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    expires_at = now + timedelta(days=days)
    return (
        x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
        .not_valid_before(min(now, expires_at) - _EARLIER)
        .not_valid_after(expires_at)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _with_key(certificate: x509.Certificate, key: PrivateKey) -> bytes:
    secret = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(_PEM) + secret
