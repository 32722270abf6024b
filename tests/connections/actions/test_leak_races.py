"""A leak that is declared twice at once, or while the token is being updated, on PostgreSQL at the same moment."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.utils import timezone

from connections.actions import declare_leak, rotate
from connections.actions.rotate import Replacement
from connections.domain.verification import Report
from connections.models import Connection, LeakedToken, Mail
from connections.providers.azure_devops.credentials import PersonalAccessToken
from history.models import Event
from history.record import Actor

pytestmark = pytest.mark.django_db(transaction=True)
Connected = Callable[..., Connection]


def together(*acts: Callable[[], object]) -> None:
    """Run these at the same time; one after the other on a SQLite that lives in memory."""

    def run(act: Callable[[], object]) -> None:
        try:
            act()
        finally:
            database.close()

    with ThreadPoolExecutor(len(acts) if database.vendor == "postgresql" else 1) as pool:
        list(pool.map(run, acts))


def test_two_people_at_once_make_one_declaration(connected: Connected) -> None:
    User.objects.filter(username="maya").update(email="maya@example.com")
    first = connected("One")
    connected("Two")
    key = declare_leak.find_stored(first).key
    both = threading.Barrier(2 if database.vendor == "postgresql" else 1)

    def declare(name: str) -> None:
        both.wait(timeout=10)
        declare_leak.declare_leak(key, by=Actor(name), now=timezone.now())

    together(lambda: declare("ann"), lambda: declare("ben"))
    assert LeakedToken.objects.count() == 1
    assert Event.objects.filter(kind="connection.declared_leaked").count() == 2
    assert Mail.objects.filter(kind="leaked").count() == 1


def test_a_rotation_under_way_leaves_the_new_token_in_use(
    connected: Connected, maintainer: User, token_of: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connected()
    key = declare_leak.find_stored(connection).key
    is_locked = threading.Event()
    store = rotate._store

    def store_slowly(stored: Connection, token: PersonalAccessToken, report: Report) -> None:
        is_locked.set()
        time.sleep(0.5 if database.vendor == "postgresql" else 0)
        store(stored, token, report)

    monkeypatch.setattr(rotate, "_store", store_slowly)

    def update() -> None:
        new = Replacement(PersonalAccessToken(token_of("full-again")), None, "one", accept_limited=True)
        rotate.rotate(connection, new, person=maintainer, by=Actor("ann"), now=timezone.now())

    def declare() -> None:
        is_locked.wait(timeout=10)
        declare_leak.declare_leak(key, by=Actor("ben"), now=timezone.now())

    together(update, declare)
    connection = Connection.objects.get()
    assert connection.problem == ""
    assert LeakedToken.objects.get().connections[0]["replaced"] is True
