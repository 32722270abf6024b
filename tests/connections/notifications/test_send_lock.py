"""A mail is in one process' hands, for as long as that process lives, whatever the clocks say."""

import errno
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from django.core.mail.backends.base import BaseEmailBackend
from django.db import OperationalError
from django.db import connection as database
from pytest_django import Settings

from connections.models import Mail
from connections.notifications import emails, notify, outbox, outbox_rows, send_lock
from tests.connections import mailserver
from tests.connections.mailserver import Inbox

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def inbox(settings: Settings) -> Iterator[Inbox]:
    with mailserver.running() as (inbox, port):
        mailserver.use(settings, port)
        yield inbox


def write() -> Mail:
    people = [notify.Recipient("olga@example.com", "you asked for it")]
    (mail,) = notify.enqueue_mail("test", people, {"outbox_url": ""}, about=[], now=NOW)
    return mail


def in_another_thread(sent: list[int], now: datetime) -> None:
    """One batch, on a connection to the database of its own, as another worker has."""

    def work() -> None:
        try:
            sent.append(outbox.send_due(now=now))
        finally:
            database.close()

    worker = threading.Thread(target=work)
    worker.start()
    worker.join(timeout=30)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(days=-1)], ids=["ahead", "back"])
def test_a_clock_that_jumps_while_a_mail_is_handed_over_sends_it_once(
    inbox: Inbox, caplog: pytest.LogCaptureFixture, jump: timedelta
) -> None:
    write()
    elsewhere: list[int] = []
    hand_over = emails.send_mail

    def jumping(mail: Mail, way: BaseEmailBackend) -> None:
        hand_over(mail, way)
        in_another_thread(elsewhere, NOW + jump)

    with patch.object(emails, "send_mail", jumping):
        assert outbox.send_due(now=NOW) == 1
    assert elsewhere == [0]
    assert outbox.send_due(now=NOW + timedelta(days=2)) == 0
    assert len(inbox.mails) == 1
    assert "may arrive twice" not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_busy_when_a_mail_has_left_is_asked_again(
    inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    write()
    answers = iter([OperationalError("database is locked"), None])
    with patch.object(outbox_rows, "sleep"), patch.object(outbox_rows, "record_mail", side_effect=answers):
        assert outbox.send_due(now=NOW) == 1
    assert outbox.send_due(now=NOW + timedelta(days=1)) == 0
    assert len(inbox.mails) == 1
    assert "could not be marked yet" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_database_that_stays_away_is_not_asked_for_ever(inbox: Inbox, settings: Settings) -> None:
    write()
    settings.MAIL_LEASE_SECONDS = 3
    away = patch.object(outbox_rows, "_mark_once", side_effect=OperationalError("gone"))
    with away as asked, patch.object(outbox_rows, "sleep"), pytest.raises(OperationalError):
        outbox.send_due(now=NOW)
    assert asked.call_count == 4


@pytest.mark.django_db
def test_a_mail_server_that_is_gone_before_it_confirms_is_asked_again_and_the_log_says_so(
    inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    mail = write()
    inbox.vanishes = True
    assert outbox.send_due(now=NOW) == 0
    assert "did not confirm mail" in caplog.text
    inbox.vanishes = False
    assert outbox.send_due(now=NOW + timedelta(hours=1)) == 1
    assert [one["Message-ID"] for one in inbox.mails] == [mail.message_id] * 2


def test_a_file_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with send_lock.file_lock(lock) as first:
        assert first
        with send_lock.file_lock(lock) as second:
            assert not second
    with send_lock.file_lock(lock) as third:
        assert third


def test_a_file_system_without_locks_stops_no_mail(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    no_locks = OSError(errno.ENOLCK, "No locks available")
    with patch("fcntl.flock", side_effect=no_locks), send_lock.file_lock(tmp_path / "l") as alone:
        assert alone
    assert "cannot be locked: No locks available" in caplog.text


HOLDER = """
import sys, time
from pathlib import Path
from connections.notifications import send_lock
with send_lock.file_lock(Path(sys.argv[1])) as alone:
    print(alone, flush=True)
    time.sleep(60)
"""


def test_a_killed_process_holds_no_file(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDER, str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "True"
        with send_lock.file_lock(lock) as alone:
            assert not alone
        holder.kill()
        holder.wait(timeout=10)
    with send_lock.file_lock(lock) as alone:
        assert alone
