"""Without a mail server mails go to a folder, each as a file that mail programs open; nothing says they were sent."""

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from connections.models import Connection, Mail
from connections.notifications import notify, outbox
from tests.connections import mailserver
from tests.connections.commands import Ran
from tests.factories import ConnectionFactory

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BACKENDS = ["connections.notifications.mail_folder.FolderBackend", "django.core.mail.backends.filebased.EmailBackend"]
pytestmark = pytest.mark.django_db


@pytest.fixture(params=BACKENDS)
def folder(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Path:
    settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH = request.param, tmp_path / "var" / "mail"
    return tmp_path / "var" / "mail"


def write(*addresses: str) -> list[Mail]:
    connection = Connection.objects.first() or ConnectionFactory.create(name="Söhne", health="rejected")
    people = [notify.Recipient(address, "you own this connection") for address in addresses]
    context = notify.facts(connection) | {"problem": None}
    return notify.enqueue_mail("rejected", people, context, about=[connection], now=NOW)


def test_each_mail_is_a_file_of_its_own_that_a_mail_program_opens(folder: Path) -> None:
    mails = write("olga@example.com", "team@example.com", "olga@example.com")
    assert outbox.send_due(now=NOW) == 3
    files = list(folder.iterdir())
    assert [file.suffix for file in files] == [".eml"] * 3
    opened: list[Any] = [message_from_bytes(file.read_bytes(), policy=default) for file in files]
    assert {message["Message-ID"] for message in opened} == {mail.message_id for mail in mails}
    for message in opened:
        assert isinstance(message, EmailMessage)
        assert not message.defects
        assert "Söhne" in message["Subject"]
        texts = {part.get_content_type(): part.get_content() for part in message.iter_parts()}
        assert "Söhne" in texts["text/plain"]
        assert texts["text/html"].rstrip().endswith("</html>")


def test_lines_end_as_in_every_mail(folder: Path) -> None:
    write("olga@example.com")
    outbox.send_due(now=NOW)
    (file,) = folder.iterdir()
    content = file.read_bytes()
    assert content.count(b"\n") == content.count(b"\r\n") > 10


def test_an_address_that_is_no_file_name_gets_one(folder: Path) -> None:
    write("../../etc/o'brien@example.com", f"{'x' * 60}@{'y' * 60}.example.com")
    assert outbox.send_due(now=NOW) == 2
    assert len(list(folder.iterdir())) == 2


def test_a_folder_that_cannot_be_made_gives_nothing_up_and_is_said(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    (mail,) = write("olga@example.com")
    assert outbox.send_due(now=NOW) == 0
    mail.refresh_from_db()
    assert "NotADirectoryError" in mail.last_error
    assert mail.refused_since is None


def test_half_a_mail_is_never_in_the_folder(folder: Path) -> None:
    write("olga@example.com")
    with patch.object(Path, "rename", side_effect=OSError("No space left on device")):
        assert outbox.send_due(now=NOW) == 0
    assert list(folder.iterdir()) == []


def test_djangos_own_test_mail_is_such_a_file_too(settings: Settings, folder: Path) -> None:
    settings.EMAIL_BACKEND = BACKENDS[0]
    call_command("sendtestemail", "olga@example.com")
    assert [file.suffix for file in folder.iterdir()] == [".eml"]


@pytest.fixture
def admin(client: Client, admin_user: User) -> Client:
    client.force_login(admin_user)
    return client


def pages(client: Client) -> list[str]:
    mail = Mail.objects.get()
    connection = mail.connection
    assert connection is not None
    addresses = [
        reverse("connections:outbox"),
        reverse("connections:mail", args=[mail.pk]),
        reverse("connections:history", args=[connection.pk]),
        reverse("history:all"),
        connection.get_absolute_url(),
    ]
    # A filter may offer what no mail has become.
    return [re.sub(r"<option.*?</option>", "", client.get(address).content.decode()) for address in addresses]


@pytest.mark.parametrize("is_handed_over", [False, True])
def test_no_page_says_sent_where_only_a_folder_gets_mails(admin: Client, folder: Path, is_handed_over: bool) -> None:
    write("olga@example.com")
    if is_handed_over:
        outbox.send_due(now=NOW)
    shown = pages(admin)
    assert [page for page in shown if re.search(r"\bsent\b(?! yet)", page, re.IGNORECASE)] == []
    assert ["Saved to a folder" in page for page in shown[:2]] == [is_handed_over] * 2
    assert ("Mail saved to a folder" in shown[2]) is is_handed_over


def test_a_test_mail_says_that_nobody_gets_it(admin: Client, admin_user: User, folder: Path) -> None:
    with patch("connections.views.common.enqueue"):
        page = admin.post(reverse("connections:test-mail"), follow=True).content.decode()
    assert f"The test mail to {admin_user.email} goes to the folder {folder} instead." in page
    assert "has been sent" not in page
    mail = Mail.objects.get()
    assert "Mail works" not in mail.text + mail.html
    assert str(folder) in mail.text


def test_the_command_sends_nothing_where_only_a_folder_gets_mails(folder: Path) -> None:
    write("olga@example.com")
    ran = Ran("remind", "--send", "--json")
    assert (ran.code, ran.json["mails_sent"], ran.json["mails_only_written"]) == (1, 0, 1)
    write("team@example.com")
    assert f"0 sent (1 only written to the folder {folder})" in Ran("remind", "--send").out


def test_what_went_to_a_folder_once_is_not_sent_when_a_mail_server_is_set_up(
    admin: Client, settings: Settings, folder: Path
) -> None:
    write("olga@example.com")
    outbox.send_due(now=NOW)
    with mailserver.running() as (_, port):
        mailserver.use(settings, port)
        write("team@example.com")
        outbox.send_due(now=NOW)
        page = admin.get(reverse("connections:outbox")).content.decode()
    assert (page.count("chip tone-warn"), page.count("chip tone-good")) == (1, 1)
    states = {state: admin.get(reverse("connections:outbox"), {"state": state}) for state in ("sent", "in-a-folder")}
    assert [states[state].context["page"].object_list[0].recipient for state in states] == [
        "team@example.com",
        "olga@example.com",
    ]
