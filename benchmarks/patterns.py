"""Find every regular expression of the product automatically."""

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from types import ModuleType
from typing import Any

from benchmarks.place import ROOT

PACKAGES = (
    "api",
    "connections",
    "core",
    "delivery",
    "expected_answers",
    "history",
    "orchestrator",
    "people",
    "sandbox",
    "throttling",
)
# These run when they are imported, or need settings of their own. Their source is searched like that of all others.
_NOT_IMPORTED = re.compile(
    r".*\.(?:migrations\..*|__main__|celery|wsgi|gunicorn)|orchestrator\.supervisor\.watchdog|people\.sign_in\..*"
)
_FUNCTIONS = ("search", "match", "fullmatch", "split", "findall", "finditer", "sub", "subn")


@dataclass(frozen=True)
class Found:
    """One expression, and where it stands: its module, and its name there.

    `is_of_all` says that it is asked whether it fits the text as a whole, and not only where in the text it does.
    """

    place: str
    pattern: re.Pattern[Any]
    is_of_all: bool


def every_pattern() -> list[Found]:
    """Every expression that a module of the product holds. Django must be set up."""
    modules = sorted({name for package in PACKAGES for name in _modules(package)})
    found = [one for name in modules for one in _held_by(importlib.import_module(name))]
    return list({one.pattern: one for one in found}.values())


def _modules(package: str) -> Iterator[str]:
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(root.__path__, f"{package}."):
        if not _NOT_IMPORTED.fullmatch(module.name):
            yield module.name


def _held_by(module: ModuleType) -> Iterator[Found]:
    for name, value in vars(module).items():
        found = list(_within(value, depth=4))
        is_of_all = bool(found) and f"{name}.fullmatch" in inspect.getsource(module)
        yield from (Found(f"{module.__name__}.{name}", one, is_of_all) for one in found)


def _within(value: object, *, depth: int) -> Iterator[re.Pattern[Any]]:
    """The expressions in a value, also within what it holds."""
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, (tuple, list, set, frozenset)):
        yield from (one for item in value for one in _within(item, depth=depth - 1))
    elif depth and isinstance(value, dict):
        yield from (one for item in (*value, *value.values()) for one in _within(item, depth=depth - 1))
    elif depth and is_dataclass(value) and not isinstance(value, type):
        yield from (one for field in fields(value) for one in _within(getattr(value, field.name), depth=depth - 1))


def hidden_patterns() -> list[str]:
    """Where an expression is used that no imported module holds, so that `every_pattern` cannot find it.

    Each as the file and the line of code.
    """
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            file = path.relative_to(ROOT)
            is_imported = not _NOT_IMPORTED.fullmatch(".".join(file.with_suffix("").parts))
            lines = source.splitlines()
            found += [f"{file}: {lines[number - 1].strip()}" for number in _hidden_in(ast.parse(source), is_imported)]
    return found


def _hidden_in(tree: ast.Module, is_imported: bool) -> Iterator[int]:
    held = {id(call) for statement in tree.body for call in _at_the_top(statement)} if is_imported else set()
    for node in ast.walk(tree):
        by_name = isinstance(node, ast.ImportFrom) and node.module == "re"
        is_hidden = _is_call(node, "compile") and id(node) not in held
        if isinstance(node, (ast.ImportFrom, ast.Call)) and (by_name or is_hidden or _is_call(node, *_FUNCTIONS)):
            yield node.lineno


def _at_the_top(statement: ast.stmt) -> Iterator[ast.AST]:
    """What is run when the module is, and kept under a name of it."""
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        yield from ast.walk(statement)


def _is_call(node: ast.AST, *names: str) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in names
    )
