"""The first administrator, with a password that only the start which made it knows. Only its hash is stored.

A note in VAR_DIR says that the password was not shown yet: when a start ends before that, the next one makes a new
password. The note is written before the account is stored, and removed once the password is on the terminal. It holds
a digest of the stored hash, so that a password which someone has set meanwhile is not replaced.
"""

import hashlib
import secrets
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from orchestrator.private_files import NOT_SHOWN_NOTE, write_whole

USERNAME = "admin"


def first_administrator() -> dict[str, str | None]:
    """Return the username of the administrator. Create one, and return the password too, when there is none yet.

    Raises `OSError`.
    """
    note = Path(settings.VAR_DIR) / NOT_SHOWN_NOTE
    with transaction.atomic():
        existing = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
        if existing and not _is_locked_out(existing, note):
            return {"username": existing.get_username(), "password": None}
        password = secrets.token_urlsafe(12)
        user = existing or User.objects.get_or_create(username=USERNAME, defaults={"email": ""})[0]
        user.is_staff = user.is_superuser = user.is_active = True
        user.set_password(password)
        write_whole(note, _digest(user))
        user.save()
        return {"username": user.get_username(), "password": password}


def _is_locked_out(administrator: User, note: Path) -> bool:
    """Return whether nobody knows the password: a start made it and ended before it was printed."""
    is_noted = note.exists() and note.read_text(encoding="utf-8") == _digest(administrator)
    return is_noted and administrator.last_login is None


def _digest(user: User) -> str:
    return hashlib.sha256(user.password.encode()).hexdigest()
