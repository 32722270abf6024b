"""What keeps a server of one's own from answering is said in words that name the setting, and never leaks a token."""

import io
import logging
import re
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from connections.models import Connection
from delivery.models import PollSubscription, Repository
from history.models import Event
from sandbox.editions import SERVERS, Edition
from sandbox.server import Sandbox
from tests.connections.providers.azure_devops.authority import Authority
from tests.connections.providers.azure_devops.loopback import Loopback, Script, always, answer, nobody, tunnel_to
from tests.on_premises.test_a_connections_life import FORM, connect

Token = Callable[[str], str]
Proxy = Callable[[Script], Loopback]
ELSEWHERE = "devops.test"
PASSWORD = "sesame-opens"


@pytest.fixture
def press_test(pages: Client, token_of: Token, caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """Presses Test Connection and returns the page; whatever happened, the token is in no page, log or event."""
    caplog.set_level(logging.DEBUG)

    def press(token: str = "full", **more: str) -> str:
        data = FORM | {"token": token_of(token)} | more
        page = pages.post(reverse("connections:test-new"), data).content.decode()
        everything = page + caplog.text + str(list(Event.objects.values()))
        assert token_of(token) not in everything
        assert PASSWORD not in everything
        return page

    return press


@pytest.fixture
def proxy(settings: Settings) -> Iterator[Proxy]:
    """Starts a proxy that is the server's own: `proxy(script)`."""
    running = []

    def start(script: Script) -> Loopback:
        one = Loopback(script).__enter__()
        running.append(one)
        settings.AZURE_DEVOPS_PROXIES = f"Own=http://someone:{PASSWORD}@127.0.0.1:{one.port}"
        return one

    yield start
    for one in running:
        one.__exit__(None, None, None)


@pytest.fixture
def behind_a_proxy(settings: Settings, authority: Authority) -> Iterator[Sandbox]:
    """A server under a name that nobody but a proxy can find."""
    with Sandbox(edition=SERVERS["2022"], path="tfs", ssl_context=authority.server(ELSEWHERE)) as running:
        settings.AZURE_DEVOPS_SERVERS = f"Own=https://{ELSEWHERE}/tfs"
        settings.AZURE_DEVOPS_CA_BUNDLES = f"Own={authority.bundle}"
        yield running


def port_of(server: Sandbox) -> int:
    return int(server.url.split(":")[2].split("/")[0])


def test_a_server_is_reached_through_its_proxy_which_sees_no_token(
    press_test: Callable[..., str], behind_a_proxy: Sandbox, proxy: Proxy
) -> None:
    between = proxy(tunnel_to(port_of(behind_a_proxy)))
    assert "Connection successful" in press_test()
    assert {(seen.method, seen.target) for seen in between.seen} == {("CONNECT", f"{ELSEWHERE}:443")}
    assert all(seen.all("Authorization") == [] and seen.all("Proxy-Authorization") for seen in between.seen)
    assert behind_a_proxy.requests


def test_a_proxy_that_wants_another_password_is_said(
    press_test: Callable[..., str], behind_a_proxy: Sandbox, proxy: Proxy
) -> None:
    proxy(always(answer(407, b"<html>no</html>", ("Proxy-Authenticate", "Basic"), ("Content-Type", "text/html"))))
    page = press_test()
    assert "The proxy asks for a password" in page
    assert "AZURE_DEVOPS_PROXIES" in page
    assert "The token could not be tested." in page


@pytest.mark.parametrize("status", [403, 502])
def test_a_proxy_that_does_not_let_us_through_is_said(
    press_test: Callable[..., str], behind_a_proxy: Sandbox, proxy: Proxy, status: int
) -> None:
    proxy(always(answer(status, b"<html>no</html>", ("Content-Type", "text/html"))))
    page = press_test()
    assert "No connection through the proxy" in page
    assert "AZURE_DEVOPS_PROXIES" in page


def test_a_proxy_that_is_not_there_is_said(
    press_test: Callable[..., str], behind_a_proxy: Sandbox, settings: Settings
) -> None:
    settings.AZURE_DEVOPS_PROXIES = f"Own=http://someone:{PASSWORD}@127.0.0.1:{nobody()}"
    assert "No connection through the proxy" in press_test()


def test_a_certificate_is_checked_through_a_proxy_too(
    press_test: Callable[..., str], behind_a_proxy: Sandbox, proxy: Proxy, settings: Settings
) -> None:
    proxy(tunnel_to(port_of(behind_a_proxy)))
    settings.AZURE_DEVOPS_CA_BUNDLES = ""
    assert "Secure connection failed" in press_test()
    assert behind_a_proxy.requests == []


def test_a_certificate_of_an_unknown_authority_is_refused_before_the_token_is_sent(
    press_test: Callable[..., str], own_server: Sandbox, settings: Settings
) -> None:
    settings.AZURE_DEVOPS_CA_BUNDLES = ""
    page = press_test()
    assert "Secure connection failed" in page
    assert "AZURE_DEVOPS_CA_BUNDLES" in page
    assert "the token was not sent" in page
    assert own_server.requests == []


@pytest.mark.parametrize(("name", "days"), [("elsewhere.test", 10), ("127.0.0.1", -1)], ids=["wrong name", "expired"])
def test_a_certificate_that_does_not_hold_is_refused_although_its_authority_is_known(
    press_test: Callable[..., str], settings: Settings, authority: Authority, name: str, days: int
) -> None:
    with Sandbox(path="tfs", edition=SERVERS["2022"], ssl_context=authority.server(name, days=days)) as server:
        settings.AZURE_DEVOPS_SERVERS = f"Own={server.url}"
        settings.AZURE_DEVOPS_CA_BUNDLES = f"Own={authority.bundle}"
        assert "Secure connection failed" in press_test()
        assert server.requests == []


def test_a_name_that_is_not_found_is_said(
    press_test: Callable[..., str], behind_a_proxy: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_found(*_asked: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", not_found)
    page = press_test()
    assert "Server name not found" in page
    assert "AZURE_DEVOPS_PROXIES" in page
    assert "status.dev.azure.com" not in page


@pytest.fixture
def over_plain_http(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A server on another machine, as far as the product can tell."""
    with Sandbox(edition=SERVERS["2022"], path="tfs") as running:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port_of(running)))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_asked: found)
        settings.AZURE_DEVOPS_SERVERS = f"Own=http://{ELSEWHERE}:{port_of(running)}/tfs"
        yield running


def test_plain_http_is_refused_until_the_operator_says_what_it_means(
    press_test: Callable[..., str], pages: Client, token_of: Token, over_plain_http: Sandbox, settings: Settings
) -> None:
    (refusal,) = [one for one in run_checks(tags=["security"]) if one.id == "orchestrator.E003"]
    settings.AZURE_DEVOPS_PLAIN_HTTP = refusal.msg.partition("AZURE_DEVOPS_PLAIN_HTTP=")[2]
    assert "anybody on the network can read the tokens" in settings.AZURE_DEVOPS_PLAIN_HTTP
    page = press_test()
    assert "Connection successful" in page
    assert "Tokens are sent unencrypted" in page
    assert "uses plain HTTP" in pages.get(reverse("connections:add-azure-devops")).content.decode()
    connection = connect(pages, token_of("full"))
    assert "Tokens are sent unencrypted" in pages.get(connection.get_absolute_url()).content.decode()


def test_a_server_older_than_the_oldest_is_said_with_its_name(
    press_test: Callable[..., str], settings: Settings, authority: Authority
) -> None:
    older = Edition("Team Foundation Server 2018", (4, 1), (4, 1), tells_disabled=False, tells_maintenance=False)
    with Sandbox(edition=older, path="tfs", ssl_context=authority.server("127.0.0.1")) as server:
        settings.AZURE_DEVOPS_SERVERS = f"Own={server.url}"
        settings.AZURE_DEVOPS_CA_BUNDLES = f"Own={authority.bundle}"
        page = press_test()
    assert "Server is too old" in page
    assert "Azure DevOps Server 2019" in page


@pytest.mark.parametrize(
    ("token", "collection", "words"),
    [
        ("full", "Nowhere", "Collection not found"),
        ("full", "stopped", "Collection is stopped"),
        ("expired", "DefaultCollection", "Basic Authentication"),
        ("revoked", "DefaultCollection", "Basic Authentication"),
        ("no-projects", "DefaultCollection", "No projects visible."),
        ("full", "down", "The server reported an internal error"),
        ("full", "throttled", "The server asks us to wait"),
    ],
)
def test_trouble_speaks_of_the_server_and_its_collection(
    press_test: Callable[..., str], own_server: Sandbox, token: str, collection: str, words: str
) -> None:
    page = press_test(token, organization=collection)
    assert words in page
    result = re.sub(r'data-\w+="\w+"', "", page.partition('class="report"')[2])
    assert "rganization" not in result
    assert "status.dev.azure.com" not in result


def test_an_audit_that_meets_an_unknown_authority_keeps_the_token_as_it_is(
    pages: Client, token_of: Token, own_server: Sandbox, settings: Settings
) -> None:
    connection = connect(pages, token_of("full"))
    settings.AZURE_DEVOPS_CA_BUNDLES = ""
    page = pages.post(reverse("connections:test", args=[connection.pk])).content.decode()
    assert "Secure connection failed" in page
    connection.refresh_from_db()
    assert connection.health == "healthy"
    assert Connection.objects.get().stored_credential.reveal().reveal() == token_of("full")


@pytest.fixture
def files(
    pages: Client, token_of: Token, own_server: Sandbox, bring_in: Callable[[Connection], None]
) -> Callable[[], str]:
    """Reads a repository's files, and returns the page."""
    bring_in(connect(pages, token_of("full")))
    here = Repository.objects.get(name="Storefront", project__name="Storefront").get_absolute_url()
    return lambda: pages.get(f"{here}files/").content.decode()


def test_a_dead_token_is_not_taken_for_a_missing_scope_although_both_are_refused_alike(
    files: Callable[[], str], own_server: Sandbox
) -> None:
    token = own_server.state.token_named("full")
    assert token is not None
    token.state = "revoked"
    page = files()
    assert "Token stopped working before its expiry date" in page
    assert "Scope missing" not in page


def test_pages_and_commands_of_builds_speak_of_the_server(
    pages: Client,
    token_of: Token,
    own_server: Sandbox,
    bring_in: Callable[[Connection], None],
    read_builds: Callable[[], None],
) -> None:
    bring_in(connect(pages, token_of("full")))
    read_builds()
    own_server.state.organizations["defaultcollection"].stopped = True
    PollSubscription.objects.update(once=True, next_at=datetime.now(UTC))
    read_builds()
    assert "Collection is stopped" in pages.get(reverse("delivery:builds")).content.decode()
    commands = (("repositories", "refresh", "Own main"), ("builds", "run", "Storefront CI", "--branch", "main"))
    for command in commands:
        out = io.StringIO()
        with pytest.raises(SystemExit):
            call_command(*command, stdout=out, stderr=out)
        assert out.getvalue().startswith("Collection is stopped.")


def test_a_missing_scope_is_still_one(files: Callable[[], str], own_server: Sandbox) -> None:
    token = own_server.state.token_named("full")
    assert token is not None
    token.scopes = ("vso.build",)
    assert "Scope missing" in files()


def test_where_it_cannot_be_told_which_it_is_the_refusal_stands(files: Callable[[], str], own_server: Sandbox) -> None:
    token = own_server.state.token_named("full")
    assert token is not None
    token.state = "revoked"
    own_server.behaviour.add("status", status=500, path="connectionData")
    assert "Scope missing" in files()


def test_a_project_that_is_not_listed_is_explained_in_the_words_of_a_server(
    pages: Client, token_of: Token, own_server: Sandbox
) -> None:
    data = FORM | {"token": token_of("full"), "project_name": "Board Room"}
    page = pages.post(reverse("connections:find-project-new"), data).content.decode()
    answer_of = page.partition('id="project-answer"')[2].partition("</details>")[0]
    assert "belong to another collection" in answer_of
    assert "rganization" not in answer_of


def test_the_history_tells_trouble_in_the_words_of_the_server(
    pages: Client, token_of: Token, own_server: Sandbox
) -> None:
    connection = connect(pages, token_of("full"))
    own_server.state.organizations["defaultcollection"].stopped = True
    pages.post(reverse("connections:test", args=[connection.pk]))
    page = pages.get(reverse("connections:history", args=[connection.pk])).content.decode()
    assert "Collection is stopped" in page
    assert "Organization is disabled" not in page


def test_a_server_that_leads_elsewhere_is_not_followed(
    press_test: Callable[..., str], settings: Settings, authority: Authority
) -> None:
    with Loopback() as elsewhere:
        leading_there = answer(302, b"", ("Location", f"{elsewhere.url}/tfs/DefaultCollection"))
        with Loopback(always(leading_there), tls=authority.server("127.0.0.1")) as here:
            settings.AZURE_DEVOPS_SERVERS = f"Own=https://127.0.0.1:{here.port}/tfs"
            settings.AZURE_DEVOPS_CA_BUNDLES = f"Own={authority.bundle}"
            page = press_test()
        assert elsewhere.seen == []
    assert "Redirected to 127.0.0.1" in page
