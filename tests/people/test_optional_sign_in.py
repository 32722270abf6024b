"""The optional ways to sign in are off by default, and are tested where they are on."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import NoReverseMatch, reverse

from orchestrator import bootstrap, sign_in_settings
from orchestrator.environment import Environment
from tests.sign_in.provider import CLIENT, SECRET, TENANT

ROOT = Path(__file__).resolve().parents[2]
ON = {"SECOND_FACTOR": "1", "ENTRA_TENANT_ID": TENANT, "ENTRA_CLIENT_ID": CLIENT, "ENTRA_CLIENT_SECRET": SECRET}


def test_both_are_off_by_default(client: Client, db: None) -> None:
    assert (settings.SECOND_FACTOR, settings.ENTRA) == (False, False)
    assert not apps.is_installed("allauth")
    with pytest.raises(NoReverseMatch):
        reverse("mfa_index")
    assert "Microsoft" not in client.get(reverse("login")).content.decode()


def test_they_hold_what_they_promise_where_they_are_on() -> None:
    files = [f"tests/sign_in/{name}.py" for name in ("second_factor", "entra")]
    command = [sys.executable, "-m", "pytest", "-n0", *files]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        command, cwd=ROOT, env=environment | ON, capture_output=True, text=True, check=False, timeout=300
    )
    passed = re.search(r"(\d+) passed", done.stdout)
    assert done.returncode == 0, done.stdout[-6000:]
    assert passed, done.stdout[-500:]
    assert int(passed[1]) > 30


@pytest.mark.parametrize("tenant", ["common", "organizations", "Consumers"])
def test_a_tenant_of_anybody_is_refused(monkeypatch: pytest.MonkeyPatch, tenant: str) -> None:
    for name, value in (ON | {"ENTRA_TENANT_ID": tenant}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match="which accepts any tenant"):
        sign_in_settings.read(Environment())


def test_without_the_package_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECOND_FACTOR", "1")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ImproperlyConfigured, match=re.escape(sign_in_settings.INSTALL)):
        sign_in_settings.read(Environment())


def test_the_sentence_names_a_set_whose_lock_brings_the_package() -> None:
    which = sign_in_settings.INSTALL.rpartition(" ")[2]
    assert which in bootstrap.SETS
    assert "\ndjango-allauth" in bootstrap.lock_of(ROOT, which).read_text()
