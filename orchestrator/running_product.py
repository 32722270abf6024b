"""The product that runs with a VAR_DIR: one at a time, and where its pages and its sandbox are.

Both are in one file, which the product keeps locked and which its processes and other commands read.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

FILE_NAME = "up.lock"
SAMPLE_TOKENS = "SAMPLE_TOKENS"
SAMPLE_RENEWAL = "SAMPLE_RENEWAL"
_SANDBOX_SERVER = "Sandbox"
ENTRA_FOLDER = "sandbox-entra"
# How the entry of a server says that it is the sandbox. The provider reads it.
_SANDBOX_KIND = "kind=sandbox"


@dataclass(frozen=True, slots=True)
class SandboxEntra:
    """The sandbox's Microsoft Entra: its port, and the folder with its certificates.

    `identity` is the application whose token of a workload is there: its tenant and client id.
    """

    port: int
    folder: Path
    identity: str = ""

    @property
    def authority(self) -> str:
        """Where applications get access tokens."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def workload_token_file(self) -> str:
        """The file with a token of this workload, as a platform would write it."""
        return str(self.folder / "workload.jwt")

    @property
    def ca_bundle(self) -> str:
        """The file with the authority that its clients trust."""
        return str(self.folder / "ca.pem")


@dataclass(frozen=True, slots=True)
class RunningProduct:
    """Where it is. `sandbox_port` and `entra_port` are None when no sandbox was started.

    `identity` is that of this machine in the sandbox: a tenant and a client id.
    """

    site_url: str
    sandbox_port: int | None
    entra_port: int | None = None
    identity: str = ""

    def sandbox_entra(self, var_dir: Path) -> SandboxEntra | None:
        """The sandbox's Microsoft Entra, if one runs."""
        return SandboxEntra(self.entra_port, var_dir / ENTRA_FOLDER, self.identity) if self.entra_port else None

    def servers_with_sandbox(self, servers: str) -> str:
        """Add the sandbox to AZURE_DEVOPS_SERVERS, unless that has one, or another server of its name."""
        entries = [entry.partition("=") for entry in servers.split(",")]
        names = {name.strip().casefold() for name, _, _ in entries}
        has_sandbox = any(_SANDBOX_KIND in value.split() for _, _, value in entries)
        if not self.sandbox_port or has_sandbox or _SANDBOX_SERVER.casefold() in names:
            return servers
        return f"{servers},{_SANDBOX_SERVER}=http://127.0.0.1:{self.sandbox_port} {_SANDBOX_KIND}"


class AlreadyRunning(Exception):
    """The product runs with this VAR_DIR. The message says where."""


@contextmanager
def only_start(folder: Path) -> Iterator[TextIO]:
    """Lock the folder, and yield the lock's file for `note`. Raises `AlreadyRunning`.

    The kernel frees the lock when the process dies, however it dies.
    """
    with (folder / FILE_NAME).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            product = read(folder)
            where = f" at {product.site_url}/" if product else ""
            raise AlreadyRunning(f"It already runs from this folder{where}. Stop that one first, or use it.") from None
        try:
            yield file
        finally:
            os.ftruncate(file.fileno(), 0)


def note(file: TextIO, product: RunningProduct) -> None:
    """Write into the lock's file what runs. Raises `OSError`, with the name of the file."""
    try:
        os.ftruncate(file.fileno(), 0)
        # Not through the buffer of the file, which would try again later what the disk has no room for.
        os.write(file.fileno(), json.dumps(asdict(product) | {"pid": os.getpid()}).encode())
    except OSError as problem:
        raise OSError(problem.errno, problem.strerror, file.name) from problem


def read(folder: Path) -> RunningProduct | None:
    """Return what runs with this VAR_DIR; None when nothing does, also after a supervisor was killed."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        noted = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
        os.kill(int(noted["pid"]), 0)
        sandbox, entra = (None if noted[name] is None else int(noted[name]) for name in ("sandbox_port", "entra_port"))
        return RunningProduct(str(noted["site_url"]), sandbox, entra, str(noted.get("identity", "")))
    return None


def handed_over_samples() -> list[dict[str, str]]:
    """The sample tokens that `make run` hands to the web process; none in any other process."""
    return list(json.loads(os.environ.get(SAMPLE_TOKENS, "[]")))


def handed_over_renewal() -> dict[str, str]:
    """The sandbox's application for renewing tokens, which `make run` hands over; empty in any other process.

    It has a tenant, a client, a secret and the page on which people sign in.
    """
    return dict(json.loads(os.environ.get(SAMPLE_RENEWAL, "{}")))
