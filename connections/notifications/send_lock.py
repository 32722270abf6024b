"""Per-mail send lock, so that two workers never send the same mail at the same time.

A lease ends by a clock, and clocks jump: a machine sleeps, or is set right. This lock ends only with its process, or
with the session of the database, and then the lease still holds the mail.
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
    """Whether no living process has the mail's lock. If so, this one has it until the block ends."""
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
    # Of the session, not of a transaction, as none may be open while a mail server is waited for.
    # https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
    if not _select("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", name):
        yield False
        return
    try:
        yield True
    finally:
        # A session that broke has taken its locks along.
        with suppress(DatabaseError):
            _select("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", name)


def _select(query: str, name: str) -> bool:
    with database.cursor() as cursor:
        cursor.execute(query, [name])
        (answer,) = cursor.fetchone()
    return bool(answer)


@contextmanager
def file_lock(lock: Path) -> Iterator[bool]:
    """Whether no living process has locked the file. It is one for all mails: SQLite has one writer, too."""
    with lock.open("ab") as file:
        yield _locked(file)


def _locked(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        # Some file systems know no such lock. Then only the lease protects the mail.
        log.warning("%s cannot be locked: %s", file.name, error.strerror)
    return True


@contextmanager
def _process_lock() -> Iterator[bool]:
    """A database in memory belongs to this process alone."""
    is_ours = _this_process.acquire(blocking=False)
    try:
        yield is_ours
    finally:
        if is_ours:
            _this_process.release()
