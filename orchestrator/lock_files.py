"""Renews the lock files in requirements/ from pyproject.toml. `make lock` runs it, with uv from locking.lock.

A lock names every distribution of a set, also those that others need, in one version with the hashes of all its files,
for every platform and every Python that pyproject.toml permits. Versions stay while pyproject.toml permits them;
`--upgrade` takes the newest that it permits.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "requirements"
OLDEST_PYTHON = "3.11"
RUN = "dependencies"
# Which parts of pyproject.toml each lock holds. The first decides about versions that several of them share.
LOCKS = {
    "dev": (RUN, "sign-in", "dev"),
    "sign-in": (RUN, "sign-in"),
    "run": (RUN,),
    "audit": ("audit",),
    "profile": ("profile",),
    "locking": ("locking",),
}
HEADER = "# Made by `make lock` from pyproject.toml; not edited by hand.\n"


def requirements_of(name: str) -> list[str]:
    """What pyproject.toml asks for in one set."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    parts = {RUN: project["dependencies"]} | project["optional-dependencies"]
    return [requirement for part in LOCKS[name] for requirement in parts[part]]


def compile_lock(name: str, uv: str, options: list[str]) -> None:
    """Write one lock file. Raises CalledProcessError when uv finds no versions; what it says is on the terminal."""
    lock = FOLDER / f"{name}.lock"
    # Nothing of this machine may get into the file: no comments with paths, no address of a package index.
    command = [uv, "pip", "compile", "-", "--quiet", "--universal", "--python-version", OLDEST_PYTHON]
    command += ["--generate-hashes", "--only-binary", ":all:", "--no-header", "--no-annotate", "--no-emit-index-url"]
    command += ["--output-file", str(lock), *options]
    if name != "dev" and RUN in LOCKS[name]:
        command += ["--constraints", str(FOLDER / "dev.lock")]
    wanted = "\n".join(requirements_of(name))
    subprocess.run(command, input=wanted, text=True, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    lock.write_text(HEADER + lock.read_text(encoding="utf-8"), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """The exit code. The first argument is the path of uv, the others are passed on to it."""
    uv, *options = arguments
    for name in LOCKS:
        try:
            compile_lock(name, uv, options)
        except subprocess.CalledProcessError as error:
            return error.returncode
        print(f"requirements/{name}.lock")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
