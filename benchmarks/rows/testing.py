"""Row 11: how long the tests take, as `make test` runs them. Their goals are times, so they say so."""

import os
import subprocess
import sys
from collections.abc import Iterator
from time import monotonic

from benchmarks.place import ROOT
from benchmarks.result import Measured
from orchestrator.generate_keys import MAKERS

# What a benchmark sets for itself; a person's terminal has none of it.
_NOT_A_PERSONS = (*MAKERS, "DJANGO_SETTINGS_MODULE", "VAR_DIR", "STATIC_MANIFEST", "LOG_LEVEL", "ALLOWED_HOSTS")
_NOT_A_PERSONS += ("TESTS_PER_PERSON", "TESTS_PER_ADDRESS", "SIGN_IN_ATTEMPTS", "AZURE_DEVOPS_CACHE_DIR")
_BROWSER = ("--ignore=tests/journeys",)
_WHOLE_AND_SERVERS = ("--ignore=tests/product", "--ignore=tests/servers")
WORKS = {
    "make test": ((), 240.0),
    "make test without a browser": (_BROWSER, 60.0),
    "the same without real servers and the product started whole": ((*_BROWSER, *_WHOLE_AND_SERVERS), 60.0),
}


# Collecting all of them takes most of a minute.
_SOME = ("--collect-only", "tests/core", "tests/throttling")


def measure(*, short: bool) -> Iterator[Measured]:
    """Short, some of the tests are collected."""
    for work, (left_out, goal) in WORKS.items():
        begun = monotonic()
        _run([*left_out, *(_SOME if short else ())], workers="0" if short else "auto")
        yield Measured(11, work, "", monotonic() - begun, goal, unit="s")


def _run(options: list[str], *, workers: str) -> None:
    command = [sys.executable, "-m", "pytest", "--quiet", "--numprocesses", workers, "--dist", "loadgroup", *options]
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_A_PERSONS}
    # The table is on standard output.
    subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
