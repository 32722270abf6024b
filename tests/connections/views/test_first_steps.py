"""The checklist of first steps."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from connections.views.first_steps import first_steps
from history.record import COMMAND_LINE, Named, record
from tests.factories import ConnectionFactory, make_person

pytestmark = pytest.mark.django_db
LIST = "/code-repositories/"


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("ada")


def to_do(user: User, *, has_connections: bool = True) -> list[str]:
    return [step.label for step in first_steps(user, has_connections=has_connections) if not step.is_done]


def test_each_step_is_ticked_when_it_is_done(admin: User, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "connections.notifications.mail_folder.FolderBackend"
    assert to_do(admin, has_connections=False) == [
        "Set up mail",
        "Add your mail address",
        "Connect the first organization",
        "Make a backup",
    ]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    admin.email = "ada@example.com"
    record("backup.made", Named("product", 0, "MFE Orchestrator"), by=COMMAND_LINE, at=timezone.now())
    assert to_do(admin) == []


def test_the_list_shows_it_to_administrators_alone(client: Client, admin: User) -> None:
    ConnectionFactory()
    client.force_login(admin)
    page = client.get(LIST).content.decode()
    assert "First steps" in page
    assert "python manage.py backup FILE" in page
    client.force_login(make_person("eve", "connections.view_connection"))
    assert "First steps" not in client.get(LIST).content.decode()
