"""A note that the first administrator's password was not shown yet, so that the next start makes a new one.

It is written before the account is stored and removed once the password is on the terminal. It holds a digest of the
stored hash, so that a password which somebody set meanwhile is not replaced.
"""

import hashlib
from pathlib import Path

from orchestrator.supervisor.files import write_whole

_FILE_NAME = "password-not-shown"


def note_not_shown(folder: Path, password_hash: str) -> None:
    """Before the account with this hash is stored. Raises `OSError`."""
    write_whole(folder / _FILE_NAME, _digest(password_hash))


def is_not_shown(folder: Path, password_hash: str) -> bool:
    """Whether the password with this hash was made by a start that ended before it was printed."""
    path = folder / _FILE_NAME
    return path.exists() and path.read_text(encoding="utf-8") == _digest(password_hash)


def forget(folder: Path) -> None:
    """It was shown, or is no longer of interest."""
    (folder / _FILE_NAME).unlink(missing_ok=True)


def _digest(password_hash: str) -> str:
    return hashlib.sha256(password_hash.encode()).hexdigest()
