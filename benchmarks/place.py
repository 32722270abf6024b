"""The environment of a benchmark: settings, an empty database, a sandbox in a process of its own."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from orchestrator.generate_keys import MAKERS

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def place(database: str) -> Iterator[dict[str, str]]:
    """Environment variables for Django, with keys, a folder and an empty database that are removed afterwards."""
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="bench-"))
        made = {name: make() for name, make in MAKERS.items()}
        # The official client caches files in the home directory.
        given = {"AZURE_DEVOPS_CACHE_DIR": f"{folder}/azure-devops"}
        given |= {"VAR_DIR": folder, "STATIC_MANIFEST": "false", "LOG_LEVEL": "ERROR", "ALLOWED_HOSTS": "*"}
        given |= {"TESTS_PER_PERSON": "0", "TESTS_PER_ADDRESS": "0", "SIGN_IN_ATTEMPTS": "0"}
        if database == "postgresql":
            from tests.servers.running import postgresql

            given["DATABASE_URL"] = stack.enter_context(postgresql()).url
        yield os.environ | made | given


def make_tables(environment: Mapping[str, str], kept: Path) -> None:
    """Give a place on SQLite its tables: a copy of those in the file `kept`, which the first call makes."""
    if not kept.exists():
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, env=dict(environment) | {"VAR_DIR": str(kept.parent)}, check=True)
    shutil.copy(kept, Path(environment["VAR_DIR"], kept.name))


@contextmanager
def sandbox(*options: str) -> Iterator[tuple[str, int]]:
    """Start a sandbox; its URL and its process id."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found, "The sandbox did not start."
        try:
            yield found[0], process.pid
        finally:
            process.terminate()


def set_up() -> None:
    """Set up Django and its tables in this process."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def analyze() -> None:
    """Update statistics, as PostgreSQL does automatically within a minute, and an operator of SQLite should."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int | str = "self", what: str = "Pss") -> float:
    """Proportional set size in MB: shared pages are counted by the share."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return sum(int(kib) for kib in re.findall(rf"^{what}: +(\d+)", rollup, re.MULTILINE)) / 1024


def peak_memory(pid: int | str = "self") -> float:
    """The largest resident size that a process ever had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"^VmHWM:\s+(\d+)", status, re.MULTILINE)
    assert found, "The kernel does not report VmHWM."
    return int(found[1]) / 1024
