"""`check --deploy` names settings that are dangerous or useless on a server; a server that is set up well is quiet."""

import pytest
from django.core.checks import Tags, run_checks
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

SITE = "https://repositories.example.com"


@pytest.fixture(autouse=True)
def server(settings: Settings) -> Settings:
    """A server behind a proxy, as docs/operating.md describes it."""
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.TRUSTED_PROXIES = ["10.0.0.5"]
    settings.ALLOWED_HOSTS = ["repositories.example.com"]
    settings.SITE_URL = SITE
    settings.SIGN_IN_ATTEMPTS = 5
    return settings


def said(*, deploy: bool = True) -> dict[str, str]:
    """The product's own messages by their ids."""
    messages = run_checks(tags=[Tags.security], include_deployment_checks=deploy)
    return {str(message.id): message.msg for message in messages if str(message.id).startswith("orchestrator.")}


def test_a_server_that_is_set_up_well_is_quiet() -> None:
    assert said() == {}


def test_on_ones_own_machine_nothing_is_said_of_servers(server: Settings) -> None:
    server.ALLOWED_HOSTS, server.TRUSTED_PROXIES, server.SITE_URL = ["*"], [], "http://127.0.0.1:8000"
    assert said(deploy=False) == {}


def test_a_proxy_that_is_not_named_is_warned_of_with_what_a_stranger_can_do(server: Settings) -> None:
    server.TRUSTED_PROXIES = []
    assert list(said()) == ["orchestrator.W002"]
    assert "50 failed attempts of a stranger keep everyone from signing in" in said()["orchestrator.W002"]


@pytest.mark.django_db
@pytest.mark.parametrize(("proxies", "status"), [([], 429), (["10.0.0.5"], 200)])
def test_what_is_warned_of_is_true(server: Settings, proxies: list[str], status: int, client: Client) -> None:
    server.SECURE_SSL_REDIRECT, server.ALLOWED_HOSTS, server.TRUSTED_PROXIES = False, ["testserver"], proxies

    def attempt(name: str, address: str) -> int:
        data = {"username": name, "password": "wrong"}
        answer = client.post(reverse("login"), data, REMOTE_ADDR="10.0.0.5", HTTP_X_FORWARDED_FOR=address)
        return int(answer.status_code)

    assert [attempt(f"name{number}", "203.0.113.9") for number in range(50)] == [200] * 50
    assert attempt("admin", "192.0.2.7") == status


def test_the_number_of_attempts_is_that_of_the_setting(server: Settings) -> None:
    server.TRUSTED_PROXIES, server.SIGN_IN_ATTEMPTS = [], 3
    assert "30 failed attempts" in said()["orchestrator.W002"]


def test_sign_ins_without_limit_are_warned_of(server: Settings) -> None:
    server.SIGN_IN_ATTEMPTS = 0
    assert list(said()) == ["orchestrator.W004"]


def test_a_proxy_whose_tls_is_not_believed_is_warned_of(server: Settings) -> None:
    server.SECURE_PROXY_SSL_HEADER = None
    assert list(said()) == ["orchestrator.W003"]


def test_without_any_proxy_nothing_is_said_of_proxies(server: Settings) -> None:
    server.SECURE_PROXY_SSL_HEADER, server.TRUSTED_PROXIES = None, []
    assert said() == {}


@pytest.mark.parametrize("proxies", [["0.0.0.0/0"], ["::/0"], ["::ffff:0.0.0.0/96"], ["0.0.0.0/1", "128.0.0.0/1"]])
def test_proxies_that_are_everybody_are_an_error(server: Settings, proxies: list[str]) -> None:
    server.TRUSTED_PROXIES = proxies
    assert list(said(deploy=False)) == ["orchestrator.E004"]


@pytest.mark.parametrize("host", ["*", " *", "."])
def test_a_host_that_stands_for_all_is_warned_of(server: Settings, host: str) -> None:
    server.ALLOWED_HOSTS = ["repositories.example.com", host]
    assert list(said()) == ["orchestrator.W005"]


@pytest.mark.parametrize(
    "host",
    ["https://repositories.example.com", "repositories.example.com:8000", "*.example.com", " b.example.com", "a.org/x"],
)
def test_a_host_that_matches_no_request_is_warned_of(server: Settings, host: str) -> None:
    server.ALLOWED_HOSTS = ["repositories.example.com", host]
    assert list(said()) == ["orchestrator.W006"]


@pytest.mark.parametrize(
    "host", [".example.com", "Repositories.Example.com", "192.0.2.7", "[2001:db8::7]", "localhost"]
)
def test_a_host_of_one_name_or_one_domain_is_fine(server: Settings, host: str) -> None:
    server.ALLOWED_HOSTS = ["repositories.example.com", host]
    assert said() == {}


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000",
        "https://127.8.9.1",
        "https://localhost",
        "https://LOCALHOST.:8000",
        "https://site.localhost",
        "https://[::1]:8000",
        "https://[::ffff:127.0.0.1]",
        "https://0.0.0.0:8000",
        "https://[::]",
    ],
)
def test_links_to_the_readers_own_machine_are_warned_of(server: Settings, url: str) -> None:
    server.SITE_URL = url
    assert list(said()) == ["orchestrator.W008"]


def test_plain_http_on_ones_own_machine_is_fine(server: Settings) -> None:
    server.SECURE_SSL_REDIRECT, server.SITE_URL, server.ALLOWED_HOSTS = False, "http://127.0.0.1:8000", ["127.0.0.1"]
    assert said() == {}


def test_unencrypted_links_to_an_encrypted_site_are_warned_of(server: Settings) -> None:
    server.SITE_URL = "http://repositories.example.com"
    assert list(said()) == ["orchestrator.W009"]


@pytest.mark.parametrize(
    ("url", "hosts"),
    [(SITE, ["other.example.com"]), ("https://[2001:db8::7]", ["2001:db8::7"]), ("https://127x.example.org", [])],
)
def test_links_to_a_host_that_is_not_served_are_warned_of(server: Settings, url: str, hosts: list[str]) -> None:
    server.SITE_URL, server.ALLOWED_HOSTS = url, hosts
    assert "orchestrator.W010" in said()


@pytest.mark.parametrize("url", ["https://[2001:db8::7]:8443/repos", "https://repositories.example.com:8443/repos"])
def test_links_with_a_port_or_a_path_to_a_host_that_is_served_are_fine(server: Settings, url: str) -> None:
    server.SITE_URL, server.ALLOWED_HOSTS = url, ["[2001:db8::7]", ".example.com"]
    assert said() == {}


@pytest.mark.parametrize(
    "url", ["", "repositories.example.com", "https://", "https://[::1", "https://a.org:x", "ftp://a.org"]
)
def test_what_is_no_address_of_a_site_is_warned_of(server: Settings, url: str) -> None:
    server.SITE_URL = url
    assert list(said()) == ["orchestrator.W007"]
