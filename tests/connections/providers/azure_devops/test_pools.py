"""Connections stay open for all clients of a server; credentials and cookies do not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connections.providers.azure_devops import deadlines, errors
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.models import Server
from connections.providers.azure_devops.transport import Limits, Transport
from tests.connections.providers.azure_devops.authority import Authority
from tests.connections.providers.azure_devops.conftest import Serve
from tests.connections.providers.azure_devops.loopback import Loopback, Seen, Wire, always, answer

PROJECTS = ("_apis", "projects")
ONE, OTHER = "one" * 20, "other" * 20
Ask = Callable[..., int]


@pytest.fixture
def ask() -> Ask:
    """Ask a server with a token, by a client of its own: the status."""

    def ask_once(server: Loopback, token: str = ONE, deadline: float = 5.0, **more: Any) -> int:
        where = Server("Loopback", server.url, **more)
        limits = Limits(connect_timeout=2.0, deadline=deadline, max_bytes=1000)
        with Transport(where, "acme", PersonalAccessToken(token), limits=limits) as transport:
            return transport.ask("GET", PROJECTS).status

    return ask_once


def tokens(server: Loopback) -> list[str]:
    """The tokens that a server has seen, by name."""
    headers = {PersonalAccessToken(token): name for token, name in ((ONE, "one"), (OTHER, "other"))}
    signed = {}
    for credential, name in headers.items():
        made: dict[str, str] = {}
        credential.sign(made)
        signed[made["Authorization"]] = name
    return [signed[seen["Authorization"]] for seen in server.seen]


def test_clients_with_different_tokens_share_a_connection_and_send_their_own(serve: Serve, ask: Ask) -> None:
    server = serve()
    for token in (ONE, OTHER, ONE):
        ask(server, token)
    assert (server.connections, tokens(server)) == (1, ["one", "other", "one"])


def test_a_cookie_of_one_client_is_not_sent_by_another(serve: Serve, ask: Ask) -> None:
    server = serve(always(answer(200, b"{}", ("Set-Cookie", "VstsSession=somebody; path=/"))))
    ask(server, ONE)
    ask(server, OTHER)
    assert server.connections == 1
    assert [seen.all("Cookie") for seen in server.seen] == [[], []]


def test_an_answer_without_a_body_keeps_the_connection(serve: Serve, ask: Ask) -> None:
    server = serve(always(answer(204, b"")))
    assert [ask(server), ask(server)] == [204, 204]
    assert server.connections == 1


def test_a_request_without_a_credential_sends_none_of_another(serve: Serve, ask: Ask) -> None:
    server = serve()
    ask(server)
    with Transport(Server("Loopback", server.url), "acme", PersonalAccessToken(OTHER)) as transport:
        transport.ask("GET", PROJECTS, is_signed=False)
    assert (server.connections, server.seen[1].all("Authorization")) == (1, [])


def too_large(_seen: Seen, wire: Wire) -> None:
    wire.send(answer(200, b"x" * 500_000))


def too_slow(_seen: Seen, wire: Wire) -> None:
    wire.hang()


@pytest.mark.parametrize(
    ("script", "error"), [(too_large, errors.AnswerTooLarge), (too_slow, errors.TimedOut)], ids=["large", "slow"]
)
def test_a_connection_with_an_unread_answer_is_not_used_again(
    serve: Serve, ask: Ask, script: Callable[[Seen, Wire], None], error: type[errors.AzureDevOpsError]
) -> None:
    server = serve(script)
    with pytest.raises(error):
        ask(server, deadline=1.0)
    server.script = always(answer())
    assert ask(server, OTHER) == 200
    assert server.connections == 2


def test_a_connection_that_idled_is_not_used_again(serve: Serve, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "_LONGEST_IDLE", 0.0)
    server = serve()
    ask(server)
    ask(server)
    assert (server.connections, len(server.seen)) == (2, 2)


def test_a_server_with_a_proxy_of_its_own_has_its_own_connections(serve: Serve, ask: Ask) -> None:
    server, proxy = serve(), serve()
    ask(server)
    ask(server, proxy=proxy.url)
    assert (len(server.seen), len(proxy.seen)) == (1, 1)


def test_a_replaced_bundle_of_authorities_counts_at_once(
    serve: Serve, ask: Ask, authority: Authority, tmp_path: Path
) -> None:
    server = serve(tls=authority.server("127.0.0.1"))
    bundle = tmp_path / "authorities.pem"
    bundle.write_bytes(Path(authority.bundle).read_bytes())
    assert ask(server, ca_bundle=str(bundle)) == 200
    bundle.write_text("nothing is trusted any more")
    with pytest.raises(errors.TlsFailure):
        ask(server, ca_bundle=str(bundle))


def test_the_environment_is_read_again_when_it_changes(serve: Serve, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = serve(), serve()
    for proxy in (first, second):
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        with Transport(Server("Far", "http://azure.test"), "acme", PersonalAccessToken(ONE)) as transport:
            transport.ask("GET", PROJECTS)
    assert (len(first.seen), len(second.seen)) == (1, 1)
