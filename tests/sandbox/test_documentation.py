"""The page about the sandbox names everything that there is to try."""

from pathlib import Path

import pytest

from sandbox.entra.samples import SAMPLES as APPLICATIONS
from sandbox.fault_injection import KINDS, VARIANTS
from sandbox.samples import MISBEHAVING, SAMPLES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
OPTIONS = (
    "--port",
    "--latency",
    "--server",
    "--path",
    "--certificate",
    "--entra",
    "--entra-port",
    "--organizations",
    "--projects",
    "--repositories",
)
DOORS = (
    "/_sandbox/requests",
    "/_sandbox/clock",
    "/_sandbox/tokens/",
    "/_sandbox/behaviour",
    "/_sandbox/organizations/",
    "/_sandbox/entra",
    "/_sandbox/entra/applications",
    "/_sandbox/entra/behaviour",
    "/_sandbox/entra/requests",
)


@pytest.mark.parametrize("name", [one.name for one in SAMPLES] + list(MISBEHAVING) + list(KINDS))
def test_each_token_organization_and_fault_is_on_the_page(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("name", list(APPLICATIONS))
def test_what_happens_to_an_application_is_said_in_the_same_words(name: str) -> None:
    applications = PAGE.partition("| application | what happens in `acme` |")[2]
    row = next(line for line in applications.splitlines() if line.startswith(f"| `{name}` |"))
    assert APPLICATIONS[name] in row


@pytest.mark.parametrize("kind", list(VARIANTS))
def test_each_variant_of_a_fault_is_named_beside_it(kind: str) -> None:
    faults = PAGE.partition("| kind |")[2]
    row = next(line for line in faults.splitlines() if line.startswith(f"| `{kind}` |"))
    assert [variant for variant in VARIANTS[kind] if f"`{variant}`" not in row] == []


@pytest.mark.parametrize("name", [*OPTIONS, *DOORS])
def test_each_option_and_door_is_on_the_page(name: str) -> None:
    assert name in PAGE


@pytest.mark.parametrize("name", list(MISBEHAVING))
def test_what_an_organization_does_is_said_in_the_same_words(name: str) -> None:
    organizations = PAGE.partition("| organization | what it does |")[2]
    row = next(line for line in organizations.splitlines() if line.startswith(f"| `{name}` |"))
    assert MISBEHAVING[name] in row
