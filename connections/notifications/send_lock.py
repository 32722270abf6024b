"""Per-mail send lock, so that two workers never send the same mail at the same time.

A lease expires by the clock, which jumps when a machine sleeps or its time is corrected. This lock ends only with its
process or database session.
"""

import fcntl
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from django.db import DatabaseError
from django.db import connection as database

log = logging.getLogger(__name__)
_IN_MEMORY = re.compile(r":memory:|[?&]mode=memory")
_this_process = Lock()


@contextmanager
def mail_lock(mail_id: int) -> Iterator[bool]:
    """Try to lock the mail for the block; yields whether this process got the lock."""
    if database.vendor == "postgresql":
        with _session_lock(f"mail {mail_id}") as is_ours:
            yield is_ours
    elif _IN_MEMORY.search(str(database.settings_dict["NAME"])):
        with _process_lock() as is_ours:
            yield is_ours
    else:
        with file_lock(Path(f"{database.settings_dict['NAME']}-outbox")) as is_ours:
            yield is_ours


@contextmanager
def _session_lock(name: str) -> Iterator[bool]:
    # A session lock, because no transaction may be open while waiting for a mail server.
    # https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
    if not _select("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", name):
        yield False
        return
    try:
        yield True
    finally:
        # A broken session has already released its locks.
        with suppress(DatabaseError):
            _select("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", name)


def _select(query: str, name: str) -> bool:
    with database.cursor() as cursor:
        cursor.execute(query, [name])
        (answer,) = cursor.fetchone()
    return bool(answer)


@contextmanager
def file_lock(lock: Path) -> Iterator[bool]:
    """Try to lock the file for the block; yields whether it worked. All mails share it, as SQLite has one writer."""
    with lock.open("ab") as file:
        yield _locked(file)


def _locked(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        # Some file systems do not support locks. Then only the lease protects the mail.
        log.warning("%s cannot be locked: %s", file.name, error.strerror)
    return True


@contextmanager
def _process_lock() -> Iterator[bool]:
    """For an in-memory database, which only this process uses."""
    is_ours = _this_process.acquire(blocking=False)
    try:
        yield is_ours
    finally:
        if is_ours:
            _this_process.release()
