"""Clients that are not ours, against a sandbox of their own."""

from collections.abc import Callable, Iterator

import pytest

from sandbox.samples import secret
from sandbox.server import Sandbox
from tests.clients.javascript import Area, Bridge


@pytest.fixture(scope="session")
def bridge() -> Iterator[Bridge]:
    """One node process for all tests."""
    with Bridge() as running:
        yield running


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A fresh pretend Azure DevOps."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def client(bridge: Bridge, sandbox: Sandbox) -> Callable[..., Area]:
    """An area of a client with a sample token: `client("node", "Build")`."""

    def connect(name: str, area: str, *, token: str = "full", organization: str = "acme", url: str = "") -> Area:
        return Area(bridge, name, url or f"{sandbox.url}/{organization}", secret(token), area)

    return connect
