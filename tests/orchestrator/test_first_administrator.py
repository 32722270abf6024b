"""The first administrator has a password that only the start which made it knows."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from orchestrator.first_administrator import first_administrator
from orchestrator.private_files import NOT_SHOWN_NOTE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path


def test_one_is_made_with_a_password_that_only_this_start_knows() -> None:
    password = first_administrator()["password"]
    assert password
    assert len(password) >= 16
    user = User.objects.get(username="admin")
    assert user.check_password(password)
    assert password not in user.password
    assert user.is_superuser


def test_a_password_that_was_printed_stays(folder: Path) -> None:
    first_administrator()
    (folder / NOT_SHOWN_NOTE).unlink()
    assert first_administrator()["password"] is None


def test_a_password_that_was_never_printed_is_replaced(folder: Path) -> None:
    lost = first_administrator()["password"]
    made = first_administrator()["password"]
    assert made
    assert made != lost
    assert User.objects.get(username="admin").check_password(made)
    (folder / NOT_SHOWN_NOTE).unlink()
    assert first_administrator()["password"] is None


def test_a_password_that_somebody_set_meanwhile_stays() -> None:
    first_administrator()
    admin = User.objects.get(username="admin")
    admin.set_password("chosen by hand 4711")
    admin.save()
    assert first_administrator()["password"] is None


def test_the_password_of_somebody_who_has_signed_in_stays() -> None:
    first_administrator()
    User.objects.update(last_login=datetime(2026, 11, 28, tzinfo=UTC))
    assert first_administrator()["password"] is None


def test_an_administrator_of_another_name_is_enough() -> None:
    User.objects.create_superuser("maya", password=None)
    assert first_administrator()["username"] == "maya"
    assert not User.objects.filter(username="admin").exists()


def test_an_inactive_one_is_not() -> None:
    User.objects.create_superuser("maya", password=None, is_active=False)
    assert first_administrator()["password"]
