"""How `.venv` is made and kept in step, with the steps that need a network replaced."""

import hashlib
import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator import bootstrap

LOCKS = {
    "run": "django==5.2\n",
    "sign-in": "allauth==65\ndjango==5.2\n",
    "dev": "allauth==65\ndjango==5.2\npytest==9\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "requirements").mkdir()
    for name, text in LOCKS.items():
        (tmp_path / "requirements" / f"{name}.lock").write_text(text)
    return tmp_path


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The text of each lock that was installed, in this order; making and installing take no time."""
    done: list[str] = []

    def make(venv: Path) -> None:
        (venv / "bin").mkdir(parents=True)
        (venv / "bin" / "python").symlink_to(sys.executable)

    monkeypatch.setattr(bootstrap, "make_venv", make)
    monkeypatch.setattr(bootstrap, "install", lambda _venv, lock: done.append(lock.read_text()))
    return done


def test_a_first_start_installs_and_a_second_one_does_not(root: Path, installed: list[str]) -> None:
    bootstrap.bring_up_to_date(root, "run")
    bootstrap.bring_up_to_date(root, "run")
    assert installed == [LOCKS["run"]]


def test_the_development_set_is_enough_for_a_run(root: Path, installed: list[str]) -> None:
    bootstrap.bring_up_to_date(root, "dev")
    bootstrap.bring_up_to_date(root, "run")
    assert installed == [LOCKS["dev"]]


def test_a_run_is_not_enough_for_development(root: Path, installed: list[str]) -> None:
    bootstrap.bring_up_to_date(root, "run")
    bootstrap.bring_up_to_date(root, "dev")
    assert installed == [LOCKS["run"], LOCKS["dev"]]


def test_a_changed_pin_is_installed(root: Path, installed: list[str]) -> None:
    bootstrap.bring_up_to_date(root, "run")
    (root / "requirements" / "run.lock").write_text("django==5.2.1\n")
    bootstrap.bring_up_to_date(root, "run")
    assert installed[1:] == ["django==5.2.1\n"]


@pytest.mark.parametrize("which", ["sign-in", "dev"])
def test_an_environment_that_was_made_for_more_keeps_all_of_it_in_step(
    root: Path, installed: list[str], which: str
) -> None:
    bootstrap.bring_up_to_date(root, which)
    for name in LOCKS:
        (root / "requirements" / f"{name}.lock").write_text(LOCKS[name].replace("5.2", "5.2.1"))
    bootstrap.bring_up_to_date(root, "run")
    assert installed[1:] == [LOCKS[which].replace("5.2", "5.2.1")]


def test_every_file_is_compared_with_its_hash_and_nothing_is_built(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The lock of a real pip names a file with a wrong hash, or none, or one that would have to be built."""
    wheel, archive = root / "files" / "small-1-py3-none-any.whl", root / "files" / "other-1.tar.gz"
    _make_wheel(wheel)
    archive.write_bytes(b"")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    environment = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheel.parent), "PIP_CONFIG_FILE": os.devnull}
    venv = root / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    _lend_pip(venv)

    def says(lock: str) -> str:
        (root / "requirements" / "run.lock").write_text(lock)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            try:
                bootstrap.install(venv, bootstrap.lock_of(root, "run"))
            except bootstrap.CannotInstall:
                return "".join(capfd.readouterr())
        return "installed"

    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in says(f"small==1 --hash=sha256:{'0' * 64}\n")
    assert "Hashes are required in --require-hashes mode" in says("small==1\n")
    assert "No matching distribution found for other==1" in says(f"other==1 --hash=sha256:{'0' * 64}\n")
    assert says(f"small==1 --hash=sha256:{digest}\n") == "installed"


def _lend_pip(venv: Path) -> None:
    """The pip of this environment: to unpack and compile one takes seconds."""
    (target,) = venv.glob("lib/python*/site-packages")
    for part in Path(sysconfig.get_path("purelib")).glob("pip*"):
        (target / part.name).symlink_to(part)


def _make_wheel(path: Path) -> None:
    """The smallest wheel that pip takes."""
    path.parent.mkdir()
    files = {
        "small.py": "",
        "small-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: small\nVersion: 1\n",
        "small-1.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "small-1.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)


def test_an_interrupted_installation_is_done_again(
    root: Path, installed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_venv: Path, _lock: Path) -> None:
        raise bootstrap.CannotInstall("no network")

    with monkeypatch.context() as patch:
        patch.setattr(bootstrap, "install", broken)
        assert bootstrap.main(["run"], root) == 1
    assert bootstrap.main(["run"], root) == 0
    assert installed == [LOCKS["run"]]


def test_an_environment_whose_python_was_removed_is_made_anew(root: Path, installed: list[str]) -> None:
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

    with pytest.MonkeyPatch.context() as patch, (root / "requirements" / "run.lock").open() as file:
        patch.setattr(fcntl, "flock", flock)
        bootstrap._lock(file)
    assert waited == [fcntl.LOCK_EX | fcntl.LOCK_NB, fcntl.LOCK_EX]
    assert "Another process is installing in this folder; waiting for it" in capsys.readouterr().out
