"""Files in VAR_DIR: written whole or not at all, closed to other users. Without Django, which takes long to load."""

import errno
import os
import stat
import tempfile
from fnmatch import fnmatch
from pathlib import Path

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
# What a write says without naming the file.
_OF_THE_DISK = (*_DISK_FULL, errno.EROFS, errno.EIO, errno.EFBIG)
# Everything that the product itself keeps there.
_OURS = (
    "keys.env",
    ".keys.env.*",
    "up.lock",
    "*.stamp",
    ".*.stamp.*",
    "*password-not-shown*",
    "*running.json*",
    "static",
    "mail",
    "broker",
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
            _sync_folder(path.parent)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as problem:
        raise OSError(problem.errno, problem.strerror, str(path)) from problem


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def no_place(problem: OSError) -> str:
    """What the person at the terminal is told when something cannot be written."""
    if problem.errno in _DISK_FULL:
        return (
            f"{problem.filename}: the disk is full. Make room, or set VAR_DIR to a folder on another disk, and start "
            "again. Nothing half-written was left."
        )
    return (
        f"{problem.filename}: {problem.strerror} (user id {os.getuid()}). "
        "Set VAR_DIR to a folder that this user may write, or give this one to the user."
    )


def with_file_name(problem: OSError, folder: Path) -> OSError:
    """The same, with `folder` as its file where the disk's trouble names none. Raises what is no trouble of a disk."""
    if problem.filename is not None:
        return problem
    if problem.errno not in _OF_THE_DISK:
        raise problem
    return OSError(problem.errno, problem.strerror, str(folder))


def is_open_to_others(folder: Path) -> bool:
    """Whether other users of the machine may look into the folder, or write to it."""
    return bool(folder.stat().st_mode & 0o077)


def close_to_others(folder: Path) -> bool:
    """Take the rights of others away from a folder of this user's that holds nothing but the product's own files.

    Whether anything was changed. A folder with other things in it may be open for a reason, such as a home or /tmp.
    Raises `OSError`.
    """
    found = folder.stat()
    is_shared = found.st_uid != os.getuid() or bool(found.st_mode & stat.S_ISVTX)
    if is_shared or not is_open_to_others(folder) or not _holds_only_ours(folder):
        return False
    folder.chmod(stat.S_IMODE(found.st_mode) & 0o700)
    return True


def _holds_only_ours(folder: Path) -> bool:
    return all(any(fnmatch(name, pattern) for pattern in _OURS) for name in (entry.name for entry in folder.iterdir()))
