"""Settings that hold for every test, and the fixtures that most tests share."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client
    from pytest_django import Settings

    from connections.models import Connection
    from sandbox.server import Sandbox

PASSWORD = "a-long-enough-password-4-tests"


@pytest.fixture
def sandbox(settings: "Settings") -> Iterator["Sandbox"]:
    """A fresh pretend Azure DevOps on loopback, which the product takes for its only server."""
    from sandbox.server import Sandbox

    with Sandbox() as running:
        settings.AZURE_DEVOPS_SERVERS = f"Sandbox={running.url}"
        yield running


@pytest.fixture
def token_of() -> Callable[[str], str]:
    """The secret text of one of the sandbox's sample tokens, by its name."""
    from sandbox.samples import SAMPLES

    return {sample.name: sample.secret for sample in SAMPLES}.__getitem__


@pytest.fixture
def person(db: None) -> Callable[..., "User"]:
    """Makes users: `person("ann", "connections.add_connection")`; `person("ann", staff=True)` may do everything."""
    from tests.factories import make_person

    return make_person


@pytest.fixture
def maintainer(person: Callable[..., "User"]) -> "User":
    """Somebody with every permission of the product, who is not staff."""
    return person("maya", "*")


@pytest.fixture
def pages(maintainer: "User", client: "Client") -> "Client":
    """A browser without JavaScript in which the maintainer is signed in."""
    client.force_login(maintainer)
    return client


@pytest.fixture
def connected(sandbox: "Sandbox", maintainer: "User", token_of: Callable[[str], str]) -> Callable[..., "Connection"]:
    """Connects for real: `connected("Acme main", token="full", organization="acme")`."""
    from tests.factories import connect_for_real

    def connect(name: str = "Acme main", *, token: str = "full", organization: str = "acme") -> "Connection":
        return connect_for_real(maintainer, name=name, organization=organization, secret=token_of(token))

    return connect
