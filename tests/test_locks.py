"""The lock files: complete, with hashes, in step with pyproject.toml and with what is installed."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from orchestrator import bootstrap
from requirements.lock_files import LOCKS, requirements_of

ROOT = Path(__file__).resolve().parents[1]
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
PYTHONS = ("3.11", "3.12", "3.13")
SYSTEMS = (("linux", "Linux", "posix"), ("darwin", "Darwin", "posix"), ("win32", "Windows", "nt"))
# What pip itself, which comes with Python, brings into a new environment.
COME_WITH_PYTHON = {"pip", "setuptools", "wheel"}


@dataclass(frozen=True)
class Entry:
    """One distribution of a lock."""

    name: str
    version: str
    marker: Marker | None
    hashes: tuple[str, ...]

    def applies(self, environment: dict[str, str] | None = None) -> bool:
        """Whether it is installed in an environment, by default in this one."""
        return self.marker is None or self.marker.evaluate(environment)


def lines_of(name: str) -> list[str]:
    """The entries of a lock as pip reads them, each with its continuations in one line."""
    text = bootstrap.lock_of(ROOT, name).read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def entries(name: str) -> Iterator[Entry]:
    for line in lines_of(name):
        requirement = Requirement(line.partition(" --hash")[0])
        (pin,) = requirement.specifier
        assert pin.operator == "==", line
        yield Entry(canonicalize_name(requirement.name), pin.version, requirement.marker, tuple(HASH.findall(line)))


def platforms() -> Iterator[dict[str, str]]:
    for python in PYTHONS:
        for sys_platform, system, name in SYSTEMS:
            yield {
                "python_version": python,
                "python_full_version": f"{python}.5",
                "sys_platform": sys_platform,
                "platform_system": system,
                "os_name": name,
                "implementation_name": "cpython",
                "platform_python_implementation": "CPython",
            }


def installed() -> dict[str, Distribution]:
    return {canonicalize_name(found.metadata["Name"]): found for found in distributions()}


def needs(found: Distribution, extras: set[str]) -> Iterator[Requirement]:
    """What an installed distribution with these extras needs in this environment."""
    for text in found.requires or ():
        requirement = Requirement(text)
        if any(requirement.marker is None or requirement.marker.evaluate({"extra": one}) for one in {"", *extras}):
            yield requirement


def test_every_set_of_pyproject_has_a_lock_and_every_lock_is_of_a_set() -> None:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {path.stem for path in (ROOT / "requirements").glob("*.lock")} == set(LOCKS)
    assert {"dependencies", *project["optional-dependencies"]} == {part for parts in LOCKS.values() for part in parts}
    assert set(bootstrap.SETS) <= set(LOCKS)


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_is_a_version_with_hashes_and_nothing_else(name: str) -> None:
    """No option, no address of a package index, no path of the machine on which it was made."""
    line = re.compile(r"[a-z0-9-]+==[0-9][\w.!+]*( ; [^\\]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
    assert [text for text in lines_of(name) if not line.fullmatch(text)] == []
    assert not re.search(r"://|--index|--find-links|@ file", bootstrap.lock_of(ROOT, name).read_text())


@pytest.mark.parametrize("name", LOCKS)
def test_what_pyproject_asks_for_is_locked_in_a_version_that_it_permits_on_every_platform(name: str) -> None:
    locked = list(entries(name))
    for environment in platforms():
        here = {entry.name: entry.version for entry in locked if entry.applies(environment)}
        for requirement in map(Requirement, requirements_of(name)):
            if requirement.marker is None or requirement.marker.evaluate(environment):
                version = here.get(canonicalize_name(requirement.name), "none")
                assert version in requirement.specifier if version != "none" else False, (requirement, environment)


@pytest.mark.parametrize("name", LOCKS)
def test_no_platform_gets_two_versions_of_one_distribution(name: str) -> None:
    locked = list(entries(name))
    for environment in platforms():
        names = [entry.name for entry in locked if entry.applies(environment)]
        assert len(names) == len(set(names)), environment


@pytest.mark.parametrize("name", ["run", "sign-in"])
def test_what_the_product_needs_is_tested_in_the_same_files(name: str) -> None:
    assert set(entries(name)) <= set(entries("dev"))


def test_what_is_installed_is_what_the_lock_says() -> None:
    here = {name: found.version for name, found in installed().items()}
    locked = {entry.name: entry.version for entry in entries("dev") if entry.applies()}
    assert {name: here.get(name) for name in locked} == locked


@pytest.mark.parametrize("name", ["run", "sign-in", "dev"])
def test_everything_that_a_locked_distribution_needs_is_locked_too(name: str) -> None:
    """Else pip would refuse the lock; and nothing is locked that nobody needs."""
    here, locked = installed(), {entry.name for entry in entries(name) if entry.applies()}
    reached: dict[str, set[str]] = {}
    waiting = [one for one in map(Requirement, requirements_of(name)) if one.marker is None or one.marker.evaluate()]
    while waiting:
        requirement = waiting.pop()
        key = canonicalize_name(requirement.name)
        if key in reached and requirement.extras <= reached[key]:
            continue
        reached[key] = reached.get(key, set()) | requirement.extras
        waiting += needs(here[key], reached[key])
    assert set(reached) - COME_WITH_PYTHON == locked - COME_WITH_PYTHON
