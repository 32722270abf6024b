"""At the start: servers, their authorities, proxies and plain HTTP are refused or warned of in words."""

from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from pytest_django import Settings

from core.error_reports import ExceptionReporterFilter
from orchestrator.running_product import RunningProduct, note, only_start
from orchestrator.supervisor import process_specs

OWN = "Own=https://devops.example.com/tfs"


def said(of: str) -> list[CheckMessage]:
    return [message for message in run_checks(tags=["security"]) if message.id == of]


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("AZURE_DEVOPS_SERVERS", "Own=devops.example.com"),
        ("AZURE_DEVOPS_CA_BUNDLES", "Elsewhere=/etc/ssl/own.pem"),
        ("AZURE_DEVOPS_PROXIES", "Own=https://someone:sesame@proxy"),
        ("AZURE_DEVOPS_PLAIN_HTTP", "Own=yes"),
    ],
)
def test_what_cannot_be_read_stops_the_start(settings: Settings, setting: str, text: str) -> None:
    settings.AZURE_DEVOPS_SERVERS = OWN
    setattr(settings, setting, text)
    (problem,) = said("orchestrator.E003")
    assert setting in problem.msg
    assert "sesame" not in f"{problem}"


def test_a_file_of_authorities_that_cannot_be_used_stops_the_start(settings: Settings, tmp_path: Path) -> None:
    settings.AZURE_DEVOPS_SERVERS = OWN
    settings.AZURE_DEVOPS_CA_BUNDLES = f"Own={tmp_path}/missing.pem"
    (problem,) = said("orchestrator.E006")
    assert problem.msg == f"The file “{tmp_path}/missing.pem” of “Own” in AZURE_DEVOPS_CA_BUNDLES does not exist."


def test_allowed_plain_http_is_said_at_every_start(settings: Settings) -> None:
    settings.AZURE_DEVOPS_SERVERS = "Own=http://devops.example.com"
    settings.AZURE_DEVOPS_PLAIN_HTTP = "Own=anybody on the network can read the tokens"
    (warning,) = said("orchestrator.W001")
    assert warning.msg == "“Own” is plain HTTP: anybody on the network can read the tokens."
    assert said("orchestrator.E003") == []


def test_an_error_page_does_not_show_the_password_of_a_proxy(settings: Settings) -> None:
    settings.AZURE_DEVOPS_PROXIES = "Own=http://someone:sesame@proxy:3128"
    shown = ExceptionReporterFilter().get_safe_settings()
    assert shown["AZURE_DEVOPS_PROXIES"] == "Own=http://[redacted]@proxy:3128"


def test_sandbox_and_broker_are_not_told_the_passwords_of_proxies_and_mail() -> None:
    given = dict.fromkeys(("AZURE_DEVOPS_PROXIES", "EMAIL_URL", "DATABASE_URL"), "http://someone:sesame@host")
    assert process_specs.sandbox(given | {"PATH": "/bin"}, 8061).environment == {"PATH": "/bin"}


def test_an_authority_that_may_not_have_credentials_stops_the_start(settings: Settings) -> None:
    settings.AZURE_DEVOPS_SERVERS = "Services=https://dev.azure.com"
    settings.AZURE_DEVOPS_ENTRA_AUTHORITY = "https://login.example.com"
    (problem,) = said("orchestrator.E013")
    assert problem.msg.endswith("It must be https://login.microsoftonline.com.")
    settings.AZURE_DEVOPS_ENTRA_AUTHORITY = ""
    assert said("orchestrator.E013") == []


def test_a_missing_file_of_authorities_of_microsoft_entra_stops_the_start(settings: Settings, tmp_path: Path) -> None:
    settings.AZURE_DEVOPS_SERVERS = "Services=https://dev.azure.com"
    settings.AZURE_DEVOPS_ENTRA_CA_BUNDLE = f"{tmp_path}/missing.pem"
    (problem,) = said("orchestrator.E014")
    assert problem.msg.endswith("does not exist.")


