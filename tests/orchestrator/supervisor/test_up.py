"""What `manage.py up` does before anything is started; tests/product shows the rest."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.supervisor.up import up


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """`up` hides what the product writes from other users; tests that follow have their own way."""
    before = os.umask(0o077)
    os.umask(before)
    yield
    os.umask(before)


def test_it_loads_neither_django_nor_celery_nor_a_client_of_the_broker(tmp_path: Path) -> None:
    # They take longer to load than everything else, and the person who waits for the first page would wait twice.
    listed = f"""
import sys, pathlib, orchestrator.supervisor.up
from orchestrator import embedded_broker
folder = pathlib.Path({str(tmp_path)!r})
print(embedded_broker.command(folder)[0], embedded_broker.answers_at(folder))
print({{'django.db', 'celery', 'redis', 'valkey', 'asyncio'}} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True)
    found, loaded = done.stdout.splitlines()
    assert found.endswith("valkey-server False")
    assert loaded == "set()"


def test_a_setting_that_cannot_be_read_ends_it_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    monkeypatch.setenv("WEB_PORT", "http")
    with pytest.raises(SystemExit) as ended:
        up(tmp_path)
    assert ended.value.code == "WEB_PORT contains “http”, which is not a number."
