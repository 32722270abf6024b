"""`python -m orchestrator.supervisor.web FILE MODULE ...`: prepare, tell the open FILE, and go on as MODULE.

One process for both: loading Django is most of what a start takes.
"""

import os
import runpy
import signal
import sys
from importlib import import_module

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import SystemCheckError
from django.db import Error as DatabaseError

from orchestrator.supervisor.files import no_place, with_file_name
from orchestrator.supervisor.ready_pipe import Administrator, CannotStart, complain, prepared


def main(arguments: list[str]) -> None:
    """Does not return."""
    file, sys.argv = int(arguments[0]), arguments[1:]
    try:
        prepared(file, _prepare())
    except CannotStart as problem:
        complain(file, str(problem))
        # Whoever reads it ends this process. One that ends by itself looks like a crash.
        signal.pause()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _prepare() -> Administrator:
    try:
        _load()
        # It needs models, which are there from now on.
        from orchestrator.supervisor.preparation import prepare

        return prepare()
    except (ImproperlyConfigured, SystemCheckError) as problem:
        raise CannotStart(str(problem)) from None
    except DatabaseError as problem:
        raise CannotStart(f"The database cannot be used: {problem}") from None
    except OSError as problem:
        raise CannotStart(no_place(with_file_name(problem, settings.VAR_DIR))) from None


def _load() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestrator.settings")
    django.setup()
    import_module(settings.ROOT_URLCONF)


if __name__ == "__main__":
    main(sys.argv[1:])
