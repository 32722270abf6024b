"""New keys for stored tokens: interrupted, repeated, finished; and what a lost key breaks and what not."""

import base64
import io
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from connections.actions import reencrypt
from connections.actions.verify_credential import token_in_use
from connections.models import Connection, NotificationChannel, StoredCredential
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.tasks import audit_due
from core import encryption
from delivery.models import Project, Repository
from tests.factories import StoredCredentialFactory, make_channel, make_leak

ROOT = Path(__file__).resolve().parents[3]
NEW, OLD = (base64.b64encode(bytes(range(begin, begin + 40))).decode() for begin in (40, 140))
SECRETS = [f"{number:04}" * 13 for number in range(5)]


@pytest.fixture
def stored(db: None, settings: Settings) -> list[StoredCredential]:
    """Five tokens sealed with the old key, after which a new one was put in front of it."""
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    tokens = [StoredCredentialFactory.create(secret=secret) for secret in SECRETS]
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    return tokens


def rotate() -> tuple[int, str, str]:
    """The exit code, and what was said on both channels."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("rotate_encryption_keys", stdout=out, stderr=err)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def readable() -> list[str]:
    return [one.reveal().reveal() for one in StoredCredential.objects.order_by("pk")]


def of_the_newest_key() -> int:
    return sum(encryption.is_encrypted_with_newest_key(bytes(one.sealed)) for one in StoredCredential.objects.all())


def test_after_a_rotation_the_old_key_may_go(stored: list[StoredCredential], settings: Settings) -> None:
    assert rotate() == (0, "5 secrets re-encrypted with the newest key; 0 already used it.\n", "")
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert readable() == SECRETS
    assert rotate()[1] == "0 secrets re-encrypted with the newest key; 5 already used it.\n"


def test_progress_is_said(stored: list[StoredCredential], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reencrypt, "REPORT_EVERY", 2)
    assert rotate()[1].splitlines()[:2] == ["2 of 5 secrets", "4 of 5 secrets"]


def test_the_total_has_every_kind_of_secret(
    stored: list[StoredCredential], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_channel("Alerts")
    monkeypatch.setattr(reencrypt, "REPORT_EVERY", 3)
    assert rotate()[1].splitlines()[:2] == ["3 of 6 secrets", "6 of 6 secrets"]


def test_a_token_used_twice_is_recognised_after_a_rotation(stored: list[StoredCredential], settings: Settings) -> None:
    rotate()
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert token_in_use(PersonalAccessToken(SECRETS[3]))
    assert not token_in_use(PersonalAccessToken("z" * 52))


def test_interrupted_half_way_it_loses_nothing_and_goes_on_where_it_was(
    stored: list[StoredCredential], settings: Settings
) -> None:
    seal = encryption.encrypt
    done: list[str] = []

    def until_the_third(token: PersonalAccessToken, *, owner: str) -> bytes:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(owner)
        return seal(token, owner=owner)

    with patch.object(encryption, "encrypt", until_the_third):
        code, _, said = rotate()
    assert (code, said) == (
        130,
        "Interrupted. Every secret is still readable. Run the command again to continue.\n",
    )
    assert of_the_newest_key() == 2
    assert readable() == SECRETS
    assert rotate()[1] == "3 secrets re-encrypted with the newest key; 2 already used it.\n"
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert readable() == SECRETS


def test_a_token_that_somebody_updates_meanwhile_is_left_as_they_made_it(
    stored: list[StoredCredential], settings: Settings
) -> None:
    seal = encryption.encrypt

    def overtaken(token: PersonalAccessToken, *, owner: str) -> bytes:
        newer = seal(PersonalAccessToken("n" * 52), owner=owner)
        StoredCredential.objects.filter(pk=stored[0].pk, connection_id=int(owner.split()[1])).update(sealed=newer)
        return seal(token, owner=owner)

    with patch.object(encryption, "encrypt", overtaken):
        rotate()
    assert readable() == ["n" * 52, *SECRETS[1:]]


def test_a_token_that_no_key_opens_is_named_and_the_others_are_written(
    stored: list[StoredCredential], settings: Settings
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = ["bG9zdC1rZXktbG9zdC1rZXktbG9zdC1rZXktbG9zdC1rZXk="]
    stored[2].seal(PersonalAccessToken(SECRETS[2]))
    stored[2].save()
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    code, out, err = rotate()
    assert code == 1
    assert out == "4 secrets re-encrypted with the newest key; 0 already used it.\n"
    name = stored[2].connection.name
    assert err == f"The token of {name} cannot be decrypted with any of the FIELD_ENCRYPTION_KEYS.\n"


def test_second_factors_that_are_turned_off_keep_the_old_key(stored: list[StoredCredential]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE mfa_authenticator (id int)")
        assert rotate()[0] == 0
        cursor.execute("INSERT INTO mfa_authenticator VALUES (1)")
    code, out, err = rotate()
    assert (code, out) == (1, "0 secrets re-encrypted with the newest key; 5 already used it.\n")
    assert err.startswith("1 second factors are stored, but turned off, so they still need the old keys.")


# A rotation that was killed by the machine: a process of its own, a database of its own, no chance to clean up.
FILL = """
from django.contrib.auth.models import User
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.models import Connection, NotificationChannel, StoredCredential
from tests.factories import ConnectionFactory
owner = User.objects.create(username="olga")
connections = Connection.objects.bulk_create(ConnectionFactory.build_batch(400, owner=owner))
tokens = [StoredCredential(connection=one) for one in connections]
for number, one in enumerate(tokens):
    one.seal(PersonalAccessToken(f"{number:04}" * 13))
