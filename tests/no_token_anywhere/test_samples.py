"""Sample tokens of the sandbox are on the Connect page, and there alone."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from sandbox.samples import SAMPLES
from sandbox.server import Sandbox
from tests.everything import Lived, addresses
from tests.leaks import everywhere, hits, of_answer

Token = Callable[[str], str]
CONNECT = "connections:add-azure-devops"


@pytest.fixture
def samples(settings: Settings) -> dict[str, str]:
    """What `make run` hands to the web process."""
    settings.SAMPLE_TOKENS = [asdict(sample) for sample in SAMPLES]
    return {sample.name: sample.secret for sample in SAMPLES}


def test_the_connect_page_offers_exactly_the_sample_tokens(
    root: Client, sandbox: Sandbox, secrets: dict[str, str], samples: dict[str, str]
) -> None:
    shown = {"page": of_answer(root.get(reverse(CONNECT)))}
    assert {name for _, name in hits(samples, shown)} == samples.keys()
    others = {name: secret for name, secret in secrets.items() if secret not in samples.values()}
    assert others
    assert hits(others, shown) == set()


def test_no_other_page_and_no_other_place_has_them(
    root: Client,
    lived: Lived,
    sandbox: Sandbox,
    samples: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    root.get(reverse(CONNECT))
    shown = [of_answer(root.get(lived.address(name))) for name in addresses() if name != CONNECT]
    assert hits(samples, everywhere(shown, log, sandbox, capfd)) == set()


@pytest.mark.parametrize(
    "servers",
    ["Azure DevOps Services=https://dev.azure.com", "Sandbox=http://127.0.0.1:9"],
)
def test_without_a_server_of_kind_sandbox_none_is_offered(
    root: Client, settings: Settings, samples: dict[str, str], servers: str
) -> None:
    settings.AZURE_DEVOPS_SERVERS = servers
    assert hits(samples, {"page": of_answer(root.get(reverse(CONNECT)))}) == set()


def test_a_token_that_was_sent_is_not_repeated_even_if_it_is_no_sample(
    root: Client, sandbox: Sandbox, secrets: dict[str, str], samples: dict[str, str]
) -> None:
    secret = "x" * 40 + secrets["full"][40:]
    answer = root.post(reverse(CONNECT), {"token": secret, "name": "", "organization": "acme"})
    assert secret.encode() not in of_answer(answer)
