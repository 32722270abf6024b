"""Pythons for other circumstances: one that another user may run, one that lacks a part of its library."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Collection
from pathlib import Path

from tests.product.running import ROOT

_VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
_NOT_NEEDED = ("test", "site-packages", "dist-packages", "idlelib", "tkinter", "turtledemo", "config-*")


def python_in(folder: Path, *, without: Collection[str] = ()) -> Path:
    """This test run's own Python, put into `folder` as if it was installed there, except some of its library."""
    base = Path(sys.base_prefix)
    library = Path(sysconfig.get_path("stdlib", vars={"base": sys.base_prefix, "installed_base": sys.base_prefix}))
    (folder / "bin").mkdir(parents=True)
    _tree(library, folder / "lib" / _VERSION, ignore=[*_NOT_NEEDED, *without])
    for shared in (base / "lib").glob("libpython3*.so*"):
        _link(shared.resolve(), folder / "lib" / shared.name)
    program = folder / "bin" / _VERSION
    _link(Path(os.path.realpath(sys.executable)), program)
    return program


def library_path(python: Path) -> dict[str, str]:
    """What a Python needs in its environment to find its own shared library in its new place."""
    return (
        {"LD_LIBRARY_PATH": str(python.parent.parent / "lib")} if sysconfig.get_config_var("Py_ENABLE_SHARED") else {}
    )


def environment_in(checkout: Path, python: Path) -> None:
    """A `.venv` for `python` with the packages that are installed here, so that nothing is downloaded."""
    venv = checkout / ".venv"
    subprocess.run([python, "-m", "venv", "--without-pip", venv], check=True, env=os.environ | library_path(python))
    packages = Path("lib", _VERSION, "site-packages")
    shutil.rmtree(venv / packages)
    _tree(ROOT / ".venv" / packages, venv / packages, ignore=["playwright", "mypy*"])
    shutil.copy(ROOT / ".venv" / "run.stamp", venv)


def _tree(source: Path, target: Path, *, ignore: list[str]) -> None:
    shutil.copytree(source, target, symlinks=True, copy_function=_link, ignore=shutil.ignore_patterns(*ignore))


def _link(source: Path | str, target: Path | str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
