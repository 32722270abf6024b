"""Not only root starts it: a user without a name, without a home, in a folder that belongs to somebody else."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.free_ports import free_near
from tests.product import pythons
from tests.product.running import ROOT, Start, copy_checkout, eventually, finished, is_ready, persons_environment

pytestmark = [pytest.mark.product, pytest.mark.xdist_group("product")]
STRANGER = 54321
AS_STRANGER = ("setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups") if os.getuid() == 0 else ()


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that everybody may enter; pytest's own is private."""
    place = Path(tempfile.mkdtemp(prefix="product-"))
    place.chmod(0o755)
    yield place
    for folder in place.iterdir():
        folder.chmod(0o755)
    shutil.rmtree(place)


@pytest.fixture(scope="module")
def python(place: Path) -> Path | None:
    """A Python that the stranger may run; whoever is not root stays the same user and needs none."""
    return pythons.python_in(place / "python") if AS_STRANGER else None


@pytest.fixture(scope="module")
def somebody_elses(place: Path, python: Path | None) -> Path:
    """A checkout in which the person may read and run everything and write nothing."""
    folder = copy_checkout(place / "checkout", environment=None if python else ROOT / ".venv")
    if python:
        pythons.environment_in(folder, python)
    (folder / ".env").write_text(f"SANDBOX=0\nTIME_ZONE=Europe/Berlin\nWEB_PORT={free_near(0)}\n")
    folder.chmod(0o555)
    return folder


@pytest.fixture
def environment(python: Path | None) -> dict[str, str]:
    return pythons.library_path(python) if python else {}


def test_a_folder_that_cannot_be_written_is_said_with_what_helps(
    somebody_elses: Path, environment: dict[str, str]
) -> None:
    code, said = finished(somebody_elses, [*AS_STRANGER, "make", "run"], persons_environment(**environment))
    assert code != 0
    assert f"{somebody_elses / 'var'}: Permission denied" in said
    assert "Set VAR_DIR to a folder that this user may write" in said
    assert "Traceback" not in said


def test_a_folder_without_packages_that_cannot_be_written_is_said_too(
    somebody_elses: Path, environment: dict[str, str], place: Path
) -> None:
    bare = copy_checkout(place / "bare", environment=None)
    bare.chmod(0o555)
    code, said = finished(bare, [*AS_STRANGER, "make", "run"], persons_environment(**environment))
    assert code != 0
    assert f"{bare} cannot be written by the user with id" in said
    assert "Traceback" not in said


def test_with_var_dir_it_runs_all_the_same_and_env_is_read(
    somebody_elses: Path, environment: dict[str, str], place: Path
) -> None:
    var = place / "var of the stranger"
    var.mkdir()
    if AS_STRANGER:
        os.chown(var, STRANGER, STRANGER)
    command = ("env", "--unset=HOME", "--unset=USER", "--unset=LOGNAME", *AS_STRANGER, "make", "run")
    start = Start(somebody_elses, command, VAR_DIR=str(var), **environment)
    try:
        start.up()
        assert start.url == f"http://127.0.0.1:{_port_of(somebody_elses)}"
        assert {path.name for path in var.iterdir()} >= {"keys.env", "db.sqlite3", "static", "broker"}
        assert start.pids_of("sandbox") == []
        eventually(lambda: is_ready(start), "clock or worker left no sign of life")
        start.ctrl_c()
        assert start.processes() == {}
    finally:
        start.close()
    assert {path.stat().st_uid for path in var.rglob("*")} == {var.stat().st_uid}
    assert not (somebody_elses / "var").exists()


def _port_of(folder: Path) -> str:
    return (folder / ".env").read_text().strip().rpartition("=")[2]
