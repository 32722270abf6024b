"""Keys are made once, and only their user can read them."""

import stat
import subprocess
import sys
from pathlib import Path

from orchestrator import generate_keys


def test_they_are_made_once_and_only_their_user_can_read_them(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    assert set(generate_keys.make_missing_keys(folder, {})) == set(generate_keys.MAKERS)
    first = (folder / generate_keys.FILE_NAME).read_text()
    assert generate_keys.make_missing_keys(folder, {}) == ()
    assert (folder / generate_keys.FILE_NAME).read_text() == first
    assert stat.S_IMODE((folder / generate_keys.FILE_NAME).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_the_environment_has_is_not_made(tmp_path: Path) -> None:
    assert "SECRET_KEY" not in generate_keys.make_missing_keys(tmp_path, {"SECRET_KEY": "mine"})
    assert "SECRET_KEY" not in (tmp_path / generate_keys.FILE_NAME).read_text()


def test_a_key_of_a_later_version_is_added_to_those_there_are(tmp_path: Path) -> None:
    (tmp_path / generate_keys.FILE_NAME).write_text("SECRET_KEY=mine")
    generate_keys.make_missing_keys(tmp_path, {})
    lines = (tmp_path / generate_keys.FILE_NAME).read_text().splitlines()
    assert lines[0] == "SECRET_KEY=mine"
    assert [line.partition("=")[0] for line in lines] == list(generate_keys.MAKERS)


def test_no_two_sets_are_alike() -> None:
    printed = [
        subprocess.run([sys.executable, generate_keys.__file__], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert not set(printed[0].split()) & set(printed[1].split())
