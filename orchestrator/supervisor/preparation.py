"""What must be true before anything is served: tables, static files; and the first administrator."""

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from pkgutil import iter_modules

import django
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.core.checks import Tags
from django.core.management import BaseCommand, call_command
from django.db import Error as DatabaseError
from django.db import connection, connections, transaction
from django.db.migrations.recorder import MigrationRecorder

from core.database_errors import DatabaseProblem, database_problem
from orchestrator.supervisor import first_password
from orchestrator.supervisor.files import write_whole
from orchestrator.supervisor.ready_pipe import Administrator
from people import roles

FIRST_ADMINISTRATOR = "admin"
_STATIC, _TABLES = "static.stamp", "tables.stamp"


def prepare() -> Administrator:
    """Look at what the operator set, and bring the database and the static files up to date. Who may sign in.

    Raises `SystemCheckError`, `django.db.Error` when there is no database, and `OSError` when the disk is full.
    """
    BaseCommand().check(tags=[Tags.security])
    with _no_unfinished_database():
        if not bring_tables_up_to_date():
            # As a migration would: what somebody gave to a role by hand is taken away again.
            roles.sync()
        collect_changed_static_files()
        return first_administrator()


@contextmanager
def _no_unfinished_database() -> Iterator[None]:
    """Remove a SQLite database that did not exist before and could not be finished; nobody has used it yet."""
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
            (Path(settings.VAR_DIR) / _TABLES).unlink(missing_ok=True)
            first_password.forget(Path(settings.VAR_DIR))
        if is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from problem
        raise


def bring_tables_up_to_date() -> bool:
    """Migrate, unless the code is as it was when that last came to its end and the database has all of it.

    Whether it was necessary. A migration also brings permissions in step, so any change of the code counts.
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
    """Of every app that is switched on, as the database records them."""
    return {
        (config.label, module.name)
        for config in apps.get_app_configs()
        for module in iter_modules([str(Path(config.path) / "migrations")])
    }


def collect_changed_static_files() -> bool:
    """Collect, hash and compress the static files unless none has changed since; whether it was necessary."""
    stamp, now = Path(settings.VAR_DIR) / _STATIC, _fingerprint(_static_files())
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if manifest.exists() and stamp.exists() and stamp.read_text() == now:
        return False
    # Django takes a file that was cut off for one that is up to date, so nothing of an unfinished collection is kept.
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
    """Of every file's name, size and time of change."""
    digest = hashlib.sha256()
    for name, path in files:
        found = path.stat()
        digest.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def first_administrator() -> Administrator:
    """The administrator; made with a random password when there is none yet. Only the hash of it is kept.

    A password that an earlier start made and did not come to print is replaced by a new one. Raises `OSError`.
    """
    people, folder = User.objects, Path(settings.VAR_DIR)
    try:
        with transaction.atomic():
            existing = people.filter(is_superuser=True, is_active=True).order_by("pk").first()
            if existing and not _is_locked_out(existing, folder):
                return Administrator(existing.get_username(), None)
            password = secrets.token_urlsafe(12)
            admin = existing or people.get_or_create(username=FIRST_ADMINISTRATOR, defaults={"email": ""})[0]
            admin.is_staff = admin.is_superuser = admin.is_active = True
            admin.set_password(password)
            first_password.note_not_shown(folder, admin.password)
            admin.save()
            return Administrator(admin.get_username(), password)
    finally:
        connections.close_all()


def _is_locked_out(administrator: User, folder: Path) -> bool:
    """Whether nobody knows the password: a start made it and ended before it was printed."""
    return administrator.last_login is None and first_password.is_not_shown(folder, administrator.password)
