"""The disk fills up, becomes read-only, or somebody holds the database: a clear page, and nothing half-written.

Each is really done, on a disk of its own; the product is a process that has only that disk for its database.
"""

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.needs import need
from tests.orchestrator.installation import Installation

pytestmark = pytest.mark.xdist_group("storage")
SIZE = 16 * 1024 * 1024

# What every script here begins with: an administrator's browser, and what an answer came to.
BROWSER = """
import json, os, sqlite3, subprocess, sys
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test import Client
from history.models import Event
root, _ = User.objects.get_or_create(username="root", defaults={"is_superuser": True, "is_staff": True})
browser = Client(raise_request_exception=False, SERVER_NAME="localhost")
browser.force_login(root)
seen = []
def add(name):
    answer = browser.post("/people/add/", {"username": name, "email": name + "@example.com", "role": "Viewer"})
    page = answer.content.decode()
    connections.close_all()
    seen.append([answer.status_code, page.partition("<h1>")[2].partition("</h1>")[0],
                 answer.headers["X-Request-ID"] in page, answer.headers.get("Retry-After")])
def kept(name):
    person = User.objects.filter(username=name).first()
    about = Event.objects.filter(subject_kind="person", subject_name__in=[name]).count()
    return [person is not None, bool(person and person.groups.count()), about > 0]
"""


@pytest.fixture
def disk(tmp_path: Path, migrated_file: Path) -> Iterator[Path]:
    """A disk of its own with the database on it."""
    need(found=os.getuid() == 0, lacking="The right to mount a disk", remedy="run the tests as root")
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", place], check=True)
    try:
        shutil.copy(migrated_file, place / "db.sqlite3")
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def told(product: Installation, script: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(product.shell(BROWSER + script).splitlines()[-1])
    return found


FILL_UP = """
add("before")
filler = open(FILLER, "wb", buffering=0)
try:
    while True:
        filler.write(b"x" * 4096)
except OSError:
    pass
add("during")
alive = browser.get("/healthz").status_code
filler.close()
os.unlink(FILLER)
kept_during = kept("during")
add("during")
print(json.dumps({"seen": seen, "kept": [kept("before"), kept_during, kept("during")], "alive": alive}))
"""


def test_a_full_disk(disk: Path) -> None:
    found = told(Installation(f"sqlite:///{disk}/db.sqlite3"), f"FILLER = {str(disk / 'filler')!r}" + FILL_UP)
    assert found["seen"] == [
        [200, "before", False, None],
        [503, "The disk is full", True, "30"],
        [200, "during", False, None],
    ]
    assert found["kept"] == [[True, True, True], [False, False, False], [True, True, True]]
    assert found["alive"] == 200


READ_ONLY = """
add("before")
def remount(how):
    connections.close_all()
    subprocess.run(["mount", "-o", "remount," + how, DISK], check=True)
remount("ro")
add("during")
remount("rw")
kept_during = kept("during")
add("during")
print(json.dumps({"seen": seen, "kept": [kept("before"), kept_during, kept("during")]}))
"""


def test_a_disk_that_becomes_read_only(disk: Path) -> None:
    found = told(Installation(f"sqlite:///{disk}/db.sqlite3"), f"DISK = {str(disk)!r}" + READ_ONLY)
    assert found["seen"] == [
        [200, "before", False, None],
        [503, "The database is read-only", True, "30"],
        [200, "during", False, None],
    ]
    assert found["kept"] == [[True, True, True], [False, False, False], [True, True, True]]


LOCKED = """
holder = sqlite3.connect(settings.DATABASES["default"]["NAME"], isolation_level=None)
holder.execute("BEGIN IMMEDIATE")
add("during")
looked = browser.get("/people/").status_code
holder.execute("ROLLBACK")
kept_during = kept("during")
add("during")
print(json.dumps({"seen": seen, "kept": [kept_during, kept("during")], "others": [looked]}))
"""


def test_a_database_that_somebody_holds(migrated_file: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(migrated_file, tmp_path / "db.sqlite3"))
    found = told(Installation(f"sqlite:///{path}?timeout=1"), LOCKED)
    assert found["seen"] == [[503, "The database is busy", True, "30"], [200, "during", False, None]]
    assert found["kept"] == [[False, False, False], [True, True, True]]
    assert found["others"] == [200]


# The database runs out of pages at each point of connecting in turn.
RUN_OUT = """
from sandbox.samples import SAMPLES
from sandbox.server import Sandbox
from connections.models import CapabilityState, Connection, StoredCredential
token = {sample.name: sample.secret for sample in SAMPLES}["full"]
form = {"organization": "acme", "expires": "90", "token_reach": "one", "token": token}
found = set()
def pages():
    with connection.cursor() as cursor:
        return cursor.execute("PRAGMA page_count").fetchone()[0]
def limit(count):
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA max_page_count = {count}")
with Sandbox() as running:
    settings.AZURE_DEVOPS_SERVERS, settings.TESTS_PER_PERSON = "Sandbox=" + running.url + " kind=sandbox", 0
    for number in range(48):
        name, spare = f"Connection {number}", number % 3
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")
        limit(pages() + spare)
        status = browser.post("/code-repositories/add/azure-devops/", form | {"name": name}).status_code
        limit(1_000_000)
        made = Connection.objects.filter(name=name).first()
        if made is None:
            found.add((status, 0, 0, 0, Event.objects.filter(subject_name=name).count()))
        else:
            of = {"connection": made}
            found.add((status, 1, StoredCredential.objects.filter(**of).count(),
                       CapabilityState.objects.filter(**of).count(), Event.objects.filter(subject_name=name).count()))
print(json.dumps({"found": sorted(found)}))
"""


def test_wherever_room_runs_out_a_connection_is_made_wholly_or_not_at_all(migrated_file: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(migrated_file, tmp_path / "db.sqlite3"))
    found = told(Installation(f"sqlite:///{path}"), RUN_OUT)["found"]
    whole = [302, 1, 1, 8, 1]
    assert found == [whole, [503, 0, 0, 0, 0]]
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
