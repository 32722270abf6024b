"""Looking for tokens in everything that was written anywhere."""

import base64
import json
import pickle
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core import mail
from django.core.cache import caches
from django.core.management import call_command
from django.db import connection as database
from kombu.transport.memory import Channel

from people.models import Session
from sandbox.server import Sandbox

# A shorter piece of a secret could be anything.
_TELLING = 20


def traces(secret: str) -> list[bytes]:
    """The token, its halves, and its base64 at every alignment a header or a blob could give it."""
    found = [secret.encode(), *(half.encode() for half in (secret[:40], secret[44:]) if len(half) >= _TELLING)]
    # ":" is how Basic authentication writes a token without a user name.
    for prefix in (b"", b":", b"::"):
        whole = base64.b64encode(prefix + secret.encode())
        found.append(whole[4:-4])
    return found


def everything_stored() -> bytes:
    """Every column of every table, as the database itself holds it; on SQLite also the file's very bytes."""
    found = []
    with database.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')  # noqa: S608  (our own table names)
            for row in cursor.fetchall():
                found.append(repr(row).encode())
                found += [bytes(cell) for cell in row if isinstance(cell, (bytes, memoryview))]
    if database.vendor == "sqlite":
        found.append(database.connection.serialize())
    return b"\n".join(found)


def sessions() -> bytes:
    """What stands in every session."""
    return json.dumps([one.get_decoded() for one in Session.objects.all()], default=str).encode()


def remembered() -> bytes:
    """What every cache holds."""
    found = []
    for name in caches:
        for value in caches[name]._cache.values():  # type: ignore[attr-defined]  # Django's cache in memory
            found += [value, repr(pickle.loads(value)).encode()]  # noqa: S301  (what this process put there)
    return b"\n".join(found)


def waiting_tasks() -> bytes:
    """Every message that was left at the broker, as it is sent and with its body opened."""
    found = []
    for queue in Channel.queues.values():
        for message in list(queue.queue):
            found.append(json.dumps(message, default=str).encode())
            found.append(base64.b64decode(message["body"]))
    return b"\n".join(found)


def hits(secrets: dict[str, str], places: dict[str, bytes]) -> set[tuple[str, str]]:
    """Which secret left a trace in which place."""
    return {
        (place, name)
        for name, secret in secrets.items()
        for trace in traces(secret)
        for place, text in places.items()
        if trace in text
    }


def of_answer(answer: Any) -> bytes:
    """All that a browser gets: head, cookies, body."""
    head: str = repr(dict(answer.headers)) + answer.cookies.output()
    body: bytes = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return head.encode() + body


def everywhere(shown: list[bytes], log: Path, sandbox: Sandbox, capfd: pytest.CaptureFixture[str]) -> dict[str, bytes]:
    """All places in which something can be written."""
    dump = StringIO()
    call_command("dumpdata", stdout=dump)
    return {
        "answers": b"\n".join(shown),
        "database": everything_stored(),
        "sessions": sessions(),
        "caches": remembered(),
        "broker": waiting_tasks(),
        "mails": "\n".join(str(one.message()) for one in mail.outbox).encode(),
        "dump": dump.getvalue().encode(),
        "log": log.read_bytes(),
        "sandbox": repr(sandbox.requests).encode(),
        "terminal": "".join(capfd.readouterr()).encode(),
    }
