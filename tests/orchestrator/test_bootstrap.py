"""How `.venv` is made and kept in step, with the steps that need a network replaced."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator import bootstrap

PROJECT = """
[project]
dependencies = ["django==5.2"]
[project.optional-dependencies]
dev = ["pytest==9"]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    return tmp_path


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What was installed, in this order; making and installing take no time."""
    done: list[list[str]] = []

    def make(venv: Path) -> None:
        (venv / "bin").mkdir(parents=True)
        (venv / "bin" / "python").symlink_to(sys.executable)

    monkeypatch.setattr(bootstrap, "make_venv", make)
    monkeypatch.setattr(bootstrap, "install", lambda _venv, wanted: done.append(wanted))
    return done


def test_the_development_set_includes_what_the_product_needs(root: Path) -> None:
    assert bootstrap.requirements(root / "pyproject.toml", "run") == ["django==5.2"]
    assert bootstrap.requirements(root / "pyproject.toml", "dev") == ["django==5.2", "pytest==9"]


def test_a_first_start_installs_and_a_second_one_does_not(root: Path, installed: list[list[str]]) -> None:
    bootstrap.bring_up_to_date(root, "run")
    bootstrap.bring_up_to_date(root, "run")
    assert installed == [["django==5.2"]]


def test_the_development_set_is_enough_for_a_run(root: Path, installed: list[list[str]]) -> None:
    bootstrap.bring_up_to_date(root, "dev")
    bootstrap.bring_up_to_date(root, "run")
    assert installed == [["django==5.2", "pytest==9"]]


def test_a_run_is_not_enough_for_development(root: Path, installed: list[list[str]]) -> None:
    bootstrap.bring_up_to_date(root, "run")
    bootstrap.bring_up_to_date(root, "dev")
    assert installed == [["django==5.2"], ["django==5.2", "pytest==9"]]


def test_a_changed_pin_is_installed(root: Path, installed: list[list[str]]) -> None:
    bootstrap.bring_up_to_date(root, "run")
    (root / "pyproject.toml").write_text(PROJECT.replace("5.2", "5.2.1"))
    bootstrap.bring_up_to_date(root, "run")
    assert installed[1:] == [["django==5.2.1"]]


def test_an_interrupted_installation_is_done_again(
    root: Path, installed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_venv: Path, _wanted: list[str]) -> None:
        raise bootstrap.CannotInstall("no network")

    with monkeypatch.context() as patch:
        patch.setattr(bootstrap, "install", broken)
        assert bootstrap.main(["run"], root) == 1
    assert bootstrap.main(["run"], root) == 0
    assert installed == [["django==5.2"]]


def test_an_environment_whose_python_was_removed_is_made_anew(root: Path, installed: list[list[str]]) -> None:
    bootstrap.bring_up_to_date(root, "run")
    python = root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert not bootstrap.is_usable(root / ".venv")


def test_a_failed_installation_says_how_to_name_another_index(
    root: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    venv = root / ".venv"
    (venv / "bin").mkdir(parents=True)
    # A Python whose pip fails.
    (venv / "bin" / "python").write_text('#!/bin/sh\ncase "$*" in *install*) echo no way; exit 1;; esac\n')
    (venv / "bin" / "python").chmod(0o755)
    assert bootstrap.main(["run"], root) == 1
    said = capfd.readouterr().out
    assert "no way" in said
    assert "set PIP_INDEX_URL to your own index" in said


@pytest.mark.parametrize(
    ("default", "remedy"),
    [
        (f"python3.{sys.version_info.minor}", "sudo apt install python3-venv"),
        ("python3.9", f"sudo apt install python3.{sys.version_info.minor}-venv"),
        (None, "sudo apt install python3-venv"),
    ],
)
def test_the_remedy_names_the_package_of_this_very_python(tmp_path: Path, default: str | None, remedy: str) -> None:
    link = tmp_path / "python3"
    if default:
        (tmp_path / default).touch()
        link.symlink_to(tmp_path / default)
    assert bootstrap.remedy_for_missing_venv(link) == remedy


def test_a_start_waits_for_another_one_that_installs(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import fcntl

    waited: list[int] = []
    original: Callable[..., object] = fcntl.flock

    def flock(handle: object, operation: int) -> None:
        waited.append(operation)
        if operation & fcntl.LOCK_NB:
            raise BlockingIOError
        original(handle, operation)

    with pytest.MonkeyPatch.context() as patch, (root / "pyproject.toml").open() as file:
        patch.setattr(fcntl, "flock", flock)
        bootstrap._lock(file)
    assert waited == [fcntl.LOCK_EX | fcntl.LOCK_NB, fcntl.LOCK_EX]
    assert "Another start is installing in this folder; waiting for it" in capsys.readouterr().out
