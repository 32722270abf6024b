"""The sandbox asked over real HTTP, as somebody who knows nothing of the product would."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.samples import secret
from sandbox.server import Sandbox
from tests.needs import REFERENCE_VARIABLE, reference_folder
from tests.sandbox.entra import Client
from tests.sandbox.published import Published, route_of

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@dataclass
class Caller:
    """Calls a sandbox with a sample token, by default as a careful client does.

    Every success is held against what Microsoft published, when that is at hand and nothing was told to go wrong.
    """

    sandbox: Sandbox
    session: requests.Session = field(default_factory=requests.Session)
    published: Published | None = None

    def __call__(
        self,
        method: str,
        path: str,
        *,
        token: str | None = "full",
        suppress: bool = True,
        version: str | None = "7.1",
        accept: str = "application/json",
        base: str = "",
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> requests.Response:
        """The answer; redirects are not followed. `token` is a sample name, or None for nobody."""
        sent = {"Accept": accept, **(headers or {})}
        if suppress:
            sent["X-TFS-FedAuthRedirect"] = "Suppress"
        query = {**more.pop("params", {}), **({"api-version": version} if version else {})}
        auth = ("", secret(token)) if token else None
        answer = self.session.request(
            method,
            (base or self.sandbox.url) + path,
            params=query,
            headers=sent,
            auth=auth,
            allow_redirects=False,
            timeout=10,
            **more,
        )
        self._judge(method, path, answer)
        return answer

    def _judge(self, method: str, path: str, answer: requests.Response) -> None:
        route = route_of(method, path)
        sound = answer.ok and method != "HEAD" and not self.sandbox.behaviour.rules()
        # Written in another way than the published one, because the test asked for it.
        sound = sound and "=true" not in answer.request.headers["Accept"]
        if self.published is not None and route is not None and sound:
            assert self.published.complaints(route, answer) == [], (method, path)


@pytest.fixture
def sandbox(entra_folder: Path) -> Iterator[Sandbox]:
    """A fresh one whose clock stands still until it is told to go on. Microsoft Entra is beside it."""
    with Sandbox(entra=entra_folder) as running:
        running.state.now = lambda: NOON
        yield running


@pytest.fixture
def playing() -> Iterator[Callable[..., Sandbox]]:
    """Starts sandboxes that play something else: `playing(edition=..., path="tfs")`."""
    running: list[Sandbox] = []

    def play(**options: Any) -> Sandbox:
        one = Sandbox(**options)
        running.append(one)
        one.__enter__()
        one.state.now = lambda: NOON
        return one

    yield play
    for one in running:
        one.__exit__()


@pytest.fixture
def call(sandbox: Sandbox) -> Iterator[Caller]:
    """Calls the sandbox."""
    at_hand = os.environ.get(REFERENCE_VARIABLE, "") != ""
    caller = Caller(sandbox, published=_published() if at_hand else None)
    caller.session.trust_env = False
    yield caller
    caller.session.close()


@pytest.fixture
def entra(sandbox: Sandbox) -> Iterator[Client]:
    """Asks the simulated Microsoft Entra for tokens."""
    client = Client(sandbox)
    client.session.trust_env = False
    yield client
    client.session.close()


@cache
def _published() -> Published:
    return Published(reference_folder("openapi"), reference_folder("recordings"))


@pytest.fixture
def published() -> Published:
    """Microsoft's files and the recordings."""
    return _published()


@pytest.fixture
def recordings() -> Path:
    """The folder of recorded exchanges."""
    return reference_folder("recordings") / "exchanges"
