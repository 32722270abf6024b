"""An IPv6 address counts as its /64, since whoever has one address of it has them all."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from throttling.networks import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:0:1::7", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64"),
        ("2001:db8:0:2::7", "2001:db8:0:2::/64"),
        ("fe80::7%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::ffff:c000:207", "192.0.2.7"),
        ("64:ff9b::c000:207", "192.0.2.7"),
        ("64:ff9b:1::c000:207", "64:ff9b:1::/64"),
        ("", ""),
        (None, ""),
    ],
)
def test_what_counts_instead_of_an_address(address: str | None, network: str) -> None:
    assert network_of(address) == network


ROOT = Path(__file__).resolve().parents[2]
APPS = ("api", "connections", "delivery", "history", "orchestrator", "people", "throttling")


def costs_of(source: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Cost":
            yield node


def bare_addresses(call: ast.Call) -> list[str]:
    """What a limit counts that is called an address and did not go through `network_of`."""
    wrapped = {
        id(part)
        for node in ast.walk(call)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "network_of"
        for part in ast.walk(node)
    }
    named = (node for node in ast.walk(call) if isinstance(node, ast.Name | ast.Attribute) and id(node) not in wrapped)
    return [name for name in (getattr(node, "id", getattr(node, "attr", "")) for node in named) if "address" in name]


def test_no_limit_counts_a_bare_address() -> None:
    sources = {path: path.read_text(encoding="utf-8") for app in APPS for path in (ROOT / app).rglob("*.py")}
    costs = [(path, call) for path, source in sources.items() for call in costs_of(source)]
    assert len(costs) > 5
    assert [(path.name, call.lineno) for path, call in costs if bare_addresses(call)] == []


@pytest.mark.parametrize(
    ("line", "bare"),
    [
        ("Cost(rate, (by.address,))", ["address"]),
        ("rate_limits.Cost(rate, (name, address or ''))", ["address"]),
        ("Cost(rate, (by.id, network_of(by.address)))", []),
    ],
)
def test_a_bare_address_is_found(line: str, bare: list[str]) -> None:
    (call,) = costs_of(line)
    assert bare_addresses(call) == bare
