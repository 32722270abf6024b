"""What must be true before anything is served: tables, static files; and the first administrator."""

import hashlib
import secrets
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles import finders
from django.core.checks import Tags
from django.core.management import BaseCommand, call_command
from django.db import connections, transaction

from orchestrator.supervisor.report import Administrator

FIRST_ADMINISTRATOR = "admin"
_STAMP = "static.stamp"


def prepare() -> Administrator:
    """Look at what the operator set, and bring the database and the static files up to date. Who may sign in.

    Raises `SystemCheckError`, and `django.db.Error` when there is no database.
    """
    BaseCommand().check(tags=[Tags.security])
    call_command("migrate", interactive=False, verbosity=0)
    collect_changed_static_files()
    return first_administrator()


def collect_changed_static_files() -> bool:
    """Collect, hash and compress the static files unless none has changed since; whether it was necessary."""
    stamp, now = Path(settings.VAR_DIR) / _STAMP, _fingerprint()
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if manifest.exists() and stamp.exists() and stamp.read_text() == now:
        return False
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(now)
    return True


def _fingerprint() -> str:
    """Of every static file's name, size and time of change."""
    digest = hashlib.sha256()
    for finder in finders.get_finders():
        for name, storage in finder.list([]):
            found = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def first_administrator() -> Administrator:
    """The administrator; made with a random password when there is none yet. Only the hash of it is kept."""
    people = get_user_model().objects
    try:
        with transaction.atomic():
            existing = people.filter(is_superuser=True, is_active=True).order_by("pk").first()
            if existing:
                return Administrator(existing.get_username(), None)
            password = secrets.token_urlsafe(12)
            made, _ = people.get_or_create(username=FIRST_ADMINISTRATOR, defaults={"email": ""})
            made.is_staff = made.is_superuser = made.is_active = True
            made.set_password(password)
            made.save()
            return Administrator(FIRST_ADMINISTRATOR, password)
    finally:
        connections.close_all()
