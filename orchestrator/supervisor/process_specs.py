"""What is started, with which command and which environment."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.environment import SECRET_FILES, SECRETS

# The sandbox and the broker are no part of the product: its secrets are not for them.
_NOT_FOR_OTHERS = (*SECRETS, *SECRET_FILES, "DJANGO_SETTINGS_MODULE")
SANDBOX_SERVER = "Sandbox"
# How its entry says what it is; the provider reads it.
SANDBOX_KIND = "kind=sandbox"
# Each thread of a worker would keep freed memory in a heap of its own.
# https://www.gnu.org/software/libc/manual/html_node/Memory-Allocation-Tunables.html
FEW_ARENAS = {"MALLOC_ARENA_MAX": "2"}


@dataclass(frozen=True)
class ProcessSpec:
    """A process that is kept running."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    # Open files that the process gets under the same numbers.
    hands_over: tuple[int, ...] = ()
    # A line with one of these is not shown.
    left_out: tuple[str, ...] = ()
    # What is started in its place once it has ended, if not the same again.
    later: "ProcessSpec | None" = None


def web(environment: Mapping[str, str], listener: int) -> ProcessSpec:
    """gunicorn on a socket that is already listening: a restart refuses nobody, and no port is lost to another."""
    command = (
        "gunicorn",
        "orchestrator.wsgi",
        "--config",
        "python:orchestrator.gunicorn",
        "--bind",
        f"fd://{listener}",
    )
    return ProcessSpec("web", _python(*command), environment, (listener,))


def prepared_web(environment: Mapping[str, str], listener: int, report: int) -> ProcessSpec:
    """The same, but its first life prepares what it serves, and says so on the open file `report`.

    A later one serves at once: it must come back also while the database is away.
    """
    later = web(environment, listener)
    python, _, *gunicorn = later.command
    command = (python, "-m", "orchestrator.supervisor.web", str(report), *gunicorn)
    return ProcessSpec("web", command, environment, (listener, report), later=later)


def worker(environment: Mapping[str, str], threads: int) -> ProcessSpec:
    """Celery's worker. Threads, because its work is waiting for Azure DevOps."""
    options = ("--pool", "threads", "--concurrency", str(threads), "--loglevel", "WARNING", "--without-gossip")
    # Celery warns root of pickled messages; ours are JSON, and in a container one is root.
    warnings = ("-W", "ignore:You're running the worker with superuser privileges")
    python, *celery = _celery("worker", *options, "--without-mingle")
    return ProcessSpec("worker", (python, *warnings, *celery), {**FEW_ARENAS, **environment})


def beat(environment: Mapping[str, str]) -> ProcessSpec:
    """Celery's clock."""
    return ProcessSpec("beat", _celery("beat", "--loglevel", "WARNING", "--pidfile", ""), environment)


def sandbox(environment: Mapping[str, str], port: int) -> ProcessSpec:
    """The pretend Azure DevOps."""
    return ProcessSpec("sandbox", _python("sandbox", "--port", str(port)), without_secrets(environment))


def broker(environment: Mapping[str, str], command: list[str]) -> ProcessSpec:
    """The embedded broker."""
    # Advice for servers of a large company, not for a person at a terminal.
    return ProcessSpec("broker", tuple(command), without_secrets(environment), left_out=("Memory overcommit",))


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for a process that is not the product."""
    return {name: value for name, value in environment.items() if name not in _NOT_FOR_OTHERS}


def with_sandbox(servers: str, port: int) -> str:
    """AZURE_DEVOPS_SERVERS with the sandbox added, unless the operator lists one, or another server of its name."""
    entries = [entry.partition("=") for entry in servers.split(",")]
    names = {name.strip().casefold() for name, _, _ in entries}
    if SANDBOX_SERVER.casefold() in names or any(SANDBOX_KIND in value.split() for _, _, value in entries):
        return servers
    return f"{servers},{SANDBOX_SERVER}=http://127.0.0.1:{port} {SANDBOX_KIND}"


def for_children(
    environment: Mapping[str, str], *, redis_url: str, servers: str, var: Path, site: str
) -> dict[str, str]:
    """The environment of the product's own processes. `site` is where mails lead unless the operator said so."""
    return {
        "SITE_URL": site,
        **environment,
        # Either is read, and both are an error.
        **({} if environment.get("REDIS_URL_FILE") else {"REDIS_URL": redis_url}),
        "AZURE_DEVOPS_SERVERS": servers,
        "VAR_DIR": str(var),
        # A line is shown when it is written, not when a buffer is full.
        "PYTHONUNBUFFERED": "1",
    }


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _celery(*arguments: str) -> tuple[str, ...]:
    return _python("celery", "--app", "orchestrator", "--quiet", *arguments)
