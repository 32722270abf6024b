"""What operators set: every variable is documented, weak ones are refused in words."""

import base64
import re
import secrets

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from orchestrator import mail_settings
from tests.loaded_settings import ROOT, names_read


def key(length: int = 32) -> str:
    return base64.b64encode(secrets.token_bytes(length)).decode()


def problems() -> list[str]:
    return [message.msg for message in run_checks(tags=["security"]) if str(message.id).startswith("orchestrator.")]


def test_every_variable_is_documented() -> None:
    documented = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE))
    assert documented == names_read()


def test_every_variable_stands_in_the_example_file() -> None:
    listed = set(re.findall(r"^# ([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert listed == names_read()


def test_fresh_keys_pass(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [key(), key()]
    settings.TOKEN_FINGERPRINT_KEY = key()
    settings.EVENT_SEAL_KEYS = [key(), key()]
    assert problems() == []


# Fixed values: every test process must collect the same names.
SHORT = base64.b64encode(bytes(range(16))).decode()
REPEATED = base64.b64encode(b"a" * 40).decode()


@pytest.mark.parametrize("weak", ["password", SHORT, REPEATED, "not base64 at all!"])
def test_a_weak_key_is_refused_by_its_place_and_not_shown(settings: Settings, weak: str) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [key(), weak]
    assert problems() == ["Key 2 of FIELD_ENCRYPTION_KEYS is not base64 of at least 32 random bytes."]


def test_a_weak_fingerprint_key_is_refused(settings: Settings) -> None:
    settings.TOKEN_FINGERPRINT_KEY = key(8)
    assert problems() == ["TOKEN_FINGERPRINT_KEY is not base64 of at least 32 random bytes."]


def test_missing_keys_are_named(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = []
    settings.TOKEN_FINGERPRINT_KEY = ""
    settings.EVENT_SEAL_KEYS = []
    empty = ["FIELD_ENCRYPTION_KEYS is empty.", "TOKEN_FINGERPRINT_KEY is not set.", "EVENT_SEAL_KEYS is empty."]
    assert problems() == empty


def test_a_weak_seal_key_is_refused(settings: Settings) -> None:
    settings.EVENT_SEAL_KEYS = [key(8)]
    assert problems() == ["Key 1 of EVENT_SEAL_KEYS is not base64 of at least 32 random bytes."]


@pytest.mark.parametrize(
    ("servers", "said"),
    [
        ("dev.azure.com", "does not have the form"),
        ("Own=http://devops.example.com", "plain HTTP"),
        ("", "lists no server"),
        ("A=https://a.example.com,a=https://b.example.com", "two servers with the same name"),
    ],
)
def test_unusable_servers_are_refused_in_words(settings: Settings, servers: str, said: str) -> None:
    settings.AZURE_DEVOPS_SERVERS = servers
    assert [said in problem for problem in problems()] == [True]


def test_a_mail_may_not_take_longer_than_its_lease(settings: Settings) -> None:
    settings.EMAIL_DEADLINE = settings.MAIL_LEASE_SECONDS
    assert problems() == ["EMAIL_DEADLINE must be shorter than MAIL_LEASE_SECONDS."]


SENDERS = {
    "Contoso, MFE Orchestrator <mfe@example.com>": False,
    '"Contoso, MFE Orchestrator" <mfe@example.com>': True,
    "mfe@example.com, team@example.com": False,
    "Contoso; MFE <mfe@example.com>": False,
    "Contoso: MFE <mfe@example.com>": False,
    "Team: mfe@example.com;": False,
    "MFE <mfe@example.com": False,
    "MFE Orchestrator": False,
    "MFE <>": False,
    "": False,
    "mfe@example.com\nBcc: team@example.com": False,
    "mfé@example.com": False,
    "mfe@example.com": True,
    "Contoso Ltd. (MFE) <mfe@example.com>": True,
    "Zoë & Söhne <o'brien@contoso.example>": True,
    "MFE Orchestrator <orchestrator@localhost>": True,
}


@pytest.mark.parametrize(("sender", "is_usable"), SENDERS.items())
def test_a_sender_is_one_address_with_a_comma_in_quotes_alone(settings: Settings, sender: str, is_usable: bool) -> None:
    settings.DEFAULT_FROM_EMAIL = sender
    assert ["DEFAULT_FROM_EMAIL" in problem for problem in problems()] == ([] if is_usable else [True])


TLS = ("EMAIL_USE_TLS", "EMAIL_USE_SSL")


@pytest.mark.parametrize(
    ("url", "starttls", "from_the_first_byte"),
    [
        ("smtps://user:p%40ss@mail.example.com:465", False, True),
        ("SMTPS://mail.example.com", False, True),
        ("smtp+ssl://mail.example.com:465", False, True),
        ("smtp+tls://mail.example.com:587", True, False),
        ("smtp://mail.example.com:25", False, False),
    ],
)
def test_the_address_of_the_mail_server_says_how_tls_begins(
    url: str, starttls: bool, from_the_first_byte: bool
) -> None:
    found = mail_settings.read(url)
    assert found["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend"
    assert tuple(found.get(name, False) for name in TLS) == (starttls, from_the_first_byte)
    assert found["EMAIL_HOST"] == "mail.example.com"


@pytest.mark.parametrize(
    ("written", "password"),
    [("p%40s%3As%2Fw%3Fo%23r%20d%25$", "p@s:s/w?o#r d%$"), ("12#34", "12#34"), ("$sesame", "$sesame")],
)
def test_the_password_of_the_mail_server_may_have_any_letter(written: str, password: str) -> None:
    found = mail_settings.read(f"smtp+tls://us%40er:{written}@mail.example.com:587")
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("us@er", password)
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == ("mail.example.com", 587)


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com",
        "smtp+tls//mail.example.com",
        "smtp://user:sesame/word@mail.example.com:25",
        "smtps://user:sesame@",
        "smtp+starttls://user:sesame@mail.example.com",
        "smtps://user:sesame@[mail.example.com",
        "smtps://user:12?sesame@mail.example.com",
        "smtps://user:12/sesame@mail.example.com:465",
    ],
)
def test_an_address_that_is_none_of_a_mail_server_is_refused_in_words_without_the_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        mail_settings.read(url)
    assert "smtps://" in str(refused.value)
    assert "sesame" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_without_an_address_mails_go_to_a_folder(settings: Settings) -> None:
    assert mail_settings.read("") == {"EMAIL_BACKEND": "connections.notifications.mail_folder.FolderBackend"}
    assert (
        mail_settings.read("filemail:///srv/mail")["EMAIL_BACKEND"]
        == "connections.notifications.mail_folder.FolderBackend"
    )


def test_a_server_on_loopback_may_speak_plain_http(settings: Settings) -> None:
    settings.AZURE_DEVOPS_SERVERS = "Sandbox=http://127.0.0.1:8061 kind=sandbox"
    assert problems() == []


@pytest.mark.parametrize(
    ("proxies", "said"),
    [(["10.0.0.300"], "is neither an address nor a network"), (["0.0.0.0/0"], "trusts every address")],
)
def test_unusable_proxies_are_refused_in_words(settings: Settings, proxies: list[str], said: str) -> None:
    settings.TRUSTED_PROXIES = proxies
    assert [said in problem for problem in problems()] == [True]
