"""`python -m benchmarks against COMMIT [--pairs 3] [--database NAME]`: audits of this tree, as ratios to a commit.

The commit gets a git worktree, and both are measured in turns, so that a busy moment of the machine affects both.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from benchmarks.place import ROOT, place
from sandbox.entra.certificates import CertificateAuthority

_ROW = Path("benchmarks/rows/nearby.py")
_DATABASES = ("sqlite", "postgresql")
# As the product starts its workers. Benchmarks of older commits start theirs without it.
_FEW_ARENAS = {"MALLOC_ARENA_MAX": "2"}


def main(arguments: list[str]) -> None:
    """Measure pairs on each database, over HTTP and TLS, and print the ratios with their range."""
    parser = argparse.ArgumentParser(prog="benchmarks against", description=__doc__)
    parser.add_argument("commit")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--database", action="append", choices=_DATABASES, help="only this one; may be repeated")
    parser.add_argument("--short", action="store_true")
    given = parser.parse_args(arguments)
    with _worktree(given.commit) as old, TemporaryDirectory(prefix="bench-tls-") as folder:
        for database in given.database or _DATABASES:
            for tls in ({}, _certificate(Path(folder))):
                name = f"{database}, {'https' if tls else 'http'}"
                pairs = [
                    (_measure(old, database, tls, short=given.short), _measure(ROOT, database, tls, short=given.short))
                    for _ in range(given.pairs)
                ]
                _report(name, pairs)


@contextmanager
def _worktree(commit: str) -> Iterator[Path]:
    with TemporaryDirectory(prefix="bench-old-") as folder:
        tree = Path(folder) / "tree"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", tree, commit], cwd=ROOT, check=True)
        try:
            shutil.copy(ROOT / _ROW, tree / _ROW)
            yield tree
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=ROOT, check=True)


def _certificate(folder: Path) -> dict[str, str]:
    """A certificate for this machine, and the usual certificate authorities with the one that signed it."""
    authority = CertificateAuthority("Benchmark", days=1)
    bundle, certificate = folder / "bundle.pem", folder / "server.pem"
    bundle.write_bytes(Path(DEFAULT_CA_BUNDLE_PATH).read_bytes() + authority.pem)
    certificate.write_bytes(authority.server("127.0.0.1", "localhost", days=1))
    return {"NEARBY_CERTIFICATE": str(certificate), "REQUESTS_CA_BUNDLE": str(bundle)}


def _measure(tree: Path, database: str, more: dict[str, str], *, short: bool) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.child", "nearby", *(["--short"] if short else [])]
    with place(database) as environment:
        environment |= {"DJANGO_SETTINGS_MODULE": "orchestrator.settings", **_FEW_ARENAS, **more}
        done = subprocess.run(command, cwd=tree, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("{")]
    found: dict[str, Any] = json.loads(line)
    return {"ms of processor time": found["value"], **found["facts"]}


def _report(name: str, pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    for what in pairs[0][0]:
        ratios = sorted(new[what] / old[what] for old, new in pairs)
        before, after = (median(pair[side][what] for pair in pairs) for side in (0, 1))
        spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
        print(f"{name}: {what}: {before:.4g} before, {after:.4g} now, {median(ratios):.2f} × ({spread})", flush=True)