StoredCredential.objects.bulk_create(tokens)
"""


class Product:
    """The product's commands on a database of their own."""

    def __init__(self, file: Path, settings: Settings) -> None:
        self._file = file
        self._settings = settings
        self._base = {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": f"sqlite:///{file}"}

    def start(self, keys: str, *words: str) -> "subprocess.Popen[str]":
        environment = os.environ | self._base | {"FIELD_ENCRYPTION_KEYS": keys}
        command = [sys.executable, "-W", "ignore", "manage.py", *words]
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)

    def run(self, keys: str, *words: str) -> str:
        process = self.start(keys, *words)
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        return out

    def tokens(self, *keys: str) -> tuple[int, int]:
        """How many tokens the newest of these keys wrote, and how many different ones can be read with all of them."""
        self._settings.FIELD_ENCRYPTION_KEYS = list(keys)
        with closing(sqlite3.connect(self._file)) as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            rows = file.execute("SELECT connection_id, sealed FROM connections_storedtoken").fetchall()
        found = [StoredCredential(connection_id=pk, sealed=sealed) for pk, sealed in rows]
        newest = sum(encryption.is_encrypted_with_newest_key(bytes(one.sealed)) for one in found)
        return newest, len({one.reveal().reveal() for one in found})


@pytest.fixture
def product(migrated_file: Path, tmp_path: Path, settings: Settings) -> Product:
    made = Product(Path(shutil.copy(migrated_file, tmp_path / "db.sqlite3")), settings)
    made.run(OLD, "shell", "--verbosity", "0", "--command", FILL)
    return made


def test_killed_half_way_every_token_can_be_read_and_the_next_run_finishes(product: Product) -> None:
    keys = f"{NEW},{OLD}"
    process = product.start(keys, "rotate_encryption_keys")
    assert process.stdout is not None
    assert process.stdout.readline() == "100 of 400 secrets\n"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    newest, different = product.tokens(NEW, OLD)
    assert newest >= 100
    assert different == 400
    assert f"{400 - newest} secrets re-encrypted with the newest key" in product.run(keys, "rotate_encryption_keys")
    assert product.tokens(NEW) == (400, 400)


# A lost key.


@pytest.fixture
def lost(connected: Callable[..., Connection], settings: Settings) -> tuple[Connection, Connection]:
    """Two connections: the key of the first is gone."""
    ring = settings.FIELD_ENCRYPTION_KEYS
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    broken = connected("Broken")
    settings.FIELD_ENCRYPTION_KEYS = ring
    return broken, connected("Whole", token="full-again")


