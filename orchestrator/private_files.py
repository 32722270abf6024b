"""Files in VAR_DIR: written whole or not at all, and closed to other users. Without Django, for the supervisor."""

import errno
import os
import stat
import tempfile
from fnmatch import fnmatch
from pathlib import Path

# Is there while the first administrator's password was not shown yet. See `orchestrator/first_administrator.py`.
NOT_SHOWN_NOTE = "password-not-shown"
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
# Errors of a write that do not name the file.
_DISK_ERRORS = (*_DISK_FULL, errno.EROFS, errno.EIO, errno.EFBIG)
# Everything that the product itself writes there.
_OWN_FILES = (
    "keys.env",
    ".keys.env.*",
    "up.lock",
    "*.stamp",
    ".*.stamp.*",
    f"*{NOT_SHOWN_NOTE}*",
    "static",
    "log",
    "mail",
    "broker",
    "sandbox-entra",
    "db.sqlite3",
    "db.sqlite3-*",
)


def write_whole(path: Path, text: str) -> None:
    """Write a file of mode 0600 that is there whole or not at all, whatever ends this process or the machine.

    Raises `OSError`, with the name of the file.
    """
    try:
        # mkstemp makes the file 0600.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
            sync_to_disk(path.parent)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as problem:
        raise OSError(problem.errno, problem.strerror, str(path)) from problem


def sync_to_disk(path: Path) -> None:
    """Write a file, or the names in a folder, to the disk itself. Raises `OSError`."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def explain(problem: OSError, folder: Path | None = None) -> str:
    """Say what could not be written, and what helps. Raises an error again that has nothing to do with a file.

    Errors of a disk that do not name a file are taken for errors of `folder`.
    """
    name = problem.filename or (folder if problem.errno in _DISK_ERRORS else None)
    if name is None:
        raise problem
    if problem.errno in _DISK_FULL:
        return (
            f"{name}: the disk is full. Make room, or set VAR_DIR to a folder on another disk, and start again. "
            "Nothing half-written was left."
        )
    return (
        f"{name}: {problem.strerror} (user id {os.getuid()}). "
        "Set VAR_DIR to a folder that this user may write, or give this one to the user."
    )


def is_open_to_others(folder: Path) -> bool:
    """Return whether other users of the machine may read the folder, or write to it."""
    return bool(folder.stat().st_mode & 0o077)


def close_to_others(folder: Path) -> bool:
    """Take the rights of others away from a folder of this user's that holds nothing but the product's own files.

    Return whether anything was changed. A folder with other things in it may be open for a reason, such as a home or
    /tmp. Raises `OSError`.
    """
    status = folder.stat()
    is_shared = status.st_uid != os.getuid() or bool(status.st_mode & stat.S_ISVTX)
    if is_shared or not is_open_to_others(folder) or not all(map(_is_own, folder.iterdir())):
        return False
    folder.chmod(stat.S_IMODE(status.st_mode) & 0o700)
    return True


def _is_own(path: Path) -> bool:
    return any(fnmatch(path.name, pattern) for pattern in _OWN_FILES)
