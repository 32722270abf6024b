"""`docs/network.md` lists every host that stands in the product, and every setting that names one."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OURS = ("api", "connections", "core", "delivery", "history", "orchestrator", "people", "throttling")
# Comments cite sources, as docstrings do.
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
HOST = re.compile(r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,})")
# Names a language, asks nobody.
NAMESPACES = {"www.w3.org", "adaptivecards.io"}
# The settings that lead somewhere.
SETTINGS = {
    "AZURE_DEVOPS_SERVERS",
    "AZURE_DEVOPS_PROXIES",
    "DATABASE_URL",
    "REDIS_URL",
    "EMAIL_URL",
    "SUPPORT_URL",
}
documented = (ROOT / "docs" / "network.md").read_text()


def strings(tree: ast.AST) -> Iterator[str]:
    """Every text in the code but docstrings, which only cite sources."""
    prose = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            first = node.body[0]
            prose.add(id(first.value) if isinstance(first, ast.Expr) else 0)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value


def hosts() -> dict[str, str]:
    found: dict[str, str] = {}
    for folder in OURS:
        for path in (ROOT / folder).rglob("*.py"):
            for text in strings(ast.parse(path.read_text())):
                found |= dict.fromkeys(HOST.findall(text), str(path))
    for drawn in (ROOT / "templates", ROOT / "static", *(ROOT / "connections/providers").glob("*/templates")):
        for path in drawn.rglob("*.*"):
            found |= dict.fromkeys(HOST.findall(COMMENT.sub("", path.read_text())), str(path))
    return found


def test_no_host_stands_in_the_product_that_is_not_listed() -> None:
    found = hosts()
    assert {"dev.azure.com", "vsrm.dev.azure.com", "learn.microsoft.com"} <= set(found)
    unlisted = {host: where for host, where in found.items() if f"`{host}`" not in documented}
    assert set(unlisted) - NAMESPACES == set()


def test_every_setting_that_leads_somewhere_is_listed() -> None:
    settings = ("orchestrator/settings.py", "orchestrator/start_settings.py")
    read = "".join((ROOT / one).read_text() for one in settings)
    leading = {name for name in re.findall(r'env\.\w+\("([A-Z_]+)"', read) if name.endswith(("_URL", "_PROXIES"))}
    # These name the product itself, and whose word is taken.
    assert leading - {"SITE_URL", "TRUSTED_PROXIES"} | {"AZURE_DEVOPS_SERVERS"} == SETTINGS
    assert [name for name in sorted(SETTINGS) if f"`{name}`" not in documented] == []
