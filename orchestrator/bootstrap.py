"""Creates .venv and syncs it with the lock files in requirements/. Runs before anything is installed.

The argument chooses the set of packages:

    python orchestrator/bootstrap.py run      what the product needs
    python orchestrator/bootstrap.py sign-in  that, and the optional ways to sign in
    python orchestrator/bootstrap.py dev      that, and what its tests and checks need

Every file is compared with its hash in the lock. Only wheels are installed, so that installing runs no code of a
package and downloads no build backend.
"""

import fcntl
import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

HERE = Path(__file__).resolve().parent.parent
# Each holds everything of the one before it.
SETS = ("run", "sign-in", "dev")


_OWNER_REMEDY = "Start as the user who owns this folder, or in a copy of your own."


class CannotInstall(Exception):
    """The environment can't be created or filled; the message tells the user why."""


def lock_of(root: Path, which: str) -> Path:
    """The lock file of one set."""
    return root / "requirements" / f"{which}.lock"


def stamp_of(lock: Path) -> str:
    """The content of the file that marks a finished installation, so that the next start can skip it."""
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def remedy_for_missing_venv(system_python: Path = Path("/usr/bin/python3")) -> str:
    """The command that installs `ensurepip`, which Debian has in a package of its own for each version of Python."""
    mine = f"python3.{sys.version_info.minor}"
    is_default = not system_python.exists() or system_python.resolve().name == mine
    return f"sudo apt install {'python3' if is_default else mine}-venv"


def make_venv(venv: Path) -> None:
    """Create a virtual environment, replacing an existing one. Raises `CannotInstall`."""
    if importlib.util.find_spec("ensurepip") is None:
        raise CannotInstall(
            f"This Python ({sys.executable}) cannot create virtual environments. "
            f"On Debian and Ubuntu, this command fixes it:\n\n    {remedy_for_missing_venv()}\n"
        )
    folder = venv if venv.exists() else venv.parent
    if not os.access(folder, os.W_OK):
        raise CannotInstall(f"{folder} cannot be written by the user with id {os.getuid()}. {_OWNER_REMEDY}")
    say(f"Creating {venv.name} with {sys.executable} ...")
    if subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=False).returncode:
        raise CannotInstall(f"{venv} could not be created; the lines above say why.")


def install(venv: Path, lock: Path) -> None:
    """Install exactly what the lock names. Raises `CannotInstall`."""
    say("Installing the locked dependencies; this happens only once ...")
    pip = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
    exactly = ["--require-hashes", "--only-binary", ":all:", "--requirement", str(lock)]
    if subprocess.run([*pip, *exactly], check=False).returncode:
        raise CannotInstall(
            "The dependencies could not be installed; the lines above say why. "
            "If PyPI cannot be reached from here, set PIP_INDEX_URL to your own index. It must have the same files, "
            "because each is compared with its hash in the lock."
        )


def is_usable(venv: Path) -> bool:
    """Whether the environment is complete and its Python still runs."""
    probe = "import pip, sys; sys.exit(sys.version_info < (3, 11))"
    try:
        return not subprocess.run([venv / "bin" / "python", "-c", probe], check=False, capture_output=True).returncode
    except OSError:
        return False


def bring_up_to_date(root: Path, which: str) -> None:
    """Create and fill `root/.venv` unless it is up to date. Raises `CannotInstall`."""
    venv = root / ".venv"
    stamps = {name: stamp_of(lock_of(root, name)) for name in SETS}
    stamp = venv / f"{which}.stamp"
    # If its Python was uninstalled, the link in .venv is dangling.
    if (venv / "bin" / "python").exists() and stamp.is_file() and stamp.read_text() == stamps[which]:
        # Tells make that nothing is to do until the lock changes. If that is not possible, this runs each time.
        with suppress(OSError):
            stamp.touch()
        return
    widest = max([which, *(name for name in SETS if (venv / f"{name}.stamp").is_file())], key=SETS.index)
    if not is_usable(venv):
        make_venv(venv)
    for name in SETS:
        (venv / f"{name}.stamp").unlink(missing_ok=True)
    # If a larger set is installed, update all of it, so that no part is outdated.
    install(venv, lock_of(root, widest))
    for name in SETS[: SETS.index(widest) + 1]:
        (venv / f"{name}.stamp").write_text(stamps[name])


@contextmanager
def one_at_a_time(root: Path) -> Iterator[None]:
    """Keep two starts in the same folder from installing at the same time."""
    with lock_of(root, SETS[0]).open(encoding="utf-8") as lock:
        _lock(lock)
        yield


def _lock(lock: TextIO) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("Another process is installing in this folder; waiting for it ...")
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError as error:
        say(f"This folder cannot be locked ({error.strerror}); continuing without a lock.")


def say(sentence: str) -> None:
    """Print to the terminal immediately."""
    print(sentence, flush=True)


def main(arguments: list[str], root: Path = HERE) -> int:
    """The exit code."""
    try:
        with one_at_a_time(root):
            bring_up_to_date(root, arguments[0])
    except CannotInstall as error:
        say(str(error))
        return 1
    except PermissionError as error:
        say(f"{error.filename} cannot be used by the user with id {os.getuid()}. {_OWNER_REMEDY}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
