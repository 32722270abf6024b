"""Tests of the optional ways to sign in, whose names pytest does not look for: they need settings of their own.

tests/people/test_optional_sign_in.py runs them so, in a process of its own.
"""

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from people.actions import manage_people
from tests.factories import quietly

PASSWORD = "a-long-enough-password-4-tests"


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def maya(db: None) -> User:
    """A viewer with a password."""
    with quietly():
        user = User.objects.create_user("maya@contoso.example", password=PASSWORD)
        manage_people.assign_role(user, "Viewer")
    return user


@pytest.fixture
def sign_in(maya: User) -> Callable[[Client], str]:
    """Name and password at the front door; where it leads."""

    def go(client: Client) -> str:
        answer = client.post(reverse("login"), {"username": maya.username, "password": PASSWORD})
        assert answer.status_code == 302, answer.content.decode()
        return str(answer.headers["Location"])

    return go
