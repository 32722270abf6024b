"""Who hands a mail over: one process at a time, for as long as it lives, whatever any clock says.

A lease ends by the wall clock, and that jumps: a machine sleeps, or is set right. So whoever takes a mail also holds
a lock that the system takes back only from the dead.
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
    """Whether nobody else, who lives, has this mail in hand. If so, nobody else has until the block ends."""
    if database.vendor == "postgresql":
        with _alone_on_the_server(f"mail {mail_id}") as alone:
            yield alone
    elif _IN_MEMORY.search(str(database.settings_dict["NAME"])):
        with _alone_in_this_process() as alone:
            yield alone
    else:
        with file_lock(Path(f"{database.settings_dict['NAME']}-outbox")) as alone:
            yield alone


@contextmanager
def _alone_on_the_server(what: str) -> Iterator[bool]:
    # Of the session, not of a transaction, as none may be open while a mail server is waited for.
    # https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
    if not _ask("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", what):
        yield False
        return
    try:
        yield True
    finally:
        # A session that broke has taken its locks along.
        with suppress(DatabaseError):
            _ask("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", what)


def _ask(question: str, what: str) -> bool:
    with database.cursor() as cursor:
        cursor.execute(question, [what])
        (answer,) = cursor.fetchone()
    return bool(answer)


@contextmanager
def file_lock(lock: Path) -> Iterator[bool]:
    """Whether nobody else, who lives, holds the file. One for all mails: SQLite has one writer, too."""
    with lock.open("ab") as file:
        yield _locked(file)


def _locked(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as trouble:
        # Some file systems know no such lock. Then only the lease protects the mail.
        log.warning("%s cannot be locked: %s", file.name, trouble.strerror)
    return True


@contextmanager
def _alone_in_this_process() -> Iterator[bool]:
    """A database in memory is nobody else's."""
    alone = _this_process.acquire(blocking=False)
    try:
        yield alone
    finally:
        if alone:
            _this_process.release()
