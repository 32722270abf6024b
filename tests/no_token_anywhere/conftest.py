"""What the search for tokens begins with: a log of everything, planted tokens, and a product that has lived."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.test import Client
from kombu.transport.memory import Channel
from pytest_django import Settings

from connections.models import Connection
from sandbox.server import Sandbox
from tests.browser import Browser
from tests.connections.commands import ENTRA_TOKEN
from tests.everything import Lived, live
from tests.factories import make_person

Token = Callable[[str], str]
PLANTED = ("full", "full-again", "expired", "revoked", "no-release")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """Everything that any logger says, unfiltered, at the finest level."""
    path = tmp_path / "log"
    handler = logging.FileHandler(path)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield path
    root.removeHandler(handler)
    root.setLevel(before)
    handler.close()


@pytest.fixture(autouse=True)
def _nothing_left_over(settings: Settings) -> Iterator[None]:
    settings.TESTS_PER_PERSON = settings.TESTS_PER_ADDRESS = 0
    for name in caches:
        caches[name].clear()
    Channel.queues.clear()
    yield
    for name in caches:
        caches[name].clear()
    Channel.queues.clear()


@pytest.fixture
def secrets(token_of: Token) -> dict[str, str]:
    return {name: token_of(name) for name in PLANTED} | {"entra": ENTRA_TOKEN}


@pytest.fixture
def lived(connected: Callable[..., Connection], sandbox: Sandbox) -> Lived:
    return live(connected("Fabrikam", organization="fabrikam"), sandbox, make_person("other"))


@pytest.fixture
def root(person: Callable[..., User]) -> Client:
    """An administrator's browser that shows an error instead of raising it."""
    browser = Browser(raise_request_exception=False)
    browser.force_login(person("root", staff=True))
    return browser
