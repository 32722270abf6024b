"""A first start that something breaks off: a full disk, an end before the password is on the terminal."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from orchestrator.free_ports import free_near
from tests.needs import need
from tests.product.running import Start, copy_checkout, finished, persons_environment

pytestmark = [pytest.mark.product, pytest.mark.xdist_group("product")]
COMMAND = (sys.executable, "manage.py", "up")
# Room, in bytes, for so much of a first start.
ROOMS = {
    "not even the keys": 0,
    "the keys, and no database": 64 * 1024,
    "half a database": 512 * 1024,
    "the database, and no static files": 2560 * 1024,
    "half the static files": 4 * 1024 * 1024,
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_checkout(tmp_path_factory.mktemp("product") / "checkout")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """`disk(room)`: a disk of its own with so many bytes free."""
    need(found=os.getuid() == 0, lacking="The right to mount a disk", remedy="run the tests as root")
    place = tmp_path / "disk"
    place.mkdir()

    def mount(room: int) -> Path:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room + 8192},mode=0755", "tmpfs", place], check=True)
        (place / "filled").write_bytes(b"x" * 8192)
        (place / "var").mkdir()
        return place / "var"

    yield mount
    subprocess.run(["umount", "--lazy", place], check=False)


@pytest.mark.parametrize("room", ROOMS.values(), ids=ROOMS)
def test_a_full_disk_is_a_sentence_and_leaves_nothing_half_written(
    checkout: Path, disk: Callable[[int], Path], room: int
) -> None:
    var = disk(room)
    environment = persons_environment(VAR_DIR=str(var), SANDBOX="0")
    code, said = finished(checkout, COMMAND, environment)
    assert code != 0
    assert "the disk is full" in said
    assert "Traceback" not in said
    # The keys are whole, or there are none; the lock is empty; of a log, whole lines are useful.
    left = {str(path.relative_to(var)): path.stat().st_size for path in var.rglob("*") if path.is_file()}
    assert left.pop("up.lock", 0) == 0
    left.pop("log/run.log", None)
    if "keys.env" in left:
        assert len((var / "keys.env").read_text().splitlines()) == 4
        left.pop("keys.env")
    assert left == {}


@contextmanager
def started(checkout: Path, var: Path, **environment: str) -> Iterator[Start]:
    start = Start(checkout, COMMAND, VAR_DIR=str(var), SANDBOX="0", **environment)
    try:
        yield start
    finally:
        start.close()


def signs_in(start: Start) -> bool:
    with requests.Session() as browser:
        browser.get(f"{start.url}/sign-in/", timeout=20)
        fields = {"username": "admin", "password": start.said(r"^Password +(\S{12,})$")}
        fields["csrfmiddlewaretoken"] = browser.cookies["csrftoken"]
        return "Sign out" in browser.post(f"{start.url}/sign-in/", fields, timeout=20).text


def test_a_start_that_ended_before_the_password_was_printed_locks_nobody_out(checkout: Path, tmp_path: Path) -> None:
    # A broker that is not there ends a start after the administrator is stored and before anything is printed.
    with started(checkout, tmp_path / "var", REDIS_URL=f"redis://127.0.0.1:{free_near(0)}/0") as broken:
        broken.wait_for("No broker answers")
        assert "Password" not in broken.text
    with started(checkout, tmp_path / "var") as start:
        assert signs_in(start.up())
    with started(checkout, tmp_path / "var") as start:
        assert "it was shown at the first start only" in start.up().text


def test_a_folder_that_is_open_to_others_is_closed(checkout: Path, tmp_path: Path) -> None:
    var = tmp_path / "var"
    var.mkdir(mode=0o755)
    with started(checkout, var) as start:
        start.up()
        assert f"{var} was open to other users of this machine; it is closed now" in start.text
        assert stat.S_IMODE(var.stat().st_mode) == 0o700
        assert stat.S_IMODE((var / "db.sqlite3").stat().st_mode) == 0o600
        assert "orchestrator.W012" not in start.text


def test_a_folder_that_others_use_too_is_warned_of(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("of somebody else's")
    tmp_path.chmod(0o755)
    with started(checkout, tmp_path) as start:
        start.up()
        assert "Other users of this machine can read VAR_DIR" in start.text
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
        assert stat.S_IMODE((tmp_path / "db.sqlite3").stat().st_mode) == 0o600
