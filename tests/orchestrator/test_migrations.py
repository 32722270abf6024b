"""Every migration can be taken back: to nothing, and forward to the same tables again."""

import json
import shutil
from pathlib import Path

import pytest

from tests.orchestrator.installation import Installation

pytestmark = pytest.mark.xdist_group("storage")
# Migrations that cannot be taken back, each with why. A new one that cannot belongs here, and into docs/operating.md.
IRREVERSIBLE: dict[str, str] = {}

THERE_AND_BACK = """
import json
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

def schema():
    with connection.cursor() as cursor:
        rows = cursor.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2")
        return rows.fetchall()

loader = MigrationLoader(None)
stuck = {f"{label}.{name}": type(step).__name__ for (label, name), one in loader.disk_migrations.items()
         for step in one.operations if not step.reversible}
before = schema()
labels = sorted({label for label, _ in loader.disk_migrations})
if not stuck:
    for label in labels:
        call_command("migrate", label, "zero", verbosity=0, interactive=False)
left = [name for kind, name, _ in schema() if kind == "table" and name != "django_migrations"]
call_command("migrate", verbosity=0, interactive=False)
print(json.dumps({"stuck": stuck, "left": left, "same": schema() == before, "labels": labels}))
"""


def test_every_app_goes_back_to_nothing_and_forward_again(migrated_file: Path, tmp_path: Path) -> None:
    product = Installation(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'db.sqlite3')}")
    found = json.loads(product.shell(THERE_AND_BACK))
    assert found["stuck"].keys() == IRREVERSIBLE.keys()
    assert found["left"] == []
    assert found["same"]
    assert {"api", "connections", "delivery", "history", "people", "throttling", "orchestrator"} <= set(found["labels"])


OF_AN_EARLIER_RELEASE = """
from datetime import UTC, datetime
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from core import encryption
from core.secrets import Secret

def migrated(name):
    executor = MigrationExecutor(connection)
    executor.migrate([("connections", name)])
    return MigrationExecutor(connection).loader.project_state([("connections", name)]).apps

apps = migrated("0017_standard_names")
owner = User.objects.create_user("maya")
then = datetime(2026, 11, 1, tzinfo=UTC)
made = apps.get_model("connections", "Connection").objects.create(
    name="Acme", server="Azure", organization="acme", organization_id="1", identity_id="2", identity_name="Maya",
    owner_id=owner.pk, token_set_at=then, health_since=then, next_check_at=then, created_at=then)
apps.get_model("connections", "StoredToken").objects.create(
    connection=made, sealed=encryption.encrypt(Secret("a" * 52), owner=f"connection {made.pk}"), fingerprint="f")
"""
REVEALED = """
import json
from connections.models import StoredCredential
stored = StoredCredential.objects.get()
print(json.dumps([stored.kind, stored.reveal().reveal(), stored.fingerprint, stored.connection.provider]))
"""


def test_a_token_of_an_earlier_release_is_a_credential_of_azure_devops(migrated_file: Path, tmp_path: Path) -> None:
    product = Installation(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'db.sqlite3')}")
    product.shell(OF_AN_EARLIER_RELEASE)
    assert product.run("migrate", "--verbosity", "0").code == 0
    assert json.loads(product.shell(REVEALED)) == ["personal_access_token", "a" * 52, "f", "azure_devops"]
