"""What must be true before anything is served: tables, static files, and the first administrator.

`make run` starts `python -m orchestrator.preparation` and waits for its end. It prints the administrator as JSON, or
ends with exit code 1 and prints why nothing can be served.
"""

import errno
import gc
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from pkgutil import iter_modules

import django
from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.checks import Tags
from django.core.exceptions import ImproperlyConfigured
from django.core.management import BaseCommand, call_command
from django.core.management.base import SystemCheckError
from django.db import Error as DatabaseError
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder

from core.database_errors import DatabaseProblem, database_problem
from orchestrator.private_files import NOT_SHOWN_NOTE, explain, write_whole

_STATIC, _TABLES = "static.stamp", "tables.stamp"


def main() -> str:
    """Prepare everything, and return the administrator as JSON. Raises `SystemExit` when that cannot be done."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestrator.settings")
    try:
        # What others print must not be taken for the administrator.
        with redirect_stdout(sys.stderr):
            django.setup()
            return json.dumps(prepare())
    except (ImproperlyConfigured, SystemCheckError) as problem:
        reason = str(problem)
    except DatabaseError as problem:
        reason = f"The database cannot be used: {problem}"
    except OSError as problem:
        reason = explain(problem, settings.VAR_DIR)
    print(reason)
    raise SystemExit(1)


def prepare() -> dict[str, str | None]:
    """Check the settings, and bring the database and the static files up to date. Return who may sign in.

    Raises `SystemCheckError`, `django.db.Error` when there is no database, and `OSError` when the disk is full.
    """
    # Models can be imported once Django is set up.
    from orchestrator.first_administrator import first_administrator
    from people import roles

    BaseCommand().check(tags=[Tags.security])
    with _no_unfinished_database():
        if not bring_tables_up_to_date():
            # As a migration does: permissions that someone added to a role by hand are removed.
            roles.sync()
        collect_changed_static_files()
        return first_administrator()


@contextmanager
def _no_unfinished_database() -> Iterator[None]:
    """Remove a new SQLite database that could not be finished: nobody has used it yet."""
    path = Path(settings.DATABASES["default"]["NAME"]) if connection.vendor == "sqlite" else None
    is_new = path is not None and not path.exists()
    try:
        yield
    except (DatabaseError, OSError) as problem:
        is_full = path is not None and database_problem(problem) is DatabaseProblem.FULL
        connections.close_all()
        if path is not None and is_new:
            for ending in ("", "-wal", "-shm", "-journal"):
                Path(f"{path}{ending}").unlink(missing_ok=True)
            for note in (_TABLES, NOT_SHOWN_NOTE):
                (Path(settings.VAR_DIR) / note).unlink(missing_ok=True)
        if is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from problem
        raise


def bring_tables_up_to_date() -> bool:
    """Migrate, unless neither the code nor the database has changed since. Return whether it was necessary.

    A migration also updates permissions, so any change of the code counts.
    """
    stamp, now = Path(settings.VAR_DIR) / _TABLES, _fingerprint(_code())
    if (
        stamp.exists()
        and stamp.read_text() == now
        and _migrations() <= MigrationRecorder(connection).applied_migrations().keys()
    ):
        return False
    stamp.unlink(missing_ok=True)
    call_command("migrate", interactive=False, verbosity=0)
    write_whole(stamp, now)
    return True


def _code() -> Iterator[tuple[str, Path]]:
    yield django.__version__, Path(django.__file__)
    for config in apps.get_app_configs():
        if Path(config.path).parent == settings.BASE_DIR:
            yield from ((str(path), path) for path in sorted(Path(config.path).rglob("*.py")))


def _migrations() -> set[tuple[str, str]]:
    """Return those of every installed app, as the database records them."""
    return {
        (config.label, module.name)
        for config in apps.get_app_configs()
        for module in iter_modules([str(Path(config.path) / "migrations")])
    }


def collect_changed_static_files() -> bool:
    """Collect, hash and compress the static files, unless none has changed since. Return whether it was necessary."""
    stamp, now = Path(settings.VAR_DIR) / _STATIC, _fingerprint(_static_files())
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if manifest.exists() and stamp.exists() and stamp.read_text() == now:
        return False
    # Django takes a truncated file for one that is up to date, so nothing of an unfinished collection is kept.
    unfinished = not stamp.exists()
    stamp.unlink(missing_ok=True)
    try:
        call_command("collectstatic", interactive=False, verbosity=0, clear=unfinished)
    except OSError:
        shutil.rmtree(settings.STATIC_ROOT, ignore_errors=True)
        raise
    write_whole(stamp, now)
    return True


def _static_files() -> Iterator[tuple[str, Path]]:
    for finder in finders.get_finders():
        for name, storage in finder.list([]):
            yield name, Path(storage.path(name))


def _fingerprint(files: Iterable[tuple[str, Path]]) -> str:
    """Return a digest of every file's name, size and time of change."""
    digest = hashlib.sha256()
    for name, path in files:
        status = path.stat()
        digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


if __name__ == "__main__":
    # It ends before there is garbage worth looking for, and the first page waits for it.
    gc.disable()
    print(main())
