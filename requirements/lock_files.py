"""Updates the lock files in requirements/ from pyproject.toml. `make lock` runs it, with uv from locking.lock.

A lock lists every package of a set with its dependencies, each in one version with the hashes of all files, for every
platform and every Python that pyproject.toml permits. Locked versions are kept as long as pyproject.toml permits them;
`--upgrade` chooses the newest ones.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "requirements"
OLDEST_PYTHON = "3.11"
RUN = "dependencies"
# The parts of pyproject.toml in each lock. The first lock determines the versions that others share.
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
    """The requirements of one set in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    parts = {RUN: project["dependencies"]} | project["optional-dependencies"]
    return [requirement for part in LOCKS[name] for requirement in parts[part]]


def compile_lock(name: str, uv: str, options: list[str]) -> None:
    """Write one lock file. Raises CalledProcessError if uv finds no versions; uv prints the reason."""
    lock = FOLDER / f"{name}.lock"
    # Nothing specific to this machine may get into the file, such as paths or the URL of a package index.
    command = [uv, "pip", "compile", "-", "--quiet", "--universal", "--python-version", OLDEST_PYTHON]
    command += ["--generate-hashes", "--only-binary", ":all:", "--no-header", "--no-annotate", "--no-emit-index-url"]
    command += ["--output-file", str(lock), *options]
    if name != "dev" and RUN in LOCKS[name]:
        command += ["--constraints", str(FOLDER / "dev.lock")]
    requirements = "\n".join(requirements_of(name))
    subprocess.run(command, input=requirements, text=True, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    lock.write_text(HEADER + lock.read_text(encoding="utf-8"), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Write all lock files. The first argument is the path of uv, the others are passed on to it."""
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
