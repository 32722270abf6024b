"""Machines that lack something: the person reads the one line that mends it."""

import shutil
from pathlib import Path

import pytest

from tests.product import pythons
from tests.product.running import copy_checkout, finished, persons_environment

pytestmark = [pytest.mark.product, pytest.mark.xdist_group("product")]
# What make itself needs, and no Python.
_TOOLS = ("make", "sh", "env", "awk")


def path_with(folder: Path, *programs: Path) -> str:
    """A PATH with the tools of every machine and the given programs, and nothing else."""
    folder.mkdir()
    for tool in _TOOLS:
        found = shutil.which(tool)
        assert found
        (folder / tool).symlink_to(found)
    for program in programs:
        (folder / program.name).symlink_to(program)
    return str(folder)


def test_a_python_that_cannot_make_environments_is_told_the_line_that_mends_it(tmp_path: Path) -> None:
    python = pythons.python_in(tmp_path / "python", without=["ensurepip"])
    folder = copy_checkout(tmp_path / "checkout", environment=None)
    environment = persons_environment(PATH=path_with(tmp_path / "bin", python), **pythons.library_path(python))
    code, said = finished(folder, ["make", "run"], environment)
    assert code != 0
    assert f"This Python ({tmp_path / 'bin' / python.name}) cannot create virtual environments." in said
    assert [line for line in said.splitlines() if line.startswith("    sudo apt install python3")]
    assert "Traceback" not in said
    assert not (folder / ".venv").exists()


def test_a_machine_without_python_is_told_which_one_and_how(tmp_path: Path) -> None:
    folder = copy_checkout(tmp_path / "checkout", environment=None)
    code, said = finished(folder, ["make", "run"], persons_environment(PATH=path_with(tmp_path / "bin")))
    assert code != 0
    assert "Python 3.11 or newer is needed, and none was found on PATH." in said
    assert "sudo apt install python3 python3-venv" in said


def test_make_alone_lists_what_there_is(tmp_path: Path) -> None:
    folder = copy_checkout(tmp_path / "checkout", environment=None)
    code, said = finished(folder, ["make"], persons_environment(PATH=path_with(tmp_path / "bin")))
    assert code == 0
    for target in ("run", "test", "check", "fix"):
        assert f"make {target} " in said