def audited(connection: Connection) -> Connection:
    Connection.objects.filter(pk=connection.pk).update(next_check_at=datetime.now(UTC))
    audit_due()
    connection.refresh_from_db()
    return connection


def test_a_lost_key_breaks_only_its_own_connection_with_a_status_that_says_so(
    lost: tuple[Connection, Connection], pages: Client
) -> None:
    broken, whole = map(audited, lost)
    assert (broken.health, broken.problem) == ("rejected", "token_unreadable")
    assert (whole.health, whole.problem) == ("healthy", "")
    page = pages.get(broken.get_absolute_url()).content.decode()
    assert "Stored token cannot be read" in page
    assert "Restore the key in FIELD_ENCRYPTION_KEYS, or update the token of this connection." in page


def repository_of(connection: Connection) -> Repository:
    now = datetime.now(UTC)
    project = Project.objects.create(connection=connection, azure_id="p-1", name="Atlas", seen_at=now)
    return Repository.objects.create(project=project, azure_id="r-1", name="web", added_at=now)


def test_no_page_falls_over_a_lost_key(lost: tuple[Connection, Connection], pages: Client) -> None:
    broken, _ = lost
    of_connection = ["detail", "update-token", "edit", "history", "disconnect", "token-updated"]
    addresses = [reverse(f"connections:{name}", args=[broken.pk]) for name in of_connection]
    addresses += [reverse(name) for name in ("connections:list", "connections:audits", "delivery:repositories")]
    repository = repository_of(broken)
    of_repository = ["repository", "files", "commits", "branches"]
    addresses += [reverse(f"delivery:{name}", args=[repository.pk]) for name in of_repository]
    statuses = Counter(pages.get(address).status_code for address in addresses)
    assert statuses == {200: len(addresses)}
    assert "Broken" in pages.get(reverse("connections:list")).content.decode()


@pytest.mark.parametrize("token", ["full", "no-release"])
def test_the_same_or_another_token_mends_a_connection_whose_key_is_lost(
    lost: tuple[Connection, Connection], pages: Client, token_of: Callable[[str], str], token: str
) -> None:
    broken = audited(lost[0])
    data = {"token": token_of(token), "expires": "90", "token_reach": "one", "accept_limited": "on"}
    pages.post(reverse("connections:update-token", args=[broken.pk]), data)
    broken.refresh_from_db()
    assert broken.health in ("healthy", "limited")
    assert broken.stored_credential.reveal().reveal() == token_of(token)


def test_the_key_brought_back_mends_it_too(lost: tuple[Connection, Connection], settings: Settings) -> None:
    broken = audited(lost[0])
    settings.FIELD_ENCRYPTION_KEYS = [*settings.FIELD_ENCRYPTION_KEYS, OLD]
    assert audited(broken).health == "healthy"


def test_targets_of_channels_get_the_new_key_too_and_unreadable_ones_are_named(db: None, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    channel, lost = make_channel("Alerts", secret="whsec_abc"), make_channel("Lost")
    NotificationChannel.objects.filter(pk=lost.pk).update(sealed=b"unreadable")
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    result = reencrypt.reencrypt_all(progress=lambda *_: None)
    assert (result.resealed, result.unreadable) == (1, ["the target of the channel Lost"])
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    channel.refresh_from_db()
    assert channel.reveal().signing_secret.reveal() == "whsec_abc"


def test_a_leaked_token_that_waits_for_its_proof_is_encrypted_again(stored: list[StoredCredential]) -> None:
    leak = make_leak(stored[0].connection)
    leak.seal(PersonalAccessToken(SECRETS[0]))
    leak.save()
    make_leak(stored[1].connection)
    rotate()
    leak.refresh_from_db()
    assert leak.reveal().reveal() == SECRETS[0]
    assert encryption.is_encrypted_with_newest_key(bytes(leak.sealed))
