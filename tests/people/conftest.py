"""People with passwords."""

from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from people.actions import manage_people
from tests.factories import make_person, quietly

PASSWORD = "a-long-enough-password-4-tests"
# A browser tells it, and where somebody comes from; without both nobody signed in.
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"


@pytest.fixture
def ann(db: None) -> User:
    """A viewer who can sign in with `PASSWORD`."""
    return with_role("ann", "Viewer")


@pytest.fixture
def admin(db: None) -> User:
    """An administrator who is no superuser."""
    return with_role("adam", "Administrator")


def with_role(name: str, role: str, **more: Any) -> User:
    """Somebody with a role and a password, without events."""
    with quietly():
        user = make_person(name, email=f"{name}@example.com", **more)
        User.objects.filter(pk=user.pk).update(password=make_password(PASSWORD))
        user.refresh_from_db()
        if role:
            manage_people.assign_role(user, role)
    return user


def sign_in(client: Client, name: str, password: str = PASSWORD, *, address: str = "192.0.2.7", **more: Any) -> Any:
    """Post the form as a browser would; the answer of the test client."""
    data = {"username": name, "password": password}
    return client.post(reverse("login"), data, REMOTE_ADDR=address, headers={"user-agent": BROWSER}, **more)
