"""Several processes append and seal at the same time, on each database: no event is lost, sealed twice or left out."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.orchestrator.installation import Installation
from tests.servers.fixtures import execute, named

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("servers")]
APPENDERS, EVENTS = 3, 60
KEPT = APPENDERS * EVENTS * 9 // 10
# Every second event is in a transaction that stays open for a while, and every tenth is rolled back. Nobody passes the
# middle before something was sealed, so that there is sealing amid the appending however slow the machine is.
APPEND = f"""
import time
from django.db import transaction
from django.utils import timezone
from history.models import Seal
from history.record import Actor, Named, record
for number in range({EVENTS}):
    while number == {EVENTS // 2} and not Seal.objects.exists():
        time.sleep(0.005)
    try:
        with transaction.atomic():
            record("connection.tested", Named("connection", 1, "Acme"), by=Actor("x"), at=timezone.now())
            if number % 2:
                time.sleep(0.003)
            if number % 10 == 9:
                raise ValueError
    except ValueError:
        pass
"""
SEAL = f"""
import time
from django.db import OperationalError
from django.utils import timezone
from history.models import Event
from history.sealing import seal_waiting
while Event.objects.count() < {KEPT}:
    try:
        seal_waiting(now=timezone.now())
    except OperationalError as busy:
        print(busy)
    time.sleep(0.005)
"""


def manage(url: str, *arguments: str) -> "subprocess.Popen[str]":
    environment = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings", "LOG_LEVEL": "ERROR"}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def said(process: "subprocess.Popen[str]") -> str:
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out
    return out


def race(url: str) -> None:
    processes = [
        manage(url, "shell", "--verbosity", "0", "--command", code) for code in [APPEND] * APPENDERS + [SEAL] * 2
    ]
    try:
        for process in processes:
            said(process)
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    here = Installation(url)
    sealed, verified = here.run("history", "seal"), here.run("history", "verify", "--json")
    assert (sealed.code, verified.code) == (0, 0), (sealed.err, verified.err)
    found = json.loads(verified.out)
    assert (found["holds"], found["events"], found["unsealed"]) == (True, KEPT, 0)
    assert found["batches"] > 1


def test_on_sqlite(migrated_file: Path, tmp_path: Path) -> None:
    race(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'db.sqlite3')}")


def test_on_postgresql(postgresql_url: str, migrated_postgresql: str) -> None:
    execute(postgresql_url, f"CREATE DATABASE sealing_at_once TEMPLATE {migrated_postgresql}")
    race(named(postgresql_url, "sealing_at_once"))