def test_the_file_that_the_sandbox_makes_later_stops_no_start(settings: Settings, tmp_path: Path) -> None:
    running = RunningProduct("http://127.0.0.1:8000", 8061, 8062)
    entra = running.sandbox_entra(tmp_path)
    assert entra is not None
    settings.VAR_DIR = tmp_path
    settings.AZURE_DEVOPS_SERVERS = "Sandbox=http://127.0.0.1:8061 kind=sandbox"
    settings.SANDBOX_ENTRA_AUTHORITY, settings.SANDBOX_ENTRA_CA_BUNDLE = entra.authority, entra.ca_bundle
    assert len(said("orchestrator.E014")) == 1
    with only_start(tmp_path) as file:
        note(file, running)
        assert said("orchestrator.E014") == []


def test_half_an_application_for_renewing_tokens_stops_the_start(settings: Settings) -> None:
    settings.TOKEN_RENEWAL_CLIENT_ID = "11111111-1111-4111-8111-111111111111"
    (problem,) = said("orchestrator.E015")
    assert problem.msg.endswith("needs TOKEN_RENEWAL_TENANT_ID and TOKEN_RENEWAL_CLIENT_SECRET.")


def test_a_name_in_place_of_an_id_stops_the_start(settings: Settings) -> None:
    settings.TOKEN_RENEWAL_TENANT_ID = "common"
    settings.TOKEN_RENEWAL_CLIENT_ID = "11111111-1111-4111-8111-111111111111"
    settings.TOKEN_RENEWAL_CLIENT_SECRET = "a secret"
    (problem,) = said("orchestrator.E016")
    assert problem.msg.startswith("TOKEN_RENEWAL_TENANT_ID")


WORKLOAD = {
    "AZURE_DEVOPS_WORKLOAD_IDENTITY": True,
    "AZURE_TENANT_ID": "0a1b2c3d-0000-4000-8000-000000000001",
    "AZURE_CLIENT_ID": "0a1b2c3d-0000-4000-8000-000000000002",
    "AZURE_FEDERATED_TOKEN_FILE": "/var/run/token",
}
IDENTITIES = [f"orchestrator.E0{number}" for number in range(21, 26)]


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, []),
        ({"AZURE_TENANT_ID": "common"}, ["orchestrator.E022"]),
        ({"AZURE_CLIENT_ID": ""}, ["orchestrator.E023"]),
        ({"AZURE_FEDERATED_TOKEN_FILE": "token"}, ["orchestrator.E024"]),
        ({"AZURE_DEVOPS_MANAGED_IDENTITY": "moon"}, ["orchestrator.E021"]),
        ({"AZURE_DEVOPS_MANAGED_IDENTITY": "app-service"}, ["orchestrator.E025"]),
        ({"AZURE_DEVOPS_MANAGED_IDENTITY": "virtual-machine"}, []),
    ],
)
def test_an_identity_needs_its_settings(settings: Settings, changed: dict[str, Any], found: list[str]) -> None:
    for name, value in {**WORKLOAD, **changed}.items():
        setattr(settings, name, value)
    assert [number for number in IDENTITIES if said(number)] == found


@pytest.mark.parametrize("value", [0, -1])
@pytest.mark.parametrize("name", ["SIGN_IN_MINUTES", "TESTS_MINUTES", "AUDIT_EVERY_HOURS", "MAILS_PER_TICK"])
def test_a_number_that_would_turn_off_what_it_limits_stops_the_start(settings: Settings, name: str, value: int) -> None:
    setattr(settings, name, value)
    (problem,) = said("orchestrator.E027")
    assert problem.msg == f"{name} must be more than 0."


def test_a_link_that_is_never_valid_stops_the_start(settings: Settings) -> None:
    settings.PASSWORD_RESET_TIMEOUT = 0
    (problem,) = said("orchestrator.E027")
    assert problem.msg == "PASSWORD_LINK_HOURS must be more than 0."


def test_fewer_than_no_series_stop_the_start(settings: Settings) -> None:
    settings.METRICS_MAX_CONNECTIONS = -1
    (problem,) = said("orchestrator.E027")
    assert problem.msg == "METRICS_MAX_CONNECTIONS must not be less than 0."


@pytest.mark.parametrize("key", ["sesame", "ab" * 40])
def test_a_secret_key_that_can_be_guessed_stops_the_start(settings: Settings, key: str) -> None:
    settings.SECRET_KEY = key
    (problem,) = said("orchestrator.E002")
    assert problem.msg.startswith("SECRET_KEY has fewer than 32 characters")
    assert key not in f"{problem}"


def test_the_usual_numbers_and_keys_are_accepted() -> None:
    assert [*said("orchestrator.E027"), *said("orchestrator.E002")] == []
