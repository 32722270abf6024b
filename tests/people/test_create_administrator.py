"""`manage.py create_administrator`: never a default password, never a weak one."""

import re
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from tests.people.conftest import PASSWORD, sign_in

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("create_administrator", *arguments, stdout=out)
    return out.getvalue()


def test_the_password_is_read_from_standard_input(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(PASSWORD + "\n"))
    assert "root is now an administrator." in run("root", "--email", "root@example.com")
    assert sign_in(client, "root").status_code == 302


@pytest.mark.parametrize("weak", ["", "root", "password123", "short"])
def test_a_weak_password_makes_nobody(monkeypatch: pytest.MonkeyPatch, weak: str) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(weak + "\n"))
    with pytest.raises(CommandError):
        run("root")
    assert not User.objects.exists()


def test_a_link_leads_to_where_the_password_is_chosen(client: Client) -> None:
    link = re.search(r"http://127\.0\.0\.1:8000(/password/choose/\S+)", run("root", "--link"))
    assert link is not None
    assert not User.objects.get().has_usable_password()
    assert "Choose a password" in client.get(link[1], follow=True).content.decode()


def test_a_name_that_is_taken_is_refused() -> None:
    run("root", "--link")
    with pytest.raises(CommandError, match="username ROOT is taken"):
        run("ROOT", "--link")
