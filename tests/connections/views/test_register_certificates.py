"""A certificate is added to the register by its file, of which nothing else is kept."""

import io
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from connections.models import RegisterEntry
from connections.notifications.register_reminders import remind_due
from connections.register_certificates import NotACertificate, read_certificate
from tests.connections.applications import in_zone_of_another_day
from tests.connections.providers.azure_devops.authority import Authority
from tests.factories import make_person

pytestmark = pytest.mark.django_db
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
Form = serialization.PrivateFormat


@pytest.fixture
def maintainer(client: Client) -> Client:
    client.force_login(make_person("maya", "*", email="maya@example.com"))
    return client


class Files:
    """A certificate with its key, in each form."""

    def __init__(self, authority: Authority, days: int) -> None:
        self.both = Path(authority.server_file("shop.example.com", "www.example.com", days=days)).read_bytes()
        self.certificate = x509.load_pem_x509_certificate(self.both)
        key = serialization.load_pem_private_key(self.both, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self.key = key
        self.pem, self.der = self.certificate.public_bytes(PEM), self.certificate.public_bytes(DER)

    def key_as(self, encoding: serialization.Encoding, form: serialization.PrivateFormat) -> bytes:
        return self.key.private_bytes(encoding, form, serialization.NoEncryption())

    @property
    def pfx(self) -> bytes:
        secret = serialization.NoEncryption()
        return pkcs12.serialize_key_and_certificates(b"shop", self.key, self.certificate, None, secret)


@pytest.fixture
def files(authority: Authority) -> Files:
    return Files(authority, days=20)


def upload(client: Client, content: bytes) -> str:
    file = SimpleUploadedFile("shop.pem", content)
    return client.post(reverse("connections:add-certificate"), {"file": file}, follow=True).content.decode()


@pytest.mark.parametrize("form", ["pem", "der"])
def test_names_and_dates_are_read_and_the_entry_is_completed(maintainer: Client, files: Files, form: str) -> None:
    page = upload(maintainer, getattr(files, form))
    assert "The file was read and not kept" in page
    entry = RegisterEntry.objects.get()
    assert (entry.name, entry.kind) == ("shop.example.com", "certificate")
    assert entry.expires_on == files.certificate.not_valid_after_utc.date()
    assert entry.organization == "Loopback tests"
    assert "www.example.com" in entry.notes


def test_its_date_is_a_day_of_the_site(maintainer: Client, files: Files, settings: Settings) -> None:
    settings.TIME_ZONE, day = in_zone_of_another_day(files.pem)
    assert f"to {day:%-d %b %Y}" in upload(maintainer, files.pem)
    assert RegisterEntry.objects.get().expires_on == day


def test_a_chain_expires_when_its_first_certificate_does(files: Files, authority: Authority) -> None:
    shorter = Files(authority, days=5)
    facts = read_certificate(files.pem + shorter.pem)
    assert facts.chain == 2
    assert facts.soonest_on == shorter.certificate.not_valid_after_utc.date()
    assert facts.expires_on == files.certificate.not_valid_after_utc.date()


def test_a_private_key_is_refused_and_not_kept(maintainer: Client, files: Files) -> None:
    keys = [files.both, files.key_as(PEM, Form.PKCS8), files.key_as(DER, Form.PKCS8)]
    keys += [files.key_as(DER, Form.TraditionalOpenSSL), files.key_as(PEM, Form.OpenSSH)]
    for content in keys:
        page = upload(maintainer, content)
        assert "private key" in page
        assert "It was not kept" in page
    assert not RegisterEntry.objects.exists()


def test_a_pfx_is_refused_and_not_kept(maintainer: Client, files: Files) -> None:
    assert "This is a PFX file" in upload(maintainer, files.pfx)
    assert not RegisterEntry.objects.exists()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"nonsense", "certificate_invalid"),
        (b"\x30", "certificate_invalid"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate_invalid"),
        (b"\x30\x82" + bytes(100), "certificate_invalid"),
        (b"x" * 300_000, "certificate_too_large"),
    ],
    ids=["text", "one byte", "broken PEM", "broken DER", "too large"],
)
def test_what_is_no_certificate_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(NotACertificate) as refused:
        read_certificate(content)
    assert refused.value.code == code


def test_a_certificate_of_an_unknown_version_is_refused(files: Files) -> None:
    version_3, version_6 = bytes.fromhex("a003020102"), bytes.fromhex("a003020105")
    with pytest.raises(NotACertificate):
        read_certificate(files.der.replace(version_3, version_6))


def test_a_certificate_with_an_extension_twice_is_refused() -> None:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    names = [x509.DNSName("shop.example.com")]
    built = (
        x509.CertificateBuilder(
            name, name, key.public_key(), 1, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
        )
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.IssuerAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    of_issuer, of_subject = bytes.fromhex("0603551d12"), bytes.fromhex("0603551d11")
    with pytest.raises(NotACertificate):
        read_certificate(built.public_bytes(DER).replace(of_issuer, of_subject))


def test_a_certificate_that_expires_is_reminded_of(maintainer: Client, authority: Authority) -> None:
    upload(maintainer, Files(authority, days=90).pem)
    day = RegisterEntry.objects.get().expires_on
    assert day
    assert remind_due(now=datetime.combine(day, time(12), UTC) - timedelta(days=7)) == 1


def given(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_the_command_adds_a_certificate(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    make_person("maya", "*")
    given(files.der, monkeypatch)
    out = io.StringIO()
    call_command("connections", "register-certificate", "--owner", "maya", "--name", "Shop", stdout=out)
    assert "Added Shop" in out.getvalue()
    given(files.pfx, monkeypatch)
    with pytest.raises(CommandError, match="PFX"):
        call_command("connections", "register-certificate", "--owner", "maya")


def test_the_command_imports_a_file_and_lists_the_register(monkeypatch: pytest.MonkeyPatch) -> None:
    make_person("maya", "*")
    content = f"name;kind;expires_on\nKey;pat;{datetime.now(UTC).date()}\nBad;nonsense;\n".encode()
    out = io.StringIO()
    for more, words in ((["--dry-run"], "1 to add"), ([], "1 added")):
        given(content, monkeypatch)
        with pytest.raises(SystemExit) as ended:
            call_command("connections", "import-register", "--owner", "maya", *more, stdout=out)
        assert ended.value.code == 3
        assert words in out.getvalue()
    assert "Line 3, kind: This is no kind." in out.getvalue()
    call_command("connections", "register", stdout=out)
    assert "Key  pat" in out.getvalue()
