"""Fixtures of the tests of the client: servers that are scripted, and a client for each."""

import contextlib
from collections.abc import Callable, Iterator

import pytest

from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.models import Server
from connections.providers.azure_devops.transport import Limits, Transport
from tests.connections.providers.azure_devops.loopback import Loopback, Script, always

# In today's form, and of no organization.
SECRET = "k7" * 26 + "JQQJ99" + "ALACAAAA" + "AAAAAAAAAA" + "AZDO" + "9xQ2"

Serve = Callable[..., Loopback]
MakeTransport = Callable[..., Transport]
Asking = Callable[..., tuple[Loopback, Transport]]
MakeClient = Callable[..., AzureDevOpsClient]


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's own proxies and authorities."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server: `serve(always(answer()))`."""
    with contextlib.ExitStack() as running:

        def start(script: Script | None = None, **more: object) -> Loopback:
            server = Loopback(**({"script": script} if script else {}), **more)  # type: ignore[arg-type]  # as given
            return running.enter_context(server)

        yield start


@pytest.fixture
def transport() -> Iterator[MakeTransport]:
    """Makes a transport: `transport(url)`, with limits by name."""
    with contextlib.ExitStack() as running:

        def make(url: str, organization: str = "acme", **more: object) -> Transport:
            limits = {
                name: more.pop(name)
                for name in ("connect_timeout", "deadline", "max_bytes", "list_seconds")
                if name in more
            }
            bounds = Limits(**{"connect_timeout": 2.0, "deadline": 5.0, **limits})  # type: ignore[arg-type]  # as given
            server = Server("Loopback", url, **more)  # type: ignore[arg-type]  # as given
            return running.enter_context(Transport(server, organization, PersonalAccessToken(SECRET), limits=bounds))

        yield make


@pytest.fixture
def asking(serve: Serve, transport: MakeTransport) -> Asking:
    """A server that gives these answers one after the other, and a transport to it: `asking(answer(), answer())`."""

    def make(*answers: bytes) -> tuple[Loopback, Transport]:
        server = serve(always(*answers))
        return server, transport(server.url)

    return make


@pytest.fixture
def client() -> Iterator[MakeClient]:
    """Makes a client of a scripted server: `client(server)`."""
    with contextlib.ExitStack() as running:

        def make(server: Loopback, organization: str = "acme") -> AzureDevOpsClient:
            where = Server("Loopback", server.url)
            made = AzureDevOpsClient(where, organization, PersonalAccessToken(SECRET), limits=Limits(2.0, 5.0))
            return running.enter_context(made)

        yield make
