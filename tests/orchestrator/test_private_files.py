"""VAR_DIR is closed to other users, unless it holds what the product did not write."""

import stat
from pathlib import Path

import pytest

from orchestrator.private_files import close_to_others
from orchestrator.running_product import FILE_NAME, RunningProduct


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As a start with the sandbox leaves it, and as copying it may open it."""
    running = RunningProduct("http://127.0.0.1:8000", 8061, 8062)
    entra = running.sandbox_entra(tmp_path)
    assert entra is not None
    for place in ("log", "mail", "static", entra.folder.name):
        (tmp_path / place).mkdir()
    for name in ("keys.env", "db.sqlite3", "db.sqlite3-wal", "tables.stamp", FILE_NAME):
        (tmp_path / name).touch()
    tmp_path.chmod(0o755)
    return tmp_path


def test_a_folder_with_everything_that_a_start_writes_is_closed(folder: Path) -> None:
    assert close_to_others(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_with_other_things_stays_open(folder: Path) -> None:
    (folder / "notes.txt").touch()
    assert not close_to_others(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
