"""The processes of `make run`: command and environment of each."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.environment import SECRET_FILES, SECRETS
from orchestrator.running_product import SAMPLE_RENEWAL, SAMPLE_TOKENS, SandboxEntra

PREPARATION_GATE = "PREPARATION_GATE"
_PYTHON = (sys.executable, "-m")
_CELERY = "orchestrator.celery_process"
# The sandbox and the broker are not part of the product, so they do not get its secrets.
_PRODUCT_ONLY = (*SECRETS, *SECRET_FILES, "DJANGO_SETTINGS_MODULE")
# Each thread of a worker would keep freed memory in a heap of its own.
# https://www.gnu.org/software/libc/manual/html_node/Memory-Allocation-Tunables.html
_FEW_ARENAS = {"MALLOC_ARENA_MAX": "2"}


@dataclass(frozen=True)
class ProcessSpec:
    """A process to start."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    # File descriptors that the process inherits under the same numbers.
    open_files: tuple[int, ...] = ()
    # A line with one of these is in the log only.
    routine_lines: tuple[str, ...] = ()


def preparation(environment: Mapping[str, str]) -> ProcessSpec:
    """Migrate, collect the static files, create the first administrator, and end."""
    return ProcessSpec("prepare", (*_PYTHON, "orchestrator.preparation"), environment)


def web(environment: Mapping[str, str], listener: int, *gate: int, samples: str = "", renewal: str = "") -> ProcessSpec:
    """gunicorn on a socket that listens already: a restart refuses no request, and nobody else can take the port.

    With a gate it loads, and serves once that has opened. See `orchestrator/gunicorn.py`. `samples` are the tokens of
    the sandbox and `renewal` its application for renewing them, which only web and worker get.
    """
    gunicorn = (*_PYTHON, "gunicorn", "orchestrator.wsgi", "--config", "python:orchestrator.gunicorn")
    handed_over = {PREPARATION_GATE: str(gate[0])} if gate else {}
    if samples:
        handed_over[SAMPLE_TOKENS] = samples
    if renewal:
        handed_over[SAMPLE_RENEWAL] = renewal
    command = (*gunicorn, "--bind", f"fd://{listener}")
    return ProcessSpec("web", command, {**environment, **handed_over}, (listener, *gate))


def worker(environment: Mapping[str, str], threads: int, *, renewal: str = "") -> ProcessSpec:
    """Celery's worker. With the sandbox's application for renewing tokens, its mails offer that."""
    # Celery warns root of pickled messages; ours are JSON, and in a container one is root.
    warnings = ("-W", "ignore:You're running the worker with superuser privileges")
    command = (sys.executable, *warnings, "-m", _CELERY, "worker", "--concurrency", str(threads))
    handed_over = {SAMPLE_RENEWAL: renewal} if renewal else {}
    return ProcessSpec("worker", command, {**_FEW_ARENAS, **environment, **handed_over})


def beat(environment: Mapping[str, str]) -> ProcessSpec:
    """Celery's scheduler."""
    return ProcessSpec("beat", (*_PYTHON, _CELERY, "beat"), {**_FEW_ARENAS, **environment})


def sandbox(environment: Mapping[str, str], port: int, entra: SandboxEntra | None = None) -> ProcessSpec:
    """The pretend Azure DevOps, and the pretend Microsoft Entra beside it."""
    command = (*_PYTHON, "sandbox", "--port", str(port))
    issuer = ("--entra", str(entra.folder), "--entra-port", str(entra.port)) if entra else ()
    return ProcessSpec("sandbox", (*command, *issuer), _without_secrets(environment), routine_lines=("Sandbox on ",))


def broker(environment: Mapping[str, str], command: list[str]) -> ProcessSpec:
    """The embedded broker, without its advice for busy servers."""
    return ProcessSpec("broker", tuple(command), _without_secrets(environment), routine_lines=("Memory overcommit",))


def _without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in _PRODUCT_ONLY}
