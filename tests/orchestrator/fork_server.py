"""A process that has loaded the libraries of the product, but none of its code, and forks another for each command.

A command so begun reads its settings and loads the product as if it was started anew, in a third of the time.
"""

import gc
import json
import os
import runpy
import socket
import subprocess
import sys
from contextlib import ExitStack
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

# Each can be imported before there are settings. A command that needs no such library has it all the same.
LIBRARIES = (
    "celery.app.task",
    "cryptography.hazmat.primitives.kdf.hkdf",
    "csp.middleware",
    "django.core.management.commands.shell",
    "django.core.management.commands.migrate",
    "django.db.backends.sqlite3.base",
    "django.template.defaulttags",
    "django.test",
    "django.views.debug",
    "django_htmx.middleware",
    "environ",
    "icalendar",
    "kombu",
    "lucide",
    "psycopg_pool",
    "pydantic",
    "redis",
    "requests",
    "structlog",
    "whitenoise.middleware",
)
WITHIN = 300.0  # seconds


class ForkServer:
    """Such a process. It ends with the one that started it."""

    def __init__(self, root: Path) -> None:
        ours, its = socket.socketpair()
        command = [sys.executable, "-W", "ignore", __file__, str(its.fileno())]
        with its:
            self._process = subprocess.Popen(command, cwd=root, pass_fds=[its.fileno()])
        self._socket = ours
        self._socket.settimeout(WITHIN)

    def kill(self) -> None:
        """End the process. A command that it runs goes on alone."""
        self._process.kill()
        self._process.wait()
        self._socket.close()

    def run(self, words: list[str], environment: dict[str, str]) -> tuple[int, str, str]:
        """Run `manage.py` with these words: exit code, output and errors."""
        with ExitStack() as stack:
            out, errors = (stack.enter_context(TemporaryFile()) for _ in range(2))
            asked = json.dumps([words, environment]).encode()
            socket.send_fds(self._socket, [len(asked).to_bytes(4)], [out.fileno(), errors.fileno()])
            self._socket.sendall(asked)
            code = int.from_bytes(_exactly(self._socket, 4), signed=True)
            for file in (out, errors):
                file.seek(0)
            return code, out.read().decode(), errors.read().decode()


@cache
def fork_server(root: Path) -> ForkServer:
    """The one of this process."""
    return ForkServer(root)


def run(root: Path, words: list[str], environment: dict[str, str]) -> tuple[int, str, str]:
    """Run `manage.py` by the server of this process. After an error, such as a timeout, the next one gets another."""
    server = fork_server(root)
    try:
        return server.run(words, environment)
    except BaseException:
        fork_server.cache_clear()
        server.kill()
        raise


def _exactly(connection: socket.socket, size: int) -> bytes:
    found = connection.recv(size, socket.MSG_WAITALL)
    if len(found) < size:
        raise EOFError
    return found


def _forked(connection: socket.socket) -> tuple[list[str], dict[str, str]]:
    """Return in a new process for each request, with its words and its environment."""
    while True:
        size, outputs, *_ = socket.recv_fds(connection, 4, 2)
        if not size:
            sys.exit()
        words, environment = json.loads(_exactly(connection, int.from_bytes(size)))
        pid = os.fork()
        if not pid:
            connection.close()
            for number, output in enumerate(outputs, start=1):
                os.dup2(output, number)
            return words, environment
        for output in outputs:
            os.close(output)
        connection.sendall(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]).to_bytes(4, signed=True))


def _main(number: int) -> Any:
    for name in LIBRARIES:
        import_module(name)
    gc.freeze()
    with socket.socket(fileno=number) as connection:
        words, environment = _forked(connection)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["manage.py", *words]
    sys.path[0] = str(Path.cwd())
    return runpy.run_path("manage.py", run_name="__main__")


if __name__ == "__main__":
    _main(int(sys.argv[1]))
