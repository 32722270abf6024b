"""What the tests of backups fill a database with, and what they look for afterwards."""

import sqlite3
from pathlib import Path

from tests.orchestrator.installation import Installation

WORDS = "what is in the database now is lost"
SECRETS = ["a" * 52, "b" * 52]
FILL = f"""
from datetime import UTC, datetime
from django.contrib.auth.models import User
from django.test import Client
from history.record import Actor, Named, record
from history.sealing import seal_waiting
from tests.factories import ConnectionFactory, StoredCredentialFactory
for number, secret in enumerate({SECRETS}):
    StoredCredentialFactory(secret=secret, connection=ConnectionFactory(name=f"Connection {{number}}"))
for number in range(20):
    record("connection.tested", Named("connection", 1, "x"), by=Actor("x"), at=datetime(2026, 11, 24, tzinfo=UTC))
seal_waiting(now=datetime(2026, 11, 24, 0, 1, tzinfo=UTC))
Client().force_login(User.objects.get(username="owner"))
"""
LOOK = """
import json
from connections.models import StoredCredential
from history.models import Event
from people.models import Session
tokens = [one.reveal().reveal() for one in StoredCredential.objects.order_by("pk")]
events = [one.kind for one in Event.objects.order_by("pk")]
print(json.dumps([tokens, events.count("connection.tested"), Session.objects.count(), events[-1]]))
"""
FILLED = [SECRETS, 20, 1, "connection.tested"]
# Everybody is signed out, and the history says that it was restored.
RESTORED = [SECRETS, 20, 0, "backup.restored"]


def newest_event(database: Path) -> str:
    """The kind of the newest event in a database of SQLite."""
    with sqlite3.connect(database) as one:
        return str(one.execute("SELECT kind FROM history_event ORDER BY id DESC LIMIT 1").fetchone()[0])


def fill(product: Installation) -> None:
    """Two tokens, twenty sealed events, one signed-in browser."""
    product.shell(FILL)
