"""`docs/architecture.md` is true: it draws the contracts, names files that exist, and describes every table."""

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from tests.loaded_settings import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LINTER: dict[str, Any] = PYPROJECT["tool"]["importlinter"]
SUFFIX = ": imports point down"
CONTRACTS: dict[str, list[str]] = {
    contract["name"].removesuffix(SUFFIX): contract["layers"]
    for contract in LINTER["contracts"]
    if contract["type"] == "layers"
}
OURS = {package for package in LINTER["root_packages"] if package not in {"sandbox", "expected_answers"}}
# Top-level packages that are tools for developers: no contract says what they may import.
TOOLS = {"tests", "benchmarks", "requirements"}
# Documents that name files of the checkout.
DOCUMENTS = [
    ROOT / "docs" / "architecture.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs" / "decisions").glob("*.md")),
]


def drawings() -> dict[str, list[str]]:
    """The layers of each drawing, without what is said beside them."""
    found = re.findall(r"^```layers (.+)\n((?:.+\n)+)```$", PAGE, re.MULTILINE)
    return {name: [line.partition("#")[0].rstrip() for line in body.splitlines()] for name, body in found}


def section(heading: str) -> str:
    """The text below a heading of the page."""
    return PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def as_drawing(name: str) -> str:
    """What belongs into the page, to be pasted."""
    return "\n".join((f"```layers {name}", *CONTRACTS[name], "```"))


def test_every_contract_about_layers_is_drawn_once() -> None:
    assert sorted(re.findall(r"^```layers (.+)$", PAGE, re.MULTILINE)) == sorted(CONTRACTS)


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_drawing_says_what_its_contract_says(name: str) -> None:
    assert drawings().get(name) == CONTRACTS[name], f"docs/architecture.md should draw:\n{as_drawing(name)}"


def test_every_layers_contract_inside_a_package_is_exhaustive() -> None:
    layers = [contract for contract in LINTER["contracts"] if contract["type"] == "layers"]
    assert [
        contract["name"] for contract in layers if "containers" in contract and not contract.get("exhaustive")
    ] == []
    # import-linter knows no exhaustive contract for the top level: the next test stands for it.
    assert [contract["name"] for contract in layers if "containers" not in contract] == ["Apps" + SUFFIX]
    assert set(CONTRACTS["Apps"]) == OURS


def test_the_contracts_know_every_package_of_the_checkout() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert set(LINTER["root_packages"]) == packages - TOOLS


# What views, the admin, tasks and commands do not do: they make one call to an action or a read, which does it.
QUERIES = {
    *("objects", "filter", "exclude", "annotate", "aggregate", "order_by", "values_list", "exists", "get_or_create"),
    *("select_related", "prefetch_related", "select_for_update", "save", "delete", "bulk_create", "refresh_from_db"),
}
OF_THE_DATABASE = {"transaction", "prefetch_related_objects", "Q", "F", "Count", "Exists"}
ALLOWED = {
    ("connections/admin.py", "values_list"): "Django hands an action of the admin its selection as a queryset",
    ("connections/cli/calibration.py", "exists"): "of a file",
}


def translators() -> list[Path]:
    """The modules of views, admin, tasks and commands."""
    patterns = ("views.py", "*_views.py", "views/*.py", "admin.py", "tasks.py", "cli/*.py", "management/commands/*.py")
    return sorted({path for package in OURS for name in patterns for path in (ROOT / package).rglob(name)})


def queries_in(path: Path) -> set[str]:
    """The queries and transactions that a module names."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)} & QUERIES
    imported = {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    return attributes | imported & OF_THE_DATABASE


def test_the_translators_are_all_there() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in translators()}
    assert {"connections/views/bulk_rotation.py", "delivery/builds/build_views.py", "connections/tasks.py"} <= names
    assert {"connections/admin.py", "history/views.py", "delivery/management/commands/builds.py"} <= names


@pytest.mark.parametrize("path", translators(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_only_translates_makes_no_query(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    allowed = {query for module, query in ALLOWED if module == name}
    assert queries_in(path) - allowed == set(), "Move it to a read or an action."
    assert allowed <= queries_in(path), "An exception that is not needed any more."


def changes() -> list[tuple[str, list[str]]]:
    """Each change of the table, with the files that it names."""
    rows = [line.strip("| ").split(" | ") for line in section("To change this, open that").splitlines() if "|" in line]
    return [(row[0], re.findall(r"`([\w./-]+[./][\w/-]*)`", " ".join(row[1:]))) for row in rows[2:]]


def test_the_table_of_changes_has_the_ordinary_ones() -> None:
    assert len(changes()) >= 20
    assert all(files for _, files in changes())


@pytest.mark.parametrize(("change", "files"), changes())
def test_what_is_to_be_opened_for_a_change_exists(change: str, files: list[str]) -> None:
    folders = [Path(name).parent for name in files]
    # "`git.py` beside it": in the folder of a file named before.
    beside = {name for name in files if any((ROOT / folder / name).exists() for folder in folders)}
    assert [name for name in files if not (ROOT / name).exists() and name not in beside] == [], change


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_module_that_a_document_names_exists(document: Path) -> None:
    named = set(re.findall(r"`([\w./]+\.py)`", document.read_text()))
    packages = [*LINTER["root_packages"], *TOOLS]
    there = {path.relative_to(ROOT).as_posix() for package in packages for path in (ROOT / package).rglob("*.py")}
    assert {name for name in named if not any(f"/{path}".endswith(f"/{name}") for path in there)} == set()


def test_every_table_is_described() -> None:
    models = {
        model.__name__
        for config in apps.get_app_configs()
        if config.label in OURS
        for model in config.get_models()
        if model._meta.managed and not model._meta.proxy
    }
    described = set(re.findall(r"`([A-Z]\w+)`", "\n".join(re.findall(r"^\|[^|]+\|", section("Tables"), re.MULTILINE))))
    assert described == models
